//! Tells a connection packet by packet, and hears what the table says of it.
//!
//! Each end keeps its own sequence and acknowledgment numbers, as a real one would, so that a story only says what
//! happens: `client.syn()`, `server.syn_ack()`, `client.says(100)`. Each packet comes a millisecond after the one before
//! unless `wait` says otherwise.
#![allow(
    dead_code,
    clippy::expect_used,
    reason = "a test fails by panicking; each test program uses its own part of the words"
)]

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use df_core::{
    Chunk, Endpoint, FlowKey, IcmpHeader, IcmpRole, Packet, SctpChunks, SctpHeader, TcpFlags, TcpSegment,
    Timestamp, Transport, TransportHeader,
};
use df_flow::{DirectionEvidence, FlowConfig, FlowRecord, FlowSink, FlowTable};

/// The ends of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Client,
    Server,
}
pub(crate) use End::{Client, Server};

/// A connection from 10.0.0.1:40000 to 10.0.0.2:80, unless told otherwise.
pub(crate) struct Story {
    table: FlowTable<()>,
    records: Records,
    at: Timestamp,
    ends: [Speaker; 2],
}

/// What one end has sent.
#[derive(Debug, Clone, Copy)]
struct Speaker {
    endpoint: Endpoint,
    next: u32,
    /// What it has of the other end's bytes.
    heard: u32,
    window: u16,
    scale: Option<u8>,
    /// The place of its newest segment.
    last: (u32, u32),
}

#[derive(Default)]
struct Records {
    all: Vec<FlowRecord>,
    /// What the application protocol says of the direction when it sees the next bytes.
    evidence: DirectionEvidence,
}

impl FlowSink<()> for Records {
    fn opened(&mut self, _: &FlowKey) {}

    fn chunk(&mut self, _: &FlowKey, (): &mut (), _: Chunk<'_>) -> DirectionEvidence {
        self.evidence
    }

    fn reported(&mut self, record: FlowRecord, (): &mut ()) {
        self.all.push(record);
    }

    fn ended(&mut self, record: FlowRecord, (): ()) {
        self.all.push(record);
    }
}

impl Story {
    pub(crate) fn new() -> Self {
        Self::with(FlowConfig::default())
    }

    pub(crate) fn with(config: FlowConfig) -> Self {
        let end = |host, port, next| Speaker {
            endpoint: Endpoint::new(Ipv4Addr::new(10, 0, 0, host).into(), port),
            next,
            heard: 0,
            window: 10_000,
            scale: None,
            last: (next, 0),
        };
        let ends = [end(1, 40_000, 1_000), end(2, 80, 5_000)];
        let at = Timestamp::from_parts(1_000_000, 0);
        Self { table: FlowTable::new(config), records: Records::default(), at, ends }
    }

    /// A story that begins with a handshake.
    pub(crate) fn established() -> Self {
        let mut story = Self::new();
        story.syn(Client).syn_ack().ack(Client);
        story
    }

    /// A story that begins in the middle of a connection.
    pub(crate) fn in_mid_life() -> Self {
        let mut story = Self::new();
        story.ends[0].heard = 5_000;
        story.ends[1].heard = 1_000;
        story
    }

    /// What follows comes this much later, beside the usual millisecond.
    pub(crate) fn wait(&mut self, duration: Duration) -> &mut Self {
        self.at = self.at.saturating_add(duration);
        self
    }

    /// The ports of both ends.
    pub(crate) fn ports(&mut self, client: u16, server: u16) -> &mut Self {
        self.ends[0].endpoint.port = client;
        self.ends[1].endpoint.port = server;
        self
    }

    /// The last byte of the client's address.
    pub(crate) fn client_host(&mut self, host: u8) -> &mut Self {
        self.ends[0].endpoint.address = IpAddr::V4(Ipv4Addr::new(10, 0, 0, host)).into();
        self
    }

    /// The window that an end offers from now on.
    pub(crate) fn window(&mut self, end: End, bytes: u16) -> &mut Self {
        self.ends[end as usize].window = bytes;
        self
    }

    /// The shift that an end offers with its SYN.
    pub(crate) fn scale(&mut self, end: End, shift: u8) -> &mut Self {
        self.ends[end as usize].scale = Some(shift);
        self
    }

    /// What the application protocol shows with the bytes that follow.
    pub(crate) fn shows(&mut self, evidence: DirectionEvidence) -> &mut Self {
        self.records.evidence = evidence;
        self
    }

