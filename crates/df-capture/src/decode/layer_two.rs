//! Everything between a link header and IP: ethertypes, tags, labels, and the headers of service chains.

use df_core::{Tunnel, TunnelKind};
use etherparse::{EtherType, Ethernet2HeaderSlice, SingleVlanHeaderSlice};

use super::error::{Fault, Layer};
use super::link::{IpVersion, Network};
use super::ppp;
use super::walk::Walk;

/// What the bytes of a [`Network`] begin with, as the header before them tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// IP of this version.
    Ip(IpVersion),
    /// IP of the version that its first bits tell.
    AnyIp,
    /// What an ethertype announces.
    EtherType(EtherType),
    /// An Ethernet frame.
    Ethernet,
    /// A header of IEEE 802.2.
    Llc,
    /// A stack of labels.
    Mpls,
    /// The header of a service function chain.
    Nsh,
    /// A PPP frame, with or without address and control bytes.
    Ppp,
}

/// Follows headers to IP. Every step takes bytes, so the walk ends with them.
#[inline]
pub(super) fn follow<'a>(
    walk: &mut Walk<'_, 'a>,
    network: &mut Network<'a>,
    mut next: Next,
) -> Result<(), Fault<'a>> {
    loop {
        next = match next {
            Next::Ip(version) => {
                network.version = Some(version);
                return Ok(());
            }
            Next::AnyIp => {
                network.version = None;
                return Ok(());
            }
            Next::EtherType(EtherType::IPV4) => Next::Ip(IpVersion::V4),
            Next::EtherType(EtherType::IPV6) => Next::Ip(IpVersion::V6),
            Next::EtherType(ether_type) => announced(walk, network, ether_type)?,
            Next::Ethernet => ethernet(network)?,
            Next::Llc => llc(network)?,
            Next::Mpls => mpls(walk, network)?,
            Next::Nsh => nsh(walk, network)?,
            Next::Ppp => ppp::frame(network)?,
        };
    }
}

/// An Ethernet header and VLAN tags; none where anything but IP is announced.
#[inline]
pub(super) fn plain(network: &mut Network<'_>) -> Option<()> {
    let mut next = ethernet(network).ok()?;
    loop {
        network.version = Some(match next {
            Next::EtherType(EtherType::IPV4) => IpVersion::V4,
            Next::EtherType(EtherType::IPV6) => IpVersion::V6,
            Next::EtherType(EtherType::VLAN_TAGGED_FRAME | EtherType::PROVIDER_BRIDGING) => {
                next = vlan(network).ok()?;
                continue;
            }
            _ => return None,
        });
        return Some(());
    }
}

fn announced<'a>(
    walk: &mut Walk<'_, 'a>,
    network: &mut Network<'a>,
    ether_type: EtherType,
) -> Result<Next, Fault<'a>> {
    match ether_type {
        EtherType::VLAN_TAGGED_FRAME
        | EtherType::PROVIDER_BRIDGING
        | EtherType::VLAN_DOUBLE_TAGGED_FRAME
        | QINQ_OLD => vlan(network),
        MPLS_UNICAST | MPLS_MULTICAST => Ok(Next::Mpls),
        PPPOE_STREAM => ppp::over_ethernet(walk, network),
        PPP => Ok(Next::Ppp),
        ETHERNET_BRIDGING => Ok(Next::Ethernet),
        NSH => Ok(Next::Nsh),
        PROVIDER_BACKBONE => skip(network, 4, Next::Ethernet),
        WCCP => match network.bytes.first().map(|first| first >> 4) {
            Some(4) => Ok(Next::Ip(IpVersion::V4)),
            _ => skip(network, 4, Next::AnyIp),
        },
        FABRIC_PATH => skip(network, 2, Next::Ethernet),
        VN_TAG => type_behind(network, 4),
        E_TAG => type_behind(network, 6),
        EtherType(0..=MAX_LENGTH) => Ok(Next::Llc),
        _ => Err(Fault::unsupported(Layer::Link, network.bytes)),
    }
}

