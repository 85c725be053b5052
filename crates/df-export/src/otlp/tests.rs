//! What the messages look like, in both encodings, and that they survive them.

use std::net::{IpAddr, Ipv4Addr};

use df_core::{Endpoint, FlowKey, InterfaceId, Timestamp, Transport, VlanTags};
use df_flow::FlowRecord;
use df_l7::{
    AttributeValue, Attributes, Exchange, ExchangeKind, Observed, Protocol, Request, ResponseStatus,
};
use df_trace::{LinkReason, Span, SpanContext, SpanId, SpanKind, SpanLink, SpanStatus, TraceId};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::SeverityNumber;
use prost::Message;
use serde_json::{Value, json};

use super::*;
use crate::metrics::{HistogramPoint, Metric, MetricPoints, SumPoint};
use crate::{ExchangePlace, FlowPlace, Resource};

#[test]
fn a_span_in_json_is_what_the_specification_says() {
    let mut resource = Resource::new("df-agent");
    resource.set("host.name", "h".to_owned());
    let mut file = OtlpFile::new(Vec::new(), resource);
    file.write_spans(&[span(1)]).unwrap();
    let line = String::from_utf8(file.into_inner()).unwrap();
    assert_eq!(line.matches('\n').count(), 1);
    let value: Value = serde_json::from_str(&line).unwrap();
    let entry = &value["resourceSpans"][0];
    assert_eq!(
        entry["resource"]["attributes"][0],
        json!({"key": "service.name", "value": {"stringValue": "df-agent"}})
    );
    assert_eq!(entry["schemaUrl"], "https://opentelemetry.io/schemas/1.44.0");
    let scope = &entry["scopeSpans"][0];
    assert_eq!(
        (&scope["scope"]["name"], &scope["scope"]["version"]),
        (&json!("df"), &json!(env!("CARGO_PKG_VERSION")))
    );
    let span = &scope["spans"][0];
    for (key, expected) in [
        ("traceId", json!("0000000000000000000000000000000a")),
        ("spanId", json!("0000000000000001")),
        ("parentSpanId", json!("00000000000000ff")),
        ("flags", json!(1)),
        ("name", json!("GET")),
        ("kind", json!(2)),
        ("startTimeUnixNano", json!("1700000000000000001")),
        ("endTimeUnixNano", json!("1700000000000000002")),
        ("status", json!({"code": 2, "message": "503"})),
        (
            "attributes",
            json!([
                {"key": "count", "value": {"intValue": "9007199254740993"}},
                {"key": "half", "value": {"doubleValue": 0.5}},
                {"key": "seen", "value": {"boolValue": true}},
                {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "a"}]}}},
                {"key": "df.vantage", "value": {"stringValue": "network"}},
                {"key": "df.observation_point", "value": {"stringValue": "rest"}},
                {"key": "df.parent.reason", "value": {"stringValue": "tcp_sequence"}},
            ]),
        ),
    ] {
        assert_eq!(span[key], expected, "{key}");
    }
}

#[test]
fn spans_of_a_request_are_grouped_by_service_in_the_order_of_their_appearance() {
    let mut spans: Vec<_> = (1..=5).map(span).collect();
    spans[1].service = Some("shop".to_owned());
    spans[3].service = Some("shop".to_owned());
    spans[4].service = Some("cart".to_owned());
    let request = traces_request(&Resource::new("df-agent"), &spans);
    let shown: Vec<(String, Vec<u8>)> = request
        .resource_spans
        .iter()
        .map(|entry| {
            let name = format!("{:?}", entry.resource.as_ref().unwrap().attributes[0].value);
            (name, entry.scope_spans[0].spans.iter().map(|span| span.span_id[7]).collect())
        })
        .collect();
    assert!(shown[0].0.contains("df-agent") && shown[1].0.contains("shop") && shown[2].0.contains("cart"));
    assert_eq!([&shown[0].1, &shown[1].1, &shown[2].1], [&vec![1, 3], &vec![2, 4], &vec![5]]);
}

