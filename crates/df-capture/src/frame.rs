//! One frame as it was captured, before anything is read of it.

use std::fmt;

use df_core::{InterfaceId, Timestamp, VlanTags};

/// What a frame begins with, numbered as in capture files (<https://www.tcpdump.org/linktypes.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: the address family in the capturing host's byte order.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// PPP, with or without the address and control bytes of RFC 1662.
    pub const PPP: Self = Self(9);
    /// Raw IP as some systems number it.
    pub const RAW_BSD: Self = Self(12);
    /// Raw IP as OpenBSD numbers it.
    pub const RAW_OPENBSD: Self = Self(14);
    /// PPP in HDLC-like framing, or Cisco HDLC.
    pub const PPP_HDLC: Self = Self(50);
    /// PPPoE session frames without their Ethernet header.
    pub const PPP_ETHERNET: Self = Self(51);
    /// Raw IPv4 or IPv6, told apart by the version.
    pub const RAW: Self = Self(101);
    /// Cisco HDLC.
    pub const CISCO_HDLC: Self = Self(104);
    /// OpenBSD loopback: the address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux cooked capture, version 1.
    pub const LINUX_SLL: Self = Self(113);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);
    /// Token ring (IEEE 802.5).
    pub const TOKEN_RING: Self = Self(6);
    /// SLIP with the 16 bytes of BSD.
    pub const SLIP: Self = Self(8);
    /// FDDI.
    pub const FDDI: Self = Self(10);
    /// ATM with the header of IEEE 802.2.
    pub const ATM_RFC1483: Self = Self(100);
    /// IEEE 802.11.
    pub const WIFI: Self = Self(105);
    /// Frame relay.
    pub const FRAME_RELAY: Self = Self(107);
    /// OpenBSD's encapsulated IP.
    pub const ENC: Self = Self(109);
    /// OpenBSD's packet filter.
    pub const PFLOG: Self = Self(117);
    /// IEEE 802.11 after Prism's header.
    pub const WIFI_PRISM: Self = Self(119);
    /// IP over fibre channel (RFC 2625).
    pub const IP_OVER_FIBRE_CHANNEL: Self = Self(122);
    /// IEEE 802.11 after a radiotap header.
    pub const WIFI_RADIOTAP: Self = Self(127);
    /// ARCNET, as Linux gives it.
    pub const ARCNET_LINUX: Self = Self(129);
    /// IP over IEEE 1394, as Apple writes it.
    pub const IP_OVER_FIREWIRE: Self = Self(138);
    /// IEEE 802.11 after the header of AVS.
    pub const WIFI_AVS: Self = Self(163);
    /// PPP with the direction in place of its address.
    pub const PPP_PPPD: Self = Self(166);
    /// A header that names another link type, as wireless monitors write it.
    pub const PPI: Self = Self(192);
    /// Endace's extensible records.
    pub const ERF: Self = Self(197);
    /// PPP after its direction.
    pub const PPP_WITH_DIRECTION: Self = Self(204);
    /// Cisco HDLC after its direction.
    pub const CISCO_HDLC_WITH_DIRECTION: Self = Self(205);
    /// Frame relay after its direction.
    pub const FRAME_RELAY_WITH_DIRECTION: Self = Self(206);
    /// MPLS labels.
    pub const MPLS: Self = Self(219);
    /// Solaris' IP observability.
    pub const IPNET: Self = Self(226);
    /// Linux' netfilter log.
    pub const NFLOG: Self = Self(239);
    /// A header that names another link type, as Darwin writes it.
    pub const PKTAP: Self = Self(258);
    /// Ethernet with its preamble (IEEE 802.3br).
    pub const ETHERNET_MPACKET: Self = Self(274);
}

