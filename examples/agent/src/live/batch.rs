//! A batch of packets on its way from capture to parsing. It owns its bytes and is used again and again.

use df_core::Packet;

/// Packets with their payloads. Emptied, not freed, so that a running agent allocates nothing per packet.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// The packets without their payloads, and how long each payload is.
    packets: Vec<(Packet<'static>, usize)>,
    payloads: Vec<u8>,
}

impl Batch {
    /// Adds a packet.
    pub(super) fn push(&mut self, packet: &Packet<'_>) {
        let Packet { timestamp, source, destination, transport, payload, .. } = *packet;
        let mut stored = Packet::new(timestamp, source, destination, transport, &[]);
        stored.interface = packet.interface;
        stored.vlan = packet.vlan;
        stored.payload_len = packet.payload_len;
        stored.frame_len = packet.frame_len;
        stored.ip_len = packet.ip_len;
        self.packets.push((stored, payload.len()));
        self.payloads.extend_from_slice(payload);
    }

    /// Every packet, in order.
    pub(super) fn packets(&self) -> Vec<Packet<'_>> {
        let mut payloads = self.payloads.as_slice();
        let with_payload = |(stored, payload_len): &(Packet<'static>, usize)| {
            let (payload, rest) = payloads.split_at_checked(*payload_len).unwrap_or((payloads, &[]));
            payloads = rest;
            let mut packet: Packet<'_> = *stored;
            packet.payload = payload;
            packet
        };
        self.packets.iter().map(with_payload).collect()
    }

    /// Takes everything out and keeps the memory, unless a burst of large packets made it too much.
    pub(super) fn clear(&mut self) {
        self.packets.clear();
        self.payloads.clear();
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
    use df_core::{Endpoint, InterfaceId, Timestamp, TransportHeader};

    use super::*;

    #[test]
    fn packets_come_out_as_they_went_in() {
        let end = |port| Endpoint::new([10, 0, 0, 1].into(), port);
        let mut first = Packet::new(Timestamp::from_nanos(1), end(1), end(2), TransportHeader::Udp, b"abc");
        first.interface = InterfaceId(7);
        first.payload_len = 900;
        first.frame_len = 942;
        let second = Packet::new(Timestamp::from_nanos(2), end(2), end(1), TransportHeader::Udp, b"");
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
