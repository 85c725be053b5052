//! Several packets at a time: where there are many flows, waiting for memory is most of the work.

use df_core::Packet;

use super::FlowTable;
use crate::FlowSink;
use crate::flow::Flow;
use crate::index::flow_hash;

impl<S> FlowTable<S> {
    /// Takes packets, as one by one, but faster where there are many flows: it looks up several packets' flows at a time,
    /// so that memory answers to all of them at once.
    pub fn handle_packets(&mut self, packets: &[Packet<'_>], sink: &mut impl FlowSink<S>) {
        for group in packets.chunks(PACKETS_AHEAD) {
            if self.flows.len() > MAX_NEAR_FLOWS {
                self.look_ahead(group);
            }
            for packet in group {
                self.handle_packet(packet, sink);
            }
        }
    }

    /// Reads a little of what the packets will need. Nothing here depends on what was read for the packet before, so the
    /// processor waits for the memory of many packets together.
    fn look_ahead(&self, packets: &[Packet<'_>]) {
        let mut slots = [usize::MAX; PACKETS_AHEAD];
        for (slot, packet) in slots.iter_mut().zip(packets) {
            let hash = flow_hash(&packet.flow_key(), self.config.hash_seed);
            *slot = self.index.find(hash, |_| true).unwrap_or(usize::MAX);
        }
        let read = slots.iter().filter_map(|slot| self.flows.get(*slot)).map(Flow::read_a_little);
        std::hint::black_box(read.fold(0, u64::wrapping_add));
    }
}

/// How many packets are looked ahead.
const PACKETS_AHEAD: usize = 32;
/// So few flows are in the processor's caches anyway.
const MAX_NEAR_FLOWS: usize = 4_096;
