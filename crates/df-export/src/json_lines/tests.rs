//! What the records look like, to the byte, and what reads them back.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use df_core::{
    CausalId, Command, Endpoint, EventSource, FlowKey, InterfaceId, Task, TcpFlags, Timestamp, Transport,
    UnixAddress, UnixPath, VlanTags,
};
use df_flow::{CloseType, FlowEndReason, FlowRecord};
use df_l7::{
    AttributeValue, Attributes, Exchange, ExchangeKind, Observed, PropagatedContext, Protocol, Request,
    Response, ResponseStatus,
};
use df_trace::{LinkReason, ObservationPoint, ObservedProcess, Place, Span, SpanContext, SpanLink};
use serde_json::{Value, json};

use super::*;
use crate::metrics::{HistogramPoint, Metric, MetricPoints, SumPoint};
use crate::{ExchangePlace, FlowPlace, Resource};

#[test]
fn a_process_is_told_at_the_end_where_it_was_seen() {
    let mut exchange = Exchange::new(Protocol::Redis, ExchangeKind::Unanswered);
    let mut request = observed(Request::default(), (1_000, Some(7), 14));
    request.causal_id = CausalId::new(99);
    exchange.request = Some(request.into());
    let key = key(Transport::Tcp, 6379);
    let mut name = [0; 16];
    name[..5].copy_from_slice(b"redis");
    let process =
        ObservedProcess { task: Task::new(12, 13, Command::new(name)), source: EventSource::Syscall };
    for (point, end, other) in [
        (ObservationPoint::ServerProcess, "server_process", "client_process"),
        (ObservationPoint::ClientProcess, "client_process", "server_process"),
    ] {
        let seen = Place::new(key, point).with_process(process);
        let mut out = Vec::new();
        write_exchange(&mut out, &exchange, &ExchangePlace::new(&key).with_process(&seen, Some("c0ffee")));
        let record: Value = serde_json::from_slice(&out).unwrap();
        let expected = json!({"pid": 12, "tid": 13, "comm": "redis", "container_id": "c0ffee",
            "causal_id_request": 99});
        assert_eq!((&record[end], &record[other]), (&expected, &Value::Null));
        assert_eq!(record["source"], "syscall");
    }
}

#[test]
fn an_answered_query_is_written_to_the_byte() {
    let mut exchange = Exchange::new(Protocol::Dns, ExchangeKind::Complete);
    exchange.request_id = Some(4711);
    exchange.request = Some(
        observed(
            Request {
                kind: "A".into(),
                domain: Some("example.com".to_owned()),
                endpoint: Some("example.com".to_owned()),
                attributes: attributes(&[("dns.question.name", "example.com".into())]),
                ..Request::default()
            },
            (1_000, None, 29),
        )
        .into(),
    );
    exchange.response = Some(
        observed(
            Response {
                status: ResponseStatus::Ok,
                code: Some("NOERROR".into()),
                result: Some("10.0.0.7".to_owned()),
                attributes: attributes(&[
                    ("dns.question.name", "again".into()),
                    ("dns.answers", vec!["10.0.0.7".to_owned()].into()),
                ]),
                ..Response::default()
            },
            (1_250, None, 45),
        )
        .into(),
    );
    let key = key(Transport::Udp, 53);
    let expected = concat!(
        r#"{"kind":"exchange","protocol":"dns","transport":"udp","client_ip":"10.0.0.1","client_port":40000,"#,
        r#""server_ip":"fd00::2","server_port":53,"start_ns":1000,"end_ns":1250,"duration_ns":250,"#,
        r#""message_type":"exchange","request_type":"A","request_domain":"example.com","endpoint":"example.com","#,
        r#""request_id":"4711","response_status":"ok","response_code":"NOERROR","response_result":"10.0.0.7","#,
        r#""request_length":29,"response_length":45,"source":"packet","interface":"eth0","vlan":7,"#,
        r#""attributes":{"dns.question.name":"example.com","dns.answers":["10.0.0.7"]}}"#,
        "\n"
    );
    let place = ExchangePlace::new(&key).with_interface(Some("eth0"));
    assert_eq!(line(|out| write_exchange(out, &exchange, &place)), expected);
}

