//! What a record tells beyond the value it is made of: where it was seen and which span belongs to it.

use df_core::{FlowKey, Tunnel};
use df_l7::{Exchange, Protocol};
use df_trace::{ObservationPoint, ObservedProcess, Place, Span, SpanId, TraceId};

/// Where an exchange was seen and which span was made of it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ExchangePlace<'a> {
    /// The connection, client first as its owner believes; turned round in the record when the exchange says so.
    pub key: &'a FlowKey,
    /// What delivered the bytes: `packet`, `syscall`, `openssl`, ...
    pub source: &'a str,
    /// The name of the interface where the packets were seen.
    pub interface: Option<&'a str>,
    /// The tunnels around its connection's packets, outermost first.
    pub tunnels: &'a [Tunnel],
    /// The process that was seen at one end.
    pub process: Option<ProcessPlace<'a>>,
    /// The span made of the exchange.
    pub span: Option<SpanIds>,
}

impl<'a> ExchangePlace<'a> {
    /// An exchange seen in packets, its interface's name and span unknown.
    pub const fn new(key: &'a FlowKey) -> Self {
        Self { key, source: "packet", interface: None, tunnels: &[], process: None, span: None }
    }

    /// Names the interface.
    pub const fn with_interface(mut self, interface: Option<&'a str>) -> Self {
        self.interface = interface;
        self
    }

    /// Names the tunnels.
    pub const fn with_tunnels(mut self, tunnels: &'a [Tunnel]) -> Self {
        self.tunnels = tunnels;
        self
    }

    /// Says what delivered the bytes.
    pub const fn with_source(mut self, source: &'a str) -> Self {
        self.source = source;
        self
    }

    /// Tells the process that `place` names, and the container in which it runs.
    pub const fn with_process(mut self, place: &'a Place, container_id: Option<&'a str>) -> Self {
        if let Some(process) = &place.process {
            let is_server = matches!(place.observation_point, ObservationPoint::ServerProcess);
            self.source = process.source.name();
            self.process = Some(ProcessPlace { process, container_id, is_server });
        }
        self
    }

    /// The connection with client and server as the protocol of `exchange` shows them.
    pub const fn oriented_key(&self, exchange: &Exchange) -> FlowKey {
        if exchange.is_reversed { self.key.reversed() } else { *self.key }
    }

    /// Names the span made of the exchange.
    pub fn with_span(mut self, span: impl Into<SpanIds>) -> Self {
        self.span = Some(span.into());
        self
    }
}

/// A process at one end of an exchange.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ProcessPlace<'a> {
    /// The process.
    pub process: &'a ObservedProcess,
    /// The container in which it runs.
    pub container_id: Option<&'a str>,
    /// Whether it answers.
    pub is_server: bool,
}

/// The identifiers of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanIds {
    /// The trace.
    pub trace_id: TraceId,
    /// The span.
    pub span_id: SpanId,
    /// Its parent; none for a root.
    pub parent_span_id: Option<SpanId>,
}

impl From<&Span> for SpanIds {
    fn from(span: &Span) -> Self {
        Self { trace_id: span.trace_id, span_id: span.span_id, parent_span_id: span.parent_span_id }
    }
}

/// What the caller knows of a flow beyond its record.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct FlowPlace<'a> {
    /// The name of the interface where the packets were seen.
    pub interface: Option<&'a str>,
    /// The application protocol found in it.
    pub protocol: Option<Protocol>,
}

impl<'a> FlowPlace<'a> {
    /// Nothing is known.
    pub const fn new() -> Self {
        Self { interface: None, protocol: None }
    }

    /// Names the interface.
    pub const fn with_interface(mut self, interface: Option<&'a str>) -> Self {
        self.interface = interface;
        self
    }

    /// Names the application protocol.
    pub const fn with_protocol(mut self, protocol: Option<Protocol>) -> Self {
        self.protocol = protocol;
        self
    }
}