impl fmt::Display for LinkType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::NULL => "NULL",
            Self::ETHERNET => "ETHERNET",
            Self::PPP => "PPP",
            Self::RAW | Self::RAW_BSD | Self::RAW_OPENBSD => "RAW",
            Self::PPP_HDLC => "PPP_HDLC",
            Self::PPP_ETHERNET => "PPP_ETHER",
            Self::CISCO_HDLC => "C_HDLC",
            Self::LOOP => "LOOP",
            Self::LINUX_SLL => "LINUX_SLL",
            Self::IPV4 => "IPV4",
            Self::IPV6 => "IPV6",
            Self::LINUX_SLL2 => "LINUX_SLL2",
            Self::TOKEN_RING => "IEEE802_5",
            Self::SLIP => "SLIP",
            Self::FDDI => "FDDI",
            Self::ATM_RFC1483 => "ATM_RFC1483",
            Self::WIFI => "IEEE802_11",
            Self::FRAME_RELAY => "FRELAY",
            Self::ENC => "ENC",
            Self::PFLOG => "PFLOG",
            Self::WIFI_PRISM => "IEEE802_11_PRISM",
            Self::IP_OVER_FIBRE_CHANNEL => "IP_OVER_FC",
            Self::WIFI_RADIOTAP => "IEEE802_11_RADIOTAP",
            Self::ARCNET_LINUX => "ARCNET_LINUX",
            Self::IP_OVER_FIREWIRE => "APPLE_IP_OVER_IEEE1394",
            Self::WIFI_AVS => "IEEE802_11_AVS",
            Self::PPP_PPPD => "PPP_PPPD",
            Self::PPI => "PPI",
            Self::ERF => "ERF",
            Self::PPP_WITH_DIRECTION => "PPP_WITH_DIR",
            Self::CISCO_HDLC_WITH_DIRECTION => "C_HDLC_WITH_DIR",
            Self::FRAME_RELAY_WITH_DIRECTION => "FRELAY_WITH_DIR",
            Self::MPLS => "MPLS",
            Self::IPNET => "IPNET",
            Self::NFLOG => "NFLOG",
            Self::PKTAP => "PKTAP",
            Self::ETHERNET_MPACKET => "ETHERNET_MPACKET",
            Self(number) => return write!(formatter, "link type {number}"),
        };
        formatter.write_str(name)
    }
}

/// Which way a frame crossed the interface on which it was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FrameDirection {
    /// It came in: for this host, for all, or overheard.
    Inbound,
    /// This host sent it.
    Outbound,
}

/// One captured frame. It borrows the source's buffer until the next frame is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame<'a> {
    /// When it was captured.
    pub timestamp: Timestamp,
    /// Where it was captured, numbered by the source.
    pub interface: InterfaceId,
    /// What the bytes begin with.
    pub link_type: LinkType,
    /// The captured bytes, from the link header on.
    pub bytes: &'a [u8],
    /// The frame's length on the wire in bytes, without tags that were taken out; at least `bytes.len()`.
    pub original_len: u32,
    /// VLAN tags that the network card or kernel took out of the bytes.
    pub stripped_vlan: VlanTags,
    /// Which way it crossed the interface, where the source knows.
    pub direction: Option<FrameDirection>,
}

impl<'a> Frame<'a> {
    /// A frame captured whole on interface 0, with no tags taken out.
    pub fn new(timestamp: Timestamp, link_type: LinkType, bytes: &'a [u8]) -> Self {
        Self {
            timestamp,
            interface: InterfaceId(0),
            link_type,
            bytes,
            original_len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            stripped_vlan: VlanTags { outer: None, inner: None },
            direction: None,
        }
    }

    /// Says on which interface the frame was captured.
    pub const fn with_interface(mut self, interface: InterfaceId) -> Self {
        self.interface = interface;
        self
    }

    /// Says how long the frame was on the wire. Values below the captured length are raised to it.
    pub fn with_original_len(mut self, original_len: u32) -> Self {
        self.original_len = original_len.max(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
        self
    }

    /// Gives the tags that were taken out of the bytes.
    pub const fn with_stripped_vlan(mut self, stripped_vlan: VlanTags) -> Self {
        self.stripped_vlan = stripped_vlan;
        self
    }

    /// Says which way the frame crossed the interface.
    pub const fn with_direction(mut self, direction: Option<FrameDirection>) -> Self {
        self.direction = direction;
        self
    }
}
