//! Holds exchanges until they are linked, and gives them as spans.

use std::collections::VecDeque;

use df_core::Timestamp;
use df_l7::Exchange;

use crate::context::Propagated;
use crate::link::{self, Index, Observation};
use crate::place::Port;
use crate::{LinkReason, LinkedSpan, Place, SpanContext, SpanLink, TraceConfig, TraceId, TraceStats};

/// Places exchanges in traces: one that was seen at several places of this host becomes several spans of one trace,
/// those nearer to the client above the others, and propagated context is honoured.
///
/// Exchanges are held for [`TraceConfig::link_window`], then leave in the order in which they came. What has left is
/// final. Within the window the order in which exchanges come does not change what becomes of them.
///
/// Time is that of the exchanges, and of [`handle_timeout`](Self::handle_timeout) where none come.
#[derive(Debug)]
pub struct SpanAssembler {
    config: TraceConfig,
    held: VecDeque<Held>,
    /// The number of the first exchange held. Exchanges are numbered in the order in which they come.
    first_number: u64,
    /// Exchanges with smaller numbers leave without waiting.
    flushed_number: u64,
    index: Index,
    /// Where everything was seen until now; none at first.
    only_port: Option<Port>,
    /// Whether a second place has been seen. Before that nothing can be linked, and nothing is indexed.
    is_indexing: bool,
    /// The number of the first exchange that is not in the index.
    indexed_number: u64,
    now: Timestamp,
    stats: TraceStats,
}

#[derive(Debug)]
struct Held {
    observation: Observation,
    ready_at: Timestamp,
    placed: Option<Placed>,
    is_indexed: bool,
}

/// Where in a trace an observation stands.
#[derive(Debug, Clone, Copy)]
struct Placed {
    context: SpanContext,
    link: Option<SpanLink>,
}

impl SpanAssembler {
    /// An assembler that holds nothing.
    pub fn new(config: TraceConfig) -> Self {
        Self {
            config,
            held: VecDeque::new(),
            first_number: 0,
            flushed_number: 0,
            index: Index::default(),
            only_port: None,
            is_indexing: false,
            indexed_number: 0,
            now: Timestamp::ZERO,
            stats: TraceStats::default(),
        }
    }

    /// Takes an exchange and where it was seen. `place` is as the connection's owner believes; where the exchange shows
    /// that client and server are the other way round, it is turned.
    pub fn handle_exchange(&mut self, exchange: Exchange, place: Place) {
        self.stats.exchanges += 1;
        self.now = self.now.max(link::last_seen(&exchange));
        if self.held.len() >= self.config.max_held_spans.max(1).saturating_mul(2) {
            self.remove_first();
            self.stats.dropped += 1;
        }
        let place = if exchange.is_reversed { place.reversed() } else { place };
        let number = self.first_number.saturating_add(self.held.len() as u64);
        let observation = Observation::new(number, exchange, place);
        self.is_indexing |= *self.only_port.get_or_insert(place.port()) != place.port();
        let ready_at = self.now.saturating_add(self.config.link_window);
        self.held.push_back(Held { observation, ready_at, placed: None, is_indexed: false });
        if self.is_indexing {
            self.index_newest();
        }
    }

