//! Which metric an exchange belongs to, and under which attributes.

use std::borrow::Cow;

use df_core::FlowKey;
use df_l7::{AttributeValue, Exchange, Family, ResponseStatus};

use super::aggregation::{Histogram, Instrument};
use super::attribute_set::{AttributeSet, SetValue};
use super::{Durations, Side};

impl Durations {
    /// The metric of an exchange with its attributes; none where the conventions have no metric.
    pub(super) fn instrument_for(
        &mut self,
        exchange: &Exchange,
        side: Side,
        key: &FlowKey,
    ) -> Option<(&mut Instrument<Histogram>, AttributeSet)> {
        match (exchange.protocol.family(), side) {
            (Family::Http, Side::Client) => Some((&mut self.http_client, http_client(exchange, key))),
            (Family::Http, Side::Server) => Some((&mut self.http_server, http_server(exchange))),
            (Family::Database, Side::Client) => Some((&mut self.database, database(exchange, key))),
            (Family::Dns, Side::Client) => Some((&mut self.dns, dns(exchange))),
            (Family::Rpc, Side::Client) => Some((&mut self.rpc_client, server(rpc(exchange), key))),
            (Family::Rpc, Side::Server) => Some((&mut self.rpc_server, rpc(exchange))),
            (Family::Messaging, Side::Client) => Some((&mut self.messaging, messaging(exchange, key))),
            _ => None,
        }
    }
}

fn http_client(exchange: &Exchange, key: &FlowKey) -> AttributeSet {
    let is_error = exchange.status().is_error();
    server(http(exchange, is_error), key)
}

fn http_server(exchange: &Exchange) -> AttributeSet {
    // A server is not at fault for what its client asked wrongly.
    let is_error = exchange.status() == ResponseStatus::ServerError;
    let scheme = text(exchange, "url.scheme").unwrap_or(Cow::Borrowed("http"));
    http(exchange, is_error).with("url.scheme", scheme)
}

fn http(exchange: &Exchange, is_error: bool) -> AttributeSet {
    let method = exchange.asked().map_or("", |request| request.kind.as_ref());
    let method = HTTP_METHODS.iter().find(|known| **known == method).unwrap_or(&"_OTHER");
    let code = code(exchange);
    AttributeSet::default()
        .with("http.request.method", *method)
        .with_some("http.response.status_code", code.as_ref().and_then(|code| code.parse::<i64>().ok()))
        .with_some("error.type", code.filter(|_| is_error))
        .with_some(
            "network.protocol.version",
            exchange.version().map(|version| Cow::Owned(version.to_owned())),
        )
}

fn database(exchange: &Exchange, key: &FlowKey) -> AttributeSet {
    let code = code(exchange);
    let error = exchange.status().is_error().then(|| code.clone().unwrap_or(Cow::Borrowed("_OTHER")));
    let system = text(exchange, "db.system.name").unwrap_or(Cow::Borrowed(exchange.protocol.name()));
    let mut set = AttributeSet::default().with("db.system.name", system);
    for name in ["db.namespace", "db.collection.name", "db.operation.name", "db.query.summary"] {
        set = set.with_some(name, text(exchange, name));
    }
    server(set.with_some("db.response.status_code", code).with_some("error.type", error), key)
}

fn rpc(exchange: &Exchange) -> AttributeSet {
    let code = code(exchange);
    let error = exchange.status().is_error().then(|| code.clone().unwrap_or(Cow::Borrowed("_OTHER")));
    let system = text(exchange, "rpc.system.name").unwrap_or(Cow::Borrowed(exchange.protocol.name()));
    AttributeSet::default()
        .with("rpc.system.name", system)
        .with_some("rpc.method", text(exchange, "rpc.method"))
        .with_some("rpc.response.status_code", code)
        .with_some("error.type", error)
}

fn messaging(exchange: &Exchange, key: &FlowKey) -> AttributeSet {
    let error = exchange.status().is_error().then(|| code(exchange).unwrap_or(Cow::Borrowed("_OTHER")));
    let system = text(exchange, "messaging.system").unwrap_or(Cow::Borrowed(exchange.protocol.name()));
    let mut set = AttributeSet::default().with("messaging.system", system);
    for name in [
        "messaging.operation.name",
        "messaging.operation.type",
        "messaging.destination.name",
        "messaging.consumer.group.name",
    ] {
        set = set.with_some(name, text(exchange, name));
    }
    server(set.with_some("error.type", error), key)
}

fn dns(exchange: &Exchange) -> AttributeSet {
    let domain = exchange.asked().and_then(|request| request.domain.clone());
    let error = exchange.status().is_error().then(|| code(exchange).unwrap_or(Cow::Borrowed("_OTHER")));
    AttributeSet::default()
        .with_some("dns.question.name", domain.map(Cow::Owned))
        .with_some("error.type", error)
}

fn server(set: AttributeSet, key: &FlowKey) -> AttributeSet {
    let port = key.server.ip().map(|_| key.server.port);
    set.with_some("server.address", SetValue::of(key.server.address)).with_some("server.port", port)
}

fn code(exchange: &Exchange) -> Option<Cow<'static, str>> {
    exchange.response.as_ref().and_then(|response| response.content.code.clone())
}

/// A text attribute of the request, or else of the response.
fn text(exchange: &Exchange, key: &str) -> Option<Cow<'static, str>> {
    let request = exchange.asked().and_then(|request| request.attributes.find(key));
    let value = request
        .or_else(|| exchange.response.as_ref().and_then(|response| response.content.attributes.find(key)));
    match value {
        Some(AttributeValue::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

/// The methods that the conventions know; any other is `_OTHER`.
const HTTP_METHODS: [&str; 10] =
    ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE", "QUERY"];
