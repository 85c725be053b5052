//! A refillable window over a stream of bytes, so that records are read in place.

use std::io::{self, Read};

/// How much is read at once. Large enough that system calls do not count, small enough to stay in the L2 cache of
/// most processors with what the rest of the pipeline needs.
const READ_BYTES: usize = 256 << 10;

/// The bytes of a stream around the current position.
pub(super) struct StreamBuffer {
    reader: Box<dyn Read + Send>,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
    is_exhausted: bool,
    /// Whether bytes stay where they are, so that no more can come.
    is_held: bool,
}

impl StreamBuffer {
    pub(super) fn new(reader: Box<dyn Read + Send>) -> Self {
        Self {
            reader,
            bytes: vec![0; READ_BYTES],
            start: 0,
            end: 0,
            offset: 0,
            is_exhausted: false,
            is_held: false,
        }
    }

    /// The bytes at hand, from the current position on.
    #[inline]
    pub(super) fn available(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Everything in the buffer, what was consumed included.
    pub(super) fn all(&self) -> &[u8] {
        &self.bytes
    }

    /// Where in [`all`](Self::all) the current position is; it stays valid while the buffer is held.
    pub(super) const fn start(&self) -> usize {
        self.start
    }

    /// From now on nothing is read and nothing moves, until [`release`](Self::release).
    pub(super) const fn hold(&mut self) {
        self.is_held = true;
    }

    pub(super) const fn release(&mut self) {
        self.is_held = false;
    }

    /// How many bytes of the stream are before the current position.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Moves past `count` bytes at hand and gives them.
    #[inline]
    pub(super) fn consume(&mut self, count: usize) -> &[u8] {
        let from = self.start;
        let to = from.saturating_add(count).min(self.end);
        self.start = to;
        self.offset = self.offset.saturating_add(to.saturating_sub(from) as u64);
        self.bytes.get(from..to).unwrap_or_default()
    }

    /// Reads until `count` bytes are at hand; false when the stream ends before, or the buffer is held. Memory grows only with bytes that
    /// really arrive, so a record that claims a huge length costs nothing.
    pub(super) fn require(&mut self, count: usize) -> io::Result<bool> {
        while self.available().len() < count {
            if self.is_exhausted || self.is_held {
                return Ok(false);
            }
            self.make_room();
            self.read_more()?;
        }
        Ok(true)
    }

    fn make_room(&mut self) {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.bytes.len() {
            self.bytes.resize(self.bytes.len().saturating_mul(2), 0);
        }
    }

    fn read_more(&mut self) -> io::Result<()> {
        let Some(space) = self.bytes.get_mut(self.end..) else { return Ok(()) };
        match self.reader.read(space) {
            Ok(0) => self.is_exhausted = true,
            Ok(count) => self.end = self.end.saturating_add(count).min(self.bytes.len()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                self.is_exhausted = true;
                return Err(error);
            }
        }
        Ok(())
    }
}
