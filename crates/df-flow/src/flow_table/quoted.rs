//! ICMP errors, told to the flows that they quote.

use df_core::{FlowKey, Packet, TransportHeader};

use super::FlowTable;
use crate::index::flow_hash;
use crate::tcp::Trouble;

impl<S> FlowTable<S> {
    /// An ICMP error is told to the flow that it quotes: whoever sent the quoted packet is the one to suffer.
    pub(super) fn note_icmp_error(&mut self, quoted: &FlowKey, packet: &Packet<'_>) {
        let TransportHeader::Icmp(header) = packet.transport else { return };
        let hash = flow_hash(quoted, self.config.hash_seed);
        let found = self.find_by(hash, |near| near.key.direction_of(quoted));
        let flow = found.and_then(|(slot, direction)| self.flows.get_mut(slot).zip(Some(direction)));
        let Some((flow, direction)) = flow else {
            self.stats.icmp_errors_unmatched += 1;
            return;
        };
        flow.far.history.troubles_of(direction).count(Trouble::IcmpError);
        flow.far.last_icmp_error = Some((header.kind, header.code));
    }
}
