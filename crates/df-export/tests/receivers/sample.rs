//! Telemetry to send: every kind, every field filled.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use df_core::{Endpoint, FlowKey, InterfaceId, TcpFlags, Timestamp, Transport, VlanTags};
use df_export::metrics::{Metric, Metrics, MetricsConfig, Side};
use df_flow::aggregation::Window;
use df_flow::{CloseType, FlowEndReason, FlowRecord};
use df_l7::{AttributeValue, Exchange, ExchangeKind, Observed, Protocol, Request, Response, ResponseStatus};
use df_trace::{LinkReason, Span, SpanContext, SpanId, SpanKind, SpanLink, SpanStatus, TraceId};

/// The span with a number; every third has no known service, the others one of two.
pub(crate) fn span(number: u64) -> Span {
    let trace_id = TraceId::from_bytes(u128::from(number / 4 + 1).to_be_bytes()).unwrap();
    let mut span = Span::new(SpanContext::new(trace_id, span_id(number)), "GET", key(), Protocol::Http1);
    span.kind = if number.is_multiple_of(2) { SpanKind::Client } else { SpanKind::Server };
    span.start = at(number);
    span.end = at(number + 1_000);
    span.service =
        [None, Some("shop"), Some("cart")][usize::try_from(number % 3).unwrap()].map(str::to_owned);
    if !number.is_multiple_of(4) {
        let parent = span_id(number - 1);
        span.parent_span_id = Some(parent);
        span.links.push(SpanLink { by: LinkReason::TcpSequence, to: parent });
    }
    if number.is_multiple_of(5) {
        span.status = SpanStatus::Error;
        span.status_message = Some("503".to_owned());
    }
    span.attributes.push("http.request.method", "GET");
    span.attributes.push("http.response.status_code", 200_i64);
    span.attributes.push("url.path", "/caf\u{e9}".to_owned());
    span.attributes.push("df.half", AttributeValue::Double(0.5));
    span.attributes.push("df.seen", true);
    span.attributes.push("http.request.header.accept", vec!["a".to_owned(), "b".to_owned()]);
    span.attributes.push("http.request.method", "a key that is there already");
    span
}

/// The identifier that the span with this number has.
pub(crate) fn span_id(number: u64) -> SpanId {
    SpanId::from_bytes((number + 1).to_be_bytes()).unwrap()
}

pub(crate) fn flow(id: u64) -> FlowRecord {
    let mut flow = FlowRecord::new(id, key(), at(0));
    flow.end = at(5_000);
    flow.is_final = true;
    flow.end_reason = Some(FlowEndReason::EndOfFlow);
    flow.close_type = CloseType::Finish;
    flow.to_server.packets = 4;
    flow.to_server.l3_bytes = 400;
    flow.to_client.packets = 3;
    flow.to_client.retransmissions = 1;
    flow.to_client.tcp_flags = TcpFlags::SYN;
    flow.handshake.rtt = Some(Duration::from_micros(300));
    flow
}

pub(crate) fn exchange() -> Exchange {
    let request = Request {
        kind: "GET".into(),
        version: Some("1.1".into()),
        domain: Some("shop.example".to_owned()),
        resource: Some("/cart?id=?".to_owned()),
        ..Request::default()
    };
    let response =
        Response { status: ResponseStatus::ServerError, code: Some("503".into()), ..Response::default() };
    let mut exchange = Exchange::new(Protocol::Http1, ExchangeKind::Complete);
    exchange.request = Some(observed(request, 0).into());
    exchange.response = Some(observed(response, 20_000_000).into());
    exchange
}

/// Metrics of some exchanges and flows.
pub(crate) fn metrics(config: MetricsConfig) -> Vec<Metric> {
    let mut metrics = Metrics::new(config, at(0));
    for side in [Side::Client, Side::Server] {
        metrics.record_exchange(&exchange(), side, &key());
    }
    let mut window = Window::new(at(0), Duration::from_secs(60));
    for id in 0..3 {
        window.add(&flow(id), 100);
    }
    metrics.record_window(&window);
    metrics.collect(at(60_000_000_000))
}

pub(crate) fn key() -> FlowKey {
    let endpoint = |last, port| Endpoint::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)), port);
    FlowKey {
        transport: Transport::Tcp,
        client: endpoint(1, 40_000),
        server: endpoint(2, 8_080),
        vlan: VlanTags { outer: Some(7), inner: None },
        virtual_network: None,
        interface: InterfaceId(2),
    }
}

fn observed<T>(content: T, offset: u64) -> Observed<T> {
    Observed {
        content,
        start: at(offset),
        end: at(offset),
        length: 100,
        sequence_number: Some(1),
        causal_id: None,
    }
}

fn at(offset: u64) -> Timestamp {
    Timestamp::from_nanos(1_700_000_000_000_000_000 + offset)
}
