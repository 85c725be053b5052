//! The table of flows: packets in, ordered chunks and flow records out.

use df_core::{
    Chunk, Direction, FlowKey, Packet, TcpFlags, TcpSegment, Timestamp, Transport, TransportHeader,
};

use crate::assembler::{Assembler, Loss, Ordered, Segment};
use crate::clock::Clock;
use crate::direction::{self, Listeners};
use crate::ends_index::EndsIndex;
use crate::expiry::{Entry, Wheel};
use crate::far::Far;
use crate::index::{ends_hash, flow_hash};
use crate::key::Key;
use crate::left_out::LeftOut;
use crate::near::Near;
use crate::places::Places;
use crate::store::FlowStore;
use crate::tcp::{History, Phase, Trouble};
use crate::{DirectionEvidence, FlowConfig, FlowEndReason, FlowSink, FlowStats};

mod ahead;
mod deciding;
mod ending;
mod leaving_out;
mod quoted;

/// A table of flows, each with the caller's state `S`.
///
/// Give it every packet; it answers through the [`FlowSink`]. Time is the time of the packets:
/// [`handle_timeout`](Self::handle_timeout) is only needed when no packets come. [`finish`](Self::finish) ends everything.
#[derive(Debug)]
pub struct FlowTable<S> {
    config: FlowConfig,
    flows: FlowStore<S>,
    index: Places,
    ends_index: EndsIndex,
    wheel: Wheel,
    clock: Clock,
    listeners: Listeners,
    left_out: LeftOut,
    stats: FlowStats,
    next_id: u64,
}

impl<S> FlowTable<S> {
    /// An empty table. Memory is taken as flows come.
    pub fn new(config: FlowConfig) -> Self {
        Self {
            config,
            flows: FlowStore::new(),
            index: Places::new(),
            ends_index: EndsIndex::default(),
            wheel: Wheel::new(),
            clock: Clock::default(),
            listeners: Listeners::default(),
            left_out: LeftOut::default(),
            stats: FlowStats::default(),
            next_id: 1,
        }
    }

    /// Takes one packet.
    pub fn handle_packet(&mut self, packet: &Packet<'_>, sink: &mut impl FlowSink<S>) {
        let hash = flow_hash(&packet.flow_key(), self.config.hash_seed);
        self.handle_hashed(packet, hash, sink);
    }

    #[inline]
    fn handle_hashed(&mut self, packet: &Packet<'_>, hash: u64, sink: &mut impl FlowSink<S>) {
        let now_ns = self.clock.advance(packet.timestamp);
        if self.wheel.is_due(now_ns) {
            self.expire(now_ns, MAX_FOUND_PER_PACKET, sink);
        }
        if self.left_out.has(packet) {
            self.stats.packets_left_out += 1;
            return;
        }
        self.stats.packets += 1;
        let Some((slot, direction)) = self.find_or_open((packet, hash), now_ns, sink) else { return };
        let Some(mut flow) = self.flows.get_mut(slot) else { return };
        flow.near.active_ns = now_ns;
        flow.count(direction, packet);
        if !packet.tunnels.is_empty() && flow.note_tunnels(direction, packet) {
            sink.tunnelled(&flow.near.key.flow_key(), &mut flow.far.state, packet.tunnels);
        }
        if let Some(quoted) = packet.quoted {
            self.note_icmp_error(quoted, packet);
        }
        match packet.transport {
            TransportHeader::Tcp(segment) => self.handle_tcp(slot, direction, packet, &segment, sink),
            _ => self.handle_datagram(slot, direction, packet, sink),
        }
    }

    /// No packet came until `now`: ends flows whose time has come. Of very many it leaves some for the next call, or
    /// packet, so that none takes long.
    pub fn handle_timeout(&mut self, now: Timestamp, sink: &mut impl FlowSink<S>) {
        let now_ns = self.clock.advance(now);
        self.expire(now_ns, MAX_FOUND_PER_TIMEOUT, sink);
    }

