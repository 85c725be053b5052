//! What `-ERR` says, and what JetStream says in its replies: whose fault it is, and which operation is refused.

use std::borrow::Cow;

use crate::{Response, ResponseStatus};

/// The text of `-ERR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal<'a> {
    pub(super) text: &'a str,
}

impl<'a> Refusal<'a> {
    /// The operation that the text names, and its subject.
    pub(super) fn refused(&self) -> Option<(&'static str, &'a str)> {
        let (_, named) = self.text.split_once(" for ")?;
        let (operation, rest) = named.split_once(" to \"")?;
        let verb = match operation {
            "Publish" => "PUB",
            "Subscription" => "SUB",
            _ => return None,
        };
        rest.split_once('"').map(|(subject, _)| (verb, subject))
    }

    /// Whether it concerns the connection rather than what the client has just sent.
    pub(super) fn is_unasked(&self) -> bool {
        UNASKED.iter().any(|start| starts_with(self.text, start))
    }

    pub(super) fn response(&self, max_bytes: usize) -> Response {
        let status = if SERVER_ERRORS.iter().any(|start| starts_with(self.text, start)) {
            ResponseStatus::ServerError
        } else {
            ResponseStatus::ClientError
        };
        let code = self.text.split(" for ").next().unwrap_or_default();
        let cut = |text: &str, max| crate::sql::cut_text(text.as_bytes(), max);
        Response {
            status,
            code: (!code.is_empty()).then(|| Cow::Owned(cut(code, MAX_CODE_BYTES))),
            exception: (!self.text.is_empty()).then(|| cut(self.text, max_bytes)),
            ..Response::default()
        }
    }
}

/// The error in a reply of JetStream: `{"type":"..","error":{"code":404,"err_code":10014,"description":".."}..`, where the
/// type may be left out.
pub(super) fn jetstream_error(payload: &[u8], max_bytes: usize) -> Option<Response> {
    let text = std::str::from_utf8(payload).unwrap_or_else(|error| {
        payload
            .get(..error.valid_up_to())
            .and_then(|valid| std::str::from_utf8(valid).ok())
            .unwrap_or_default()
    });
    let is_jetstream =
        text.starts_with("{\"type\":\"io.nats.jetstream.api.") || text.starts_with("{\"error\":{");
    let (_, error) = text.split_once("\"error\":{\"code\":").filter(|_| is_jetstream)?;
    let (code, rest) = error.split_once(",\"err_code\":")?;
    let status = match code.parse::<u16>().ok()? {
        400..=499 => ResponseStatus::ClientError,
        _ => ResponseStatus::ServerError,
    };
    let description = rest.split_once("\"description\":\"").and_then(|(_, text)| text.split('"').next());
    Some(Response {
        status,
        code: Some(Cow::Owned(code.to_owned())),
        exception: description.map(|text| crate::sql::cut_text(text.as_bytes(), max_bytes)),
        ..Response::default()
    })
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|front| front.eq_ignore_ascii_case(start))
}

const UNASKED: [&str; 4] =
    ["stale connection", "slow consumer", "user authentication expired", "server shutdown"];
const SERVER_ERRORS: [&str; 4] =
    ["maximum connections exceeded", "maximum account", "server shutdown", "insufficient resources"];
/// The longest code; servers have shorter ones.
const MAX_CODE_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_what_they_refuse() {
        let table = [
            ("Authorization Violation", None, "Authorization Violation", ResponseStatus::ClientError),
            (
                "Permissions Violation for Publish to \"a.b\"",
                Some(("PUB", "a.b")),
                "Permissions Violation",
                ResponseStatus::ClientError,
            ),
            (
                "Permissions Violation for Subscription to \"a.>\" using queue \"q\"",
                Some(("SUB", "a.>")),
                "Permissions Violation",
                ResponseStatus::ClientError,
            ),
            (
                "maximum connections exceeded",
                None,
                "maximum connections exceeded",
                ResponseStatus::ServerError,
            ),
        ];
        for (text, refused, code, status) in table {
            let refusal = Refusal { text };
            let response = refusal.response(1_000);
            assert_eq!((refusal.refused(), response.code.as_deref()), (refused, Some(code)));
            assert_eq!(response.status, status);
        }
        assert!(Refusal { text: "Stale Connection" }.is_unasked());
    }

    #[test]
    fn only_jetstream_has_such_errors() {
        let read = |text: &str| {
            let response = jetstream_error(text.as_bytes(), 1_000)?;
            Some((response.status, response.code?.into_owned(), response.exception?))
        };
        let typed = r#"{"type":"io.nats.jetstream.api.v1.stream_info_response","error":{"code":404,"err_code":10059,"description":"stream not found"}}"#;
        let found = (ResponseStatus::ClientError, "404".to_owned(), "stream not found".to_owned());
        assert_eq!(read(typed), Some(found));
        let published = r#"{"error":{"code":503,"err_code":10077,"description":"no space"},"seq":0}"#;
        assert_eq!(read(published).map(|found| found.0), Some(ResponseStatus::ServerError));
        assert_eq!(read(r#"{"error":{"code":-32601,"message":"no such method"}}"#), None);
        assert_eq!(read(r#"{"stream":"ORDERS", "seq":1}"#), None);
    }
}
