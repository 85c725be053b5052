//! A parsing thread: the flows and connections of its share of the packets.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use df_core::{FlowKey, Tunnel};
use df_flow::{ConversationEnds, FlowRecord, FlowStats, FlowTable};
use df_l7::{ConnectionConfig, Exchange, Protocol};

use super::batch::Batch;
use super::clock;
use super::notice::Notice;
use crate::config::Configuration;
use crate::health::{HealthCounts, Share};
use crate::pipeline::{self, ParsingStats, Pipeline};

/// What parsing sends to delivery.
#[derive(Debug)]
pub(super) enum Event {
    /// An exchange, and its connection as the flow table believes.
    Exchange(Box<(Exchange, FlowKey)>),
    /// An exchange that a process at one end had.
    ProcessExchange(Box<(Exchange, ConversationEnds)>),
    /// A flow's packets are in tunnels.
    Tunnels(Box<(FlowKey, Vec<Tunnel>)>),
    /// What a flow did since it was told last.
    Interval(Box<FlowRecord>),
    /// A flow record for the log, and the protocol found in the flow.
    Flow(Box<FlowRecord>, Option<Protocol>),
}

impl Event {
    /// Hands the event to delivery.
    pub(super) fn deliver(self, delivery: &mut impl pipeline::Receiver) {
        match self {
            Self::Exchange(seen) => delivery.exchange(seen.0, &seen.1),
            Self::ProcessExchange(seen) => delivery.process_exchange(seen.0, &seen.1),
            Self::Tunnels(seen) => delivery.tunnels(&seen.0, &seen.1),
            Self::Interval(record) => delivery.interval(&record),
            Self::Flow(record, protocol) => delivery.flow(*record, protocol),
        }
    }
}

/// The ends of the channels of one parsing thread.
pub(super) struct Channels {
    pub(super) full: Receiver<Batch>,
    pub(super) empty: Sender<Batch>,
    pub(super) events: Sender<Vec<Event>>,
}

/// Parses until every capture thread has ended, then ends every flow.
pub(super) fn run(
    channels: Channels,
    configuration: &Configuration,
    connection: Option<Arc<ConnectionConfig>>,
    notice: &Notice,
    health: &HealthCounts,
) -> (FlowStats, ParsingStats) {
    let Channels { full, empty, events } = channels;
    let mut flows = FlowTable::new(configuration.flow.clone());
    let mut pipeline = Pipeline::new(connection, &configuration.parsing, Outbox::new(events));
    let mut shares = HealthShares::default();
    loop {
        let received = full.recv_timeout(IDLE);
        if let Some(left_out) = notice.take() {
            flows.leave_out(left_out.most);
            flows.leave_out(left_out.now);
        }
        match received {
            Ok(mut batch) => {
                flows.handle_packets(&batch.packets(), &mut pipeline);
                batch.clear();
                // Nobody waits for an empty batch: one too many is freed.
                let _ = empty.try_send(batch);
            }
            Err(RecvTimeoutError::Timeout) => flows.handle_timeout(clock::now(), &mut pipeline),
            Err(RecvTimeoutError::Disconnected) => break,
        }
        pipeline.receiver().send();
        shares.tell(health, &flows.stats());
    }
    flows.finish(&mut pipeline);
    pipeline.receiver().send();
    let (stats, _) = pipeline.finish();
    (flows.stats(), stats)
}

/// This thread's part in the health counts.
#[derive(Default)]
struct HealthShares {
    packets: Share,
    flows_opened: Share,
    flows_evicted: Share,
    gaps: Share,
}

impl HealthShares {
    fn tell(&mut self, health: &HealthCounts, stats: &FlowStats) {
        self.packets.add(&health.packets, stats.packets);
        self.flows_opened.add(&health.flows_opened, stats.flows_opened);
        self.flows_evicted.add(&health.flows_evicted, stats.flows_evicted);
        self.gaps.add(&health.gaps, stats.gaps);
    }
}

/// Collects events and sends them together.
pub(super) struct Outbox {
    pending: Vec<Event>,
    events: Sender<Vec<Event>>,
}

impl Outbox {
    /// Nothing to send yet.
    pub(super) const fn new(events: Sender<Vec<Event>>) -> Self {
        Self { pending: Vec::new(), events }
    }

    /// Sends what there is. Waits while delivery is behind: then this thread's channel fills, and capture drops and
    /// counts packets.
    pub(super) fn send(&mut self) {
        if !self.pending.is_empty() {
            // Delivery outlives this thread; if it has failed there is nobody to tell.
            let _ = self.events.send(std::mem::take(&mut self.pending));
        }
    }

    fn push(&mut self, event: Event) {
        self.pending.push(event);
        if self.pending.len() >= MAX_PENDING_EVENTS {
            self.send();
        }
    }
}

impl pipeline::Receiver for Outbox {
    fn exchange(&mut self, exchange: Exchange, key: &FlowKey) {
        self.push(Event::Exchange(Box::new((exchange, *key))));
    }

    fn process_exchange(&mut self, exchange: Exchange, ends: &ConversationEnds) {
        self.push(Event::ProcessExchange(Box::new((exchange, ends.clone()))));
    }

    fn tunnels(&mut self, key: &FlowKey, tunnels: &[Tunnel]) {
        self.push(Event::Tunnels(Box::new((*key, tunnels.to_vec()))));
    }

    fn interval(&mut self, record: &FlowRecord) {
        self.push(Event::Interval(Box::new(record.clone())));
    }

    fn flow(&mut self, record: FlowRecord, protocol: Option<Protocol>) {
        self.push(Event::Flow(Box::new(record), protocol));
    }
}

const IDLE: Duration = Duration::from_millis(100);
const MAX_PENDING_EVENTS: usize = 512;
