//! Plain bytes that later ones repeat: what Snappy and LZ4 have in common.

use super::Head;

/// The plain bytes so far. Once they are as many as may be, no byte is added.
#[derive(Debug)]
pub(super) struct Window {
    bytes: Vec<u8>,
    max_bytes: usize,
    /// The first byte that may be repeated.
    start: usize,
}

/// What became of bytes that were added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    All,
    /// There was no room for all of them.
    Cut,
}

impl Window {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { bytes: Vec::new(), max_bytes, start: 0 }
    }

    /// Makes room for bytes that are announced, of which `input_len` compressed ones may make so many.
    pub(super) fn reserve(&mut self, announced: usize, input_len: usize) {
        let possible = announced.min(input_len.saturating_mul(EXPECTED_RATIO));
        self.bytes.reserve_exact(possible.min(self.room()));
    }

    /// What was added so far cannot be repeated by what follows.
    pub(super) fn forget(&mut self) {
        self.start = self.bytes.len();
    }

    pub(super) fn literal(&mut self, bytes: &[u8]) -> Added {
        let kept = bytes.get(..self.room()).unwrap_or(bytes);
        self.bytes.extend_from_slice(kept);
        if kept.len() < bytes.len() { Added::Cut } else { Added::All }
    }

    /// Adds `len` bytes, each the one that stands `offset` before it. None if there is no such byte.
    pub(super) fn repeat(&mut self, offset: usize, len: usize) -> Option<Added> {
        let known = self.bytes.len() - self.start;
        if offset == 0 || offset > known {
            return None;
        }
        let kept = len.min(self.room());
        let first = self.bytes.len() - offset;
        let mut left = kept;
        while left > 0 {
            // The distance to the first byte doubles each time.
            let run = left.min(self.bytes.len() - first);
            self.bytes.extend_from_within(first..first + run);
            left -= run;
        }
        Some(if kept < len { Added::Cut } else { Added::All })
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The plain bytes; none if there are none but should be.
    pub(super) fn into_head(self, is_whole: bool) -> Option<Head> {
        (is_whole || !self.bytes.is_empty()).then_some(Head { bytes: self.bytes, is_whole })
    }

    fn room(&self) -> usize {
        self.max_bytes.saturating_sub(self.bytes.len())
    }
}

/// What is reserved at most for each compressed byte: what repeats itself more gets its room as it comes.
const EXPECTED_RATIO: usize = 24;
