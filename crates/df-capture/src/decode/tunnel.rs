//! Tunnels directly in IP: IP in IP, GRE with ERSPAN and PPTP, L2TP version 3, and MPLS in IP.

use df_core::{TunnelKind, VlanTags};
use etherparse::{EtherType, IpNumber};

use super::error::{DecodeErrorReason, Fault, Layer};
use super::ip::Datagram;
use super::l2tp;
use super::layer_two::{self, Next};
use super::link::{IpVersion, Network};
use super::walk::Walk;

/// Whether a datagram of this protocol carries another packet.
#[inline]
pub(super) const fn is_carrier(protocol: IpNumber) -> bool {
    matches!(protocol, IpNumber::IPV4 | IpNumber::IPV6 | IpNumber::GRE | L2TP | MPLS_IN_IP)
}

/// The packet inside. VLAN tags are those of the frame inside.
pub(super) fn inside<'a>(
    walk: &mut Walk<'_, 'a>,
    datagram: &Datagram<'a>,
    outer: &Network<'a>,
) -> Result<Network<'a>, Fault<'a>> {
    let mut network = Network::inside(outer, datagram.bytes);
    let next = match datagram.protocol {
        IpNumber::GRE => gre(walk, datagram, &mut network)?,
        L2TP => l2tp::over_ip(walk, datagram, &mut network)?,
        MPLS_IN_IP => Next::Mpls,
        protocol => {
            let version = if protocol == IpNumber::IPV4 { IpVersion::V4 } else { IpVersion::V6 };
            walk.enter_between((ip_in_ip(datagram, version), None), datagram)?;
            Next::Ip(version)
        }
    };
    layer_two::follow(walk, &mut network, next)?;
    Ok(network)
}

const fn ip_in_ip(datagram: &Datagram<'_>, inside: IpVersion) -> TunnelKind {
    match (datagram.source.is_ipv4(), inside) {
        (true, IpVersion::V4) => TunnelKind::Ipip,
        (true, IpVersion::V6) => TunnelKind::Ip6In4,
        (false, IpVersion::V4) => TunnelKind::Ip4In6,
        (false, IpVersion::V6) => TunnelKind::Ip6In6,
    }
}

/// What the fixed part of a GRE header says.
struct Gre {
    flags: u8,
    protocol: u16,
    key: Option<u32>,
}

/// ```text
/// flags u8 | flags and version u8 | protocol u16 | checksum u32 if C | key u32 if K | sequence number u32 if S
/// ```
///
/// RFC 2784, RFC 2890. Version 1 carries PPP for PPTP, its key always there, an acknowledgment u32 behind the rest if A
/// (RFC 2637 §4.1).
pub(super) fn gre<'a>(
    walk: &mut Walk<'_, 'a>,
    datagram: &Datagram<'a>,
    network: &mut Network<'a>,
) -> Result<Next, Fault<'a>> {
    let start = network.bytes;
    let header = gre_header(network)?;
    let (next, kind, id) = match (header.protocol, header.key) {
        (PPP, key) => (Next::Ppp, TunnelKind::Gre, key),
        // Type I has no header of its own, and no sequence number in front of it.
        (ERSPAN_2, _) if header.flags & SEQUENCE_NUMBER == 0 => (Next::Ethernet, TunnelKind::Erspan, None),
        (ERSPAN_2 | ERSPAN_3, _) => {
            let (next, mirror) = erspan(network, header.protocol == ERSPAN_3)?;
            (next, TunnelKind::Erspan, Some(mirror))
        }
        // The upper 24 bits of NVGRE's key are its network, the rest spreads flows (RFC 7637 §3.2). Checksum and
        // sequence number are never there.
        (ETHERNET_BRIDGING, Some(key)) if header.flags & (CHECKSUM | SEQUENCE_NUMBER) == 0 => {
            (Next::Ethernet, TunnelKind::Nvgre, Some(key >> 8))
        }
        (protocol, key) => (Next::EtherType(EtherType(protocol)), TunnelKind::Gre, key),
    };
    // The place is that of this header, wherever it stands.
    let datagram = Datagram { bytes: start, ..*datagram };
    walk.enter_between((kind, id), &datagram)?;
    Ok(next)
}

