//! TCP, UDP and SCTP headers.
#![allow(clippy::inline_always, reason = "measured: a call on every packet's way costs a third of its time")]

use df_core::{Endpoint, SctpChunks, SctpHeader, TcpFlags, TcpSegment, TransportHeader};
use etherparse::{IpNumber, TcpHeaderSlice, TcpOptionElement, UdpHeaderSlice};

use super::error::{Fault, Layer};
use super::icmp;
use super::ip::Datagram;

/// A transport header and what it carries.
pub(super) struct Segment<'a> {
    pub(super) source: Endpoint,
    pub(super) destination: Endpoint,
    pub(super) header: TransportHeader,
    /// The captured bytes behind the header.
    pub(super) payload: &'a [u8],
    /// How many there were on the wire; at least `payload.len()`.
    pub(super) payload_len: u32,
}

/// Reads the transport header of a datagram.
#[inline(always)]
pub(super) fn segment<'a>(datagram: &Datagram<'a>) -> Result<Segment<'a>, Fault<'a>> {
    match datagram.protocol {
        IpNumber::TCP => tcp(datagram),
        IpNumber::UDP => udp(datagram),
        IpNumber::ICMP | IpNumber::IPV6_ICMP => icmp::message(datagram),
        IpNumber::SCTP => sctp(datagram),
        _ => Err(Fault::unsupported(datagram.layer(), datagram.bytes)),
    }
}

#[inline(always)]
fn tcp<'a>(datagram: &Datagram<'a>) -> Result<Segment<'a>, Fault<'a>> {
    let header = match TcpHeaderSlice::from_slice(datagram.bytes) {
        Ok(header) => header,
        Err(etherparse::err::tcp::HeaderSliceError::Len(_)) => return cut_tcp(datagram),
        Err(etherparse::err::tcp::HeaderSliceError::Content(_)) => {
            return Err(Fault::malformed(Layer::Tcp, datagram.bytes));
        }
    };
    let [.., flags] = *header.slice().first_chunk::<14>().unwrap_or(&[0; 14]);
    let flags = TcpFlags(flags);
    let segment = TcpSegment::new(
        header.sequence_number(),
        header.acknowledgment_number(),
        flags,
        header.window_size(),
    );
    let window_scale = if flags.contains(TcpFlags::SYN) { window_scale(&header) } else { None };
    let header_len = header.slice().len();
    Ok(Segment {
        source: Endpoint::new(datagram.source, header.source_port()),
        destination: Endpoint::new(datagram.destination, header.destination_port()),
        header: TransportHeader::Tcp(segment.with_window_scale(window_scale)),
        payload: datagram.bytes.get(header_len..).unwrap_or_default(),
        payload_len: wire_len_past(datagram, header_len),
    })
}

fn window_scale(header: &TcpHeaderSlice<'_>) -> Option<u8> {
    header.options_iterator().map_while(Result::ok).find_map(|option| match option {
        TcpOptionElement::WindowScale(shift) => Some(shift),
        _ => None,
    })
}

/// A TCP header that the snap length cut behind its flags still accounts for a packet. Read by hand, since
/// etherparse wants the whole header.
fn cut_tcp<'a>(datagram: &Datagram<'a>) -> Result<Segment<'a>, Fault<'a>> {
    let bytes = datagram.bytes;
    let Some(&[s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags]) = bytes.first_chunk::<14>()
    else {
        return Err(Fault::truncated(Layer::Tcp, bytes));
    };
    let header_len = usize::from(offset >> 4).saturating_mul(4);
    let wire_len = usize::try_from(datagram.wire_len).unwrap_or(usize::MAX);
    if header_len < TCP_MIN_HEADER_LEN || header_len > wire_len {
        return Err(Fault::malformed(Layer::Tcp, bytes));
    }
    let window = match bytes.get(14..16) {
        Some(&[high, low]) => u16::from_be_bytes([high, low]),
        _ => 0,
    };
    let segment = TcpSegment::new(
        u32::from_be_bytes([q0, q1, q2, q3]),
        u32::from_be_bytes([a0, a1, a2, a3]),
        TcpFlags(flags),
        window,
    );
    Ok(Segment {
        source: Endpoint::new(datagram.source, u16::from_be_bytes([s0, s1])),
        destination: Endpoint::new(datagram.destination, u16::from_be_bytes([d0, d1])),
        header: TransportHeader::Tcp(segment),
        payload: &[],
        payload_len: wire_len_past(datagram, header_len),
    })
}

