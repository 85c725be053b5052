//! A span: an exchange placed in a trace.

use std::borrow::Cow;

use df_core::{FlowKey, Timestamp};
use df_l7::{Attributes, Protocol};

use crate::{ObservationPoint, SpanContext, SpanId, TraceId};

/// An exchange placed in a trace, in the terms of OpenTelemetry.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Span {
    /// The trace.
    pub trace_id: TraceId,
    /// The span itself.
    pub span_id: SpanId,
    /// The span below which this one stands; none for the root of a trace.
    pub parent_span_id: Option<SpanId>,
    /// The name, low in cardinality: `GET`, `SELECT users`, `A example.com`.
    pub name: Cow<'static, str>,
    /// Which side of the call it tells of.
    pub kind: SpanKind,
    /// When the request's first byte was seen (the response's, where the request was not seen).
    pub start: Timestamp,
    /// When the response's first byte was seen; without a response, when the request's last byte was seen. Never before
    /// `start`.
    pub end: Timestamp,
    /// How the call went.
    pub status: SpanStatus,
    /// What the error was, where the status does not say it all.
    pub status_message: Option<String>,
    /// The service that OpenTelemetry shall see as the span's maker, where it is known.
    pub service: Option<String>,
    /// In what layer it was seen.
    pub vantage: Vantage,
    /// At which point between client and server it was seen.
    pub observation_point: ObservationPoint,
    /// Why the parent was chosen. Empty for a root.
    pub links: Vec<SpanLink>,
    /// The attributes, under OpenTelemetry's names.
    pub attributes: Attributes,
    /// The connection, with client and server as the protocol shows them, and the interface.
    pub flow: FlowKey,
    /// The protocol.
    pub protocol: Protocol,
}

impl Span {
    /// A span seen in the network, at a place that is neither client nor server, of no duration at the epoch. Set the
    /// fields that differ.
    pub fn new(
        context: SpanContext,
        name: impl Into<Cow<'static, str>>,
        flow: FlowKey,
        protocol: Protocol,
    ) -> Self {
        Self {
            trace_id: context.trace_id,
            span_id: context.span_id,
            parent_span_id: None,
            name: name.into(),
            kind: SpanKind::Client,
            start: Timestamp::ZERO,
            end: Timestamp::ZERO,
            status: SpanStatus::Unset,
            status_message: None,
            service: None,
            vantage: Vantage::Network,
            observation_point: ObservationPoint::Rest,
            links: Vec::new(),
            attributes: Attributes::new(),
            flow,
            protocol,
        }
    }

    /// The trace and span identifiers together.
    pub const fn context(&self) -> SpanContext {
        SpanContext::new(self.trace_id, self.span_id)
    }
}

/// Which side of a call a span tells of, as OpenTelemetry defines it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SpanKind {
    /// Work inside a process.
    Internal,
    /// The handling of a request.
    Server,
    /// The making of a request.
    Client,
    /// The sending of a message that is handled later.
    Producer,
    /// The handling of a message that was sent before.
    Consumer,
}

impl SpanKind {
    /// The record's `span_kind`: OpenTelemetry's word in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }
}

/// How the call of a span went, as OpenTelemetry defines it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SpanStatus {
    /// Nothing went wrong as far as can be seen.
    #[default]
    Unset,
    /// An operator or application declared it good. Nothing that only watches may say so; spans of applications can.
    Ok,
    /// It failed.
    Error,
}

impl SpanStatus {
    /// The record's `status`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }
}

/// In what layer a span was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Vantage {
    /// Inside the application: instrumentation made it.
    Application,
    /// At the system calls or the TLS library of a process.
    System,
    /// In packets.
    Network,
}

impl Vantage {
    /// The record's `vantage`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::System => "system",
            Self::Network => "network",
        }
    }
}

/// Why a span stands below another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanLink {
    /// What links them.
    pub by: LinkReason,
    /// The other span: the parent.
    pub to: SpanId,
}

/// What links two spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LinkReason {
    /// The same bytes at the same TCP sequence number, seen at two places.
    TcpSequence,
    /// The same bytes at the same place of a Unix socket's connection, seen at both of its ends.
    StreamOffset,
    /// The same datagram seen at two places: equal ends, protocol identifier and question.
    Datagram,
    /// Trace context that the application put into its message.
    PropagatedContext,
}

impl LinkReason {
    /// The record's `by`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TcpSequence => "tcp_sequence",
            Self::StreamOffset => "stream_offset",
            Self::Datagram => "datagram",
            Self::PropagatedContext => "propagated_context",
        }
    }
}
