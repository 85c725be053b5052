//! The bytes of one direction that wait for their parser, and where and when they were seen.

use df_core::{CausalId, Chunk, Timestamp};

/// One direction of a byte stream.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// Bytes that the parser has seen but could not use yet. None, and then without memory, almost always.
    held: Option<Box<Held>>,
    /// The offset of the first byte not consumed: the buffer's first byte, if there is one.
    offset: u64,
    /// How many of the bytes to come are to be thrown away.
    skip: u64,
    /// How many bytes the parser needs before it is worth asking again.
    pub(crate) needed: usize,
    /// The first byte of the message of which parts were consumed.
    pub(crate) message_start: Option<Mark>,
    /// Whether the parser must find the start of a message before it goes on.
    pub(crate) is_searching: bool,
    /// Whether any chunk was seen.
    has_begun: bool,
}

#[derive(Debug, Default)]
struct Held {
    bytes: Vec<u8>,
    /// Where the bytes came from, oldest first.
    marks: Vec<Mark>,
}

/// A byte's place in its stream, and when and where on the wire it was seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) offset: u64,
    pub(crate) timestamp: Timestamp,
    pub(crate) sequence_number: Option<u32>,
    pub(crate) causal_id: Option<CausalId>,
}

impl Mark {
    pub(crate) const fn of(chunk: &Chunk<'_>) -> Self {
        let Chunk { offset, timestamp, sequence_number, causal_id, .. } = *chunk;
        Self { offset, timestamp, sequence_number, causal_id }
    }

    /// The mark of a later byte of the same chunk.
    #[allow(clippy::cast_possible_truncation, reason = "TCP sequence numbers count modulo 2^32")]
    fn moved_to(self, offset: u64) -> Self {
        let distance = offset.wrapping_sub(self.offset);
        let sequence_number = self.sequence_number.map(|number| number.wrapping_add(distance as u32));
        Self { offset, sequence_number, ..self }
    }
}

impl Stream {
    /// A stream of which everything before `offset` was consumed.
    pub(crate) fn at(offset: u64) -> Self {
        Self { offset, has_begun: true, ..Self::default() }
    }

    /// Whether the offset is all there is to remember.
    pub(crate) const fn is_at_rest(&self) -> bool {
        self.held.is_none() && self.skip == 0 && self.message_start.is_none() && !self.is_searching
    }

    /// The offset; none if no chunk was seen.
    pub(crate) fn begun_offset(&self) -> Option<u64> {
        self.has_begun.then_some(self.offset)
    }

    /// Prepares for `chunk`: what is missing before it, and the part of it that is new.
    pub(crate) fn accept<'a>(&mut self, chunk: &Chunk<'a>) -> (u64, Chunk<'a>) {
        let expected = self.end_offset();
        if !self.has_begun {
            self.has_begun = true;
            self.offset = chunk.offset;
            return (0, *chunk);
        }
        if chunk.offset >= expected {
            return (chunk.offset - expected, *chunk);
        }
        (0, without_front(chunk, expected - chunk.offset))
    }

    /// The offset after the last byte known.
    pub(crate) fn end_offset(&self) -> u64 {
        self.offset.saturating_add(self.buffered_len() as u64)
    }

    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Throws away what is to be skipped from the front of `chunk`.
    pub(crate) fn skip_front<'a>(&mut self, chunk: &Chunk<'a>) -> Chunk<'a> {
        if self.skip == 0 {
            return *chunk;
        }
        let skipped = self.skip.min(chunk.bytes.len() as u64);
        self.skip -= skipped;
        self.offset += skipped;
        without_front(chunk, skipped)
    }

    /// Accounts for `missing` bytes that will never come. Gives how many of them were not to be skipped anyway.
    pub(crate) fn skip_missing(&mut self, missing: u64) -> u64 {
        let skipped = self.skip.min(missing);
        self.skip -= skipped;
        self.offset = self.offset.saturating_add(missing);
        missing - skipped
    }

    /// Consumes from the front of unbuffered bytes. What reaches beyond `available` is skipped as it comes.
    pub(crate) fn consume_unbuffered(&mut self, consumed: usize, available: usize) {
        self.offset += consumed.min(available) as u64;
        self.skip = self.skip.saturating_add(consumed.saturating_sub(available) as u64);
    }

    /// Consumes from the front of the buffer. What reaches beyond it is skipped as it comes.
    pub(crate) fn consume_buffered(&mut self, consumed: usize) {
        let available = self.buffered_len();
        self.consume_unbuffered(consumed, available);
        if consumed >= available {
            self.held = None;
        }
        if let Some(held) = &mut self.held {
            held.bytes.drain(..consumed);
            let first = held.marks.iter().rposition(|mark| mark.offset <= self.offset).unwrap_or(0);
            held.marks.drain(..first);
        }
    }

    /// Keeps the front of `bytes`, as much as `limit` allows in all. Gives how many bytes were kept.
    pub(crate) fn buffer(&mut self, bytes: &[u8], mark: Mark, limit: usize) -> usize {
        let room = limit.saturating_sub(self.buffered_len());
        let kept = bytes.get(..room).unwrap_or(bytes);
        if kept.is_empty() {
            return 0;
        }
        let end = self.end_offset();
        let held = self.held.get_or_insert_default();
        if held.marks.len() < MAX_MARKS {
            held.marks.push(mark.moved_to(end));
        }
        held.bytes.extend_from_slice(kept);
        kept.len()
    }

    /// Takes the buffered bytes out, to be given back with [`restore`](Self::restore).
    pub(crate) fn take_buffer(&mut self) -> Vec<u8> {
        self.held.as_mut().map(|held| std::mem::take(&mut held.bytes)).unwrap_or_default()
    }

    pub(crate) fn restore(&mut self, buffer: Vec<u8>) {
        if let Some(held) = &mut self.held {
            held.bytes = buffer;
        }
    }

    pub(crate) fn buffered_len(&self) -> usize {
        self.held.as_ref().map_or(0, |held| held.bytes.len())
    }

    /// Where and when the byte at `offset` was seen, given the mark of the chunk at hand.
    pub(crate) fn locate(&self, offset: u64, current: Mark) -> Mark {
        if current.offset <= offset {
            return current.moved_to(offset);
        }
        let marks = self.held.as_ref().map(|held| held.marks.as_slice()).unwrap_or_default();
        let mark = marks.iter().rev().find(|mark| mark.offset <= offset);
        mark.map_or(current, |mark| mark.moved_to(offset))
    }

    pub(crate) fn last_mark(&self) -> Option<Mark> {
        self.held.as_ref().and_then(|held| held.marks.last().copied())
    }
}

fn without_front<'a>(chunk: &Chunk<'a>, len: u64) -> Chunk<'a> {
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let moved = Mark::of(chunk).moved_to(chunk.offset.saturating_add(len as u64));
    let mut rest = Chunk::new(
        chunk.direction,
        chunk.timestamp,
        moved.offset,
        chunk.bytes.get(len..).unwrap_or_default(),
    )
    .with_original_len(chunk.original_len.saturating_sub(len));
    rest.sequence_number = moved.sequence_number;
    rest.causal_id = chunk.causal_id;
    rest
}

/// How many chunks of one buffered message keep their own time.
const MAX_MARKS: usize = 64;
