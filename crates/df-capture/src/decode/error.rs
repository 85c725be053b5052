//! Why a frame does not decode.

use std::fmt;

/// Why a frame does not decode to a packet. Small and `Copy`, for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct DecodeError {
    /// The header that could not be read or followed.
    pub layer: Layer,
    /// Where it begins, in bytes from the frame's first.
    pub offset: u32,
    /// What is the matter.
    pub reason: DecodeErrorReason,
}

/// The headers that df reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layer {
    /// The link header.
    Link,
    /// A VLAN tag (IEEE 802.1Q).
    Vlan,
    /// An MPLS label (RFC 3032).
    Mpls,
    /// PPP or PPPoE (RFC 1661, RFC 2516).
    Ppp,
    /// IPv4 (RFC 791).
    Ipv4,
    /// IPv6 (RFC 8200).
    Ipv6,
    /// An extension header of IPv6, or an authentication header (RFC 8200 §4, RFC 4302).
    Extension,
    /// Generic routing encapsulation (RFC 2784), ERSPAN included.
    Gre,
    /// Another tunnel's header, or an IP packet in one tunnel too many.
    Tunnel,
    /// TCP (RFC 9293).
    Tcp,
    /// UDP (RFC 768).
    Udp,
    /// ICMP or ICMPv6 (RFC 792, RFC 4443).
    Icmp,
    /// SCTP (RFC 9260).
    Sctp,
}

/// What keeps a frame from decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeErrorReason {
    /// The captured bytes end inside the header.
    Truncated,
    /// The header contradicts itself or its surroundings.
    Malformed,
    /// The packet is a fragment of a larger one: held until the others come, or dropped and counted in
    /// [`FragmentStats`](crate::FragmentStats).
    Fragment,
    /// Frames of this link type are not read.
    UnsupportedLinkType,
    /// The header is followed by a protocol that is not read.
    UnsupportedProtocol,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layer = match self.layer {
            Layer::Link => "link",
            Layer::Vlan => "VLAN",
            Layer::Mpls => "MPLS",
            Layer::Ppp => "PPP",
            Layer::Ipv4 => "IPv4",
            Layer::Ipv6 => "IPv6",
            Layer::Extension => "IP extension",
            Layer::Gre => "GRE",
            Layer::Tunnel => "tunnel",
            Layer::Tcp => "TCP",
            Layer::Udp => "UDP",
            Layer::Icmp => "ICMP",
            Layer::Sctp => "SCTP",
        };
        let reason = match self.reason {
            DecodeErrorReason::Truncated => "is cut short",
            DecodeErrorReason::Malformed => "is malformed",
            DecodeErrorReason::Fragment => "is of a fragment",
            DecodeErrorReason::UnsupportedLinkType => "has an unsupported link type",
            DecodeErrorReason::UnsupportedProtocol => "carries an unsupported protocol",
        };
        write!(formatter, "{layer} header at offset {} {reason}", self.offset)
    }
}

impl std::error::Error for DecodeError {}

/// A [`DecodeError`] that still knows its place by the bytes that were left.
pub(super) struct Fault<'a> {
    layer: Layer,
    reason: DecodeErrorReason,
    rest: &'a [u8],
}

impl<'a> Fault<'a> {
    /// Something is the matter with the header at the start of `rest`.
    pub(super) const fn new(layer: Layer, reason: DecodeErrorReason, rest: &'a [u8]) -> Self {
        Self { layer, reason, rest }
    }

    /// The captured bytes `rest` end inside the header.
    pub(super) const fn truncated(layer: Layer, rest: &'a [u8]) -> Self {
        Self::new(layer, DecodeErrorReason::Truncated, rest)
    }

    /// The header at the start of `rest` is malformed.
    pub(super) const fn malformed(layer: Layer, rest: &'a [u8]) -> Self {
        Self::new(layer, DecodeErrorReason::Malformed, rest)
    }

    /// The header at the start of `rest` is followed by something that is not read.
    pub(super) const fn unsupported(layer: Layer, rest: &'a [u8]) -> Self {
        Self::new(layer, DecodeErrorReason::UnsupportedProtocol, rest)
    }

    /// What is the matter.
    pub(super) const fn reason(&self) -> DecodeErrorReason {
        self.reason
    }

    /// The error, placed within the frame's bytes.
    #[cold]
    pub(super) fn within(&self, frame: &[u8]) -> DecodeError {
        let offset = self.rest.as_ptr().addr().saturating_sub(frame.as_ptr().addr()).min(frame.len());
        DecodeError {
            layer: self.layer,
            offset: u32::try_from(offset).unwrap_or(u32::MAX),
            reason: self.reason,
        }
    }
}
