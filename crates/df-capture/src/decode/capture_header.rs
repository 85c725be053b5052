//! Headers that a capturing system puts before a packet or frame: no network ever carried them.

use super::error::{DecodeErrorReason, Fault, Layer};
use super::layer_two::{Next, skip, type_behind};
use super::link::{self, IpVersion, Network};
use crate::LinkType;

/// Moves past a header that names the link type of what follows.
///
/// ```text
/// PPI:   version u8 | flags u8 | length u16 | link type u32
/// PKTAP: length u32 | record type u32 | link type u32 | and more
/// ```
///
/// All little-endian.
pub(super) fn inner_link_type<'a>(
    network: &mut Network<'a>,
    link_type: LinkType,
) -> Result<LinkType, Fault<'a>> {
    let bytes = network.bytes;
    let Some(header) = bytes.first_chunk::<12>() else { return Err(Fault::truncated(Layer::Link, bytes)) };
    let [b0, b1, len_0, len_1, l0, l1, ..] = *header;
    let [.., k0, k1, _, _] = *header;
    let (len, inner) = if link_type == LinkType::PPI {
        (u32::from(u16::from_le_bytes([len_0, len_1])), u16::from_le_bytes([l0, l1]))
    } else {
        (u32::from_le_bytes([b0, b1, len_0, len_1]), u16::from_le_bytes([k0, k1]))
    };
    skip(network, usize::try_from(len).unwrap_or(usize::MAX), Next::Ethernet)?;
    Ok(LinkType(inner))
}

/// ```text
/// family u8 | version u8 | resource u16 | { length u16 | type u16 | value, padded to four bytes }
/// ```
///
/// Lengths are in the byte order of the capturing host, which is not known: only the right one is short enough.
pub(super) fn nflog<'a>(network: &mut Network<'a>) -> Result<Next, Fault<'a>> {
    let start = network.bytes;
    let Some((&[family, _, _, _], mut rest)) = start.split_first_chunk::<4>() else {
        return Err(Fault::truncated(Layer::Link, start));
    };
    let next = link::family_version(family.into()).ok_or(Fault::unsupported(Layer::Link, start))?;
    while let Some(&[len_0, len_1, type_0, type_1]) = rest.first_chunk::<4>() {
        let is_little = u16::from_le_bytes([type_0, type_1]) < 256;
        let read = |bytes| if is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) };
        let (len, kind) = (usize::from(read([len_0, len_1])), read([type_0, type_1]));
        if len < 4 {
            return Err(Fault::malformed(Layer::Link, rest));
        }
        if kind == NFLOG_PAYLOAD {
            let value = rest.get(4..len).or_else(|| rest.get(4..));
            network.bytes = value.unwrap_or_default();
            return Ok(next);
        }
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    Err(Fault::truncated(Layer::Link, start))
}

/// OpenBSD's packet filter: length of the header u8, family u8, and more, padded to four bytes.
pub(super) fn pflog<'a>(network: &mut Network<'a>) -> Result<Next, Fault<'a>> {
    let bytes = network.bytes;
    let Some(&[len, family]) = bytes.first_chunk::<2>() else {
        return Err(Fault::truncated(Layer::Link, bytes));
    };
    let next = link::family_version(family.into()).ok_or(Fault::unsupported(Layer::Link, bytes))?;
    skip(network, usize::from(len).next_multiple_of(4), next)
}

/// Solaris: version u8, family u8, and 22 bytes about hook and zones.
pub(super) fn ipnet<'a>(network: &mut Network<'a>) -> Result<Next, Fault<'a>> {
    let bytes = network.bytes;
    let next = match bytes.get(1) {
        Some(2) => Next::Ip(IpVersion::V4),
        Some(26) => Next::Ip(IpVersion::V6),
        Some(_) => return Err(Fault::unsupported(Layer::Link, bytes)),
        None => return Err(Fault::truncated(Layer::Link, bytes)),
    };
    skip(network, 24, next)
}

/// ```text
/// time u64 | type u8 | flags u8 | record length u16 | lost u16 | wire length u16 | extensions of 8 bytes each
/// ```
///
/// Bit 7 of the type, and of each extension's first byte, says that an extension follows.
pub(super) fn erf<'a>(network: &mut Network<'a>) -> Result<Next, Fault<'a>> {
    let start = network.bytes;
    let Some((&[_, _, _, _, _, _, _, _, kind, ..], rest)) = start.split_first_chunk::<16>() else {
        return Err(Fault::truncated(Layer::Link, start));
    };
    network.bytes = rest;
    let mut has_extension = kind & 0x80 != 0;
    while has_extension {
        has_extension = network.bytes.first().is_some_and(|first| first & 0x80 != 0);
        skip(network, 8, Next::Ethernet)?;
    }
    match kind & 0x7f {
        // Frames of several colours, after two bytes of padding.
        2 | 11 | 16 | 20 => skip(network, 2, Next::Ethernet),
        1 => type_behind(network, 2),
        22 => Ok(Next::Ip(IpVersion::V4)),
        23 => Ok(Next::Ip(IpVersion::V6)),
        _ => Err(Fault::new(Layer::Link, DecodeErrorReason::UnsupportedLinkType, start)),
    }
}

const NFLOG_PAYLOAD: u16 = 9;
