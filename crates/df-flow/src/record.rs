//! What is known of a flow when an interval, or the flow itself, ends.

use std::time::Duration;

use df_core::{Direction, FlowKey, TcpFlags, Timestamp, Tunnel};

use crate::{CloseType, Delays, L7Counts};

/// The account of one flow: since the last record for counters, since its start for everything else.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts, each with its own name in the record")]
#[non_exhaustive]
pub struct FlowRecord {
    /// Identifies the flow: a hash of its ends, its place and its number in the order of creation. The same capture gives
    /// the same identifiers each time; tables that share the packets of a host by [`shard_of`](crate::shard_of) give
    /// different ones.
    pub id: u64,
    /// Both ends, client first, as decided now.
    pub key: FlowKey,
    /// When the flow's first packet was seen.
    pub start: Timestamp,
    /// When its last packet was seen.
    pub end: Timestamp,
    /// Whether this is the flow's first record.
    pub is_new: bool,
    /// Whether this is the flow's last record.
    pub is_final: bool,
    /// Whether client and server changed places since the record before.
    pub has_turned: bool,
    /// Whether the handshake is told for the first time, or, if it never ended, for the last.
    pub has_new_handshake: bool,
    /// Why the flow ended; none unless [`is_final`](Self::is_final).
    pub end_reason: Option<FlowEndReason>,
    /// How the flow ended or stands.
    pub close_type: CloseType,
    /// How sure the direction is: 255 from the handshake, 254 from the application protocol, less from ports.
    pub direction_score: u8,
    /// Counters of the packets that the client sent.
    pub to_server: DirectionCounters,
    /// Counters of the packets that the server sent.
    pub to_client: DirectionCounters,
    /// The tunnels around the client's packets, outermost first; those around the server's where the client's have none.
    pub tunnels: Vec<Tunnel>,
    /// Type and code of the last ICMP error that quoted one of the flow's packets.
    pub last_icmp_error: Option<(u8, u8)>,
    /// What the TCP handshake showed.
    pub handshake: Handshake,
    /// How long the ends took to acknowledge, to answer and to ask again.
    pub delays: Delays,
    /// What the application protocol showed; none unless the caller adds it with [`with_l7`](Self::with_l7).
    pub l7: Option<L7Counts>,
}

impl FlowRecord {
    /// The first record of a flow that has no packets yet and goes on. Set the fields that differ.
    pub fn new(id: u64, key: FlowKey, start: Timestamp) -> Self {
        Self {
            id,
            key,
            start,
            end: start,
            is_new: true,
            is_final: false,
            has_turned: false,
            has_new_handshake: false,
            end_reason: None,
            close_type: CloseType::Unknown,
            direction_score: 0,
            to_server: DirectionCounters::default(),
            to_client: DirectionCounters::default(),
            tunnels: Vec::new(),
            last_icmp_error: None,
            handshake: Handshake::default(),
            delays: Delays::default(),
            l7: None,
        }
    }

    /// Adds what the application protocol showed since the record before. A client that resets its connection after every
    /// request was answered well has ended it in its own way: [`CloseType::TcpFinClientRst`].
    pub fn with_l7(mut self, counts: L7Counts) -> Self {
        if self.close_type == CloseType::TcpClientRst && counts.is_all_well() {
            self.close_type = CloseType::TcpFinClientRst;
        }
        self.l7 = Some(counts);
        self
    }

    /// Adds the flow's next record: one record for both their times.
    pub fn append(&mut self, next: &Self) {
        if next.has_turned {
            std::mem::swap(&mut self.to_server, &mut self.to_client);
            self.delays = self.delays.reversed();
        }
        let mut both = next.clone();
        both.is_new = self.is_new;
        both.has_turned = self.has_turned != next.has_turned;
        both.has_new_handshake = self.has_new_handshake || next.has_new_handshake;
        both.last_icmp_error = next.last_icmp_error.or(self.last_icmp_error);
        both.to_server.append(&self.to_server);
        both.to_client.append(&self.to_client);
        both.delays.append(&self.delays);
        if let Some(counts) = &self.l7 {
            both.l7.get_or_insert_default().append(counts);
        }
        *self = both;
    }

    /// From the first packet to the last.
    pub fn duration(&self) -> Duration {
        self.end.since(self.start)
    }

    /// The counters of one direction.
    pub const fn counters(&self, direction: Direction) -> &DirectionCounters {
        match direction {
            Direction::ToServer => &self.to_server,
            Direction::ToClient => &self.to_client,
        }
    }
}

