//! Where a frame lies in the buffer and what its record says of it.

use df_core::{InterfaceId, Timestamp};

use crate::{Frame, FrameDirection, LinkType};

/// One packet record, described without borrowing it.
pub(super) struct Record {
    pub(super) timestamp: Timestamp,
    pub(super) interface: InterfaceId,
    pub(super) link_type: LinkType,
    /// Bytes of the record before the frame.
    pub(super) header_len: usize,
    /// Bytes of the frame.
    pub(super) captured_len: usize,
    /// Bytes of the whole record, padding and options included.
    pub(super) total_len: usize,
    /// What the record says of the frame's length on the wire.
    pub(super) original_len: u32,
    pub(super) direction: Option<FrameDirection>,
}

impl Record {
    /// The frame inside the record's bytes.
    #[inline]
    pub(super) fn frame<'a>(&self, record: &'a [u8]) -> Frame<'a> {
        let end = self.header_len.saturating_add(self.captured_len);
        let bytes = record.get(self.header_len..end).unwrap_or_default();
        Frame::new(self.timestamp, self.link_type, bytes)
            .with_interface(self.interface)
            .with_original_len(self.original_len)
            .with_direction(self.direction)
    }
}
