//! A connection whose protocol is not known yet.

use df_core::{CausalId, Chunk, Direction, Timestamp, Transport};

use crate::protocols::PROTOCOLS;
use crate::{Confidence, ConnectionConfig, Detection, Match, Protocol, ProtocolRow};

/// What was seen of a connection whose protocol is not known yet. Empty until bytes come that may be several things.
#[derive(Debug, Default)]
pub(crate) struct Detecting {
    unknown_bytes: u64,
    /// Chunks that a parser will want, in the order of their arrival.
    held: Vec<HeldChunk>,
    /// Matches that need a second proof, one per turn of the conversation.
    weak: Vec<WeakMatch>,
    /// The direction of the newest chunk, and how often it has changed.
    turn: (Option<Direction>, u32),
    /// How many chunks of each direction fitted no protocol.
    strangers: [u8; 2],
    /// Whether the protocol, whatever it is, begins with the first bytes: then there is no second try.
    is_at_start: bool,
    /// What the server was last found to speak: a second proof.
    pub(crate) expected: Option<Protocol>,
}

/// What detection may know beside the bytes.
pub(crate) struct Question<'a> {
    pub(crate) transport: Transport,
    /// The ports of the believed client and server.
    pub(crate) ports: [u16; 2],
    pub(crate) config: &'a ConnectionConfig,
}

pub(crate) enum Verdict {
    Undecided { unknown_bytes: u64 },
    Unknown { unknown_bytes: u64 },
    Known(Known),
}

pub(crate) struct Known {
    pub(crate) row: &'static ProtocolRow,
    pub(crate) reversed: bool,
    /// Per direction, as the protocol knows them: whether bytes were passed over, so that the next ones may stand
    /// anywhere in a message.
    pub(crate) searching: [bool; 2],
}

#[derive(Debug)]
pub(crate) struct HeldChunk {
    direction: Direction,
    timestamp: Timestamp,
    offset: u64,
    bytes: Vec<u8>,
    original_len: usize,
    sequence_number: Option<u32>,
    causal_id: Option<CausalId>,
}

#[derive(Debug, Clone, Copy)]
struct WeakMatch {
    turn: u32,
    protocol: Protocol,
    found: Match,
}

impl WeakMatch {
    /// Whether the end that speaks in `turn` said this: the ends take turns.
    const fn is_of_same_end(&self, turn: u32) -> bool {
        self.turn % 2 == turn % 2
    }
}

enum Answer {
    Match(&'static ProtocolRow, Match),
    NeedMore,
    NoMatch,
}

impl Detecting {
    /// Another protocol has just left the connection.
    pub(crate) fn at_start() -> Self {
        Self { is_at_start: true, ..Self::default() }
    }

    /// Whether no bytes were seen.
    pub(crate) fn is_new(&self) -> bool {
        self.turn.0.is_none() && self.held.is_empty() && self.weak.is_empty() && !self.is_at_start
    }

    pub(crate) fn handle_chunk(&mut self, chunk: &Chunk<'_>, question: &Question<'_>) -> Verdict {
        if chunk.bytes.is_empty() {
            return Verdict::Undecided { unknown_bytes: 0 };
        }
        if self.turn.0 != Some(chunk.direction) {
            self.turn = (Some(chunk.direction), self.turn.1.saturating_add(1));
        }
        let joined = self.joined(chunk);
        let mut answer = ask(chunk.direction, joined.as_deref().unwrap_or(chunk.bytes), question);
        if joined.is_some() && !self.is_at_start && matches!(answer, Answer::NoMatch) {
            // What is held was a false lead (a keep-alive probe, a handshake of yet another protocol): here a protocol
            // may begin.
            self.unknown_bytes += self.drop_held(chunk.direction);
            answer = ask(chunk.direction, chunk.bytes, question);
        }
        // What grows within a turn is judged anew with every chunk.
        let turn = self.turn.1;
        self.weak.retain(|weak| weak.turn != turn);
        match answer {
            Answer::Match(row, found)
                if self.is_proven(row, found, question)
                    || !self.is_contradicted(row) && is_repeated(chunk, joined.is_some(), row, question) =>
            {
                Verdict::Known(self.known(row, found, chunk.direction))
            }
            Answer::Match(row, found) => {
                if self.weak.len() >= MAX_WEAK_MATCHES {
                    self.weak.remove(0);
                }
                self.weak.push(WeakMatch { turn, protocol: row.protocol, found });
                self.hold(chunk, question.config)
            }
            Answer::NeedMore => self.hold(chunk, question.config),
            Answer::NoMatch => self.pass_over(chunk, question.config),
        }
    }

