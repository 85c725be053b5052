//! Joins flows and connections: what a flow table needs to turn packets into exchanges and flow records.

use std::sync::Arc;

use df_core::{Chunk, Endpoint, FlowKey, Timestamp, Tunnel};
use df_flow::{DirectionEvidence, FlowRecord, FlowSink};
use df_l7::{Connection, ConnectionConfig, ConnectionStats, Exchange, Protocol};

/// Takes what parsing gives: the delivery itself, or the channel that leads to it.
pub(crate) trait Receiver {
    /// An exchange, and its connection with client and server as the flow table believes.
    fn exchange(&mut self, exchange: Exchange, key: &FlowKey);
    /// The tunnels around a flow's packets, outermost first: told before its first exchange.
    fn tunnels(&mut self, key: &FlowKey, tunnels: &[Tunnel]);
    /// A flow record, and the protocol found in the flow.
    fn flow(&mut self, record: FlowRecord, protocol: Option<Protocol>);
}

/// The sink of one flow table.
#[derive(Debug)]
pub(crate) struct Pipeline<R> {
    config: Arc<ConnectionConfig>,
    receiver: R,
    stats: ParsingStats,
}

/// What is kept per flow.
#[derive(Debug)]
pub(crate) struct FlowState {
    connection: Connection,
    /// The protocol found; outlives the connection's end.
    protocol: Option<Protocol>,
    /// The client when the flow began: records may turn the flow round, exchanges stay as they were.
    client: Endpoint,
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
    pub(crate) fn new(config: Arc<ConnectionConfig>, receiver: R) -> Self {
        Self { config, receiver, stats: ParsingStats::default() }
    }

    /// Where the pipeline ends.
    pub(crate) const fn receiver(&mut self) -> &mut R {
        &mut self.receiver
    }

    /// The counters, and where the pipeline ends.
    pub(crate) fn finish(self) -> (ParsingStats, R) {
        (self.stats, self.receiver)
    }

    fn drain(&mut self, key: &FlowKey, connection: &mut Connection) {
        while let Some(exchange) = connection.poll_exchange() {
            self.receiver.exchange(exchange, key);
        }
    }
}

impl<R: Receiver> FlowSink<FlowState> for Pipeline<R> {
    fn opened(&mut self, key: &FlowKey) -> FlowState {
        let connection = Connection::new(key.transport, Arc::clone(&self.config));
        FlowState {
            connection: connection.with_ports(key.client.port, key.server.port),
            protocol: None,
            client: key.client,
        }
    }

    fn tunnelled(&mut self, key: &FlowKey, _: &mut FlowState, tunnels: &[Tunnel]) {
        self.receiver.tunnels(key, tunnels);
    }

    fn chunk(&mut self, key: &FlowKey, state: &mut FlowState, chunk: Chunk<'_>) -> DirectionEvidence {
        state.connection.handle_chunk(chunk);
        self.drain(key, &mut state.connection);
        let Some(protocol) = state.connection.protocol() else { return DirectionEvidence::None };
        state.protocol = Some(protocol);
        if state.connection.is_reversed() {
            DirectionEvidence::Reversed
        } else {
            DirectionEvidence::Confirmed
        }
    }

    fn closed(&mut self, key: &FlowKey, state: &mut FlowState) {
        state.connection.handle_close();
        self.drain(key, &mut state.connection);
    }

    fn deadline(&self, state: &FlowState) -> Option<Timestamp> {
        state.connection.poll_timeout()
    }

    fn timed_out(&mut self, key: &FlowKey, state: &mut FlowState, now: Timestamp) {
        state.connection.handle_timeout(now);
        self.drain(key, &mut state.connection);
    }

    fn reported(&mut self, record: FlowRecord, state: &mut FlowState) {
        self.receiver.flow(record, state.protocol);
    }

    fn ended(&mut self, record: FlowRecord, mut state: FlowState) {
        let key = if record.key.client == state.client { record.key } else { record.key.reversed() };
        state.connection.handle_close();
        self.drain(&key, &mut state.connection);
        self.stats.count(&state.connection.stats());
        self.receiver.flow(record, state.protocol);
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
