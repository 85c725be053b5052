//! Tests of the memcached parser: conversations in every protocol, cuts at every place, hostile bytes.

use std::sync::Arc;

use df_core::{Chunk, Direction, Timestamp, Transport};
use proptest::prelude::*;

use super::ROW;
use crate::test_conversation::{any_flips, check_survival, exchanges_with};
use crate::{Connection, ConnectionConfig, Detection, Exchange, ExchangeKind, Obfuscation};

const C: Direction = Direction::ToServer;
const S: Direction = Direction::ToClient;

type Turn<'a> = (Direction, &'a [u8]);

/// What a connection makes of these turns, whose bytes come in pieces; an empty turn to the client is a gap.
fn run(transport: Transport, turns: &[Turn<'_>], piece: usize) -> Vec<String> {
    let config = Arc::new(ConnectionConfig::default());
    let connection = Connection::new(transport, config).with_protocol(&ROW);
    exchanges_with(connection, turns, piece).iter().map(line).collect()
}

fn line(exchange: &Exchange) -> String {
    let request = exchange.request.as_ref().map(|request| &request.content);
    let asked = request.and_then(|request| request.resource.as_deref()).unwrap_or_default();
    let answered = exchange.response.as_ref().map(|response| &response.content);
    let answered = answered.map_or(String::new(), |response| {
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
fn check(turns: &[Turn<'_>], expected: &[&str]) {
    for piece in [usize::MAX, 1, 2, 3, 7] {
        assert_eq!(run(Transport::Tcp, turns, piece), expected, "in pieces of {piece}");
    }
}

#[test]
fn text_commands_pair_in_order() {
    check(
        &[
            (C, b"set user:1 0 300 6\r\nEND\r\n1\r\nget user:1 user:2\r\nget none\r\nincr visits 3\r\n"),
            (S, b"STORED\r\nVALUE user:1 0 6\r\nEND\r\n1\r\nEND\r\nEND\r\n10 \r\n"),
            (C, b"stats\r\nset a 0 0 1 noreply\r\nx\r\nversion\r\ndelete a\r\n"),
            (S, b"STAT pid 1\r\nSTAT uptime 2\r\nEND\r\nVERSION 1.6.18\r\nNOT_FOUND\r\n"),
            (C, b"incr user:1 1\r\nget\r\nflush_all\r\n"),
            (S, b"CLIENT_ERROR cannot increment\r\nERROR\r\nSERVER_ERROR out of memory\r\n"),
        ],
        &[
            "= set ? 0 300 6 > ok STORED",
            "= get ? ? > ok HIT",
            "= get ? > ok MISS",
            "= incr ? ? > ok -",
            "- set ? 0 0 1 noreply >",
            "= stats > ok END",
            "= version > ok VERSION 1.6.18",
            "= delete ? > ok NOT_FOUND",
            "= incr ? ? > client_error CLIENT_ERROR cannot increment",
            "= get > client_error ERROR",
            "= flush_all > server_error SERVER_ERROR out of memory",
        ],
    );
}

#[test]
fn quiet_meta_commands_pair_by_what_they_bear() {
    check(
        &[
            (C, b"mg a v q O1\r\nmg b v q O2\r\nmg c k v q\r\nms d 1 q\r\nx\r\nmn\r\nmg e v\r\n"),
            (S, b"VA 3 O2\r\nEN\n\r\nVA 1 kc\r\nx\r\nMN\r\nEN\r\n"),
        ],
        &[
            "- mg ? v q O1 >",
            "= mg ? v q O2 > ok VA",
            "= mg ? k v q > ok VA",
            "- ms ? 1 q >",
            "= mn > ok MN",
            "= mg ? v > ok EN",
        ],
    );
}

#[test]
fn answers_that_may_be_several_commands_are_nobodys() {
    check(
        &[(C, b"md a q\r\nmd b q\r\nmn\r\nmd c q\r\nmn\r\n"), (S, b"NF\r\nMN\r\nNF\r\nMN\r\n")],
        &["- md ? q >", "- md ? q >", "= mn > ok MN", "= md ? q > ok NF", "= mn > ok MN", "<  > ok NF"],
    );
}

/// A binary message: magic, opcode, status, opaque, extras, key, value.
fn binary(magic: u8, opcode: u8, status: u16, opaque: u32, parts: [&[u8]; 3]) -> Vec<u8> {
    let [extras, key, value] = parts;
    let mut bytes = vec![magic, opcode];
    bytes.extend(u16::try_from(key.len()).unwrap().to_be_bytes());
    bytes.extend([u8::try_from(extras.len()).unwrap(), 0]);
    bytes.extend(status.to_be_bytes());
    bytes.extend(u32::try_from(extras.len() + key.len() + value.len()).unwrap().to_be_bytes());
    bytes.extend(opaque.to_be_bytes());
    bytes.extend([0; 8]);
    bytes.extend([extras, key, value].concat());
    bytes
}

#[test]
fn binary_commands_pair_by_opaque_and_quiet_ones_by_key() {
    let sent = [
        binary(0x80, 0x0d, 0, 0, [b"", b"a", b""]),
        binary(0x80, 0x0d, 0, 0, [b"", b"b", b""]),
        binary(0x80, 0x11, 0, 0, [&[0; 8], b"c", b"value"]),
        binary(0x80, 0x0a, 0, 7, [b"", b"", b""]),
        binary(0x80, 0x10, 0, 8, [b"", b"items", b""]),
        binary(0x80, 0x21, 0, 9, [b"", b"PLAIN", b"\0user\0secret"]),
    ]
    .concat();
    let answers = [
        binary(0x81, 0x0d, 0, 0, [&[0; 4], b"b", b"value"]),
        binary(0x81, 0x0a, 0, 7, [b"", b"", b""]),
        binary(0x81, 0x10, 0, 8, [b"", b"items:1:number", b"3"]),
        binary(0x81, 0x10, 0, 8, [b"", b"", b""]),
        binary(0x81, 0x21, 0x20, 9, [b"", b"", b"Auth failure"]),
    ]
    .concat();
    check(
        &[(C, &sent), (S, &answers)],
        &[
            "- getkq ? >",
            "= getkq ? > ok NO_ERROR",
            "- setq ? >",
            "= noop > ok NO_ERROR",
            "= stat items > ok NO_ERROR",
            "= sasl_auth PLAIN > client_error AUTHENTICATION_ERROR Auth failure",
        ],
    );
}

#[test]
fn datagrams_pair_by_the_identifier_of_their_frame() {
    let frame = |id: u8, place: u8, total: u8, content: &[u8]| {
        [&[0, id, 0, place, 0, total, 0, 0][..], content].concat()
    };
    let turns: &[(Direction, Vec<u8>)] = &[
        (C, frame(1, 0, 1, b"get a\r\n")),
        (C, frame(2, 0, 1, b"get b\r\n")),
        (S, frame(2, 0, 2, b"VALUE b 0 2000\r\nxxxx")),
        (S, frame(2, 1, 2, b"xxxx\r\nEND\r\n")),
        (S, frame(1, 0, 1, b"END\r\n")),
    ];
    let turns: Vec<Turn<'_>> = turns.iter().map(|(direction, bytes)| (*direction, &bytes[..])).collect();
    assert_eq!(run(Transport::Udp, &turns, usize::MAX), ["= get ? > ok HIT", "= get ? > ok MISS"]);
}

#[test]
fn a_start_in_mid_stream_and_a_gap_cost_what_they_touch() {
    let turns: &[Turn<'_>] = &[
        (S, b"STORED\r\n"),
        (C, b"get a\r\n"),
        (S, b"VALUE a 0 4\r\nxxxx"),
        (S, b""),
        (S, b"yyyy"),
        (C, b"get b\r\n"),
        (S, b"END\r\n"),
    ];
    let expected = ["<  > ok STORED", "= get ? > ok HIT", "= get ? > ok MISS"];
    assert_eq!(run(Transport::Tcp, turns, usize::MAX), expected);
    check(
        &[(C, b"get a\r\n"), (S, b"VALUE a 0 1004\r\nxxxx"), (S, b""), (S, b"\r\nEND\r\n"), (C, b"mn\r\n")],
        &["= get ? > ok HIT", "? mn >"],
    );
}

#[test]
fn keys_are_shown_only_if_asked_for() {
    let config = ConnectionConfig { obfuscation: Obfuscation::NONE, ..ConnectionConfig::default() };
    let mut connection = Connection::new(Transport::Tcp, Arc::new(config)).with_protocol(&ROW);
    let sent = format!("gat 60 user:1 user:2\r\nget {}\r\n", "key ".repeat(40));
    connection.handle_chunk(Chunk::new(C, Timestamp::from_nanos(1), 0, sent.as_bytes()));
    connection.handle_close();
    let shown: Vec<String> =
        std::iter::from_fn(|| connection.poll_exchange()).map(|exchange| line(&exchange)).collect();
    assert_eq!(shown[0], "? gat 60 user:1 user:2 >");
    assert_eq!(shown[1], format!("? get{} ... >", " key".repeat(32)));
}

#[test]
fn a_line_longer_than_the_buffer_is_one_command() {
    let mut sent = b"get".to_vec();
    sent.extend(b" some:key".repeat(10_000));
    sent.extend(b"\r\nmn\r\n");
    let lines = run(Transport::Tcp, &[(C, &sent), (S, b"END\r\nMN\r\n")], 1_000);
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("= get ? ?") && lines[0].ends_with("... > ok MISS"), "{lines:?}");
    assert_eq!(lines[1], "= mn > ok MN");
}

#[test]
fn detection_is_strict() {
    let hit = binary(0x81, 0x00, 0, 0, [&[0; 4], b"", b"value"]);
    let get = binary(0x80, 0x00, 0, 0, [b"", b"key", b""]);
    let table: &[(Direction, &[u8], Detection)] = &[
        (C, b"set user:1 0 300 3\r\n", Detection::CERTAIN),
        (S, b"set user:1 0 300 3 noreply\r\n", Detection::CERTAIN_REVERSED),
        (C, b"cas a 0 0 5 17\r\n", Detection::CERTAIN),
        (S, b"VALUE a 0 3\r\nabc\r\nEND\r\n", Detection::CERTAIN),
        (C, b"VALUE a 0 3\r\nabc", Detection::CERTAIN_REVERSED),
        (C, &get, Detection::CERTAIN),
        (S, &hit, Detection::CERTAIN),
        (C, b"get user:1\r\n", Detection::WEAK),
        (C, b"mg key v t\r\n", Detection::WEAK),
        (C, b"mn\r\n", Detection::WEAK),
        (S, b"END\r\n", Detection::WEAK),
        (S, b"STORED\r\n", Detection::WEAK),
        (S, b"HD t30\r\n", Detection::WEAK),
        (C, b"ge", Detection::NeedMore),
        (C, b"set user:1 0 3", Detection::NeedMore),
        (S, b"VALU", Detection::NeedMore),
        (C, &get[..10], Detection::NeedMore),
        (C, b"set user:1 0 300\r\n", Detection::NoMatch),
        (C, b"set user:1 0 300 3\n", Detection::NoMatch),
        (C, b"get /index.html\n", Detection::NoMatch),
        (C, b"GET / HTTP/1.1\r\n\r\n", Detection::NoMatch),
        (C, b"quit\r\n", Detection::NoMatch),
        (S, b"OK\r\n", Detection::NoMatch),
        (S, b"ERROR: no\r\n", Detection::NoMatch),
        (S, b"VALUE a 0 3\r\nabcd\r\n", Detection::NoMatch),
        (C, b"\x80\x41\x01\x03\x01\x00", Detection::NoMatch),
        (C, b"\x16\x03\x01\x02\x00", Detection::NoMatch),
    ];
    for (direction, bytes, expected) in table {
        assert_eq!((ROW.detect)(Transport::Tcp, *direction, bytes), *expected, "{}", bytes.escape_ascii());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hostile_bytes_neither_panic_nor_stall(
        text in "((get|mg|set|VALUE|VA|END|HD|mn) [a-z0-9]{1,3}( [0-9q]{1,4}){0,4}\r\n|\\x{80}|\\x{81}){0,40}",
        flips in any_flips(),
        piece in 1_usize..20,
    ) {
        let bytes = text.into_bytes();
        for transport in [Transport::Tcp, Transport::Udp] {
            check_survival(&ROW, transport, &bytes, &flips, piece);
        }
    }
}
