//! Joins flows and connections: what a flow table needs to turn packets into exchanges and flow records.

use std::sync::Arc;
use std::time::Duration;

use df_core::{Chunk, Endpoint, FlowKey, Timestamp};
use df_flow::{DirectionEvidence, FlowRecord, FlowSink, L7Counts};
use df_l7::{Connection, ConnectionConfig, ConnectionStats, Exchange, Protocol, ResponseStatus, Verdicts};

use crate::config::ParsingSettings;

/// Takes what parsing gives: the delivery itself, or the channel that leads to it.
pub(crate) trait Receiver {
    /// An exchange, and its connection with client and server as the flow table believes.
    fn exchange(&mut self, exchange: Exchange, key: &FlowKey);
    /// What a flow did since it was told last, for metrics.
    fn interval(&mut self, record: &FlowRecord);
    /// A flow record for the log, and the protocol found in the flow.
    fn flow(&mut self, record: FlowRecord, protocol: Option<Protocol>);
}

/// The sink of one flow table.
#[derive(Debug)]
pub(crate) struct Pipeline<R> {
    /// None where flows are accounted for and nothing is parsed.
    config: Option<Arc<ConnectionConfig>>,
    /// What servers were found to speak.
    verdicts: Verdicts<Endpoint>,
    log: FlowLog,
    receiver: R,
    stats: ParsingStats,
}

/// What is kept per flow.
#[derive(Debug)]
pub(crate) struct FlowState {
    connection: Option<Connection>,
    /// The protocol found; outlives the connection's end.
    protocol: Option<Protocol>,
    /// Whether any bytes were seen.
    has_begun: bool,
    /// The exchanges since the record before.
    counts: L7Counts,
    /// What was reported since the flow was logged.
    unlogged: Option<Box<FlowRecord>>,
    logged_until: Timestamp,
}

/// How often flows are logged.
#[derive(Debug, Clone, Copy)]
struct FlowLog {
    interval: Option<Duration>,
    /// Whether flows are reported more often, for metrics.
    is_metered: bool,
}

/// What all connections that have ended did with their input.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ParsingStats {
    pub(crate) parse_errors: u64,
    pub(crate) gaps: u64,
    pub(crate) bytes_unknown: u64,
    pub(crate) bytes_dropped: u64,
}

impl<R: Receiver> Pipeline<R> {
    /// A pipeline that ends at `receiver`.
    pub(crate) fn new(config: Option<Arc<ConnectionConfig>>, parsing: &ParsingSettings, receiver: R) -> Self {
        let verdicts = Verdicts::new(parsing.max_verdicts, parsing.verdict_expiry);
        let log = FlowLog { interval: parsing.flow_log_interval, is_metered: parsing.is_metered };
        Self { config, verdicts, log, receiver, stats: ParsingStats::default() }
    }

    /// Where the pipeline ends.
    pub(crate) const fn receiver(&mut self) -> &mut R {
        &mut self.receiver
    }

    /// The counters, and where the pipeline ends.
    pub(crate) fn finish(self) -> (ParsingStats, R) {
        (self.stats, self.receiver)
    }

    fn drain(&mut self, key: &FlowKey, state: &mut FlowState) {
        let Some(connection) = &mut state.connection else { return };
        while let Some(exchange) = connection.poll_exchange() {
            count(&mut state.counts, &exchange);
            self.receiver.exchange(exchange, key);
        }
    }

    fn deliver(&mut self, record: FlowRecord, state: &mut FlowState) {
        let mut record = record;
        if let Some(protocol) = state.protocol {
            state.counts.protocol = Some(protocol.name());
            record = record.with_l7(std::mem::take(&mut state.counts));
        }
        if self.log.is_metered {
            self.receiver.interval(&record);
            let Some(whole) = self.log.due(record, state) else { return };
            record = whole;
        }
        self.receiver.flow(record, state.protocol);
    }
}

impl<R: Receiver> FlowSink<FlowState> for Pipeline<R> {
    fn opened(&mut self, key: &FlowKey) -> FlowState {
        let connection = self.config.as_ref().map(|config| {
            let connection = Connection::new(key.transport, Arc::clone(config));
            connection.with_ports(key.client.port, key.server.port)
        });
        FlowState {
            connection,
            protocol: None,
            has_begun: false,
            counts: L7Counts::default(),
            unlogged: None,
            logged_until: Timestamp::ZERO,
        }
    }

