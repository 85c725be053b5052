//! Tests of the Cassandra parser: frames written after the specification, segments as the Python driver writes them.

use std::sync::Arc;

use df_core::{Direction, Transport};
use proptest::prelude::*;

use super::ROW;
use crate::test_conversation::{any_flips, check_survival, exchanges_with};
use crate::{Connection, ConnectionConfig, Detection, Exchange, ExchangeKind};

const C: Direction = Direction::ToServer;
const S: Direction = Direction::ToClient;

const ERROR: u8 = 0x00;
const STARTUP: u8 = 0x01;
const READY: u8 = 0x02;
const QUERY: u8 = 0x07;
const RESULT: u8 = 0x08;
const PREPARE: u8 = 0x09;
const EXECUTE: u8 = 0x0a;
const EVENT: u8 = 0x0c;
const BATCH: u8 = 0x0d;

fn frame(version: u8, flags: u8, stream: i16, opcode: u8, body: &[u8]) -> Vec<u8> {
    let stream = stream.to_be_bytes();
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[version, flags, stream[0], stream[1], opcode][..], &length, body].concat()
}

fn short(text: &str) -> Vec<u8> {
    [&u16::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat()
}

fn long(text: &str) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat()
}

fn query(stream: i16, text: &str) -> Vec<u8> {
    frame(4, 0, stream, QUERY, &[&long(text)[..], &[0, 6, 0]].concat())
}

fn result(stream: i16, kind: u8, rest: &[u8]) -> Vec<u8> {
    frame(0x84, 0, stream, RESULT, &[&[0, 0, 0, kind][..], rest].concat())
}

/// What a connection makes of these turns, whose bytes come in pieces; an empty turn is a gap.
fn run(turns: &[(Direction, Vec<u8>)], piece: usize) -> Vec<Exchange> {
    let config = Arc::new(ConnectionConfig::default());
    exchanges_with(Connection::new(Transport::Tcp, config).with_protocol(&ROW), turns, piece)
}

fn line(exchange: &Exchange) -> String {
    let request = exchange.request.as_ref().map(|request| &request.content);
    let text =
        |key: &str| request.and_then(|request| request.attributes.find(key)?.as_text().map(str::to_owned));
    let asked = request.map_or(String::new(), |request| {
        let keyspace = text("db.namespace").map(|name| format!(" in {name}")).unwrap_or_default();
        let level =
            text("cassandra.consistency.level").map(|level| format!(" at {level}")).unwrap_or_default();
        format!("{} {}{keyspace}{level}", request.kind, request.resource.as_deref().unwrap_or("-"))
    });
    let answered = exchange.response.as_ref().map_or(String::new(), |response| {
        let response = &response.content;
        let text = response.exception.as_deref().or(response.result.as_deref()).unwrap_or_default();
        format!("{} {} {text}", response.status.name(), response.code.as_deref().unwrap_or("-"))
    });
    let sign = match exchange.kind {
        ExchangeKind::Complete => "=",
        ExchangeKind::Unanswered => "?",
        ExchangeKind::ResponseOnly => "<",
        ExchangeKind::OneWay(_) => "-",
    };
    format!("{sign} {asked} > {answered}").trim_end().to_owned()
}

#[track_caller]
fn check(turns: &[(Direction, Vec<u8>)], expected: &[&str]) {
    for piece in [usize::MAX, 1, 2, 7, 16] {
        let lines: Vec<String> = run(turns, piece).iter().map(line).collect();
        assert_eq!(lines, expected, "in pieces of {piece}");
    }
}

#[test]
fn queries_pair_by_their_streams() {
    let options = [&[0, 1][..], &short("CQL_VERSION"), &short("3.4.5")].concat();
    let error = [&[0, 0, 0x22, 0][..], &short("unconfigured table secret")].concat();
    let unavailable =
        [&[0, 0, 0x10, 0][..], &short("Cannot achieve consistency"), &[0, 4, 0, 0, 0, 2, 0, 0, 0, 1]]
            .concat();
    check(
        &[
            (C, frame(4, 0, 0, STARTUP, &options)),
            (S, frame(0x84, 0, 0, READY, b"")),
            (C, [query(1, "USE shop"), query(2, "SELECT * FROM orders WHERE id = 7")].concat()),
            (S, [result(2, 2, &[0; 8]), result(1, 3, &short("shop"))].concat()),
            (C, [query(1, "SELECT a FROM b"), query(2, "INSERT INTO c (d) VALUES ('x')")].concat()),
            (S, [frame(0x84, 0, 2, ERROR, &unavailable), frame(0x84, 0, 1, ERROR, &error)].concat()),
            (S, frame(0x84, 0, -1, EVENT, &short("STATUS_CHANGE"))),
        ],
        &[
            "= STARTUP - > ok - READY",
            "= QUERY SELECT * FROM orders WHERE id = ? at local_quorum > ok - ROWS",
            "= QUERY USE shop at local_quorum > ok - SET_KEYSPACE",
            "= QUERY INSERT INTO c (d) VALUES (?) in shop at local_quorum > server_error 4096 Cannot achieve consistency",
            "= QUERY SELECT a FROM b in shop at local_quorum > client_error 8704 Invalid query",
            "- EVENT STATUS_CHANGE >",
        ],
    );
}

