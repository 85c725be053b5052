//! Status of spans and the type of their error, as OpenTelemetry's conventions ask.

use std::borrow::Cow;

use df_l7::{Exchange, Family, ResponseStatus};

use crate::{SpanKind, SpanStatus};

/// The status of the span of an exchange, and what the error was.
pub(crate) fn status(exchange: &Exchange, kind: SpanKind) -> (SpanStatus, Option<String>) {
    if !is_failure(exchange, kind) {
        return (SpanStatus::Unset, None);
    }
    // The conventions for HTTP ask for no message where the code says it all.
    let response = exchange.response.as_ref().filter(|_| exchange.protocol.family() != Family::Http);
    (SpanStatus::Error, response.and_then(|response| response.content.exception.clone()))
}

/// `error.type` of a span whose status is an error: `timeout`, or the code as the protocol writes it.
pub(crate) fn error_type(exchange: &Exchange, kind: SpanKind) -> Option<Cow<'static, str>> {
    if !is_failure(exchange, kind) {
        return None;
    }
    if exchange.status() == ResponseStatus::Timeout {
        return Some(Cow::Borrowed("timeout"));
    }
    let code = exchange.response.as_ref().and_then(|response| response.content.code.clone());
    Some(code.unwrap_or(Cow::Borrowed("_OTHER")))
}

/// HTTP: a 5xx is the failure of both sides, a 4xx that of the client alone. Others: whatever the protocol calls an
/// error. Everywhere: no response within the protocol's window.
fn is_failure(exchange: &Exchange, kind: SpanKind) -> bool {
    let status = exchange.status();
    match (exchange.protocol.family(), status) {
        (_, ResponseStatus::Timeout) => true,
        (Family::Http, _) => match http_code(exchange) {
            Some(code) => code >= 500 || code >= 400 && kind != SpanKind::Server,
            None => status.is_error(),
        },
        _ => status.is_error(),
    }
}

fn http_code(exchange: &Exchange) -> Option<u16> {
    exchange.response.as_ref()?.content.code.as_deref()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_exchange::{answered, unanswered};
    use df_l7::Protocol;

    #[test]
    fn status_and_error_type_by_protocol_and_side() {
        use ResponseStatus::{ClientError, Ok as Fine, ServerError};
        use SpanKind::{Client, Server};
        for (protocol, response, code, kind, expected) in [
            (Protocol::Http1, Fine, "200", Client, None),
            (Protocol::Http1, Fine, "302", Client, None),
            (Protocol::Http1, ClientError, "404", Client, Some("404")),
            (Protocol::Http1, ClientError, "404", Server, None),
            (Protocol::Http1, ServerError, "503", Client, Some("503")),
            (Protocol::Http1, ServerError, "503", Server, Some("503")),
            (Protocol::Postgresql, ClientError, "42P01", Client, Some("42P01")),
            (Protocol::Mysql, ServerError, "1205", Client, Some("1205")),
            (Protocol::Redis, ClientError, "", Client, Some("_OTHER")),
            (Protocol::Dns, ClientError, "NXDOMAIN", Client, Some("NXDOMAIN")),
            (Protocol::Dns, Fine, "NOERROR", Client, None),
        ] {
            let exchange = answered(protocol, response, code);
            let status = if expected.is_some() { SpanStatus::Error } else { SpanStatus::Unset };
            assert_eq!(error_type(&exchange, kind).as_deref(), expected, "{protocol:?} {code} {kind:?}");
            assert_eq!(super::status(&exchange, kind).0, status, "{protocol:?} {code} {kind:?}");
        }
    }

    #[test]
    fn no_response_is_a_timeout() {
        let exchange = unanswered(Protocol::Redis);
        assert_eq!(error_type(&exchange, SpanKind::Client).as_deref(), Some("timeout"));
        assert_eq!(status(&exchange, SpanKind::Client), (SpanStatus::Error, None));
    }

    #[test]
    fn the_text_of_an_error_is_told_unless_the_code_says_it_all() {
        for (protocol, code, expected) in
            [(Protocol::Mysql, "1146", Some("no such table")), (Protocol::Http1, "500", None)]
        {
            let mut exchange = answered(protocol, ResponseStatus::ServerError, code);
            exchange.response.as_mut().unwrap().content.exception = Some("no such table".to_owned());
            assert_eq!(status(&exchange, SpanKind::Client).1.as_deref(), expected);
        }
    }
}
