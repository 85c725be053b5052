//! Follows a packet from its outermost header to its innermost transport header, through tunnels and fragments.

use df_core::{Timestamp, TransportHeader, Tunnel, TunnelKind, VirtualNetwork};

use super::error::{DecodeErrorReason, Fault, Layer};
use super::ip::{self, Datagram};
use super::link::Network;
use super::transport::{self, Segment};
use super::tunnel;
use super::udp_tunnel::{self, UdpTunnel};
use crate::fragment::{Defragmenter, Fragment, FragmentKey};

/// What is gathered on the way through one frame.
pub(super) struct Walk<'s, 'a> {
    /// UDP ports on which VXLAN is looked for.
    pub(super) vxlan_ports: &'s [u16],
    pub(super) timestamp: Timestamp,
    /// Where the chain is kept, if it is.
    pub(super) tunnels: Option<&'s mut Vec<Tunnel>>,
    pub(super) depth: usize,
    pub(super) virtual_network: Option<VirtualNetwork>,
    /// How many IP packets the innermost one came in so far.
    pub(super) fragments: u32,
    /// The length on the wire of all frames that carried it.
    pub(super) frame_len: u32,
    pub(super) reassembly: Option<Reassembly<'s, 'a>>,
}

/// Where fragments are put together.
pub(super) struct Reassembly<'s, 'a> {
    pub(super) defragmenter: &'s mut Defragmenter,
    /// Room for one whole datagram per layer.
    pub(super) room: std::slice::IterMut<'a, Vec<u8>>,
}

/// The end of the way.
pub(super) struct Found<'a> {
    pub(super) network: Network<'a>,
    pub(super) is_icmp_v6: bool,
    pub(super) ip_len: u32,
    pub(super) segment: Segment<'a>,
}

/// Reads the IP packet at the start of `network`, of which `wire_len` bytes were on the wire, or the one inside it.
pub(super) fn follow<'a>(
    walk: &mut Walk<'_, 'a>,
    network: Network<'a>,
    wire_len: u32,
) -> Result<Found<'a>, Fault<'a>> {
    let mut datagram = ip::datagram(&network, wire_len)?;
    if datagram.fragment.is_some() {
        datagram = walk.reassemble(&datagram, &network)?;
    }
    if tunnel::is_carrier(datagram.protocol) {
        let inside = tunnel::inside(walk, &datagram, &network)?;
        let wire_len = wire_len_from(datagram.bytes, datagram.wire_len, inside.bytes);
        return follow(walk, inside, wire_len);
    }
    let segment = transport::segment(&datagram)?;
    if segment.header == TransportHeader::Udp
        && let Some(kind) = udp_tunnel::kind(&segment, walk.vxlan_ports)
        && let Some(found) = follow_udp(walk, &datagram, &segment, &network, kind)?
    {
        return Ok(found);
    }
    let is_icmp_v6 = datagram.protocol == etherparse::IpNumber::IPV6_ICMP;
    Ok(Found { network, is_icmp_v6, ip_len: datagram.ip_len, segment })
}

/// How many bytes there were on the wire from `rest`, the end of `bytes`, on, if there were `wire_len` of those.
pub(super) fn wire_len_from(bytes: &[u8], wire_len: u32, rest: &[u8]) -> u32 {
    let read = bytes.len().saturating_sub(rest.len());
    wire_len.saturating_sub(u32::try_from(read).unwrap_or(u32::MAX))
}

/// A port is only a hint: what does not decode as the inside of a tunnel is not one, and the walk goes back.
#[cold]
fn follow_udp<'a>(
    walk: &mut Walk<'_, 'a>,
    datagram: &Datagram<'a>,
    segment: &Segment<'a>,
    outer: &Network<'a>,
    kind: UdpTunnel,
) -> Result<Option<Found<'a>>, Fault<'a>> {
    let before = (walk.depth, walk.virtual_network, walk.fragments);
    let found = udp_tunnel::inside(walk, (datagram, segment.payload), outer, kind).and_then(|inside| {
        let wire_len = wire_len_from(segment.payload, segment.payload_len, inside.bytes);
        follow(walk, inside, wire_len)
    });
    match found {
        Ok(found) => Ok(Some(found)),
        Err(fault) if fault.reason() == DecodeErrorReason::Fragment => Err(fault),
        Err(_) => {
            walk.return_to(before);
            Ok(None)
        }
    }
}

impl<'a> Walk<'_, 'a> {
    /// Goes into a tunnel, unless there were too many already.
    pub(super) fn enter(&mut self, tunnel: Tunnel, layer: Layer, at: &'a [u8]) -> Result<(), Fault<'a>> {
        if self.depth >= MAX_DEPTH {
            return Err(Fault::unsupported(layer, at));
        }
        self.depth += 1;
        self.fragments = 1;
        if tunnel.kind.is_virtual_network() {
            self.virtual_network = tunnel.id.map(VirtualNetwork::new);
        }
        if let Some(tunnels) = &mut self.tunnels {
            tunnels.push(tunnel);
        }
        Ok(())
    }

    /// Goes into a tunnel between the ends of `datagram`.
    pub(super) fn enter_between(
        &mut self,
        (kind, id): (TunnelKind, Option<u32>),
        datagram: &Datagram<'a>,
    ) -> Result<(), Fault<'a>> {
        let tunnel = Tunnel::new(kind, id).between(datagram.source, datagram.destination);
        self.enter(tunnel, Layer::Tunnel, datagram.bytes)
    }

    fn return_to(&mut self, (depth, virtual_network, fragments): (usize, Option<VirtualNetwork>, u32)) {
        self.depth = depth;
        self.virtual_network = virtual_network;
        self.fragments = fragments;
        if let Some(tunnels) = &mut self.tunnels {
            tunnels.truncate(depth);
        }
    }

    /// Takes a fragment. Gives the whole datagram if this was the last one missing; until then the fragment is held,
    /// which is a [`DecodeErrorReason::Fragment`].
    #[cold]
    fn reassemble(
        &mut self,
        datagram: &Datagram<'a>,
        network: &Network<'a>,
    ) -> Result<Datagram<'a>, Fault<'a>> {
        let held = Fault::new(datagram.layer(), DecodeErrorReason::Fragment, datagram.bytes);
        let (Some(place), Some(reassembly)) = (datagram.fragment, &mut self.reassembly) else {
            return Err(held);
        };
        let Some(room) = reassembly.room.next() else { return Err(held) };
        let key = FragmentKey {
            source: datagram.source,
            destination: datagram.destination,
            identification: place.identification,
            // The protocol of an IPv6 fragment is only told by the first one (RFC 8200 §4.5).
            protocol: if datagram.source.is_ipv4() { datagram.protocol.0 } else { 0 },
            interface: network.interface,
            vlan: network.vlan,
            virtual_network: self.virtual_network,
        };
        let fragment = Fragment {
            timestamp: self.timestamp,
            offset: place.offset,
            has_more: place.has_more,
            protocol: datagram.protocol.0,
            bytes: datagram.bytes,
            wire_len: datagram.wire_len,
            ip_len: datagram.ip_len,
            frame_len: self.frame_len,
        };
        let whole = reassembly.defragmenter.handle_fragment(key, &fragment, room).ok_or(held)?;
        self.fragments = whole.fragments;
        self.frame_len = whole.frame_len;
        ip::reassembled(datagram, etherparse::IpNumber(whole.protocol), room, (whole.wire_len, whole.ip_len))
    }
}

/// How many tunnels deep a packet is followed.
pub(super) const MAX_DEPTH: usize = 4;