    /// The chunks held until now, for the parser.
    pub(crate) fn take_held(&mut self) -> Vec<HeldChunk> {
        std::mem::take(&mut self.held)
    }

    /// How many bytes turned out to be of no known protocol since this was asked last, besides those that verdicts
    /// tell.
    pub(crate) fn take_unknown_bytes(&mut self) -> u64 {
        std::mem::take(&mut self.unknown_bytes)
    }

    /// Lets go of what is held. Gives how many bytes that were.
    pub(crate) fn release(&mut self) -> u64 {
        let bytes = self.buffered_bytes();
        self.held = Vec::new();
        bytes
    }

    pub(crate) fn buffered_bytes(&self) -> u64 {
        self.held.iter().map(|held| held.bytes.len() as u64).sum()
    }

    fn is_proven(&self, row: &ProtocolRow, found: Match, question: &Question<'_>) -> bool {
        let server_port = question.ports[usize::from(!found.reversed)];
        let is_hint = |found: Match| found.confidence == Confidence::Hint;
        let agrees = |weak: &WeakMatch| {
            weak.protocol == row.protocol
                && weak.found.reversed == found.reversed
                && !(is_hint(weak.found) && is_hint(found) && weak.is_of_same_end(self.turn.1))
        };
        let seen_before = self.weak.iter().any(agrees) && !self.is_contradicted(row);
        found.confidence == Confidence::Certain
            || row.ports.contains(&server_port)
            || self.expected == Some(row.protocol)
            || seen_before
    }

    /// Whether what the other end says looks like another protocol: `+OK` is an answer in more than one.
    fn is_contradicted(&self, row: &ProtocolRow) -> bool {
        self.weak.iter().any(|weak| {
            weak.protocol != row.protocol
                && weak.found.confidence != Confidence::Hint
                && !weak.is_of_same_end(self.turn.1)
        })
    }

    fn known(&mut self, row: &'static ProtocolRow, found: Match, direction: Direction) -> Known {
        let mut searching = self.strangers.map(|count| count > 0);
        searching[direction.index()] = false;
        if found.reversed {
            searching.swap(0, 1);
        }
        Known { row, reversed: found.reversed, searching }
    }

    /// The bytes held of this chunk's direction with the chunk's own, if any are held and nothing is missing.
    fn joined(&mut self, chunk: &Chunk<'_>) -> Option<Vec<u8>> {
        let held = || self.held.iter().filter(|held| held.direction == chunk.direction);
        let last = held().next_back()?;
        if last.offset + last.original_len as u64 != chunk.offset || last.original_len != last.bytes.len() {
            return None;
        }
        let mut joined: Vec<u8> = held().flat_map(|held| held.bytes.iter().copied()).collect();
        joined.extend_from_slice(chunk.bytes);
        Some(joined)
    }

    fn hold(&mut self, chunk: &Chunk<'_>, config: &ConnectionConfig) -> Verdict {
        let held_bytes: usize = self.held.iter().map(|held| held.bytes.len()).sum();
        let limit = config.max_buffered_bytes.min(MAX_HELD_BYTES);
        let is_full = self.held.len() >= MAX_HELD_CHUNKS;
        let limit = if is_full { limit.min(MAX_BYTES_OF_SMALL_CHUNKS) } else { limit };
        if held_bytes + chunk.bytes.len() > limit {
            return self.pass_over(chunk, config);
        }
        if let Some(last) = self.held.last_mut().filter(|last| is_full && last.goes_on_with(chunk)) {
            // Later bytes have the time of the last chunk that has one of its own.
            last.bytes.extend_from_slice(chunk.bytes);
            last.original_len += chunk.original_len;
            return Verdict::Undecided { unknown_bytes: 0 };
        }
        if self.held.len() >= 2 * MAX_HELD_CHUNKS {
            return self.pass_over(chunk, config);
        }
        self.held.push(HeldChunk {
            direction: chunk.direction,
            timestamp: chunk.timestamp,
            offset: chunk.offset,
            bytes: chunk.bytes.to_vec(),
            original_len: chunk.original_len,
            sequence_number: chunk.sequence_number,
            causal_id: chunk.causal_id,
        });
        Verdict::Undecided { unknown_bytes: 0 }
    }

