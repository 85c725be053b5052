//! Several packets at a time: where there are many flows, waiting for memory is most of the work.

use df_core::Packet;

use super::FlowTable;
use crate::FlowSink;
use crate::far::Far;
use crate::index::flow_hash;
use crate::near::Near;

impl<S> FlowTable<S> {
    /// Takes packets, as one by one, but faster where there are many flows: it looks up several packets' flows at a time,
    /// so that memory answers to all of them at once.
    pub fn handle_packets(&mut self, packets: &[Packet<'_>], sink: &mut impl FlowSink<S>) {
        for group in packets.chunks(PACKETS_AHEAD) {
            let mut hashes = [0; PACKETS_AHEAD];
            for (hash, packet) in hashes.iter_mut().zip(group) {
                *hash = flow_hash(&packet.flow_key(), self.config.hash_seed);
            }
            if self.flows.len() > MAX_CACHED_FLOWS {
                self.look_ahead(group, &hashes);
            }
            for (packet, hash) in group.iter().zip(hashes) {
                self.handle_hashed(packet, hash, sink);
            }
        }
    }

    /// Reads a little of what the packets will need. Nothing in a step depends on what was read for another packet, so the
    /// processor waits for the memory of many packets together.
    fn look_ahead(&self, packets: &[Packet<'_>], hashes: &[u64; PACKETS_AHEAD]) {
        let index = hashes.iter().take(packets.len()).map(|hash| self.index.read_a_little(*hash));
        std::hint::black_box(index.fold(0, u32::wrapping_add));
        let mut slots = [usize::MAX; PACKETS_AHEAD];
        for (slot, hash) in slots.iter_mut().zip(hashes).take(packets.len()) {
            *slot = self.index.find(*hash, |_| true).unwrap_or(usize::MAX);
        }
        let near = slots.iter().filter_map(|slot| self.flows.near(*slot)).map(Near::read_a_little);
        std::hint::black_box(near.fold(0, u64::wrapping_add));
        let rest = slots.iter().zip(packets).filter_map(|(slot, packet)| {
            let near = self.flows.near(*slot)?;
            let far = near.is_not_enough_for(packet).then(|| self.flows.far(*slot)).flatten();
            Some(near.key.read_a_little() ^ far.map_or(0, Far::read_a_little))
        });
        std::hint::black_box(rest.fold(0, u64::wrapping_add));
    }
}

/// How many packets are looked ahead.
const PACKETS_AHEAD: usize = 32;
/// So few flows are in the processor's caches anyway.
const MAX_CACHED_FLOWS: usize = 4_096;
