//! Memory of connections: `cargo run --release -p df-bench --bin idle -- [FLOWS] [awake]` (default 1,000,000).
//!
//! Opens that many TCP connections over 50 minutes of packet time, each with a handshake, an HTTP request and its response,
//! and tells by how much the process has grown once all are idle: silent for longer than `rest_after`. With `awake` all open
//! at once, and none has rested yet. Kept per flow is what the agent keeps.
#![allow(clippy::print_stdout, reason = "a command line tool prints")]

use std::error::Error;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use df_bench::resident_bytes;
use df_core::{
    Chunk, Direction, Endpoint, FlowKey, Packet, TcpFlags, TcpSegment, Timestamp, TransportHeader,
};
use df_flow::{DirectionEvidence, FlowConfig, FlowRecord, FlowSink, FlowTable, L7Counts};
use df_l7::{Connection, ConnectionConfig, Protocol, RestingConnection};

struct Sink {
    config: Arc<ConnectionConfig>,
    exchanges: u64,
}

/// A connection with what the agent keeps beside it.
enum State {
    Awake(Box<(Connection, Option<Protocol>, L7Counts)>),
    Resting(
        #[allow(dead_code, reason = "it takes memory")] Box<(RestingConnection, Option<Protocol>, L7Counts)>,
    ),
    Nothing,
}

impl FlowSink<State> for Sink {
    fn opened(&mut self, key: &FlowKey) -> State {
        let connection = Connection::new(key.transport, Arc::clone(&self.config));
        let connection = connection.with_ports(key.client.port, key.server.port);
        State::Awake(Box::new((connection, None, L7Counts::default())))
    }

    fn chunk(&mut self, _: &FlowKey, state: &mut State, chunk: Chunk<'_>) -> DirectionEvidence {
        if let State::Awake(awake) = state {
            let (connection, protocol, counts) = &mut **awake;
            connection.handle_chunk(chunk);
            while connection.poll_exchange().is_some() {
                self.exchanges += 1;
                counts.request += 1;
            }
            *protocol = connection.protocol();
        }
        DirectionEvidence::Confirmed
    }

    fn resting(&mut self, state: &mut State) {
        if let State::Awake(awake) = std::mem::replace(state, State::Nothing) {
            let (connection, protocol, counts) = *awake;
            *state = match connection.rest() {
                Ok(connection) => State::Resting(Box::new((connection, protocol, counts))),
                Err(connection) => State::Awake(Box::new((*connection, protocol, counts))),
            };
        }
    }

    fn ended(&mut self, _: FlowRecord, _: State) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let flows: u32 = std::env::args().nth(1).map_or(Ok(1_000_000), |flows| flows.parse())?;
    let is_awake = std::env::args().nth(2).is_some_and(|state| state == "awake");
    measure(flows, if is_awake { 0 } else { OPENING_NS / u64::from(flows.max(1)) })
}

/// Opens so many connections, so far apart in time.
fn measure(flows: u32, every_ns: u64) -> Result<(), Box<dyn Error>> {
    let mut config = FlowConfig::default();
    config.max_flows = usize::try_from(flows)?;
    config.established_timeout = Duration::from_secs(7_200);
    let mut table = FlowTable::new(config);
    let mut sink = Sink { config: Arc::new(ConnectionConfig::default()), exchanges: 0 };
    let before = resident_bytes()?;
    for flow in 0..flows {
        open(&mut table, &mut sink, (flow, START_NS + u64::from(flow) * every_ns));
    }
    let how = if every_ns == 0 { "awake" } else { "idle" };
    if every_ns > 0 {
        let later = Timestamp::from_nanos(START_NS + OPENING_NS + 70_000_000_000);
        for _ in 0..flows {
            table.handle_timeout(later, &mut sink);
        }
    }
    let grown = resident_bytes()?.saturating_sub(before);
    println!(
        "{} flows {how}, {} exchanges: {} bytes per flow",
        table.len(),
        sink.exchanges,
        grown / u64::from(flows)
    );
    Ok(())
}

fn open(table: &mut FlowTable<State>, sink: &mut Sink, (flow, at_ns): (u32, u64)) {
    let client =
        Endpoint::new(Ipv4Addr::from_bits(0x0a00_0000 | (flow >> 8)).into(), 40_000 + (flow & 0xff) as u16);
    let server = Endpoint::new(Ipv4Addr::new(192, 0, 2, 1).into(), 80);
    let request = b"GET /index.html HTTP/1.1\r\nHost: example.test\r\n\r\n";
    let response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let (asked, answered) = (101 + length(request), 501 + length(response));
    let ack = TcpFlags::ACK;
    for (direction, flags, numbers, payload) in [
        (Direction::ToServer, TcpFlags::SYN, (100, 0), &b""[..]),
        (Direction::ToClient, TcpFlags::SYN.union(ack), (500, 101), b""),
        (Direction::ToServer, ack, (101, 501), request),
        (Direction::ToClient, ack, (501, asked), response),
        (Direction::ToServer, ack, (asked, answered), b""),
    ] {
        let (source, destination) =
            if direction == Direction::ToServer { (client, server) } else { (server, client) };
        let header = TransportHeader::Tcp(TcpSegment::new(numbers.0, numbers.1, flags, 1_000));
        let at = Timestamp::from_nanos(at_ns);
        table.handle_packet(&Packet::new(at, source, destination, header, payload), sink);
    }
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

const START_NS: u64 = 1_700_000_000_000_000_000;
const OPENING_NS: u64 = 3_000_000_000_000;
