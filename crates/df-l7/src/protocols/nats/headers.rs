//! The headers of a message: `NATS/1.0 [status [description]]`, then `Name: value` lines.

use std::borrow::Cow;

use crate::context::{ContextReader, is_same_name};
use crate::sql::cut_text;
use crate::{ConnectionConfig, PropagatedContext, Response, ResponseStatus};

use super::wire::HEADER_START;

/// What the headers of a message tell.
#[derive(Debug, Default)]
pub(super) struct Headers {
    /// The status of a message that a server makes itself: 503 nobody is there to answer, 404 no messages, 408 none in time,
    /// 409 a conflict, 100 a sign of life.
    pub(super) status: Option<u16>,
    description: Option<String>,
    /// `Nats-Service-Error-Code` and `Nats-Service-Error` of a failed service (ADR-32).
    service_error: (Option<String>, Option<String>),
    /// `Nats-Msg-Id`.
    pub(super) message_id: Option<String>,
    pub(super) context: Option<PropagatedContext>,
}

impl Headers {
    /// Reads a block of headers, as far as it is there. Without headers nothing is told.
    pub(super) fn read(block: &[u8], config: &ConnectionConfig) -> Self {
        let mut headers = Self::default();
        let mut lines = memchr::memchr_iter(b'\n', block).scan(0_usize, |start, end| {
            let line = block.get(*start..end).unwrap_or_default();
            *start = end.saturating_add(1);
            Some(line.strip_suffix(b"\r").unwrap_or(line))
        });
        let Some(status) = lines.next().and_then(|line| line.strip_prefix(HEADER_START)) else {
            return headers;
        };
        let max_bytes = config.max_attribute_bytes;
        let text = |value: &[u8]| Some(cut_text(value, max_bytes)).filter(|text| !text.is_empty());
        let (code, description) = status.trim_ascii().split_at_checked(3).unwrap_or_default();
        headers.status = std::str::from_utf8(code).ok().and_then(|code| code.parse().ok());
        headers.description = headers.status.and_then(|_| text(description.trim_ascii()));
        let mut reader = ContextReader::new(&config.context);
        for line in lines {
            let Some(colon) = memchr::memchr(b':', line) else { continue };
            let (name, value) = line.split_at_checked(colon).unwrap_or_default();
            let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii();
            reader.handle(name, value);
            let field = match () {
                () if is_same_name(name, b"Nats-Msg-Id") => &mut headers.message_id,
                () if is_same_name(name, b"Nats-Service-Error-Code") => &mut headers.service_error.0,
                () if is_same_name(name, b"Nats-Service-Error") => &mut headers.service_error.1,
                () => continue,
            };
            *field = text(value);
        }
        headers.context = reader.finish();
        headers
    }

    /// What a reply with these headers says of its request.
    pub(super) fn into_response(self) -> Response {
        let (service_code, service_text) = self.service_error;
        let number = service_code.as_deref().map_or(self.status, |code| code.parse().ok());
        let status = match number {
            Some(100..=399) => ResponseStatus::Ok,
            Some(400..=499) => ResponseStatus::ClientError,
            None if service_code.is_none() && service_text.is_none() => ResponseStatus::Ok,
            _ => ResponseStatus::ServerError,
        };
        let code = service_code.or_else(|| self.status.map(|status| status.to_string()));
        let exception = service_text.or(self.description).filter(|_| status != ResponseStatus::Ok);
        Response {
            status,
            code: code.map(Cow::Owned),
            exception,
            x_request_id: self.context.and_then(|context| context.x_request_id),
            ..Response::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(block: &str) -> (ResponseStatus, Option<String>, Option<String>) {
        let response = Headers::read(block.as_bytes(), &ConnectionConfig::default()).into_response();
        (response.status, response.code.map(Cow::into_owned), response.exception)
    }

    #[test]
    fn statuses_are_outcomes() {
        let some = |text: &str| Some(text.to_owned());
        let table = [
            ("", ResponseStatus::Ok, None, None),
            ("NATS/1.0\r\na: b\r\n\r\n", ResponseStatus::Ok, None, None),
            ("NATS/1.0 503\r\n\r\n", ResponseStatus::ServerError, some("503"), None),
            (
                "NATS/1.0 408 Request Timeout\r\nNats-Pending-Messages: 1\r\n\r\n",
                ResponseStatus::ClientError,
                some("408"),
                some("Request Timeout"),
            ),
            ("NATS/1.0 100 Idle Heartbeat\r\n\r\n", ResponseStatus::Ok, some("100"), None),
            (
                "NATS/1.0\r\nNats-Service-Error: broken\r\nNats-Service-Error-Code: 500\r\n\r\n",
                ResponseStatus::ServerError,
                some("500"),
                some("broken"),
            ),
        ];
        for (block, status, code, exception) in table {
            assert_eq!(outcome(block), (status, code, exception), "{block}");
        }
    }
}
