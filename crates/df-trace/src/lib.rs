//! Exchanges become OpenTelemetry spans, named and linked.
//!
//! A [`SpanAssembler`] takes [`Exchange`](df_l7::Exchange)s, each with the [`Place`] where it was seen, and gives
//! [`LinkedSpan`]s. A call that was seen at several interfaces becomes several spans of one trace, those nearer to
//! the client above the others; trace context that applications put into their messages is honoured; names, kinds,
//! status and attributes are those of the OpenTelemetry semantic conventions. It does no I/O and reads no clock.
//!
//! ```
//! use df_core::{Endpoint, FlowKey, InterfaceId, Timestamp, Transport, VlanTags};
//! use df_l7::{Exchange, ExchangeKind, Observed, Protocol, Request, Response};
//! use df_trace::{ObservationPoint, Place, SpanAssembler, SpanKind, TraceConfig};
//!
//! // One request, seen at the client's interface and 10 µs later at the server's.
//! let seen = |request_ns: u64, response_ns: u64| {
//!     let at = |nanoseconds| Timestamp::from_nanos(nanoseconds);
//!     let mut exchange = Exchange::new(Protocol::Http1, ExchangeKind::Complete);
//!     exchange.request = Some(Box::new(Observed {
//!         content: Request { operation: "GET".into(), ..Request::default() },
//!         start: at(request_ns),
//!         end: at(request_ns),
//!         length: 78,
//!         sequence_number: Some(5),
//!         causal_id: None,
//!     }));
//!     exchange.response = Some(Box::new(Observed {
//!         content: Response::default(),
//!         start: at(response_ns),
//!         end: at(response_ns),
//!         length: 320,
//!         sequence_number: Some(9),
//!         causal_id: None,
//!     }));
//!     exchange
//! };
//! let place = |interface, point| {
//!     let flow = FlowKey {
//!         transport: Transport::Tcp,
//!         client: Endpoint::new([10, 0, 0, 1].into(), 40_000),
//!         server: Endpoint::new([10, 0, 0, 2].into(), 80),
//!         vlan: VlanTags::default(),
//!         virtual_network: None,
//!         interface: InterfaceId(interface),
//!     };
//!     Place::new(flow, point)
//! };
//!
//! let mut spans = SpanAssembler::new(TraceConfig::default());
//! spans.handle_exchange(seen(10_000, 90_000), place(2, ObservationPoint::Server));
//! spans.handle_exchange(seen(0, 100_000), place(1, ObservationPoint::Client));
//! spans.flush();
//!
//! let server = spans.poll_span().expect("flushed").to_span();
//! let client = spans.poll_span().expect("flushed").to_span();
//! assert_eq!((client.name.as_ref(), client.kind, server.kind), ("GET", SpanKind::Client, SpanKind::Server));
//! assert_eq!(server.trace_id, client.trace_id);
//! assert_eq!(server.parent_span_id, Some(client.span_id));
//! ```
//!
//! # Identifiers
//!
//! A trace identifier comes from propagated context, else it is derived by a hash from what every observer of the call
//! sees alike: for TCP both ends and the sequence number of the request (of the response where the request was not
//! seen), for datagrams both ends, the protocol's identifier and the question; and the interval of the clock, 18 minutes
//! for TCP and 4 seconds for datagrams. So two agents agree without talking to each other, unless an interval
//! ends between their observations. A span identifier adds the interface, the point and the exact time.
//!
//! # Bounds
//!
//! [`TraceConfig::max_held_spans`] bounds what is held, [`TraceStats`] counts what became of it. Handling an exchange
//! takes constant time; at most 64 exchanges that look alike are compared with each other. A [`Throttle`] bounds how many
//! spans leave per second.
//!
//! # Features
//!
//! None.
#![forbid(unsafe_code)]

mod assembler;
mod attributes;
mod config;
mod context;
mod hash;
mod ids;
mod link;
mod linked_span;
mod naming;
mod observation_point;
mod outcome;
mod place;
mod span;
mod stats;
#[cfg(test)]
mod test_exchange;
mod throttle;

pub use assembler::SpanAssembler;
pub use config::TraceConfig;
pub use ids::{IdError, SpanContext, SpanId, TraceId};
pub use linked_span::LinkedSpan;
pub use observation_point::{LocalEnds, ObservationPoint};
pub use place::{ObservedProcess, Place};
pub use span::{LinkReason, Span, SpanKind, SpanLink, SpanStatus, Vantage};
pub use stats::TraceStats;
pub use throttle::Throttle;