    /// When [`handle_timeout`](Self::handle_timeout) should be called at the latest if no packet comes: at once while
    /// it has left some, none while there are no flows.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        if self.wheel.is_behind() {
            return Some(self.clock.now());
        }
        (!self.flows.is_empty()).then(|| self.clock.now().saturating_add(std::time::Duration::from_secs(1)))
    }

    /// Nothing more will come: every flow ends, in the order in which they began.
    pub fn finish(&mut self, sink: &mut impl FlowSink<S>) {
        let mut slots: Vec<(u64, usize)> = self.flows.ids().collect();
        slots.sort_unstable();
        for (_, slot) in slots {
            let near = self.flows.near(slot);
            let is_closed = near.is_some_and(|near| near.is_closed || near.phase() == Phase::Closed);
            let reason = if is_closed { FlowEndReason::EndOfFlow } else { FlowEndReason::ForcedEnd };
            self.end(slot, reason, sink);
        }
    }

    /// How many flows there are now.
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// What was done so far.
    pub const fn stats(&self) -> FlowStats {
        self.stats
    }

    /// Bytes of memory that one flow takes in the table beside what its state holds elsewhere.
    pub const fn bytes_per_flow() -> usize {
        FlowStore::<S>::bytes_per_flow() + Places::max_bytes_per_place() + size_of::<Entry>() * 2
    }

    fn find_or_open(
        &mut self,
        (packet, hash): (&Packet<'_>, u64),
        now_ns: u64,
        sink: &mut impl FlowSink<S>,
    ) -> Option<(usize, Direction)> {
        if let Some((slot, direction)) = self.find(packet, hash).or_else(|| self.find_across_networks(packet))
        {
            let is_over = self.wheel.is_behind() && self.ends_before(slot, now_ns, sink);
            if !is_over && !self.is_cut(slot) && !self.is_reused(slot, direction, packet) {
                return Some((slot, direction));
            }
            self.end(slot, FlowEndReason::EndOfFlow, sink);
        }
        self.open(packet, hash, sink)
    }

    #[inline]
    fn find(&self, packet: &Packet<'_>, hash: u64) -> Option<(usize, Direction)> {
        self.find_by(hash, |near| near.direction_of(packet))
    }

    /// The flow under `hash` that gives a direction.
    #[inline]
    fn find_by(
        &self,
        hash: u64,
        direction_of: impl Fn(&Near) -> Option<Direction>,
    ) -> Option<(usize, Direction)> {
        let mut direction = None;
        let found = self.index.find(hash, |slot| {
            direction = self.flows.near(slot).and_then(&direction_of);
            direction.is_some()
        });
        found.zip(direction)
    }

    /// The flow between the same ends whose other direction is in another VLAN or virtual network and has this one, or
    /// may begin with this packet if there is just one such flow.
    fn find_across_networks(&mut self, packet: &Packet<'_>) -> Option<(usize, Direction)> {
        if !self.ends_index.is_in_use() {
            return None;
        }
        let hash = ends_hash([packet.source, packet.destination], self.config.hash_seed);
        let mut beginnings = None;
        for slot in self.ends_index.candidates(hash) {
            let Some(flow) = self.flows.get_mut(slot) else { continue };
            if let Some(direction) = flow.near.direction_of(packet) {
                return Some((slot, direction));
            }
            if let Some(direction) = flow.direction_across_networks(packet) {
                let is_only_one = beginnings.is_none();
                beginnings = Some(is_only_one.then_some((slot, direction)));
            }
        }
        beginnings.flatten()
    }

    fn is_reused(&mut self, slot: usize, direction: Direction, packet: &Packet<'_>) -> bool {
        match (&packet.transport, self.flows.get_mut(slot)) {
            (TransportHeader::Tcp(segment), Some(mut flow)) if segment.flags.contains(TcpFlags::SYN) => {
                flow.tcp().is_reused_by(direction, segment)
            }
            _ => false,
        }
    }

    fn open(
        &mut self,
        packet: &Packet<'_>,
        hash: u64,
        sink: &mut impl FlowSink<S>,
    ) -> Option<(usize, Direction)> {
        if self.flows.len() >= self.config.max_flows {
            self.evict(sink);
        }
        let decision = self.judge(packet);
        let (key, direction) = if decision.source_is_client {
            (packet.flow_key(), Direction::ToServer)
        } else {
            (packet.flow_key().reversed(), Direction::ToClient)
        };
        if decision.score == direction::HANDSHAKE && direction == Direction::ToClient {
            self.listeners.insert(key.server);
        }
        let now_ns = self.clock.elapsed_at(packet.timestamp);
        let near = Near::new(Key::new(&key), packet, now_ns);
        let far = Far {
            state: sink.opened(&key),
            assemblers: [Assembler::default(), Assembler::default()],
            direction_score: decision.score,
            is_reversed: false,
            is_first_from_server: direction == Direction::ToClient
                && decision.score > direction::FIRST_SENDER,
            told: None,
            found_ns: u64::MAX,
            history: History::default(),
            id: self.next_id,
            start: packet.timestamp,
            tunnels: None,
            last_icmp_error: None,
        };
        self.next_id += 1;
        self.stats.flows_opened += 1;
        let timeout_ns = near.timeout_ns_after(packet, &self.config);
        let due_ns = now_ns.saturating_add(timeout_ns.min(self.interval_ns()).min(self.rest_ns()));
        let slot = self.flows.insert(near, far)?;
        self.index.insert(hash, slot);
        self.note_ends(slot, packet);
        self.find_at(slot, due_ns);
        Some((slot, direction))
    }

    fn note_ends(&mut self, slot: usize, packet: &Packet<'_>) {
        if packet.vlan.outer.is_some() || packet.virtual_network.is_some() {
            self.ends_index.enable();
        }
        if self.ends_index.is_in_use() {
            self.ends_index
                .insert(ends_hash([packet.source, packet.destination], self.config.hash_seed), slot);
        }
    }

    fn handle_tcp(
        &mut self,
        slot: usize,
        direction: Direction,
        packet: &Packet<'_>,
        segment: &TcpSegment,
        sink: &mut impl FlowSink<S>,
    ) {
        let Some(flow) = self.flows.get_mut(slot) else { return };
        let is_syn = segment.flags.contains(TcpFlags::SYN);
        if is_syn {
            flow.far.assemblers[direction.index()].handle_syn(segment.sequence_number);
            if segment.flags.contains(TcpFlags::ACK) && direction == Direction::ToClient {
                self.listeners.insert(flow.near.key.flow_key().server);
            }
        }
        if segment.flags.contains(TcpFlags::ACK) {
            flow.near.senders[direction.index()].acknowledge(segment.acknowledgment_number);
        }
        if packet.payload_len > 0 && !segment.flags.contains(TcpFlags::RST) {
            let data = Segment {
                sequence_number: segment.sequence_number.wrapping_add(u32::from(is_syn)),
                timestamp: packet.timestamp,
                bytes: packet.payload,
                original_len: packet.payload_len,
            };
            self.handle_data(slot, direction, data, sink);
        }
        self.close_if_over(slot, segment, sink);
    }

    fn handle_data(
        &mut self,
        slot: usize,
        direction: Direction,
        data: Segment<'_>,
        sink: &mut impl FlowSink<S>,
    ) {
        let Some(mut flow) = self.flows.get_mut(slot) else { return };
        let acknowledged = flow.near.senders[direction.reversed().index()].most_acknowledged();
        let mut outlet = Outlet::new(flow.near.key.flow_key(), &mut flow.far.state, direction, sink);
        let assembler = &mut flow.far.assemblers[direction.index()];
        let held_before = assembler.held_bytes();
        let placement = assembler.handle_segment(data, acknowledged, |ordered| outlet.deliver(ordered));
        let loss = assembler.loss(data.timestamp, acknowledged, self.config.max_out_of_order_bytes);
        let is_crowded = self.stats.held_bytes > self.config.max_total_out_of_order_bytes as u64;
        let loss = if is_crowded && assembler.held_bytes() > 0 { Some(Loss::Forced) } else { loss };
        let hole_bytes = assembler.hole_bytes();
        let mut hole = None;
        if let Some(loss) = loss
            && assembler.skip_hole(|ordered| outlet.deliver(ordered))
        {
            hole = Some(Trouble::Lost(hole_bytes));
            self.stats.gaps += 1;
            self.stats.gaps_forced += u64::from(loss == Loss::Forced);
        }
        let (delivered, evidence) = (outlet.delivered, outlet.evidence);
        let held_after = assembler.held_bytes();
        self.stats.held_bytes =
            (self.stats.held_bytes + held_after as u64).saturating_sub(held_before as u64);
        self.stats.payload_bytes += data.bytes.len() as u64;
        self.stats.delivered_bytes += delivered;
        let arrived = data.bytes.len() as u64 + held_before as u64;
        self.stats.repeated_bytes += arrived.saturating_sub(delivered + held_after as u64);
        flow.count_placement(direction, data, placement);
        if let Some(hole) = hole {
            flow.tcp().count(direction, hole);
        }
        self.after_delivery(slot, evidence, sink);
    }

    fn handle_datagram(
        &mut self,
        slot: usize,
        direction: Direction,
        packet: &Packet<'_>,
        sink: &mut impl FlowSink<S>,
    ) {
        let Some(flow) = self.flows.get_mut(slot) else { return };
        if flow.near.key.transport() == Transport::Sctp {
            let due_ns = flow.near.active_ns.saturating_add(flow.near.timeout_ns(&self.config));
            return self.find_at(slot, due_ns);
        }
        let has_messages = matches!(flow.near.key.transport(), Transport::Udp | Transport::Icmp);
        if !has_messages || packet.payload_len == 0 {
            return;
        }
        let len = packet.payload.len() as u64;
        self.stats.payload_bytes += len;
        self.stats.delivered_bytes += len;
        let offset = flow.far.assemblers[direction.index()].pass(packet.payload_len);
        let chunk = Chunk::new(direction, packet.timestamp, offset, packet.payload)
            .with_original_len(packet.payload_len as usize);
        let evidence = sink.chunk(&flow.near.key.flow_key(), &mut flow.far.state, chunk);
        self.after_delivery(slot, evidence, sink);
    }

    /// The state has seen bytes: it may know the direction better now, or want to be called later.
    fn after_delivery(&mut self, slot: usize, evidence: DirectionEvidence, sink: &mut impl FlowSink<S>) {
        let Some(flow) = self.flows.get_mut(slot) else { return };
        if evidence != DirectionEvidence::None && flow.far.direction_score < direction::APPLICATION {
            flow.far.direction_score = direction::APPLICATION;
            flow.far.is_reversed = evidence == DirectionEvidence::Reversed;
            let key = flow.near.key.flow_key();
            self.listeners.insert(if flow.far.is_reversed { key.client } else { key.server });
        }
        if let Some(deadline) = sink.deadline(&flow.far.state) {
            let deadline_ns = self.clock.elapsed_at(deadline);
            self.find_at(slot, deadline_ns);
        }
    }

    fn close_if_over(&mut self, slot: usize, segment: &TcpSegment, sink: &mut impl FlowSink<S>) {
        // Nothing else makes a flow's timeout shorter.
        let is_turn =
            [TcpFlags::SYN, TcpFlags::FIN, TcpFlags::RST].iter().any(|flag| segment.flags.contains(*flag));
        let Some(flow) = self.flows.get_mut(slot) else { return };
        if flow.near.is_closed || !(is_turn || flow.near.phase() == Phase::Closed) {
            return;
        }
        let due_ns = flow.near.active_ns.saturating_add(flow.near.timeout_ns(&self.config));
        if flow.is_over() {
            flow.near.is_closed = true;
            self.release_held(slot, sink);
            if let Some(flow) = self.flows.get_mut(slot) {
                sink.closed(&flow.near.key.flow_key(), &mut flow.far.state);
            }
        }
        self.find_at(slot, due_ns);
    }

    /// Makes sure that the wheel finds the flow at `due_ns` or before.
    fn find_at(&mut self, slot: usize, due_ns: u64) {
        let due_ns = due_ns.min(self.clock.elapsed_ns().saturating_add(MAX_AHEAD_NS));
        let Some(flow) = self.flows.get_mut(slot) else { return };
        if due_ns < flow.far.found_ns {
            flow.far.found_ns = due_ns;
            self.wheel.insert(Entry::new(slot, flow.far.id), due_ns);
        }
    }

    /// Delivers everything that waits behind holes: what is missing will not come any more.
    fn release_held(&mut self, slot: usize, sink: &mut impl FlowSink<S>) {
        let Some(flow) = self.flows.get_mut(slot) else { return };
        for direction in Direction::BOTH {
            let assembler = &mut flow.far.assemblers[direction.index()];
            let held = assembler.held_bytes() as u64;
            let mut outlet = Outlet::new(flow.near.key.flow_key(), &mut flow.far.state, direction, sink);
            loop {
                let hole_bytes = assembler.hole_bytes();
                if !assembler.skip_hole(|ordered| outlet.deliver(ordered)) {
                    break;
                }
                self.stats.gaps += 1;
                flow.far.history.troubles_of(direction).count(Trouble::Lost(hole_bytes));
            }
            self.stats.held_bytes = self.stats.held_bytes.saturating_sub(held);
            self.stats.delivered_bytes += outlet.delivered;
            self.stats.repeated_bytes += held.saturating_sub(outlet.delivered);
        }
    }
}

