//! A flow's key in as few bytes as it needs.

use std::net::{IpAddr, Ipv4Addr};

use df_core::{Address, Direction, Endpoint, FlowKey, InterfaceId, Transport, VirtualNetwork, VlanTags};

/// A [`FlowKey`], and the network of each direction's packets. Between IPv4 hosts it takes a quarter of one; others lie
/// elsewhere.
#[derive(Debug)]
pub(crate) enum Key {
    /// IPv4 hosts without a virtual network, both directions in the same VLAN.
    V4 {
        transport: Transport,
        addresses: [u32; 2],
        ports: [u16; 2],
        vlan: [u16; 2],
        interface: InterfaceId,
    },
    Any(Box<AnyKey>),
}

#[derive(Debug)]
pub(crate) struct AnyKey {
    key: FlowKey,
    /// The network of each direction's packets, where it is not the key's.
    networks: [Option<Network>; 2],
}

/// VLAN tags and virtual network.
pub(crate) type Network = (VlanTags, Option<VirtualNetwork>);

impl Key {
    pub(crate) fn new(key: &FlowKey) -> Self {
        let FlowKey { transport, client, server, vlan, virtual_network, interface } = *key;
        match (client.address, server.address, tags(vlan), virtual_network) {
            (Address::Ip(IpAddr::V4(one)), Address::Ip(IpAddr::V4(other)), Some(vlan), None) => {
                let addresses = [one.to_bits(), other.to_bits()];
                Self::V4 { transport, addresses, ports: [client.port, server.port], vlan, interface }
            }
            _ => Self::Any(Box::new(AnyKey { key: *key, networks: [None; 2] })),
        }
    }

    /// The key as everybody else knows it.
    #[inline]
    pub(crate) fn flow_key(&self) -> FlowKey {
        match self {
            Self::V4 {
                transport,
                addresses: [one, other],
                ports: [one_port, other_port],
                vlan,
                interface,
            } => FlowKey {
                transport: *transport,
                client: v4_end(*one, *one_port),
                server: v4_end(*other, *other_port),
                vlan: vlan_of(*vlan),
                virtual_network: None,
                interface: *interface,
            },
            Self::Any(any) => any.key,
        }
    }

    /// Reads something of what lies elsewhere, as [`Near::read_a_little`](crate::near::Near::read_a_little) says.
    #[inline]
    pub(crate) fn read_a_little(&self) -> u64 {
        match self {
            Self::V4 { .. } => 0,
            Self::Any(any) => u64::from(any.key.interface.0) ^ u64::from(any.networks[1].is_some()),
        }
    }

    pub(crate) const fn transport(&self) -> Transport {
        match self {
            Self::V4 { transport, .. } => *transport,
            Self::Any(any) => any.key.transport,
        }
    }

    pub(crate) const fn ports(&self) -> [u16; 2] {
        match self {
            Self::V4 { ports, .. } => *ports,
            Self::Any(any) => [any.key.client.port, any.key.server.port],
        }
    }

    /// The network of a direction's packets; the key's, as long as it has none.
    #[inline]
    pub(crate) fn network(&self, direction: Direction) -> Network {
        match self {
            Self::V4 { vlan, .. } => (vlan_of(*vlan), None),
            Self::Any(any) => {
                any.networks[direction.index()].unwrap_or((any.key.vlan, any.key.virtual_network))
            }
        }
    }

    /// The packets of a direction turn out to be in another network than the key's.
    pub(crate) fn set_network(&mut self, direction: Direction, network: Network) {
        if let Self::V4 { .. } = self {
            *self = Self::Any(Box::new(AnyKey { key: self.flow_key(), networks: [None; 2] }));
        }
        if let Self::Any(any) = self {
            any.networks[direction.index()] = Some(network);
        }
    }

