//! What records of AMQP 1.0 say: of links, messages and their outcomes, and of what went wrong.

use std::borrow::Cow;

use df_core::Direction;

use crate::sql::cut_text;
use crate::{Attributes, ConnectionConfig, Request, Response, ResponseStatus};

use super::super::identity::push_message_identity;
use super::performative::{Failure, Kind, Outcome, Performative, named};
use super::sections::Sections;
use super::value::Value;

/// What the connection is about, as far as it is known.
#[derive(Debug)]
pub(super) struct Peers {
    /// What the server is, as the conventions name it.
    pub(super) system: &'static str,
    /// The host that the client wants to speak to.
    host: Option<String>,
    client_id: Option<String>,
}

impl Peers {
    pub(super) const fn new(system: &'static str) -> Self {
        Self { system, host: None, client_id: None }
    }

    /// What an `open` of the client tells.
    pub(super) fn learn_client(&mut self, open: &Performative<'_>, max_bytes: usize) {
        let text = |place| open.field(place).text().filter(|text: &&[u8]| !text.is_empty());
        self.client_id = text(0).map(|id| cut_text(id, max_bytes));
        self.host = text(1).map(|host| cut_text(host, max_bytes));
    }

    /// What an `open` of the server tells; gives its product and version.
    pub(super) fn learn_server(&mut self, open: &Performative<'_>, max_bytes: usize) -> Option<String> {
        let (mut product, mut version) = (None, None);
        for (name, value) in named(open.field(9).items()) {
            match name {
                b"product" => product = value.text(),
                b"version" => version = value.text(),
                _ => {}
            }
        }
        let product = product?;
        self.system = super::super::system_of(product);
        let words = version.map_or(product.to_vec(), |version| [product, version].join(&b' '));
        Some(cut_text(&words, max_bytes))
    }
}

/// What a record is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) kind: Kind,
    pub(super) direction: Direction,
    pub(super) channel: u16,
    pub(super) link_name: Option<&'a [u8]>,
    pub(super) address: Option<&'a [u8]>,
    pub(super) is_anonymous: bool,
}

/// A request about this.
pub(super) fn request(subject: &Subject<'_>, peers: &Peers, config: &ConnectionConfig) -> Request {
    let (operation, operation_type) = operation(subject);
    let text = |text: &[u8]| cut_text(text, config.max_attribute_bytes);
    let mut attributes = Attributes::with_capacity(12);
    attributes.push("messaging.system", peers.system);
    attributes.push("messaging.operation.name", operation);
    if let Some(operation_type) = operation_type {
        attributes.push("messaging.operation.type", operation_type);
    }
    if let Some(address) = subject.address {
        attributes.push("messaging.destination.name", text(address));
    }
    if subject.is_anonymous {
        attributes.push("messaging.destination.anonymous", true);
    }
    if let Some(client_id) = &peers.client_id {
        attributes.push("messaging.client.id", client_id.clone());
    }
    if !matches!(subject.kind, Kind::Open | Kind::Close | Kind::SaslInit) {
        attributes.push("df.amqp.channel", subject.channel);
    }
    if let Some(name) = subject.link_name.filter(|name| !name.is_empty()) {
        attributes.push("df.amqp.link.name", text(name));
    }
    if subject.direction == Direction::ToClient {
        attributes.push("df.amqp.is_from_server", true);
    }
    let named = subject.address.filter(|_| !subject.is_anonymous);
    let target = named.map(|address| text(short_address(address, peers.system)));
    Request {
        kind: Cow::Borrowed(subject.kind.name()),
        version: Some(Cow::Borrowed(VERSION)),
        domain: peers.host.clone(),
        resource: subject.address.map(|address| cut_text(address, config.max_resource_bytes)),
        endpoint: target.clone(),
        operation: Cow::Borrowed(operation),
        target,
        attributes,
        ..Request::default()
    }
}

/// Adds what a message says of itself.
pub(super) fn add_sections(request: &mut Request, sections: Sections<'_>, config: &ConnectionConfig) {
    let (message_id, correlation_id) = (identifier(sections.message_id), identifier(sections.correlation_id));
    push_message_identity(&mut request.attributes, message_id.as_deref(), correlation_id.as_deref(), config);
    let numbers = [
        ("messaging.message.body.size", sections.body_bytes),
        ("df.amqp.delivery_count", sections.delivery_count),
    ];
    for (key, number) in numbers {
        push_number(&mut request.attributes, key, number);
    }
    request.context = sections.context.map(Box::new);
}

/// Adds a number that fits.
pub(super) fn push_number(attributes: &mut Attributes, key: &'static str, number: Option<u64>) {
    if let Some(number) = number.and_then(|number| i64::try_from(number).ok()) {
        attributes.push(key, number);
    }
}