fn gre_header<'a>(network: &mut Network<'a>) -> Result<Gre, Fault<'a>> {
    let bytes = network.bytes;
    let Some(&[flags, version, protocol_0, protocol_1]) = bytes.first_chunk::<4>() else {
        return Err(Fault::truncated(Layer::Gre, bytes));
    };
    let protocol = u16::from_be_bytes([protocol_0, protocol_1]);
    let is_pptp = version & 0x07 == 1 && protocol == PPP && flags & KEY != 0;
    // Tencent's clouds send IP with version 1 and all else as in version 0.
    let is_cloud = version & 0x07 == 1 && protocol == IPV4;
    if version & 0x07 != 0 && !is_pptp && !is_cloud {
        return Err(Fault::unsupported(Layer::Gre, bytes));
    }
    if flags & ROUTING != 0 {
        return Err(Fault::new(Layer::Gre, DecodeErrorReason::Malformed, bytes));
    }
    let words = |flag: u8| usize::from(flags & flag != 0);
    let key_at = 4 + 4 * words(CHECKSUM);
    let acknowledgment = usize::from(is_pptp && version & ACKNOWLEDGMENT != 0);
    let len = key_at + 4 * (words(KEY) + words(SEQUENCE_NUMBER) + acknowledgment);
    network.bytes = bytes.get(len..).ok_or(Fault::truncated(Layer::Gre, bytes))?;
    let key = bytes.get(key_at..).and_then(|rest| rest.first_chunk::<4>()).filter(|_| flags & KEY != 0);
    Ok(Gre { flags, protocol, key: key.map(|key| u32::from_be_bytes(*key)) })
}

/// ```text
/// type II:  version and VLAN u16 | class, encapsulation, truncated, mirror u16 | index u32
/// type III: version and VLAN u16 | class, state, mirror u16 | time u32 | group and flags u32 | platform's own u64 if O
/// ```
fn erspan<'a>(network: &mut Network<'a>, is_type_3: bool) -> Result<(Next, u32), Fault<'a>> {
    let bytes = network.bytes;
    let Some(&[_, _, mirror_0, mirror_1]) = bytes.first_chunk::<4>() else {
        return Err(Fault::truncated(Layer::Gre, bytes));
    };
    let has_platform_part = bytes.get(11).is_some_and(|flags| flags & 1 == 1);
    let len = match (is_type_3, has_platform_part) {
        (false, _) => 8,
        (true, false) => 12,
        (true, true) => 20,
    };
    network.bytes = bytes.get(len..).ok_or(Fault::truncated(Layer::Gre, bytes))?;
    Ok((Next::Ethernet, u32::from(u16::from_be_bytes([mirror_0, mirror_1]) & 0x03ff)))
}

impl<'a> Network<'a> {
    /// What begins at `bytes`, inside of a tunnel: VLAN tags begin anew.
    pub(super) fn inside(outer: &Self, bytes: &'a [u8]) -> Self {
        Self { version: None, bytes, vlan: VlanTags::default(), interface: outer.interface }
    }
}

const CHECKSUM: u8 = 0x80;
const ROUTING: u8 = 0x40;
const KEY: u8 = 0x20;
const SEQUENCE_NUMBER: u8 = 0x10;
const ACKNOWLEDGMENT: u8 = 0x80;
const IPV4: u16 = 0x0800;
const PPP: u16 = 0x880b;
const ETHERNET_BRIDGING: u16 = 0x6558;
const ERSPAN_2: u16 = 0x88be;
const ERSPAN_3: u16 = 0x22eb;
const L2TP: IpNumber = IpNumber(115);
const MPLS_IN_IP: IpNumber = IpNumber(137);
