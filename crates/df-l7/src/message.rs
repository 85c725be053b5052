//! What a parser makes of bytes: one request, response or one-way message.

use std::borrow::Cow;

use crate::{Attributes, Observed, PropagatedContext, Protocol};

/// One message of a protocol.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// How a response finds its request.
    pub correlation: Correlation,
    /// What the message says.
    pub content: Content,
    /// The message's length on the wire in bytes, where it is not that of the bytes from its first to its last one:
    /// frames of other messages lie between them.
    pub length: Option<u64>,
}

impl Message {
    /// A request that expects a response, paired in order.
    pub fn request(request: Request) -> Self {
        Self::new(Content::Request(Box::new(Observed::new(request))))
    }

    /// A response, paired in order.
    pub fn response(response: Response) -> Self {
        Self::new(Content::Response(Box::new(Observed::new(response))))
    }

    /// A message that nobody answers; its direction says who sent it.
    pub fn one_way(request: Request) -> Self {
        Self::new(Content::OneWay(Box::new(Observed::new(request))))
    }

    /// Pairs by the protocol's own identifier instead of by order.
    pub const fn with_id(mut self, id: u64) -> Self {
        self.correlation = Correlation::Id(id);
        self
    }

    /// Says how long the message is on the wire, in bytes.
    pub const fn with_length(mut self, length: u64) -> Self {
        self.length = Some(length);
        self
    }

    const fn new(content: Content) -> Self {
        Self { correlation: Correlation::InOrder, content, length: None }
    }
}

/// How a response names its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Correlation {
    /// The first response answers the first request, and so on.
    InOrder,
    /// The response carries the request's identifier. It is also the record's `request_id`.
    Id(u64),
}

/// The three kinds of message. Each lies where it will stay until it is told: the connection notes there when and where it
/// was seen.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Expects a response.
    Request(Box<Observed<Request>>),
    /// Answers a request.
    Response(Box<Observed<Response>>),
    /// Is not answered.
    OneWay(Box<Observed<Request>>),
}

/// What a request says. Fields that a protocol does not have stay empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Request {
    /// The protocol, where one is carried by that of the connection (gRPC by HTTP/2).
    pub protocol: Option<Protocol>,
    /// The record's `request_type`: method, command, query type.
    pub kind: Cow<'static, str>,
    /// The protocol version as its community writes it: `1.1`, `8.0.36`.
    pub version: Option<Cow<'static, str>>,
    /// Host or authority, queried name, database host.
    pub domain: Option<String>,
    /// The full object of the request: path with query, statement, command with arguments. Obfuscated unless
    /// configured otherwise.
    pub resource: Option<String>,
    /// A low-cardinality form of the resource: trimmed path, `SELECT users`, command.
    pub endpoint: Option<String>,
    /// The first word of the span name: HTTP method, SQL verb, command. Never high in cardinality.
    pub operation: Cow<'static, str>,
    /// The second word of the span name where the conventions want one: table, queried name.
    pub target: Option<String>,
    /// Whether no response says something too: the server answers in order, and this only in some cases (a quiet
    /// command). Unanswered it then is [`OneWay`](crate::ExchangeKind::OneWay), as soon as a later request is answered.
    pub may_be_unanswered: bool,
    /// Trace context that the sender put into the message.
    pub context: Option<Box<PropagatedContext>>,
    /// Everything else, under OpenTelemetry names.
    pub attributes: Attributes,
}

/// What a response says. Fields that a protocol does not have stay empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Response {
    /// The protocol, where one is carried by that of the connection (gRPC by HTTP/2).
    pub protocol: Option<Protocol>,
    /// How the request went.
    pub status: ResponseStatus,
    /// The status as the protocol writes it: `200`, `NXDOMAIN`, `1064`, `42P01`, `WRONGTYPE`.
    pub code: Option<Cow<'static, str>>,
    /// The protocol version, where only the response tells it.
    pub version: Option<Cow<'static, str>>,
    /// The error's text.
    pub exception: Option<String>,
    /// A short form of the answer: addresses, rows affected.
    pub result: Option<String>,
    /// The `x-request-id` of the response.
    pub x_request_id: Option<String>,
    /// What the response repeats of its request (DNS responses carry the question), in case the request was not seen.
    pub echoed_request: Option<Box<Request>>,
    /// Everything else, under OpenTelemetry names.
    pub attributes: Attributes,
}

/// How a request went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ResponseStatus {
    /// It was done.
    Ok,
    /// The request was at fault.
    ClientError,
    /// The server was at fault.
    ServerError,
    /// No response came within the protocol's window.
    Timeout,
    /// It cannot be told.
    #[default]
    Unknown,
}

impl ResponseStatus {
    /// The record's word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ClientError => "client_error",
            Self::ServerError => "server_error",
            Self::Timeout => "timeout",
            Self::Unknown => "unknown",
        }
    }

    /// Whether somebody was at fault.
    pub const fn is_error(self) -> bool {
        matches!(self, Self::ClientError | Self::ServerError)
    }
}
