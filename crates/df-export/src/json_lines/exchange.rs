//! The record of one exchange.

use std::borrow::Cow;
use std::net::IpAddr;

use df_core::{CausalId, Endpoint, UnixAddress, UnixPath};
use df_l7::{Exchange, Request, Response};
use df_trace::{SpanId, TraceId};
use serde::Serialize;

use super::tunnel::{TunnelPart, tunnel_parts};
use super::value::{AttributeObject, Shown, known, nanoseconds};
use super::write_line;
use crate::{ExchangePlace, ProcessPlace};

/// Appends the record of `exchange` as one line.
pub fn write_exchange(out: &mut Vec<u8>, exchange: &Exchange, place: &ExchangePlace<'_>) {
    write_line(out, &ExchangeRecord::new(exchange, place));
}

#[derive(Serialize)]
struct ExchangeRecord<'a> {
    kind: &'static str,
    protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    transport: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_path: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_inode: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_path: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_inode: Option<u32>,
    start_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ns: Option<u64>,
    message_type: &'static str,
    #[serde(flatten)]
    request: RequestPart<'a>,
    #[serde(flatten)]
    response: ResponsePart<'a>,
    #[serde(flatten)]
    place: PlacePart<'a>,
    #[serde(skip_serializing_if = "AttributeObject::is_empty")]
    attributes: AttributeObject<'a>,
}

impl<'a> ExchangeRecord<'a> {
    fn new(exchange: &'a Exchange, place: &'a ExchangePlace<'a>) -> Self {
        let key = place.oriented_key(exchange);
        let (client, server) = (key.client, key.server);
        let end = exchange.response.as_ref().map(|response| response.start.as_nanos());
        Self {
            kind: "exchange",
            protocol: exchange.protocol.name(),
            version: exchange.version().and_then(known),
            transport: key.transport.name(),
            client_ip: client.ip(),
            client_port: client.ip().map(|_| client.port),
            client_path: path(client),
            client_inode: inode(client),
            server_ip: server.ip(),
            server_port: server.ip().map(|_| server.port),
            server_path: path(server),
            server_inode: inode(server),
            start_ns: exchange.start().as_nanos(),
            end_ns: end,
            duration_ns: exchange.duration().map(nanoseconds),
            message_type: exchange.kind.name(),
            request: RequestPart::new(exchange),
            response: ResponsePart::new(exchange),
            place: PlacePart::new(exchange, place),
            attributes: AttributeObject([
                exchange.asked().map(|request| &request.attributes),
                exchange.response.as_ref().map(|response| &response.content.attributes),
            ]),
        }
    }
}

/// The path of a Unix socket.
fn path(end: Endpoint) -> Option<&'static str> {
    end.address.unix().and_then(UnixAddress::path).map(UnixPath::as_str)
}

/// The inode number of a Unix socket.
fn inode(end: Endpoint) -> Option<u32> {
    end.address.unix().and_then(UnixAddress::inode)
}

#[derive(Serialize, Default)]
struct RequestPart<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    request_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_domain: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_resource: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<Shown<u64>>,
}

impl<'a> RequestPart<'a> {
    fn new(exchange: &'a Exchange) -> Self {
        let request_id = exchange.request_id.map(Shown);
        let Some(request) = exchange.asked() else {
            return Self { request_id, ..Self::default() };
        };
        Self {
            request_type: known(&request.kind),
            request_domain: request.domain.as_deref().and_then(known),
            request_resource: request.resource.as_deref().and_then(known),
            endpoint: request.endpoint.as_deref().and_then(known),
            request_id,
        }
    }
}

#[derive(Serialize)]
struct ResponsePart<'a> {
    response_status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_exception: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_result: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_sequence: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_sequence: Option<u32>,
}

impl<'a> ResponsePart<'a> {
    fn new(exchange: &'a Exchange) -> Self {
        let content: Option<&Response> = exchange.response.as_ref().map(|response| &response.content);
        Self {
            response_status: exchange.status().name(),
            response_code: content.and_then(|response| response.code.as_deref()).and_then(known),
            response_exception: content.and_then(|response| response.exception.as_deref()).and_then(known),
            response_result: content.and_then(|response| response.result.as_deref()).and_then(known),
            request_length: exchange.request.as_ref().map(|request| request.length),
            response_length: exchange.response.as_ref().map(|response| response.length),
            request_sequence: exchange.request.as_ref().and_then(|request| request.sequence_number),
            response_sequence: exchange.response.as_ref().and_then(|response| response.sequence_number),
        }
    }
}

#[derive(Serialize)]
struct PlacePart<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<Shown<TraceId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_id: Option<Shown<SpanId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<Shown<SpanId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    propagated_trace_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    propagated_span_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x_request_id_request: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x_request_id_response: Option<&'a str>,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vlan: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inner_vlan: Option<u16>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tunnel: Vec<TunnelPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_process: Option<ProcessPart<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_process: Option<ProcessPart<'a>>,
}

/// The process at one end.
#[derive(Serialize)]
struct ProcessPart<'a> {
    pid: u32,
    tid: u32,
    comm: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coroutine: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    causal_id_request: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    causal_id_response: Option<u64>,
}

impl<'a> ProcessPart<'a> {
    fn new(exchange: &Exchange, place: &ProcessPlace<'a>) -> Self {
        let task = &place.process.task;
        let request = exchange.request.as_ref().and_then(|request| request.causal_id);
        let response = exchange.response.as_ref().and_then(|response| response.causal_id);
        Self {
            pid: task.pid,
            tid: task.tid,
            comm: task.command.as_text(),
            coroutine: task.coroutine,
            container_id: place.container_id.and_then(known),
            causal_id_request: request.map(CausalId::number),
            causal_id_response: response.map(CausalId::number),
        }
    }
}

impl<'a> PlacePart<'a> {
    fn new(exchange: &'a Exchange, place: &'a ExchangePlace<'a>) -> Self {
        let request: Option<&Request> = exchange.asked();
        let process = |is_server| {
            let seen = place.process.as_ref().filter(|seen| seen.is_server == is_server)?;
            Some(ProcessPart::new(exchange, seen))
        };
        let context = request.and_then(|request| request.context.as_deref());
        let response = exchange.response.as_ref().map(|response| &response.content);
        Self {
            trace_id: place.span.map(|ids| Shown(ids.trace_id)),
            span_id: place.span.map(|ids| Shown(ids.span_id)),
            parent_span_id: place.span.and_then(|ids| ids.parent_span_id).map(Shown),
            propagated_trace_id: context.and_then(|context| context.trace_id.as_deref()).and_then(known),
            propagated_span_id: context.and_then(|context| context.span_id.as_deref()).and_then(known),
            x_request_id_request: context.and_then(|context| context.x_request_id.as_deref()).and_then(known),
            x_request_id_response: response
                .and_then(|response| response.x_request_id.as_deref())
                .and_then(known),
            source: place.source,
            interface: place.interface.and_then(known),
            vlan: place.key.vlan.outer,
            inner_vlan: place.key.vlan.inner,
            tunnel: tunnel_parts(place.tunnels),
            client_process: process(false),
            server_process: process(true),
        }
    }
}
