//! Link headers, down to the network layer.

use df_core::{InterfaceId, VlanTags};
use etherparse::EtherType;

use super::error::{DecodeErrorReason, Fault, Layer};
use super::layer_two::{self, Next, skip, type_behind};
use super::walk::Walk;
use super::{capture_header, ppp, serial, wireless};
use crate::{Frame, LinkType};

/// What a link header and the tags behind it say, and the bytes behind them.
pub(super) struct Network<'a> {
    pub(super) version: Option<IpVersion>,
    pub(super) bytes: &'a [u8],
    pub(super) vlan: VlanTags,
    pub(super) interface: InterfaceId,
}

/// The version of IP that the link header announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IpVersion {
    V4,
    V6,
}

/// Reads everything before the network layer. Where the version of IP is not announced, the IP header's own first
/// bits decide.
#[inline]
pub(super) fn network_layer<'a>(
    walk: &mut Walk<'_, 'a>,
    frame: &Frame<'a>,
) -> Result<Network<'a>, Fault<'a>> {
    let mut network =
        Network { version: None, bytes: frame.bytes, vlan: frame.stripped_vlan, interface: frame.interface };
    let next = match frame.link_type {
        LinkType::ETHERNET => Next::Ethernet,
        link_type => other(walk, &mut network, link_type)?,
    };
    layer_two::follow(walk, &mut network, next)?;
    Ok(network)
}

fn other<'a>(
    walk: &mut Walk<'_, 'a>,
    network: &mut Network<'a>,
    link_type: LinkType,
) -> Result<Next, Fault<'a>> {
    match link_type {
        LinkType::PPI | LinkType::PKTAP => {
            let link_type = capture_header::inner_link_type(network, link_type)?;
            named(walk, network, link_type)
        }
        link_type => named(walk, network, link_type),
    }
}

/// A link type that does not name another one.
fn named<'a>(
    walk: &mut Walk<'_, 'a>,
    network: &mut Network<'a>,
    link_type: LinkType,
) -> Result<Next, Fault<'a>> {
    match link_type {
        LinkType::ETHERNET => Ok(Next::Ethernet),
        LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD => Ok(Next::AnyIp),
        LinkType::IPV4 => Ok(Next::Ip(IpVersion::V4)),
        LinkType::IPV6 => Ok(Next::Ip(IpVersion::V6)),
        LinkType::LINUX_SLL => type_behind(network, 14),
        LinkType::LINUX_SLL2 => linux_cooked_2(network),
        LinkType::NULL | LinkType::LOOP => loopback(network, 0, 4),
        LinkType::ENC => loopback(network, 0, 12),
        LinkType::PPP | LinkType::PPP_HDLC => serial::ppp_or_cisco(network),
        LinkType::PPP_WITH_DIRECTION | LinkType::PPP_PPPD => serial::ppp_with_direction(network),
        LinkType::PPP_ETHERNET => ppp::over_ethernet(walk, network),
        LinkType::CISCO_HDLC => type_behind(network, 2),
        LinkType::CISCO_HDLC_WITH_DIRECTION => type_behind(network, 3),
        LinkType::FRAME_RELAY => serial::frame_relay(network),
        LinkType::FRAME_RELAY_WITH_DIRECTION => {
            skip(network, 1, Next::Llc).and_then(|_| serial::frame_relay(network))
        }
        LinkType::SLIP => skip(network, 16, Next::AnyIp),
        LinkType::MPLS => Ok(Next::Mpls),
        LinkType::ATM_RFC1483 => Ok(Next::Llc),
        LinkType::IP_OVER_FIBRE_CHANNEL => skip(network, 16, Next::Llc),
        LinkType::FDDI => skip(network, 13, Next::Llc),
        LinkType::TOKEN_RING => token_ring(network),
        LinkType::IP_OVER_FIREWIRE => type_behind(network, 16),
        LinkType::ARCNET_LINUX => arcnet(network),
        LinkType::WIFI => wireless::frame(network),
        LinkType::WIFI_RADIOTAP => wireless::radiotap(network),
        LinkType::WIFI_PRISM | LinkType::WIFI_AVS => wireless::with_monitor_header(network),
        LinkType::NFLOG => capture_header::nflog(network),
        LinkType::PFLOG => capture_header::pflog(network),
        LinkType::IPNET => capture_header::ipnet(network),
        LinkType::ERF => capture_header::erf(network),
        LinkType::ETHERNET_MPACKET => skip(network, 8, Next::Ethernet),
        _ => Err(Fault::new(Layer::Link, DecodeErrorReason::UnsupportedLinkType, network.bytes)),
    }
}

