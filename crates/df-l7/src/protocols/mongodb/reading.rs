//! One message on its way: where the reader stands in its documents, and what it knows by now.

use super::bson::{self, Element, LENGTH_BYTES, Next};
use super::reply::ReplyFacts;
use super::request::RequestFacts;
use super::wire::{FLAG_CHECKSUM, HEADER_BYTES, Header};
use crate::ConnectionConfig;

mod prefix;

use prefix::{Prefix, Start};

/// A message that is being read. However long it is, this is all that is kept of it.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) header: Header,
    /// How many bytes of the message were not read yet.
    left: usize,
    place: Place,
    /// How many bytes at the start of the next input were read before. They are left in the connection's buffer, so that
    /// the reader is asked what to do when no more come.
    pub(super) ahead: usize,
    /// OP_MSG's flags.
    pub(super) flags: u32,
    pub(super) facts: Facts,
}

/// What a message is about.
#[derive(Debug)]
pub(super) enum Facts {
    Request(RequestFacts),
    Reply(ReplyFacts),
}

#[derive(Debug)]
enum Place {
    /// Behind the header.
    Prefix,
    /// Before a section of OP_MSG.
    Section,
    /// In a document.
    Document(Levels),
    /// What follows is of no interest.
    End,
}

/// How far the reader came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// All that is told is known. The message is this long, from the start of the input; it may reach beyond it.
    Done { consumed: usize },
    /// So many bytes were read, perhaps more than there are; behind them it takes `needed` more to go on.
    Waiting { consumed: usize, needed: usize },
}

/// What to do next.
enum Move {
    Over(usize),
    Need(usize),
    End,
}

/// The documents around the reader's place, the outermost first.
#[derive(Debug, Default)]
pub(super) struct Levels {
    levels: [Level; MAX_LEVELS],
    depth: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Level {
    kind: LevelKind,
    /// How many bytes of the document were not read yet.
    left: usize,
}

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum LevelKind {
    /// A command or a reply.
    #[default]
    Body,
    /// A reply's cursor.
    Cursor,
    /// The documents of a cursor's batch.
    Batch,
    /// What failed of a bulk write.
    WriteErrors,
}

impl Reading {
    /// A message of which the header was seen.
    pub(super) fn new(header: Header, is_request: bool) -> Self {
        let facts = if is_request {
            Facts::Request(RequestFacts::new(header.opcode))
        } else {
            Facts::Reply(ReplyFacts::default())
        };
        let left = header.message_len - HEADER_BYTES;
        Self { header, left, place: Place::Prefix, ahead: 0, flags: 0, facts }
    }

    /// Reads on. The bytes are those behind what was read before, none of which comes again.
    pub(super) fn read(&mut self, bytes: &[u8], config: &ConnectionConfig) -> Step {
        let mut position = 0_usize;
        loop {
            // Where the bytes end before what was passed over does, the place itself may tell that nothing follows.
            let rest = bytes.get(position..).unwrap_or_default();
            match self.step(rest, config) {
                Move::Over(len) if len <= self.left => {
                    self.left -= len;
                    position += len;
                }
                Move::Need(needed) if needed <= self.left => {
                    return Step::Waiting { consumed: position, needed };
                }
                Move::Over(_) | Move::Need(_) | Move::End => {
                    return Step::Done { consumed: position.saturating_add(self.left) };
                }
            }
        }
    }

    /// Whether it is known what is asked, or how it went.
    pub(super) const fn is_telling(&self) -> bool {
        match &self.facts {
            Facts::Request(facts) => facts.is_telling(),
            Facts::Reply(facts) => facts.is_telling(),
        }
    }

    /// How many bytes of the message were not read yet.
    pub(super) const fn left(&self) -> usize {
        self.left
    }

    fn step(&mut self, bytes: &[u8], config: &ConnectionConfig) -> Move {
        match &mut self.place {
            Place::Prefix => self.read_prefix(bytes),
            Place::Section => self.read_section(bytes),
            Place::Document(levels) => levels.step(bytes, &mut self.facts, config),
            Place::End => Move::End,
        }
    }

