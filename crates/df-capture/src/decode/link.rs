//! Link headers, down to the network layer.

use df_core::{InterfaceId, VlanTags};
use etherparse::{EtherType, Ethernet2HeaderSlice};

use super::error::{DecodeErrorReason, Fault, Layer};
use super::ethertype;
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

/// Set in the interface number where the frame itself (cooked, version 2) tells its interface.
const COOKED_INTERFACE_BIT: u32 = 1 << 31;

/// Reads everything before the network layer. Where the version of IP is not announced, the IP header's own first
/// bits decide.
#[inline]
pub(super) fn network_layer<'a>(frame: &Frame<'a>) -> Result<Network<'a>, Fault<'a>> {
    let bytes = frame.bytes;
    let mut network = Network { version: None, bytes, vlan: frame.stripped_vlan, interface: frame.interface };
    match frame.link_type {
        LinkType::ETHERNET => ethernet(&mut network)?,
        LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD => {}
        LinkType::IPV4 => network.version = Some(IpVersion::V4),
        LinkType::IPV6 => network.version = Some(IpVersion::V6),
        LinkType::LINUX_SLL => linux_cooked(&mut network)?,
        LinkType::LINUX_SLL2 => linux_cooked_2(&mut network)?,
        LinkType::NULL | LinkType::LOOP => loopback(&mut network)?,
        LinkType::PPP | LinkType::PPP_HDLC => ppp(&mut network)?,
        LinkType::PPP_ETHERNET => ethertype::pppoe(&mut network)?,
        LinkType::CISCO_HDLC => cisco_hdlc(&mut network)?,
        _ => return Err(Fault::new(Layer::Link, DecodeErrorReason::UnsupportedLinkType, bytes)),
    }
    Ok(network)
}

#[inline]
pub(super) fn ethernet<'a>(network: &mut Network<'a>) -> Result<(), Fault<'a>> {
    let bytes = network.bytes;
    let Ok(header) = Ethernet2HeaderSlice::from_slice(bytes) else {
        return Err(Fault::truncated(Layer::Link, bytes));
    };
    network.bytes = bytes.get(header.slice().len()..).unwrap_or_default();
    ethertype::follow(network, header.ether_type())
}

/// ```text
/// packet type u16 | ARPHRD u16 | address length u16 | address 8 bytes | protocol u16
/// ```
fn linux_cooked<'a>(network: &mut Network<'a>) -> Result<(), Fault<'a>> {
    let Some((&[.., protocol_0, protocol_1], rest)) = network.bytes.split_first_chunk::<16>() else {
        return Err(Fault::truncated(Layer::Link, network.bytes));
    };
    network.bytes = rest;
    ethertype::follow(network, EtherType(u16::from_be_bytes([protocol_0, protocol_1])))
}

/// ```text
/// protocol u16 | reserved u16 | interface u32 | ARPHRD u16 | packet type u8 | address length u8 | address 8 bytes
/// ```
fn linux_cooked_2<'a>(network: &mut Network<'a>) -> Result<(), Fault<'a>> {
    let Some((&[protocol_0, protocol_1, _, _, i0, i1, i2, i3, ..], rest)) =
        network.bytes.split_first_chunk::<20>()
    else {
        return Err(Fault::truncated(Layer::Link, network.bytes));
    };
    network.interface = InterfaceId(u32::from_be_bytes([i0, i1, i2, i3]) | COOKED_INTERFACE_BIT);
    network.bytes = rest;
    ethertype::follow(network, EtherType(u16::from_be_bytes([protocol_0, protocol_1])))
}

/// Four bytes of address family, in the byte order of the capturing host, which is not known. Families are small
/// numbers, so exactly one order makes sense.
fn loopback<'a>(network: &mut Network<'a>) -> Result<(), Fault<'a>> {
    let Some((family, rest)) = network.bytes.split_first_chunk::<4>() else {
        return Err(Fault::truncated(Layer::Link, network.bytes));
    };
    let family = u32::from_le_bytes(*family).min(u32::from_be_bytes(*family));
    network.version = match family {
        2 => Some(IpVersion::V4),
        // NetBSD and OpenBSD, Linux, FreeBSD, Darwin.
        24 | 10 | 28 | 30 => Some(IpVersion::V6),
        _ => return Err(Fault::unsupported(Layer::Link, network.bytes)),
    };
    network.bytes = rest;
    Ok(())
}

/// PPP, after the address and control bytes where they are there (RFC 1662 §3.1). Cisco's framing, which shares the
/// link type [`LinkType::PPP_HDLC`], begins with other addresses.
fn ppp<'a>(network: &mut Network<'a>) -> Result<(), Fault<'a>> {
    match *network.bytes {
        [0xff, 0x03, ref rest @ ..] => network.bytes = rest,
        [0x0f | 0x8f, 0x00, ..] => return cisco_hdlc(network),
        _ => {}
    }
    ethertype::ppp_protocol(network)
}

/// ```text
/// address u8 | control u8 | protocol u16
/// ```
fn cisco_hdlc<'a>(network: &mut Network<'a>) -> Result<(), Fault<'a>> {
    let Some((&[_, _, protocol_0, protocol_1], rest)) = network.bytes.split_first_chunk::<4>() else {
        return Err(Fault::truncated(Layer::Link, network.bytes));
    };
    network.bytes = rest;
    ethertype::follow(network, EtherType(u16::from_be_bytes([protocol_0, protocol_1])))
}
