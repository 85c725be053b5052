//! Flow records and exchanges as OTLP log records (events).

use std::time::Duration;

use df_core::{Endpoint, FlowKey, Transport};
use df_flow::{Delay, DirectionCounters, FlowEndReason, FlowRecord, L7Counts};
use df_l7::{Exchange, Protocol, ResponseStatus};
use df_trace::SpanId;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};

use super::attributes::{KeyValues, resource_message};
use super::{SCHEMA_URL, scope};
use crate::{ExchangePlace, FlowPlace, Resource};

/// One request for log records of one resource.
pub fn logs_request(resource: &Resource, log_records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    if log_records.is_empty() {
        return ExportLogsServiceRequest::default();
    }
    let schema_url = SCHEMA_URL.to_owned();
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource_message(resource)),
            scope_logs: vec![ScopeLogs { scope: Some(scope()), log_records, schema_url: schema_url.clone() }],
            schema_url,
        }],
    }
}

/// The event `df.flow`: the client as `source.*`, the server as `destination.*`, what the network shows as
/// `network.*`, the flow's state as `df.flow.*` and its counters as `df.network.*` with the names of the JSON record.
pub fn flow_log(flow: &FlowRecord, place: &FlowPlace<'_>) -> LogRecord {
    let mut list = KeyValues::with_capacity(64);
    ends(&mut list, &flow.key, ["source.address", "source.port", "destination.address", "destination.port"]);
    network(&mut list, &flow.key, place.interface);
    list.texts("df.network.tunnels", &flow.tunnels);
    list.some_text("network.protocol.name", place.protocol.map(protocol_name));
    list.text("df.flow.id", format!("{:016x}", flow.id));
    list.number("df.flow.start_ns", flow.start.as_nanos());
    list.number("df.flow.duration_ns", nanoseconds(flow.duration()));
    list.truth("df.flow.is_new", flow.is_new);
    list.truth("df.flow.is_final", flow.is_final);
    list.text("df.flow.close_type", flow.close_type.name());
    list.some_text("df.flow.end_reason", flow.end_reason.map(FlowEndReason::name));
    list.number("df.flow.direction_score", flow.direction_score);
    counters(&mut list, flow, &flow.to_server, &TX);
    counters(&mut list, flow, &flow.to_client, &RX);
    if flow.key.transport == Transport::Tcp {
        handshake(&mut list, flow);
    }
    for (names, delay) in [
        (["df.network.srt_ns_sum", "df.network.srt_count", "df.network.srt_ns_max"], flow.delays.srt),
        (
            ["df.network.srt_client_ns_sum", "df.network.srt_client_count", "df.network.srt_client_ns_max"],
            flow.delays.srt_client,
        ),
        (["df.network.art_ns_sum", "df.network.art_count", "df.network.art_ns_max"], flow.delays.art),
        (["df.network.cit_ns_sum", "df.network.cit_count", "df.network.cit_ns_max"], flow.delays.cit),
    ] {
        delay_numbers(&mut list, names, delay);
    }
    if let Some(counts) = &flow.l7 {
        l7(&mut list, counts);
    }
    LogRecord {
        time_unix_nano: flow.end.as_nanos(),
        observed_time_unix_nano: flow.end.as_nanos(),
        severity_number: SeverityNumber::Info.into(),
        event_name: "df.flow".to_owned(),
        attributes: list.into_vec(),
        ..LogRecord::default()
    }
}

