//! Several frames of a capture file at once, as many as are at hand.

use df_core::InterfaceId;

use super::Format;
use super::record::Record;
use crate::Frame;

/// Frames that lie in the file's buffer together, in order. See [`PcapFile::next_frames`](super::PcapFile::next_frames).
#[derive(Clone, Copy)]
pub struct Frames<'a> {
    pub(super) records: &'a [PlacedRecord],
    pub(super) bytes: &'a [u8],
    pub(super) format: &'a Format,
}

/// A record and where in the buffer it begins.
pub(super) struct PlacedRecord {
    pub(super) record: Record,
    pub(super) start: usize,
}

impl<'a> Frames<'a> {
    /// The frames.
    pub fn iter(self) -> impl Iterator<Item = Frame<'a>> {
        self.records.iter().map(move |placed| {
            let end = placed.start.saturating_add(placed.record.total_len);
            placed.record.frame(self.bytes.get(placed.start..end).unwrap_or_default())
        })
    }

    /// How many there are; at least one.
    pub const fn len(self) -> usize {
        self.records.len()
    }

    /// Whether there are none, which never is.
    pub const fn is_empty(self) -> bool {
        self.records.is_empty()
    }

    /// The name of an interface, where the file gives one (pcapng only).
    pub fn interface_name(self, interface: InterfaceId) -> Option<&'a str> {
        self.format.interface_name(interface)
    }
}

impl std::fmt::Debug for Frames<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Frames").field("len", &self.records.len()).finish_non_exhaustive()
    }
}

/// How many frames are given at once.
pub(super) const MAX_FRAMES: usize = 128;
