//! Exchanges and places for tests.

use df_core::{Endpoint, FlowKey, InterfaceId, Timestamp, Transport, VlanTags};
use df_l7::{Exchange, ExchangeKind, Observed, Protocol, Request, Response, ResponseStatus};

use crate::{ObservationPoint, Place};

/// A flow from 10.0.0.1:40000 to 10.0.0.2:80.
pub(crate) fn flow(transport: Transport, interface: u32) -> FlowKey {
    FlowKey {
        transport,
        client: Endpoint::new([10, 0, 0, 1].into(), 40_000),
        server: Endpoint::new([10, 0, 0, 2].into(), 80),
        vlan: VlanTags::default(),
        virtual_network: None,
        interface: InterfaceId(interface),
    }
}

pub(crate) fn place(interface: u32) -> Place {
    Place::new(flow(Transport::Tcp, interface), ObservationPoint::Rest)
}

pub(crate) fn observed<T>(content: T, start_ns: u64, sequence_number: Option<u32>) -> Observed<T> {
    let start = Timestamp::from_nanos(start_ns);
    Observed { content, start, end: start, length: 100, sequence_number, causal_id: None }
}

/// An exchange of these parts.
fn exchange_of(
    protocol: Protocol,
    kind: ExchangeKind,
    request: Option<Observed<Request>>,
    response: Option<Observed<Response>>,
) -> Exchange {
    let mut exchange = Exchange::new(protocol, kind);
    (exchange.request, exchange.response) = (request.map(Box::new), response.map(Box::new));
    exchange
}

/// A complete exchange with request and response at these times and sequence numbers.
pub(crate) fn complete(request: (u64, u32), response: (u64, u32)) -> Exchange {
    let content = Request { operation: "GET".into(), ..Request::default() };
    let answer = Response { status: ResponseStatus::Ok, ..Response::default() };
    exchange_of(
        Protocol::Http1,
        ExchangeKind::Complete,
        Some(observed(content, request.0, Some(request.1))),
        Some(observed(answer, response.0, Some(response.1))),
    )
}

/// A complete exchange of a protocol with this outcome; an empty code means none.
pub(crate) fn answered(protocol: Protocol, status: ResponseStatus, code: &'static str) -> Exchange {
    let code = (!code.is_empty()).then_some(code.into());
    let response = Response { status, code, ..Response::default() };
    exchange_of(
        protocol,
        ExchangeKind::Complete,
        Some(observed(Request::default(), 1_000, Some(1))),
        Some(observed(response, 2_000, Some(1))),
    )
}

pub(crate) fn unanswered(protocol: Protocol) -> Exchange {
    exchange_of(protocol, ExchangeKind::Unanswered, Some(observed(Request::default(), 1_000, Some(1))), None)
}

/// A DNS exchange with this transaction identifier and name, from 1 ms on.
pub(crate) fn dns(id: u64, name: &str, start_ns: u64) -> Exchange {
    let request = Request {
        kind: "A".into(),
        domain: Some(name.to_owned()),
        operation: "A".into(),
        target: Some(name.to_owned()),
        ..Request::default()
    };
    let response = Response { status: ResponseStatus::Ok, ..Response::default() };
    let mut exchange = exchange_of(
        Protocol::Dns,
        ExchangeKind::Complete,
        Some(observed(request, start_ns, None)),
        Some(observed(response, start_ns + 1_000_000, None)),
    );
    exchange.request_id = Some(id);
    exchange
}
