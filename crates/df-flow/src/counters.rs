//! The counters of one direction that every flow has.

use df_core::{Packet, TcpFlags};

use crate::DirectionCounters;
use crate::tcp::Troubles;

/// What was counted since the last record, as far as it fits; the rest is carried to [`Troubles`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counters {
    pub(crate) packets: u32,
    pub(crate) bytes: u32,
    pub(crate) l3_bytes: u32,
    pub(crate) l4_bytes: u32,
}

impl Counters {
    pub(crate) const fn of(packet: &Packet<'_>) -> Self {
        Self {
            packets: packet.fragments,
            bytes: packet.frame_len,
            l3_bytes: packet.ip_len,
            l4_bytes: packet.payload_len,
        }
    }

    /// Both together; none if they do not fit.
    #[inline]
    pub(crate) fn plus(&self, other: &Self) -> Option<Self> {
        Some(Self {
            packets: self.packets.checked_add(other.packets)?,
            bytes: self.bytes.checked_add(other.bytes)?,
            l3_bytes: self.l3_bytes.checked_add(other.l3_bytes)?,
            l4_bytes: self.l4_bytes.checked_add(other.l4_bytes)?,
        })
    }

    pub(crate) fn record(&self, tcp_flags: TcpFlags, troubles: &Troubles) -> DirectionCounters {
        let with = |carried: u64, count: u32| carried.saturating_add(u64::from(count));
        DirectionCounters {
            packets: with(troubles.packets, self.packets),
            bytes: with(troubles.bytes, self.bytes),
            l3_bytes: with(troubles.l3_bytes, self.l3_bytes),
            l4_bytes: with(troubles.l4_bytes, self.l4_bytes),
            retransmissions: troubles.retransmissions,
            out_of_order: troubles.out_of_order,
            zero_window: troubles.zero_window,
            duplicate_acknowledgments: troubles.duplicate_acknowledgments,
            keep_alives: troubles.keep_alives,
            zero_window_probes: troubles.zero_window_probes,
            window_full: troubles.window_full,
            resets: troubles.resets,
            lost_segments: troubles.lost_segments,
            lost_bytes: troubles.lost_bytes,
            retransmitted_bytes: troubles.retransmitted_bytes,
            icmp_errors: troubles.icmp_errors,
            tcp_flags,
        }
    }
}
