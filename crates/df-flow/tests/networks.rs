//! Flows in tunnels and virtual networks, ICMP conversations and errors, SCTP: what is one flow and what is not.
#![allow(
    clippy::expect_used,
    reason = "a test fails by panicking; clippy knows it as a test only inside test functions"
)]

use std::net::Ipv4Addr;
use std::time::Duration;

use df_core::{
    Chunk, Endpoint, FlowKey, IcmpHeader, IcmpRole, Packet, SctpChunks, SctpHeader, Timestamp, Transport,
    TransportHeader, Tunnel, TunnelKind, VirtualNetwork,
};
use df_flow::{DirectionEvidence, FlowConfig, FlowRecord, FlowSink, FlowTable, shard_of};

/// Keeps records, and what it is told of tunnels and chunks.
#[derive(Default)]
struct Diary {
    records: Vec<FlowRecord>,
    lines: Vec<String>,
}

impl FlowSink<()> for Diary {
    fn opened(&mut self, _: &FlowKey) {}

    fn tunnelled(&mut self, _: &FlowKey, (): &mut (), tunnels: &[Tunnel]) {
        self.lines.push(format!("in {}", tunnels[0]));
    }

    fn chunk(&mut self, _: &FlowKey, (): &mut (), chunk: Chunk<'_>) -> DirectionEvidence {
        self.lines.push(format!("{:?} {}", chunk.direction, String::from_utf8_lossy(chunk.bytes)));
        DirectionEvidence::None
    }

    fn ended(&mut self, record: FlowRecord, (): ()) {
        self.records.push(record);
    }
}

#[derive(Default)]
struct Story {
    table: Option<FlowTable<()>>,
    diary: Diary,
    packets: u64,
}

impl Story {
    /// One packet, a millisecond after the one before.
    fn packet(&mut self, mut packet: Packet<'_>) -> &mut Self {
        self.packets += 1;
        packet.timestamp =
            Timestamp::from_parts(1_000, 0).saturating_add(Duration::from_millis(self.packets));
        let table = self.table.get_or_insert_with(|| FlowTable::new(FlowConfig::default()));
        table.handle_packet(&packet, &mut self.diary);
        self
    }

    fn finish(&mut self) -> &[FlowRecord] {
        if let Some(table) = &mut self.table {
            table.finish(&mut self.diary);
        }
        &self.diary.records
    }
}

fn end(host: u8, port: u16) -> Endpoint {
    Endpoint::new(Ipv4Addr::new(10, 0, 0, host).into(), port)
}

fn packet(from: Endpoint, to: Endpoint, header: TransportHeader, payload: &'static [u8]) -> Packet<'static> {
    Packet::new(Timestamp::ZERO, from, to, header, payload)
}

/// A datagram between the same two ends, in a virtual network.
fn datagram(network: u32, is_question: bool) -> Packet<'static> {
    let ends = [end(1, 40_000), end(2, 53)];
    let (from, to) = if is_question { (ends[0], ends[1]) } else { (ends[1], ends[0]) };
    let mut packet = packet(from, to, TransportHeader::Udp, b"x");
    packet.virtual_network = Some(VirtualNetwork::new(network));
    packet
}

#[test]
fn the_same_ends_in_two_virtual_networks_are_two_flows() {
    let mut story = Story::default();
    story.packet(datagram(1, true)).packet(datagram(2, true));
    story.packet(datagram(2, false)).packet(datagram(1, false)).packet(datagram(2, true));
    let flows: Vec<_> = story
        .finish()
        .iter()
        .map(|record| {
            let network = record.key.virtual_network.map(VirtualNetwork::id);
            (network, record.to_server.packets, record.to_client.packets)
        })
        .collect();
    assert_eq!(flows, [(Some(1), 1, 1), (Some(2), 2, 1)]);
}

#[test]
fn the_directions_may_be_in_different_virtual_networks() {
    let mut story = Story::default();
    story
        .packet(datagram(1, true))
        .packet(datagram(2, false))
        .packet(datagram(1, true))
        .packet(datagram(2, false));
    let [record] = story.finish() else { panic!("one flow") };
    assert_eq!((record.to_server.packets, record.to_client.packets), (2, 2));
    assert_eq!(shard_of(&datagram(1, true), 8), shard_of(&datagram(2, false), 8));
}