#[inline]
fn ethernet<'a>(network: &mut Network<'a>) -> Result<Next, Fault<'a>> {
    let bytes = network.bytes;
    let Ok(header) = Ethernet2HeaderSlice::from_slice(bytes) else {
        return Err(Fault::truncated(Layer::Link, bytes));
    };
    network.bytes = bytes.get(header.slice().len()..).unwrap_or_default();
    Ok(Next::EtherType(header.ether_type()))
}

/// Takes one tag and gives the ethertype behind it.
fn vlan<'a>(network: &mut Network<'a>) -> Result<Next, Fault<'a>> {
    let bytes = network.bytes;
    let Ok(tag) = SingleVlanHeaderSlice::from_slice(bytes) else {
        return Err(Fault::truncated(Layer::Vlan, bytes));
    };
    let identifier = tag.vlan_identifier().value();
    // Identifier 0 marks a priority on a frame of no VLAN (IEEE 802.1Q §9.6).
    if identifier != 0 {
        network.vlan.push(identifier);
    }
    network.bytes = bytes.get(tag.slice().len()..).unwrap_or_default();
    Ok(Next::EtherType(tag.ether_type()))
}

/// Of the headers of IEEE 802.2, those that say IP or carry an ethertype (SNAP, RFC 1042; tunnelled, 802.1H).
fn llc<'a>(network: &mut Network<'a>) -> Result<Next, Fault<'a>> {
    match *network.bytes {
        [0xaa, 0xaa, 0x03, 0, 0, 0 | 0xf8, type_0, type_1, ref rest @ ..] => {
            network.bytes = rest;
            Ok(Next::EtherType(EtherType(u16::from_be_bytes([type_0, type_1]))))
        }
        [0x06, 0x06, 0x03, ref rest @ ..] => {
            network.bytes = rest;
            Ok(Next::Ip(IpVersion::V4))
        }
        _ => Err(Fault::unsupported(Layer::Link, network.bytes)),
    }
}

/// Labels of four bytes each, the last one marked (RFC 3032 §2.1). Behind them IP tells its version itself; a
/// pseudowire's control word begins with zeros (RFC 4385 §3); an Ethernet frame without one is told by its ethertype.
fn mpls<'a>(walk: &mut Walk<'_, 'a>, network: &mut Network<'a>) -> Result<Next, Fault<'a>> {
    let start = network.bytes;
    loop {
        let Some((&[label_0, label_1, label_2, _], rest)) = network.bytes.split_first_chunk::<4>() else {
            return Err(Fault::truncated(Layer::Mpls, network.bytes));
        };
        network.bytes = rest;
        if label_2 & 1 == 0 {
            continue;
        }
        let label = u32::from_be_bytes([0, label_0, label_1, label_2]) >> 4;
        walk.enter(Tunnel::new(TunnelKind::Mpls, Some(label)), Layer::Mpls, start)?;
        return match rest.first().map(|first| first >> 4) {
            Some(4) => Ok(Next::Ip(IpVersion::V4)),
            Some(6) => Ok(Next::Ip(IpVersion::V6)),
            Some(0) if !is_ethernet(rest) => skip(network, 4, Next::Ethernet),
            Some(_) if is_ethernet(rest) => Ok(Next::Ethernet),
            Some(_) => Err(Fault::unsupported(Layer::Mpls, start)),
            None => Err(Fault::truncated(Layer::Mpls, rest)),
        };
    }
}

/// Whether the bytes look like an Ethernet frame that carries IP, perhaps behind a tag.
pub(super) fn is_ethernet(bytes: &[u8]) -> bool {
    let version = |at: usize| bytes.get(at).map(|first| first >> 4);
    match bytes.get(12..14) {
        Some([0x08, 0x00]) => version(14) == Some(4),
        Some([0x86, 0xdd]) => version(14) == Some(6),
        Some([0x81, 0x00] | [0x88, 0xa8]) => true,
        _ => false,
    }
}

