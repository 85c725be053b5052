//! Names and kinds, protocol by protocol.

use df_core::Transport;
use df_l7::{Protocol, ResponseStatus};

use super::*;
use crate::test_exchange::{answered, flow};

/// Protocol, operation, target, further attribute, expected name.
type Row = (Protocol, &'static str, Option<&'static str>, Option<(&'static str, &'static str)>, &'static str);

const NAMES: &[Row] = &[
    (Protocol::Http1, "GET", None, Some(("url.path", "/users/7")), "GET"),
    (Protocol::Http1, "QUERY", None, None, "QUERY"),
    (Protocol::Http1, "BREW", None, Some(("http.request.method", "_OTHER")), "HTTP"),
    (Protocol::Http1, "_OTHER", None, None, "HTTP"),
    (Protocol::Mysql, "SELECT", Some("users"), Some(("db.query.summary", "SELECT users")), "SELECT users"),
    (Protocol::Mysql, "SELECT", Some("users"), None, "SELECT users"),
    (Protocol::Mysql, "PING", None, Some(("db.namespace", "shop")), "PING shop"),
    (Protocol::Postgresql, "COMMIT", None, None, "COMMIT 10.0.0.2:80"),
    (Protocol::Postgresql, "", None, Some(("db.system.name", "postgresql")), "postgresql"),
    (Protocol::Redis, "GET", None, Some(("db.namespace", "3")), "GET 3"),
    (Protocol::Redis, "", None, None, "redis"),
    (Protocol::Dns, "AAAA", Some("example.com"), None, "AAAA example.com"),
    (Protocol::Dns, "NS", Some(""), None, "NS"),
    (Protocol::Dns, "", None, None, "DNS"),
];

#[test]
fn names_follow_the_conventions() {
    for (protocol, operation, target, attribute, expected) in NAMES {
        let mut exchange = answered(*protocol, ResponseStatus::Ok, "");
        let request = &mut exchange.request.as_mut().unwrap().content;
        request.operation = Cow::Borrowed(operation);
        request.target = target.map(str::to_owned);
        if let Some((key, value)) = attribute {
            request.attributes.push(*key, *value);
        }
        assert_eq!(span_name(&exchange, &flow(Transport::Tcp, 1)), *expected, "{protocol:?} {operation}");
    }
}

#[test]
fn a_response_alone_has_a_name_too() {
    for (protocol, expected) in [
        (Protocol::Http1, "HTTP"),
        (Protocol::Mysql, "mariadb"),
        (Protocol::Redis, "redis"),
        (Protocol::Dns, "DNS"),
    ] {
        let mut exchange = answered(protocol, ResponseStatus::Ok, "");
        exchange.request = None;
        if protocol == Protocol::Mysql {
            exchange.response.as_mut().unwrap().content.attributes.push("db.system.name", "mariadb");
        }
        assert_eq!(span_name(&exchange, &flow(Transport::Tcp, 1)), expected);
    }
}

#[test]
fn kinds_follow_side_and_family() {
    use ObservationPoint::{Client, ClientNode, Local, Rest, Server, ServerNode, ServerProcess};
    for point in [Client, ClientNode, Local, Rest] {
        assert_eq!(span_kind(Family::Http, point), SpanKind::Client, "{point:?}");
    }
    for point in [Server, ServerNode, ServerProcess] {
        assert_eq!(span_kind(Family::Http, point), SpanKind::Server, "{point:?}");
        assert_eq!(span_kind(Family::Database, point), SpanKind::Client, "{point:?}");
        assert_eq!(span_kind(Family::Dns, point), SpanKind::Client, "{point:?}");
        assert_eq!(span_kind(Family::Messaging, point), SpanKind::Client, "{point:?}");
    }
}
