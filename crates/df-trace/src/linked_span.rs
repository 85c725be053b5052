//! An exchange whose place in a trace is final.

use df_l7::Exchange;

use crate::{LinkReason, Place, Span, SpanContext, SpanId, SpanLink, attributes, naming, outcome};

/// An exchange whose place in a trace is final. The span is made of it only where somebody wants one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LinkedSpan {
    /// The exchange.
    pub exchange: Exchange,
    /// Where it was seen, with client and server as the protocol shows them: already exchanged where
    /// [`Exchange::is_reversed`] says so.
    pub place: Place,
    /// The identifiers of its span.
    pub context: SpanContext,
    /// Why the span stands where it stands; none for the root of a trace.
    pub link: Option<SpanLink>,
}

impl LinkedSpan {
    pub(crate) const fn new(
        exchange: Exchange,
        place: Place,
        context: SpanContext,
        link: Option<SpanLink>,
    ) -> Self {
        Self { exchange, place, context, link }
    }

    /// The span below which this one stands.
    pub fn parent_span_id(&self) -> Option<SpanId> {
        self.link.map(|link| link.to)
    }

    /// Whether the same call was seen nearer to the client too, of which this is a further sighting.
    pub fn is_seen_again(&self) -> bool {
        self.link.is_some_and(|link| link.by != LinkReason::PropagatedContext)
    }

    /// The span, with name, kind, status and attributes as OpenTelemetry's conventions ask. Copies the exchange's
    /// attributes.
    pub fn to_span(&self) -> Span {
        let Self { exchange, place, context, link } = self;
        let mut span =
            Span::new(*context, naming::span_name(exchange, &place.flow), place.flow, exchange.protocol);
        span.parent_span_id = self.parent_span_id();
        span.links = link.iter().copied().collect();
        span.kind = naming::span_kind(exchange.protocol.family(), place.observation_point);
        span.observation_point = place.observation_point;
        span.start = exchange.start();
        let request_end = exchange.request.as_ref().map(|request| request.end);
        span.end = exchange.end().or(request_end).unwrap_or(span.start).max(span.start);
        (span.status, span.status_message) = outcome::status(exchange, span.kind);
        span.attributes = attributes::of(exchange, place, span.kind);
        span
    }
}
