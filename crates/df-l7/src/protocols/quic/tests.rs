//! Attempts to connect, as datagrams.

use std::sync::Arc;

use df_core::{Chunk, Direction, Timestamp, Transport};

use super::wire::{detect, version_name};
use crate::{Connection, ConnectionConfig, Detection};

fn packet(first: u8, version: u32, destination: &[u8], source: &[u8], rest: &[u8]) -> Vec<u8> {
    let len = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
    [&[first], &version.to_be_bytes()[..], &[len(destination)], destination, &[len(source)], source, rest]
        .concat()
}

fn initial(version: u32, destination: &[u8], source: &[u8]) -> Vec<u8> {
    let first = if version == 0x6b33_43cf { 0xd3 } else { 0xc3 };
    packet(first, version, destination, source, &[&[0, 0x44, 0xb0], &[0x5a; 1200][..]].concat())
}

fn told(datagrams: &[(Direction, Vec<u8>)]) -> Vec<String> {
    let mut connection = Connection::new(Transport::Udp, Arc::new(ConnectionConfig::default()));
    let mut offsets = [0, 0];
    for (at, (direction, bytes)) in (1..).zip(datagrams) {
        let offset = &mut offsets[direction.index()];
        connection.handle_chunk(Chunk::new(*direction, Timestamp::from_nanos(at), *offset, bytes));
        *offset += bytes.len() as u64;
    }
    connection.handle_close();
    std::iter::from_fn(|| connection.poll_exchange())
        .map(|exchange| {
            let response = exchange.response.as_ref().map(|response| &response.content);
            let code = response.and_then(|response| response.code.as_deref()).unwrap_or("-");
            let has_retried =
                response.is_some_and(|response| response.attributes.find("df.quic.retry").is_some());
            format!("{} {} {code} {has_retried}", exchange.kind.name(), exchange.version().unwrap_or("-"))
        })
        .collect()
}

const CLIENT: Direction = Direction::ToServer;
const SERVER: Direction = Direction::ToClient;

#[test]
fn an_attempt_is_told_once() {
    let datagrams = [
        (CLIENT, initial(1, b"12345678", b"")),
        (CLIENT, initial(1, b"12345678", b"")),
        (SERVER, initial(1, b"", b"srv")),
        (CLIENT, initial(1, b"srv", b"")),
        (SERVER, vec![0x41; 60]),
        (CLIENT, initial(0x6b33_43cf, b"another one", b"")),
    ];
    assert_eq!(told(&datagrams), ["exchange 1 - false", "request 2 - false"]);
}

#[test]
fn a_retry_goes_on_and_a_refused_version_ends() {
    let retry = packet(0xf0, 1, b"cli", b"srv", &[7; 40]);
    let datagrams = [
        (CLIENT, initial(1, b"12345678", b"cli")),
        (SERVER, retry),
        (CLIENT, initial(1, b"srv", b"cli")),
        (SERVER, initial(1, b"cli", b"srv2")),
    ];
    assert_eq!(told(&datagrams), ["exchange 1 - true"]);
    let refused = packet(0x80, 0, b"cli", b"12345678", &[0xff, 0, 0, 0x1d]);
    let datagrams = [
        (CLIENT, initial(1, b"12345678", b"cli")),
        (SERVER, refused),
        (CLIENT, initial(0xff00_001d, b"12345678", b"cli")),
        (SERVER, initial(0xff00_001d, b"cli", b"srv")),
    ];
    assert_eq!(told(&datagrams), ["exchange 1 version_negotiation false", "exchange draft-29 - false"]);
}

#[test]
fn what_is_not_quic_is_rejected() {
    let is = |bytes: &[u8]| detect(Transport::Udp, CLIENT, bytes);
    assert_eq!(is(&initial(1, b"12345678", b"")), Detection::CERTAIN);
    assert_eq!(is(&initial(3, b"12345678", b"")), Detection::NoMatch);
    assert_eq!(
        is(&packet(0xc0, 1, b"12345678", b"", &[0, 3])),
        Detection::NoMatch,
        "too short to be encrypted"
    );
    assert_eq!(is(&packet(0xc0, 1, &[7; 21], b"", &[0, 0x44, 0xb0])), Detection::NoMatch);
    assert_eq!(is(&packet(0xf0, 1, b"cli", b"srv", &[7; 40])), Detection::NoMatch);
    assert_eq!(version_name(0x5130_3436).as_deref(), Some("Q046"));
    assert_eq!(version_name(0x5130_3433).as_deref(), None, "has a header of another form");
}