#[inline(always)]
fn udp<'a>(datagram: &Datagram<'a>) -> Result<Segment<'a>, Fault<'a>> {
    let Ok(header) = UdpHeaderSlice::from_slice(datagram.bytes) else {
        return Err(Fault::truncated(Layer::Udp, datagram.bytes));
    };
    let header_len = header.slice().len();
    let room = wire_len_past(datagram, header_len);
    let payload_len = match header.length() {
        // Longer than the field can tell (RFC 2675 §4), or before segmentation offload.
        0 => room,
        length => match usize::from(length).checked_sub(header_len) {
            Some(told) => u32::try_from(told).unwrap_or(u32::MAX).min(room),
            None => return Err(Fault::malformed(Layer::Udp, datagram.bytes)),
        },
    };
    let payload = datagram.bytes.get(header_len..).unwrap_or_default();
    let captured_len = usize::try_from(payload_len).unwrap_or(usize::MAX);
    Ok(Segment {
        source: Endpoint::new(datagram.source, header.source_port()),
        destination: Endpoint::new(datagram.destination, header.destination_port()),
        header: TransportHeader::Udp,
        payload: payload.get(..captured_len).unwrap_or(payload),
        payload_len,
    })
}

/// ```text
/// source port u16 | destination port u16 | verification tag u32 | checksum u32 |
/// { type u8 | flags u8 | length u16 | value, padded to four bytes }
/// ```
fn sctp<'a>(datagram: &Datagram<'a>) -> Result<Segment<'a>, Fault<'a>> {
    let bytes = datagram.bytes;
    let Some((&[s0, s1, d0, d1, v0, v1, v2, v3, ..], payload)) = bytes.split_first_chunk::<SCTP_HEADER_LEN>()
    else {
        return Err(Fault::truncated(Layer::Sctp, bytes));
    };
    let header = SctpHeader::new(u32::from_be_bytes([v0, v1, v2, v3]), sctp_chunks(payload));
    Ok(Segment {
        source: Endpoint::new(datagram.source, u16::from_be_bytes([s0, s1])),
        destination: Endpoint::new(datagram.destination, u16::from_be_bytes([d0, d1])),
        header: TransportHeader::Sctp(header),
        payload,
        payload_len: wire_len_past(datagram, SCTP_HEADER_LEN),
    })
}

/// The types of the chunks, as far as they were captured. Every one is at least four bytes long.
fn sctp_chunks(mut payload: &[u8]) -> SctpChunks {
    let mut chunks = SctpChunks::default();
    while let Some(&[kind, _, len_0, len_1]) = payload.first_chunk::<4>() {
        chunks = chunks.union(match kind {
            SCTP_INTERLEAVING_DATA => SctpChunks::DATA,
            kind => SctpChunks(1_u16.checked_shl(kind.into()).unwrap_or_default()),
        });
        let len = usize::from(u16::from_be_bytes([len_0, len_1])).max(4).next_multiple_of(4);
        payload = payload.get(len..).unwrap_or_default();
    }
    chunks
}

#[inline]
fn wire_len_past(datagram: &Datagram<'_>, header_len: usize) -> u32 {
    datagram.wire_len.saturating_sub(u32::try_from(header_len).unwrap_or(u32::MAX))
}

const TCP_MIN_HEADER_LEN: usize = 20;
const SCTP_HEADER_LEN: usize = 12;
/// User data that may interleave (RFC 8260 §2.1).
const SCTP_INTERLEAVING_DATA: u8 = 64;
