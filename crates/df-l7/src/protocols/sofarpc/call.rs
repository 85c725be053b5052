//! What a Bolt message says: the service and method in its header, the error in its content.

use super::hessian::Object;
use super::wire::{Header, status_name};
use crate::context::ContextReader;
use crate::sql::cut_text;
use crate::{ConnectionConfig, Cursor, PropagatedContext, Request, Response, ResponseStatus, rpc};

/// Makes a request of as much of the message as is there.
pub(super) fn request(header: &Header, message: &[u8], config: &ConnectionConfig) -> Request {
    let text = |bytes: &[u8]| (!bytes.is_empty()).then(|| cut_text(bytes, config.max_attribute_bytes));
    let (mut service, mut method) = (None, None);
    let (mut context, mut tracer) = (ContextReader::new(&config.context), PropagatedContext::default());
    for (name, value) in pairs(header, message) {
        match name {
            b"sofa_head_target_service" => service = text(value),
            b"service" if service.is_none() => service = text(value),
            b"sofa_head_method_name" => method = text(value),
            b"new_rpc_trace_context" => read_tracer(&mut tracer, value),
            b"rpc_trace_context.sofaTraceId" => tracer.trace_id = text(value),
            b"rpc_trace_context.sofaRpcId" => tracer.span_id = text(value),
            _ => context.handle(name, value),
        }
    }
    if method.is_none() {
        // Some clients name it in the content alone.
        let object = Object::read(content(header, message));
        method = object.and_then(|object| object.text(b"methodName")).and_then(text);
    }
    let mut request = rpc::request(SYSTEM, service, method);
    request.version = Some(if header.version == 1 { "1".into() } else { "2".into() });
    let tracer = tracer.trace_id.is_some().then_some(tracer);
    request.context = context.finish().filter(|context| context.trace_id.is_some()).or(tracer).map(Box::new);
    request
}

/// Makes a response of as much of the message as is there.
pub(super) fn response(header: &Header, message: &[u8], config: &ConnectionConfig) -> Response {
    let object = Object::read(content(header, message));
    let is_error = object.as_ref().is_some_and(|object| object.is_true(b"isError"));
    let status = match header.status {
        0 if !is_error => ResponseStatus::Ok,
        8 => ResponseStatus::ClientError,
        _ => ResponseStatus::ServerError,
    };
    let mut response = rpc::response(SYSTEM, i64::from(header.status), status_name(header.status), status);
    if let Some(object) = object.filter(|_| status.is_error()) {
        let text = object.text(b"errorMsg").or_else(|| object.text(b"detailMessage"));
        let text = text.filter(|text| !text.is_empty()).unwrap_or(object.class);
        response.exception = Some(cut_text(text, config.max_attribute_bytes));
    }
    response
}

/// What is there of the content.
fn content<'a>(header: &Header, message: &'a [u8]) -> &'a [u8] {
    message.get(header.len + header.class_len + header.fields_len..).unwrap_or_default()
}

/// The names and values of the header, each with its length before it.
fn pairs<'a>(header: &Header, message: &'a [u8]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    let start = header.len + header.class_len;
    let bytes = message.get(start..).unwrap_or_default();
    let mut cursor = Cursor::new(bytes.get(..header.fields_len).unwrap_or(bytes));
    std::iter::from_fn(move || Some((sized(&mut cursor)?, sized(&mut cursor)?)))
}

/// A text with its length; of -1 there is none.
fn sized<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    match cursor.u32_be()? {
        u32::MAX => Some(&[]),
        len => cursor.take(usize::try_from(len).ok()?),
    }
}

/// `tcid=<trace>&spid=<span>&pspid=...&sample=true&`
fn read_tracer(tracer: &mut PropagatedContext, value: &[u8]) {
    for pair in value.split(|byte| *byte == b'&') {
        let Some(equals) = memchr::memchr(b'=', pair) else { continue };
        let (name, value) = pair.split_at(equals);
        let text =
            value.get(1..).filter(|text| !text.is_empty()).map(|text| cut_text(text, MAX_TRACER_BYTES));
        match name {
            b"tcid" => tracer.trace_id = text,
            b"spid" => tracer.span_id = text,
            b"sample" => tracer.sampled = text.map(|text| text == "true"),
            _ => {}
        }
    }
}

const SYSTEM: &str = "sofarpc";
const MAX_TRACER_BYTES: usize = 256;
