//! One decoded frame.

use crate::{Endpoint, FlowKey, Timestamp, Transport, Tunnel, VirtualNetwork};

/// A network interface, numbered by whoever captures: the index of the operating system for live capture, the
/// interface's place in the file for a capture file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct InterfaceId(pub u32);

/// The VLAN identifiers of a frame, outermost first (IEEE 802.1Q and 802.1ad). A frame carries at most two that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VlanTags {
    /// The outer identifier, 0 to 4095; none for an untagged frame.
    pub outer: Option<u16>,
    /// The inner identifier, 0 to 4095; none unless the frame carries two tags.
    pub inner: Option<u16>,
}

impl VlanTags {
    /// Adds a tag inside those already there. A third and further tag is not kept.
    pub const fn push(&mut self, identifier: u16) {
        if self.outer.is_none() {
            self.outer = Some(identifier);
        } else if self.inner.is_none() {
            self.inner = Some(identifier);
        }
    }
}

/// The flag bits of a TCP header, as on the wire (RFC 9293 §3.1): FIN is bit 0, CWR bit 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: Self = Self(0x01);
    /// Opens a connection.
    pub const SYN: Self = Self(0x02);
    /// Aborts a connection.
    pub const RST: Self = Self(0x04);
    /// Asks the receiver to deliver at once.
    pub const PSH: Self = Self(0x08);
    /// The acknowledgment field is valid.
    pub const ACK: Self = Self(0x10);
    /// The urgent pointer is valid.
    pub const URG: Self = Self(0x20);

    /// Whether every flag of `other` is set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The flags of both.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What df reads of a TCP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TcpSegment {
    /// Sequence number of the first payload byte (of the SYN itself where SYN is set).
    pub sequence_number: u32,
    /// The next sequence number that the sender expects; meaningful when [`TcpFlags::ACK`] is set.
    pub acknowledgment_number: u32,
    /// The flag bits.
    pub flags: TcpFlags,
    /// The receive window in bytes, before scaling.
    pub window: u16,
    /// The window scale option (RFC 7323 §2.2), which only a SYN carries.
    pub window_scale: Option<u8>,
}

impl TcpSegment {
    /// A segment from its fields, without a window scale option.
    pub const fn new(sequence_number: u32, acknowledgment_number: u32, flags: TcpFlags, window: u16) -> Self {
        Self { sequence_number, acknowledgment_number, flags, window, window_scale: None }
    }

    /// Adds the window scale option.
    pub const fn with_window_scale(mut self, window_scale: Option<u8>) -> Self {
        self.window_scale = window_scale;
        self
    }
}

/// What df reads of an ICMP or ICMPv6 header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct IcmpHeader {
    /// The message type, of ICMP or ICMPv6 as the addresses are.
    pub kind: u8,
    /// The code within the type.
    pub code: u8,
    /// Whether the message asks or answers, for those that do.
    pub role: IcmpRole,
}

impl IcmpHeader {
    /// A header that neither asks nor answers.
    pub const fn new(kind: u8, code: u8) -> Self {
        Self { kind, code, role: IcmpRole::None }
    }

    /// Says what the message is in a conversation.
    pub const fn with_role(self, role: IcmpRole) -> Self {
        Self { role, ..self }
    }
}

/// What an ICMP message is in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum IcmpRole {
    /// It stands alone.
    #[default]
    None,
    /// It asks, as an echo request does. The identifier stands in for the sender's port.
    Request,
    /// It answers. The identifier stands in for the receiver's port.
    Reply,
    /// It reports an error of a packet that it quotes.
    Error,
}

/// What df reads of an SCTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SctpHeader {
    /// The tag that the receiver chose for the association (RFC 9260 §3.1).
    pub verification_tag: u32,
    /// The chunks that the packet carries.
    pub chunks: SctpChunks,
}

impl SctpHeader {
    /// A header from its fields.
    pub const fn new(verification_tag: u32, chunks: SctpChunks) -> Self {
        Self { verification_tag, chunks }
    }
}