/// Adds why who asks wants something to end.
pub(super) fn add_failure(request: &mut Request, failure: Failure<'_>, config: &ConnectionConfig) {
    let condition = cut_text(failure.condition, config.max_attribute_bytes);
    request.attributes.push("df.amqp.error.condition", condition);
    if let Some(description) = failure.description {
        let description = cut_text(description, config.max_attribute_bytes);
        request.attributes.push("df.amqp.error.description", description);
    }
}

/// The answer of who has nothing against it.
pub(super) fn agreement() -> Response {
    Response { status: ResponseStatus::Ok, ..Response::default() }
}

/// The answer of who refuses.
pub(super) fn refusal(failure: Option<Failure<'_>>, config: &ConnectionConfig) -> Response {
    let Some(failure) = failure else {
        return Response { status: ResponseStatus::ClientError, ..Response::default() };
    };
    let text = |text: &[u8]| cut_text(text, config.max_attribute_bytes);
    Response {
        status: status_of(failure.condition),
        code: Some(Cow::Owned(text(failure.condition))),
        exception: failure.description.filter(|words| !words.is_empty()).map(text),
        ..Response::default()
    }
}

/// The answer to a login.
pub(super) fn login(outcome: &Performative<'_>) -> Response {
    let (status, code) = match outcome.number(0) {
        Some(0) => return agreement(),
        Some(1) => (ResponseStatus::ClientError, "auth"),
        Some(2) => (ResponseStatus::ServerError, "sys"),
        Some(3) => (ResponseStatus::ServerError, "sys-perm"),
        Some(4) => (ResponseStatus::ServerError, "sys-temp"),
        _ => return Response::default(),
    };
    Response { status, code: Some(Cow::Borrowed(code)), ..Response::default() }
}

/// How a message that this end sent was settled.
pub(super) fn settlement(outcome: Outcome<'_>, sender: Direction, config: &ConnectionConfig) -> Response {
    // A client gives back what it cannot use now; a server that does not take a message fails its sender.
    let given_back = match sender {
        Direction::ToServer => ResponseStatus::ServerError,
        Direction::ToClient => ResponseStatus::Unknown,
    };
    let (status, result) = match outcome {
        Outcome::Accepted => (ResponseStatus::Ok, "accepted"),
        Outcome::Declared => (ResponseStatus::Ok, "declared"),
        Outcome::Settled => (ResponseStatus::Unknown, "settled"),
        Outcome::Released => (given_back, "released"),
        Outcome::Modified { is_undeliverable: true } => (ResponseStatus::ClientError, "modified"),
        Outcome::Modified { .. } => (given_back, "modified"),
        Outcome::Rejected(Some(failure)) => {
            return Response { result: Some("rejected".to_owned()), ..refusal(Some(failure), config) };
        }
        Outcome::Rejected(None) => (ResponseStatus::ClientError, "rejected"),
    };
    let code = status.is_error().then_some(Cow::Borrowed(result));
    Response { status, code, result: Some(result.to_owned()), ..Response::default() }
}

/// What a performative is called as an operation, and its type.
fn operation(subject: &Subject<'_>) -> (&'static str, Option<&'static str>) {
    match (subject.kind, subject.direction) {
        (Kind::Transfer, Direction::ToServer) => ("send", Some("send")),
        (Kind::Transfer, Direction::ToClient) => ("receive", Some("receive")),
        (kind, _) => (kind.name(), None),
    }
}

/// Whom a condition blames.
fn status_of(condition: &[u8]) -> ResponseStatus {
    match condition {
        b"amqp:internal-error"
        | b"amqp:not-implemented"
        | b"amqp:resource-limit-exceeded"
        | b"amqp:connection:forced"
        | b"amqp:connection:redirect"
        | b"amqp:link:redirect"
        | b"com.microsoft:server-busy"
        | b"com.microsoft:timeout" => ResponseStatus::ServerError,
        _ => ResponseStatus::ClientError,
    }
}

/// An identifier of a message, of any of the four types that it may have.
fn identifier(value: Value<'_>) -> Option<Cow<'_, [u8]>> {
    match value {
        Value::Text(text) => Some(Cow::Borrowed(text)),
        Value::Unsigned(number) => Some(Cow::Owned(number.to_string().into_bytes())),
        Value::Uuid(bytes) => Some(Cow::Owned(uuid(bytes).into_bytes())),
        _ => None,
    }
}

fn uuid(bytes: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (place, byte) in bytes.into_iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for half in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(half), 16));
        }
    }
    text
}

/// An address without what may be different for every message: RabbitMQ's have routing keys behind the exchange.
fn short_address<'a>(address: &'a [u8], system: &str) -> &'a [u8] {
    let is_exchange = [&b"/exchange/"[..], b"/exchanges/"].iter().any(|start| address.starts_with(start));
    if system != "rabbitmq" || !is_exchange {
        return address;
    }
    let end = memchr::memchr_iter(b'/', address).nth(2).unwrap_or(address.len());
    address.get(..end).unwrap_or(address)
}

/// As users write it.
const VERSION: &str = "1.0";
