//! Consecutive bytes of one direction of one connection.

use crate::{CausalId, Direction, Timestamp};

/// Consecutive bytes of one direction of one connection, whatever observed them: a TCP segment in order, a UDP
/// datagram, a system call or a TLS record in plain text.
///
/// Bytes can be missing in two ways, and they differ. *Truncation* is bytes known to be cut from the end of this very
/// chunk (a snap length, a cap per system call): `original_len` is larger than `bytes.len()`. *Loss* is a jump of
/// `offset` past the [`end_offset`](Self::end_offset) of the chunk before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chunk<'a> {
    /// Which way the bytes travel.
    pub direction: Direction,
    /// When they were seen.
    pub timestamp: Timestamp,
    /// Where in this direction's stream the first byte stands, counted from the first byte ever seen. For
    /// datagrams it counts the bytes of the datagrams before.
    pub offset: u64,
    /// The bytes themselves.
    pub bytes: &'a [u8],
    /// How many bytes there were before truncation; at least `bytes.len()`.
    pub original_len: usize,
    /// TCP sequence number of the first byte, where there is one; on a Unix socket how many bytes went before it since the
    /// connection was made, where that was seen.
    pub sequence_number: Option<u32>,
    /// Joins them with what their process received before or sends after, where that was seen.
    pub causal_id: Option<CausalId>,
}

impl<'a> Chunk<'a> {
    /// A chunk that is not truncated and has no TCP sequence number.
    pub const fn new(direction: Direction, timestamp: Timestamp, offset: u64, bytes: &'a [u8]) -> Self {
        Self {
            direction,
            timestamp,
            offset,
            bytes,
            original_len: bytes.len(),
            sequence_number: None,
            causal_id: None,
        }
    }

    /// Says how many bytes there were before truncation. Values below `bytes.len()` are raised to it.
    pub const fn with_original_len(mut self, original_len: usize) -> Self {
        self.original_len = if original_len < self.bytes.len() { self.bytes.len() } else { original_len };
        self
    }

    /// Gives the TCP sequence number of the first byte.
    pub const fn with_sequence_number(mut self, sequence_number: u32) -> Self {
        self.sequence_number = Some(sequence_number);
        self
    }

    /// Gives the causal id of the call that moved the bytes.
    pub const fn with_causal_id(mut self, causal_id: Option<CausalId>) -> Self {
        self.causal_id = causal_id;
        self
    }

    /// How many bytes were cut from the end.
    pub const fn missing(&self) -> usize {
        self.original_len.saturating_sub(self.bytes.len())
    }

    /// The offset of the byte after this chunk, truncated bytes included.
    pub const fn end_offset(&self) -> u64 {
        self.offset.saturating_add(self.original_len as u64)
    }
}
