//! L2TP: PPP frames of version 2, and the pseudowires of version 3 that can be told.

use df_core::TunnelKind;

use super::error::{Fault, Layer};
use super::ip::Datagram;
use super::layer_two::{Next, is_ethernet};
use super::link::Network;
use super::walk::Walk;

/// ```text
/// version 2: flags and version u16 | length u16 if L | tunnel u16 | call u16 | numbers u32 if S | offset u16 if O | PPP
/// version 3: flags and version u16 | reserved u16 | identifier u32 | cookie and sublayer, agreed upon | frame
/// ```
///
/// RFC 2661 §3.1, RFC 3931 §4.1. Control messages stay UDP.
pub(super) fn over_udp<'a>(
    walk: &mut Walk<'_, 'a>,
    datagram: &Datagram<'a>,
    network: &mut Network<'a>,
) -> Result<Next, Fault<'a>> {
    let bytes = network.bytes;
    let Some(&[flags, version]) = bytes.first_chunk::<2>() else {
        return Err(Fault::truncated(Layer::Tunnel, bytes));
    };
    match version & 0x0f {
        _ if flags & CONTROL != 0 => Err(Fault::unsupported(Layer::Tunnel, bytes)),
        2 => {
            let (id, rest) = version_2(flags, bytes).ok_or(Fault::truncated(Layer::Tunnel, bytes))?;
            network.bytes = rest;
            walk.enter_between((TunnelKind::L2tp, Some(id)), datagram)?;
            Ok(Next::Ppp)
        }
        3 => {
            network.bytes = bytes.get(4..).unwrap_or_default();
            over_ip(walk, datagram, network)
        }
        _ => Err(Fault::unsupported(Layer::Tunnel, bytes)),
    }
}

/// Version 3 directly in IP, or behind the first word in UDP. The lengths of cookie and sublayer are agreed upon in
/// control messages; the frame is looked for where they may end.
pub(super) fn over_ip<'a>(
    walk: &mut Walk<'_, 'a>,
    datagram: &Datagram<'a>,
    network: &mut Network<'a>,
) -> Result<Next, Fault<'a>> {
    let bytes = network.bytes;
    let Some((id, rest)) = bytes.split_first_chunk::<4>() else {
        return Err(Fault::truncated(Layer::Tunnel, bytes));
    };
    let id = u32::from_be_bytes(*id);
    let frame = [0, 4, 8, 12].iter().filter_map(|len| rest.get(*len..)).find(|frame| is_ethernet(frame));
    let (1.., Some(frame)) = (id, frame) else {
        return Err(Fault::unsupported(Layer::Tunnel, bytes));
    };
    network.bytes = frame;
    walk.enter_between((TunnelKind::L2tp, Some(id)), datagram)?;
    Ok(Next::Ethernet)
}

/// Tunnel and call, and the PPP frame.
fn version_2(flags: u8, bytes: &[u8]) -> Option<(u32, &[u8])> {
    let ids_at = if flags & LENGTH != 0 { 4 } else { 2 };
    let (ids, mut rest) = bytes.get(ids_at..)?.split_first_chunk::<4>()?;
    if flags & SEQUENCE != 0 {
        rest = rest.get(4..)?;
    }
    if flags & OFFSET != 0 {
        let (offset, padded) = rest.split_first_chunk::<2>()?;
        rest = padded.get(usize::from(u16::from_be_bytes(*offset))..)?;
    }
    Some((u32::from_be_bytes(*ids), rest))
}

const CONTROL: u8 = 0x80;
const LENGTH: u8 = 0x40;
const SEQUENCE: u8 = 0x08;
const OFFSET: u8 = 0x02;