#[test]
fn an_exchange_over_a_unix_socket_has_a_path_and_a_number_in_the_places_of_addresses_and_ports() {
    let mut exchange = Exchange::new(Protocol::Redis, ExchangeKind::Unanswered);
    exchange.request = Some(observed(Request::default(), (5, Some(0), 100)).into());
    let path = UnixPath::new(b"/run/redis.sock").unwrap();
    let (client, server) = (UnixAddress::of_inode(4711), UnixAddress::at_path(path));
    let key = FlowKey::new(Transport::Unix, Endpoint::unix(client), Endpoint::unix(server));
    let record = object(&line(|out| write_exchange(out, &exchange, &ExchangePlace::new(&key))));
    assert_eq!((&record["transport"], &record["server_path"]), (&json!("unix"), &json!("/run/redis.sock")));
    assert_eq!((&record["client_inode"], &record["request_sequence"]), (&json!(4711), &json!(0)));
    for absent in ["client_ip", "client_port", "server_ip", "server_port", "client_path", "server_inode"] {
        assert_eq!(record.get(absent), None, "{absent}");
    }
}

#[test]
fn a_request_without_response_has_no_end_and_a_reversed_one_exchanges_the_ends() {
    let mut exchange = Exchange::new(Protocol::Http1, ExchangeKind::Unanswered);
    exchange.is_reversed = true;
    let mut context = PropagatedContext::default();
    context.trace_id = Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned());
    context.x_request_id = Some("r-1".to_owned());
    let request = Request { kind: "GET".into(), context: Some(Box::new(context)), ..Request::default() };
    exchange.request = Some(observed(request, (5, Some(77), 100)).into());
    let key = key(Transport::Tcp, 80);
    let span = span(&key);
    let record = object(&line(|out| {
        write_exchange(out, &exchange, &ExchangePlace::new(&key).with_source("openssl").with_span(&span));
    }));
    for absent in
        ["end_ns", "duration_ns", "response_code", "response_length", "request_id", "attributes", "version"]
    {
        assert_eq!(record.get(absent), None, "{absent}");
    }
    for (field, expected) in [
        ("client_ip", json!("fd00::2")),
        ("client_port", json!(80)),
        ("server_port", json!(40000)),
        ("message_type", json!("request")),
        ("response_status", json!("timeout")),
        ("request_sequence", json!(77)),
        ("propagated_trace_id", json!("4bf92f3577b34da6a3ce929d0e0e4736")),
        ("x_request_id_request", json!("r-1")),
        ("source", json!("openssl")),
        ("trace_id", json!("0af7651916cd43dd8448eb211c80319c")),
        ("span_id", json!("b7ad6b7169203331")),
        ("parent_span_id", json!("00f067aa0ba902b7")),
    ] {
        assert_eq!(record.get(field), Some(&expected), "{field}");
    }
}

#[test]
fn every_kind_of_attribute_is_json() {
    let mut exchange = Exchange::new(Protocol::Mysql, ExchangeKind::ResponseOnly);
    let attributes = attributes(&[
        ("text", "quote \" and \u{1}".into()),
        ("integer", (-1_i64).into()),
        ("double", AttributeValue::Double(0.5)),
        ("infinite", AttributeValue::Double(f64::INFINITY)),
        ("boolean", true.into()),
        ("list", vec!["a".to_owned(), String::new()].into()),
    ]);
    exchange.response = Some(observed(Response { attributes, ..Response::default() }, (9, None, 1)).into());
    let key = key(Transport::Tcp, 3306);
    let record = object(&line(|out| write_exchange(out, &exchange, &ExchangePlace::new(&key))));
    let expected = json!({"text": "quote \" and \u{1}", "integer": -1, "double": 0.5, "infinite": "inf",
        "boolean": true, "list": ["a", ""]});
    assert_eq!(record["attributes"], expected);
    assert_eq!((&record["message_type"], &record["start_ns"]), (&json!("response"), &json!(9)));
    assert_eq!((record.get("request_type"), record.get("end_ns")), (None, Some(&json!(9))));
}

#[test]
fn a_tcp_flow_has_tcp_fields_and_a_udp_flow_has_none() {
    let mut flow = FlowRecord::new(1, key(Transport::Tcp, 80), Timestamp::from_nanos(10));
    flow.end = Timestamp::from_nanos(25);
    flow.is_final = true;
    flow.end_reason = Some(FlowEndReason::EndOfFlow);
    flow.close_type = CloseType::Finish;
    flow.to_server.packets = 4;
    flow.to_server.tcp_flags = TcpFlags::SYN.union(TcpFlags::ACK);
    flow.to_client.l4_bytes = 1_200;
    flow.to_client.retransmissions = 2;
    flow.handshake.rtt = Some(Duration::from_micros(3));
    let place = FlowPlace::new().with_protocol(Some(Protocol::Http1));
    let record = object(&line(|out| write_flow(out, &flow, &place)));
    for (field, expected) in [
        ("duration_ns", json!(15)),
        ("end_reason", json!("end_of_flow_detected")),
        ("close_type", json!("finish")),
        ("packets_tx", json!(4)),
        ("l4_bytes_rx", json!(1200)),
        ("retransmissions_rx", json!(2)),
        ("tcp_flags_client", json!(0x12)),
        ("rtt_ns", json!(3000)),
        ("l7_protocol", json!("http1")),
        ("is_final", json!(true)),
    ] {
        assert_eq!(record.get(field), Some(&expected), "{field}");
    }
    assert_eq!(record.get("rtt_client_ns"), None);
    flow.key.transport = Transport::Udp;
    let record = object(&line(|out| write_flow(out, &flow, &FlowPlace::new())));
    assert_eq!(
        (record.get("retransmissions_rx"), record.get("rtt_ns"), record.get("l7_protocol")),
        (None, None, None)
    );
}