    pub(crate) fn syn(&mut self, end: End) -> &mut Self {
        self.send(end, TcpFlags::SYN, 0)
    }

    /// A SYN with data (RFC 7413), always the same one.
    pub(crate) fn syn_with_data(&mut self, end: End, bytes: u32) -> &mut Self {
        self.segment(end, TcpFlags::SYN, 900, bytes)
    }

    pub(crate) fn syn_ack(&mut self) -> &mut Self {
        self.ends[1].heard = self.ends[0].next;
        self.send(Server, SYN_ACK, 0)
    }

    /// Acknowledges everything that the other end has sent.
    pub(crate) fn ack(&mut self, end: End) -> &mut Self {
        self.ends[end as usize].heard = self.other(end).next;
        self.send(end, TcpFlags::ACK, 0)
    }

    /// Acknowledges what it had acknowledged before.
    pub(crate) fn ack_again(&mut self, end: End) -> &mut Self {
        self.send(end, TcpFlags::ACK, 0)
    }

    /// New bytes, with an acknowledgment of everything before them.
    pub(crate) fn says(&mut self, end: End, bytes: u32) -> &mut Self {
        self.ends[end as usize].heard = self.other(end).next;
        self.send(end, TcpFlags::ACK, bytes)
    }

    /// The end's newest segment once more.
    pub(crate) fn repeats(&mut self, end: End) -> &mut Self {
        let (sequence_number, bytes) = self.ends[end as usize].last;
        self.segment(end, TcpFlags::ACK, sequence_number, bytes)
    }

    /// The end sends a segment that nobody captures.
    pub(crate) fn says_unseen(&mut self, end: End, bytes: u32) -> &mut Self {
        let speaker = &mut self.ends[end as usize];
        speaker.last = (speaker.next, bytes);
        speaker.next = speaker.next.wrapping_add(bytes);
        self
    }

    /// A packet of so many bytes that begins so far before the end's next byte.
    pub(crate) fn probes(&mut self, end: End, before: u32, bytes: u32) -> &mut Self {
        let sequence_number = self.ends[end as usize].next.wrapping_sub(before);
        self.segment(end, TcpFlags::ACK, sequence_number, bytes)
    }

    pub(crate) fn fin(&mut self, end: End) -> &mut Self {
        self.ends[end as usize].heard = self.other(end).next;
        self.send(end, FIN_ACK, 0)
    }

    /// The end's FIN once more.
    pub(crate) fn fin_again(&mut self, end: End) -> &mut Self {
        let sequence_number = self.ends[end as usize].next.wrapping_sub(1);
        self.segment(end, FIN_ACK, sequence_number, 0)
    }

    /// The end's SYN or SYN-ACK once more.
    pub(crate) fn syn_again(&mut self, end: End) -> &mut Self {
        let flags = if end == Client { TcpFlags::SYN } else { SYN_ACK };
        let sequence_number = self.ends[end as usize].next.wrapping_sub(1);
        self.segment(end, flags, sequence_number, 0)
    }

    pub(crate) fn rst(&mut self, end: End) -> &mut Self {
        self.ends[end as usize].heard = self.other(end).next;
        let sequence_number = self.ends[end as usize].next;
        self.segment(end, TcpFlags::RST.union(TcpFlags::ACK), sequence_number, 0)
    }

    /// A packet with no flag at all.
    pub(crate) fn probes_without_flags(&mut self, end: End) -> &mut Self {
        let sequence_number = self.ends[end as usize].next;
        self.segment(end, TcpFlags::default(), sequence_number, 0)
    }

    /// The server answers with an ACK of something that the client never sent on this connection.
    pub(crate) fn challenge(&mut self) -> &mut Self {
        self.ends[1].heard = 777_777;
        self.send(Server, TcpFlags::ACK, 0)
    }

    /// A new attempt on the same ports, with other numbers.
    pub(crate) fn begins_anew(&mut self) -> &mut Self {
        self.ends[0].next = self.ends[0].next.wrapping_add(1_000_000);
        self.ends[1].next = self.ends[1].next.wrapping_add(2_000_000);
        self.syn(Client)
    }

    /// The connection ends in good order.
    pub(crate) fn closes(&mut self) -> &mut Self {
        self.fin(Client).fin(Server).ack(Client)
    }

    /// A datagram.
    pub(crate) fn datagram(&mut self, end: End, bytes: usize) -> &mut Self {
        self.message(end, TransportHeader::Udp, bytes)
    }

