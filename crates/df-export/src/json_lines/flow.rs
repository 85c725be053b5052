//! The record of one flow.

use std::net::IpAddr;
use std::time::Duration;

use df_core::Transport;
use df_flow::{Delay, FlowRecord, L7Counts};
use df_l7::Protocol;
use serde::Serialize;

use super::tunnel::{TunnelPart, tunnel_parts};
use super::value::{known, nanoseconds};
use super::write_line;
use crate::FlowPlace;

/// Appends the record of `flow` as one line.
pub fn write_flow(out: &mut Vec<u8>, flow: &FlowRecord, place: &FlowPlace<'_>) {
    write_line(out, &Record::new(flow, place));
}

#[derive(Serialize)]
#[allow(clippy::struct_excessive_bools, reason = "the record's own fields")]
struct Record<'a> {
    kind: &'static str,
    flow_id: String,
    transport: &'static str,
    client_ip: IpAddr,
    client_port: u16,
    server_ip: IpAddr,
    server_port: u16,
    start_ns: u64,
    end_ns: u64,
    duration_ns: u64,
    is_new: bool,
    is_final: bool,
    close_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vlan: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inner_vlan: Option<u16>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tunnel: Vec<TunnelPart>,
    direction_score: u8,
    packets_tx: u64,
    packets_rx: u64,
    bytes_tx: u64,
    bytes_rx: u64,
    l3_bytes_tx: u64,
    l3_bytes_rx: u64,
    l4_bytes_tx: u64,
    l4_bytes_rx: u64,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    icmp_errors: Option<IcmpErrors>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    tcp: Option<TcpPart>,
    #[serde(flatten)]
    delays: DelayPart,
    #[serde(skip_serializing_if = "Option::is_none")]
    l7_protocol: Option<&'static str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    l7: Option<L7Part>,
}

impl<'a> Record<'a> {
    fn new(flow: &FlowRecord, place: &FlowPlace<'a>) -> Self {
        let FlowRecord { key, to_server, to_client, .. } = flow;
        Self {
            kind: "flow",
            flow_id: format!("{:016x}", flow.id),
            transport: key.transport.name(),
            client_ip: key.client.ip,
            client_port: key.client.port,
            server_ip: key.server.ip,
            server_port: key.server.port,
            start_ns: flow.start.as_nanos(),
            end_ns: flow.end.as_nanos(),
            duration_ns: nanoseconds(flow.duration()),
            is_new: flow.is_new,
            is_final: flow.is_final,
            close_type: flow.close_type.name(),
            end_reason: flow.end_reason.map(df_flow::FlowEndReason::name),
            interface: place.interface.and_then(known),
            vlan: key.vlan.outer,
            inner_vlan: key.vlan.inner,
            tunnel: tunnel_parts(&flow.tunnels),
            direction_score: flow.direction_score,
            packets_tx: to_server.packets,
            packets_rx: to_client.packets,
            bytes_tx: to_server.bytes,
            bytes_rx: to_client.bytes,
            l3_bytes_tx: to_server.l3_bytes,
            l3_bytes_rx: to_client.l3_bytes,
            l4_bytes_tx: to_server.l4_bytes,
            l4_bytes_rx: to_client.l4_bytes,
            icmp_errors: flow.last_icmp_error.map(|last| IcmpErrors {
                icmp_errors_tx: to_server.icmp_errors,
                icmp_errors_rx: to_client.icmp_errors,
                icmp_error_type: last.0,
                icmp_error_code: last.1,
            }),
            tcp: (key.transport == Transport::Tcp).then(|| TcpPart::new(flow)),
            delays: DelayPart::new(flow),
            l7_protocol: flow.l7.and_then(|counts| counts.protocol).or(place.protocol.map(Protocol::name)),
            l7: flow.l7.as_ref().map(L7Part::new),
        }
    }
}

/// ICMP errors that quoted the flow, and the last one.
#[derive(Serialize)]
#[allow(clippy::struct_field_names, reason = "the record's own fields")]
struct IcmpErrors {
    icmp_errors_tx: u32,
    icmp_errors_rx: u32,
    icmp_error_type: u8,
    icmp_error_code: u8,
}

/// What only TCP has.
#[derive(Serialize)]
struct TcpPart {
    tcp_flags_client: u8,
    tcp_flags_server: u8,
    retransmissions_tx: u32,
    retransmissions_rx: u32,
    retransmitted_bytes_tx: u64,
    retransmitted_bytes_rx: u64,
    out_of_order_tx: u32,
    out_of_order_rx: u32,
    duplicate_acks_tx: u32,
    duplicate_acks_rx: u32,
    lost_segments_tx: u32,
    lost_segments_rx: u32,
    lost_bytes_tx: u64,
    lost_bytes_rx: u64,
    zero_window_tx: u32,
    zero_window_rx: u32,
    zero_window_probes_tx: u32,
    zero_window_probes_rx: u32,
    window_full_tx: u32,
    window_full_rx: u32,
    keep_alives_tx: u32,
    keep_alives_rx: u32,
    resets_tx: u32,
    resets_rx: u32,
    syn_count: u32,
    synack_count: u32,
    fin_count: u32,
    retrans_syn: u32,
    retrans_synack: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    window_scale_client: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window_scale_server: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt_client_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt_server_ns: Option<u64>,
}

