//! What records say of an operation.

use std::borrow::Cow;
use std::sync::Arc;

use df_core::Direction;

use crate::sql::cut_text;
use crate::{Attributes, ConnectionConfig, Request};

use super::headers::Headers;
use super::subjects;
use super::wire::{Carried, json_text};

/// Makes requests, with what is known of the server.
#[derive(Debug)]
pub(super) struct Records {
    config: Arc<ConnectionConfig>,
    server_name: Option<String>,
    server_version: Option<String>,
}

impl Records {
    pub(super) fn new(config: &Arc<ConnectionConfig>) -> Self {
        Self { config: Arc::clone(config), server_name: None, server_version: None }
    }

    pub(super) fn config(&self) -> &ConnectionConfig {
        &self.config
    }

    /// The server introduces itself.
    pub(super) fn read_greeting(&mut self, object: &[u8]) {
        self.server_name = json_text(object, "server_name").map(|name| self.cut(name));
        self.server_version = json_text(object, "version").map(|version| self.cut(version));
    }

    pub(super) fn connect(&self, object: &[u8]) -> Request {
        let mut request = self.request("CONNECT", "connect", None);
        if let Some(name) = json_text(object, "name") {
            request.attributes.push("messaging.client.id", self.cut(name));
        }
        request
    }

    pub(super) fn ping(&self, direction: Direction) -> Request {
        let mut request = self.request("PING", "ping", None);
        mark_server(direction, &mut request);
        request
    }

    pub(super) fn subscribe(&self, subject: &[u8], queue: Option<&[u8]>) -> Request {
        self.about_subscription("SUB", "subscribe", Some(subject), queue)
    }

    pub(super) fn unsubscribe(&self, subject: Option<&[u8]>, queue: Option<&[u8]>) -> Request {
        self.about_subscription("UNSUB", "unsubscribe", subject, queue)
    }

    /// What a client publishes.
    pub(super) fn publish(&self, carried: &Carried<'_>, headers: Headers) -> Request {
        let is_acknowledgment = subjects::is_acknowledgment(carried.subject);
        let (operation, kind) = if is_acknowledgment { ("ack", "settle") } else { ("publish", "send") };
        self.carry(carried, headers, operation, kind)
    }

    /// What a server delivers, for a subscription of a queue group perhaps.
    pub(super) fn deliver(&self, carried: &Carried<'_>, headers: Headers, queue: Option<&[u8]>) -> Request {
        let mut request = self.carry(carried, headers, "receive", "receive");
        self.push_queue(queue, &mut request);
        request
    }

    /// An operation that a server refuses by its name.
    pub(super) fn refused(&self, verb: &'static str, subject: &str) -> Request {
        let operation = if verb == "PUB" { "publish" } else { "subscribe" };
        self.request(verb, operation, Some(subject.as_bytes()))
    }

    pub(super) fn cut(&self, text: &[u8]) -> String {
        cut_text(text, self.config.max_attribute_bytes)
    }

    fn about_subscription(
        &self,
        verb: &'static str,
        operation: &'static str,
        subject: Option<&[u8]>,
        queue: Option<&[u8]>,
    ) -> Request {
        let mut request = self.request(verb, operation, subject);
        self.push_queue(queue, &mut request);
        request
    }

    fn carry(
        &self,
        carried: &Carried<'_>,
        headers: Headers,
        operation: &'static str,
        operation_type: &'static str,
    ) -> Request {
        let mut request = self.request(carried.verb, operation, Some(carried.subject));
        let attributes = &mut request.attributes;
        attributes.push("messaging.operation.type", operation_type);
        if let Ok(bytes) = i64::try_from(carried.payload_bytes()) {
            attributes.push("messaging.message.body.size", bytes);
        }
        if let Some(id) = headers.message_id {
            attributes.push("messaging.message.id", id);
        }
        if let Some(reply) = carried.reply {
            attributes.push("df.nats.reply_to", self.cut(reply));
        }
        if let Some(status) = headers.status {
            attributes.push("df.nats.status_code", status);
        }
        request.context = headers.context.map(Box::new);
        request
    }

    fn request(&self, verb: &'static str, operation: &'static str, subject: Option<&[u8]>) -> Request {
        let mut attributes = Attributes::with_capacity(8);
        attributes.push("messaging.system", "nats");
        attributes.push("messaging.operation.name", operation);
        let mut request = Request {
            kind: Cow::Borrowed(verb),
            version: self.server_version.clone().map(Cow::Owned),
            domain: self.server_name.clone(),
            operation: Cow::Borrowed(operation),
            attributes,
            ..Request::default()
        };
        let Some(subject) = subject else { return request };
        let endpoint = self.cut(subjects::family(subject));
        request.attributes.push("messaging.destination.name", self.cut(subject));
        if subjects::is_inbox(subject) {
            request.attributes.push("messaging.destination.temporary", true);
        }
        request.resource = Some(cut_text(subject, self.config.max_resource_bytes));
        request.target = Some(endpoint.clone());
        request.endpoint = Some(endpoint);
        request
    }

    fn push_queue(&self, queue: Option<&[u8]>, request: &mut Request) {
        if let Some(queue) = queue {
            request.attributes.push("messaging.consumer.group.name", self.cut(queue));
        }
    }
}

/// Says that the server asks, if it does.
pub(super) fn mark_server(direction: Direction, request: &mut Request) {
    if direction == Direction::ToClient {
        request.attributes.push("df.nats.is_from_server", true);
    }
}
