//! What observations of one call have in common, as hashes.

use std::net::IpAddr;

use df_core::{Address, Endpoint, FlowKey, Timestamp, Transport, UnixPath};
use df_l7::Exchange;

use crate::hash::{Digest, Hash, Purpose};
use crate::{Place, SpanId, TraceId};

/// What finds observations in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// Names a call.
    Request(Hash),
    /// A sequence number, which other calls may have too.
    Response(u32),
}

/// What an observation may have in common with others, and what names its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CallKeys {
    /// The ends with the request's sequence number, or with a datagram's identifier and question.
    request: Option<Hash>,
    /// The response's sequence number alone, so that responses behind translated addresses are found too.
    response: Option<u32>,
    /// Names the call: by its request, else by its response, else by what only this observer knows.
    name: Hash,
}

impl CallKeys {
    /// The keys of an exchange on a connection whose client and server are right.
    pub(crate) fn of(exchange: &Exchange, flow: &FlowKey) -> Self {
        let [request, response] = match flow.transport {
            Transport::Tcp => sequence_numbers(exchange),
            // They count from 0: a response's alone would be that of others too.
            Transport::Unix => [sequence_numbers(exchange)[0], None],
            _ => [None, None],
        };
        let request = match flow.transport {
            Transport::Tcp | Transport::Unix => {
                request.map(|number| sequence_key(Purpose::RequestSequence, number, flow))
            }
            _ => datagram_key(exchange, flow),
        };
        let by_response = || response.map(|number| sequence_key(Purpose::ResponseSequence, number, flow));
        let name = request.or_else(by_response).unwrap_or_else(|| unique_key(exchange, flow));
        Self { request, response, name }
    }

    /// The keys under which other observations of the same call may be found.
    pub(crate) fn shared(&self) -> impl Iterator<Item = Key> + use<> {
        [self.request.map(Key::Request), self.response.map(Key::Response)].into_iter().flatten()
    }

    /// Whether both are of the same request: its ends are part of the key.
    pub(crate) fn share_request(&self, other: &Self) -> bool {
        self.request.is_some() && self.request == other.request
    }

    /// Whether both responses have the same sequence number.
    pub(crate) fn share_response_number(&self, other: &Self) -> bool {
        self.response.is_some() && self.response == other.response
    }

    /// Whether the request is known by something that every observer sees alike.
    pub(crate) const fn knows_request(&self) -> bool {
        self.request.is_some()
    }

    /// The trace of which this call is the root. The same for every observer of the call, on any machine, whose
    /// clock shows the same interval; the interval tells calls apart whose sequence numbers wrapped around.
    pub(crate) fn trace_id(&self, exchange: &Exchange, flow: &FlowKey) -> TraceId {
        let interval = exchange.start().as_nanos() >> interval_bits(flow.transport);
        TraceId::from_hash(Digest::new(Purpose::Trace).hash(self.name).word(interval).finish())
    }

    /// The span of this observation: another one at each place, and for each exchange that this place saw.
    pub(crate) fn span_id(&self, exchange: &Exchange, place: &Place) -> SpanId {
        let FlowKey { vlan, virtual_network, .. } = place.flow;
        let digest = Digest::new(Purpose::Span)
            .hash(self.name)
            .word(self.response.map_or(0, |number| u64::from(number) + 1))
            .word(exchange.start().as_nanos())
            .word(exchange.end().map_or(0, Timestamp::as_nanos))
            .word(u64::from(place.flow.interface.0) << 8 | u64::from(place.observation_point.rank()))
            .word(vlan_word(vlan.outer) << 32 | vlan_word(vlan.inner));
        SpanId::from_hash(match virtual_network {
            Some(network) => digest.word(network.id().into()).finish(),
            None => digest.finish(),
        })
    }
}

fn sequence_key(purpose: Purpose, number: u32, flow: &FlowKey) -> Hash {
    ends(Digest::new(purpose), flow).word(u64::from(number)).finish()
}

fn sequence_numbers(exchange: &Exchange) -> [Option<u32>; 2] {
    let request = exchange.request.as_ref().and_then(|request| request.sequence_number);
    let response = exchange.response.as_ref().and_then(|response| response.sequence_number);
    [request, response]
}

fn datagram_key(exchange: &Exchange, flow: &FlowKey) -> Option<Hash> {
    let id = exchange.request_id?;
    let question = question(exchange).unwrap_or_default();
    let digest = ends(Digest::new(Purpose::Datagram), flow).word(id).bytes(question.as_bytes());
    Some(digest.finish())
}

/// The queried name, which a DNS response repeats.
fn question(exchange: &Exchange) -> Option<&str> {
    exchange.asked()?.domain.as_deref()
}

fn unique_key(exchange: &Exchange, flow: &FlowKey) -> Hash {
    ends(Digest::new(Purpose::Unique), flow)
        .word(exchange.start().as_nanos())
        .word(exchange.request_id.unwrap_or_default())
        .bytes(exchange.protocol.name().as_bytes())
        .bytes(exchange.kind.name().as_bytes())
        .finish()
}

fn ends(digest: Digest, flow: &FlowKey) -> Digest {
    endpoint(endpoint(digest.word(transport_number(flow.transport)), flow.client), flow.server)
}

#[allow(clippy::cast_possible_truncation, reason = "each half of the number is taken in turn")]
fn endpoint(digest: Digest, endpoint: Endpoint) -> Digest {
    let ip = match endpoint.address {
        Address::Ip(IpAddr::V4(ip)) => ip.to_ipv6_mapped(),
        Address::Ip(IpAddr::V6(ip)) => ip,
        Address::Unix(unix) => {
            let path = unix.path().map_or("", UnixPath::as_str);
            return digest.bytes(path.as_bytes()).word(u64::from(unix.inode().unwrap_or(0)));
        }
    };
    let bits = ip.to_bits();
    digest.word((bits >> 64) as u64).word(bits as u64).word(u64::from(endpoint.port))
}

/// The protocol number in the IP header.
const fn transport_number(transport: Transport) -> u64 {
    match transport {
        Transport::Tcp => 6,
        Transport::Udp => 17,
        Transport::Sctp => 132,
        // A number that no protocol of IP has.
        Transport::Unix => 256,
        _ => 0,
    }
}

const fn vlan_word(identifier: Option<u16>) -> u64 {
    match identifier {
        Some(identifier) => identifier as u64 + 1,
        None => 0,
    }
}

/// How many bits of the time in nanoseconds count within one interval: 18 minutes for streams, whose sequence numbers
/// tell 4 GiB of a connection apart; 4 seconds for datagrams, whose identifiers have 16 bits.
const fn interval_bits(transport: Transport) -> u32 {
    match transport {
        Transport::Tcp | Transport::Unix => 40,
        _ => 32,
    }
}