/// Hands ordered bytes to the sink.
struct Outlet<'a, S, K: FlowSink<S>> {
    key: FlowKey,
    state: &'a mut S,
    direction: Direction,
    sink: &'a mut K,
    delivered: u64,
    evidence: DirectionEvidence,
}

impl<'a, S, K: FlowSink<S>> Outlet<'a, S, K> {
    fn new(key: FlowKey, state: &'a mut S, direction: Direction, sink: &'a mut K) -> Self {
        Self { key, state, direction, sink, delivered: 0, evidence: DirectionEvidence::None }
    }

    fn deliver(&mut self, ordered: Ordered<'_>) {
        let segment = ordered.segment;
        self.delivered += segment.bytes.len() as u64;
        let chunk = Chunk::new(self.direction, segment.timestamp, ordered.offset, segment.bytes)
            .with_original_len(segment.original_len as usize)
            .with_sequence_number(segment.sequence_number);
        let evidence = self.sink.chunk(&self.key, self.state, chunk);
        if evidence != DirectionEvidence::None {
            self.evidence = evidence;
        }
    }
}

/// How far ahead a flow is put into the wheel; it is put there again when it is found.
const MAX_AHEAD_NS: u64 = 500_000_000_000;
/// How many flows whose time has come may hold up one packet, and one call without a packet.
const MAX_FOUND_PER_PACKET: usize = 64;
const MAX_FOUND_PER_TIMEOUT: usize = 4_096;
