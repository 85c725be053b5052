//! Frames to packets: link, network and transport headers.

use df_core::Packet;

use crate::Frame;

mod error;
mod ethertype;
mod extension;
mod ip;
mod link;
mod stats;
mod transport;
mod tunnel;

use error::Fault;
pub use error::{DecodeError, DecodeErrorReason, Layer};
pub use stats::DecodeStats;

/// Reads the headers of one frame.
///
/// A frame cut by a snap length decodes as far as its transport header was captured; the packet's `payload_len` and
/// other lengths are those on the wire all the same. Padding behind the IP packet is left out. Allocates nothing.
///
/// # Errors
///
/// What is not TCP, UDP or ICMP over IP, what is a fragment and what is cut or malformed before the end of its
/// transport header gives a [`DecodeError`], worth a counter ([`DecodeStats`]) and nothing more.
pub fn decode<'a>(frame: &Frame<'a>) -> Result<Packet<'a>, DecodeError> {
    decode_layers(frame).map_err(|fault| fault.within(frame.bytes))
}

#[inline]
fn decode_layers<'a>(frame: &Frame<'a>) -> Result<Packet<'a>, Fault<'a>> {
    let mut network = link::network_layer(frame)?;
    let mut datagram = ip::datagram(&network, wire_len(frame, network.bytes))?;
    for _ in 0..tunnel::MAX_DEPTH {
        let Some(inner) = tunnel::inner(&datagram, &network)? else { break };
        network = inner;
        datagram = ip::datagram(&network, wire_len(frame, network.bytes))?;
    }
    let segment = transport::segment(&datagram)?;
    let mut packet =
        Packet::new(frame.timestamp, segment.source, segment.destination, segment.header, segment.payload);
    packet.interface = network.interface;
    packet.vlan = network.vlan;
    packet.payload_len = segment.payload_len;
    packet.frame_len = frame.original_len.saturating_add(stripped_len(frame));
    packet.ip_len = datagram.ip_len;
    Ok(packet)
}

/// How many bytes the tags that were taken out had on the wire.
#[inline]
fn stripped_len(frame: &Frame<'_>) -> u32 {
    let tags = [frame.stripped_vlan.outer, frame.stripped_vlan.inner];
    tags.iter().flatten().map(|_| VLAN_TAG_LEN).sum()
}

/// How many bytes of the frame there were on the wire from `rest`, the end of its captured bytes, on.
#[inline]
fn wire_len(frame: &Frame<'_>, rest: &[u8]) -> u32 {
    let read = frame.bytes.len().saturating_sub(rest.len());
    frame.original_len.saturating_sub(u32::try_from(read).unwrap_or(u32::MAX))
}

const VLAN_TAG_LEN: u32 = 4;
