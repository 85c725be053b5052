//! One decoded frame.

use crate::{Endpoint, FlowKey, Timestamp, Transport};

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

/// The transport header of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportHeader {
    /// TCP.
    Tcp(TcpSegment),
    /// UDP.
    Udp,
    /// ICMP or ICMPv6, with its type and code.
    Icmp {
        /// The message type.
        kind: u8,
        /// The code within the type.
        code: u8,
    },
}

impl TransportHeader {
    /// The transport whose header this is.
    pub const fn transport(&self) -> Transport {
        match self {
            Self::Tcp(_) => Transport::Tcp,
            Self::Udp => Transport::Udp,
            Self::Icmp { .. } => Transport::Icmp,
        }
    }
}

/// One decoded frame: who sent it to whom, and what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Packet<'a> {
    /// When it was captured.
    pub timestamp: Timestamp,
    /// Where it was captured.
    pub interface: InterfaceId,
    /// VLAN tags, those stripped by the network card put back.
    pub vlan: VlanTags,
    /// The sender.
    pub source: Endpoint,
    /// The receiver.
    pub destination: Endpoint,
    /// The transport header.
    pub transport: TransportHeader,
    /// The captured bytes after the transport header.
    pub payload: &'a [u8],
    /// The payload's length on the wire, as the IP header tells it; at least `payload.len()`.
    pub payload_len: u32,
    /// The frame's length on the wire in bytes.
    pub frame_len: u32,
    /// The IP packet's length on the wire in bytes, its header included.
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
            source,
            destination,
            transport,
            payload,
            payload_len,
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
            interface: self.interface,
        }
    }
}
