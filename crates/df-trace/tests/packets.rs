//! From packets at two interfaces to linked spans, through the flow table and the parsers.

use std::sync::Arc;

use df_core::{
    Chunk, Endpoint, FlowKey, InterfaceId, Packet, TcpFlags, TcpSegment, Timestamp, TransportHeader,
};
use df_flow::{DirectionEvidence, FlowConfig, FlowRecord, FlowSink, FlowTable};
use df_l7::{Connection, ConnectionConfig};
use df_trace::{LinkReason, LinkedSpan, ObservationPoint, Place, SpanAssembler, SpanKind, TraceConfig};

/// Parses what each flow carries and assembles spans.
struct Pipeline {
    config: Arc<ConnectionConfig>,
    spans: SpanAssembler,
}

impl Pipeline {
    fn drain(&mut self, key: &FlowKey, connection: &mut Connection) {
        while let Some(exchange) = connection.poll_exchange() {
            let point = if key.interface == CLIENT_SIDE {
                ObservationPoint::Client
            } else {
                ObservationPoint::Server
            };
            self.spans.handle_exchange(exchange, Place::new(*key, point));
        }
    }
}

impl FlowSink<Connection> for Pipeline {
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

/// One packet, as it passes both interfaces: the far one `hop_ns` later.
struct Sent {
    from_client: bool,
    header: TransportHeader,
    at_ns: u64,
    payload: Vec<u8>,
}

fn spans_of(server_port: u16, conversation: &[Sent]) -> Vec<LinkedSpan> {
    let client = Endpoint::new([10, 0, 0, 1].into(), 40_000);
    let server = Endpoint::new([10, 0, 0, 2].into(), server_port);
    let mut flows = FlowTable::new(FlowConfig::default());
    let spans = SpanAssembler::new(TraceConfig::default());
    let mut pipeline = Pipeline { config: Arc::default(), spans };
    for sent in conversation {
        let (source, destination) = if sent.from_client { (client, server) } else { (server, client) };
        let (near, far) =
            if sent.from_client { (CLIENT_SIDE, SERVER_SIDE) } else { (SERVER_SIDE, CLIENT_SIDE) };
        for (interface, at_ns) in [(near, sent.at_ns), (far, sent.at_ns + HOP_NS)] {
            let timestamp = Timestamp::from_nanos(at_ns);
            let mut packet = Packet::new(timestamp, source, destination, sent.header, &sent.payload);
            packet.interface = interface;
            flows.handle_packet(&packet, &mut pipeline);
        }
    }
    flows.finish(&mut pipeline);
    pipeline.spans.flush();
    std::iter::from_fn(|| pipeline.spans.poll_span()).collect()
}

fn segment(from_client: bool, sequence_number: u32, at_ns: u64, payload: &str) -> Sent {
    let acknowledgment_number = if from_client { 9_000 } else { 5_000 };
    let flags = TcpFlags::ACK.union(TcpFlags::PSH);
    let header = TransportHeader::Tcp(TcpSegment::new(sequence_number, acknowledgment_number, flags, 1_000));
    Sent { from_client, header, at_ns, payload: payload.as_bytes().to_vec() }
}

#[test]
fn requests_of_one_connection_at_two_interfaces_are_one_trace_each() {
    let (first, response) =
        ("GET /a HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let second = "GET /b HTTP/1.1\r\nHost: x\r\n\
        traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n";
    let length = |text: &str| u32::try_from(text.len()).unwrap();
    let spans = spans_of(
        80,
        &[
            segment(true, u32::MAX - 3, 1_000_000, first),
            segment(false, 9_000, 2_000_000, response),
            segment(true, (u32::MAX - 3).wrapping_add(length(first)), 3_000_000, second),
            segment(false, 9_000 + length(response), 4_000_000, response),
        ],
    );
    assert_eq!(spans.len(), 4);
    let span = |start_ns: u64| {
        let start = Timestamp::from_nanos(start_ns);
        spans.iter().find(|span| span.exchange.start() == start).unwrap().to_span()
    };
    for request_ns in [1_000_000, 3_000_000] {
        let (client, server) = (span(request_ns), span(request_ns + HOP_NS));
        assert_eq!((client.kind, server.kind), (SpanKind::Client, SpanKind::Server));
        assert_eq!((server.parent_span_id, server.trace_id), (Some(client.span_id), client.trace_id));
        assert_eq!(server.links[0].by, LinkReason::TcpSequence);
    }
    assert_eq!(span(1_000_000).parent_span_id, None);
    assert_ne!(span(1_000_000).trace_id, span(3_000_000).trace_id);
    assert_eq!(span(3_000_000).trace_id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(span(3_000_000).parent_span_id.unwrap().to_string(), "00f067aa0ba902b7");
}

#[test]
fn a_lookup_at_two_interfaces_is_one_trace() {
    // RFC 1035 §4.1: header, then the question example.com A IN.
    let question = b"\x07example\x03com\x00\x00\x01\x00\x01";
    let message = |flags: [u8; 2]| {
        let header = [0x12, 0x34, flags[0], flags[1], 0, 1, 0, 0, 0, 0, 0, 0];
        [&header[..], question].concat()
    };
    let datagram = |from_client, at_ns, flags| Sent {
        from_client,
        header: TransportHeader::Udp,
        at_ns,
        payload: message(flags),
    };
    let query = datagram(true, 1_000_000, [0x01, 0x00]);
    let response = datagram(false, 2_000_000, [0x81, 0x83]);
    let spans = spans_of(53, &[query, response]);
    let [server, client] = &spans[..] else {
        panic!("two spans, the one that is answered first comes first: {spans:?}")
    };
    assert_eq!(server.parent_span_id(), Some(client.context.span_id));
    assert_eq!(server.link.unwrap().by, LinkReason::Datagram);
    let span = client.to_span();
    assert_eq!((span.name.as_ref(), span.kind), ("A example.com", SpanKind::Client));
    assert_eq!(span.attributes.find("error.type"), Some(&"NXDOMAIN".into()));
}

const CLIENT_SIDE: InterfaceId = InterfaceId(1);
const SERVER_SIDE: InterfaceId = InterfaceId(2);
const HOP_NS: u64 = 10_000;
