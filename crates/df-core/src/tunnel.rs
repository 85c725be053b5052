//! The tunnels around a packet, and the virtual network that they put it into.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;

/// One tunnel around a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Tunnel {
    /// What kind of tunnel it is.
    pub kind: TunnelKind,
    /// Its number, where it has one: see [`TunnelKind`].
    pub id: Option<u32>,
    /// The end that put the packet into it; none where the tunnel lies below IP.
    pub source: Option<IpAddr>,
    /// The end that takes the packet out of it; none where the tunnel lies below IP.
    pub destination: Option<IpAddr>,
}

impl Tunnel {
    /// A tunnel below IP, whose ends have no IP address.
    pub const fn new(kind: TunnelKind, id: Option<u32>) -> Self {
        Self { kind, id, source: None, destination: None }
    }

    /// Says between which addresses it runs.
    pub const fn between(self, source: IpAddr, destination: IpAddr) -> Self {
        Self { source: Some(source), destination: Some(destination), ..self }
    }
}

/// Kind, number and ends: `vxlan 42 192.0.2.1>192.0.2.2`.
impl fmt::Display for Tunnel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.kind.name())?;
        if let Some(id) = self.id {
            write!(formatter, " {id}")?;
        }
        match (self.source, self.destination) {
            (Some(source), Some(destination)) => write!(formatter, " {source}>{destination}"),
            _ => Ok(()),
        }
    }
}

/// The kinds of tunnels, with what their number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum TunnelKind {
    /// VXLAN (RFC 7348): the network identifier.
    Vxlan,
    /// VXLAN with a protocol field (draft-ietf-nvo3-vxlan-gpe): the network identifier.
    VxlanGpe,
    /// A service function chain (RFC 8300): service path identifier and index, as one number.
    Nsh,
    /// Geneve (RFC 8926): the network identifier.
    Geneve,
    /// GRE (RFC 2784, RFC 2890): the key.
    Gre,
    /// NVGRE (RFC 7637): the virtual subnet identifier.
    Nvgre,
    /// ERSPAN of any type: the number of the mirror, 10 bits; none for type I.
    Erspan,
    /// IPv4 in IPv4 (RFC 2003).
    Ipip,
    /// IPv6 in IPv4 (RFC 4213).
    Ip6In4,
    /// IPv4 in IPv6 (RFC 2473).
    Ip4In6,
    /// IPv6 in IPv6 (RFC 2473).
    Ip6In6,
    /// GTP-U (3GPP TS 29.281): the tunnel endpoint identifier of the receiver.
    Gtp,
    /// L2TP (RFC 2661, RFC 3931): version 2's tunnel in the upper, its call in the lower 16 bits; version 3's
    /// identifier as it is. Both are the receiver's.
    L2tp,
    /// MPLS (RFC 3032): the label at the bottom of the stack.
    Mpls,
    /// PPPoE (RFC 2516): its identifier.
    Pppoe,
    /// Teredo (RFC 4380).
    Teredo,
    /// AYIYA, "anything in anything" (draft-massar-v6ops-ayiya-02).
    Ayiya,
}

impl TunnelKind {
    /// The name used in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vxlan => "vxlan",
            Self::VxlanGpe => "vxlan_gpe",
            Self::Nsh => "nsh",
            Self::Geneve => "geneve",
            Self::Gre => "gre",
            Self::Nvgre => "nvgre",
            Self::Erspan => "erspan",
            Self::Ipip => "ipip",
            Self::Ip6In4 => "6in4",
            Self::Ip4In6 => "4in6",
            Self::Ip6In6 => "6in6",
            Self::Gtp => "gtp",
            Self::L2tp => "l2tp",
            Self::Mpls => "mpls",
            Self::Pppoe => "pppoe",
            Self::Teredo => "teredo",
            Self::Ayiya => "ayiya",
        }
    }

    /// Whether the number names a network with addresses of its own, the same in both directions: then it is part of
    /// what a flow is. Keys of GRE, identifiers of GTP and L2TP and labels of MPLS are chosen by each receiver.
    pub const fn is_virtual_network(self) -> bool {
        matches!(self, Self::Vxlan | Self::VxlanGpe | Self::Geneve | Self::Nvgre)
    }
}

/// The number of a virtual network, 24 bits. The same addresses in two virtual networks are different hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(from = "u32", into = "u32"))]
pub struct VirtualNetwork(NonZeroU32);

impl VirtualNetwork {
    /// The network of this number; bits above the 24th are cut off.
    pub const fn new(id: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(id & 0x00ff_ffff))
    }

    /// The number.
    pub const fn id(self) -> u32 {
        self.0.get().saturating_sub(1)
    }
}

impl From<u32> for VirtualNetwork {
    fn from(id: u32) -> Self {
        Self::new(id)
    }
}

impl From<VirtualNetwork> for u32 {
    fn from(network: VirtualNetwork) -> Self {
        network.id()
    }
}