/// ```text
/// protocol u16 | reserved u16 | interface u32 | ARPHRD u16 | packet type u8 | address length u8 | address 8 bytes
/// ```
fn linux_cooked_2<'a>(network: &mut Network<'a>) -> Result<Next, Fault<'a>> {
    let Some((&[protocol_0, protocol_1, _, _, i0, i1, i2, i3, ..], rest)) =
        network.bytes.split_first_chunk::<20>()
    else {
        return Err(Fault::truncated(Layer::Link, network.bytes));
    };
    network.interface = InterfaceId(u32::from_be_bytes([i0, i1, i2, i3]) | COOKED_INTERFACE_BIT);
    network.bytes = rest;
    Ok(Next::EtherType(EtherType(u16::from_be_bytes([protocol_0, protocol_1]))))
}

/// Four bytes of address family at `at`, in the byte order of the capturing host, which is not known. Families are
/// small numbers, so exactly one order makes sense.
pub(super) fn loopback<'a>(
    network: &mut Network<'a>,
    at: usize,
    header_len: usize,
) -> Result<Next, Fault<'a>> {
    let bytes = network.bytes;
    let Some(family) = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) else {
        return Err(Fault::truncated(Layer::Link, bytes));
    };
    let next = family_version(u32::from_le_bytes(*family).min(u32::from_be_bytes(*family)));
    skip(network, header_len, next.ok_or(Fault::unsupported(Layer::Link, bytes))?)
}

/// The version of IP that an address family stands for.
pub(super) const fn family_version(family: u32) -> Option<Next> {
    match family {
        2 => Some(Next::Ip(IpVersion::V4)),
        // NetBSD and OpenBSD, Linux, Solaris, FreeBSD, Darwin.
        24 | 10 | 26 | 28 | 30 => Some(Next::Ip(IpVersion::V6)),
        _ => None,
    }
}

/// ```text
/// access control u8 | frame control u8 | addresses 12 bytes | route if the source address says so | IEEE 802.2
/// ```
fn token_ring<'a>(network: &mut Network<'a>) -> Result<Next, Fault<'a>> {
    let has_route = network.bytes.get(8).is_some_and(|source| source & 0x80 != 0);
    let route_len = network.bytes.get(14).map_or(0, |control| usize::from(control & 0x1f));
    skip(network, if has_route { 14_usize.saturating_add(route_len) } else { 14 }, Next::Llc)
}

/// ```text
/// source u8 | destination u8 | offset u16 | protocol u8 | split flag u8 and number u16, of RFC 1201
/// ```
///
/// The simple form of RFC 1051 ends with the protocol. A fragment, which the flag tells, is not read.
fn arcnet<'a>(network: &mut Network<'a>) -> Result<Next, Fault<'a>> {
    let bytes = network.bytes;
    let (ip, header_len) = match *bytes {
        [_, _, _, _, 212, 0, ..] => (IpVersion::V4, 8),
        [_, _, _, _, 196, 0, ..] => (IpVersion::V6, 8),
        [_, _, _, _, 240, ..] => (IpVersion::V4, 5),
        [_, _, _, _, _, ..] => return Err(Fault::unsupported(Layer::Link, bytes)),
        _ => return Err(Fault::truncated(Layer::Link, bytes)),
    };
    skip(network, header_len, Next::Ip(ip))
}

/// Set in the interface number where the frame itself (cooked, version 2) tells its interface.
const COOKED_INTERFACE_BIT: u32 = 1 << 31;
