//! What requests say under the names of records: attributes, topics, trace context.

use crate::context::ContextReader;
use crate::sql::cut_text;
use crate::{ConnectionConfig, Request};

use super::connect::Connect;
use super::properties::{CONTENT_TYPE, CORRELATION_DATA, Properties, RESPONSE_TOPIC, USER_PROPERTY, Value};
use super::publish::Publish;
use super::subscribe::Filters;
use super::topics::shared;
use super::wire::{Head, Kind};

/// Adds what a client says of itself.
pub(super) fn describe_connect(connect: &Connect<'_>, config: &ConnectionConfig, request: &mut Request) {
    let attributes = &mut request.attributes;
    attributes.push("df.mqtt.clean_start", connect.is_clean());
    attributes.push("df.mqtt.keep_alive_seconds", connect.keep_alive_seconds);
    if let Some(method) = connect.authentication_method() {
        attributes.push("df.mqtt.authentication_method", cut(method, config));
    }
    if let Some((qos, is_retained)) = connect.will() {
        if let Some(topic) = connect.will_topic {
            attributes.push("df.mqtt.will.topic", cut(topic, config));
        }
        attributes.push("df.mqtt.will.qos", u16::from(qos));
        attributes.push("df.mqtt.will.retain", is_retained);
    }
    if let Some(properties) = &connect.properties {
        read_context(properties, config, request);
    }
}

/// Adds what stands in front of a payload, but for the topic.
pub(super) fn describe_publish(
    head: &Head,
    publish: &Publish<'_>,
    config: &ConnectionConfig,
    request: &mut Request,
) {
    let attributes = &mut request.attributes;
    if let Some(bytes) = publish.payload_bytes.and_then(|bytes| i64::try_from(bytes).ok()) {
        attributes.push("messaging.message.body.size", bytes);
    }
    attributes.push("df.mqtt.qos", u16::from(head.qos()));
    attributes.push("df.mqtt.retain", head.is_retained());
    if head.is_duplicate() {
        attributes.push("df.mqtt.dup", true);
    }
    let Some(properties) = &publish.properties else { return };
    if let Some(text) = properties.binary(CORRELATION_DATA).and_then(printable) {
        attributes.push("messaging.message.conversation_id", cut(text, config));
    }
    if let Some(topic) = properties.text(RESPONSE_TOPIC) {
        attributes.push("df.mqtt.response_topic", cut(topic, config));
    }
    if let Some(kind) = properties.text(CONTENT_TYPE) {
        attributes.push("df.mqtt.content_type", cut(kind, config));
    }
    read_context(properties, config, request);
}

/// Adds what is subscribed to.
pub(super) fn describe_filters(
    kind: Kind,
    filters: &Filters<'_>,
    config: &ConnectionConfig,
    request: &mut Request,
) {
    if let [(filter, options)] = filters.shown.as_slice() {
        let (group, topic) = shared(filter);
        set_topic(request, Some(cut(topic, config)));
        if let Some(group) = group {
            request.attributes.push("messaging.consumer.group.name", cut(group, config));
        }
        if kind == Kind::Subscribe {
            request.attributes.push("df.mqtt.qos", u16::from(options & 0x03));
        }
    }
    let names: Vec<&str> = filters.shown.iter().map(|(filter, _)| *filter).collect();
    request.resource = Some(cut_text(names.join(", ").as_bytes(), config.max_resource_bytes));
    if let Some(properties) = &filters.properties {
        read_context(properties, config, request);
    }
}

/// Adds the topic.
pub(super) fn set_topic(request: &mut Request, topic: Option<String>) {
    let Some(topic) = topic else { return };
    request.attributes.push("messaging.destination.name", topic.clone());
    (request.resource, request.endpoint) = (Some(topic.clone()), Some(topic.clone()));
    request.target = Some(topic);
}

/// Data that are text one can read.
fn printable(data: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(data).ok()?;
    (!text.is_empty() && !text.chars().any(char::is_control)).then_some(text)
}

/// Adds the trace context among the user properties.
fn read_context(properties: &Properties<'_>, config: &ConnectionConfig, request: &mut Request) {
    let mut reader = ContextReader::new(&config.context);
    for (identifier, value) in properties.clone() {
        if let (USER_PROPERTY, Value::Pair(name, value)) = (identifier, value) {
            reader.handle(name.as_bytes(), value.as_bytes());
        }
    }
    request.context = reader.finish().map(Box::new);
}

fn cut(text: &str, config: &ConnectionConfig) -> String {
    cut_text(text.as_bytes(), config.max_attribute_bytes)
}