/// The event `df.exchange`: the ends as `client.*` and `server.*`, what the record says as `df.exchange.*`, and the
/// exchange's own attributes. Server errors have the severity of an error, client errors and missing responses that of a
/// warning.
pub fn exchange_log(exchange: &Exchange, place: &ExchangePlace<'_>) -> LogRecord {
    let key = place.oriented_key(exchange);
    let mut list = KeyValues::with_capacity(32);
    ends(&mut list, &key, ["client.address", "client.port", "server.address", "server.port"]);
    network(&mut list, &key, place.interface);
    list.texts("df.network.tunnels", place.tunnels);
    list.text("network.protocol.name", protocol_name(exchange.protocol));
    list.some_text("network.protocol.version", exchange.version());
    list.text("df.exchange.message_type", exchange.kind.name());
    list.some_number("df.exchange.duration_ns", exchange.duration().map(nanoseconds));
    list.some_number("df.exchange.request_id", exchange.request_id);
    request_part(&mut list, exchange);
    response_part(&mut list, exchange);
    let end = exchange.response.as_ref().map_or(exchange.start(), |response| response.end);
    LogRecord {
        time_unix_nano: exchange.start().as_nanos(),
        observed_time_unix_nano: end.as_nanos(),
        severity_number: severity(exchange.status()).into(),
        event_name: "df.exchange".to_owned(),
        attributes: list.into_vec(),
        trace_id: place.span.map(|ids| ids.trace_id.to_bytes().to_vec()).unwrap_or_default(),
        span_id: place.span.map(|ids| ids.span_id).map(SpanId::to_bytes).map_or_else(Vec::new, Vec::from),
        ..LogRecord::default()
    }
}

fn request_part(list: &mut KeyValues, exchange: &Exchange) {
    let Some(content) = exchange.asked() else { return };
    list.text("df.exchange.request_type", content.kind.as_ref());
    list.some_text("df.exchange.request_domain", content.domain.as_deref());
    list.some_text("df.exchange.request_resource", content.resource.as_deref());
    list.some_text("df.exchange.endpoint", content.endpoint.as_deref());
    if let Some(request) = &exchange.request {
        list.number("df.exchange.request_length", request.length);
    }
    if let Some(context) = &content.context {
        list.some_text("df.exchange.propagated_trace_id", context.trace_id.as_deref());
        list.some_text("df.exchange.propagated_span_id", context.span_id.as_deref());
        list.some_text("df.exchange.x_request_id", context.x_request_id.as_deref());
    }
    list.all(&content.attributes);
}

fn response_part(list: &mut KeyValues, exchange: &Exchange) {
    list.text("df.exchange.response_status", exchange.status().name());
    let Some(response) = &exchange.response else { return };
    let content = &response.content;
    list.some_text("df.exchange.response_code", content.code.as_deref());
    list.some_text("df.exchange.response_exception", content.exception.as_deref());
    list.some_text("df.exchange.response_result", content.result.as_deref());
    list.number("df.exchange.response_length", response.length);
    list.all(&content.attributes);
}

fn ends(list: &mut KeyValues, key: &FlowKey, names: [&str; 4]) {
    let [client_address, client_port, server_address, server_port] = names;
    let mut end = |address, port, endpoint: Endpoint| {
        list.some_text(address, endpoint.address.name());
        if !matches!(key.transport, Transport::Icmp | Transport::Unix) {
            list.number(port, endpoint.port);
        }
    };
    end(client_address, client_port, key.client);
    end(server_address, server_port, key.server);
}

fn network(list: &mut KeyValues, key: &FlowKey, interface: Option<&str>) {
    list.text("network.transport", key.transport.name());
    list.some_text("network.type", key.server.address.network_type());
    list.some_text("network.interface.name", interface);
    list.some_number("df.network.vlan", key.vlan.outer);
    list.some_number("df.network.inner_vlan", key.vlan.inner);
}

