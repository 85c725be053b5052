//! Headers between IP and the transport: IPv6 extension headers and the authentication header.
#![allow(clippy::inline_always, reason = "measured: a call on every packet's way costs a third of its time")]

use etherparse::{IpAuthHeaderSlice, IpNumber, Ipv6FragmentHeaderSlice, Ipv6RawExtHeaderSlice};

use super::error::{Fault, Layer};
use super::ip::{Datagram, FragmentPlace};

/// Moves past all of them, or to the first fragment header. Every one is at least eight bytes long, so the walk ends with the bytes.
#[inline(always)]
pub(super) fn skip(mut datagram: Datagram<'_>) -> Result<Datagram<'_>, Fault<'_>> {
    loop {
        let (next, header_len) = match datagram.protocol {
            IpNumber::IPV6_HEADER_HOP_BY_HOP
            | IpNumber::IPV6_ROUTE_HEADER
            | IpNumber::IPV6_DESTINATION_OPTIONS
            | IpNumber::MOBILITY_HEADER => options(datagram.bytes)?,
            IpNumber::IPV6_FRAGMENTATION_HEADER => {
                let (next, place) = fragment(datagram.bytes)?;
                datagram = datagram.past(FRAGMENT_HEADER_LEN);
                datagram.protocol = next;
                datagram.fragment = place;
                if place.is_some() {
                    return Ok(datagram);
                }
                continue;
            }
            IpNumber::AUTHENTICATION_HEADER => authentication(datagram.bytes)?,
            _ => return Ok(datagram),
        };
        datagram = datagram.past(header_len);
        datagram.protocol = next;
    }
}

fn options(bytes: &[u8]) -> Result<(IpNumber, usize), Fault<'_>> {
    let header =
        Ipv6RawExtHeaderSlice::from_slice(bytes).map_err(|_| Fault::truncated(Layer::Extension, bytes))?;
    Ok((header.next_header(), header.slice().len()))
}

/// A fragment header on a packet that is whole is allowed and harmless (RFC 6946).
fn fragment(bytes: &[u8]) -> Result<(IpNumber, Option<FragmentPlace>), Fault<'_>> {
    let header =
        Ipv6FragmentHeaderSlice::from_slice(bytes).map_err(|_| Fault::truncated(Layer::Extension, bytes))?;
    let place = header.is_fragmenting_payload().then(|| FragmentPlace {
        identification: header.identification(),
        offset: u32::from(header.fragment_offset().value()).saturating_mul(8),
        has_more: header.more_fragments(),
    });
    Ok((header.next_header(), place))
}

fn authentication(bytes: &[u8]) -> Result<(IpNumber, usize), Fault<'_>> {
    match IpAuthHeaderSlice::from_slice(bytes) {
        Ok(header) => Ok((header.next_header(), header.slice().len())),
        Err(etherparse::err::ip_auth::HeaderSliceError::Len(_)) => {
            Err(Fault::truncated(Layer::Extension, bytes))
        }
        Err(etherparse::err::ip_auth::HeaderSliceError::Content(_)) => {
            Err(Fault::malformed(Layer::Extension, bytes))
        }
    }
}

const FRAGMENT_HEADER_LEN: usize = 8;
