//! Decides which end of a flow is the server, and how sure that is.

use std::collections::VecDeque;

use df_core::{Endpoint, IcmpHeader, IcmpRole, Packet, SctpChunks, TcpFlags, TransportHeader};
use hashbrown::HashSet;

/// Who the client of a flow is, judged by its first packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) source_is_client: bool,
    pub(crate) score: u8,
}

/// Endpoints that were seen to listen. The oldest is forgotten first.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    known: HashSet<Endpoint, std::hash::BuildHasherDefault<std::hash::DefaultHasher>>,
    order: VecDeque<Endpoint>,
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

    /// Judges the first packet of a flow.
    pub(crate) fn judge(&self, packet: &Packet<'_>) -> Decision {
        if let TransportHeader::Tcp(segment) = &packet.transport
            && segment.flags.contains(TcpFlags::SYN)
        {
            return Decision { source_is_client: !segment.flags.contains(TcpFlags::ACK), score: HANDSHAKE };
        }
        if let Some(source_is_client) = asks(&packet.transport) {
            return Decision { source_is_client, score: APPLICATION };
        }
        let (source, destination) =
            (self.known.contains(&packet.source), self.known.contains(&packet.destination));
        if source != destination {
            return Decision { source_is_client: destination, score: KNOWN_LISTENER };
        }
        judge_ports(packet.source.port, packet.destination.port)
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

/// The end whose port looks more like a service's is the server.
fn judge_ports(source: u16, destination: u16) -> Decision {
    let (source_rank, destination_rank) = (rank(source), rank(destination));
    if source_rank != destination_rank {
        return Decision { source_is_client: destination_rank > source_rank, score: PORT_CLASS };
    }
    if source_rank == 0 || source == destination {
        return Decision { source_is_client: true, score: FIRST_SENDER };
    }
    Decision { source_is_client: destination < source, score: LOWER_PORT }
}

/// How much a port looks like a service's: system ports, registered ports, ports that clients are given (RFC 6335 §6;
/// Linux gives clients 32768 and above).
const fn rank(port: u16) -> u8 {
    match port {
        0 => 0,
        1..=1023 => 3,
        1024..=32_767 => 2,
        32_768..=65_535 => 1,
    }
}

/// A SYN or SYN-ACK was seen.
pub(crate) const HANDSHAKE: u8 = 255;
/// The application protocol shows who asks.
pub(crate) const APPLICATION: u8 = 254;
const KNOWN_LISTENER: u8 = 200;
const PORT_CLASS: u8 = 100;
const LOWER_PORT: u8 = 50;
const FIRST_SENDER: u8 = 10;

const MAX_LISTENERS: usize = 8_192;