    /// Which way a packet between these ends goes, its sender the client of `packet`, whatever its VLAN tags and
    /// virtual network; none if it belongs to another flow.
    #[inline]
    pub(crate) fn direction_of(&self, packet: &FlowKey) -> Option<Direction> {
        match self {
            Self::V4 { transport, addresses, ports, interface, .. } => {
                if *transport != packet.transport || *interface != packet.interface {
                    return None;
                }
                let (Address::Ip(IpAddr::V4(source)), Address::Ip(IpAddr::V4(destination))) =
                    (packet.client.address, packet.server.address)
                else {
                    return None;
                };
                let [client, server] = [0, 1].map(|end: usize| (addresses[end], ports[end]));
                let source = (source.to_bits(), packet.client.port);
                let destination = (destination.to_bits(), packet.server.port);
                direction_between((client, server), (source, destination))
            }
            Self::Any(any) => {
                if any.key.transport != packet.transport || any.key.interface != packet.interface {
                    return None;
                }
                direction_between((any.key.client, any.key.server), (packet.client, packet.server))
            }
        }
    }
}

#[inline]
fn direction_between<E: Copy + PartialEq>(ends: (E, E), sent: (E, E)) -> Option<Direction> {
    if ends == sent {
        return Some(Direction::ToServer);
    }
    (ends == (sent.1, sent.0)).then_some(Direction::ToClient)
}

/// Two tags in four bytes, but for one that no frame can have.
fn tags(vlan: VlanTags) -> Option<[u16; 2]> {
    let tags = [vlan.outer, vlan.inner];
    (!tags.contains(&Some(NO_TAG))).then(|| tags.map(|tag| tag.unwrap_or(NO_TAG)))
}

#[inline]
fn vlan_of(tags: [u16; 2]) -> VlanTags {
    let [outer, inner] = tags.map(|tag| (tag != NO_TAG).then_some(tag));
    VlanTags { outer, inner }
}

const fn v4_end(address: u32, port: u16) -> Endpoint {
    Endpoint::new(IpAddr::V4(Ipv4Addr::from_bits(address)), port)
}

/// Tags have 12 bits.
const NO_TAG: u16 = u16::MAX;

#[cfg(test)]
mod tests {
    use df_core::{Packet, Timestamp, TransportHeader};

    use super::*;

    #[test]
    fn a_key_comes_out_as_it_went_in_and_knows_both_directions() {
        let hosts: [IpAddr; 3] =
            [[10, 0, 0, 1].into(), [0, 0, 0, 0, 0, 0xffff, 0xa00, 1].into(), [1, 2, 3, 4, 5, 6, 7, 8].into()];
        let tags = [None, Some(0), Some(4_095), Some(NO_TAG)];
        let pairs = [(0, 0), (0, 1), (2, 1), (2, 0)];
        for ((one, other), tag) in pairs.into_iter().flat_map(|pair| tags.map(|tag| (pair, tag))) {
            let ends = [Endpoint::new(hosts[one], 7), Endpoint::new(hosts[other], 80)];
            let mut sent =
                Packet::new(Timestamp::ZERO, ends[0], ends[1], TransportHeader::Udp, b"").flow_key();
            sent.vlan.outer = tag;
            let mut key = Key::new(&sent);
            assert_eq!((key.flow_key(), key.ports()), (sent, [7, 80]));
            assert_eq!(key.direction_of(&sent), Some(Direction::ToServer));
            assert_eq!(key.direction_of(&sent.reversed()), Some(Direction::ToClient));
            let elsewhere = VlanTags { outer: Some(7), inner: Some(8) };
            key.set_network(Direction::ToClient, (elsewhere, None));
            assert_eq!(key.flow_key(), sent);
            assert_eq!(key.network(Direction::ToServer), (sent.vlan, None));
            assert_eq!(key.network(Direction::ToClient), (elsewhere, None));
            sent.server.port = 81;
            assert_eq!(key.direction_of(&sent), None);
        }
    }

    #[test]
    fn a_key_is_small() {
        assert_eq!(size_of::<Key>(), 24);
    }
}
