//! Learn to deliver spans: an exchange becomes a span, which goes to an OTLP receiver and is accounted for.
//!
//! `cargo run -p df-export --example spans_to_otlp -- http://127.0.0.1:4318`
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;
use std::time::{Duration, SystemTime};

use df_core::{Chunk, Direction, Endpoint, FlowKey, InterfaceId, Timestamp, Transport, VlanTags};
use df_export::{OtlpConfig, OtlpExporter, Resource};
use df_l7::{Connection, ConnectionConfig};
use df_trace::{ObservationPoint, Place, SpanAssembler, TraceConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:4318".to_owned());

    // An exchange, from the bytes of both directions.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let start = Timestamp::from_parts(now.as_secs(), now.subsec_nanos());
    let end = start.saturating_add(Duration::from_millis(3));
    let mut connection = Connection::new(Transport::Tcp, ConnectionConfig::default().into());
    let request = b"GET /basket HTTP/1.1\r\nHost: shop.example\r\n\r\n";
    connection.handle_chunk(Chunk::new(Direction::ToServer, start, 0, request));
    connection.handle_chunk(Chunk::new(Direction::ToClient, end, 0, b"HTTP/1.1 204 No Content\r\n\r\n"));
    let exchange = connection.poll_exchange().ok_or("request and response make an exchange")?;

    // A span, placed in a trace.
    let flow = FlowKey {
        transport: Transport::Tcp,
        client: Endpoint::new([10, 0, 0, 1].into(), 40_000),
        server: Endpoint::new([10, 0, 0, 2].into(), 80),
        vlan: VlanTags::default(),
        virtual_network: None,
        interface: InterfaceId(1),
    };
    let mut spans = SpanAssembler::new(TraceConfig::default());
    spans.handle_exchange(exchange, Place::new(flow, ObservationPoint::Client));
    spans.flush();
    let span = spans.poll_span().ok_or("everything is ready after a flush")?.to_span();
    println!("span {} of trace {}: {}", span.span_id, span.trace_id, span.name);

    // Delivery runs in the background; the end waits for it, but not for ever.
    let config = OtlpConfig::new(&url)?;
    let runtime = tokio::runtime::Handle::current();
    let exporter = OtlpExporter::start(&config, &Resource::new("spans_to_otlp"), &runtime)?;
    exporter.export_spans([span]);
    exporter.flush(Duration::from_secs(5)).await;
    if let Some(error) = exporter.take_last_error() {
        println!("{error}");
    }
    let [traces, ..] = exporter.shutdown(Duration::from_secs(1)).await;
    println!("{} accepted, {} exported, {} dropped", traces.accepted, traces.exported, traces.dropped());
    Ok(())
}
