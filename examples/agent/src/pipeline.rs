//! Joins flows and connections: what a flow table needs to turn packets into exchanges and flow records.

mod log;
mod state;

use std::sync::Arc;

use df_core::{Chunk, Endpoint, FlowKey, Timestamp, Tunnel};
use df_flow::{ConversationEnds, DirectionEvidence, FlowRecord, FlowSink, SocketSink};
use df_l7::{ConnectionConfig, ConnectionStats, Exchange, Protocol, Verdicts};

use crate::config::ParsingSettings;
use log::FlowLog;
pub(crate) use state::FlowState;
use state::Parsing;

/// Takes what parsing gives: the delivery itself, or the channel that leads to it.
pub(crate) trait Receiver {
    /// An exchange, and its connection with client and server as the flow table believes.
    fn exchange(&mut self, exchange: Exchange, key: &FlowKey);
    /// An exchange that a process at one end had.
    fn process_exchange(&mut self, exchange: Exchange, ends: &ConversationEnds);
    /// The tunnels around a flow's packets, outermost first: told before its first exchange.
    fn tunnels(&mut self, key: &FlowKey, tunnels: &[Tunnel]);
    /// What a flow did since it was told last, for metrics.
    fn interval(&mut self, record: &FlowRecord);
    /// A flow record for the log, and the protocol found in the flow.
    fn flow(&mut self, record: FlowRecord, protocol: Option<Protocol>);
}

/// The sink of one flow table, or of one socket table.
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
        let log = FlowLog::new(parsing);
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

    /// Reads the next bytes of a conversation.
    fn read(&mut self, seen: Seen<'_>, state: &mut FlowState, chunk: Chunk<'_>) -> DirectionEvidence {
        let Some(parsing) = state.parsing(self.config.as_ref()) else { return DirectionEvidence::None };
        let (key, now) = (seen.key(), chunk.timestamp);
        if !std::mem::replace(&mut parsing.has_begun, true)
            && is_known_to_others(key.server)
            && let Some(protocol) = self.verdicts.expected(&key.server, now)
        {
            parsing.connection.expect(protocol);
        }
        parsing.connection.handle_chunk(chunk);
        self.drain(seen, parsing);
        let Some(protocol) = parsing.connection.protocol() else { return DirectionEvidence::None };
        let is_reversed = parsing.connection.is_reversed();
        if parsing.protocol.replace(protocol) != Some(protocol) {
            let server = if is_reversed { key.client } else { key.server };
            if is_known_to_others(server) {
                self.verdicts.remember(server, protocol, now);
            }
        }
        if is_reversed { DirectionEvidence::Reversed } else { DirectionEvidence::Confirmed }
    }

    fn close(&mut self, seen: Seen<'_>, state: &mut FlowState) {
        if let Some(parsing) = state.parsing(self.config.as_ref()) {
            parsing.connection.handle_close();
            self.drain(seen, parsing);
        }
    }

    fn time_out(&mut self, seen: Seen<'_>, state: &mut FlowState, now: Timestamp) {
        if let Some(parsing) = state.parsing(self.config.as_ref()) {
            parsing.connection.handle_timeout(now);
            self.drain(seen, parsing);
        }
    }

    fn drain(&mut self, seen: Seen<'_>, parsing: &mut Parsing) {
        while let Some(exchange) = parsing.connection.poll_exchange() {
            state::count(&mut parsing.counts, &exchange);
            match seen {
                Seen::OnTheWire(key) => self.receiver.exchange(exchange, key),
                Seen::InProcess(ends) => self.receiver.process_exchange(exchange, ends),
            }
        }
    }

    fn deliver(&mut self, record: FlowRecord, state: &mut FlowState) {
        let mut record = record;
        let mut protocol = None;
        if let Some(parsing) = state.parsing(self.config.as_ref())
            && let Some(found) = parsing.protocol
        {
            parsing.counts.protocol = Some(found.name());
            record = record.with_l7(std::mem::take(&mut parsing.counts));
            protocol = Some(found);
        }
        if self.log.is_metered {
            self.receiver.interval(&record);
            let Some(whole) = self.log.due(record, &mut state.logged) else { return };
            record = whole;
        }
        self.receiver.flow(record, protocol);
    }
}

