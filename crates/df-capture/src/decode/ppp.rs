//! PPP frames, bare or over Ethernet.

use df_core::{Tunnel, TunnelKind};

use super::error::{Fault, Layer};
use super::layer_two::{Next, skip};
use super::link::{IpVersion, Network};
use super::walk::Walk;

/// A frame, after the address and control bytes where they are there (RFC 1662 §3.1). The protocol field is one byte
/// where it is compressed: then, and only then, its first byte is odd (RFC 1661 §2).
pub(super) fn frame<'a>(network: &mut Network<'a>) -> Result<Next, Fault<'a>> {
    let start = network.bytes;
    let bytes = match *start {
        [0xff, 0x03, ref rest @ ..] => rest,
        _ => start,
    };
    let (protocol, rest) = match *bytes {
        [first, ref rest @ ..] if first & 1 == 1 => (u16::from(first), rest),
        [first, second, ref rest @ ..] => (u16::from_be_bytes([first, second]), rest),
        _ => return Err(Fault::truncated(Layer::Ppp, bytes)),
    };
    network.bytes = rest;
    match protocol {
        0x0021 => Ok(Next::Ip(IpVersion::V4)),
        0x0057 => Ok(Next::Ip(IpVersion::V6)),
        0x0281 => Ok(Next::Mpls),
        // A multilink frame that is whole: both its begin and its end are marked (RFC 1990 §3).
        0x003d if rest.first().is_some_and(|flags| flags & 0xc0 == 0xc0) => skip(network, 4, Next::Ppp),
        // A bridged frame of type IEEE 802.3 (RFC 3518 §4.2).
        0x0031 if rest.get(1) == Some(&1) => skip(network, 2, Next::Ethernet),
        _ => Err(Fault::unsupported(Layer::Ppp, start)),
    }
}

/// ```text
/// version and type u8 | code u8 | identifier u16 | length u16 | PPP
/// ```
pub(super) fn over_ethernet<'a>(
    walk: &mut Walk<'_, 'a>,
    network: &mut Network<'a>,
) -> Result<Next, Fault<'a>> {
    let bytes = network.bytes;
    let Some((&[version_and_type, code, id_0, id_1, ..], rest)) = bytes.split_first_chunk::<6>() else {
        return Err(Fault::truncated(Layer::Ppp, bytes));
    };
    if version_and_type != 0x11 || code != 0 {
        return Err(Fault::malformed(Layer::Ppp, bytes));
    }
    let id = u32::from_be_bytes([0, 0, id_0, id_1]);
    walk.enter(Tunnel::new(TunnelKind::Pppoe, Some(id)), Layer::Ppp, bytes)?;
    network.bytes = rest;
    Ok(Next::Ppp)
}
