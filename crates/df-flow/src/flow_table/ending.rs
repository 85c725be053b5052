//! Flows whose time has come: found by the wheel, reported or ended.

use super::FlowTable;
use crate::expiry::{self, Entry};
use crate::flow::Flow;
use crate::index::{ends_hash, flow_hash};
use crate::tcp::Phase;
use crate::{FlowEndReason, FlowSink};

impl<S> FlowTable<S> {
    pub(super) fn expire(&mut self, now_ns: u64, max_found: usize, sink: &mut impl FlowSink<S>) {
        for _ in 0..max_found {
            let Some(entry) = self.wheel.next_found(now_ns) else { return };
            self.handle_found(entry, now_ns, sink);
        }
    }

    /// The wheel has found a flow: ends it, calls its state or reports it if it is time, and puts it back.
    fn handle_found(&mut self, entry: Entry, now_ns: u64, sink: &mut impl FlowSink<S>) {
        let (now, rest_ns) = (self.clock.now(), self.rest_ns());
        let slot = entry.slot();
        let appointment = self.flows.appointment(slot);
        let Some((_, found_ns)) = appointment.filter(|(id, _)| entry.is_of(*id)) else { return };
        if found_ns > now_ns {
            return; // An entry that a nearer one has replaced.
        }
        if self.is_cut(slot) {
            return self.end(slot, FlowEndReason::ForcedEnd, sink);
        }
        let Some(flow) = self.flows.get_mut(slot) else { return };
        let timeout_ns = flow.near.timeout_ns(&self.config);
        let idle_at = flow.near.active_ns.saturating_add(timeout_ns);
        // In the second of its deadline a flow never ends, however often it is looked at.
        if expiry::is_passed(idle_at, now_ns) {
            let is_closed = flow.near.is_closed || flow.near.phase() == Phase::Closed;
            let reason = if is_closed { FlowEndReason::EndOfFlow } else { FlowEndReason::IdleTimeout };
            return self.end(slot, reason, sink);
        }
        if sink.deadline(&flow.far.state).is_some_and(|deadline| deadline <= now) {
            sink.timed_out(&flow.near.key.flow_key(), &mut flow.far.state, now);
        }
        let mut due_ns = idle_at;
        if let Some(interval) = self.config.record_interval {
            if flow.near.end.since(flow.far.start) >= interval
                && flow.near.senders.iter().any(|sender| sender.counters.packets > 0)
            {
                self.report(slot, sink);
            }
            due_ns =
                due_ns.min(now_ns.saturating_add(u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX)));
        }
        let Some(flow) = self.flows.get_mut(slot) else { return };
        if let Some(deadline) = sink.deadline(&flow.far.state) {
            due_ns = due_ns.min(self.clock.elapsed_at(deadline));
        }
        flow.far.found_ns = u64::MAX;
        let rest_at = flow.near.active_ns.saturating_add(rest_ns);
        if rest_at > now_ns {
            return self.find_at(slot, due_ns.min(rest_at));
        }
        sink.resting(&mut flow.far.state);
        self.find_at(slot, due_ns);
        self.flows.rest(slot);
    }

    /// How long a flow is silent before it is packed. Flows that are reported at intervals are looked at then.
    pub(super) fn rest_ns(&self) -> u64 {
        if self.config.record_interval.is_some() {
            return self.interval_ns();
        }
        u64::try_from(self.config.rest_after.as_nanos()).unwrap_or(u64::MAX)
    }

    fn report(&mut self, slot: usize, sink: &mut impl FlowSink<S>) {
        self.decide_again(slot);
        if let Some(mut flow) = self.flows.get_mut(slot) {
            let record = flow.take_record(None);
            sink.reported(record, &mut flow.far.state);
        }
    }

    pub(super) fn interval_ns(&self) -> u64 {
        let interval = self.config.record_interval.map(|interval| interval.as_nanos());
        interval.and_then(|nanoseconds| u64::try_from(nanoseconds).ok()).unwrap_or(u64::MAX)
    }

    pub(super) fn evict(&mut self, sink: &mut impl FlowSink<S>) {
        while let Some(entry) = self.wheel.take_next() {
            if self.flows.appointment(entry.slot()).is_some_and(|(id, _)| entry.is_of(id)) {
                self.stats.flows_evicted += 1;
                return self.end(entry.slot(), FlowEndReason::LackOfResources, sink);
            }
        }
    }

    pub(super) fn end(&mut self, slot: usize, reason: FlowEndReason, sink: &mut impl FlowSink<S>) {
        let is_cut = self.is_cut(slot);
        if is_cut {
            self.give_up_held(slot);
        } else {
            self.release_held(slot, sink);
        }
        self.decide_again(slot);
        let Some((mut near, mut far)) = self.flows.remove(slot) else { return };
        let (key, seed) = (near.key.flow_key(), self.config.hash_seed);
        self.index.remove(flow_hash(&key, seed), slot);
        if self.ends_index.is_in_use() {
            self.ends_index.remove(ends_hash([key.client, key.server], seed), slot);
        }
        self.stats.flows_ended += 1;
        let mut flow = Flow { near: &mut near, far: &mut far };
        let record = if is_cut {
            flow.take_record_of_cut()
        } else {
            sink.ending(&key, &mut flow.far.state);
            flow.take_record(Some(reason))
        };
        sink.ended(record, far.state);
    }

    /// The wheel has turned past many flows and not given all of them yet: whether this one ends before the packet at hand.
    pub(super) fn ends_before(&mut self, slot: usize, now_ns: u64, sink: &mut impl FlowSink<S>) -> bool {
        let Some((id, found_ns)) = self.flows.appointment(slot) else { return true };
        if expiry::is_passed(found_ns, now_ns) {
            self.handle_found(Entry::new(slot, id), now_ns, sink);
        }
        self.flows.appointment(slot).is_none()
    }
}
