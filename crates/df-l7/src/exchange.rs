//! A request with its response.

use std::time::Duration;

use df_core::{CausalId, Direction, Timestamp};

use crate::{Protocol, Request, Response, ResponseStatus};

/// A request with its response, or either of them alone.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Exchange {
    /// The protocol.
    pub protocol: Protocol,
    /// Which parts were seen.
    pub kind: ExchangeKind,
    /// The request, if it was seen; also a one-way message.
    pub request: Option<Box<Observed<Request>>>,
    /// The response, if it was seen.
    pub response: Option<Box<Observed<Response>>>,
    /// The protocol's own identifier, where it has one on the wire.
    pub request_id: Option<u64>,
    /// Whether client and server are the other way round than the connection's owner believed: the protocol
    /// itself shows who asks.
    pub is_reversed: bool,
}

/// Which parts of an exchange were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExchangeKind {
    /// Request and response.
    Complete,
    /// A request that stayed without response for the protocol's window, or until its connection ended.
    Unanswered,
    /// A response whose request was not seen.
    ResponseOnly,
    /// A message that is never answered, and who sent it.
    OneWay(Direction),
}

impl ExchangeKind {
    /// The record's `message_type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "exchange",
            Self::Unanswered => "request",
            Self::ResponseOnly => "response",
            Self::OneWay(_) => "one_way",
        }
    }
}

/// The content of a message and where it was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed<T> {
    /// What the message says.
    pub content: T,
    /// When its first byte was seen.
    pub start: Timestamp,
    /// When its last byte was seen, or the last that the parser needed.
    pub end: Timestamp,
    /// Bytes on the wire.
    pub length: u64,
    /// TCP sequence number of its first byte.
    pub sequence_number: Option<u32>,
    /// The causal id of the call that moved its first byte, where its process was observed.
    pub causal_id: Option<CausalId>,
}

impl<T> Observed<T> {
    /// Content of which nobody has said yet when and where it was seen.
    pub const fn new(content: T) -> Self {
        let (start, end) = (Timestamp::ZERO, Timestamp::ZERO);
        Self { content, start, end, length: 0, sequence_number: None, causal_id: None }
    }
}

impl Exchange {
    /// An exchange of which nothing is filled in yet. Set the fields that are known.
    pub const fn new(protocol: Protocol, kind: ExchangeKind) -> Self {
        Self { protocol, kind, request: None, response: None, request_id: None, is_reversed: false }
    }

    /// When the first byte of the exchange was seen: the request's, if there is one.
    pub fn start(&self) -> Timestamp {
        match (&self.request, &self.response) {
            (Some(request), _) => request.start,
            (None, Some(response)) => response.start,
            (None, None) => Timestamp::ZERO,
        }
    }

    /// What was asked: the request itself, or what its response repeats of it.
    pub fn asked(&self) -> Option<&Request> {
        let echoed = || self.response.as_ref()?.content.echoed_request.as_deref();
        self.request.as_ref().map(|request| &request.content).or_else(echoed)
    }

    /// When the response's first byte was seen.
    pub fn end(&self) -> Option<Timestamp> {
        self.response.as_ref().map(|response| response.start)
    }

    /// From the request's first byte to the response's first byte; none unless both were seen.
    pub fn duration(&self) -> Option<Duration> {
        let (request, response) = (self.request.as_ref()?, self.response.as_ref()?);
        Some(response.start.since(request.start))
    }

    /// How the request went.
    pub fn status(&self) -> ResponseStatus {
        match (&self.response, self.kind) {
            (Some(response), _) => response.content.status,
            (None, ExchangeKind::Unanswered) => ResponseStatus::Timeout,
            (None, _) => ResponseStatus::Unknown,
        }
    }

    /// The protocol version, from whichever side tells it.
    pub fn version(&self) -> Option<&str> {
        let request = self.request.as_ref().and_then(|request| request.content.version.as_deref());
        request.or_else(|| self.response.as_ref().and_then(|response| response.content.version.as_deref()))
    }
}
