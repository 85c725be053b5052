//! What is known of a flow when an interval, or the flow itself, ends.

use std::time::Duration;

use df_core::{Direction, FlowKey, TcpFlags, Timestamp, Tunnel};

/// The account of one flow: since the last record for counters, since its start for everything else.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlowRecord {
    /// Identifies the flow within one table, in the order of creation, from 1.
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
            end_reason: None,
            close_type: CloseType::Unknown,
            direction_score: 0,
            to_server: DirectionCounters::default(),
            to_client: DirectionCounters::default(),
            tunnels: Vec::new(),
            last_icmp_error: None,
            handshake: Handshake::default(),
        }
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
    /// Packets that closed the receive window.
    pub zero_window: u32,
    /// ICMP errors that quoted a packet of this direction: they went back to its sender.
    pub icmp_errors: u32,
    /// All TCP flags that were set in any packet.
    pub tcp_flags: TcpFlags,
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
    /// The observer stopped, or the capture ended (4).
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

/// How a flow ended or stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum CloseType {
    /// It cannot be told.
    #[default]
    Unknown,
    /// Both ends sent FIN, or a flow without connection fell silent.
    Finish,
    /// The server aborted an established connection.
    TcpServerRst,
    /// The client aborted an established connection.
    TcpClientRst,
    /// An established connection fell silent.
    Timeout,
    /// The flow goes on.
    ForcedReport,
    /// The server answered the SYN with a reset.
    ServerReset,
    /// Only SYNs were seen.
    ClientSynRepeat,
    /// The SYN-ACK was never acknowledged.
    ServerSynAckRepeat,
    /// Only the client sent a FIN.
    ClientHalfClose,
    /// Only the server sent a FIN.
    ServerHalfClose,
    /// A FIN, then a reset from the client.
    TcpFinClientRst,
}

impl CloseType {
    /// The record's word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Finish => "finish",
            Self::TcpServerRst => "tcp_server_rst",
            Self::TcpClientRst => "tcp_client_rst",
            Self::Timeout => "timeout",
            Self::ForcedReport => "forced_report",
            Self::ServerReset => "server_reset",
            Self::ClientSynRepeat => "client_syn_repeat",
            Self::ServerSynAckRepeat => "server_syn_ack_repeat",
            Self::ClientHalfClose => "client_half_close",
            Self::ServerHalfClose => "server_half_close",
            Self::TcpFinClientRst => "tcp_fin_client_rst",
        }
    }
}
