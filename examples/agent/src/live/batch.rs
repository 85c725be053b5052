//! A batch of packets on its way from capture to parsing. It owns its bytes and is used again and again.

use df_core::{FlowKey, Packet, Tunnel};

/// Packets with their payloads. Emptied, not freed, so that a running agent allocates nothing per packet.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// The packets without their payloads, and how long each payload is.
    packets: Vec<Stored>,
    payloads: Vec<u8>,
    tunnels: Vec<Tunnel>,
    quoted: Vec<FlowKey>,
}

/// A packet without what it borrows, and how much that is.
#[derive(Debug)]
struct Stored {
    packet: Packet<'static>,
    payload_len: usize,
    tunnels: usize,
    is_quoting: bool,
}

impl Batch {
    /// Adds a packet.
    pub(super) fn push(&mut self, packet: &Packet<'_>) {
        let Packet { timestamp, source, destination, transport, payload, .. } = *packet;
        let mut stored = Packet::new(timestamp, source, destination, transport, &[]);
        stored.interface = packet.interface;
        stored.vlan = packet.vlan;
        stored.virtual_network = packet.virtual_network;
        stored.payload_len = packet.payload_len;
        stored.fragments = packet.fragments;
        stored.frame_len = packet.frame_len;
        stored.ip_len = packet.ip_len;
        self.packets.push(Stored {
            packet: stored,
            payload_len: payload.len(),
            tunnels: packet.tunnels.len(),
            is_quoting: packet.quoted.is_some(),
        });
        self.payloads.extend_from_slice(payload);
        self.tunnels.extend_from_slice(packet.tunnels);
        self.quoted.extend(packet.quoted);
    }

    /// Every packet, in order.
    pub(super) fn packets(&self) -> Vec<Packet<'_>> {
        let mut payloads = self.payloads.as_slice();
        let mut tunnels = self.tunnels.as_slice();
        let mut quoted = self.quoted.iter();
        let whole = |stored: &Stored| {
            let mut packet: Packet<'_> = stored.packet;
            (packet.payload, payloads) =
                payloads.split_at_checked(stored.payload_len).unwrap_or((payloads, &[]));
            (packet.tunnels, tunnels) = tunnels.split_at_checked(stored.tunnels).unwrap_or((tunnels, &[]));
            packet.quoted = if stored.is_quoting { quoted.next() } else { None };
            packet
        };
        self.packets.iter().map(whole).collect()
    }

    /// Takes everything out and keeps the memory, unless a burst of large packets made it too much.
    pub(super) fn clear(&mut self) {
        self.packets.clear();
        self.payloads.clear();
        self.tunnels.clear();
        self.quoted.clear();
        self.payloads.shrink_to(MAX_BATCH_BYTES * 2);
    }

    /// How many packets there are.
    pub(super) const fn len(&self) -> usize {
        self.packets.len()
    }

    /// Whether there are none.
    pub(super) const fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// Whether it is time to send it.
    pub(super) const fn is_full(&self) -> bool {
        self.packets.len() >= MAX_BATCH_PACKETS || self.payloads.len() >= MAX_BATCH_BYTES
    }
}

const MAX_BATCH_PACKETS: usize = 256;
const MAX_BATCH_BYTES: usize = 256 * 1_024;

#[cfg(test)]
mod tests {
    use df_core::{Endpoint, InterfaceId, Timestamp, TransportHeader, TunnelKind, VirtualNetwork};

    use super::*;

    #[test]
    fn packets_come_out_as_they_went_in() {
        let end = |port| Endpoint::new([10, 0, 0, 1].into(), port);
        let mut first = Packet::new(Timestamp::from_nanos(1), end(1), end(2), TransportHeader::Udp, b"abc");
        first.interface = InterfaceId(7);
        first.payload_len = 900;
        first.frame_len = 942;
        let tunnels = [Tunnel::new(TunnelKind::Mpls, Some(3)), Tunnel::new(TunnelKind::Pppoe, None)];
        first.tunnels = &tunnels;
        first.virtual_network = Some(VirtualNetwork::new(9));
        first.fragments = 2;
        let quoted = first.flow_key();
        let mut second = Packet::new(Timestamp::from_nanos(2), end(2), end(1), TransportHeader::Udp, b"");
        second.quoted = Some(&quoted);
        let mut batch = Batch::default();
        for _ in 0..2 {
            batch.clear();
            batch.push(&first);
            batch.push(&second);
            assert_eq!(batch.packets(), [first, second]);
            assert_eq!((batch.len(), batch.is_full()), (2, false));
        }
    }
}
