//! Decides the direction of flows, at their beginning and again when they are reported.

use df_core::{Direction, Packet};

use super::FlowTable;
use crate::direction::{self, Decision};
use crate::index::ends_hash;

impl<S> FlowTable<S> {
    /// Judges the direction of a new flow. If nothing tells it, the flow takes that of one between the same ends: it may be
    /// the other half of the same connection, in another VLAN.
    pub(super) fn judge(&mut self, packet: &Packet<'_>) -> Decision {
        let mut decision = self.listeners.judge(packet);
        if decision.score == direction::FIRST_SENDER && self.ends_index.is_in_use() {
            let hash = ends_hash([packet.source, packet.destination], self.config.hash_seed);
            let mut siblings = self.ends_index.candidates(hash).filter_map(|slot| self.flows.near(slot));
            let direction = siblings.find_map(|near| near.key.direction_of(&packet.flow_key()));
            decision.source_is_client = direction != Some(Direction::ToClient);
        }
        decision
    }

    /// Decides the direction of a flow again if its beginning did not show it: others may have since.
    pub(super) fn decide_again(&mut self, slot: usize) {
        let Some(flow) = self.flows.get_mut(slot) else { return };
        if flow.far.direction_score >= direction::KNOWN_LISTENER {
            return;
        }
        let key = flow.near.key.flow_key();
        let (first, second) =
            if flow.far.is_first_from_server { (key.server, key.client) } else { (key.client, key.server) };
        let decision = self.listeners.judge_ends(key.transport, first, second);
        flow.far.direction_score = decision.score;
        flow.far.is_reversed = decision.source_is_client == flow.far.is_first_from_server;
    }
}