#[test]
fn a_span_tells_its_service_its_links_and_its_resource() {
    let key = key(Transport::Tcp, 80);
    let mut span = span(&key);
    span.service = Some("shop".to_owned());
    let resource = Resource::new("df-agent");
    let record = object(&line(|out| write_span(out, &span, &resource)));
    assert_eq!(record["links"], json!([{"by": "tcp_sequence", "to": "00f067aa0ba902b7"}]));
    assert_eq!((&record["service"], &record["resource"]["service.name"]), (&json!("shop"), &json!("shop")));
    assert_eq!((&record["vantage"], &record["observation_point"]), (&json!("network"), &json!("rest")));
    assert_eq!(
        (&record["name"], &record["span_kind"], &record["status"]),
        (&json!("GET"), &json!("client"), &json!("unset"))
    );
    span.service = None;
    let record = object(&line(|out| write_span(out, &span, &resource)));
    assert_eq!(
        (&record["service"], &record["resource"]["service.name"]),
        (&json!("df-agent"), &json!("df-agent"))
    );
}

#[test]
fn a_metric_is_one_line_per_point() {
    let (start, time) = (Timestamp::from_nanos(1), Timestamp::from_nanos(2));
    let sum = |value| SumPoint { attributes: Attributes::new(), start, time, value };
    let packets = Metric::new("df.network.packets", "{packet}", "", MetricPoints::Sum(vec![sum(3), sum(4)]));
    let lines = line(|out| write_metric(out, &packets));
    assert_eq!(
        lines.lines().map(|line| object(line)["value"].clone()).collect::<Vec<_>>(),
        [json!(3), json!(4)]
    );
    let point = HistogramPoint {
        attributes: attributes(&[("http.request.method", "GET".into())]),
        start,
        time,
        count: 1,
        sum: 0.5,
        min: Some(0.5),
        max: Some(0.5),
        bounds: &[0.1, 1.0],
        bucket_counts: vec![0, 1, 0],
    };
    let duration = Metric::new("http.client.request.duration", "s", "", MetricPoints::Histogram(vec![point]));
    let expected = json!({"kind": "metric", "name": "http.client.request.duration", "unit": "s", "type": "histogram",
        "temporality": "cumulative", "start_ns": 1, "time_ns": 2, "attributes": {"http.request.method": "GET"},
        "histogram": {"count": 1, "sum": 0.5, "min": 0.5, "max": 0.5, "bounds": [0.1, 1.0], "counts": [0, 1, 0]}});
    assert_eq!(object(&line(|out| write_metric(out, &duration))), expected);
}

fn line(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

fn object(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

fn key(transport: Transport, server_port: u16) -> FlowKey {
    FlowKey {
        transport,
        client: Endpoint::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 40_000),
        server: Endpoint::new(IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2)), server_port),
        vlan: VlanTags { outer: Some(7), inner: None },
        virtual_network: None,
        interface: InterfaceId(2),
    }
}

fn span(key: &FlowKey) -> Span {
    let context = SpanContext::new(
        "0af7651916cd43dd8448eb211c80319c".parse().unwrap(),
        "b7ad6b7169203331".parse().unwrap(),
    );
    let parent = "00f067aa0ba902b7".parse().unwrap();
    let mut span = Span::new(context, "GET", *key, Protocol::Http1);
    span.parent_span_id = Some(parent);
    span.links.push(SpanLink { by: LinkReason::TcpSequence, to: parent });
    span
}

fn observed<T>(content: T, (start, sequence_number, length): (u64, Option<u32>, u64)) -> Observed<T> {
    let start = Timestamp::from_nanos(start);
    Observed { content, start, end: start, length, sequence_number, causal_id: None }
}

fn attributes(list: &[(&'static str, AttributeValue)]) -> Attributes {
    let mut attributes = Attributes::new();
    for (key, value) in list {
        attributes.push(*key, value.clone());
    }
    attributes
}