/// Counters of the packets of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DirectionCounters {
    /// Packets; each fragment of one counts.
    pub packets: u64,
    /// Bytes of whole frames.
    pub bytes: u64,
    /// Bytes of IP packets, headers included.
    pub l3_bytes: u64,
    /// Bytes of transport payload as they were on the wire, retransmissions included.
    pub l4_bytes: u64,
    /// Data segments whose bytes had all been seen before, and SYNs and SYN-ACKs after the first.
    pub retransmissions: u32,
    /// Data segments that arrived after later ones and brought new bytes.
    pub out_of_order: u32,
    /// Packets that closed the receive window of their sender.
    pub zero_window: u32,
    /// Packets without data that acknowledge again what was acknowledged before, while later data is on its way.
    pub duplicate_acknowledgments: u32,
    /// Keep-alives: packets of no byte, or one that had been sent, just before the next byte. Not data.
    pub keep_alives: u32,
    /// The same, or one new byte, sent into a closed window. Not data.
    pub zero_window_probes: u32,
    /// Data segments that filled the other end's receive window.
    pub window_full: u32,
    /// Packets that reset the connection.
    pub resets: u32,
    /// Holes in the data that were given up: segments that were never captured.
    pub lost_segments: u32,
    /// Bytes in those holes.
    pub lost_bytes: u64,
    /// Bytes of the data segments among [`retransmissions`](Self::retransmissions).
    pub retransmitted_bytes: u64,
    /// ICMP errors that quoted a packet of this direction: they went back to its sender.
    pub icmp_errors: u32,
    /// All TCP flags that were set in any packet.
    pub tcp_flags: TcpFlags,
}

impl DirectionCounters {
    fn append(&mut self, other: &Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.l3_bytes += other.l3_bytes;
        self.l4_bytes += other.l4_bytes;
        self.lost_bytes += other.lost_bytes;
        self.retransmitted_bytes += other.retransmitted_bytes;
        self.tcp_flags = self.tcp_flags.union(other.tcp_flags);
        let pairs = [
            (&mut self.retransmissions, other.retransmissions),
            (&mut self.out_of_order, other.out_of_order),
            (&mut self.zero_window, other.zero_window),
            (&mut self.duplicate_acknowledgments, other.duplicate_acknowledgments),
            (&mut self.keep_alives, other.keep_alives),
            (&mut self.zero_window_probes, other.zero_window_probes),
            (&mut self.window_full, other.window_full),
            (&mut self.resets, other.resets),
            (&mut self.lost_segments, other.lost_segments),
            (&mut self.icmp_errors, other.icmp_errors),
        ];
        for (count, more) in pairs {
            *count = count.saturating_add(more);
        }
    }
}

/// What the TCP handshake showed. Absent times were not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Handshake {
    /// SYN packets.
    pub syn_count: u32,
    /// SYN-ACK packets.
    pub syn_ack_count: u32,
    /// FIN packets of both ends.
    pub fin_count: u32,
    /// SYN packets after the first.
    pub syn_retransmissions: u32,
    /// SYN-ACK packets after the first.
    pub syn_ack_retransmissions: u32,
    /// From the last SYN to the ACK that ends the handshake: [`rtt_server`](Self::rtt_server) plus
    /// [`rtt_client`](Self::rtt_client).
    pub rtt: Option<Duration>,
    /// From the SYN-ACK to the client's ACK: the way to the client and back.
    pub rtt_client: Option<Duration>,
    /// From the SYN to the SYN-ACK: the way to the server and back.
    pub rtt_server: Option<Duration>,
    /// By how many bits the client's window is shifted; none unless both ends offered it (RFC 7323 §2.2).
    pub window_scale_client: Option<u8>,
    /// By how many bits the server's window is shifted.
    pub window_scale_server: Option<u8>,
}

/// Why a flow ended, in the words of IPFIX information element 136 (`flowEndReason`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FlowEndReason {
    /// No packet for the idle timeout (1).
    IdleTimeout,
    /// Reported although it goes on (2).
    ActiveTimeout,
    /// Both ends closed it, or one aborted it (3).
    EndOfFlow,
    /// The observer stopped, the capture ended, or the connection was left out from then on (4).
    ForcedEnd,
    /// The table was full (5).
    LackOfResources,
}

impl FlowEndReason {
    /// The name of the value in the IPFIX registry, in snake case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::IdleTimeout => "idle_timeout",
            Self::ActiveTimeout => "active_timeout",
            Self::EndOfFlow => "end_of_flow_detected",
            Self::ForcedEnd => "forced_end",
            Self::LackOfResources => "lack_of_resources",
        }
    }
}