    fn chunk(&mut self, key: &FlowKey, state: &mut FlowState, chunk: Chunk<'_>) -> DirectionEvidence {
        let Some(connection) = &mut state.connection else { return DirectionEvidence::None };
        let now = chunk.timestamp;
        if !std::mem::replace(&mut state.has_begun, true)
            && let Some(protocol) = self.verdicts.expected(&key.server, now)
        {
            connection.expect(protocol);
        }
        connection.handle_chunk(chunk);
        self.drain(key, state);
        let Some(connection) = &state.connection else { return DirectionEvidence::None };
        let Some(protocol) = connection.protocol() else { return DirectionEvidence::None };
        let is_reversed = connection.is_reversed();
        if state.protocol.replace(protocol) != Some(protocol) {
            let server = if is_reversed { key.client } else { key.server };
            self.verdicts.remember(server, protocol, now);
        }
        if is_reversed { DirectionEvidence::Reversed } else { DirectionEvidence::Confirmed }
    }

    fn closed(&mut self, key: &FlowKey, state: &mut FlowState) {
        if let Some(connection) = &mut state.connection {
            connection.handle_close();
            self.drain(key, state);
        }
    }

    fn deadline(&self, state: &FlowState) -> Option<Timestamp> {
        state.connection.as_ref()?.poll_timeout()
    }

    fn timed_out(&mut self, key: &FlowKey, state: &mut FlowState, now: Timestamp) {
        if let Some(connection) = &mut state.connection {
            connection.handle_timeout(now);
            self.drain(key, state);
        }
    }

    fn ending(&mut self, key: &FlowKey, state: &mut FlowState) {
        self.closed(key, state);
    }

    fn reported(&mut self, record: FlowRecord, state: &mut FlowState) {
        self.deliver(record, state);
    }

    fn ended(&mut self, record: FlowRecord, mut state: FlowState) {
        if let Some(connection) = &state.connection {
            self.stats.count(&connection.stats());
        }
        self.deliver(record, &mut state);
    }
}

impl FlowLog {
    /// The record to log, if it is time: of everything since the last one.
    fn due(self, record: FlowRecord, state: &mut FlowState) -> Option<FlowRecord> {
        let whole = match state.unlogged.take() {
            Some(mut before) => {
                before.append(&record);
                before
            }
            None => Box::new(record),
        };
        let since = state.logged_until.max(whole.start);
        // Reports come a little early or late: what is nearly due is.
        let is_over = |interval: Duration| whole.end.since(since) + interval / 4 >= interval;
        if !whole.is_final && !self.interval.is_some_and(is_over) {
            state.unlogged = Some(whole);
            return None;
        }
        state.logged_until = whole.end;
        Some(*whole)
    }
}

/// Adds an exchange to the account of its flow.
fn count(counts: &mut L7Counts, exchange: &Exchange) {
    counts.request = counts.request.saturating_add(u32::from(exchange.request.is_some()));
    counts.response = counts.response.saturating_add(u32::from(exchange.response.is_some()));
    let counter = match exchange.status() {
        ResponseStatus::ClientError => &mut counts.client_error,
        ResponseStatus::ServerError => &mut counts.server_error,
        ResponseStatus::Timeout => &mut counts.timeout,
        _ => &mut 0,
    };
    *counter = counter.saturating_add(1);
    if let Some(duration) = exchange.duration() {
        counts.rrt.add(duration);
    }
}

impl ParsingStats {
    fn count(&mut self, connection: &ConnectionStats) {
        self.parse_errors += u64::from(connection.parse_errors);
        self.gaps += u64::from(connection.gaps);
        self.bytes_unknown += connection.bytes_unknown;
        self.bytes_dropped += connection.bytes_dropped;
    }

    /// Adds what another thread counted.
    pub(crate) const fn add(&mut self, other: &Self) {
        self.parse_errors += other.parse_errors;
        self.gaps += other.gaps;
        self.bytes_unknown += other.bytes_unknown;
        self.bytes_dropped += other.bytes_dropped;
    }
}
