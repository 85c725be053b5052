//! Short captures told packet by packet: what the table makes of each.
#![allow(
    clippy::expect_used,
    reason = "a test fails by panicking; clippy knows it as a test only inside test functions"
)]

use std::net::Ipv4Addr;
use std::time::Duration;

use df_core::{Chunk, Endpoint, FlowKey, Packet, TcpFlags, TcpSegment, Timestamp, TransportHeader, VlanTags};
use df_flow::{CloseType, DirectionEvidence, FlowConfig, FlowEndReason, FlowRecord, FlowSink, FlowTable};

const SYN: TcpFlags = TcpFlags::SYN;
const ACK: TcpFlags = TcpFlags::ACK;
const SYN_ACK: TcpFlags = SYN.union(ACK);
const FIN_ACK: TcpFlags = TcpFlags::FIN.union(ACK);
const RST: TcpFlags = TcpFlags::RST;

/// Writes down what happens.
#[derive(Default)]
struct Diary {
    lines: Vec<String>,
    records: Vec<FlowRecord>,
    evidence: DirectionEvidence,
}

impl FlowSink<()> for Diary {
    fn opened(&mut self, key: &FlowKey) {
        self.lines.push(format!("opened {} -> {}", key.client, key.server));
    }

    fn chunk(&mut self, _: &FlowKey, (): &mut (), chunk: Chunk<'_>) -> DirectionEvidence {
        let text = String::from_utf8_lossy(chunk.bytes);
        self.lines.push(format!("{:?} {}: {text}", chunk.direction, chunk.offset));
        self.evidence
    }

    fn closed(&mut self, _: &FlowKey, (): &mut ()) {
        self.lines.push("closed".into());
    }

    fn reported(&mut self, record: FlowRecord, (): &mut ()) {
        self.lines.push("reported".into());
        self.records.push(record);
    }

    fn ended(&mut self, record: FlowRecord, (): ()) {
        self.lines.push("ended".into());
        self.records.push(record);
    }
}

struct Story {
    table: FlowTable<()>,
    diary: Diary,
    at: Timestamp,
    vlan: VlanTags,
}

impl Story {
    fn new() -> Self {
        Self::with(FlowConfig::default())
    }

    fn with(config: FlowConfig) -> Self {
        let (at, vlan) = (Timestamp::from_parts(1_000, 0), VlanTags::default());
        Self { table: FlowTable::new(config), diary: Diary::default(), at, vlan }
    }

    fn after(&mut self, duration: Duration) -> &mut Self {
        self.at = self.at.saturating_add(duration);
        self
    }

    /// What follows is seen in this VLAN.
    fn vlan(&mut self, outer: Option<u16>) -> &mut Self {
        self.vlan = VlanTags { outer, inner: None };
        self
    }

    /// One packet from the host ending in `from`, port `ports.0`, a millisecond after the one before.
    fn packet(
        &mut self,
        from: (u8, u16),
        to: (u8, u16),
        flags: TcpFlags,
        numbers: (u32, u32),
        text: &str,
    ) -> &mut Self {
        self.after(Duration::from_millis(1));
        let end = |(host, port): (u8, u16)| Endpoint::new(Ipv4Addr::new(10, 0, 0, host).into(), port);
        let header = TransportHeader::Tcp(TcpSegment::new(numbers.0, numbers.1, flags, 500));
        let mut packet = Packet::new(self.at, end(from), end(to), header, text.as_bytes());
        packet.vlan = self.vlan;
        self.table.handle_packet(&packet, &mut self.diary);
        self
    }

    fn client(&mut self, flags: TcpFlags, numbers: (u32, u32), text: &str) -> &mut Self {
        self.packet((1, 40_000), (2, 80), flags, numbers, text)
    }

    fn server(&mut self, flags: TcpFlags, numbers: (u32, u32), text: &str) -> &mut Self {
        self.packet((2, 80), (1, 40_000), flags, numbers, text)
    }

    fn handshake(&mut self) -> &mut Self {
        self.client(SYN, (99, 0), "").server(SYN_ACK, (499, 100), "").client(ACK, (100, 500), "")
    }

    fn finish(&mut self) -> FlowRecord {
        self.table.finish(&mut self.diary);
        self.diary.records.last().cloned().expect("a record")
    }
}

#[test]
fn a_whole_connection() {
    let mut story = Story::new();
    story.handshake().client(ACK, (100, 500), "ask").server(ACK, (500, 103), "answer");
    story.client(FIN_ACK, (103, 506), "").server(FIN_ACK, (506, 104), "").client(ACK, (104, 507), "");
    let record = story.finish();
    let expected =
        ["opened 10.0.0.1:40000 -> 10.0.0.2:80", "ToServer 0: ask", "ToClient 0: answer", "closed", "ended"];
    assert_eq!(story.diary.lines, expected);
    assert_eq!(record.close_type, CloseType::Finish);
    assert_eq!((record.to_server.packets, record.to_client.packets), (5, 3));
    assert_eq!((record.to_server.l4_bytes, record.to_client.l4_bytes), (3, 6));
    assert_eq!(record.handshake.rtt_server, Some(Duration::from_millis(1)));
    assert_eq!(record.handshake.rtt_client, Some(Duration::from_millis(1)));
    assert_eq!(record.handshake.rtt, Some(Duration::from_millis(2)));
    assert_eq!((record.direction_score, record.is_new, record.is_final), (255, true, true));
}

