//! Attributes of spans: those of the exchange, and what only the connection tells, under OpenTelemetry's names.

use df_core::{Address, Endpoint, FlowKey, Task};
use df_l7::{AttributeValue, Attributes, Exchange, Family, Protocol};

use crate::{Place, SpanKind, outcome};

/// The attributes of the span of an exchange. What a parser set stands.
pub(crate) fn of(exchange: &Exchange, place: &Place, kind: SpanKind) -> Attributes {
    let flow = &place.flow;
    let mut list = List(exchange_attributes(exchange));
    add_server(&mut list, exchange, flow);
    if exchange.protocol.family() == Family::Http && kind == SpanKind::Client {
        add_full_url(&mut list, exchange, flow);
    }
    add_network(&mut list, exchange, flow);
    add_ends(&mut list, flow, kind);
    if let Some(process) = &place.process {
        add_process(&mut list, &process.task);
    }
    if let Some(error_type) = outcome::error_type(exchange, kind) {
        list.add("error.type", error_type);
    }
    list.0
}

/// The attributes being collected.
struct List(Attributes);

impl List {
    fn add(&mut self, key: &'static str, value: impl Into<AttributeValue>) {
        if self.0.find(key).is_none() {
            self.0.push(key, value);
        }
    }

    /// An end, under the names of its address and its port. A Unix socket has no port, and only one that answers has a path.
    fn end(&mut self, [address, port]: [&'static str; 2], end: Endpoint) {
        match end.address {
            Address::Ip(ip) => {
                self.add(address, ip.to_string());
                self.add(port, end.port);
            }
            Address::Unix(unix) => {
                if let Some(path) = unix.path() {
                    self.add(address, path.as_str());
                }
            }
        }
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.0.find(key).and_then(AttributeValue::as_text)
    }
}

fn exchange_attributes(exchange: &Exchange) -> Attributes {
    let mut attributes = exchange.asked().map_or_else(Attributes::new, |request| request.attributes.clone());
    let response = exchange.response.iter().flat_map(|response| &response.content.attributes);
    for attribute in response {
        if attributes.find(&attribute.key).is_none() {
            attributes.push(attribute.key.clone(), attribute.value.clone());
        }
    }
    attributes
}

/// `process.pid`, `thread.id` and `thread.name`.
fn add_process(list: &mut List, task: &Task) {
    list.add("process.pid", i64::from(task.pid));
    list.add("thread.id", i64::from(task.tid));
    list.add("thread.name", task.command.as_text().into_owned());
}

/// `server.address` and `server.port`: of HTTP what the request names, without a port the scheme's own; of others the
/// connection's end.
fn add_server(list: &mut List, exchange: &Exchange, flow: &FlowKey) {
    let Some((host, port)) = http_authority(exchange) else {
        list.end(["server.address", "server.port"], flow.server);
        return;
    };
    let scheme_port = if list.text("url.scheme") == Some("https") { 443 } else { 80 };
    // What travels over a Unix socket goes to no port, unless the request names one.
    let port = port.or_else(|| flow.server.ip().map(|_| scheme_port));
    list.add("server.address", host.to_owned());
    if let Some(port) = port {
        list.add("server.port", port);
    }
}

/// The host and port that an HTTP request names.
fn http_authority(exchange: &Exchange) -> Option<(&str, Option<u16>)> {
    if exchange.protocol.family() != Family::Http {
        return None;
    }
    let authority = exchange.asked()?.domain.as_deref()?;
    let (host, port) = split_port(authority);
    (!host.is_empty()).then_some((host, port))
}

/// Splits `host:port`; an IPv6 address stands in brackets (RFC 3986 §3.2), which its host does not keep.
fn split_port(authority: &str) -> (&str, Option<u16>) {
    if let Some((host, rest)) = authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (host, rest.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match authority.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => (host, port.parse().ok()),
        _ => (authority, None),
    }
}

/// `url.full`, from its parts: the query is as hidden as the parser left it.
fn add_full_url(list: &mut List, exchange: &Exchange, flow: &FlowKey) {
    let Some(path) = list.text("url.path").filter(|path| path.starts_with('/')) else { return };
    let authority = exchange.asked().and_then(|request| request.domain.clone());
    let authority = authority.unwrap_or_else(|| flow.server.to_string());
    let scheme = list.text("url.scheme").unwrap_or("http");
    let query = list.text("url.query").map(|query| format!("?{query}")).unwrap_or_default();
    let url = format!("{scheme}://{authority}{path}{query}");
    list.add("url.full", url);
}

fn add_network(list: &mut List, exchange: &Exchange, flow: &FlowKey) {
    list.add("network.transport", flow.transport.name());
    if let Some(network_type) = flow.server.address.network_type() {
        list.add("network.type", network_type);
    }
    list.add("network.protocol.name", protocol_name(exchange.protocol));
    if exchange.protocol.family() == Family::Http
        && let Some(version) = exchange.version()
    {
        list.add("network.protocol.version", version.to_owned());
    }
}

/// The protocol's name in `network.protocol.name`, where the version stands apart.
fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http1 => "http",
        other => other.name(),
    }
}

/// Both ends: the peer and the local one as the span's side sees them, and for a server who its client is.
fn add_ends(list: &mut List, flow: &FlowKey, kind: SpanKind) {
    let (local, peer) = match kind {
        SpanKind::Server | SpanKind::Consumer => (flow.server, flow.client),
        _ => (flow.client, flow.server),
    };
    // A client address that the request tells (X-Forwarded-For) is another client than the connection's.
    if kind == SpanKind::Server && list.text("client.address").is_none() {
        list.end(["client.address", "client.port"], flow.client);
    }
    list.end(["network.peer.address", "network.peer.port"], peer);
    list.end(["network.local.address", "network.local.port"], local);
}

#[cfg(test)]
mod tests;