#[test]
fn prepared_texts_are_found_by_their_id() {
    let id = short("0123456789abcdef");
    let executed = [&id[..], &[0, 1, 0]].concat();
    let batch =
        [&[0, 0, 2, 1][..], &id, &[0, 1, 0, 0, 0, 1, 9, 0], &long("UPDATE a SET b = 1"), &[0, 0, 0, 5, 0]]
            .concat();
    check(
        &[
            (C, frame(4, 0, 5, PREPARE, &long("INSERT INTO t (a) VALUES (?)"))),
            (S, result(5, 4, &[&id[..], &[0; 20]].concat())),
            (C, frame(4, 0, 5, EXECUTE, &executed)),
            // Traced, with a warning.
            (
                S,
                frame(
                    0x84,
                    0x0a,
                    5,
                    RESULT,
                    &[&[9; 16][..], &[0, 1], &short("slow"), &[0, 0, 0, 1]].concat(),
                ),
            ),
            (C, frame(4, 0, 6, BATCH, &batch)),
            (S, result(6, 1, b"")),
            (C, frame(4, 0, 7, EXECUTE, &[&short("another id")[..], &[0, 1, 0]].concat())),
        ],
        &[
            "= PREPARE INSERT INTO t (a) VALUES (?) > ok - PREPARED",
            "= EXECUTE INSERT INTO t (a) VALUES (?) at one > ok - VOID",
            "= BATCH INSERT INTO t (a) VALUES (?) at all > ok - VOID",
            "? EXECUTE - at one >",
        ],
    );
}

#[test]
fn compressed_bodies_are_unwrapped() {
    let startup = [&[0, 1][..], &short("COMPRESSION"), &short("lz4")].concat();
    let body = [&long("SELECT a FROM b")[..], &[0, 1, 0]].concat();
    let length = u8::try_from(body.len()).unwrap();
    // LZ4: 22 literals and nothing else.
    let lz4 = [&[0, 0, 0, length, 0xf0, length - 15][..], &body].concat();
    let snappy = [&[length, (length - 1) << 2][..], &body].concat();
    check(
        &[(C, [frame(4, 0, 0, STARTUP, &startup), frame(4, 1, 1, QUERY, &lz4)].concat())],
        &["? STARTUP - >", "? QUERY SELECT a FROM b at one >"],
    );
    check(&[(C, frame(4, 1, 1, QUERY, &snappy))], &["? QUERY SELECT a FROM b at one >"]);
}

/// Two `OPTIONS` in one segment, as the Python driver writes it.
const SEGMENT: &[u8] = b"\x12\x00\x02\xf6\xcb\xcf\x05\x00\x00\x01\x05\x00\x00\x00\x00\x05\x00\x00\x01\x05\x00\x00\x00\x00\xb9\x76\xd9\x60";

#[test]
fn segments_hold_several_frames() {
    check(&[(C, SEGMENT.repeat(2))], &["? OPTIONS - >"; 4]);
    let mut damaged = SEGMENT.to_vec();
    damaged[2] ^= 8;
    check(&[(C, damaged)], &[]);
}

#[test]
fn a_stream_taken_anew_does_not_get_the_old_answer() {
    let turns = [
        (C, query(1, "SELECT lost FROM a")),
        (S, Vec::new()),
        (C, query(1, "SELECT next FROM a")),
        (S, result(1, 1, b"")),
        (S, result(1, 1, b"")),
    ];
    let lines: Vec<String> = run(&turns, usize::MAX).iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "= QUERY SELECT next FROM a at local_quorum > ok - VOID",
            "<  > ok - VOID",
            "? QUERY SELECT lost FROM a at local_quorum >"
        ]
    );
}

#[test]
fn detection_is_strict() {
    let startup = frame(4, 0, 0, STARTUP, &[&[0, 1][..], &short("CQL_VERSION"), &short("3.0.0")].concat());
    let select = query(1, "SELECT a FROM b");
    let table: &[(Direction, &[u8], Detection)] = &[
        (C, &startup, Detection::CERTAIN),
        (S, &startup, Detection::CERTAIN_REVERSED),
        (C, &select, Detection::CERTAIN),
        (C, &select[..12], Detection::NeedMore),
        (C, SEGMENT, Detection::CERTAIN),
        (C, &frame(4, 0, 0, 5, b""), Detection::WEAK),
        (S, &frame(0x84, 0, 0, READY, b""), Detection::WEAK),
        (S, &result(3, 1, b""), Detection::WEAK),
        (C, &frame(4, 0, 0, 5, b"x"), Detection::NoMatch),
        (C, &query(1, "no statement"), Detection::NoMatch),
        (C, &frame(6, 0, 0, QUERY, b""), Detection::NoMatch),
        (C, &frame(4, 0xff, 0, QUERY, b""), Detection::NoMatch),
        (C, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", Detection::NoMatch),
        (C, b"\x05\x01\x00", Detection::NeedMore),
        // SOCKS: a greeting, then a request.
        (C, b"\x05\x01\x00\x05\x01\x00\x03\x0bexample.com\x00\x50", Detection::NoMatch),
        (C, b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00", Detection::NoMatch),
    ];
    for (direction, bytes, expected) in table {
        assert_eq!((ROW.detect)(Transport::Tcp, *direction, bytes), *expected, "{}", bytes.escape_ascii());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hostile_bytes_neither_panic_nor_stall(
        frames in proptest::collection::vec((any::<bool>(), 0_u8..17, 0_u8..32, proptest::collection::vec(any::<u8>(), 0..40)), 0..20),
        flips in any_flips(),
        piece in 1_usize..40,
    ) {
        let one = |(is_response, opcode, flags, body): &(bool, u8, u8, Vec<u8>)| {
            if *opcode == 4 { SEGMENT.to_vec() } else { frame(if *is_response { 0x84 } else { 4 }, *flags, 1, *opcode, body) }
        };
        let bytes: Vec<u8> = frames.iter().flat_map(one).collect();
        check_survival(&ROW, Transport::Tcp, &bytes, &flips, piece);
    }
}
