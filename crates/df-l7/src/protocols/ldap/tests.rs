//! Operations and results, as messages.

use std::sync::Arc;

use df_core::{Chunk, Direction, Timestamp, Transport};

use super::wire::detect;
use crate::{Connection, ConnectionConfig, Detection};

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
}

fn message(id: u8, tag: u8, content: &[u8]) -> Vec<u8> {
    element(0x30, &[element(2, &[id]), element(tag, content)].concat())
}

fn bind(id: u8) -> Vec<u8> {
    message(id, 0x60, &[element(2, &[3]), element(4, b"cn=admin"), element(0x80, b"secret")].concat())
}

fn search(id: u8) -> Vec<u8> {
    let filter =
        [element(0xa3, &[element(4, b"cn"), element(4, b"Ada")].concat()), element(0x87, b"mail")].concat();
    let parts = [
        element(4, b"dc=df,dc=test"),
        element(10, &[2]),
        element(10, &[0]),
        element(2, &[0]),
        element(2, &[0]),
        element(1, &[0]),
        element(0xa0, &filter),
        element(0x30, &[]),
    ];
    message(id, 0x63, &parts.concat())
}

fn entry(id: u8) -> Vec<u8> {
    message(id, 0x64, &[element(4, b"cn=Ada,dc=df,dc=test"), element(0x30, &[])].concat())
}

fn result(id: u8, tag: u8, code: u8, text: &[u8]) -> Vec<u8> {
    message(id, tag, &[element(10, &[code]), element(4, b""), element(4, text)].concat())
}

const CLIENT: Direction = Direction::ToServer;
const SERVER: Direction = Direction::ToClient;

fn told(talk: &[(Direction, Vec<u8>)], len: usize) -> (Vec<String>, Connection) {
    let mut connection = Connection::new(Transport::Tcp, Arc::new(ConnectionConfig::default()));
    let (mut offsets, mut at) = ([0, 0], 0);
    for (direction, bytes) in talk {
        for bytes in bytes.chunks(len) {
            at += 1;
            let offset = &mut offsets[direction.index()];
            connection.handle_chunk(Chunk::new(*direction, Timestamp::from_nanos(at), *offset, bytes));
            *offset += bytes.len() as u64;
        }
    }
    let mut stories = Vec::new();
    let is_known = connection.protocol().is_some();
    for is_closed in [false, true] {
        if is_closed && is_known {
            connection.handle_close();
        }
        while let Some(exchange) = connection.poll_exchange() {
            let asked = exchange.asked();
            let response = exchange.response.as_ref().map(|response| &response.content);
            let code = response.and_then(|response| response.code.as_deref()).unwrap_or("-");
            let found = response.and_then(|response| response.result.as_deref()).unwrap_or("-");
            let resource = asked.and_then(|request| request.resource.as_deref()).unwrap_or("-");
            let endpoint = asked.and_then(|request| request.endpoint.as_deref()).unwrap_or("-");
            stories.push(format!("{endpoint}, {resource}, {} {code} {found}", exchange.status().name()));
        }
    }
    (stories, connection)
}

#[test]
fn operations_pair_by_their_number() {
    let talk = [
        (CLIENT, [bind(1), search(2), search(3)].concat()),
        (SERVER, [result(1, 0x61, 0, b""), entry(3), entry(2), entry(3), result(3, 0x65, 0, b"")].concat()),
        (SERVER, result(2, 0x65, 4, b"too many")),
        (CLIENT, message(4, 0x4a, b"cn=Ada,dc=df,dc=test")),
        (SERVER, result(4, 0x6b, 50, b"no")),
        (CLIENT, [message(5, 0x50, &[3]), message(6, 0x42, &[])].concat()),
    ];
    let expected = [
        "BIND, simple, ok - -",
        "SEARCH sub, dc=df,dc=test, ok - 2 entries",
        "SEARCH sub, dc=df,dc=test, client_error sizeLimitExceeded 1 entries",
        "DELETE, cn=Ada,dc=df,dc=test, client_error insufficientAccessRights -",
        "ABANDON, -, unknown - -",
        "UNBIND, -, unknown - -",
    ];
    for len in [1, 2, 3, 7, 1_000] {
        let (stories, connection) = told(&talk, len);
        assert_eq!(stories, expected, "pieces of {len}");
        assert_eq!(connection.stats().parse_errors, 0);
    }
}

#[test]
fn encryption_ends_it_if_it_is_granted() {
    let ask = |id| message(id, 0x77, &element(0x80, b"1.3.6.1.4.1.1466.20037"));
    let talk = [
        (CLIENT, bind(1)),
        (SERVER, result(1, 0x61, 49, b"")),
        (CLIENT, ask(2)),
        (SERVER, result(2, 0x78, 52, b"not now")),
        (CLIENT, ask(3)),
        (SERVER, result(3, 0x78, 0, b"")),
        (CLIENT, vec![22, 3, 1]),
    ];
    let (stories, connection) = told(&talk, 1_000);
    assert_eq!(
        stories,
        [
            "BIND, simple, client_error invalidCredentials -",
            "EXTENDED, StartTLS, server_error unavailable -",
            "EXTENDED, StartTLS, ok - -",
        ]
    );
    assert_eq!(connection.stats().protocol_changes, 1);
}

#[test]
fn filters_show_no_values() {
    let (_, mut connection) = told(&[], 1);
    connection.handle_chunk(Chunk::new(CLIENT, Timestamp::from_nanos(1), 0, &search(1)));
    connection.handle_close();
    let exchange = connection.poll_exchange().unwrap();
    let filter = exchange.asked().unwrap().attributes.find("df.ldap.filter").unwrap();
    assert_eq!(filter.as_text(), Some("(&(cn=?)(mail=*))"));
}

#[test]
fn what_is_not_ldap_is_rejected() {
    let is = |bytes: &[u8]| detect(Transport::Tcp, CLIENT, bytes);
    assert_eq!(is(&bind(1)), Detection::CERTAIN);
    assert_eq!(is(&entry(1)), Detection::CERTAIN_REVERSED);
    assert_eq!(is(&message(6, 0x42, &[])), Detection::WEAK);
    for len in 1..9 {
        assert_eq!(is(&bind(1)[..len]), Detection::NeedMore, "{len}");
    }
    // SNMP: a version, then a community.
    assert_eq!(is(&[0x30, 12, 2, 1, 1, 4, 6, b'p', b'u', b'b', b'l', b'i', b'c', 0xa0]), Detection::NoMatch);
    // Kerberos over UDP, a certificate, text.
    assert_eq!(is(&[0x6a, 0x81, 0x80, 0x30]), Detection::NoMatch);
    assert_eq!(is(&[0x30, 0x82, 1, 0, 0x30, 0x82]), Detection::NoMatch);
    assert_eq!(is(b"0 0 0 0 0 0 0 0"), Detection::NoMatch);
}
