//! Exchanges become OpenTelemetry spans, named and linked.
#![forbid(unsafe_code)]

mod ids;
mod observation_point;
mod span;

pub use ids::{IdError, SpanContext, SpanId, TraceId};
pub use observation_point::{LocalEnds, ObservationPoint};
pub use span::{LinkReason, Span, SpanKind, SpanLink, SpanStatus, Vantage};
