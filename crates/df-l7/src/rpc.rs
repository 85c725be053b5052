//! What protocols of remote procedure calls have in common: names of services and methods, and frames that tell their length.

use std::borrow::Cow;

use crate::{Attributes, Ending, Input, Request, Response, ResponseStatus};

/// A call, as records and spans name it: `service/method`. A method that is not known is `REQUEST`.
pub(crate) fn request(system: &'static str, service: Option<String>, method: Option<String>) -> Request {
    let endpoint = match (&service, &method) {
        (Some(service), Some(method)) => Some(format!("{service}/{method}")),
        _ => method.clone().or_else(|| service.clone()),
    };
    let mut attributes = Attributes::with_capacity(4);
    attributes.push("rpc.system.name", system);
    if let Some(endpoint) = &endpoint {
        attributes.push("rpc.method", endpoint.clone());
    }
    Request {
        kind: method.map_or(UNKNOWN_METHOD.into(), Into::into),
        resource: service,
        operation: endpoint.clone().map_or(Cow::Borrowed(system), Into::into),
        endpoint,
        attributes,
        ..Request::default()
    }
}

/// How a call went: its status as a number, and the number's name if it has one.
pub(crate) fn response(
    system: &'static str,
    code: i64,
    name: Option<&'static str>,
    status: ResponseStatus,
) -> Response {
    let code = code.to_string();
    let mut response = Response { status, ..Response::default() };
    response.attributes.push("rpc.system.name", system);
    response
        .attributes
        .push("rpc.response.status_code", name.map_or_else(|| Cow::Owned(code.clone()), Cow::Borrowed));
    response.code = Some(code.into());
    response
}

/// Whether it is known what is called. Of a request that was lost in part, unlike one that was not captured whole, the rest
/// is no request unless it tells.
pub(crate) fn may_be_given(request: &Request, input: Input<'_>, needed: usize) -> bool {
    let is_cut = matches!(input.ending, Ending::Lost(_)) && input.bytes.len() < needed;
    !is_cut || (request.resource.is_some() && request.kind != UNKNOWN_METHOD)
}

/// A frame whose header was read: waits until as much of it is there as is to be looked at.
///
/// # Errors
///
/// How many bytes are needed.
pub(crate) fn frame(input: Input<'_>, frame_len: usize, max_bytes: usize) -> Result<&[u8], usize> {
    let needed = frame_len.min(max_bytes);
    if input.bytes.len() < needed && !input.is_final() {
        return Err(needed);
    }
    Ok(input.bytes.get(..needed).unwrap_or(input.bytes))
}

/// What is said of a call whose method is not known.
const UNKNOWN_METHOD: &str = "REQUEST";
