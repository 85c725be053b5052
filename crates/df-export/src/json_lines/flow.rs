//! The record of one flow.

use std::time::Duration;

use df_core::Transport;
use df_flow::{Delay, FlowEndReason, FlowRecord, L7Counts};
use df_l7::Protocol;

use super::line::{Line, fields, known_fields};
use super::tunnel::tunnel_parts;
use super::value::{Shown, known, nanoseconds};
use crate::FlowPlace;

/// Appends the record of `flow` as one line.
pub fn write_flow(out: &mut Vec<u8>, flow: &FlowRecord, place: &FlowPlace<'_>) {
    let mut line = Line::begin(out, "flow");
    write_ends(&mut line, flow);
    write_life(&mut line, flow);
    write_place(&mut line, flow, place);
    write_counters(&mut line, flow);
    if flow.key.transport == Transport::Tcp {
        write_tcp(&mut line, flow);
        write_handshake(&mut line, flow);
    }
    write_delays(&mut line, flow);
    let protocol = flow.l7.and_then(|counts| counts.protocol).or(place.protocol.map(Protocol::name));
    known_fields!(line, "l7_protocol": protocol);
    if let Some(counts) = &flow.l7 {
        write_l7(&mut line, counts);
    }
    line.end();
}

fn write_ends(line: &mut Line<'_>, flow: &FlowRecord) {
    let key = &flow.key;
    fields!(line,
        "flow_id": Shown(format_args!("{:016x}", flow.id)),
        "transport": key.transport.name(),
    );
    known_fields!(line, "client_ip": key.client.ip());
    fields!(line, "client_port": key.client.port);
    known_fields!(line, "server_ip": key.server.ip());
    fields!(line, "server_port": key.server.port);
}

fn write_life(line: &mut Line<'_>, flow: &FlowRecord) {
    fields!(line,
        "start_ns": flow.start.as_nanos(),
        "end_ns": flow.end.as_nanos(),
        "duration_ns": nanoseconds(flow.duration()),
        "is_new": flow.is_new,
        "is_final": flow.is_final,
        "close_type": flow.close_type.name(),
    );
    known_fields!(line, "end_reason": flow.end_reason.map(FlowEndReason::name));
}

fn write_place(line: &mut Line<'_>, flow: &FlowRecord, place: &FlowPlace<'_>) {
    known_fields!(line,
        "interface": place.interface.and_then(known),
        "vlan": flow.key.vlan.outer,
        "inner_vlan": flow.key.vlan.inner,
    );
    if !flow.tunnels.is_empty() {
        fields!(line, "tunnel": tunnel_parts(&flow.tunnels));
    }
}

fn write_counters(line: &mut Line<'_>, flow: &FlowRecord) {
    let FlowRecord { to_server, to_client, .. } = flow;
    fields!(line,
        "direction_score": flow.direction_score,
        "packets_tx": to_server.packets,
        "packets_rx": to_client.packets,
        "bytes_tx": to_server.bytes,
        "bytes_rx": to_client.bytes,
        "l3_bytes_tx": to_server.l3_bytes,
        "l3_bytes_rx": to_client.l3_bytes,
        "l4_bytes_tx": to_server.l4_bytes,
        "l4_bytes_rx": to_client.l4_bytes,
    );
    if let Some((kind, code)) = flow.last_icmp_error {
        fields!(line,
            "icmp_errors_tx": to_server.icmp_errors,
            "icmp_errors_rx": to_client.icmp_errors,
            "icmp_error_type": kind,
            "icmp_error_code": code,
        );
    }
}

/// What of TCP is counted per direction.
fn write_tcp(line: &mut Line<'_>, flow: &FlowRecord) {
    let FlowRecord { to_server: tx, to_client: rx, .. } = flow;
    fields!(line,
        "tcp_flags_client": tx.tcp_flags.0,
        "tcp_flags_server": rx.tcp_flags.0,
        "retransmissions_tx": tx.retransmissions,
        "retransmissions_rx": rx.retransmissions,
        "retransmitted_bytes_tx": tx.retransmitted_bytes,
        "retransmitted_bytes_rx": rx.retransmitted_bytes,
        "out_of_order_tx": tx.out_of_order,
        "out_of_order_rx": rx.out_of_order,
        "duplicate_acks_tx": tx.duplicate_acknowledgments,
        "duplicate_acks_rx": rx.duplicate_acknowledgments,
        "lost_segments_tx": tx.lost_segments,
        "lost_segments_rx": rx.lost_segments,
        "lost_bytes_tx": tx.lost_bytes,
        "lost_bytes_rx": rx.lost_bytes,
        "zero_window_tx": tx.zero_window,
        "zero_window_rx": rx.zero_window,
        "zero_window_probes_tx": tx.zero_window_probes,
        "zero_window_probes_rx": rx.zero_window_probes,
        "window_full_tx": tx.window_full,
        "window_full_rx": rx.window_full,
        "keep_alives_tx": tx.keep_alives,
        "keep_alives_rx": rx.keep_alives,
        "resets_tx": tx.resets,
        "resets_rx": rx.resets,
    );
}

fn write_handshake(line: &mut Line<'_>, flow: &FlowRecord) {
    let handshake = &flow.handshake;
    let time = |duration: Option<Duration>| duration.map(nanoseconds);
    fields!(line,
        "syn_count": handshake.syn_count,
        "synack_count": handshake.syn_ack_count,
        "fin_count": handshake.fin_count,
        "retrans_syn": handshake.syn_retransmissions,
        "retrans_synack": handshake.syn_ack_retransmissions,
    );
    known_fields!(line,
        "window_scale_client": handshake.window_scale_client,
        "window_scale_server": handshake.window_scale_server,
        "rtt_ns": time(handshake.rtt),
        "rtt_client_ns": time(handshake.rtt_client),
        "rtt_server_ns": time(handshake.rtt_server),
    );
}

/// The delays; a kind that was never measured is left out.
fn write_delays(line: &mut Line<'_>, flow: &FlowRecord) {
    if let Some(srt) = measured(flow.delays.srt) {
        fields!(line, "srt_ns_sum": srt.sum_ns, "srt_count": srt.count, "srt_ns_max": srt.longest_ns);
    }
    if let Some(srt) = measured(flow.delays.srt_client) {
        fields!(line,
            "srt_client_ns_sum": srt.sum_ns,
            "srt_client_count": srt.count,
            "srt_client_ns_max": srt.longest_ns,
        );
    }
    if let Some(art) = measured(flow.delays.art) {
        fields!(line, "art_ns_sum": art.sum_ns, "art_count": art.count, "art_ns_max": art.longest_ns);
    }
    if let Some(cit) = measured(flow.delays.cit) {
        fields!(line, "cit_ns_sum": cit.sum_ns, "cit_count": cit.count, "cit_ns_max": cit.longest_ns);
    }
}

/// What the application protocol showed.
fn write_l7(line: &mut Line<'_>, counts: &L7Counts) {
    fields!(line,
        "l7_request": counts.request,
        "l7_response": counts.response,
        "l7_client_error": counts.client_error,
        "l7_server_error": counts.server_error,
        "l7_timeout": counts.timeout,
    );
    if let Some(rrt) = measured(counts.rrt) {
        fields!(line, "rrt_ns_sum": rrt.sum_ns, "rrt_count": rrt.count, "rrt_ns_max": rrt.longest_ns);
    }
}

fn measured(delay: Delay) -> Option<Delay> {
    (delay.count > 0).then_some(delay)
}
