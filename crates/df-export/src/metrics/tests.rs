//! Which buckets, attributes and bounds the metrics have.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use df_core::{Endpoint, FlowKey, InterfaceId, Transport, VlanTags};
use df_flow::aggregation::{AggregationConfig, FlowAggregator, Window};
use df_flow::{CloseType, FlowRecord};
use df_l7::{Attributes, ExchangeKind, Observed, Protocol, Request, Response, ResponseStatus};

use super::*;

#[test]
fn durations_fall_into_the_conventional_buckets_with_inclusive_bounds() {
    for (nanoseconds, bucket) in
        [(0, 0), (5_000_000, 0), (5_000_001, 1), (10_000_000, 1), (1_000_000_000, 9), (10_000_000_001, 14)]
    {
        let mut metrics = Metrics::new(MetricsConfig::default(), at(0));
        metrics.record_exchange(&http("GET", "200", nanoseconds), Side::Client, &key(80));
        let points = histogram(&metrics.collect(at(9)), "http.client.request.duration");
        let mut expected = vec![0; 15];
        expected[bucket] = 1;
        assert_eq!(points[0].bucket_counts, expected, "{nanoseconds} ns");
        assert_eq!(points[0].bounds.len(), 14);
        assert_eq!((points[0].count, points[0].start, points[0].time), (1, at(0), at(9)));
    }
}

#[test]
fn attributes_are_the_conventional_ones() {
    let mut metrics = Metrics::new(MetricsConfig::default(), at(0));
    metrics.record_exchange(&http("BREW", "404", 1), Side::Client, &key(8080));
    metrics.record_exchange(&http("GET", "404", 1), Side::Server, &key(8080));
    metrics.record_exchange(&http("GET", "503", 1), Side::Server, &key(8080));
    let mut lookup = http("A", "NXDOMAIN", 1);
    lookup.protocol = Protocol::Dns;
    metrics.record_exchange(&lookup, Side::Client, &key(53));
    metrics.record_exchange(&lookup, Side::Server, &key(53));
    let mut operation = http("QUERY", "1064", 1);
    operation.protocol = Protocol::Mysql;
    let request = operation.request.as_mut().unwrap();
    request.content.attributes.push("db.namespace", "shop");
    request.content.attributes.push("db.query.text", "never a metric attribute");
    metrics.record_exchange(&operation, Side::Client, &key(3306));
    let collected = metrics.collect(at(1));
    let shown: Vec<String> = collected.iter().flat_map(show).collect();
    assert_eq!(
        shown,
        [
            "http.client.request.duration http.request.method=_OTHER http.response.status_code=404 error.type=404 \
         network.protocol.version=1.1 server.address=10.0.0.2 server.port=8080",
            "http.server.request.duration http.request.method=GET http.response.status_code=404 \
         network.protocol.version=1.1 url.scheme=http",
            "http.server.request.duration http.request.method=GET http.response.status_code=503 error.type=503 \
         network.protocol.version=1.1 url.scheme=http",
            "db.client.operation.duration db.system.name=mysql db.namespace=shop db.response.status_code=1064 \
         error.type=1064 server.address=10.0.0.2 server.port=3306",
            "dns.lookup.duration dns.question.name=example.com error.type=NXDOMAIN",
        ]
    );
}

#[test]
fn remote_calls_are_measured_in_seconds_on_either_side() {
    let call = |code: &'static str, nanoseconds| {
        let mut call = http("Say", code, nanoseconds);
        call.protocol = Protocol::Grpc;
        let attributes = &mut call.request.as_mut().unwrap().content.attributes;
        attributes.push("rpc.system.name", "grpc");
        attributes.push("rpc.method", "shop.Cart/Say");
        call
    };
    let mut metrics = Metrics::new(MetricsConfig::default(), at(0));
    metrics.record_exchange(&call("OK", 30_000_000), Side::Client, &key(50_051));
    metrics.record_exchange(&call("OK", 7_500_000_000), Side::Server, &key(50_051));
    metrics.record_exchange(&call("UNAVAILABLE", 1), Side::Server, &key(50_051));
    let collected = metrics.collect(at(1));
    let shown: Vec<String> = collected.iter().flat_map(show).collect();
    let client = "rpc.client.call.duration rpc.system.name=grpc rpc.method=shop.Cart/Say rpc.response.status_code=OK \
        server.address=10.0.0.2 server.port=50051";
    let server =
        "rpc.server.call.duration rpc.system.name=grpc rpc.method=shop.Cart/Say rpc.response.status_code";
    assert_eq!(
        shown,
        [client, &format!("{server}=OK"), &format!("{server}=UNAVAILABLE error.type=UNAVAILABLE")]
    );
    let units: Vec<_> = collected.iter().map(|metric| metric.unit).collect();
    assert_eq!(units, ["s", "s"]);
    let bounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
    for (name, sum, bucket) in [("rpc.client.call.duration", 0.03, 3), ("rpc.server.call.duration", 7.5, 12)]
    {
        let points = histogram(&collected, name);
        assert_eq!((points[0].bounds, points[0].count, points[0].sum), (&bounds[..], 1, sum));
        assert_eq!(points[0].bucket_counts.iter().position(|count| *count == 1), Some(bucket), "{name}");
    }
}

