//! A flow's key in as few bytes as it needs.

use std::net::{IpAddr, Ipv4Addr};

use df_core::{Direction, Endpoint, FlowKey, InterfaceId, Transport, VirtualNetwork, VlanTags};

/// A [`FlowKey`]. Between IPv4 hosts it takes half of one; others have their ends elsewhere.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Key {
    ends: Ends,
    vlan: VlanTags,
    virtual_network: Option<VirtualNetwork>,
    interface: InterfaceId,
    transport: Transport,
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
enum Ends {
    V4 { addresses: [u32; 2], ports: [u16; 2] },
    Any(Box<[Endpoint; 2]>),
}

impl Key {
    pub(crate) fn new(key: &FlowKey) -> Self {
        let FlowKey { transport, client, server, vlan, virtual_network, interface } = *key;
        let ends = match (client.ip, server.ip) {
            (IpAddr::V4(one), IpAddr::V4(other)) => {
                Ends::V4 { addresses: [one.to_bits(), other.to_bits()], ports: [client.port, server.port] }
            }
            _ => Ends::Any(Box::new([client, server])),
        };
        Self { ends, vlan, virtual_network, interface, transport }
    }

    /// The key as everybody else knows it.
    #[inline]
    pub(crate) fn flow_key(&self) -> FlowKey {
        let [client, server] = match &self.ends {
            Ends::V4 { addresses: [one, other], ports: [one_port, other_port] } => {
                [v4_end(*one, *one_port), v4_end(*other, *other_port)]
            }
            Ends::Any(ends) => **ends,
        };
        FlowKey {
            transport: self.transport,
            client,
            server,
            vlan: self.vlan,
            virtual_network: self.virtual_network,
            interface: self.interface,
        }
    }

    pub(crate) const fn transport(&self) -> Transport {
        self.transport
    }

    pub(crate) const fn network(&self) -> (VlanTags, Option<VirtualNetwork>) {
        (self.vlan, self.virtual_network)
    }

    /// Which way a packet between these ends goes, its sender the client of `packet`, whatever its VLAN tags and
    /// virtual network; none if it belongs to another flow.
    #[inline]
    pub(crate) fn direction_of(&self, packet: &FlowKey) -> Option<Direction> {
        if self.transport != packet.transport || self.interface != packet.interface {
            return None;
        }
        let is_between =
            |source: Endpoint, destination: Endpoint| match (&self.ends, source.ip, destination.ip) {
                (Ends::V4 { addresses, ports }, IpAddr::V4(one), IpAddr::V4(other)) => {
                    *addresses == [one.to_bits(), other.to_bits()]
                        && *ports == [source.port, destination.port]
                }
                (Ends::V4 { .. }, ..) => false,
                (Ends::Any(ends), ..) => **ends == [source, destination],
            };
        if is_between(packet.client, packet.server) {
            return Some(Direction::ToServer);
        }
        is_between(packet.server, packet.client).then_some(Direction::ToClient)
    }
}

const fn v4_end(address: u32, port: u16) -> Endpoint {
    Endpoint::new(IpAddr::V4(Ipv4Addr::from_bits(address)), port)
}

#[cfg(test)]
mod tests {
    use df_core::{Packet, Timestamp, TransportHeader};

    use super::*;

    #[test]
    fn a_key_comes_out_as_it_went_in_and_knows_both_directions() {
        let hosts: [IpAddr; 3] =
            [[10, 0, 0, 1].into(), [0, 0, 0, 0, 0, 0xffff, 0xa00, 1].into(), [1, 2, 3, 4, 5, 6, 7, 8].into()];
        for (one, other) in [(0, 0), (0, 1), (2, 1), (2, 0)] {
            let ends = [Endpoint::new(hosts[one], 7), Endpoint::new(hosts[other], 80)];
            let sent = Packet::new(Timestamp::ZERO, ends[0], ends[1], TransportHeader::Udp, b"").flow_key();
            let key = Key::new(&sent);
            assert_eq!(key.flow_key(), sent);
            assert_eq!(key.direction_of(&sent), Some(Direction::ToServer));
            assert_eq!(key.direction_of(&sent.reversed()), Some(Direction::ToClient));
            let mut elsewhere = sent;
            elsewhere.server.port = 81;
            assert_eq!(key.direction_of(&elsewhere), None);
        }
    }
}
