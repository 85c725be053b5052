//! Connections that are left out: what their flows waited for is not told as missing.
#![allow(
    clippy::expect_used,
    reason = "a test fails by panicking; clippy knows it as a test only inside test functions"
)]

use std::net::Ipv4Addr;
use std::time::Duration;

use df_core::{
    Chunk, Direction, Endpoint, FlowKey, Packet, TcpFlags, TcpSegment, Timestamp, TransportHeader, Tunnel,
    TunnelKind, connection_number,
};
use df_flow::{CloseType, DirectionEvidence, FlowConfig, FlowEndReason, FlowRecord, FlowSink, FlowTable};

/// What a flow's state waits for.
#[derive(Default)]
struct Waiting {
    asked_at: Option<Timestamp>,
}

/// Hears what is told of requests and of flows.
#[derive(Default)]
struct Ear {
    told: Vec<&'static str>,
    ended: Vec<FlowRecord>,
}

impl FlowSink<Waiting> for Ear {
    fn opened(&mut self, _: &FlowKey) -> Waiting {
        Waiting::default()
    }

    fn chunk(&mut self, _: &FlowKey, state: &mut Waiting, chunk: Chunk<'_>) -> DirectionEvidence {
        match (chunk.direction, state.asked_at.take()) {
            (Direction::ToServer, _) => state.asked_at = Some(chunk.timestamp),
            (Direction::ToClient, Some(_)) => self.told.push("answered"),
            (Direction::ToClient, None) => self.told.push("an answer alone"),
        }
        DirectionEvidence::None
    }

    fn deadline(&self, state: &Waiting) -> Option<Timestamp> {
        Some(state.asked_at?.saturating_add(PATIENCE))
    }

    fn timed_out(&mut self, _: &FlowKey, state: &mut Waiting, _: Timestamp) {
        state.asked_at = None;
        self.told.push("timed out");
    }

    fn closed(&mut self, _: &FlowKey, state: &mut Waiting) {
        self.told.extend(state.asked_at.take().map(|_| "closed"));
    }

    fn ending(&mut self, _: &FlowKey, state: &mut Waiting) {
        self.told.extend(state.asked_at.take().map(|_| "unanswered"));
    }

    fn ended(&mut self, record: FlowRecord, _: Waiting) {
        self.ended.push(record);
    }
}

/// A table, and what it says.
struct Host {
    table: FlowTable<Waiting>,
    ear: Ear,
    at: Timestamp,
    tunnels: Vec<Tunnel>,
}

impl Host {
    fn new(config: FlowConfig) -> Self {
        let at = Timestamp::from_parts(1_000, 0);
        Self { table: FlowTable::new(config), ear: Ear::default(), at, tunnels: Vec::new() }
    }

    fn wait(&mut self, duration: Duration) -> &mut Self {
        self.at = self.at.saturating_add(duration);
        self.table.handle_timeout(self.at, &mut self.ear);
        self
    }

    fn leave_out(&mut self, connections: u16) -> &mut Self {
        self.table.leave_out(connections);
        self
    }

    fn packet(&mut self, ports: [u16; 2], header: TransportHeader, bytes: &[u8]) -> &mut Self {
        self.at = self.at.saturating_add(Duration::from_millis(1));
        let end = |port| Endpoint::new(Ipv4Addr::LOCALHOST.into(), port);
        let mut packet = Packet::new(self.at, end(ports[0]), end(ports[1]), header, bytes);
        packet.tunnels = &self.tunnels;
        self.table.handle_packet(&packet, &mut self.ear);
        self
    }

    fn client(&mut self, flags: TcpFlags, numbers: [u32; 2], text: &str) -> &mut Self {
        let segment = TcpSegment::new(numbers[0], numbers[1], flags, 500);
        self.packet(PORTS, TransportHeader::Tcp(segment), text.as_bytes())
    }

    fn server(&mut self, flags: TcpFlags, numbers: [u32; 2], text: &str) -> &mut Self {
        let segment = TcpSegment::new(numbers[0], numbers[1], flags, 500);
        self.packet([PORTS[1], PORTS[0]], TransportHeader::Tcp(segment), text.as_bytes())
    }

    fn handshake(&mut self) -> &mut Self {
        self.client(TcpFlags::SYN, [99, 0], "").server(SYN_ACK, [499, 100], "").client(
            TcpFlags::ACK,
            [100, 500],
            "",
        )
    }

    /// A connection whose request waits for its answer.
    fn asks(&mut self) -> &mut Self {
        self.handshake().client(TcpFlags::ACK, [100, 500], "ask")
    }

    fn finish(&mut self) -> &mut Self {
        self.table.finish(&mut self.ear);
        let stats = self.table.stats();
        assert_eq!((stats.flows_opened, stats.held_bytes), (stats.flows_ended, 0), "{stats:?}");
        let accounted = stats.delivered_bytes + stats.repeated_bytes + stats.left_out_bytes;
        assert_eq!(stats.payload_bytes, accounted, "{stats:?}");
        self
    }
}

/// What comes to a flow.
type Turn = fn(&mut Host);

/// Everything that can come to a flow whose request waits, and what is told of the request if nothing is left out.
const TURNS: &[(&str, &str, Turn)] = &[
    ("its deadline", "timed out", |host| {
        host.wait(PATIENCE * 2);
    }),
    ("its timeout", "unanswered", |host| {
        host.wait(Duration::from_secs(1_000));
    }),
    ("the end of the table", "unanswered", |host| {
        host.finish();
    }),
    ("a full table", "unanswered", |host| {
        for port in 1..=8 {
            host.packet([port, 53], TransportHeader::Udp, b"");
        }
    }),
    ("its last packets", "closed", |host| {
        host.client(FIN_ACK, [103, 500], "").server(FIN_ACK, [500, 104], "").client(
            TcpFlags::ACK,
            [104, 501],
            "",
        );
        host.finish();
    }),
    ("a new connection on its ports", "unanswered", |host| {
        host.client(TcpFlags::SYN, [900_000, 0], "").finish();
    }),
];

