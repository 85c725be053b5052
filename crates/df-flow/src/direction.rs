//! Decides which end of a flow is the server, and how sure that is.

mod fan;
mod service_ports;

use std::collections::{HashSet, VecDeque};

use df_core::{Endpoint, IcmpHeader, IcmpRole, Packet, SctpChunks, TcpFlags, Transport, TransportHeader};

use fan::Fans;
use service_ports::rank;

/// Who the client of a flow is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) source_is_client: bool,
    pub(crate) score: u8,
}

/// What flows have shown of the ends of others: who listens, and who has many peers. The oldest is forgotten first.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    known: HashSet<Endpoint, std::hash::BuildHasherDefault<std::hash::DefaultHasher>>,
    order: VecDeque<Endpoint>,
    fans: Fans,
}

impl Listeners {
    /// An endpoint answered a SYN, or its flow's protocol shows that it is the server.
    pub(crate) fn insert(&mut self, endpoint: Endpoint) {
        if !self.known.insert(endpoint) {
            return;
        }
        self.order.push_back(endpoint);
        if self.order.len() > MAX_LISTENERS
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    /// Judges the first packet of a flow, and learns from it.
    pub(crate) fn judge(&mut self, packet: &Packet<'_>) -> Decision {
        if let TransportHeader::Tcp(segment) = &packet.transport
            && segment.flags.contains(TcpFlags::SYN)
        {
            return Decision { source_is_client: !segment.flags.contains(TcpFlags::ACK), score: HANDSHAKE };
        }
        if let Some(source_is_client) = asks(&packet.transport) {
            return Decision { source_is_client, score: APPLICATION };
        }
        let transport = packet.transport.transport();
        let decision = self.judge_ends(transport, packet.source, packet.destination);
        if transport == Transport::Tcp && decision.score < SERVICE_PORT {
            self.fans.note(packet.source);
            self.fans.note(packet.destination);
        }
        decision
    }

    /// Judges by what is known now of both ends, the one that was seen to send first given first.
    pub(crate) fn judge_ends(
        &self,
        transport: Transport,
        source: Endpoint,
        destination: Endpoint,
    ) -> Decision {
        let (is_source, is_destination) = (self.known.contains(&source), self.known.contains(&destination));
        if is_source != is_destination {
            return Decision { source_is_client: is_destination, score: KNOWN_LISTENER };
        }
        let (source_rank, destination_rank) = (rank(source.port), rank(destination.port));
        let by_rank = |score| Decision { source_is_client: destination_rank > source_rank, score };
        if source_rank != destination_rank && source_rank.max(destination_rank) >= service_ports::SYSTEM {
            return by_rank(SERVICE_PORT);
        }
        if transport == Transport::Tcp
            && let Some(source_is_client) = self.fans.has_more_peers(destination, source)
        {
            return Decision { source_is_client, score: MANY_PEERS };
        }
        if source_rank != destination_rank {
            return by_rank(PORT_RANGE);
        }
        Decision { source_is_client: true, score: FIRST_SENDER }
    }
}

/// Whether the header by itself shows that its sender asks or answers, beside TCP's.
const fn asks(transport: &TransportHeader) -> Option<bool> {
    match transport {
        TransportHeader::Icmp(IcmpHeader { role: IcmpRole::Request, .. }) => Some(true),
        TransportHeader::Icmp(IcmpHeader { role: IcmpRole::Reply, .. }) => Some(false),
        TransportHeader::Sctp(header) if header.chunks.contains(SctpChunks::INIT) => Some(true),
        TransportHeader::Sctp(header) if header.chunks.contains(SctpChunks::INIT_ACK) => Some(false),
        _ => None,
    }
}

/// A SYN or SYN-ACK was seen.
pub(crate) const HANDSHAKE: u8 = 255;
/// The application protocol shows who asks.
pub(crate) const APPLICATION: u8 = 254;
/// Another flow has shown that one end listens.
pub(crate) const KNOWN_LISTENER: u8 = 200;
/// One end's port is a service's, the other's is not.
const SERVICE_PORT: u8 = 150;
/// One end has several peers, the other just this one.
const MANY_PEERS: u8 = 120;
/// One end's port is in the range that clients are given, the other's is not.
const PORT_RANGE: u8 = 100;
/// Nothing tells them apart but who was seen first.
pub(crate) const FIRST_SENDER: u8 = 10;

const MAX_LISTENERS: usize = 8_192;
