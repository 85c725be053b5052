//! Questions for the time, as datagrams.

use std::sync::Arc;

use df_core::{Chunk, Direction, Timestamp, Transport};

use super::wire::detect;
use crate::{Connection, ConnectionConfig, Detection};

fn packet(first: u8, stratum: u8, reference_id: [u8; 4], origin: u8, transmit: u8) -> Vec<u8> {
    let time = |value: u8| [0xec, 0, 0, 0, 0, 0, 0, value];
    [
        &[first, stratum, 6, 0xe9, 0, 0, 0x1a, 0, 0, 1, 0, 0][..],
        &reference_id,
        &time(9),
        &time(origin),
        &time(9),
        &time(transmit),
    ]
    .concat()
}

fn told(datagrams: &[(Direction, Vec<u8>)]) -> Vec<String> {
    let mut connection =
        Connection::new(Transport::Udp, Arc::new(ConnectionConfig::default())).with_ports(40_000, 123);
    let mut offsets = [0, 0];
    for (at, (direction, bytes)) in (1..).zip(datagrams) {
        let offset = &mut offsets[direction.index()];
        connection.handle_chunk(Chunk::new(*direction, Timestamp::from_nanos(at), *offset, bytes));
        *offset += bytes.len() as u64;
    }
    connection.handle_close();
    std::iter::from_fn(|| connection.poll_exchange())
        .map(|exchange| {
            let kind = exchange.asked().map_or("-", |request| request.kind.as_ref());
            let response = exchange.response.as_ref().map(|response| &response.content);
            let code = response.and_then(|response| response.code.as_deref()).unwrap_or("-");
            let reference = response.and_then(|response| response.attributes.find("df.ntp.reference_id"));
            let reference = reference.and_then(|reference| reference.as_text()).unwrap_or("-");
            [
                exchange.kind.name(),
                kind,
                exchange.version().unwrap_or("-"),
                exchange.status().name(),
                code,
                reference,
            ]
            .join(" ")
        })
        .collect()
}

const CLIENT: Direction = Direction::ToServer;
const SERVER: Direction = Direction::ToClient;

#[test]
fn an_answer_repeats_the_time_of_its_question() {
    let datagrams = [
        (CLIENT, packet(0xe3, 0, [0; 4], 0, 1)),
        (CLIENT, packet(0x23, 0, [0; 4], 0, 2)),
        (SERVER, packet(0x24, 2, [10, 0, 0, 1], 2, 3)),
        (SERVER, packet(0x24, 0, *b"RATE", 1, 3)),
        (CLIENT, packet(0x1b, 0, [0; 4], 0, 4)),
        (SERVER, packet(0x1c, 1, *b"GPS\0", 4, 5)),
        (CLIENT, packet(0x23, 0, [0; 4], 0, 6)),
        (SERVER, packet(0xe4, 16, [0; 4], 6, 7)),
        (SERVER, packet(0x25, 2, [10, 0, 0, 1], 0, 8)),
    ];
    assert_eq!(
        told(&datagrams),
        [
            "exchange CLIENT 4 ok - 10.0.0.1",
            "exchange CLIENT 4 client_error RATE -",
            "exchange CLIENT 3 ok - GPS",
            "exchange CLIENT 4 server_error UNSYNCHRONIZED -",
            "one_way BROADCAST 4 unknown - -",
        ]
    );
}

#[test]
fn control_messages_are_told_by_command() {
    let datagrams = [
        (CLIENT, vec![0x16, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
        (SERVER, vec![0x16, 0xa2, 0, 1, 6, 0x15, 0, 0, 0, 0, 0, 4, b'a', b'=', b'1', b',']),
        (SERVER, vec![0x16, 0x82, 0, 1, 6, 0x15, 0, 0, 0, 4, 0, 4, b'b', b'=', b'1', b'\n']),
        (CLIENT, vec![0x16, 3, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]),
        (SERVER, vec![0x16, 0xc3, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0]),
        (CLIENT, [&[0x17, 0, 3, 42, 0, 0, 0, 0][..], &[0; 40]].concat()),
        (SERVER, vec![0x97, 0, 3, 42, 0x40, 0, 0, 0]),
    ];
    assert_eq!(
        told(&datagrams),
        [
            "exchange READVAR 2 ok - -",
            "exchange WRITEVAR 2 client_error 1 -",
            "exchange PRIVATE 2 client_error 4 -",
        ]
    );
}

#[test]
fn what_makes_no_sense_is_rejected() {
    let is = |bytes: &[u8]| detect(Transport::Udp, CLIENT, bytes);
    let question = packet(0x23, 0, [0; 4], 0, 1);
    assert_eq!(is(&question), Detection::WEAK);
    assert_eq!(is(&packet(0x24, 2, [0; 4], 0, 1)), Detection::WEAK_REVERSED);
    assert_eq!(is(&question[..47]), Detection::NoMatch);
    assert_eq!(is(&packet(0x3b, 0, [0; 4], 0, 1)), Detection::NoMatch, "version 7");
    assert_eq!(is(&packet(0x23, 17, [0; 4], 0, 1)), Detection::NoMatch);
    assert_eq!(is(&[0x17, 0, 9, 42, 0, 0, 0, 0]), Detection::NoMatch);
}
