//! Connections that are left out: what becomes of their packets, and of flows that were there before.

use df_core::Direction;

use super::FlowTable;

impl<S> FlowTable<S> {
    /// Leaves out so many of 256 TCP connections from now on, 0 (none) to 256 (all): those with a lower
    /// [`connection_number`](df_core::connection_number) than that, inside of tunnels, too. Their packets are counted and nothing
    /// else; whoever captures may leave out the same ones.
    ///
    /// A flow that was there before has missed packets from then on, whether or not its connection comes back. It ends when it is
    /// looked at next, by a packet or at its time, and with it, unheard, all that its state waits for: its record says
    /// [`ForcedEnd`](crate::FlowEndReason::ForcedEnd) and [`ForcedReport`](crate::CloseType::ForcedReport), and the sink's
    /// [`ending`](crate::FlowSink::ending) is not called. One that both ends had closed before has missed nothing. A connection that comes
    /// back is a new flow, seen from its middle on.
    pub fn leave_out(&mut self, connections: u16) {
        self.left_out.set(connections, self.next_id);
    }

    /// Whether a flow has missed packets since its connection was left out.
    #[inline]
    pub(super) fn is_cut(&self, slot: usize) -> bool {
        if !self.left_out.is_in_use() {
            return false;
        }
        let (Some(near), Some((id, _))) = (self.flows.near(slot), self.flows.appointment(slot)) else {
            return false;
        };
        !near.is_closed && self.left_out.has_cut(&near.key, id)
    }

    /// Counts the bytes that wait behind holes of a flow that ends without delivering them.
    pub(super) fn give_up_held(&mut self, slot: usize) {
        let Some(flow) = self.flows.get_mut(slot) else { return };
        let held =
            Direction::BOTH.map(|direction| flow.far.assemblers[direction.index()].held_bytes() as u64);
        let held: u64 = held.iter().sum();
        self.stats.held_bytes = self.stats.held_bytes.saturating_sub(held);
        self.stats.left_out_bytes += held;
    }
}