    /// An SCTP packet with these chunks.
    pub(crate) fn chunks(&mut self, end: End, chunks: SctpChunks) -> &mut Self {
        self.message(end, TransportHeader::Sctp(SctpHeader::new(1, chunks)), 0)
    }

    /// An echo request of the client, or a reply of the server.
    pub(crate) fn echo(&mut self, end: End) -> &mut Self {
        let role = if end == Client { IcmpRole::Request } else { IcmpRole::Reply };
        let kind = if end == Client { 8 } else { 0 };
        self.message(end, TransportHeader::Icmp(IcmpHeader::new(kind, 0).with_role(role)), 56)
    }

    /// A router at 10.0.0.9 tells the client that its last packet did not arrive.
    pub(crate) fn unreachable(&mut self, code: u8, transport: Transport) -> &mut Self {
        self.wait(STEP);
        let router = Endpoint::new(Ipv4Addr::new(10, 0, 0, 9).into(), 0);
        let [client, server] = self.ends.map(|speaker| speaker.endpoint);
        let header = TransportHeader::Icmp(IcmpHeader::new(3, code).with_role(IcmpRole::Error));
        let mut packet = Packet::new(self.at, router, Endpoint { port: 0, ..client }, header, &[]);
        let mut quoted = Packet::new(self.at, client, server, TransportHeader::Udp, &[]).flow_key();
        quoted.transport = transport;
        packet.quoted = Some(&quoted);
        self.table.handle_packet(&packet, &mut self.records);
        self
    }

    fn message(&mut self, end: End, header: TransportHeader, bytes: usize) -> &mut Self {
        let (from, to) = (self.ends[end as usize].endpoint, self.other(end).endpoint);
        self.wait(STEP);
        let payload = vec![b'x'; bytes];
        self.table.handle_packet(&Packet::new(self.at, from, to, header, &payload), &mut self.records);
        self
    }

    /// The only record, when nothing more comes: the flow ends because the capture does.
    pub(crate) fn record(&mut self) -> FlowRecord {
        let records = self.all_records();
        assert_eq!(records.len(), 1, "one flow, one record");
        records.into_iter().next().expect("just counted")
    }

    /// The only record, when nothing comes for an hour.
    pub(crate) fn record_after_silence(&mut self) -> FlowRecord {
        // The clock takes small steps, as it does when other packets come.
        for _ in 0..60 {
            self.wait(Duration::from_secs(60));
            self.table.handle_timeout(self.at, &mut self.records);
        }
        self.record()
    }

    /// Every record.
    pub(crate) fn all_records(&mut self) -> Vec<FlowRecord> {
        self.table.finish(&mut self.records);
        self.records.all.clone()
    }

    fn other(&self, end: End) -> Speaker {
        self.ends[1 - end as usize]
    }

    /// The next segment of an end.
    fn send(&mut self, end: End, flags: TcpFlags, bytes: u32) -> &mut Self {
        let speaker = &mut self.ends[end as usize];
        let sequence_number = speaker.next;
        let takes_a_number = flags.contains(TcpFlags::SYN) || flags.contains(TcpFlags::FIN);
        speaker.next = sequence_number.wrapping_add(bytes + u32::from(takes_a_number));
        if bytes > 0 {
            speaker.last = (sequence_number, bytes);
        }
        self.segment(end, flags, sequence_number, bytes)
    }

    fn segment(&mut self, end: End, flags: TcpFlags, sequence_number: u32, bytes: u32) -> &mut Self {
        let (speaker, to) = (self.ends[end as usize], self.other(end).endpoint);
        self.wait(STEP);
        let heard = if flags.contains(TcpFlags::ACK) { speaker.heard } else { 0 };
        let mut header = TcpSegment::new(sequence_number, heard, flags, speaker.window);
        if flags.contains(TcpFlags::SYN) {
            header = header.with_window_scale(speaker.scale);
        }
        let payload = vec![b'x'; usize::try_from(bytes).expect("a small number")];
        let packet = Packet::new(self.at, speaker.endpoint, to, TransportHeader::Tcp(header), &payload);
        self.table.handle_packet(&packet, &mut self.records);
        self
    }
}

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

const STEP: Duration = Duration::from_millis(1);
const SYN_ACK: TcpFlags = TcpFlags::SYN.union(TcpFlags::ACK);
const FIN_ACK: TcpFlags = TcpFlags::FIN.union(TcpFlags::ACK);
