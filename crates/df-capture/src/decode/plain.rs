//! The way of most packets: Ethernet, perhaps with tags, IP, a transport header. Nothing else is looked for, and whatever is
//! not of this kind goes the long way ([`walk`](super::walk)).
#![allow(clippy::inline_always, reason = "measured: a call on every packet's way costs a third of its time")]

use df_core::{IcmpHeader, IcmpRole, Packet, TransportHeader};

use super::link::Network;
use super::{ip, layer_two, stripped_len, transport, tunnel, udp_tunnel, walk};
use crate::{Frame, LinkType};

/// The packet of a frame without tunnels or fragments; none if it must be looked at more closely.
#[inline(always)]
pub(super) fn packet<'a>(frame: &Frame<'a>, vxlan_ports: &[u16]) -> Option<Packet<'a>> {
    if frame.link_type != LinkType::ETHERNET {
        return None;
    }
    let mut network =
        Network { version: None, bytes: frame.bytes, vlan: frame.stripped_vlan, interface: frame.interface };
    layer_two::plain(&mut network)?;
    let wire_len = walk::wire_len_from(frame.bytes, frame.original_len, network.bytes);
    let datagram = ip::datagram(&network, wire_len).ok()?;
    if datagram.fragment.is_some() || tunnel::is_carrier(datagram.protocol) {
        return None;
    }
    let segment = transport::segment(&datagram).ok()?;
    let is_plain = match segment.header {
        TransportHeader::Udp => udp_tunnel::kind(&segment, vxlan_ports).is_none(),
        TransportHeader::Icmp(IcmpHeader { role, .. }) => role != IcmpRole::Error,
        _ => true,
    };
    if !is_plain {
        return None;
    }
    let mut packet =
        Packet::new(frame.timestamp, segment.source, segment.destination, segment.header, segment.payload);
    packet.interface = network.interface;
    packet.vlan = network.vlan;
    packet.payload_len = segment.payload_len;
    packet.frame_len = frame.original_len.saturating_add(stripped_len(frame));
    packet.ip_len = datagram.ip_len;
    Some(packet)
}
