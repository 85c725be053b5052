//! Memory of idle connections: `cargo run --release -p df-bench --bin idle -- [FLOWS]` (default 500,000).
//!
//! Opens that many TCP connections, each with a handshake, an HTTP request and its response, and tells by how much the
//! process has grown.
#![allow(clippy::print_stdout, reason = "a command line tool prints")]

use std::error::Error;
use std::net::Ipv4Addr;
use std::sync::Arc;

use df_bench::resident_bytes;
use df_core::{
    Chunk, Direction, Endpoint, FlowKey, Packet, TcpFlags, TcpSegment, Timestamp, TransportHeader,
};
use df_flow::{DirectionEvidence, FlowConfig, FlowRecord, FlowSink, FlowTable};
use df_l7::{Connection, ConnectionConfig};

struct Sink {
    config: Arc<ConnectionConfig>,
    exchanges: u64,
}

impl FlowSink<Connection> for Sink {
    fn opened(&mut self, key: &FlowKey) -> Connection {
        Connection::new(key.transport, Arc::clone(&self.config)).with_ports(key.client.port, key.server.port)
    }

    fn chunk(&mut self, _: &FlowKey, connection: &mut Connection, chunk: Chunk<'_>) -> DirectionEvidence {
        connection.handle_chunk(chunk);
        while connection.poll_exchange().is_some() {
            self.exchanges += 1;
        }
        DirectionEvidence::Confirmed
    }

    fn ended(&mut self, _: FlowRecord, _: Connection) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let flows: u32 = std::env::args().nth(1).map_or(Ok(500_000), |flows| flows.parse())?;
    let mut config = FlowConfig::default();
    config.max_flows = usize::try_from(flows)?;
    let mut table = FlowTable::new(config);
    let mut sink = Sink { config: Arc::new(ConnectionConfig::default()), exchanges: 0 };
    let before = resident_bytes()?;
    for flow in 0..flows {
        open(&mut table, &mut sink, flow);
    }
    let grown = resident_bytes()?.saturating_sub(before);
    println!(
        "{} flows, {} exchanges: {} bytes per idle flow ({} of them in the table)",
        table.len(),
        sink.exchanges,
        grown / u64::from(flows),
        FlowTable::<Connection>::bytes_per_flow()
    );
    Ok(())
}

fn open(table: &mut FlowTable<Connection>, sink: &mut Sink, flow: u32) {
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
        let at = Timestamp::from_nanos(1_000_000_000 + u64::from(flow));
        table.handle_packet(&Packet::new(at, source, destination, header, payload), sink);
    }
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}
