//! Frames to packets: link, network and transport headers.

use df_core::{FlowKey, IcmpHeader, IcmpRole, Packet, TransportHeader, Tunnel};

use crate::Frame;
use crate::fragment::{Defragmenter, FragmentConfig, FragmentStats};

mod capture_header;
mod error;
mod extension;
mod icmp;
mod ip;
mod l2tp;
mod layer_two;
mod link;
mod plain;
mod ppp;
mod serial;
mod stats;
mod transport;
mod tunnel;
mod udp_tunnel;
mod walk;
mod wireless;

use error::Fault;
pub use error::{DecodeError, DecodeErrorReason, Layer};
pub use stats::DecodeStats;
use walk::{Found, MAX_DEPTH, Reassembly, Walk};

/// Reads the headers of one frame by itself.
///
/// A frame cut by a snap length decodes as far as its transport header was captured; the packet's `payload_len` and
/// other lengths are those on the wire all the same. Padding behind the IP packet is left out. Allocates nothing.
///
/// It has no memory: fragments are not put together, and [`Packet::tunnels`] and [`Packet::quoted`], which need room,
/// stay empty. A [`Decoder`] does all that.
///
/// # Errors
///
/// What is not TCP, UDP, SCTP or ICMP over IP, what is a fragment and what is cut or malformed before the end of its
/// transport header gives a [`DecodeError`], worth a counter ([`DecodeStats`]) and nothing more.
#[inline]
pub fn decode<'a>(frame: &Frame<'a>) -> Result<Packet<'a>, DecodeError> {
    match plain::packet(frame, &DEFAULT_VXLAN_PORTS) {
        Some(packet) => Ok(packet),
        None => decode_closely(frame),
    }
}

#[cold]
fn decode_closely<'a>(frame: &Frame<'a>) -> Result<Packet<'a>, DecodeError> {
    let mut walk = Walk::new(frame, &DEFAULT_VXLAN_PORTS);
    match found_in(&mut walk, frame) {
        Ok(found) => Ok(packet(frame, &walk, &found)),
        Err(fault) => Err(fault.within(frame.bytes)),
    }
}

/// What a [`Decoder`] looks for, and its bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecoderConfig {
    /// UDP ports to which VXLAN is sent. Default 4789 (IANA's) and 8472 (Linux').
    pub vxlan_ports: Vec<u16>,
    /// The bounds on fragments.
    pub fragments: FragmentConfig,
}

impl Default for DecoderConfig {
    fn default() -> Self {
        Self { vxlan_ports: DEFAULT_VXLAN_PORTS.to_vec(), fragments: FragmentConfig::default() }
    }
}

/// Reads the headers of frames, tells the tunnels around each packet, and puts fragments together.
///
/// Give it every frame of one capturing thread, before packets are spread over others: the fragments of a datagram must
/// meet. A packet borrows the decoder until the next frame.
#[derive(Debug)]
pub struct Decoder {
    vxlan_ports: Vec<u16>,
    defragmenter: Defragmenter,
    /// Room for one whole datagram at each depth: a fragment may be in a fragment.
    room: [Vec<u8>; MAX_DEPTH + 1],
    tunnels: Vec<Tunnel>,
    quoted: Option<FlowKey>,
    stats: DecodeStats,
}

impl Decoder {
    /// A decoder that has seen nothing.
    pub fn new(config: DecoderConfig) -> Self {
        Self {
            vxlan_ports: config.vxlan_ports,
            defragmenter: Defragmenter::new(config.fragments),
            room: Default::default(),
            tunnels: Vec::with_capacity(MAX_DEPTH),
            quoted: None,
            stats: DecodeStats::default(),
        }
    }

    /// Reads one frame as [`decode`] does. A fragment is held, which is a [`DecodeErrorReason::Fragment`]; with the last
    /// one missing comes the packet, made of all of them. Allocates nothing unless there are fragments.
    ///
    /// # Errors
    ///
    /// The same as for [`decode`].
    #[inline]
    pub fn decode<'a>(&'a mut self, frame: &Frame<'a>) -> Result<Packet<'a>, DecodeError> {
        if let Some(packet) = plain::packet(frame, &self.vxlan_ports) {
            self.stats.packets = self.stats.packets.saturating_add(1);
            return Ok(packet);
        }
        self.decode_closely(frame)
    }

