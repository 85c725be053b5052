//! Calls as in RFC 3261 §24.

use std::sync::Arc;

use df_core::{Chunk, Direction, Timestamp, Transport};

use super::wire::detect;
use crate::{Connection, ConnectionConfig, Detection};

fn message(start: &str, sequence: &str, body: &str) -> Vec<u8> {
    let len = body.len();
    format!(
        "{start}\r\nVia: SIP/2.0/UDP pc33.atlanta.com\r\nFrom: Alice <sip:alice@atlanta.com>;tag=1\r\n\
         i: a84b4c76e66710@pc33.atlanta.com\r\nCSeq: {sequence}\r\nUser-Agent: tester\r\nl: {len}\r\n\r\n{body}"
    )
    .into_bytes()
}

const CLIENT: Direction = Direction::ToServer;
const SERVER: Direction = Direction::ToClient;

fn call() -> Vec<(Direction, Vec<u8>)> {
    let invite = || {
        message(
            "INVITE sip:bob@biloxi.com;transport=udp SIP/2.0",
            "314159 INVITE",
            "v=0\r\n\r\nSIP/2.0 200 no",
        )
    };
    vec![
        (CLIENT, message("REGISTER sip:biloxi.com SIP/2.0", "1 REGISTER", "")),
        (SERVER, message("SIP/2.0 401 Unauthorized", "1 REGISTER", "")),
        (CLIENT, invite()),
        (CLIENT, invite()),
        (SERVER, message("SIP/2.0 100 Trying", "314159 INVITE", "")),
        (SERVER, message("SIP/2.0 180 Ringing", "314159 INVITE", "")),
        (SERVER, message("SIP/2.0 200 OK", "314159 INVITE", "v=0\r\n")),
        (SERVER, message("SIP/2.0 200 OK", "314159 INVITE", "v=0\r\n")),
        (CLIENT, message("ACK sip:bob@192.0.2.4 SIP/2.0", "314159 ACK", "")),
        (SERVER, message("BYE sip:alice@pc33.atlanta.com SIP/2.0", "231 BYE", "")),
        (CLIENT, message("SIP/2.0 200 OK", "231 BYE", "")),
        (CLIENT, message("MESSAGE tel:+1-201-555-0123 SIP/2.0", "2 MESSAGE", "hello")),
    ]
}

fn told(transport: Transport, talk: &[(Direction, Vec<u8>)], len: usize) -> Vec<String> {
    let mut connection = Connection::new(transport, Arc::new(ConnectionConfig::default()));
    let (mut offsets, mut at) = ([0, 0], 0);
    for (direction, bytes) in talk {
        for bytes in bytes.chunks(len) {
            at += 1;
            let offset = &mut offsets[direction.index()];
            connection.handle_chunk(Chunk::new(*direction, Timestamp::from_nanos(at), *offset, bytes));
            *offset += bytes.len() as u64;
        }
    }
    connection.handle_close();
    std::iter::from_fn(|| connection.poll_exchange())
        .map(|exchange| {
            let asked = exchange.asked().unwrap();
            let response = exchange.response.as_ref().map(|response| &response.content);
            let code = response.and_then(|response| response.code.as_deref()).unwrap_or("-");
            let resource = asked.resource.as_deref().unwrap_or("-");
            let is_from_server = asked.attributes.find("df.sip.is_from_server").is_some();
            format!("{} {} {resource} {code} {is_from_server}", exchange.kind.name(), asked.kind)
        })
        .collect()
}

#[test]
fn a_call_is_told_over_either_transport() {
    let expected = [
        "exchange REGISTER sip:biloxi.com 401 false",
        "exchange INVITE sip:?@biloxi.com 200 false",
        "one_way ACK sip:?@192.0.2.4 - false",
        "exchange BYE sip:?@pc33.atlanta.com 200 true",
        "request MESSAGE tel:? - false",
    ];
    assert_eq!(told(Transport::Udp, &call(), 10_000), expected);
    for len in [1, 2, 3, 50, 10_000] {
        assert_eq!(told(Transport::Tcp, &call(), len), expected, "pieces of {len}");
    }
}

#[test]
fn a_response_may_be_captured_first() {
    let talk = [
        (SERVER, message("SIP/2.0 200 OK", "1 OPTIONS", "")),
        (CLIENT, message("OPTIONS sip:biloxi.com SIP/2.0", "1 OPTIONS", "")),
    ];
    let mut connection = Connection::new(Transport::Udp, Arc::new(ConnectionConfig::default()));
    for (at, (direction, bytes)) in [5, 4].into_iter().zip(&talk) {
        connection.handle_chunk(Chunk::new(*direction, Timestamp::from_nanos(at), 0, bytes));
    }
    assert_eq!(connection.poll_exchange().map(|exchange| exchange.kind.name()), Some("exchange"));
}

#[test]
fn what_is_not_sip_is_rejected() {
    let table: &[(&str, Detection)] = &[
        ("INVITE sip:bob@biloxi.com SIP/2.0\r\n", Detection::CERTAIN),
        ("SIP/2.0 200 OK\r\n", Detection::CERTAIN_REVERSED),
        ("OPT", Detection::NeedMore),
        ("OPTIONS sip:x", Detection::NeedMore),
        ("OPTIONS / HTTP/1.1\r\n", Detection::NoMatch),
        ("OPTIONS rtsp://x RTSP/1.0\r\n", Detection::NoMatch),
        ("INFO {}\r\n", Detection::NoMatch),
        ("SIP/2.0 999 x\r\n", Detection::NoMatch),
        ("SIP/3.0", Detection::NoMatch),
    ];
    for (text, expected) in table {
        assert_eq!(detect(Transport::Udp, CLIENT, text.as_bytes()), *expected, "{text}");
    }
}
