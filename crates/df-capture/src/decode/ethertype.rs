//! What an ethertype announces: IP, or a tag, label or tunnel header in between.

use etherparse::{EtherType, SingleVlanHeaderSlice};

use super::error::{Fault, Layer};
use super::link::{IpVersion, Network};

/// Follows ethertypes through tags and labels to IP. Every step takes bytes, so the walk ends with them.
#[inline]
pub(super) fn follow<'a>(network: &mut Network<'a>, mut ether_type: EtherType) -> Result<(), Fault<'a>> {
    loop {
        match ether_type {
            EtherType::IPV4 => network.version = Some(IpVersion::V4),
            EtherType::IPV6 => network.version = Some(IpVersion::V6),
            EtherType::VLAN_TAGGED_FRAME
            | EtherType::PROVIDER_BRIDGING
            | EtherType::VLAN_DOUBLE_TAGGED_FRAME
            | QINQ_OLD => {
                ether_type = vlan(network)?;
                continue;
            }
            MPLS_UNICAST | MPLS_MULTICAST => mpls(network)?,
            PPPOE_STREAM => pppoe(network)?,
            EtherType(0..=MAX_LENGTH) => {
                ether_type = snap(network)?;
                continue;
            }
            _ => return Err(Fault::unsupported(Layer::Link, network.bytes)),
        }
        return Ok(());
    }
}

/// Takes one tag and gives the ethertype behind it.
fn vlan<'a>(network: &mut Network<'a>) -> Result<EtherType, Fault<'a>> {
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
    Ok(tag.ether_type())
}

/// A frame with its length in place of an ethertype. Of those, only the ones that carry an ethertype after all are
/// read (IEEE 802.2 SNAP, RFC 1042).
fn snap<'a>(network: &mut Network<'a>) -> Result<EtherType, Fault<'a>> {
    match *network.bytes {
        [0xaa, 0xaa, 0x03, 0, 0, 0, type_0, type_1, ref rest @ ..] => {
            network.bytes = rest;
            Ok(EtherType(u16::from_be_bytes([type_0, type_1])))
        }
        _ => Err(Fault::unsupported(Layer::Link, network.bytes)),
    }
}

/// Labels of four bytes each, the last one marked (RFC 3032 §2.1); behind them IP tells its version itself.
fn mpls<'a>(network: &mut Network<'a>) -> Result<(), Fault<'a>> {
    loop {
        let Some((&[_, _, bottom, _], rest)) = network.bytes.split_first_chunk::<4>() else {
            return Err(Fault::truncated(Layer::Mpls, network.bytes));
        };
        let label = network.bytes;
        network.bytes = rest;
        if bottom & 1 == 0 {
            continue;
        }
        network.version = match rest.first().map(|first| first >> 4) {
            Some(4) => Some(IpVersion::V4),
            Some(6) => Some(IpVersion::V6),
            Some(_) => return Err(Fault::unsupported(Layer::Mpls, label)),
            None => return Err(Fault::truncated(Layer::Mpls, rest)),
        };
        return Ok(());
    }
}

/// ```text
/// version and type u8 | code u8 | identifier u16 | length u16 | PPP
/// ```
pub(super) fn pppoe<'a>(network: &mut Network<'a>) -> Result<(), Fault<'a>> {
    let Some((&[version_and_type, code, ..], rest)) = network.bytes.split_first_chunk::<6>() else {
        return Err(Fault::truncated(Layer::Ppp, network.bytes));
    };
    if version_and_type != 0x11 || code != 0 {
        return Err(Fault::malformed(Layer::Ppp, network.bytes));
    }
    network.bytes = rest;
    ppp_protocol(network)
}

/// The protocol field, one byte where it is compressed: then, and only then, its first byte is odd (RFC 1661 §2).
pub(super) fn ppp_protocol<'a>(network: &mut Network<'a>) -> Result<(), Fault<'a>> {
    let (protocol, rest) = match *network.bytes {
        [first, ref rest @ ..] if first & 1 == 1 => (u16::from(first), rest),
        [first, second, ref rest @ ..] => (u16::from_be_bytes([first, second]), rest),
        _ => return Err(Fault::truncated(Layer::Ppp, network.bytes)),
    };
    network.version = match protocol {
        0x0021 => Some(IpVersion::V4),
        0x0057 => Some(IpVersion::V6),
        0x0281 => {
            network.bytes = rest;
            return mpls(network);
        }
        _ => return Err(Fault::unsupported(Layer::Ppp, network.bytes)),
    };
    network.bytes = rest;
    Ok(())
}

/// Numbers up to this are lengths (IEEE 802.3 §3.2.6).
const MAX_LENGTH: u16 = 1500;
/// QinQ before its standard, still sent by some switches.
const QINQ_OLD: EtherType = EtherType(0x9200);
const MPLS_UNICAST: EtherType = EtherType(0x8847);
const MPLS_MULTICAST: EtherType = EtherType(0x8848);
const PPPOE_STREAM: EtherType = EtherType(0x8864);