#[test]
fn a_flow_keeps_the_tunnels_around_its_clients_packets() {
    let gtp = |id, from: u8, to: u8| {
        Tunnel::new(TunnelKind::Gtp, Some(id))
            .between(Ipv4Addr::new(10, 0, 0, from).into(), Ipv4Addr::new(10, 0, 0, to).into())
    };
    let (up, down) = ([gtp(7, 8, 9)], [gtp(5, 9, 8)]);
    let ask = || packet(end(1, 40_000), end(2, 53), TransportHeader::Udp, b"ask");
    let answer = || packet(end(2, 53), end(1, 40_000), TransportHeader::Udp, b"answer");
    let with = |mut packet: Packet<'static>, tunnels: &'static [Tunnel]| {
        packet.tunnels = tunnels;
        packet
    };
    let (up, down): (&'static [Tunnel], &'static [Tunnel]) =
        (Box::leak(Box::new(up)), Box::leak(Box::new(down)));
    // The answer comes first; the chain is that of the question all the same.
    let mut story = Story::default();
    story.packet(with(answer(), down)).packet(with(ask(), up));
    let [record] = story.finish() else { panic!("one flow") };
    assert_eq!(record.tunnels, up);
    assert_eq!(story.diary.lines, ["in gtp 5 10.0.0.9>10.0.0.8", "ToClient answer", "ToServer ask"]);
    // Where the question was not seen in a tunnel, that of the answer is told.
    let mut story = Story::default();
    story.packet(ask()).packet(with(answer(), down));
    let [record] = story.finish() else { panic!("one flow") };
    assert_eq!(record.tunnels, down);
    let mut story = Story::default();
    let [record] = story.packet(ask()).finish() else { panic!("one flow") };
    assert!(record.tunnels.is_empty() && std::mem::size_of::<Option<Box<[Vec<Tunnel>; 2]>>>() == 8);
}

#[test]
fn fragments_count_each() {
    let mut question = packet(end(1, 40_000), end(2, 53), TransportHeader::Udp, b"question");
    (question.fragments, question.frame_len, question.ip_len) = (3, 300, 258);
    let mut story = Story::default();
    let [record] = story.packet(question).finish() else { panic!("one flow") };
    let to_server = &record.to_server;
    assert_eq!(
        (to_server.packets, to_server.bytes, to_server.l3_bytes, to_server.l4_bytes),
        (3, 300, 258, 8)
    );
}

#[test]
fn an_echo_pair_is_one_flow_and_who_asks_is_the_client() {
    let message = |kind, role| TransportHeader::Icmp(IcmpHeader::new(kind, 0).with_role(role));
    let request = |id| packet(end(1, id), end(2, 0), message(8, IcmpRole::Request), b"request");
    let reply = |id| packet(end(2, 0), end(1, id), message(0, IcmpRole::Reply), b"reply");
    let mut story = Story::default();
    story.packet(request(7)).packet(reply(7)).packet(reply(9)).packet(request(9));
    let flows: Vec<_> = story.finish().iter().map(|flow| (flow.key.client, flow.direction_score)).collect();
    assert_eq!(flows, [(end(1, 7), 254), (end(1, 9), 254)]);
    let expected = ["ToServer request", "ToClient reply", "ToClient reply", "ToServer request"];
    assert_eq!(story.diary.lines, expected, "the messages are chunks");
}

#[test]
fn an_icmp_error_is_told_to_the_flow_that_it_quotes() {
    let question = packet(end(1, 40_000), end(2, 53), TransportHeader::Udp, b"question");
    let quoted: &'static FlowKey = Box::leak(Box::new(question.flow_key()));
    let error = |quoted| {
        let header = TransportHeader::Icmp(IcmpHeader::new(3, 3).with_role(IcmpRole::Error));
        let mut packet = packet(end(9, 0), end(1, 0), header, b"error");
        packet.quoted = Some(quoted);
        packet
    };
    let mut elsewhere = *quoted;
    elsewhere.server.port = 54;
    let elsewhere: &'static FlowKey = Box::leak(Box::new(elsewhere));
    let mut story = Story::default();
    story.packet(question).packet(error(quoted)).packet(error(elsewhere));
    let unmatched = story.table.as_ref().map(|table| table.stats().icmp_errors_unmatched);
    let [flow, errors] = story.finish() else { panic!("two flows") };
    assert_eq!((flow.to_server.icmp_errors, flow.to_client.icmp_errors), (1, 0));
    assert_eq!((flow.last_icmp_error, flow.to_server.packets), (Some((3, 3)), 1));
    assert_eq!((errors.key.transport, errors.to_server.packets), (Transport::Icmp, 2));
    assert_eq!(unmatched, Some(1));
    assert_eq!(shard_of(&error(quoted), 64), shard_of(&question, 64), "they must meet");
}

#[test]
fn who_opens_an_sctp_association_is_its_client() {
    let chunks = |chunks| TransportHeader::Sctp(SctpHeader::new(1, chunks));
    let mut story = Story::default();
    story.packet(packet(end(2, 9), end(1, 40_000), chunks(SctpChunks::INIT_ACK), b""));
    story.packet(packet(end(1, 40_000), end(2, 9), chunks(SctpChunks::INIT), b""));
    let [record] = story.finish() else { panic!("one flow") };
    assert_eq!((record.key.transport, record.key.client), (Transport::Sctp, end(1, 40_000)));
    assert_eq!((record.to_server.packets, record.to_client.packets), (1, 1));
}