impl TcpPart {
    fn new(flow: &FlowRecord) -> Self {
        let FlowRecord { to_server: tx, to_client: rx, handshake, .. } = flow;
        let time = |duration: Option<Duration>| duration.map(nanoseconds);
        Self {
            tcp_flags_client: tx.tcp_flags.0,
            tcp_flags_server: rx.tcp_flags.0,
            retransmissions_tx: tx.retransmissions,
            retransmissions_rx: rx.retransmissions,
            retransmitted_bytes_tx: tx.retransmitted_bytes,
            retransmitted_bytes_rx: rx.retransmitted_bytes,
            out_of_order_tx: tx.out_of_order,
            out_of_order_rx: rx.out_of_order,
            duplicate_acks_tx: tx.duplicate_acknowledgments,
            duplicate_acks_rx: rx.duplicate_acknowledgments,
            lost_segments_tx: tx.lost_segments,
            lost_segments_rx: rx.lost_segments,
            lost_bytes_tx: tx.lost_bytes,
            lost_bytes_rx: rx.lost_bytes,
            zero_window_tx: tx.zero_window,
            zero_window_rx: rx.zero_window,
            zero_window_probes_tx: tx.zero_window_probes,
            zero_window_probes_rx: rx.zero_window_probes,
            window_full_tx: tx.window_full,
            window_full_rx: rx.window_full,
            keep_alives_tx: tx.keep_alives,
            keep_alives_rx: rx.keep_alives,
            resets_tx: tx.resets,
            resets_rx: rx.resets,
            syn_count: handshake.syn_count,
            synack_count: handshake.syn_ack_count,
            fin_count: handshake.fin_count,
            retrans_syn: handshake.syn_retransmissions,
            retrans_synack: handshake.syn_ack_retransmissions,
            window_scale_client: handshake.window_scale_client,
            window_scale_server: handshake.window_scale_server,
            rtt_ns: time(handshake.rtt),
            rtt_client_ns: time(handshake.rtt_client),
            rtt_server_ns: time(handshake.rtt_server),
        }
    }
}

/// The delays; a kind that was never measured is left out.
#[derive(Serialize)]
struct DelayPart {
    #[serde(skip_serializing_if = "Option::is_none")]
    srt_ns_sum: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    srt_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    srt_ns_max: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    srt_client_ns_sum: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    srt_client_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    srt_client_ns_max: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    art_ns_sum: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    art_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    art_ns_max: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cit_ns_sum: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cit_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cit_ns_max: Option<u64>,
}

impl DelayPart {
    fn new(flow: &FlowRecord) -> Self {
        let [srt, srt_client, art, cit] =
            [flow.delays.srt, flow.delays.srt_client, flow.delays.art, flow.delays.cit].map(measured);
        Self {
            srt_ns_sum: srt.map(|delay| delay.sum_ns),
            srt_count: srt.map(|delay| delay.count),
            srt_ns_max: srt.map(|delay| delay.longest_ns),
            srt_client_ns_sum: srt_client.map(|delay| delay.sum_ns),
            srt_client_count: srt_client.map(|delay| delay.count),
            srt_client_ns_max: srt_client.map(|delay| delay.longest_ns),
            art_ns_sum: art.map(|delay| delay.sum_ns),
            art_count: art.map(|delay| delay.count),
            art_ns_max: art.map(|delay| delay.longest_ns),
            cit_ns_sum: cit.map(|delay| delay.sum_ns),
            cit_count: cit.map(|delay| delay.count),
            cit_ns_max: cit.map(|delay| delay.longest_ns),
        }
    }
}

/// What the application protocol showed.
#[derive(Serialize)]
struct L7Part {
    l7_request: u32,
    l7_response: u32,
    l7_client_error: u32,
    l7_server_error: u32,
    l7_timeout: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    rrt_ns_sum: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rrt_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rrt_ns_max: Option<u64>,
}

impl L7Part {
    fn new(counts: &L7Counts) -> Self {
        let rrt = measured(counts.rrt);
        Self {
            l7_request: counts.request,
            l7_response: counts.response,
            l7_client_error: counts.client_error,
            l7_server_error: counts.server_error,
            l7_timeout: counts.timeout,
            rrt_ns_sum: rrt.map(|delay| delay.sum_ns),
            rrt_count: rrt.map(|delay| delay.count),
            rrt_ns_max: rrt.map(|delay| delay.longest_ns),
        }
    }
}

fn measured(delay: Delay) -> Option<Delay> {
    (delay.count > 0).then_some(delay)
}
