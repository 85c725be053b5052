//! The counters of one direction that every flow has.

use df_core::{Packet, TcpFlags};

use crate::DirectionCounters;
use crate::tcp::Troubles;

/// What was counted since the last record.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Counters {
    pub(crate) packets: u64,
    bytes: u64,
    l3_bytes: u64,
    l4_bytes: u64,
    pub(crate) retransmissions: u32,
    pub(crate) out_of_order: u32,
    pub(crate) zero_window: u32,
    /// ICMP errors that quoted a packet of this direction.
    pub(crate) icmp_errors: u32,
    tcp_flags: TcpFlags,
}

impl Counters {
    pub(crate) fn count(&mut self, packet: &Packet<'_>) {
        self.packets = self.packets.saturating_add(u64::from(packet.fragments));
        self.bytes = self.bytes.saturating_add(u64::from(packet.frame_len));
        self.l3_bytes = self.l3_bytes.saturating_add(u64::from(packet.ip_len));
        self.l4_bytes = self.l4_bytes.saturating_add(u64::from(packet.payload_len));
    }

    pub(crate) const fn note_flags(&mut self, flags: TcpFlags) {
        self.tcp_flags = self.tcp_flags.union(flags);
    }

    pub(crate) const fn record(&self, troubles: &Troubles) -> DirectionCounters {
        DirectionCounters {
            packets: self.packets,
            bytes: self.bytes,
            l3_bytes: self.l3_bytes,
            l4_bytes: self.l4_bytes,
            retransmissions: self.retransmissions,
            out_of_order: self.out_of_order,
            zero_window: self.zero_window,
            duplicate_acknowledgments: troubles.duplicate_acknowledgments,
            keep_alives: troubles.keep_alives,
            zero_window_probes: troubles.zero_window_probes,
            window_full: troubles.window_full,
            resets: troubles.resets,
            lost_segments: troubles.lost_segments,
            lost_bytes: troubles.lost_bytes,
            retransmitted_bytes: troubles.retransmitted_bytes,
            icmp_errors: self.icmp_errors,
            tcp_flags: self.tcp_flags,
        }
    }
}