#[test]
fn attribute_sets_are_bounded_and_the_rest_is_added_up() {
    let config = MetricsConfig::default().with_max_attribute_sets(3);
    let mut metrics = Metrics::new(config, at(0));
    for port in [1, 2, 3, 4, 1] {
        metrics.record_exchange(&http("GET", "200", 1), Side::Client, &key(port));
    }
    let collected = metrics.collect(at(1));
    let points = histogram(&collected, "http.client.request.duration");
    assert_eq!(points.iter().map(|point| point.count).collect::<Vec<_>>(), [2, 1, 2]);
    assert!(
        show(&collected[0])[2].ends_with("duration otel.metric.overflow=true"),
        "{:?}",
        show(&collected[0])
    );
    assert_eq!((metrics.stats().recorded, metrics.stats().overflowed), (5, 2));
}

#[test]
fn deltas_start_anew_and_cumulative_points_go_on() {
    for (temporality, counts, start) in
        [(Temporality::Cumulative, [1, 2], at(0)), (Temporality::Delta, [1, 1], at(10))]
    {
        let config = MetricsConfig::default().with_temporality(temporality);
        let mut metrics = Metrics::new(config, at(0));
        for (round, count) in counts.into_iter().enumerate() {
            metrics.record_exchange(&http("GET", "200", 1), Side::Server, &key(80));
            let points =
                histogram(&metrics.collect(at(10 * (1 + round as u64))), "http.server.request.duration");
            assert_eq!(points[0].count, count, "{temporality:?}");
            if round == 1 {
                assert_eq!((points[0].start, points[0].time), (start, at(20)));
            }
        }
    }
}

#[test]
fn flows_are_measured_per_edge_and_direction_and_once_at_their_ends() {
    let mut flow = FlowRecord::new(1, key(80), at(0));
    flow.to_server.packets = 3;
    flow.to_server.l3_bytes = 300;
    flow.to_client.packets = 2;
    flow.to_client.l3_bytes = 5_000;
    flow.to_client.retransmissions = 1;
    flow.handshake.rtt = Some(Duration::from_micros(250));
    flow.has_new_handshake = true;
    let first = window(&flow);
    (flow.is_new, flow.has_new_handshake, flow.is_final) = (false, false, true);
    flow.close_type = CloseType::ServerReset;
    let mut metrics = Metrics::new(MetricsConfig::default(), at(0));
    metrics.record_window(&first);
    metrics.record_window(&window(&flow));
    let collected = metrics.collect(at(1));
    let counts: Vec<(&str, Vec<u64>)> = collected
        .iter()
        .filter_map(|metric| match &metric.points {
            MetricPoints::Sum(points) | MetricPoints::Gauge(points) => {
                Some((metric.name, points.iter().map(|point| point.value).collect()))
            }
            MetricPoints::Histogram(_) => None,
        })
        .collect();
    assert_eq!(
        counts,
        [
            ("df.network.io", vec![10_000, 600]),
            ("df.network.packets", vec![4, 6]),
            ("df.network.retransmissions", vec![2]),
            ("df.network.connections.opened", vec![1]),
            ("df.network.connections.closed", vec![1]),
            ("df.network.connections.failures", vec![1]),
            ("df.network.connections.active", vec![0]),
        ]
    );
    let shown: Vec<String> = collected.iter().flat_map(show).collect();
    let edge = "network.transport=tcp network.type=ipv4 client.address=10.0.0.1 server.address=10.0.0.2 server.port=80";
    assert_eq!(shown[0], format!("df.network.io {edge} df.flow.direction=to_client"));
    assert_eq!(shown[6], format!("df.network.connections.closed {edge} df.flow.close_type=server_reset"));
    assert_eq!(shown[7], format!("df.network.connections.failures {edge} df.flow.failure=server_establish"));
    let round_trips = histogram(&collected, "df.network.rtt");
    assert_eq!(
        (round_trips[0].count, round_trips[0].bucket_counts[4], round_trips[0].max),
        (1, 1, Some(0.000_25))
    );
}