impl<R: Receiver> FlowSink<FlowState> for Pipeline<R> {
    fn opened(&mut self, key: &FlowKey) -> FlowState {
        FlowState::new(key, self.config.as_ref())
    }

    fn tunnelled(&mut self, key: &FlowKey, _: &mut FlowState, tunnels: &[Tunnel]) {
        self.receiver.tunnels(key, tunnels);
    }

    fn chunk(&mut self, key: &FlowKey, state: &mut FlowState, chunk: Chunk<'_>) -> DirectionEvidence {
        self.read(Seen::OnTheWire(key), state, chunk)
    }

    fn closed(&mut self, key: &FlowKey, state: &mut FlowState) {
        self.close(Seen::OnTheWire(key), state);
    }

    fn deadline(&self, state: &FlowState) -> Option<Timestamp> {
        state.awake()?.connection.poll_timeout()
    }

    fn timed_out(&mut self, key: &FlowKey, state: &mut FlowState, now: Timestamp) {
        self.time_out(Seen::OnTheWire(key), state, now);
    }

    fn resting(&mut self, state: &mut FlowState) {
        if let Some(stats) = state.rest() {
            self.stats.count(&stats);
        }
    }

    fn ending(&mut self, key: &FlowKey, state: &mut FlowState) {
        self.close(Seen::OnTheWire(key), state);
    }

    fn reported(&mut self, record: FlowRecord, state: &mut FlowState) {
        self.deliver(record, state);
    }

    fn ended(&mut self, record: FlowRecord, mut state: FlowState) {
        if let Some(parsing) = state.awake() {
            self.stats.count(&parsing.connection.stats());
        }
        self.deliver(record, &mut state);
    }
}

/// Where a conversation was seen.
#[derive(Debug, Clone, Copy)]
enum Seen<'a> {
    OnTheWire(&'a FlowKey),
    InProcess(&'a ConversationEnds),
}

impl Seen<'_> {
    const fn key(&self) -> &FlowKey {
        match self {
            Self::OnTheWire(key) => key,
            Self::InProcess(ends) => &ends.key,
        }
    }
}

impl<R: Receiver> SocketSink<FlowState> for Pipeline<R> {
    fn opened(&mut self, ends: &ConversationEnds) -> FlowState {
        FlowState::new(&ends.key, self.config.as_ref())
    }

    /// What began in clear goes on inside, where its protocol says so.
    fn opened_inside(&mut self, ends: &ConversationEnds, outside: &mut FlowState) -> FlowState {
        let inside = outside.parsing(self.config.as_ref()).and_then(|one| one.connection.take_inside_tls());
        inside.map_or_else(|| FlowState::new(&ends.key, self.config.as_ref()), FlowState::of)
    }

    fn chunk(&mut self, ends: &ConversationEnds, state: &mut FlowState, chunk: Chunk<'_>) {
        self.read(Seen::InProcess(ends), state, chunk);
    }

    fn deadline(&self, state: &FlowState) -> Option<Timestamp> {
        state.awake()?.connection.poll_timeout()
    }

    fn timed_out(&mut self, ends: &ConversationEnds, state: &mut FlowState, now: Timestamp) {
        self.time_out(Seen::InProcess(ends), state, now);
    }

    fn ended(&mut self, ends: &ConversationEnds, mut state: FlowState) {
        self.close(Seen::InProcess(ends), &mut state);
        if let Some(parsing) = state.awake() {
            self.stats.count(&parsing.connection.stats());
        }
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

/// Whether its next connection can be told to be to the same server: not that of a Unix socket without a path.
fn is_known_to_others(server: Endpoint) -> bool {
    server.address.unix().is_none_or(|unix| unix.path().is_some())
}
