//! gRPC and Dubbo's Triple as header fields tell them.

use std::borrow::Cow;

use super::hpack::FieldList;
use crate::http;
use crate::{Attributes, ConnectionConfig, Protocol, Request, Response, ResponseStatus};

/// Whether the content type is gRPC's own. That of gRPC-Web is HTTP, as browsers speak it.
pub(super) fn is_grpc(fields: &FieldList) -> bool {
    let Some(content_type) = fields.find(b"content-type") else { return false };
    content_type
        .strip_prefix(b"application/grpc")
        .is_some_and(|rest| matches!(rest, [] | [b'+' | b';' | b' ', ..]))
}

/// Whether the path is `/package.Service/Method`, as that of a call is where the content type is not known.
pub(super) fn has_method_path(fields: &FieldList) -> bool {
    let path = fields.find(b":path").and_then(|path| std::str::from_utf8(path).ok());
    let Some((service, method)) = path.and_then(|path| path.strip_prefix('/')?.split_once('/')) else {
        return false;
    };
    let is_word = |word: &str| {
        let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
        word.starts_with(|first: char| first.is_ascii_alphabetic()) && word.chars().all(is_part)
    };
    service.contains('.') && service.split('.').all(is_word) && is_word(method)
}

/// Makes the request of an HTTP request what it is to gRPC: `/package.Service/Method` becomes service and method.
pub(super) fn request(http: Request, fields: &FieldList, config: &ConnectionConfig) -> Request {
    let mut attributes = Attributes::with_capacity(USUAL_ATTRIBUTES);
    attributes.push("rpc.system.name", if is_triple(fields) { "dubbo" } else { "grpc" });
    let path = fields.find(b":path").map(|path| http::text(path, config.max_resource_bytes));
    let full_method = path.as_deref().map(|path| path.trim_start_matches('/'));
    if let Some(full_method) = full_method {
        attributes.push("rpc.method", full_method.to_owned());
    }
    for attribute in http.attributes {
        let key = match attribute.key.strip_prefix("http.request.header.") {
            Some(name) => Cow::Owned(format!("rpc.request.metadata.{name}")),
            None if KEPT_ATTRIBUTES.contains(&attribute.key.as_ref()) => attribute.key,
            None => continue,
        };
        attributes.push(key, attribute.value);
    }
    for (name, key) in TRIPLE_ATTRIBUTES {
        if let Some(value) = fields.find(name) {
            attributes.push(*key, http::text(value, config.max_attribute_bytes));
        }
    }
    let (service, method) = match full_method.and_then(|path| path.rsplit_once('/')) {
        Some((service, method)) => (Some(service.to_owned()), method.to_owned()),
        None => (None, String::new()),
    };
    Request {
        protocol: Some(Protocol::Grpc),
        kind: method.into(),
        resource: service,
        endpoint: full_method.map(str::to_owned),
        operation: full_method.map(str::to_owned).unwrap_or_default().into(),
        target: None,
        attributes,
        ..http
    }
}

/// Makes the response of an HTTP response what it is to gRPC. How the call went its trailers tell.
pub(super) fn response(http: Response) -> Response {
    let mut attributes = Attributes::new();
    // Whatever stands between may answer for the server, and not in gRPC.
    let is_success = http.code.as_deref() == Some("200");
    for attribute in http.attributes {
        match attribute.key.strip_prefix("http.response.header.") {
            Some(name) => attributes.push(format!("rpc.response.metadata.{name}"), attribute.value),
            None if attribute.key == "http.response.status_code" && !is_success => {
                attributes.push(attribute.key, attribute.value);
            }
            None => {}
        }
    }
    let status = if is_success { ResponseStatus::Unknown } else { http.status };
    Response { protocol: Some(Protocol::Grpc), status, code: None, attributes, ..http }
}

/// Whether the fields say how a call went.
pub(super) fn has_status(fields: &FieldList) -> bool {
    fields.find(b"grpc-status").is_some()
}

/// Adds what trailers say of how the call went.
pub(super) fn handle_trailers(response: &mut Response, fields: &FieldList, config: &ConnectionConfig) {
    let Some(status) = fields.find(b"grpc-status") else { return };
    let number = std::str::from_utf8(status).ok().and_then(|text| text.trim().parse::<u8>().ok());
    let name = number.and_then(|number| STATUS_NAMES.get(usize::from(number)).copied());
    let code = name.map_or_else(|| Cow::Owned(http::text(status, MAX_STATUS_BYTES)), Cow::Borrowed);
    response.protocol = Some(Protocol::Grpc);
    response.status = match number {
        Some(0) => ResponseStatus::Ok,
        Some(1 | 3 | 5 | 6 | 7 | 9 | 11 | 16) => ResponseStatus::ClientError,
        _ => ResponseStatus::ServerError,
    };
    response.attributes.push("rpc.response.status_code", code.clone());
    response.code = Some(code);
    if let Some(message) = fields.find(b"grpc-message").filter(|message| !message.is_empty()) {
        let decoded = percent_decoded(message);
        response.exception = Some(http::text(&decoded, config.max_attribute_bytes));
    }
}

fn is_triple(fields: &FieldList) -> bool {
    fields.iter().any(|(name, _)| name.starts_with(b"tri-"))
}

/// Undoes percent encoding; what is none of it stays as it is.
fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let value = digit(after.first()).zip(digit(after.get(1))).map(|(high, low)| high << 4 | low);
        let value = value.and_then(|value| u8::try_from(value).ok()).filter(|_| *first == b'%');
        decoded.push(value.unwrap_or(*first));
        rest = if value.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    decoded
}

const KEPT_ATTRIBUTES: [&str; 2] = ["user_agent.original", "client.address"];
const TRIPLE_ATTRIBUTES: &[(&[u8], &str)] =
    &[(b"tri-service-version", "df.dubbo.service.version"), (b"tri-service-group", "df.dubbo.service.group")];
const USUAL_ATTRIBUTES: usize = 4;
const MAX_STATUS_BYTES: usize = 16;

const STATUS_NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];