    /// Forgets the chunks held of one direction. Gives how many bytes they have.
    fn drop_held(&mut self, direction: Direction) -> u64 {
        let mut dropped_bytes = 0;
        self.held.retain(|held| {
            let is_kept = held.direction != direction;
            dropped_bytes += if is_kept { 0 } else { held.bytes.len() as u64 };
            is_kept
        });
        dropped_bytes
    }

    fn pass_over(&mut self, chunk: &Chunk<'_>, config: &ConnectionConfig) -> Verdict {
        let unknown_bytes = chunk.bytes.len() as u64 + self.drop_held(chunk.direction);
        let strangers = &mut self.strangers[chunk.direction.index()];
        *strangers = strangers.saturating_add(1);
        let is_hopeless = self.is_at_start
            || self.strangers.iter().all(|count| *count >= config.max_detection_chunks)
            || self.strangers.iter().any(|count| *count >= config.max_detection_chunks.saturating_mul(4));
        if is_hopeless { Verdict::Unknown { unknown_bytes } } else { Verdict::Undecided { unknown_bytes } }
    }
}

impl HeldChunk {
    /// Whether `chunk` is what comes next in the same direction.
    fn goes_on_with(&self, chunk: &Chunk<'_>) -> bool {
        self.direction == chunk.direction
            && self.original_len == self.bytes.len()
            && self.offset + self.original_len as u64 == chunk.offset
    }

    pub(crate) fn as_chunk(&self) -> Chunk<'_> {
        let chunk = Chunk::new(self.direction, self.timestamp, self.offset, &self.bytes)
            .with_original_len(self.original_len)
            .with_causal_id(self.causal_id);
        match self.sequence_number {
            Some(number) => chunk.with_sequence_number(number),
            None => chunk,
        }
    }
}

/// Whether a chunk behind others that matched matches by itself: then it is a second message.
fn is_repeated(chunk: &Chunk<'_>, has_more_before: bool, row: &ProtocolRow, question: &Question<'_>) -> bool {
    let answer = (row.detect)(question.transport, chunk.direction, chunk.bytes);
    has_more_before && matches!(answer, Detection::Match(found) if found.confidence != Confidence::Hint)
}

/// Asks every protocol in the table, and then the caller's own. A certain match wins at once; else the first of the
/// surest; else whether any may be.
fn ask(direction: Direction, bytes: &[u8], question: &Question<'_>) -> Answer {
    let mut answer = Answer::NoMatch;
    for row in PROTOCOLS.iter().chain(question.config.custom_protocols.iter().copied()) {
        if !row.transports.contains(&question.transport)
            || question.config.disabled_protocols.contains(&row.protocol)
        {
            continue;
        }
        match (row.detect)(question.transport, direction, bytes) {
            Detection::Match(found) if found.confidence == Confidence::Certain => {
                return Answer::Match(row, found);
            }
            Detection::Match(found) if !matches!(answer, Answer::Match(_, other) if other.confidence >= found.confidence) =>
            {
                answer = Answer::Match(row, found);
            }
            Detection::NeedMore if matches!(answer, Answer::NoMatch) => answer = Answer::NeedMore,
            Detection::Match(_) | Detection::NeedMore | Detection::NoMatch => {}
        }
    }
    answer
}

/// The most bytes held of a connection whose protocol is not known.
const MAX_HELD_BYTES: usize = 16_384;
/// So many chunks of a connection whose protocol is not known keep their own time; at most twice as many are held.
const MAX_HELD_CHUNKS: usize = 64;
/// The most bytes held that come in more chunks than that: everything held is judged anew with every chunk.
const MAX_BYTES_OF_SMALL_CHUNKS: usize = 4_096;
/// How many turns of the conversation are remembered for a second proof.
const MAX_WEAK_MATCHES: usize = 4;