    /// Tells the time, so that spans become ready although no exchange comes. A time far before the last one told means
    /// that the clock was set back.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        if now > self.now || self.now.since(now) > self.config.link_window {
            self.now = now;
        }
    }

    /// Makes everything held ready. For the end of a capture.
    pub fn flush(&mut self) {
        self.flushed_number = self.first_number.saturating_add(self.held.len() as u64);
    }

    /// The next span that is ready, if there is one.
    #[must_use]
    pub fn poll_span(&mut self) -> Option<LinkedSpan> {
        let is_early = match self.readiness()? {
            Readiness::Due => false,
            Readiness::Early => true,
        };
        if self.held.front()?.placed.is_none() {
            self.place_first();
        }
        let Held { observation: Observation { exchange, place, keys, .. }, placed, .. } =
            self.remove_first()?;
        let placed = placed.unwrap_or_else(|| Placed {
            context: SpanContext::new(keys.trace_id(&exchange, &place.flow), keys.span_id(&exchange, &place)),
            link: None,
        });
        self.stats.spans += 1;
        self.stats.released_early += u64::from(is_early);
        self.count_link(placed.link);
        Some(LinkedSpan::new(exchange, place, placed.context, placed.link))
    }

    /// When a span will be ready if no exchange comes before; none if nothing is held.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.held.front().map(|held| held.ready_at)
    }

    /// How many exchanges are held.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// The counters.
    pub const fn stats(&self) -> TraceStats {
        self.stats
    }

    fn readiness(&self) -> Option<Readiness> {
        let first = self.held.front()?;
        // A moment further ahead than the window is long was set before the clock was set back.
        let is_due = first.ready_at <= self.now || first.ready_at.since(self.now) > self.config.link_window;
        if is_due || self.first_number < self.flushed_number {
            return Some(Readiness::Due);
        }
        (self.held.len() > self.config.max_held_spans).then_some(Readiness::Early)
    }

    fn remove_first(&mut self) -> Option<Held> {
        let held = self.held.pop_front()?;
        if held.is_indexed {
            self.index.remove(&held.observation.keys, self.first_number);
        }
        self.first_number = self.first_number.saturating_add(1);
        Some(held)
    }

    /// Adds to the index whatever came since it was last added to: the newest exchange, or when a second place is seen
    /// for the first time, everything held.
    fn index_newest(&mut self) {
        self.indexed_number = self.indexed_number.max(self.first_number);
        while let Some(position) = self.position(self.indexed_number)
            && let Some(held) = self.held.get_mut(position)
        {
            held.is_indexed = true;
            let is_found = self.index.add(&held.observation.keys, self.indexed_number);
            self.stats.not_compared += u64::from(!is_found);
            self.indexed_number = self.indexed_number.saturating_add(1);
        }
    }

    /// Decides on the first observation held, and on all of the same call with it.
    fn place_first(&mut self) {
        let Some(first) = self.held.front() else { return };
        if !first.is_indexed || self.index.is_alone(&first.observation.keys) {
            let placed = places(&[&first.observation]);
            self.set_placed(&[self.first_number], placed);
            return;
        }
        let numbers = self.alike_first();
        self.mark_ambiguous(&numbers);
        let alike = self.observations(&numbers);
        let Some(first) = alike.first().copied() else { return };
        let call = link::call_of(first, alike, &self.config);
        let members: Vec<u64> = call.iter().map(|member| member.number).collect();
        let placed = places(&call);
        self.set_placed(&members, placed);
    }

    fn mark_ambiguous(&mut self, numbers: &[u64]) {
        if !link::is_ambiguous(&self.observations(numbers)) {
            return;
        }
        for number in numbers {
            if let Some(held) = self.position(*number).and_then(|position| self.held.get_mut(position)) {
                held.observation.is_ambiguous = true;
            }
        }
    }

    fn observations(&self, numbers: &[u64]) -> Vec<&Observation> {
        numbers.iter().filter_map(|number| self.observation(*number)).collect()
    }

    /// The numbers of the observations that have something in common with the first one, directly or through others.
    fn alike_first(&self) -> Vec<u64> {
        let mut numbers = vec![self.first_number];
        let mut next = 0;
        while let Some(observation) = numbers.get(next).and_then(|number| self.observation(*number)) {
            for number in self.index.alike(&observation.keys) {
                let is_alike = self.observation(number).is_some_and(|other| observation.is_alike(other));
                if is_alike && numbers.len() < MAX_ALIKE && !numbers.contains(&number) {
                    numbers.push(number);
                }
            }
            next += 1;
        }
        numbers
    }

    fn observation(&self, number: u64) -> Option<&Observation> {
        self.held.get(self.position(number)?).map(|held| &held.observation)
    }

    fn position(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first_number)?).ok()
    }

    fn set_placed(&mut self, numbers: &[u64], placed: Vec<Placed>) {
        for (number, placed) in numbers.iter().zip(placed) {
            let Some(held) = self.position(*number).and_then(|position| self.held.get_mut(position)) else {
                continue;
            };
            held.placed = Some(placed);
            if std::mem::take(&mut held.is_indexed) {
                self.index.remove(&held.observation.keys, *number);
            }
        }
    }

    const fn count_link(&mut self, link: Option<SpanLink>) {
        let Some(link) = link else { return };
        match link.by {
            LinkReason::TcpSequence => self.stats.linked_by_tcp_sequence += 1,
            LinkReason::StreamOffset => self.stats.linked_by_stream_offset += 1,
            LinkReason::Datagram => self.stats.linked_by_datagram += 1,
            LinkReason::PropagatedContext => self.stats.linked_by_propagated_context += 1,
        }
    }
}

/// Why a span may leave.
enum Readiness {
    /// Its window has ended.
    Due,
    /// Too many are held.
    Early,
}

/// Places the observations of one call, given from client to server: each below the one before it, the first below the
/// span that an application propagated.
fn places(call: &[&Observation]) -> Vec<Placed> {
    let propagated = call.iter().find_map(|member| Propagated::of(&member.exchange));
    let Some(trace_id) = propagated.map(|context| context.trace_id).or_else(|| derived_trace_id(call)) else {
        return Vec::new();
    };
    let mut parent = propagated
        .and_then(|context| context.span_id)
        .map(|to| SpanLink { by: LinkReason::PropagatedContext, to });
    call.iter()
        .map(|member| {
            let span_id = member.keys.span_id(&member.exchange, &member.place);
            let link = parent.replace(SpanLink { by: same_call_reason(member), to: span_id });
            Placed { context: SpanContext::new(trace_id, span_id), link }
        })
        .collect()
}

/// The trace of which a call is the root, named by the observation nearest to the client that has seen the request.
fn derived_trace_id(call: &[&Observation]) -> Option<TraceId> {
    let naming = call.iter().find(|member| member.keys.knows_request()).or_else(|| call.first())?;
    Some(naming.keys.trace_id(&naming.exchange, &naming.place.flow))
}

fn same_call_reason(member: &Observation) -> LinkReason {
    match member.place.flow.transport {
        df_core::Transport::Tcp => LinkReason::TcpSequence,
        df_core::Transport::Unix => LinkReason::StreamOffset,
        _ => LinkReason::Datagram,
    }
}

/// How many observations are compared with each other at once.
const MAX_ALIKE: usize = 64;

#[cfg(test)]
mod tests;
