//! Names and kinds of spans, as OpenTelemetry's conventions ask.

use std::borrow::Cow;

use df_core::FlowKey;
use df_l7::{Exchange, Family, Request};

use crate::{ObservationPoint, SpanKind};

/// The name of the span of an exchange. Never high in cardinality, except for the names that DNS asks for.
pub(crate) fn span_name(exchange: &Exchange, flow: &FlowKey) -> Cow<'static, str> {
    let request = exchange.asked();
    match (exchange.protocol.family(), request) {
        (Family::Http, request) => http_name(request),
        (Family::Database, Some(request)) => database_name(request, exchange, flow),
        (_, Some(request)) => operation_and_target(request, exchange),
        (_, None) => fallback_name(exchange),
    }
}

/// The kind of a span. Who asks a database, a name server or a broker is what conventions know, wherever it was seen:
/// messages carry a context of their own, so the call that hands them over is a client's, not a producer's. Of other
/// calls there are two sides; what was seen at neither is told as the client's.
pub(crate) const fn span_kind(family: Family, point: ObservationPoint) -> SpanKind {
    match family {
        Family::Database | Family::Dns | Family::Messaging => SpanKind::Client,
        _ if point.is_server_side() => SpanKind::Server,
        _ => SpanKind::Client,
    }
}

/// `{method}`, `HTTP` where the conventions do not know it. The route that would follow cannot be seen, and the path must
/// not stand for it.
fn http_name(request: Option<&Request>) -> Cow<'static, str> {
    let method = request.map(|request| request.operation.as_ref());
    let known = HTTP_METHODS.iter().find(|known| Some(**known) == method);
    Cow::Borrowed(known.copied().unwrap_or("HTTP"))
}

/// `{db.query.summary}`, else `{db.operation.name} {target}`, else `{target}`, else `{db.system.name}`.
fn database_name(request: &Request, exchange: &Exchange, flow: &FlowKey) -> Cow<'static, str> {
    let text = |key: &str| request.attributes.find(key).and_then(|value| value.as_text());
    if let Some(summary) = text("db.query.summary") {
        return Cow::Owned(summary.to_owned());
    }
    if request.operation.is_empty() && request.target.is_none() {
        return fallback_name(exchange);
    }
    let target = request.target.as_deref().or_else(|| TARGET_KEYS.iter().find_map(|key| text(key)));
    let target = target.map_or_else(|| flow.server.to_string(), str::to_owned);
    joined(&request.operation, &target)
}

fn operation_and_target(request: &Request, exchange: &Exchange) -> Cow<'static, str> {
    // The root of the name system has an empty name.
    match (request.operation.as_ref(), request.target.as_deref().filter(|target| !target.is_empty())) {
        ("", None) => fallback_name(exchange),
        (_, None) => request.operation.clone(),
        (operation, Some(target)) => joined(operation, target),
    }
}

fn joined(operation: &str, target: &str) -> Cow<'static, str> {
    if operation.is_empty() {
        return Cow::Owned(target.to_owned());
    }
    Cow::Owned(format!("{operation} {target}"))
}

/// What is left to say when the request was not seen.
fn fallback_name(exchange: &Exchange) -> Cow<'static, str> {
    match exchange.protocol.family() {
        Family::Dns => Cow::Borrowed("DNS"),
        Family::Database => Cow::Owned(system(exchange, "db.system.name").to_owned()),
        Family::Rpc => Cow::Owned(system(exchange, "rpc.system.name").to_owned()),
        Family::Messaging => Cow::Owned(system(exchange, "messaging.system").to_owned()),
        _ => Cow::Borrowed(exchange.protocol.name()),
    }
}

/// Which product it is, as the parser found out; else the protocol.
fn system<'a>(exchange: &'a Exchange, key: &str) -> &'a str {
    let request = exchange.request.as_ref().and_then(|request| request.content.attributes.find(key));
    let found = request.or_else(|| exchange.response.as_ref()?.content.attributes.find(key));
    found.and_then(|value| value.as_text()).unwrap_or_else(|| exchange.protocol.name())
}

/// What an operation on a database can be performed against, best first.
const TARGET_KEYS: [&str; 3] = ["db.collection.name", "db.stored_procedure.name", "db.namespace"];

const HTTP_METHODS: [&str; 10] =
    ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"];

#[cfg(test)]
mod tests;
