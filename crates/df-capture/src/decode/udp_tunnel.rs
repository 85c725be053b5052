//! Tunnels in UDP: VXLAN, Geneve, GTP, L2TP, Teredo, AYIYA, and MPLS and GRE in UDP.

use df_core::TunnelKind;
use etherparse::EtherType;

use super::error::{Fault, Layer};
use super::ip::Datagram;
use super::layer_two::{self, Next, overlay_protocol};
use super::link::{IpVersion, Network};
use super::transport::Segment;
use super::walk::Walk;
use super::{l2tp, tunnel};

/// What a port announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UdpTunnel {
    Vxlan,
    Geneve,
    Gtp,
    L2tp,
    Mpls,
    Gre,
    Teredo,
    Ayiya,
}

/// The tunnel that the ports of a datagram announce. Overlays are told by the destination alone: their source port
/// spreads flows.
#[inline]
pub(super) fn kind(segment: &Segment<'_>, vxlan_ports: &[u16]) -> Option<UdpTunnel> {
    let (source, destination) = (segment.source.port, segment.destination.port);
    match destination {
        VXLAN_GPE => Some(UdpTunnel::Vxlan),
        GENEVE => Some(UdpTunnel::Geneve),
        GTP => Some(UdpTunnel::Gtp),
        L2TP => Some(UdpTunnel::L2tp),
        MPLS => Some(UdpTunnel::Mpls),
        GRE => Some(UdpTunnel::Gre),
        TEREDO => Some(UdpTunnel::Teredo),
        AYIYA => Some(UdpTunnel::Ayiya),
        _ if vxlan_ports.contains(&destination) => Some(UdpTunnel::Vxlan),
        _ => match source {
            GTP => Some(UdpTunnel::Gtp),
            L2TP => Some(UdpTunnel::L2tp),
            TEREDO => Some(UdpTunnel::Teredo),
            AYIYA => Some(UdpTunnel::Ayiya),
            _ => None,
        },
    }
}

/// The packet inside. VLAN tags are those of the frame inside.
pub(super) fn inside<'a>(
    walk: &mut Walk<'_, 'a>,
    (datagram, payload): (&Datagram<'a>, &'a [u8]),
    outer: &Network<'a>,
    kind: UdpTunnel,
) -> Result<Network<'a>, Fault<'a>> {
    let mut network = Network::inside(outer, payload);
    let next = match kind {
        UdpTunnel::Vxlan => vxlan(walk, datagram, &mut network),
        UdpTunnel::Geneve => geneve(walk, datagram, &mut network),
        UdpTunnel::Gtp => gtp(walk, datagram, &mut network),
        UdpTunnel::L2tp => l2tp::over_udp(walk, datagram, &mut network),
        UdpTunnel::Mpls => Ok(Next::Mpls),
        UdpTunnel::Gre => tunnel::gre(walk, datagram, &mut network),
        UdpTunnel::Teredo => teredo(walk, datagram, &mut network),
        UdpTunnel::Ayiya => ayiya(walk, datagram, &mut network),
    }?;
    layer_two::follow(walk, &mut network, next)?;
    Ok(network)
}

/// ```text
/// flags u8 | reserved, policy group u16 | reserved, next protocol u8 | network u24 | reserved u8
/// ```
///
/// RFC 7348 §5. With the flag P it is VXLAN-GPE and tells the next protocol.
fn vxlan<'a>(
    walk: &mut Walk<'_, 'a>,
    datagram: &Datagram<'a>,
    network: &mut Network<'a>,
) -> Result<Next, Fault<'a>> {
    let bytes = network.bytes;
    let Some((&[flags, _, _, protocol, n0, n1, n2, _], rest)) = bytes.split_first_chunk::<8>() else {
        return Err(Fault::truncated(Layer::Tunnel, bytes));
    };
    // What is reserved does not matter (RFC 7348 §5), unless it is set as VXLAN-GPE sets it.
    let is_gpe = flags & VXLAN_HAS_PROTOCOL != 0 && flags & VXLAN_GPE_RESERVED == 0;
    let (kind, next) = match overlay_protocol(protocol).filter(|_| is_gpe) {
        Some(next) => (TunnelKind::VxlanGpe, next),
        None if flags & VXLAN_HAS_NETWORK != 0 => (TunnelKind::Vxlan, Next::Ethernet),
        None => return Err(Fault::malformed(Layer::Tunnel, bytes)),
    };
    network.bytes = rest;
    let id = (flags & VXLAN_HAS_NETWORK != 0).then(|| u32::from_be_bytes([0, n0, n1, n2]));
    walk.enter_between((kind, id), datagram)?;
    Ok(next)
}

/// ```text
/// version and length of options in words u8 | flags u8 | ethertype u16 | network u24 | reserved u8 | options
/// ```
///
/// RFC 8926 §3.4.
fn geneve<'a>(
    walk: &mut Walk<'_, 'a>,
    datagram: &Datagram<'a>,
    network: &mut Network<'a>,
) -> Result<Next, Fault<'a>> {
    let bytes = network.bytes;
    let Some((&[version, _, type_0, type_1, n0, n1, n2, _], rest)) = bytes.split_first_chunk::<8>() else {
        return Err(Fault::truncated(Layer::Tunnel, bytes));
    };
    if version >> 6 != 0 {
        return Err(Fault::unsupported(Layer::Tunnel, bytes));
    }
    let options_len = usize::from(version & 0x3f).saturating_mul(4);
    network.bytes = rest.get(options_len..).ok_or(Fault::truncated(Layer::Tunnel, bytes))?;
    let id = u32::from_be_bytes([0, n0, n1, n2]);
    walk.enter_between((TunnelKind::Geneve, Some(id)), datagram)?;
    Ok(Next::EtherType(EtherType(u16::from_be_bytes([type_0, type_1]))))
}

