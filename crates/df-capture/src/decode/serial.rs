//! Frames of serial lines: PPP and Cisco's framing, which share link types, and frame relay.

use etherparse::EtherType;

use super::error::{Fault, Layer};
use super::layer_two::{Next, skip, type_behind};
use super::link::{IpVersion, Network};

/// PPP, or Cisco's framing, which begins with other addresses: address u8, control u8, ethertype.
pub(super) fn ppp_or_cisco<'a>(network: &mut Network<'a>) -> Result<Next, Fault<'a>> {
    match *network.bytes {
        [0x0f | 0x8f, 0x00, ..] => type_behind(network, 2),
        _ => Ok(Next::Ppp),
    }
}

/// A byte that says which way the frame went stands before it, or in place of PPP's address.
pub(super) fn ppp_with_direction<'a>(network: &mut Network<'a>) -> Result<Next, Fault<'a>> {
    let control_len = if network.bytes.get(1) == Some(&0x03) { 2 } else { 1 };
    skip(network, control_len, Next::Ppp)
}

/// Two to four bytes of address, the last one marked; then RFC 2427's control and protocol, or Cisco's ethertype.
pub(super) fn frame_relay<'a>(network: &mut Network<'a>) -> Result<Next, Fault<'a>> {
    let bytes = network.bytes;
    let Some(last) = bytes.iter().take(4).position(|byte| byte & 1 == 1) else {
        return Err(Fault::malformed(Layer::Link, bytes));
    };
    let behind = bytes.get(last..).and_then(|rest| rest.get(1..)).unwrap_or_default();
    let (next, rest) = match *behind {
        [0x03, 0xcc, ref rest @ ..] => (Next::Ip(IpVersion::V4), rest),
        [0x03, 0x8e, ref rest @ ..] => (Next::Ip(IpVersion::V6), rest),
        [0x03, 0xcf, ref rest @ ..] => (Next::Ppp, rest),
        // SNAP, after a byte of padding: RFC 2427 §4.1; bridged frames, §4.2, with and without their checksum.
        [0x03, 0x00, 0x80, 0, 0, 0, type_0, type_1, ref rest @ ..] => {
            (Next::EtherType(EtherType(u16::from_be_bytes([type_0, type_1]))), rest)
        }
        [0x03, 0x00, 0x80, 0, 0x80, 0xc2, 0, 1 | 7, ref rest @ ..] => (Next::Ethernet, rest),
        [0x03, ..] => return Err(Fault::unsupported(Layer::Link, bytes)),
        [type_0, type_1, ref rest @ ..] => {
            (Next::EtherType(EtherType(u16::from_be_bytes([type_0, type_1]))), rest)
        }
        _ => return Err(Fault::truncated(Layer::Link, bytes)),
    };
    network.bytes = rest;
    Ok(next)
}
