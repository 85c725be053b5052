//! What Thrift messages mean: calls and their outcomes under their OpenTelemetry names.

use std::borrow::Cow;

use crate::context::ContextReader;
use crate::sql::cut_text;
use crate::{Attributes, ConnectionConfig, Message, Request, Response, ResponseStatus};

use super::walker::Findings;
use super::wire::{Encoding, Head, Header, MessageType};

/// What is known of a message once its head was read.
#[derive(Debug)]
pub(super) struct Beginning {
    pub(super) kind: MessageType,
    request: Option<Request>,
    sequence_id: u32,
}

impl Beginning {
    pub(super) fn new(head: &Head<'_>, header: Option<&Header<'_>>, config: &ConnectionConfig) -> Self {
        let request = head.kind.is_of_client().then(|| {
            let mut request = request(head, config);
            if let Some(header) = header {
                let mut reader = ContextReader::new(&config.context);
                for (key, value) in header.pairs() {
                    reader.handle(key, value);
                }
                request.context = reader.finish().map(Box::new);
            }
            request
        });
        let transport_id = header.map_or(0, |header| header.sequence_id);
        let sequence_id = if head.sequence_id == 0 { transport_id } else { head.sequence_id };
        Self { kind: head.kind, request, sequence_id }
    }

    /// The message, given what its struct said.
    pub(super) fn into_message(self, findings: &Findings, config: &ConnectionConfig) -> Message {
        let message = match (self.kind, self.request) {
            (MessageType::Call, Some(request)) => Message::request(request),
            (MessageType::OneWay, Some(request)) => Message::one_way(request),
            (kind, _) => Message::response(response(kind, findings, config)),
        };
        // Clients that wait for each answer do not count.
        if self.sequence_id == 0 { message } else { message.with_id(u64::from(self.sequence_id)) }
    }
}

/// A message that is compressed and cannot be read: a call or an answer of unknown content.
pub(super) fn unreadable(header: &Header<'_>, is_call: bool) -> Message {
    let message = if is_call {
        let mut request = Request::default();
        request.attributes.push("rpc.system.name", SYSTEM);
        Message::request(request)
    } else {
        Message::response(Response::default())
    };
    if header.sequence_id == 0 { message } else { message.with_id(u64::from(header.sequence_id)) }
}

fn request(head: &Head<'_>, config: &ConnectionConfig) -> Request {
    let name = cut_text(head.name, config.max_attribute_bytes);
    let (service, method) = match name.split_once(':') {
        Some((service, method)) if !service.is_empty() => (Some(service.to_owned()), method.to_owned()),
        _ => (None, name),
    };
    let endpoint = match &service {
        Some(service) => format!("{service}/{method}"),
        None => method.clone(),
    };
    let mut attributes = Attributes::with_capacity(3);
    attributes.push("rpc.system.name", SYSTEM);
    attributes.push("rpc.method", endpoint.clone());
    let encoding = match head.encoding {
        Encoding::Binary => "binary",
        Encoding::Compact => "compact",
    };
    attributes.push("df.thrift.protocol", encoding);
    Request {
        kind: Cow::Owned(method),
        operation: Cow::Owned(endpoint.clone()),
        endpoint: Some(endpoint),
        resource: service,
        attributes,
        ..Request::default()
    }
}

fn response(kind: MessageType, findings: &Findings, config: &ConnectionConfig) -> Response {
    if kind == MessageType::Exception {
        let number = findings.kind.unwrap_or_default();
        let code = exception_name(number);
        let text = findings.text.as_deref().filter(|text| !text.is_empty());
        let exception = text.map(|text| cut_text(text, config.max_attribute_bytes));
        let status = match number {
            1..=4 | 7..=10 => ResponseStatus::ClientError,
            _ => ResponseStatus::ServerError,
        };
        return failure(code, status, exception);
    }
    match findings.first_field_id {
        Some(id) if id != 0 => {
            let mut response = failure("DECLARED_EXCEPTION", ResponseStatus::ServerError, None);
            response.attributes.push("df.thrift.exception.field_id", i64::from(id));
            response
        }
        _ => Response { status: ResponseStatus::Ok, ..Response::default() },
    }
}

fn failure(code: &'static str, status: ResponseStatus, exception: Option<String>) -> Response {
    let mut response = Response { status, code: Some(code.into()), exception, ..Response::default() };
    response.attributes.push("rpc.response.status_code", code);
    response
}

/// The name of a `TApplicationException`'s type.
const fn exception_name(kind: u32) -> &'static str {
    match kind {
        1 => "UNKNOWN_METHOD",
        2 => "INVALID_MESSAGE_TYPE",
        3 => "WRONG_METHOD_NAME",
        4 => "BAD_SEQUENCE_ID",
        5 => "MISSING_RESULT",
        6 => "INTERNAL_ERROR",
        7 => "PROTOCOL_ERROR",
        8 => "INVALID_TRANSFORM",
        9 => "INVALID_PROTOCOL",
        10 => "UNSUPPORTED_CLIENT_TYPE",
        _ => "UNKNOWN",
    }
}

const SYSTEM: &str = "apache_thrift";