/// The types of chunks in an SCTP packet, one bit for each type from 0 to 15 (RFC 9260 §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SctpChunks(pub u16);

impl SctpChunks {
    /// User data, I-DATA included (RFC 8260).
    pub const DATA: Self = Self(1);
    /// Opens an association.
    pub const INIT: Self = Self(1 << 1);
    /// Answers the opening.
    pub const INIT_ACK: Self = Self(1 << 2);
    /// Aborts the association.
    pub const ABORT: Self = Self(1 << 6);
    /// Begins to close the association.
    pub const SHUTDOWN: Self = Self(1 << 7);
    /// Answers the closing.
    pub const SHUTDOWN_ACK: Self = Self(1 << 8);
    /// Ends the association.
    pub const SHUTDOWN_COMPLETE: Self = Self(1 << 14);

    /// Whether every type of `other` is there.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The types of both.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The transport header of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportHeader {
    /// TCP.
    Tcp(TcpSegment),
    /// UDP.
    Udp,
    /// ICMP or ICMPv6.
    Icmp(IcmpHeader),
    /// SCTP.
    Sctp(SctpHeader),
}

impl TransportHeader {
    /// The transport whose header this is.
    pub const fn transport(&self) -> Transport {
        match self {
            Self::Tcp(_) => Transport::Tcp,
            Self::Udp => Transport::Udp,
            Self::Icmp(_) => Transport::Icmp,
            Self::Sctp(_) => Transport::Sctp,
        }
    }
}

/// One decoded packet: who sent it to whom, and what it carries. It came in one frame, or in several as fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Packet<'a> {
    /// When it was captured; the last fragment, if it came in several.
    pub timestamp: Timestamp,
    /// Where it was captured.
    pub interface: InterfaceId,
    /// VLAN tags, those stripped by the network card put back.
    pub vlan: VlanTags,
    /// The virtual network that the innermost tunnel with one names.
    pub virtual_network: Option<VirtualNetwork>,
    /// The tunnels around it, outermost first.
    pub tunnels: &'a [Tunnel],
    /// The sender.
    pub source: Endpoint,
    /// The receiver.
    pub destination: Endpoint,
    /// The transport header.
    pub transport: TransportHeader,
    /// For an ICMP error: the flow of the packet that it quotes, that packet's sender as the client.
    pub quoted: Option<&'a FlowKey>,
    /// The captured bytes after the transport header; of ICMP the whole message, header included.
    pub payload: &'a [u8],
    /// The payload's length on the wire, as the IP header tells it; at least `payload.len()`.
    pub payload_len: u32,
    /// How many IP packets it came in: 1, or as many as it had fragments, repeated ones included. Those of a tunnel
    /// around it do not count.
    pub fragments: u32,
    /// The length on the wire in bytes of the frame that carried it, or of all those that did.
    pub frame_len: u32,
    /// The IP packet's length on the wire in bytes, its header included; of fragments the sum.
    pub ip_len: u32,
}

impl<'a> Packet<'a> {
    /// A packet whose payload was captured whole, with lengths that fit it. The capturing side sets what differs.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a payload is at most 4 GiB, the limit of every length field"
    )]
    pub const fn new(
        timestamp: Timestamp,
        source: Endpoint,
        destination: Endpoint,
        transport: TransportHeader,
        payload: &'a [u8],
    ) -> Self {
        let payload_len = payload.len() as u32;
        Self {
            timestamp,
            interface: InterfaceId(0),
            vlan: VlanTags { outer: None, inner: None },
            virtual_network: None,
            tunnels: &[],
            source,
            destination,
            transport,
            quoted: None,
            payload,
            payload_len,
            fragments: 1,
            frame_len: payload_len,
            ip_len: payload_len,
        }
    }

    /// The flow this packet belongs to if its sender is the client.
    pub const fn flow_key(&self) -> FlowKey {
        FlowKey {
            transport: self.transport.transport(),
            client: self.source,
            server: self.destination,
            vlan: self.vlan,
            virtual_network: self.virtual_network,
            interface: self.interface,
        }
    }
}