#[test]
fn a_server_that_speaks_at_once_is_timed_too() {
    let mut story = Story::new();
    story.client(SYN, (99, 0), "").server(SYN_ACK, (499, 100), "hello");
    let record = story.client(ACK, (100, 505), "").finish();
    assert_eq!(record.handshake.rtt_client, Some(Duration::from_millis(1)));
    let record = Story::new()
        .client(SYN, (99, 0), "")
        .server(SYN_ACK, (499, 100), "")
        .client(ACK, (100, 99), "")
        .finish();
    assert_eq!(record.handshake.rtt_client, None, "it acknowledges something else");
}

#[test]
fn a_syn_ack_seen_first_tells_the_server() {
    let mut story = Story::new();
    let record = story.server(SYN_ACK, (499, 100), "").client(ACK, (100, 500), "").finish();
    assert_eq!((record.key.server.port, record.direction_score), (80, 255));
}

#[test]
fn an_answer_from_a_known_listener_is_no_question() {
    let mut story = Story::new();
    story.packet((1, 50_000), (2, 60_000), SYN, (1, 0), "").packet(
        (2, 60_000),
        (1, 50_000),
        SYN_ACK,
        (1, 2),
        "",
    );
    let record = story.packet((2, 60_000), (3, 40_000), ACK, (7, 7), "late answer").finish();
    assert_eq!((record.key.server.port, record.direction_score), (60_000, 200));
}

#[test]
fn the_directions_may_be_in_different_vlans() {
    let mut story = Story::new();
    story.vlan(Some(10)).client(SYN, (99, 0), "").vlan(Some(20)).server(SYN_ACK, (499, 100), "");
    story.vlan(Some(10)).client(ACK, (100, 500), "ask").vlan(Some(20)).server(ACK, (500, 103), "answer");
    let record = story.finish();
    assert_eq!(
        story.diary.lines,
        ["opened 10.0.0.1:40000 -> 10.0.0.2:80", "ToServer 0: ask", "ToClient 0: answer", "ended"]
    );
    assert_eq!((record.key.vlan.outer, record.to_server.packets, record.to_client.packets), (Some(10), 2, 2));
}

#[test]
fn copies_of_a_connection_in_several_vlans_stay_apart() {
    let mut story = Story::new();
    let vlans = [None, Some(10), Some(20)];
    for vlan in vlans {
        story.vlan(vlan).client(SYN, (99, 0), "");
    }
    for vlan in vlans {
        story.vlan(vlan).server(SYN_ACK, (499, 100), "");
    }
    story.finish();
    let packets: Vec<_> = story
        .diary
        .records
        .iter()
        .map(|record| (record.to_server.packets, record.to_client.packets))
        .collect();
    assert_eq!(packets, [(1, 1); 3]);
}

#[test]
fn an_answer_to_something_else_in_another_vlan_is_another_connection() {
    let mut story = Story::new();
    story.vlan(Some(10)).client(SYN, (99, 0), "").vlan(Some(20)).server(SYN_ACK, (499, 0x8000_0000), "");
    story.finish();
    assert_eq!(story.diary.records.len(), 2);
}

#[test]
fn a_reset_that_no_end_believes_hides_nothing() {
    let mut story = Story::new();
    story.handshake().client(RST, (100, 0), "").client(ACK, (100, 500), "ask").server(
        ACK,
        (500, 103),
        "answer",
    );
    assert_eq!(story.diary.lines[1..], ["ToServer 0: ask", "ToClient 0: answer"]);
}

#[test]
fn both_ends_may_open_at_once() {
    let mut story = Story::new();
    story.client(SYN, (99, 0), "").server(SYN, (499, 0), "").client(SYN_ACK, (99, 500), "");
    let record = story.server(ACK, (500, 100), "").client(ACK, (100, 500), "ask").finish();
    assert_eq!(story.diary.lines[1..], ["ToServer 0: ask", "ended"]);
    assert_eq!((record.to_server.packets, record.to_client.packets), (3, 2));
    assert_eq!((record.handshake.syn_count, record.handshake.syn_ack_count), (1, 0));
}

#[test]
fn what_a_protocol_showed_to_be_a_server_stays_one() {
    let mut story = Story::new();
    story.diary.evidence = DirectionEvidence::Reversed;
    story.packet((1, 50_000), (2, 60_000), ACK, (1, 1), "question");
    story.diary.evidence = DirectionEvidence::None;
    let record = story.packet((2, 60_000), (3, 40_000), ACK, (7, 7), "late answer").finish();
    assert_eq!((record.key.server.port, record.direction_score), (60_000, 200));
}

