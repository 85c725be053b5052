//! A flow shows the same figures under the same names as a JSON line and as an OTLP log record.
#![cfg(all(feature = "json", feature = "otlp"))]

use std::collections::BTreeMap;
use std::time::Duration;

use df_core::{Endpoint, FlowKey, InterfaceId, TcpFlags, Timestamp, Transport, VlanTags};
use df_export::FlowPlace;
use df_export::json_lines::write_flow;
use df_export::otlp::flow_log;
use df_flow::{Delay, DirectionCounters, FlowRecord, L7Counts};
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
use serde_json::Value;

/// A record in which every figure is another.
fn full_record() -> FlowRecord {
    let end = |host, port| Endpoint::new([10, 0, 0, host].into(), port);
    let key = FlowKey {
        transport: Transport::Tcp,
        client: end(1, 40_000),
        server: end(2, 80),
        vlan: VlanTags::default(),
        virtual_network: None,
        interface: InterfaceId(0),
    };
    let mut flow = FlowRecord::new(0xabc, key, Timestamp::from_nanos(1));
    flow.to_server = counters(100);
    flow.to_client = counters(200);
    let handshake = &mut flow.handshake;
    (handshake.syn_count, handshake.syn_ack_count, handshake.fin_count) = (301, 302, 303);
    (handshake.syn_retransmissions, handshake.syn_ack_retransmissions) = (304, 305);
    (handshake.window_scale_client, handshake.window_scale_server) = (Some(6), Some(7));
    let time = |nanoseconds| Some(Duration::from_nanos(nanoseconds));
    (handshake.rtt, handshake.rtt_client, handshake.rtt_server) = (time(308), time(309), time(310));
    flow.delays.srt = delay(401);
    flow.delays.srt_client = delay(411);
    flow.delays.art = delay(421);
    flow.delays.cit = delay(431);
    let mut counts = L7Counts::default();
    counts.protocol = Some("http1");
    (counts.request, counts.response) = (501, 502);
    (counts.client_error, counts.server_error, counts.timeout) = (503, 504, 505);
    counts.rrt = delay(511);
    flow.with_l7(counts)
}

fn counters(first: u32) -> DirectionCounters {
    let mut counters = DirectionCounters::default();
    counters.packets = u64::from(first);
    counters.bytes = u64::from(first) + 1;
    counters.l3_bytes = u64::from(first) + 2;
    counters.l4_bytes = u64::from(first) + 3;
    counters.retransmissions = first + 4;
    counters.out_of_order = first + 5;
    counters.zero_window = first + 6;
    counters.duplicate_acknowledgments = first + 7;
    counters.keep_alives = first + 8;
    counters.zero_window_probes = first + 9;
    counters.window_full = first + 10;
    counters.resets = first + 11;
    counters.lost_segments = first + 12;
    counters.lost_bytes = u64::from(first) + 13;
    counters.retransmitted_bytes = u64::from(first) + 14;
    counters.tcp_flags = TcpFlags(0x12);
    counters
}

fn delay(count: u32) -> Delay {
    Delay { count, sum_ns: u64::from(count) * 1_000, longest_ns: u64::from(count) * 10 }
}

#[test]
fn both_formats_show_the_same() {
    let (flow, place) = (full_record(), FlowPlace::new());
    let mut line = Vec::new();
    write_flow(&mut line, &flow, &place);
    let record: BTreeMap<String, Value> = serde_json::from_slice(&line).unwrap();
    let attributes: BTreeMap<String, i64> = flow_log(&flow, &place)
        .attributes
        .into_iter()
        .filter_map(|attribute| match attribute.value?.value? {
            AnyValue::IntValue(number) => Some((attribute.key, number)),
            _ => None,
        })
        .collect();
    let figures = record.iter().filter_map(|(name, value)| Some((name, value.as_i64()?)));
    // The flow's place in time and its ends have names of their own in OTLP.
    let own = ["start_ns", "end_ns", "duration_ns", "direction_score", "client_port", "server_port"];
    let mut compared = 0;
    for (name, figure) in figures.filter(|(name, _)| !own.contains(&name.as_str())) {
        assert_eq!(attributes.get(&format!("df.network.{name}")), Some(&figure), "{name}");
        compared += 1;
    }
    assert_eq!(compared, attributes.keys().filter(|key| key.starts_with("df.network.")).count());
    assert!(compared > 60, "{compared} figures");
}

#[test]
fn the_names_are_those_of_the_contract() {
    let mut line = Vec::new();
    write_flow(&mut line, &full_record(), &FlowPlace::new());
    let record: Value = serde_json::from_slice(&line).unwrap();
    for (name, expected) in [
        ("packets_tx", 100),
        ("l4_bytes_rx", 203),
        ("retransmissions_tx", 104),
        ("out_of_order_rx", 205),
        ("zero_window_tx", 106),
        ("syn_count", 301),
        ("synack_count", 302),
        ("fin_count", 303),
        ("retrans_syn", 304),
        ("retrans_synack", 305),
        ("rtt_ns", 308),
        ("rtt_client_ns", 309),
        ("rtt_server_ns", 310),
        ("srt_ns_sum", 401_000),
        ("srt_count", 401),
        ("srt_ns_max", 4_010),
        ("art_count", 421),
        ("cit_ns_max", 4_310),
        ("rrt_ns_sum", 511_000),
        ("l7_request", 501),
        ("l7_response", 502),
        ("l7_client_error", 503),
        ("l7_server_error", 504),
        ("l7_timeout", 505),
    ] {
        assert_eq!(record[name], expected, "{name}");
    }
    assert_eq!((&record["l7_protocol"], &record["flow_id"]), (&"http1".into(), &"0000000000000abc".into()));
}
