//! Where a flow table sends what it makes of packets.

use df_core::{Chunk, FlowKey, Timestamp, Tunnel};

use crate::FlowRecord;

/// Receives what a [`FlowTable`](crate::FlowTable) makes of packets. `S` is whatever the caller keeps per flow.
///
/// The key given here keeps the orientation that was decided when the flow began, so that the directions of its chunks
/// never change meaning. A later and better decision shows in the flow's records only.
pub trait FlowSink<S> {
    /// A flow begins: makes its state.
    fn opened(&mut self, key: &FlowKey) -> S;

    /// The flow's packets are in tunnels, outermost first. Told once, before the chunk of the packet that shows it.
    fn tunnelled(&mut self, key: &FlowKey, state: &mut S, tunnels: &[Tunnel]) {
        let _ = (key, state, tunnels);
    }

    /// The next bytes of one direction, in order. Says what they show of the direction.
    fn chunk(&mut self, key: &FlowKey, state: &mut S, chunk: Chunk<'_>) -> DirectionEvidence;

    /// Both ends have closed a connection, or one aborted it: no bytes will follow.
    fn closed(&mut self, key: &FlowKey, state: &mut S) {
        let _ = (key, state);
    }

    /// When the state wants [`timed_out`](Self::timed_out) to be called. Asked after each chunk.
    fn deadline(&self, state: &S) -> Option<Timestamp> {
        let _ = state;
        None
    }

    /// The state's deadline has passed.
    fn timed_out(&mut self, key: &FlowKey, state: &mut S, now: Timestamp) {
        let _ = (key, state, now);
    }

    /// A flow goes on after an interval. Only with [`FlowConfig::record_interval`](crate::FlowConfig::record_interval).
    fn reported(&mut self, record: FlowRecord, state: &mut S) {
        let _ = (record, state);
    }

    /// A flow has been silent for a while: the state may give back memory until there is more.
    fn resting(&mut self, state: &mut S) {
        let _ = state;
    }

    /// A flow is about to end: the last call with the key of its beginning, which its record may turn round. Not called where its
    /// connection was [left out](crate::FlowTable::leave_out): what the state waits for may well have come since.
    fn ending(&mut self, key: &FlowKey, state: &mut S) {
        let _ = (key, state);
    }

    /// A flow has ended.
    fn ended(&mut self, record: FlowRecord, state: S);
}

/// What the bytes of a flow show of its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DirectionEvidence {
    /// Nothing.
    #[default]
    None,
    /// The client of the key is the one that asks.
    Confirmed,
    /// The server of the key is the one that asks.
    Reversed,
}
