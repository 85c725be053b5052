//! How a call went: the status, and what the method threw.

use super::hessian::{Object, Walker};
use super::wire::{FASTJSON, HESSIAN, Header, STATUS_OK, status_name};
use crate::sql::cut_text;
use crate::{ConnectionConfig, Response, ResponseStatus, rpc};

/// Makes a response of its header and the beginning of its body.
pub(super) fn response(header: &Header, body: &[u8], config: &ConnectionConfig) -> Response {
    let status = status(header.status);
    let mut response = rpc::response("dubbo", i64::from(header.status), status_name(header.status), status);
    let (mut has_thrown, mut text) = (false, None);
    match (header.serialization(), header.status) {
        (HESSIAN, STATUS_OK) => {
            let mut walker = Walker::new(body);
            has_thrown = walker.small_number().is_some_and(is_exception);
            text = has_thrown.then(|| exception(&mut walker, config)).flatten();
        }
        (HESSIAN, _) => {
            text = Walker::new(body).text().map(|text| cut_text(text, config.max_attribute_bytes));
        }
        (FASTJSON, STATUS_OK) => {
            let number =
                body.first().filter(|digit| digit.is_ascii_digit()).map(|digit| i16::from(digit - b'0'));
            has_thrown = number.is_some_and(is_exception);
        }
        _ => {}
    }
    if has_thrown {
        response.status = ResponseStatus::ServerError;
    }
    response.exception = text;
    response
}

/// The class and message of a Java exception, which may also be sent as a text.
fn exception(walker: &mut Walker<'_>, config: &ConnectionConfig) -> Option<String> {
    if let Some(text) = walker.text() {
        return Some(cut_text(text, config.max_attribute_bytes));
    }
    let Object { class, text } = walker.object(b"detailMessage")?;
    let described = match text {
        Some(text) => [class, b": ", text].concat(),
        None => class.to_vec(),
    };
    Some(cut_text(&described, config.max_attribute_bytes))
}

/// Whether a result of this kind is an exception, with or without attachments behind it.
const fn is_exception(kind: i16) -> bool {
    matches!(kind, 0 | 3)
}

/// Whose fault a status is: bad requests and what the client found are its own; all else is the server's.
const fn status(status: u8) -> ResponseStatus {
    match status {
        STATUS_OK => ResponseStatus::Ok,
        25 | 30 | 40 | 90 => ResponseStatus::ClientError,
        _ => ResponseStatus::ServerError,
    }
}
