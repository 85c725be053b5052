//! Attributes, side by side.

use df_core::{Command, EventSource};
use df_l7::{Request, ResponseStatus};

use super::*;
use crate::ObservedProcess;
use crate::test_exchange::{answered, place};

fn http(domain: Option<&str>) -> Exchange {
    let mut exchange = answered(Protocol::Http1, ResponseStatus::ServerError, "502");
    let mut attributes = Attributes::new();
    attributes.push("http.request.method", "GET");
    attributes.push("url.path", "/cart");
    attributes.push("url.query", "id=?");
    attributes.push("url.scheme", "http");
    exchange.request.as_mut().unwrap().content = Request {
        domain: domain.map(str::to_owned),
        version: Some("1.1".into()),
        attributes,
        ..Request::default()
    };
    let response = &mut exchange.response.as_mut().unwrap().content;
    response.attributes.push("http.response.status_code", 502_i64);
    exchange
}

fn shown(attributes: &Attributes) -> Vec<String> {
    let value = |value: &AttributeValue| match value {
        AttributeValue::Text(text) => text.to_string(),
        AttributeValue::Integer(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    attributes.iter().map(|attribute| format!("{}={}", attribute.key, value(&attribute.value))).collect()
}

#[test]
fn an_http_client_span_has_what_the_conventions_require() {
    let attributes = of(&http(Some("shop.example:8080")), &place(1), SpanKind::Client);
    assert_eq!(
        shown(&attributes),
        [
            "http.request.method=GET",
            "url.path=/cart",
            "url.query=id=?",
            "url.scheme=http",
            "http.response.status_code=502",
            "server.address=shop.example",
            "server.port=8080",
            "url.full=http://shop.example:8080/cart?id=?",
            "network.transport=tcp",
            "network.type=ipv4",
            "network.protocol.name=http",
            "network.protocol.version=1.1",
            "network.peer.address=10.0.0.2",
            "network.peer.port=80",
            "network.local.address=10.0.0.1",
            "network.local.port=40000",
            "error.type=502",
        ]
    );
}

#[test]
fn an_http_server_span_tells_of_its_client_instead() {
    let attributes = of(&http(Some("shop.example")), &place(1), SpanKind::Server);
    for (key, expected) in [
        ("url.full", None),
        ("server.port", Some(AttributeValue::Integer(80))),
        ("client.address", Some("10.0.0.1".into())),
        ("network.peer.address", Some("10.0.0.1".into())),
        ("network.local.address", Some("10.0.0.2".into())),
    ] {
        assert_eq!(attributes.find(key), expected.as_ref(), "{key}");
    }
}

#[test]
fn what_a_parser_set_stands() {
    let mut exchange = http(None);
    exchange.request.as_mut().unwrap().content.attributes.push("client.address", "203.0.113.9");
    let attributes = of(&exchange, &place(1), SpanKind::Server);
    assert_eq!(attributes.find("client.address"), Some(&"203.0.113.9".into()));
    assert_eq!(attributes.find("client.port"), None);
    assert_eq!(attributes.find("server.address"), Some(&"10.0.0.2".into()));
    let keys: std::collections::HashSet<_> = attributes.iter().map(|attribute| &attribute.key).collect();
    assert_eq!(keys.len(), attributes.len(), "each key once");
}

#[test]
fn a_database_span_names_the_server_and_no_version() {
    let mut exchange = answered(Protocol::Mysql, ResponseStatus::Ok, "");
    exchange.request.as_mut().unwrap().content.version = Some("8.0.36".into());
    let attributes = of(&exchange, &place(1), SpanKind::Client);
    assert_eq!(attributes.find("server.address"), Some(&"10.0.0.2".into()));
    assert_eq!(attributes.find("network.protocol.name"), Some(&"mysql".into()));
    assert_eq!(attributes.find("network.protocol.version"), None);
    assert_eq!(attributes.find("error.type"), None);
}

#[test]
fn authorities_are_split_as_uris_write_them() {
    for (authority, expected) in [
        ("example.com", ("example.com", None)),
        ("example.com:81", ("example.com", Some(81))),
        ("[::1]:81", ("::1", Some(81))),
        ("[::1]", ("::1", None)),
        ("::1", ("::1", None)),
        ("example.com:", ("example.com", None)),
        ("example.com:99999", ("example.com", None)),
        ("", ("", None)),
    ] {
        assert_eq!(split_port(authority), expected, "{authority}");
    }
}

#[test]
fn a_process_is_named_by_its_ids_and_its_thread() {
    let task = Task::new(12, 13, Command::default());
    let seen = place(1).with_process(ObservedProcess { task, source: EventSource::Syscall });
    let attributes = of(&http(None), &seen, SpanKind::Server);
    let number = |key: &str| attributes.find(key).cloned();
    assert_eq!(number("process.pid"), Some(AttributeValue::Integer(12)));
    assert_eq!(number("thread.id"), Some(AttributeValue::Integer(13)));
}