#[test]
fn every_request_survives_both_encodings() {
    let resource = Resource::new("df-agent");
    let traces = traces_request(&resource, &[span(1), span(2)]);
    assert_eq!(ExportTraceServiceRequest::decode(traces.encode_to_vec().as_slice()).unwrap(), traces);
    assert_eq!(through_json(&traces), traces);
    let key = key();
    let flow = FlowRecord::new(1, key, at(1));
    let log =
        exchange_log(&Exchange::new(Protocol::Redis, ExchangeKind::Unanswered), &ExchangePlace::new(&key));
    let logs = logs_request(&resource, vec![flow_log(&flow, &FlowPlace::new()), log]);
    assert_eq!(ExportLogsServiceRequest::decode(logs.encode_to_vec().as_slice()).unwrap(), logs);
    assert_eq!(through_json(&logs), logs);
    let metrics = metrics_request(&resource, &some_metrics());
    assert_eq!(ExportMetricsServiceRequest::decode(metrics.encode_to_vec().as_slice()).unwrap(), metrics);
    assert_eq!(through_json(&metrics), metrics);
}

#[test]
fn metrics_in_json_have_numbers_of_64_bits_as_texts() {
    let mut file = OtlpFile::new(Vec::new(), Resource::default());
    file.write_metrics(&some_metrics()).unwrap();
    let value: Value = serde_json::from_slice(&file.into_inner()).unwrap();
    let metrics = &value["resourceMetrics"][0]["scopeMetrics"][0]["metrics"];
    assert_eq!((&metrics[0]["name"], &metrics[0]["unit"]), (&json!("df.network.io"), &json!("By")));
    let sum = &metrics[0]["sum"];
    assert_eq!((&sum["aggregationTemporality"], &sum["isMonotonic"]), (&json!(2), &json!(true)));
    assert_eq!(sum["dataPoints"][0]["asInt"], json!("9007199254740993"));
    assert_eq!(sum["dataPoints"][0]["startTimeUnixNano"], json!("1700000000000000001"));
    let point = &metrics[1]["histogram"]["dataPoints"][0];
    assert_eq!((&point["count"], &point["bucketCounts"]), (&json!("2"), &json!(["1", "1", "0"])));
    assert_eq!(
        (&point["explicitBounds"], &point["sum"], &point["min"]),
        (&json!([0.1, 1.0]), &json!(0.6), &json!(0.1))
    );
}

#[test]
fn a_flow_is_an_event_with_its_ends_and_counters() {
    let mut flow = FlowRecord::new(1, key(), at(1));
    flow.to_server.packets = 4;
    let record =
        flow_log(&flow, &FlowPlace::new().with_interface(Some("eth0")).with_protocol(Some(Protocol::Http1)));
    assert_eq!((record.event_name.as_str(), record.time_unix_nano), ("df.flow", at(1).as_nanos()));
    let shown = shown(&record.attributes);
    for expected in [
        "source.address=10.0.0.1",
        "source.port=40000",
        "destination.address=10.0.0.2",
        "destination.port=80",
        "network.transport=tcp",
        "network.type=ipv4",
        "network.interface.name=eth0",
        "network.protocol.name=http",
        "df.network.packets_tx=4",
        "df.network.packets_rx=0",
        "df.network.retransmissions_rx=0",
        "df.flow.is_new=true",
        "df.flow.close_type=unknown",
    ] {
        assert!(shown.iter().any(|attribute| attribute == expected), "{expected} in {shown:?}");
    }
    flow.key.transport = Transport::Udp;
    assert!(!shown_keys(&flow_log(&flow, &FlowPlace::new()).attributes).contains("retransmissions"));
}

