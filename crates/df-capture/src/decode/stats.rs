//! Counts what became of frames.

use df_core::Packet;

use super::error::{DecodeError, DecodeErrorReason};

/// What became of the frames given to [`decode`](crate::decode).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DecodeStats {
    /// Frames that decoded to a packet.
    pub packets: u64,
    /// Frames cut before the end of their transport header.
    pub truncated: u64,
    /// Frames with a malformed header.
    pub malformed: u64,
    /// Fragments of IP packets.
    pub fragments: u64,
    /// Frames of a link type that is not read.
    pub unsupported_link_types: u64,
    /// Frames that carry something other than TCP, UDP or ICMP over IP.
    pub unsupported_protocols: u64,
}

impl DecodeStats {
    /// Counts one frame by what decoding it gave.
    pub const fn count(&mut self, decoded: &Result<Packet<'_>, DecodeError>) {
        let counter = match decoded {
            Ok(_) => &mut self.packets,
            Err(error) => match error.reason {
                DecodeErrorReason::Truncated => &mut self.truncated,
                DecodeErrorReason::Malformed => &mut self.malformed,
                DecodeErrorReason::Fragment => &mut self.fragments,
                DecodeErrorReason::UnsupportedLinkType => &mut self.unsupported_link_types,
                DecodeErrorReason::UnsupportedProtocol => &mut self.unsupported_protocols,
            },
        };
        *counter = counter.saturating_add(1);
    }

    /// All frames counted: the sum of every counter.
    pub const fn frames(&self) -> u64 {
        self.packets
            .saturating_add(self.truncated)
            .saturating_add(self.malformed)
            .saturating_add(self.fragments)
            .saturating_add(self.unsupported_link_types)
            .saturating_add(self.unsupported_protocols)
    }

    /// Adds the counts of another thread or source.
    pub const fn merge(&mut self, other: &Self) {
        self.packets = self.packets.saturating_add(other.packets);
        self.truncated = self.truncated.saturating_add(other.truncated);
        self.malformed = self.malformed.saturating_add(other.malformed);
        self.fragments = self.fragments.saturating_add(other.fragments);
        self.unsupported_link_types =
            self.unsupported_link_types.saturating_add(other.unsupported_link_types);
        self.unsupported_protocols = self.unsupported_protocols.saturating_add(other.unsupported_protocols);
    }
}
