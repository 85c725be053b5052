//! Header blocks: one HEADERS or PUSH_PROMISE frame and the CONTINUATION frames behind it.

use super::wire::{self, FrameHeader};

/// A header block of which more is to come.
#[derive(Debug)]
pub(super) struct OpenBlock {
    pub(super) head: BlockHead,
    pub(super) bytes: Vec<u8>,
}

/// What is known of a block beside its fields.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockHead {
    pub(super) stream: u32,
    /// The stream that the server promises.
    pub(super) promised: Option<u32>,
    pub(super) ends_stream: bool,
    /// Whether part of it is missing.
    pub(super) is_cut: bool,
    /// The length of its frames.
    pub(super) wire_bytes: u64,
}

impl BlockHead {
    pub(super) fn new(header: FrameHeader, promised: Option<u32>, is_cut: bool) -> Self {
        Self {
            stream: header.stream,
            promised,
            ends_stream: header.kind == wire::HEADERS && header.has(wire::END_STREAM),
            is_cut,
            wire_bytes: wire_bytes(header),
        }
    }

    /// The stream whose message this is.
    pub(super) fn id(&self) -> u32 {
        self.promised.unwrap_or(self.stream)
    }
}

impl OpenBlock {
    /// Adds a fragment. What exceeds `max_bytes` is missing.
    pub(super) fn extend(&mut self, header: FrameHeader, fragment: &[u8], max_bytes: usize) {
        let room = max_bytes.saturating_sub(self.bytes.len());
        self.head.is_cut |= fragment.len() > room || fragment.len() < header.payload_len;
        self.head.wire_bytes = self.head.wire_bytes.saturating_add(wire_bytes(header));
        self.bytes.extend_from_slice(fragment.get(..room).unwrap_or(fragment));
    }
}

/// The length of a frame.
pub(super) fn wire_bytes(header: FrameHeader) -> u64 {
    u64::try_from(header.len()).unwrap_or(u64::MAX)
}
