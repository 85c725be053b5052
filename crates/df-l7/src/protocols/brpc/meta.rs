//! What the meta data say of a call (`baidu_rpc_meta.proto`).

use super::wire::{Field, fields};
use crate::context::ContextReader;
use crate::sql::cut_text;
use crate::{ConnectionConfig, Message, PropagatedContext, Request, Response, ResponseStatus, rpc};

/// What the fields of the meta data hold.
#[derive(Debug, Default)]
struct Meta<'a> {
    request: Option<&'a [u8]>,
    response: Option<&'a [u8]>,
    correlation_id: u64,
}

/// Makes a message of the meta data, as far as they are there.
pub(super) fn message(meta: &[u8], config: &ConnectionConfig) -> Option<Message> {
    let mut found = Meta::default();
    let mut context = ContextReader::new(&config.context);
    for (number, field) in fields(meta) {
        match (number, field) {
            (1, Field::Bytes(request)) => found.request = Some(request),
            (2, Field::Bytes(response)) => found.response = Some(response),
            (4, Field::Number(id)) => found.correlation_id = id,
            (9, Field::Bytes(pair)) => {
                let part = |wanted| fields(pair).find(|(number, _)| *number == wanted)?.1.bytes();
                if let (Some(name), Some(value)) = (part(1), part(2)) {
                    context.handle(name, value);
                }
            }
            _ => {}
        }
    }
    let message = match (found.request, found.response) {
        (Some(asked), _) => Message::request(request(asked, context, config)),
        (None, Some(answered)) => Message::response(response(answered, config)),
        (None, None) => return None,
    };
    Some(message.with_id(found.correlation_id))
}

fn request(message: &[u8], context: ContextReader<'_>, config: &ConnectionConfig) -> Request {
    let text = |bytes: &[u8]| (!bytes.is_empty()).then(|| cut_text(bytes, config.max_attribute_bytes));
    let (mut service, mut method) = (None, None);
    let (mut own, mut log_id) = (PropagatedContext::default(), None);
    for (number, field) in fields(message) {
        let identifier = || field.number().filter(|id| *id != 0);
        match number {
            1 => service = field.bytes().and_then(text),
            2 => method = field.bytes().and_then(text),
            3 => log_id = identifier().map(|id| id.to_string()),
            4 => own.trace_id = identifier().map(|id| format!("{id:x}")),
            5 => own.span_id = identifier().map(|id| format!("{id:x}")),
            7 => own.x_request_id = field.bytes().and_then(text),
            _ => {}
        }
    }
    let mut request = rpc::request(SYSTEM, service, method);
    let mut found = context.finish().unwrap_or_default();
    if found.trace_id.is_none() {
        (found.trace_id, found.span_id) = (own.trace_id, own.span_id);
    }
    found.x_request_id = found.x_request_id.or(own.x_request_id).or(log_id);
    let is_empty = found.trace_id.is_none() && found.x_request_id.is_none();
    request.context = (!is_empty).then(|| Box::new(found));
    request
}

fn response(message: &[u8], config: &ConnectionConfig) -> Response {
    let (mut code, mut text) = (0, None);
    for (number, field) in fields(message) {
        match (number, field) {
            // A negative number of 32 bits is sent with 64.
            (1, Field::Number(number)) => code = i64::from_le_bytes(number.to_le_bytes()),
            (2, Field::Bytes(bytes)) => text = Some(cut_text(bytes, config.max_attribute_bytes)),
            _ => {}
        }
    }
    let status = match code {
        0 => ResponseStatus::Ok,
        _ if CLIENT_CODES.contains(&code) => ResponseStatus::ClientError,
        _ => ResponseStatus::ServerError,
    };
    let mut response = rpc::response(SYSTEM, code, None, status);
    response.exception = text.filter(|text| !text.is_empty());
    response
}

const SYSTEM: &str = "brpc";
/// Errors that blame the request (`errno.proto`): no such service or method, a bad request, refused authentication, a deadline
/// of the client's, a canceled call.
const CLIENT_CODES: &[i64] = &[1001, 1002, 1003, 1004, 1008, 2005];