    #[cold]
    fn decode_closely<'a>(&'a mut self, frame: &Frame<'a>) -> Result<Packet<'a>, DecodeError> {
        let Self { vxlan_ports, defragmenter, room, tunnels, quoted, stats } = self;
        tunnels.clear();
        let mut walk = Walk::new(frame, vxlan_ports);
        walk.tunnels = Some(tunnels);
        walk.reassembly = Some(Reassembly { defragmenter, room: room.iter_mut() });
        let found = match found_in(&mut walk, frame) {
            Ok(found) => found,
            Err(fault) => {
                let error = fault.within(frame.bytes);
                stats.count(&Err(error));
                return Err(error);
            }
        };
        let mut packet = packet(frame, &walk, &found);
        if walk.depth > 0 {
            packet.tunnels = walk.tunnels.map_or(&[], |tunnels| tunnels.as_slice());
        }
        if let TransportHeader::Icmp(IcmpHeader { role: IcmpRole::Error, .. }) = packet.transport {
            *quoted = icmp::quoted(&packet, found.is_icmp_v6);
            packet.quoted = quoted.as_ref();
        }
        stats.count(&Ok(packet));
        Ok(packet)
    }

    /// Reads a frame whose packet borrows nothing but the frame, so that several can be had at a time. None where
    /// [`decode`](Self::decode) must be asked: for tunnels, fragments, ICMP errors, what does not decode and links other
    /// than Ethernet.
    #[inline]
    pub fn decode_alone<'a>(&mut self, frame: &Frame<'a>) -> Option<Packet<'a>> {
        let packet = plain::packet(frame, &self.vxlan_ports)?;
        self.stats.packets = self.stats.packets.saturating_add(1);
        Some(packet)
    }

    /// What became of the frames so far.
    pub const fn stats(&self) -> DecodeStats {
        self.stats
    }

    /// What became of the fragments among them.
    pub fn fragment_stats(&self) -> FragmentStats {
        self.defragmenter.stats()
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new(DecoderConfig::default())
    }
}

#[inline]
fn found_in<'a>(walk: &mut Walk<'_, 'a>, frame: &Frame<'a>) -> Result<Found<'a>, Fault<'a>> {
    let network = link::network_layer(walk, frame)?;
    let wire_len = walk::wire_len_from(frame.bytes, frame.original_len, network.bytes);
    walk::follow(walk, network, wire_len)
}

#[inline]
fn packet<'a>(frame: &Frame<'_>, walk: &Walk<'_, 'a>, found: &Found<'a>) -> Packet<'a> {
    let Found { network, segment, .. } = found;
    let mut packet =
        Packet::new(frame.timestamp, segment.source, segment.destination, segment.header, segment.payload);
    packet.interface = network.interface;
    packet.vlan = network.vlan;
    packet.virtual_network = walk.virtual_network;
    packet.payload_len = segment.payload_len;
    packet.fragments = walk.fragments;
    packet.frame_len = walk.frame_len;
    packet.ip_len = found.ip_len;
    packet
}

impl<'s> Walk<'s, '_> {
    /// The start of the way: nothing is kept and nothing put together.
    #[inline]
    fn new(frame: &Frame<'_>, vxlan_ports: &'s [u16]) -> Self {
        Self {
            vxlan_ports,
            timestamp: frame.timestamp,
            tunnels: None,
            depth: 0,
            virtual_network: None,
            fragments: 1,
            frame_len: frame.original_len.saturating_add(stripped_len(frame)),
            reassembly: None,
        }
    }
}

/// How many bytes the tags that were taken out had on the wire.
#[inline]
fn stripped_len(frame: &Frame<'_>) -> u32 {
    let tags = [frame.stripped_vlan.outer, frame.stripped_vlan.inner];
    tags.iter().flatten().map(|_| VLAN_TAG_LEN).sum()
}

const VLAN_TAG_LEN: u32 = 4;
const DEFAULT_VXLAN_PORTS: [u16; 2] = [4789, 8472];