/// The names of one direction's counters; the first four for every transport.
struct CounterNames([&'static str; 16]);

const TX: CounterNames = CounterNames([
    "df.network.packets_tx",
    "df.network.bytes_tx",
    "df.network.l3_bytes_tx",
    "df.network.l4_bytes_tx",
    "df.network.retransmissions_tx",
    "df.network.retransmitted_bytes_tx",
    "df.network.out_of_order_tx",
    "df.network.duplicate_acks_tx",
    "df.network.lost_segments_tx",
    "df.network.lost_bytes_tx",
    "df.network.zero_window_tx",
    "df.network.zero_window_probes_tx",
    "df.network.window_full_tx",
    "df.network.keep_alives_tx",
    "df.network.resets_tx",
    "df.network.tcp_flags_client",
]);
const RX: CounterNames = CounterNames([
    "df.network.packets_rx",
    "df.network.bytes_rx",
    "df.network.l3_bytes_rx",
    "df.network.l4_bytes_rx",
    "df.network.retransmissions_rx",
    "df.network.retransmitted_bytes_rx",
    "df.network.out_of_order_rx",
    "df.network.duplicate_acks_rx",
    "df.network.lost_segments_rx",
    "df.network.lost_bytes_rx",
    "df.network.zero_window_rx",
    "df.network.zero_window_probes_rx",
    "df.network.window_full_rx",
    "df.network.keep_alives_rx",
    "df.network.resets_rx",
    "df.network.tcp_flags_server",
]);

fn counters(list: &mut KeyValues, flow: &FlowRecord, counters: &DirectionCounters, names: &CounterNames) {
    let values = [
        counters.packets,
        counters.bytes,
        counters.l3_bytes,
        counters.l4_bytes,
        counters.retransmissions.into(),
        counters.retransmitted_bytes,
        counters.out_of_order.into(),
        counters.duplicate_acknowledgments.into(),
        counters.lost_segments.into(),
        counters.lost_bytes,
        counters.zero_window.into(),
        counters.zero_window_probes.into(),
        counters.window_full.into(),
        counters.keep_alives.into(),
        counters.resets.into(),
        counters.tcp_flags.0.into(),
    ];
    let shown = if flow.key.transport == Transport::Tcp { values.len() } else { 4 };
    for (key, value) in names.0.iter().zip(values).take(shown) {
        list.number(key, value);
    }
}

/// What the TCP handshake showed.
fn handshake(list: &mut KeyValues, flow: &FlowRecord) {
    let handshake = &flow.handshake;
    for (key, count) in [
        ("df.network.syn_count", handshake.syn_count),
        ("df.network.synack_count", handshake.syn_ack_count),
        ("df.network.fin_count", handshake.fin_count),
        ("df.network.retrans_syn", handshake.syn_retransmissions),
        ("df.network.retrans_synack", handshake.syn_ack_retransmissions),
    ] {
        list.number(key, count);
    }
    for (key, time) in [
        ("df.network.rtt_ns", handshake.rtt),
        ("df.network.rtt_client_ns", handshake.rtt_client),
        ("df.network.rtt_server_ns", handshake.rtt_server),
    ] {
        list.some_number(key, time.map(nanoseconds));
    }
    list.some_number("df.network.window_scale_client", handshake.window_scale_client);
    list.some_number("df.network.window_scale_server", handshake.window_scale_server);
}

/// The sum, count and maximum of a delay that was measured at least once.
fn delay_numbers(list: &mut KeyValues, [sum, count, max]: [&'static str; 3], delay: Delay) {
    if delay.count > 0 {
        list.number(sum, delay.sum_ns);
        list.number(count, delay.count);
        list.number(max, delay.longest_ns);
    }
}

/// What the application protocol showed.
fn l7(list: &mut KeyValues, counts: &L7Counts) {
    for (key, count) in [
        ("df.network.l7_request", counts.request),
        ("df.network.l7_response", counts.response),
        ("df.network.l7_client_error", counts.client_error),
        ("df.network.l7_server_error", counts.server_error),
        ("df.network.l7_timeout", counts.timeout),
    ] {
        list.number(key, count);
    }
    let names = ["df.network.rrt_ns_sum", "df.network.rrt_count", "df.network.rrt_ns_max"];
    delay_numbers(list, names, counts.rrt);
}

/// The name that the conventions give a protocol: HTTP's versions are told by `network.protocol.version`.
fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol.family() {
        df_l7::Family::Http => "http",
        _ => protocol.name(),
    }
}

const fn severity(status: ResponseStatus) -> SeverityNumber {
    match status {
        ResponseStatus::ServerError => SeverityNumber::Error,
        ResponseStatus::ClientError | ResponseStatus::Timeout => SeverityNumber::Warn,
        _ => SeverityNumber::Info,
    }
}

fn nanoseconds(duration: Duration) -> u128 {
    duration.as_nanos()
}