#[test]
fn a_request_that_waits_is_not_told_once_its_connection_is_left_out() {
    for (turn, told, take) in TURNS {
        for (then, is_left_out) in [(None, false), (Some(NUMBER + 1), true), (Some(0), true)] {
            let mut config = FlowConfig::default();
            config.max_flows = 4;
            let mut host = Host::new(config);
            host.asks();
            if let Some(connections) = then {
                host.leave_out(256).leave_out(connections);
            }
            take(&mut host);
            let unheard: &[&str] = if is_left_out { &[] } else { std::slice::from_ref(told) };
            assert_eq!(host.ear.told, unheard, "{turn}, {then:?}");
            host.finish();
            let record = host.ear.ended.iter().find(|record| record.key.server.port == PORTS[1]);
            let record = record.expect("the flow was there");
            if is_left_out {
                let ended = (record.close_type, record.end_reason);
                assert_eq!(
                    ended,
                    (CloseType::ForcedReport, Some(FlowEndReason::ForcedEnd)),
                    "{turn}, {then:?}"
                );
            }
        }
    }
}

#[test]
fn a_flow_is_reported_no_more_once_it_is_left_out() {
    let mut config = FlowConfig::default();
    config.record_interval = Some(Duration::from_secs(1));
    let mut host = Host::new(config);
    host.asks().leave_out(256).wait(Duration::from_secs(3));
    assert!(host.table.is_empty() && host.ear.told.is_empty());
    assert_eq!(host.ear.ended[0].to_server.packets, 3);
}

#[test]
fn what_comes_back_is_a_new_flow_seen_from_its_middle() {
    let mut host = Host::new(FlowConfig::default());
    host.asks().leave_out(NUMBER + 1);
    host.server(TcpFlags::ACK, [500, 103], "answer").client(TcpFlags::ACK, [103, 506], "more");
    assert_eq!((host.table.stats().packets_left_out, host.table.stats().packets), (2, 4));
    host.leave_out(NUMBER);
    host.server(TcpFlags::ACK, [506, 107], "said").client(TcpFlags::ACK, [107, 510], "well");
    host.server(TcpFlags::ACK, [510, 111], "heard").finish();
    assert_eq!(host.ear.told, ["an answer alone", "answered"]);
    let packets: Vec<u64> =
        host.ear.ended.iter().map(|record| record.to_server.packets + record.to_client.packets).collect();
    assert_eq!(packets, [4, 3]);
    assert_eq!(host.table.stats().gaps, 0, "what was left out is not lost");
}

#[test]
fn a_flow_that_is_not_left_out_goes_on() {
    let mut host = Host::new(FlowConfig::default());
    host.asks().leave_out(NUMBER).leave_out(0).leave_out(NUMBER - 5);
    host.server(TcpFlags::ACK, [500, 103], "answer").finish();
    assert_eq!((&host.ear.told[..], host.ear.ended.len()), (&["answered"][..], 1));
}

#[test]
fn how_a_connection_ended_before_it_was_left_out_is_still_told() {
    let mut host = Host::new(FlowConfig::default());
    host.asks().server(TcpFlags::ACK, [500, 103], "answer");
    host.client(FIN_ACK, [103, 506], "").server(FIN_ACK, [506, 104], "").client(
        TcpFlags::ACK,
        [104, 507],
        "",
    );
    host.leave_out(256).wait(Duration::from_secs(60));
    let ended: Vec<_> = host.ear.ended.iter().map(|record| (record.close_type, record.end_reason)).collect();
    assert_eq!(ended, [(CloseType::Finish, Some(FlowEndReason::EndOfFlow))]);
}

#[test]
fn half_of_a_handshake_is_no_failure_once_it_is_left_out() {
    for (is_left_out, close_type) in [(false, CloseType::ClientSynRepeat), (true, CloseType::ForcedReport)] {
        let mut host = Host::new(FlowConfig::default());
        host.client(TcpFlags::SYN, [99, 0], "");
        if is_left_out {
            host.leave_out(256);
        }
        host.wait(Duration::from_secs(60));
        assert_eq!(host.ear.ended[0].close_type, close_type);
    }
}

#[test]
fn bytes_behind_a_hole_are_counted_and_not_told() {
    let mut host = Host::new(FlowConfig::default());
    host.asks().server(TcpFlags::ACK, [600, 103], "far behind").leave_out(256).finish();
    assert!(host.ear.told.is_empty(), "{:?}", host.ear.told);
    assert_eq!((host.table.stats().left_out_bytes, host.table.stats().gaps), (10, 0));
}

#[test]
fn connections_in_tunnels_are_left_out_and_datagrams_are_not() {
    let mut host = Host::new(FlowConfig::default());
    host.leave_out(256);
    host.packet(PORTS, TransportHeader::Udp, b"ask");
    host.tunnels = vec![Tunnel::new(TunnelKind::Gre, None)];
    host.asks().packet(PORTS, TransportHeader::Udp, b"ask");
    assert_eq!((host.table.stats().packets, host.table.stats().packets_left_out), (2, 4));
}

const PORTS: [u16; 2] = [40_000, 80];
/// That of these ports.
const NUMBER: u16 = connection_number(PORTS) as u16;
/// How long a request waits.
const PATIENCE: Duration = Duration::from_secs(20);
const SYN_ACK: TcpFlags = TcpFlags::SYN.union(TcpFlags::ACK);
const FIN_ACK: TcpFlags = TcpFlags::FIN.union(TcpFlags::ACK);
