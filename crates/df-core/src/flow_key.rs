//! Who talks to whom.

use std::fmt;
use std::net::IpAddr;

use crate::{Address, InterfaceId, UnixAddress, VirtualNetwork, VlanTags};

/// The transport that carries a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Transport {
    /// A byte stream over TCP.
    Tcp,
    /// UDP datagrams.
    Udp,
    /// ICMP or ICMPv6 messages.
    Icmp,
    /// An SCTP association.
    Sctp,
    /// A byte stream over a Unix socket, within a host.
    Unix,
}

impl Transport {
    /// The name used in records and attributes (`network.transport`).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::Sctp => "sctp",
            Self::Unix => "unix",
        }
    }

    /// Whether it carries a stream of bytes whose places are numbered, so that both ends tell of the same ones.
    pub const fn is_byte_stream(self) -> bool {
        matches!(self, Self::Tcp | Self::Unix)
    }
}

/// An address with a port (0 where the transport has none; the identifier for the end that asks by ICMP).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Endpoint {
    /// The address.
    pub address: Address,
    /// The port; 0 where the transport has none.
    pub port: u16,
}

impl Endpoint {
    /// An end in a network of IP.
    pub const fn new(ip: IpAddr, port: u16) -> Self {
        Self { address: Address::Ip(ip), port }
    }

    /// A Unix socket, which has no port.
    pub const fn unix(address: UnixAddress) -> Self {
        Self { address: Address::Unix(address), port: 0 }
    }

    /// The IP address; None for a Unix socket.
    pub const fn ip(self) -> Option<IpAddr> {
        self.address.ip()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Address::Ip(IpAddr::V4(ip)) => write!(formatter, "{ip}:{}", self.port),
            Address::Ip(IpAddr::V6(ip)) => write!(formatter, "[{ip}]:{}", self.port),
            Address::Unix(unix) => unix.fmt(formatter),
        }
    }
}

/// Names one connection: its transport and both ends, client first, and where it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FlowKey {
    /// The transport.
    pub transport: Transport,
    /// The end that asks.
    pub client: Endpoint,
    /// The end that answers.
    pub server: Endpoint,
    /// VLAN tags that the packets carry.
    pub vlan: VlanTags,
    /// The virtual network in which the ends have these addresses.
    pub virtual_network: Option<VirtualNetwork>,
    /// The interface on which the packets are seen.
    pub interface: InterfaceId,
}

impl FlowKey {
    /// A connection seen at interface 0, without VLAN tags.
    pub const fn new(transport: Transport, client: Endpoint, server: Endpoint) -> Self {
        let (vlan, interface) = (VlanTags { outer: None, inner: None }, InterfaceId(0));
        Self { transport, client, server, vlan, interface, virtual_network: None }
    }

    /// The same connection with client and server exchanged.
    pub const fn reversed(self) -> Self {
        Self { client: self.server, server: self.client, ..self }
    }
}
