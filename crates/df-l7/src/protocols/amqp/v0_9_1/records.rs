//! Makes requests and responses of methods.

use std::borrow::Cow;

use crate::sql::cut_text;
use crate::{Attributes, ConnectionConfig, Message, Request, Response, ResponseStatus};

use super::super::identity::{push_context, push_message_identity};
use super::arguments::Arguments;
use super::methods::{
    ACK, DELIVER, EXCHANGE_DECLARE, GET, Method, NACK, PUBLISH, QUEUE_DECLARE, REJECT, RETURN,
};
use super::properties::Properties;
use super::wire::texts;

/// What the connection is about, as far as it is known.
#[derive(Debug)]
pub(super) struct Peers {
    /// What the server is, as the conventions name it.
    pub(super) system: &'static str,
    pub(super) vhost: Option<String>,
}

impl Peers {
    /// What the table of a server's `Connection.Start` tells; gives its product and version.
    pub(super) fn learn(&mut self, table: &[u8], max_bytes: usize) -> Option<String> {
        let (mut product, mut version) = (None, None);
        for (name, value) in texts(table) {
            match name {
                b"product" => product = Some(value),
                b"version" => version = Some(value),
                _ => {}
            }
        }
        let product = product?;
        self.system = super::super::system_of(product);
        let words = version.map_or(product.to_vec(), |version| [product, version].join(&b' '));
        Some(cut_text(&words, max_bytes))
    }
}

/// A request of this method.
pub(super) fn request(
    method: &Method,
    channel: u16,
    arguments: &Arguments<'_>,
    peers: &Peers,
    config: &ConnectionConfig,
) -> Request {
    let (operation, operation_type) = operation(method);
    let destination = Destination::of(method, arguments);
    let name = destination.full_name();
    let mut attributes = Attributes::with_capacity(10);
    attributes.push("messaging.system", peers.system);
    attributes.push("messaging.operation.name", operation);
    if let Some(operation_type) = operation_type {
        attributes.push("messaging.operation.type", operation_type);
    }
    if let Some(name) = &name {
        attributes.push("messaging.destination.name", cut_text(name, config.max_attribute_bytes));
    }
    if destination.is_anonymous() {
        attributes.push("messaging.destination.anonymous", true);
    }
    if let Some(key) = arguments.routing_key.filter(|key| !key.is_empty()) {
        attributes
            .push("messaging.rabbitmq.destination.routing_key", cut_text(key, config.max_attribute_bytes));
    }
    if let Some(tag) = arguments.delivery_tag.and_then(|tag| i64::try_from(tag).ok()) {
        attributes.push("messaging.rabbitmq.message.delivery_tag", tag);
    }
    if channel > 0 {
        attributes.push("df.amqp.channel", channel);
    }
    if let Some(mechanism) = arguments.mechanism {
        attributes.push("df.amqp.sasl.mechanism", cut_text(mechanism, config.max_attribute_bytes));
    }
    if method.key() == DELIVER && arguments.has_flag(1) {
        attributes.push("df.amqp.redelivered", true);
    }
    let target = destination.short_name().map(|name| cut_text(name, config.max_attribute_bytes));
    Request {
        kind: Cow::Borrowed(method.name),
        version: Some(Cow::Borrowed(VERSION)),
        domain: peers.vhost.clone(),
        resource: name.map(|name| cut_text(&name, config.max_resource_bytes)),
        endpoint: target.clone(),
        operation: Cow::Borrowed(operation),
        target,
        attributes,
        ..Request::default()
    }
}

/// What a request of the method is known by, if only its answer was seen.
pub(super) fn echo(method: &Method, channel: u16, peers: &Peers, config: &ConnectionConfig) -> Request {
    request(method, channel, &Arguments::default(), peers, config)
}

/// The answer that says that all went well.
pub(super) fn answer(method: &Method, arguments: &Arguments<'_>, config: &ConnectionConfig) -> Response {
    let mut response =
        Response { status: ResponseStatus::Ok, version: Some(Cow::Borrowed(VERSION)), ..Response::default() };
    if let Some(count) = arguments.count.filter(|_| !method.has_content()) {
        response.result = Some(format!("{count} messages"));
    }
    if method.has_content() {
        let name = Destination::of(method, arguments).full_name();
        if let Some(name) = name {
            response
                .attributes
                .push("messaging.destination.name", cut_text(&name, config.max_attribute_bytes));
        }
        if let Some(tag) = arguments.delivery_tag.and_then(|tag| i64::try_from(tag).ok()) {
            response.attributes.push("messaging.rabbitmq.message.delivery_tag", tag);
        }
    }
    response
}

/// The answer of a method with a reply code: a channel or connection that is closed, a message that comes back.
pub(super) fn refusal(arguments: &Arguments<'_>, config: &ConnectionConfig) -> Response {
    let code = arguments.reply_code.unwrap_or_default();
    let mut response =
        Response { status: reply_status(code), version: Some(Cow::Borrowed(VERSION)), ..Response::default() };
    if code > 0 {
        response.code = Some(Cow::Owned(code.to_string()));
    }
    response.exception = arguments
        .reply_text
        .filter(|text| !text.is_empty() && response.status.is_error())
        .map(|text| cut_text(text, config.max_attribute_bytes));
    let culprit = arguments.culprit.and_then(|(class, number)| Method::find(class, number));
    if let Some(culprit) = culprit {
        response.attributes.push("df.amqp.failed_method", culprit.name);
    }
    response
}

