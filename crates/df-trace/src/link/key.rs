//! What observations of one call have in common, as hashes.

use std::net::IpAddr;

use df_core::{Endpoint, FlowKey, Timestamp, Transport};
use df_l7::Exchange;

use crate::hash::{Digest, Hash, Purpose};
use crate::{Place, SpanId, TraceId};

/// What an observation may have in common with others, and what names its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CallKeys {
    /// The ends with the request's sequence number, or with a datagram's identifier and question.
    request: Option<Hash>,
    /// The ends with the response's sequence number.
    response: Option<Hash>,
    /// Both sequence numbers and both lengths, without the ends.
    content: Option<Hash>,
    /// Names the call: the best of the above, else what only this observer knows.
    name: Hash,
}

impl CallKeys {
    /// The keys of an exchange on a connection whose client and server are right.
    pub(crate) fn of(exchange: &Exchange, flow: &FlowKey) -> Self {
        let (request, response) = match flow.transport {
            Transport::Tcp => sequence_keys(exchange, flow),
            _ => (datagram_key(exchange, flow), None),
        };
        let content = content_key(exchange, flow);
        let name = request.or(response).unwrap_or_else(|| unique_key(exchange, flow));
        Self { request, response, content, name }
    }

    /// The keys under which other observations of the same call may be found.
    pub(crate) fn shared(&self) -> impl Iterator<Item = Hash> + use<> {
        [self.request, self.response, self.content].into_iter().flatten()
    }

    /// Whether both are of the same request or response between the same ends.
    pub(crate) fn share_a_message(&self, other: &Self) -> bool {
        is_shared(self.request, other.request) || is_shared(self.response, other.response)
    }

    /// Whether both sequence numbers and both lengths are known and equal.
    pub(crate) fn share_content(&self, other: &Self) -> bool {
        is_shared(self.content, other.content)
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
        let vlan = place.flow.vlan;
        let digest = Digest::new(Purpose::Span)
            .hash(self.name)
            .hash(self.response.unwrap_or_default())
            .word(exchange.start().as_nanos())
            .word(exchange.end().map_or(0, Timestamp::as_nanos))
            .word(u64::from(place.flow.interface.0) << 8 | u64::from(place.observation_point.rank()))
            .word(vlan_word(vlan.outer) << 32 | vlan_word(vlan.inner));
        SpanId::from_hash(digest.finish())
    }
}

fn is_shared(first: Option<Hash>, second: Option<Hash>) -> bool {
    first.is_some() && first == second
}

fn sequence_keys(exchange: &Exchange, flow: &FlowKey) -> (Option<Hash>, Option<Hash>) {
    let [request, response] = sequence_numbers(exchange);
    let key = |purpose, number: u32| ends(Digest::new(purpose), flow).word(u64::from(number)).finish();
    (
        request.map(|number| key(Purpose::RequestSequence, number)),
        response.map(|number| key(Purpose::ResponseSequence, number)),
    )
}

fn sequence_numbers(exchange: &Exchange) -> [Option<u32>; 2] {
    let request = exchange.request.as_ref().and_then(|request| request.sequence_number);
    let response = exchange.response.as_ref().and_then(|response| response.sequence_number);
    [request, response]
}

fn content_key(exchange: &Exchange, flow: &FlowKey) -> Option<Hash> {
    let [Some(request), Some(response)] = sequence_numbers(exchange) else { return None };
    let lengths = (exchange.request.as_ref()?.length, exchange.response.as_ref()?.length);
    let digest = Digest::new(Purpose::Content)
        .word(transport_number(flow.transport))
        .word(u64::from(request) << 32 | u64::from(response))
        .word(lengths.0)
        .word(lengths.1);
    Some(digest.finish())
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
    let ip = match endpoint.ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    let bits = ip.to_bits();
    digest.word((bits >> 64) as u64).word(bits as u64).word(u64::from(endpoint.port))
}

/// The protocol number in the IP header.
const fn transport_number(transport: Transport) -> u64 {
    match transport {
        Transport::Tcp => 6,
        Transport::Udp => 17,
        _ => 0,
    }
}

const fn vlan_word(identifier: Option<u16>) -> u64 {
    match identifier {
        Some(identifier) => identifier as u64 + 1,
        None => 0,
    }
}

/// How many bits of the time in nanoseconds count within one interval: 18 minutes for TCP, whose sequence numbers
/// tell 4 GiB of a connection apart; 4 seconds for datagrams, whose identifiers have 16 bits.
const fn interval_bits(transport: Transport) -> u32 {
    match transport {
        Transport::Tcp => 40,
        _ => 32,
    }
}
