//! Learn to wire capture, flows, protocols and traces: the requests in a capture file, and the span made of each.
//!
//! `cargo run -p df-trace --example exchanges_from_pcap -- trace.pcap`
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;
use std::sync::Arc;

use df_capture::{FrameSource, PcapFile, decode};
use df_core::{Chunk, FlowKey};
use df_flow::{DirectionEvidence, FlowConfig, FlowRecord, FlowSink, FlowTable};
use df_l7::{Connection, ConnectionConfig};
use df_trace::{ObservationPoint, Place, SpanAssembler, TraceConfig};

/// Keeps a connection per flow, and sends what they find to the assembler.
struct Wiring {
    config: Arc<ConnectionConfig>,
    spans: SpanAssembler,
}

impl Wiring {
    fn drain(&mut self, key: &FlowKey, connection: &mut Connection) {
        while let Some(exchange) = connection.poll_exchange() {
            self.spans.handle_exchange(exchange, Place::new(*key, ObservationPoint::Rest));
        }
    }

    /// Prints what is ready: exchanges wait a moment for other sightings of themselves.
    fn print_ready(&mut self) {
        while let Some(linked) = self.spans.poll_span() {
            let span = linked.to_span();
            let status = linked.exchange.status().name();
            println!("{} {:24} {status:13} {:?}", span.trace_id, span.name, span.end.since(span.start));
        }
    }
}

impl FlowSink<Connection> for Wiring {
    fn opened(&mut self, key: &FlowKey) -> Connection {
        Connection::new(key.transport, Arc::clone(&self.config)).with_ports(key.client.port, key.server.port)
    }

    fn chunk(&mut self, key: &FlowKey, connection: &mut Connection, chunk: Chunk<'_>) -> DirectionEvidence {
        connection.handle_chunk(chunk);
        self.drain(key, connection);
        DirectionEvidence::None
    }

    fn ended(&mut self, record: FlowRecord, mut connection: Connection) {
        connection.handle_close();
        self.drain(&record.key, &mut connection);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: exchanges_from_pcap FILE")?;
    let mut source = PcapFile::open(path)?;
    let spans = SpanAssembler::new(TraceConfig::default());
    let mut wiring = Wiring { config: Arc::default(), spans };
    let mut flows = FlowTable::new(FlowConfig::default());
    while let Some(frame) = source.next_frame()? {
        if let Ok(packet) = decode(&frame) {
            flows.handle_packet(&packet, &mut wiring);
            wiring.print_ready();
        }
    }
    flows.finish(&mut wiring);
    wiring.spans.flush();
    wiring.print_ready();
    Ok(())
}