#[test]
fn the_application_corrects_a_guess() {
    let mut story = Story::new();
    story.diary.evidence = DirectionEvidence::Reversed;
    let record = story.packet((1, 40_000), (2, 80), ACK, (1, 1), "the server's answer").finish();
    assert_eq!(story.diary.lines[1], "ToServer 0: the server's answer");
    assert_eq!((record.key.server.port, record.direction_score), (40_000, 254));
    assert_eq!((record.to_server.packets, record.to_client.packets), (0, 1));
}

#[test]
fn a_hole_that_the_receiver_acknowledged_is_not_waited_for() {
    let mut story = Story::new();
    story.handshake().client(ACK, (100, 500), "one").client(ACK, (106, 500), "three").server(
        ACK,
        (500, 111),
        "",
    );
    story.client(ACK, (111, 500), "four").client(ACK, (115, 500), "five").client(ACK, (119, 500), "six");
    let lines = &story.diary.lines[1..];
    assert_eq!(
        lines,
        [
            "ToServer 0: one",
            "ToServer 6: three",
            "ToServer 11: four",
            "ToServer 15: five",
            "ToServer 19: six"
        ]
    );
}

#[test]
fn bytes_acknowledged_before_later_ones_come_are_lost_at_once() {
    let mut story = Story::new();
    story.handshake().client(ACK, (100, 500), "one").server(ACK, (500, 111), "").client(
        ACK,
        (111, 500),
        "four",
    );
    assert_eq!(story.diary.lines[1..], ["ToServer 0: one", "ToServer 11: four"]);
    assert_eq!(story.table.stats().gaps, 1);
}

#[test]
fn keep_alives_and_repetitions_are_not_delivered() {
    let mut story = Story::new();
    story.handshake().client(ACK, (100, 500), "ask").client(ACK, (100, 500), "ask").client(
        ACK,
        (102, 500),
        "k",
    );
    let record = story.finish();
    assert_eq!(story.diary.lines.len(), 3);
    assert_eq!(record.to_server.retransmissions, 1);
}

#[test]
fn a_new_syn_on_old_ports_is_a_new_flow() {
    let mut story = Story::new();
    story.handshake().client(RST, (100, 0), "").client(SYN, (7_000, 0), "").server(
        SYN_ACK,
        (9_000, 7_001),
        "",
    );
    story.finish();
    let kinds: Vec<CloseType> = story.diary.records.iter().map(|record| record.close_type).collect();
    assert_eq!(kinds, [CloseType::TcpFinClientRst, CloseType::ServerSynAckRepeat]);
    assert_eq!(story.diary.records[0].end_reason, Some(FlowEndReason::EndOfFlow));
}

#[test]
fn a_refused_connection_and_one_without_answer() {
    let mut story = Story::new();
    let refused = story.client(SYN, (1, 0), "").server(RST.union(ACK), (0, 2), "").finish();
    assert_eq!(refused.close_type, CloseType::ServerReset);
    let mut story = Story::new();
    let silent = story.client(SYN, (1, 0), "").client(SYN, (1, 0), "").finish();
    assert_eq!((silent.close_type, silent.handshake.syn_retransmissions), (CloseType::ClientSynRepeat, 1));
}

#[test]
fn silence_ends_a_flow_and_intervals_report_it() {
    let mut config = FlowConfig::default();
    config.record_interval = Some(Duration::from_secs(60));
    let mut story = Story::with(config);
    story.handshake();
    for _ in 0..4 {
        story.after(Duration::from_secs(40)).client(ACK, (100, 500), "");
    }
    story.after(Duration::from_secs(900)).packet((7, 1), (8, 2), SYN, (1, 0), "");
    let ended: Vec<_> = story.diary.records.iter().filter(|record| record.is_final).collect();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].end_reason, Some(FlowEndReason::IdleTimeout));
    assert!(!ended[0].is_new, "it was reported before");
    let packets: u64 = story.diary.records.iter().map(|record| record.to_server.packets).sum();
    assert_eq!(packets, 6, "each packet is in one record");
}

#[test]
fn a_full_table_ends_the_flow_closest_to_its_timeout() {
    let mut config = FlowConfig::default();
    config.max_flows = 2;
    let mut story = Story::with(config);
    for host in 1..=3 {
        story.packet((host, 40_000), (9, 80), SYN, (1, 0), "");
    }
    assert_eq!(story.table.len(), 2);
    assert_eq!(story.diary.records[0].end_reason, Some(FlowEndReason::LackOfResources));
    assert_eq!(story.table.stats().flows_evicted, 1);
}

#[test]
fn an_idle_flow_is_small() {
    assert!(FlowTable::<()>::bytes_per_flow() <= 600, "{} bytes", FlowTable::<()>::bytes_per_flow());
}