/// ```text
/// version, flags u8 | message u8 | length u16 | identifier u32 | numbers u24 and next extension u8 if any of E, S, PN
/// ```
///
/// 3GPP TS 29.281 §5.1. Extension headers tell their length in words and end with the type of the next. Only messages
/// with a user's packet are followed.
fn gtp<'a>(
    walk: &mut Walk<'_, 'a>,
    datagram: &Datagram<'a>,
    network: &mut Network<'a>,
) -> Result<Next, Fault<'a>> {
    let bytes = network.bytes;
    let Some((&[flags, message, _, _, i0, i1, i2, i3], mut rest)) = bytes.split_first_chunk::<8>() else {
        return Err(Fault::truncated(Layer::Tunnel, bytes));
    };
    if flags & GTP_VERSION_AND_TYPE != GTP_1_USER || message != GTP_USER_PACKET {
        return Err(Fault::unsupported(Layer::Tunnel, bytes));
    }
    let truncated = || Fault::truncated(Layer::Tunnel, bytes);
    if flags & GTP_HAS_MORE != 0 {
        let (&[.., first], behind) = rest.split_first_chunk::<4>().ok_or_else(truncated)?;
        let mut next = first;
        rest = behind;
        while next != 0 {
            let len = rest.first().map_or(0, |words| usize::from(*words).saturating_mul(4));
            let header = rest.get(..len).filter(|header| !header.is_empty()).ok_or_else(truncated)?;
            next = header.last().copied().unwrap_or_default();
            rest = rest.get(len..).unwrap_or_default();
        }
    }
    network.bytes = rest;
    walk.enter_between((TunnelKind::Gtp, Some(u32::from_be_bytes([i0, i1, i2, i3]))), datagram)?;
    Ok(Next::AnyIp)
}

/// Authentication (`0 1`, lengths of two fields, those, nonce and confirmation) and origin (`0 0`, port, address) may
/// stand before the packet (RFC 4380 §5.1.1).
fn teredo<'a>(
    walk: &mut Walk<'_, 'a>,
    datagram: &Datagram<'a>,
    network: &mut Network<'a>,
) -> Result<Next, Fault<'a>> {
    let mut bytes = network.bytes;
    if let [0, 1, id_len, value_len, rest @ ..] = bytes {
        let len = usize::from(*id_len).saturating_add(usize::from(*value_len)).saturating_add(9);
        bytes = rest.get(len..).unwrap_or_default();
    }
    if let [0, 0, ..] = bytes {
        bytes = bytes.get(8..).unwrap_or_default();
    }
    if bytes.first().is_none_or(|first| first >> 4 != 6) {
        return Err(Fault::unsupported(Layer::Tunnel, network.bytes));
    }
    network.bytes = bytes;
    walk.enter_between((TunnelKind::Teredo, None), datagram)?;
    Ok(Next::Ip(IpVersion::V6))
}

/// ```text
/// identity's length and type u8 | signature's length in words, and hash u8 | authentication and operation u8 |
/// next protocol u8 | time u32 | identity, 2^length bytes | signature
/// ```
///
/// Only what is forwarded is followed.
fn ayiya<'a>(
    walk: &mut Walk<'_, 'a>,
    datagram: &Datagram<'a>,
    network: &mut Network<'a>,
) -> Result<Next, Fault<'a>> {
    let bytes = network.bytes;
    let Some((&[identity, signature, operation, protocol, ..], rest)) = bytes.split_first_chunk::<8>() else {
        return Err(Fault::truncated(Layer::Tunnel, bytes));
    };
    let next = match (operation & 0x0f, protocol) {
        (AYIYA_FORWARD, 4) => Next::Ip(IpVersion::V4),
        (AYIYA_FORWARD, 41) => Next::Ip(IpVersion::V6),
        _ => return Err(Fault::unsupported(Layer::Tunnel, bytes)),
    };
    let len = (1_usize << (identity >> 4)).saturating_add(usize::from(signature >> 4).saturating_mul(4));
    network.bytes = rest.get(len..).ok_or(Fault::truncated(Layer::Tunnel, bytes))?;
    walk.enter_between((TunnelKind::Ayiya, None), datagram)?;
    Ok(next)
}

const AYIYA_FORWARD: u8 = 1;
const VXLAN_HAS_NETWORK: u8 = 0x08;
const VXLAN_HAS_PROTOCOL: u8 = 0x04;
const VXLAN_GPE_RESERVED: u8 = 0xf0;
const GTP_VERSION_AND_TYPE: u8 = 0xf0;
const GTP_1_USER: u8 = 0x30;
const GTP_HAS_MORE: u8 = 0x07;
const GTP_USER_PACKET: u8 = 255;
/// The ports as IANA registers them.
const VXLAN_GPE: u16 = 4790;
const GENEVE: u16 = 6081;
const GTP: u16 = 2152;
const L2TP: u16 = 1701;
const MPLS: u16 = 6635;
const GRE: u16 = 4754;
const TEREDO: u16 = 3544;
const AYIYA: u16 = 5072;