/// How a message was settled.
pub(super) fn settlement(method: &Method, arguments: &Arguments<'_>, is_confirm: bool) -> Response {
    let is_requeued = match method.key() {
        NACK => arguments.has_flag(2),
        _ => arguments.has_flag(1),
    };
    let (status, result) = match (method.key(), is_confirm) {
        (ACK, _) => (ResponseStatus::Ok, "ack"),
        (NACK, true) => (ResponseStatus::ServerError, "nack"),
        (REJECT, _) if is_requeued => (ResponseStatus::Unknown, "reject, requeue"),
        (REJECT, _) => (ResponseStatus::ClientError, "reject"),
        (_, _) if is_requeued => (ResponseStatus::Unknown, "nack, requeue"),
        (_, _) => (ResponseStatus::ClientError, "nack"),
    };
    let code = status.is_error().then_some(Cow::Borrowed(result));
    Response { status, code, result: Some(result.to_owned()), ..Response::default() }
}

/// Adds what the properties of a message tell.
pub(super) fn add_properties(message: &mut Message, properties: Properties<'_>, config: &ConnectionConfig) {
    let Properties { body_bytes, correlation_id, message_id, context } = properties;
    match &mut message.content {
        crate::Content::Request(request) | crate::Content::OneWay(request) => {
            let request = &mut request.content;
            request.context = context.map(Box::new);
            push_message_identity(&mut request.attributes, message_id, correlation_id, config);
            push_size(&mut request.attributes, body_bytes);
        }
        crate::Content::Response(response) => {
            let response = &mut response.content;
            push_context(&mut response.attributes, context);
            push_message_identity(&mut response.attributes, message_id, correlation_id, config);
            push_size(&mut response.attributes, body_bytes);
        }
    }
}

fn push_size(attributes: &mut Attributes, body_bytes: u64) {
    if let Ok(body_bytes) = i64::try_from(body_bytes) {
        attributes.push("messaging.message.body.size", body_bytes);
    }
}

/// What a method is called as an operation, and its type.
fn operation(method: &Method) -> (&'static str, Option<&'static str>) {
    match method.key() {
        PUBLISH => ("publish", Some("send")),
        DELIVER => ("deliver", Some("receive")),
        GET => ("get", Some("receive")),
        ACK => ("ack", Some("settle")),
        NACK => ("nack", Some("settle")),
        REJECT => ("reject", Some("settle")),
        RETURN => ("return", None),
        EXCHANGE_DECLARE | QUEUE_DECLARE => (method.name, Some("create")),
        _ => (method.name, None),
    }
}

/// Whom a reply code blames.
fn reply_status(code: u16) -> ResponseStatus {
    match code {
        0 | 200 => ResponseStatus::Ok,
        320 | 506 | 540 | 541 => ResponseStatus::ServerError,
        _ => ResponseStatus::ClientError,
    }
}

/// Where messages go to or come from.
struct Destination<'a> {
    exchange: &'a [u8],
    routing_key: &'a [u8],
    queue: &'a [u8],
    is_default_exchange: bool,
}

impl<'a> Destination<'a> {
    fn of(method: &Method, arguments: &Arguments<'a>) -> Self {
        Self {
            exchange: arguments.exchange.unwrap_or_default(),
            routing_key: arguments.routing_key.unwrap_or_default(),
            queue: arguments.queue.unwrap_or_default(),
            is_default_exchange: method.has_content() && arguments.exchange.is_some_and(<[u8]>::is_empty),
        }
    }

    /// `exchange:routing key:queue`, without what is empty or said already.
    fn full_name(&self) -> Option<Vec<u8>> {
        let is_said = self.queue == self.routing_key && self.exchange.is_empty();
        let queue = if is_said { &[][..] } else { self.queue };
        let parts = [self.exchange, self.routing_key, queue];
        let mut name = Vec::new();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            if !name.is_empty() {
                name.push(b':');
            }
            name.extend_from_slice(part);
        }
        match name.is_empty() {
            true if self.is_default_exchange => Some(DEFAULT_EXCHANGE.to_vec()),
            true => None,
            false => Some(name),
        }
    }

    /// The queue or exchange that is asked for by name; not the routing keys, of which there may be any number.
    fn short_name(&self) -> Option<&'a [u8]> {
        let routing_key = if self.is_default_exchange { self.routing_key } else { &[] };
        let names = [self.queue, self.exchange, routing_key];
        names.into_iter().find(|name| !name.is_empty()).filter(|name| !is_generated(name))
    }

    fn is_anonymous(&self) -> bool {
        is_generated(self.queue) || (self.is_default_exchange && is_generated(self.routing_key))
    }
}

/// Names that a server or a client library made up for a queue of its own.
fn is_generated(name: &[u8]) -> bool {
    [&b"amq.gen-"[..], b"amq.rabbitmq.reply-to", b"spring.gen-"].iter().any(|start| name.starts_with(start))
}

/// As users write it.
const VERSION: &str = "0.9.1";
/// What the conventions call the exchange without a name.
const DEFAULT_EXCHANGE: &[u8] = b"amq.default";