#[test]
fn open_flows_are_told_as_they_stand_in_the_newest_window() {
    let mut metrics = Metrics::new(MetricsConfig::default(), at(0));
    let mut aggregator = FlowAggregator::new(AggregationConfig::default());
    let mut flow = FlowRecord::new(1, key(80), at(0));
    let mut open = Vec::new();
    for (is_new, is_final, end) in
        [(true, false, 1), (false, false, 1_000_000_000), (false, true, 2_000_000_000)]
    {
        (flow.is_new, flow.is_final, flow.end) = (is_new, is_final, at(end));
        aggregator.handle_record(&flow);
        aggregator.finish();
        while let Some(window) = aggregator.poll_window() {
            metrics.record_window(&window);
        }
        let collected = metrics.collect(at(end));
        let active = collected.iter().find(|metric| metric.name == "df.network.connections.active").unwrap();
        let MetricPoints::Gauge(points) = &active.points else { panic!("{active:?}") };
        open.push(points[0].value);
    }
    assert_eq!(open, [1, 1, 0]);
}

#[test]
fn an_exchange_without_response_is_counted_and_not_measured() {
    let mut metrics = Metrics::new(MetricsConfig::default(), at(0));
    let mut exchange = http("GET", "200", 1);
    exchange.response = None;
    metrics.record_exchange(&exchange, Side::Client, &key(80));
    assert!(metrics.collect(at(1)).is_empty());
    assert_eq!((metrics.stats().recorded, metrics.stats().without_duration), (0, 1));
}

fn at(nanoseconds: u64) -> Timestamp {
    Timestamp::from_nanos(nanoseconds)
}

fn window(flow: &FlowRecord) -> Window {
    let mut window = Window::new(at(0), Duration::from_secs(1));
    window.add(flow, 10);
    window
}

fn key(server_port: u16) -> FlowKey {
    let endpoint = |last, port| Endpoint::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)), port);
    FlowKey {
        transport: Transport::Tcp,
        client: endpoint(1, 40_000),
        server: endpoint(2, server_port),
        vlan: VlanTags::default(),
        virtual_network: None,
        interface: InterfaceId(0),
    }
}

fn http(method: &'static str, code: &'static str, duration_ns: u64) -> Exchange {
    let status = match code.as_bytes()[0] {
        b'2' | b'O' => ResponseStatus::Ok,
        b'5' => ResponseStatus::ServerError,
        _ => ResponseStatus::ClientError,
    };
    let request = Request {
        kind: method.into(),
        version: Some("1.1".into()),
        domain: Some("example.com".to_owned()),
        ..Request::default()
    };
    let response = Response { status, code: Some(code.into()), ..Response::default() };
    let mut exchange = Exchange::new(Protocol::Http1, ExchangeKind::Complete);
    exchange.request = Some(observed(request, 1_000).into());
    exchange.response = Some(observed(response, 1_000 + duration_ns).into());
    exchange
}

fn observed<T>(content: T, start: u64) -> Observed<T> {
    Observed { content, start: at(start), end: at(start), length: 1, sequence_number: None, causal_id: None }
}

fn histogram(metrics: &[Metric], name: &str) -> Vec<HistogramPoint> {
    let metric = metrics.iter().find(|metric| metric.name == name).unwrap();
    match &metric.points {
        MetricPoints::Histogram(points) => points.clone(),
        MetricPoints::Sum(_) | MetricPoints::Gauge(_) => panic!("{name} is a count"),
    }
}

fn show(metric: &Metric) -> Vec<String> {
    let line = |attributes: &Attributes| {
        attributes.iter().fold(metric.name.to_owned(), |line, attribute| {
            let value = match &attribute.value {
                df_l7::AttributeValue::Text(text) => text.to_string(),
                df_l7::AttributeValue::Integer(number) => number.to_string(),
                df_l7::AttributeValue::Boolean(truth) => truth.to_string(),
                other => format!("{other:?}"),
            };
            format!("{line} {}={value}", attribute.key)
        })
    };
    match &metric.points {
        MetricPoints::Histogram(points) => points.iter().map(|point| line(&point.attributes)).collect(),
        MetricPoints::Sum(points) | MetricPoints::Gauge(points) => {
            points.iter().map(|point| line(&point.attributes)).collect()
        }
    }
}