/// ```text
/// version, flags, ttl, length in words u16 | metadata type u8 | next protocol u8 | path u24 | index u8 | metadata
/// ```
///
/// RFC 8300 §2.
fn nsh<'a>(walk: &mut Walk<'_, 'a>, network: &mut Network<'a>) -> Result<Next, Fault<'a>> {
    let bytes = network.bytes;
    let Some(&[version, len, _, protocol, p0, p1, p2, index]) = bytes.first_chunk::<8>() else {
        return Err(Fault::truncated(Layer::Tunnel, bytes));
    };
    let len = usize::from(len & 0x3f).saturating_mul(4);
    if version >> 6 != 0 || len < 8 {
        return Err(Fault::malformed(Layer::Tunnel, bytes));
    }
    let path = u32::from_be_bytes([p0, p1, p2, index]);
    walk.enter(Tunnel::new(TunnelKind::Nsh, Some(path)), Layer::Tunnel, bytes)?;
    skip(network, len, overlay_protocol(protocol).ok_or(Fault::unsupported(Layer::Tunnel, bytes))?)
}

/// The numbers of protocols that VXLAN-GPE and NSH share.
pub(super) const fn overlay_protocol(number: u8) -> Option<Next> {
    match number {
        1 => Some(Next::Ip(IpVersion::V4)),
        2 => Some(Next::Ip(IpVersion::V6)),
        3 => Some(Next::Ethernet),
        4 => Some(Next::Nsh),
        5 => Some(Next::Mpls),
        _ => None,
    }
}

/// Moves past a header whose contents do not matter here.
pub(super) fn skip<'a>(network: &mut Network<'a>, len: usize, next: Next) -> Result<Next, Fault<'a>> {
    let bytes = network.bytes;
    network.bytes = bytes.get(len..).ok_or(Fault::truncated(Layer::Link, bytes))?;
    Ok(next)
}

/// Moves past a tag of `len` bytes and the ethertype behind it.
pub(super) fn type_behind<'a>(network: &mut Network<'a>, len: usize) -> Result<Next, Fault<'a>> {
    let bytes = network.bytes;
    match bytes.get(len..) {
        Some(&[type_0, type_1, ref rest @ ..]) => {
            network.bytes = rest;
            Ok(Next::EtherType(EtherType(u16::from_be_bytes([type_0, type_1]))))
        }
        _ => Err(Fault::truncated(Layer::Link, bytes)),
    }
}

/// Numbers up to this are lengths (IEEE 802.3 §3.2.6).
const MAX_LENGTH: u16 = 1500;
/// QinQ before its standard, still sent by some switches.
const QINQ_OLD: EtherType = EtherType(0x9200);
const MPLS_UNICAST: EtherType = EtherType(0x8847);
const MPLS_MULTICAST: EtherType = EtherType(0x8848);
const PPPOE_STREAM: EtherType = EtherType(0x8864);
const PPP: EtherType = EtherType(0x880b);
const ETHERNET_BRIDGING: EtherType = EtherType(0x6558);
const NSH: EtherType = EtherType(0x894f);
/// IEEE 802.1ah: an instance tag, then the customer's frame.
const PROVIDER_BACKBONE: EtherType = EtherType(0x88e7);
/// What a router redirects to a web cache, by version 2 of the protocol behind a header of its own.
const WCCP: EtherType = EtherType(0x883e);
/// Cisco's fabric: a tag, then the customer's frame.
const FABRIC_PATH: EtherType = EtherType(0x8903);
/// Tags of port extenders (Cisco's and IEEE 802.1BR).
const VN_TAG: EtherType = EtherType(0x8926);
const E_TAG: EtherType = EtherType(0x893f);
