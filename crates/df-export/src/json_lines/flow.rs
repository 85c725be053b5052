//! The record of one flow.

use std::net::IpAddr;
use std::time::Duration;

use df_core::Transport;
use df_flow::{DirectionCounters, FlowRecord, Handshake};
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
    #[serde(skip_serializing_if = "Option::is_none")]
    l7_protocol: Option<&'static str>,
}

impl<'a> Record<'a> {
    fn new(flow: &FlowRecord, place: &FlowPlace<'a>) -> Self {
        let FlowRecord { key, to_server, to_client, .. } = flow;
        Self {
            kind: "flow",
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
            tcp: (key.transport == Transport::Tcp)
                .then(|| TcpPart::new(to_server, to_client, &flow.handshake)),
            l7_protocol: place.protocol.map(Protocol::name),
        }
    }
}

/// ICMP errors that quoted the flow, and the last one.
#[derive(Serialize)]
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
    out_of_order_tx: u32,
    out_of_order_rx: u32,
    zero_window_tx: u32,
    zero_window_rx: u32,
    syn_count: u32,
    synack_count: u32,
    fin_count: u32,
    retrans_syn: u32,
    retrans_synack: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt_client_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt_server_ns: Option<u64>,
}

impl TcpPart {
    fn new(to_server: &DirectionCounters, to_client: &DirectionCounters, handshake: &Handshake) -> Self {
        let time = |duration: Option<Duration>| duration.map(nanoseconds);
        Self {
            tcp_flags_client: to_server.tcp_flags.0,
            tcp_flags_server: to_client.tcp_flags.0,
            retransmissions_tx: to_server.retransmissions,
            retransmissions_rx: to_client.retransmissions,
            out_of_order_tx: to_server.out_of_order,
            out_of_order_rx: to_client.out_of_order,
            zero_window_tx: to_server.zero_window,
            zero_window_rx: to_client.zero_window,
            syn_count: handshake.syn_count,
            synack_count: handshake.syn_ack_count,
            fin_count: handshake.fin_count,
            retrans_syn: handshake.syn_retransmissions,
            retrans_synack: handshake.syn_ack_retransmissions,
            rtt_ns: time(handshake.rtt),
            rtt_client_ns: time(handshake.rtt_client),
            rtt_server_ns: time(handshake.rtt_server),
        }
    }
}
