//! IPv4 and IPv6 headers, down to the transport layer.
#![allow(clippy::inline_always, reason = "measured: a call on every packet's way costs a third of its time")]

use std::net::IpAddr;

use etherparse::{IpNumber, Ipv4HeaderSlice, Ipv6HeaderSlice};

use super::error::{Fault, Layer};
use super::extension;
use super::link::{IpVersion, Network};

/// An IP packet without its headers.
pub(super) struct Datagram<'a> {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    /// The transport protocol.
    pub(super) protocol: IpNumber,
    /// The captured bytes behind the IP headers; link padding is left out.
    pub(super) bytes: &'a [u8],
    /// How many of those there were on the wire; at least `bytes.len()`.
    pub(super) wire_len: u32,
    /// The IP packet's length on the wire, its headers included.
    pub(super) ip_len: u32,
    /// Where the bytes belong, if the packet is a fragment: then nothing behind the IP header has been read.
    pub(super) fragment: Option<FragmentPlace>,
}

/// Where a fragment belongs.
#[derive(Debug, Clone, Copy)]
pub(super) struct FragmentPlace {
    pub(super) identification: u32,
    /// In bytes from the start of the datagram's fragmentable part.
    pub(super) offset: u32,
    pub(super) has_more: bool,
}

/// The whole datagram of which `last` was the last fragment to arrive: `wire_len` bytes behind its headers, and the IP
/// packets' lengths together.
pub(super) fn reassembled<'a>(
    last: &Datagram<'a>,
    protocol: IpNumber,
    bytes: &'a [u8],
    (wire_len, ip_len): (u32, u32),
) -> Result<Datagram<'a>, Fault<'a>> {
    let Datagram { source, destination, .. } = *last;
    extension::skip(Datagram { source, destination, protocol, bytes, wire_len, ip_len, fragment: None })
}

/// Reads the IP header at the start of the network layer, of which `wire_len` bytes were on the wire. A length field
/// that claims more is not believed: the bytes never crossed this wire.
#[inline(always)]
pub(super) fn datagram<'a>(network: &Network<'a>, wire_len: u32) -> Result<Datagram<'a>, Fault<'a>> {
    let version = match network.version {
        Some(version) => version,
        None => announced_version(network.bytes)?,
    };
    match version {
        IpVersion::V4 => ipv4(network.bytes, wire_len),
        IpVersion::V6 => ipv6(network.bytes, wire_len),
    }
}

fn announced_version(bytes: &[u8]) -> Result<IpVersion, Fault<'_>> {
    match bytes.first().map(|first| first >> 4) {
        Some(4) => Ok(IpVersion::V4),
        Some(6) => Ok(IpVersion::V6),
        Some(_) => Err(Fault::malformed(Layer::Link, bytes)),
        None => Err(Fault::truncated(Layer::Link, bytes)),
    }
}

#[inline(always)]
fn ipv4(bytes: &[u8], wire_len: u32) -> Result<Datagram<'_>, Fault<'_>> {
    let header = match Ipv4HeaderSlice::from_slice(bytes) {
        Ok(header) => header,
        Err(etherparse::err::ipv4::HeaderSliceError::Len(_)) => {
            return Err(Fault::truncated(Layer::Ipv4, bytes));
        }
        Err(etherparse::err::ipv4::HeaderSliceError::Content(_)) => {
            return Err(Fault::malformed(Layer::Ipv4, bytes));
        }
    };
    let header_len = header.slice().len();
    // The kernel leaves the length at 0 in packets that the network card is to cut up (segmentation offload).
    let ip_len = match header.total_len() {
        0 => wire_len,
        total_len if usize::from(total_len) < header_len => return Err(Fault::malformed(Layer::Ipv4, bytes)),
        total_len => u32::from(total_len).min(wire_len),
    };
    let fragment = header.is_fragmenting_payload().then(|| FragmentPlace {
        identification: header.identification().into(),
        offset: u32::from(header.fragments_offset().value()).saturating_mul(8),
        has_more: header.more_fragments(),
    });
    let datagram = Datagram {
        source: IpAddr::V4(header.source_addr()),
        destination: IpAddr::V4(header.destination_addr()),
        protocol: header.protocol(),
        bytes: without_padding(bytes, ip_len),
        wire_len: ip_len,
        ip_len,
        fragment,
    };
    let datagram = datagram.past(header_len);
    if datagram.fragment.is_some() { Ok(datagram) } else { extension::skip(datagram) }
}

#[inline(always)]
fn ipv6(bytes: &[u8], wire_len: u32) -> Result<Datagram<'_>, Fault<'_>> {
    let header = match Ipv6HeaderSlice::from_slice(bytes) {
        Ok(header) => header,
        Err(etherparse::err::ipv6::HeaderSliceError::Len(_)) => {
            return Err(Fault::truncated(Layer::Ipv6, bytes));
        }
        Err(etherparse::err::ipv6::HeaderSliceError::Content(_)) => {
            return Err(Fault::malformed(Layer::Ipv6, bytes));
        }
    };
    let header_len = header.slice().len();
    // Length 0 is a jumbogram (RFC 2675) or a packet before segmentation offload; both fill the frame.
    let ip_len = match header.payload_length() {
        0 => wire_len,
        payload_len => u32::from(payload_len).saturating_add(IPV6_HEADER_LEN).min(wire_len),
    };
    let datagram = Datagram {
        source: IpAddr::V6(header.source_addr()),
        destination: IpAddr::V6(header.destination_addr()),
        protocol: header.next_header(),
        bytes: without_padding(bytes, ip_len),
        wire_len: ip_len,
        ip_len,
        fragment: None,
    };
    extension::skip(datagram.past(header_len))
}

impl Datagram<'_> {
    /// Moves past a header.
    #[inline]
    pub(super) fn past(self, header_len: usize) -> Self {
        let wire_len = self.wire_len.saturating_sub(u32::try_from(header_len).unwrap_or(u32::MAX));
        Self { bytes: self.bytes.get(header_len..).unwrap_or_default(), wire_len, ..self }
    }

    /// The version of IP, as a layer.
    pub(super) const fn layer(&self) -> Layer {
        if self.source.is_ipv4() { Layer::Ipv4 } else { Layer::Ipv6 }
    }
}

#[inline]
fn without_padding(bytes: &[u8], ip_len: u32) -> &[u8] {
    let ip_len = usize::try_from(ip_len).unwrap_or(usize::MAX);
    bytes.get(..ip_len).unwrap_or(bytes)
}

const IPV6_HEADER_LEN: u32 = 40;