#[test]
fn an_exchange_is_an_event_of_its_span_with_a_severity() {
    let mut exchange = Exchange::new(Protocol::Dns, ExchangeKind::Unanswered);
    let mut request = Request { kind: "A".into(), ..Request::default() };
    request.attributes.push("dns.question.name", "example.com");
    let observed = Observed {
        content: request,
        start: at(1),
        end: at(1),
        length: 29,
        sequence_number: None,
        causal_id: None,
    };
    exchange.request = Some(observed.into());
    exchange.is_reversed = true;
    let key = key();
    let record = exchange_log(&exchange, &ExchangePlace::new(&key).with_span(&span(1)));
    assert_eq!(exchange.status(), ResponseStatus::Timeout);
    assert_eq!(record.severity_number, i32::from(SeverityNumber::Warn));
    assert_eq!((record.trace_id.len(), record.span_id[7]), (16, 1));
    let shown = shown(&record.attributes);
    for expected in ["client.address=10.0.0.2", "df.exchange.request_type=A", "dns.question.name=example.com"]
    {
        assert!(shown.iter().any(|attribute| attribute == expected), "{expected} in {shown:?}");
    }
}

fn through_json<T: serde::Serialize + serde::de::DeserializeOwned>(message: &T) -> T {
    serde_json::from_slice(&serde_json::to_vec(message).unwrap()).unwrap()
}

fn shown(attributes: &[proto::common::v1::KeyValue]) -> Vec<String> {
    use proto::common::v1::any_value::Value::{BoolValue, IntValue, StringValue};
    let value =
        |attribute: &proto::common::v1::KeyValue| match attribute.value.clone().unwrap().value.unwrap() {
            StringValue(text) => text,
            IntValue(number) => number.to_string(),
            BoolValue(truth) => truth.to_string(),
            other => format!("{other:?}"),
        };
    attributes.iter().map(|attribute| format!("{}={}", attribute.key, value(attribute))).collect()
}

fn shown_keys(attributes: &[proto::common::v1::KeyValue]) -> String {
    shown(attributes).join(" ")
}

fn at(offset: u64) -> Timestamp {
    Timestamp::from_nanos(1_700_000_000_000_000_000 + offset)
}

fn key() -> FlowKey {
    let endpoint = |last, port| Endpoint::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)), port);
    FlowKey {
        transport: Transport::Tcp,
        client: endpoint(1, 40_000),
        server: endpoint(2, 80),
        vlan: VlanTags::default(),
        virtual_network: None,
        interface: InterfaceId(0),
    }
}

fn span(number: u8) -> Span {
    let id = |last| SpanId::from_bytes([0, 0, 0, 0, 0, 0, 0, last]).unwrap();
    let trace_id = TraceId::from_bytes(10_u128.to_be_bytes()).unwrap();
    let mut span = Span::new(SpanContext::new(trace_id, id(number)), "GET", key(), Protocol::Http1);
    span.kind = SpanKind::Server;
    span.parent_span_id = Some(id(255));
    span.links.push(SpanLink { by: LinkReason::TcpSequence, to: id(255) });
    (span.start, span.end) = (at(1), at(2));
    (span.status, span.status_message) = (SpanStatus::Error, Some("503".to_owned()));
    span.attributes.push("count", 9_007_199_254_740_993_i64);
    span.attributes.push("half", AttributeValue::Double(0.5));
    span.attributes.push("seen", true);
    span.attributes.push("list", vec!["a".to_owned()]);
    span.attributes.push("seen", false);
    span
}

fn some_metrics() -> Vec<Metric> {
    let sum =
        SumPoint { attributes: Attributes::new(), start: at(1), time: at(2), value: 9_007_199_254_740_993 };
    let histogram = HistogramPoint {
        attributes: Attributes::new(),
        start: at(1),
        time: at(2),
        count: 2,
        sum: 0.6,
        min: Some(0.1),
        max: Some(0.5),
        bounds: &[0.1, 1.0],
        bucket_counts: vec![1, 1, 0],
    };
    let empty = Metric::new("df.network.packets", "{packet}", "", MetricPoints::Sum(Vec::new()));
    vec![
        Metric::new("df.network.io", "By", "", MetricPoints::Sum(vec![sum])),
        empty,
        Metric::new("dns.lookup.duration", "s", "", MetricPoints::Histogram(vec![histogram])),
    ]
}
