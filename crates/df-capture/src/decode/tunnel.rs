//! Tunnels that carry a packet or frame directly in IP: IP in IP, GRE and ERSPAN.

use df_core::VlanTags;
use etherparse::{EtherType, IpNumber};

use super::error::{DecodeErrorReason, Fault, Layer};
use super::ip::Datagram;
use super::link::{self, IpVersion, Network};

/// The packet inside, if `datagram` is a tunnel's. VLAN tags are those of the frame inside.
#[inline]
pub(super) fn inner<'a>(
    datagram: &Datagram<'a>,
    outer: &Network<'a>,
) -> Result<Option<Network<'a>>, Fault<'a>> {
    let version = match datagram.protocol {
        IpNumber::IPV4 => Some(IpVersion::V4),
        IpNumber::IPV6 => Some(IpVersion::V6),
        IpNumber::GRE => None,
        _ => return Ok(None),
    };
    let mut network =
        Network { version, bytes: datagram.bytes, vlan: VlanTags::default(), interface: outer.interface };
    if version.is_none() {
        gre(&mut network)?;
    }
    Ok(Some(network))
}

/// ```text
/// flags and version u16 | protocol u16 | checksum u32 if C | key u32 if K | sequence number u32 if S
/// ```
///
/// RFC 2784, RFC 2890. Version 1 carries PPP for PPTP and is not read.
fn gre<'a>(network: &mut Network<'a>) -> Result<(), Fault<'a>> {
    let bytes = network.bytes;
    let Some((&[flags, version, protocol_0, protocol_1], _)) = bytes.split_first_chunk::<4>() else {
        return Err(Fault::truncated(Layer::Gre, bytes));
    };
    if version & 0x07 != 0 {
        return Err(Fault::unsupported(Layer::Gre, bytes));
    }
    if flags & ROUTING != 0 {
        return Err(Fault::new(Layer::Gre, DecodeErrorReason::Malformed, bytes));
    }
    let fields = [CHECKSUM, KEY, SEQUENCE_NUMBER].into_iter().filter(|flag| flags & flag != 0).count();
    network.bytes = bytes.get(4 + 4 * fields..).ok_or(Fault::truncated(Layer::Gre, bytes))?;
    match u16::from_be_bytes([protocol_0, protocol_1]) {
        ETHERNET_BRIDGING => link::ethernet(network),
        // Type I has no header of its own, and no sequence number in front of it.
        ERSPAN_2 if flags & SEQUENCE_NUMBER == 0 => link::ethernet(network),
        ERSPAN_2 => framed(network, ERSPAN_2_HEADER_LEN),
        ERSPAN_3 => erspan_3(network),
        protocol => super::ethertype::follow(network, EtherType(protocol)),
    }
}

/// The header ends with a flag that says whether a platform's own eight bytes follow.
fn erspan_3<'a>(network: &mut Network<'a>) -> Result<(), Fault<'a>> {
    let Some(header) = network.bytes.first_chunk::<ERSPAN_3_HEADER_LEN>() else {
        return Err(Fault::truncated(Layer::Gre, network.bytes));
    };
    let platform_len = if header[ERSPAN_3_HEADER_LEN - 1] & 1 == 1 { 8 } else { 0 };
    framed(network, ERSPAN_3_HEADER_LEN + platform_len)
}

fn framed<'a>(network: &mut Network<'a>, header_len: usize) -> Result<(), Fault<'a>> {
    let bytes = network.bytes;
    network.bytes = bytes.get(header_len..).ok_or(Fault::truncated(Layer::Gre, bytes))?;
    link::ethernet(network)
}

/// How many tunnels deep a packet is followed.
pub(super) const MAX_DEPTH: usize = 4;

const CHECKSUM: u8 = 0x80;
const ROUTING: u8 = 0x40;
const KEY: u8 = 0x20;
const SEQUENCE_NUMBER: u8 = 0x10;
const ETHERNET_BRIDGING: u16 = 0x6558;
const ERSPAN_2: u16 = 0x88be;
const ERSPAN_3: u16 = 0x22eb;
const ERSPAN_2_HEADER_LEN: usize = 8;
const ERSPAN_3_HEADER_LEN: usize = 12;