    fn read_prefix(&mut self, bytes: &[u8]) -> Move {
        let Prefix { len, start } = match prefix::read(self.header.opcode, bytes, &mut self.facts) {
            Ok(prefix) => prefix,
            Err(prefix::Trouble::NeedMore(needed)) => return Move::Need(needed),
            Err(prefix::Trouble::Malformed) => return Move::End,
        };
        self.place = match start {
            Start::Sections { flags } => {
                self.flags = flags;
                Place::Section
            }
            Start::Document { len } => Place::Document(Levels::of_document(len)),
            Start::Nothing => Place::End,
        };
        Move::Over(len)
    }

    /// `kind: 1 byte | document`, or `kind | length: 4 | name | 0 | document...`
    fn read_section(&mut self, bytes: &[u8]) -> Move {
        let checksum_bytes = if self.flags & FLAG_CHECKSUM == 0 { 0 } else { 4 };
        if self.left <= checksum_bytes {
            return Move::End;
        }
        let Some((kind, section)) = bytes.split_first() else { return Move::Need(1) };
        let Some(len) = bson::document_len(section) else { return Move::Need(1 + LENGTH_BYTES) };
        match kind {
            0 if len >= bson::MIN_DOCUMENT_BYTES => {
                self.place = Place::Document(Levels::of_document(len));
                Move::Over(1 + LENGTH_BYTES)
            }
            1 if len >= LENGTH_BYTES => Move::Over(1 + len),
            _ => Move::End,
        }
    }
}

impl Levels {
    /// At the first element of a document of this length.
    fn of_document(len: usize) -> Self {
        let mut levels = Self::default();
        levels.enter(LevelKind::Body, len);
        levels
    }

    fn enter(&mut self, kind: LevelKind, document_len: usize) -> bool {
        let Some(level) = self.levels.get_mut(self.depth) else { return false };
        *level = Level { kind, left: document_len.saturating_sub(LENGTH_BYTES) };
        self.depth += 1;
        true
    }

    /// Reads one element.
    fn step(&mut self, bytes: &[u8], facts: &mut Facts, config: &ConnectionConfig) -> Move {
        let Some(top) = self.depth.checked_sub(1) else { return Move::End };
        let Some(level) = self.levels.get_mut(top) else { return Move::End };
        let element = match bson::next(bytes) {
            Next::Element(element) if element.total_len() <= level.left => element,
            Next::End => {
                self.depth = top;
                facts.leave(level.kind);
                return if top == 0 { Move::End } else { Move::Over(1) };
            }
            Next::NeedMore(needed) if needed <= level.left => return Move::Need(needed),
            Next::Element(_) | Next::NeedMore(_) | Next::Malformed => return Move::End,
        };
        let kind = level.kind;
        if let Some(inner) = facts.enters(kind, &element) {
            level.left -= element.total_len();
            if self.enter(inner, element.value_len) {
                return Move::Over(element.head_len + LENGTH_BYTES);
            }
            return Move::End;
        }
        let wanted = facts.wanted_bytes(kind, &element).min(element.value_len);
        let Some(value) = element.value.get(..wanted) else { return Move::Need(element.head_len + wanted) };
        level.left -= element.total_len();
        facts.take(kind, &Element { value, ..element }, config);
        Move::Over(element.total_len())
    }
}

impl Facts {
    /// What kind of document the element is, if its elements are to be read one by one.
    fn enters(&mut self, kind: LevelKind, element: &Element<'_>) -> Option<LevelKind> {
        if element.value_len < bson::MIN_DOCUMENT_BYTES {
            return None;
        }
        match self {
            Self::Request(facts) => facts.is_wrapping(element).then_some(LevelKind::Body),
            Self::Reply(facts) => facts.enters(kind, element),
        }
    }

    /// How many bytes of the element's value are worth waiting for.
    fn wanted_bytes(&self, kind: LevelKind, element: &Element<'_>) -> usize {
        match self {
            Self::Request(facts) => facts.wanted_bytes(element),
            Self::Reply(facts) => facts.wanted_bytes(kind, element),
        }
    }

    fn take(&mut self, kind: LevelKind, element: &Element<'_>, config: &ConnectionConfig) {
        match self {
            Self::Request(facts) => facts.take(element, config),
            Self::Reply(facts) => facts.take(kind, element, config),
        }
    }

    fn leave(&mut self, kind: LevelKind) {
        if let Self::Reply(facts) = self {
            facts.leave(kind);
        }
    }
}

/// How deep documents are read.
const MAX_LEVELS: usize = 3;
