//! Tests of the Thrift parser: every form, values of every type, cuts at every place, hostile bytes.

use std::sync::Arc;

use df_core::{Direction, Transport};
use proptest::prelude::*;

use super::ROW;
use crate::fuzzing::{Piece, observe};
use crate::test_conversation::{any_flips, check_survival, exchanges_with};
use crate::{Connection, ConnectionConfig, Detection, Exchange, ExchangeKind};

const C: Direction = Direction::ToServer;
const S: Direction = Direction::ToClient;

const CALL: u8 = 1;
const REPLY: u8 = 2;
const EXCEPTION: u8 = 3;
const ONE_WAY: u8 = 4;

fn strict(kind: u8, name: &str, sequence_id: u8, fields: &[u8]) -> Vec<u8> {
    let head = [0x80, 1, 0, kind, 0, 0, 0, u8::try_from(name.len()).unwrap()];
    [&head[..], name.as_bytes(), &[0, 0, 0, sequence_id], fields].concat()
}

fn old(kind: u8, name: &str, fields: &[u8]) -> Vec<u8> {
    let length = u32::try_from(name.len()).unwrap().to_be_bytes();
    [&length[..], name.as_bytes(), &[kind, 0, 0, 0, 0], fields].concat()
}

fn compact(kind: u8, name: &str, sequence_id: u8, fields: &[u8]) -> Vec<u8> {
    let head = [0x82, kind << 5 | 1, sequence_id, u8::try_from(name.len()).unwrap()];
    [&head[..], name.as_bytes(), fields].concat()
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&u32::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat()
}

/// A frame of the header transport: sequence id, content of the header, message.
fn with_header(sequence_id: u8, header: &[u8], message: &[u8]) -> Vec<u8> {
    let padding = vec![0; header.len().wrapping_neg() % 4];
    let words = u8::try_from((header.len() + padding.len()) / 4).unwrap();
    framed(&[&[0x0f, 0xff, 0, 0, 0, 0, 0, sequence_id, 0, words][..], header, &padding, message].concat())
}

/// What a connection makes of these turns, whose bytes come in pieces; an empty turn is a gap.
fn run(transport: Transport, turns: &[(Direction, Vec<u8>)], piece: usize) -> Vec<Exchange> {
    let config = Arc::new(ConnectionConfig::default());
    exchanges_with(Connection::new(transport, config).with_protocol(&ROW), turns, piece)
}

fn line(exchange: &Exchange) -> String {
    let asked = exchange.request.as_ref().and_then(|request| request.content.endpoint.as_deref());
    let answered = exchange.response.as_ref().map(|response| &response.content);
    let answered = answered.map_or(String::new(), |response| {
        let (code, error) = (response.code.as_deref(), response.exception.as_deref());
        format!("{} {} {}", response.status.name(), code.unwrap_or("-"), error.unwrap_or_default())
    });
    let sign = match exchange.kind {
        ExchangeKind::Complete => "=",
        ExchangeKind::Unanswered => "?",
        ExchangeKind::ResponseOnly => "<",
        ExchangeKind::OneWay(_) => "-",
    };
    let id = exchange.request_id.map_or(String::new(), |id| format!("#{id} "));
    format!("{sign} {id}{} > {answered}", asked.unwrap_or_default()).trim_end().to_owned()
}

#[track_caller]
fn check(turns: &[(Direction, Vec<u8>)], expected: &[&str]) {
    for piece in [usize::MAX, 1, 2, 3, 7, 16] {
        let lines: Vec<String> = run(Transport::Tcp, turns, piece).iter().map(line).collect();
        assert_eq!(lines, expected, "in pieces of {piece}");
    }
}

/// A struct with a field of every type of the binary protocol.
fn binary_fields() -> Vec<u8> {
    let mut fields = Vec::new();
    for (kind, value) in [
        (2, &[1][..]),
        (3, &[7]),
        (4, &[0; 8]),
        (6, &[0, 1]),
        (8, &[0; 4]),
        (10, &[0; 8]),
        (11, &[0, 0, 0, 3, 0x80, 1, 0]),
        (12, &[12, 0, 1, 11, 0, 1, 0, 0, 0, 0, 0, 0]),
        (13, &[8, 11, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, b'a', 0, 0, 0, 2, 0, 0, 0, 0]),
        (13, &[11, 15, 0, 0, 0, 1, 0, 0, 0, 1, b'k', 6, 0, 0, 0, 2, 0, 1, 0, 2]),
        (14, &[11, 0, 0, 0, 2, 0, 0, 0, 1, b'a', 0, 0, 0, 0]),
        (15, &[12, 0, 0, 0, 2, 0, 8, 0, 1, 0, 0, 0, 0, 0]),
        (15, &[8, 0, 0, 0, 0]),
        (16, &[0; 16]),
    ] {
        fields.extend([kind, 0, 9]);
        fields.extend(value);
    }
    fields.push(0);
    fields
}

/// A struct with a field of every type of the compact protocol.
fn compact_fields() -> Vec<u8> {
    let mut fields = Vec::new();
    for (kind, value) in [
        (1, &[][..]),
        (2, &[]),
        (3, &[7]),
        (4, &[0x80, 0x01]),
        (5, &[0x7f]),
        (6, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        (7, &[0; 8]),
        (8, &[3, 0x82, 0x21, 0]),
        (9, &[0x15, 0x02]),
        (9, &[0xf1, 0x10, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2]),
        (10, &[0x28, 1, b'a', 0]),
        (11, &[2, 0x85, 1, b'k', 0x02, 0, 0x80, 0x01]),
        (11, &[0]),
        (12, &[0x15, 0x02, 0]),
        (13, &[0; 16]),
    ] {
        fields.push(0x10 | kind);
        fields.extend(value);
    }
    // A field whose id is written out.
    fields.extend([0x05, 0xc8, 0x01, 0x02, 0]);
    fields
}

#[test]
fn messages_without_length_end_where_their_values_do() {
    let error = [&[11, 0, 1, 0, 0, 0, 7][..], b"no such", &[8, 0, 2, 0, 0, 0, 1, 0]].concat();
    let sent = [
        strict(CALL, "first", 0, &binary_fields()),
        strict(ONE_WAY, "log", 0, &[0]),
        compact(CALL, "second", 0, &compact_fields()),
        old(CALL, "third", &binary_fields()),
        strict(CALL, "fourth", 0, &[0]),
    ];
    let answers = [
        strict(REPLY, "first", 0, &[&[12, 0, 0][..], &binary_fields(), &[0]].concat()),
        compact(REPLY, "second", 0, &[&[0x1c][..], &compact_fields(), &[0]].concat()),
        old(REPLY, "third", &[0]),
        strict(EXCEPTION, "fourth", 0, &error),
    ];
    check(
        &[(C, sent.concat()), (S, answers.concat())],
        &[
            "- log >",
            "= first > ok -",
            "= second > server_error DECLARED_EXCEPTION",
            "= third > ok -",
            "= fourth > client_error UNKNOWN_METHOD no such",
        ],
    );
}

#[test]
fn framed_messages_pair_by_their_sequence_ids() {
    let internal = [0x18, 4, b'o', b'o', b'p', b's', 0x15, 12, 0];
    let sent = [
        framed(&strict(CALL, "Shop:buy", 7, &binary_fields())),
        framed(&compact(CALL, "order", 9, &compact_fields())),
        framed(&strict(CALL, "list", 0, &[0])),
    ];
    let answers = [
        framed(&compact(EXCEPTION, "order", 9, &internal)),
        framed(&strict(REPLY, "buy", 7, &[11, 0, 0, 0, 0, 0, 0, 0])),
        framed(&strict(REPLY, "list", 0, &[&[15, 0, 0, 3, 0, 0, 0, 200][..], &[7; 200], &[0]].concat())),
    ];
    check(
        &[(C, sent.concat()), (S, answers.concat())],
        &["= #9 order > server_error INTERNAL_ERROR oops", "= #7 Shop/buy > ok -", "= list > ok -"],
    );
}

#[test]
fn headers_carry_trace_context_and_the_sequence_id() {
    let traceparent = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let header = [&[2, 0, 1, 1, 11][..], b"traceparent", &[55], traceparent].concat();
    let turns = [
        (C, with_header(5, &header, &compact(CALL, "order", 0, &compact_fields()))),
        (S, with_header(5, &[2, 0], &compact(REPLY, "order", 0, &[0]))),
    ];
    check(&turns, &["= #5 order > ok -"]);
    let exchanges = run(Transport::Tcp, &turns, usize::MAX);
    let context = exchanges[0].request.as_ref().unwrap().content.context.as_ref().unwrap();
    assert_eq!(context.trace_id.as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
    // A transform that is none is still a message.
    check(&[(C, with_header(6, &[0, 1, 1], b"not compressed"))], &["? #6  >"]);
}

#[test]
fn datagrams_are_messages() {
    let turns =
        [(C, compact(ONE_WAY, "emitBatch", 3, &compact_fields())), (C, strict(ONE_WAY, "emit", 0, &[0]))];
    let lines: Vec<String> = run(Transport::Udp, &turns, usize::MAX).iter().map(line).collect();
    assert_eq!(lines, ["- #3 emitBatch >", "- emit >"]);
}

#[test]
fn a_gap_costs_the_message_it_touches() {
    let text = [&[11, 0, 0, 0, 0, 0, 40][..], &[b'x'; 8]].concat();
    let turns = [
        (C, strict(CALL, "first", 1, &[0])),
        (S, strict(REPLY, "first", 1, &text)),
        (S, Vec::new()),
        (S, b"xxxx".to_vec()),
        (C, strict(CALL, "second", 2, &[0])),
        (S, strict(REPLY, "second", 2, &[0])),
    ];
    let lines: Vec<String> = run(Transport::Tcp, &turns, usize::MAX).iter().map(line).collect();
    assert_eq!(lines, ["= #1 first > ok -", "= #2 second > ok -"]);
}

#[test]
fn nesting_and_lengths_are_bounded() {
    let deep = strict(CALL, "deep", 0, &[12, 0, 1].repeat(10_000));
    let long = strict(CALL, "long", 0, &[11, 0, 1, 0x7f, 0xff, 0xff, 0xff]);
    let header = [&[0x24, 0, 0, 0, 0x0f, 0xff, 0, 0, 0, 0, 0, 5, 0x6f, 0x72][..], &[0; 20]].concat();
    for bytes in [deep, long, header] {
        let config = ConnectionConfig::default();
        let connection = Connection::new(Transport::Tcp, Arc::new(config.clone())).with_protocol(&ROW);
        let piece = Piece { direction: C, bytes, truncated: 0, lost: 0 };
        assert!(!observe(connection, &[piece], &config).is_clean);
    }
}

#[test]
fn detection_is_strict() {
    let call = strict(CALL, "order", 0, &[0]);
    let table: &[(Direction, &[u8], Detection)] = &[
        (C, &call, Detection::CERTAIN),
        (S, &call, Detection::CERTAIN_REVERSED),
        (C, &call[..9], Detection::NeedMore),
        (C, &framed(&call), Detection::CERTAIN),
        (S, &framed(&compact(REPLY, "a", 0, &[0])), Detection::CERTAIN),
        (C, &compact(CALL, "order", 0, &[0]), Detection::CERTAIN),
        (C, &compact(CALL, "add", 0, &[0]), Detection::WEAK),
        (C, &old(CALL, "order", &[0]), Detection::WEAK),
        (C, &framed(&old(CALL, "order", &[0])), Detection::WEAK),
        (C, &with_header(1, &[0, 0], &call), Detection::CERTAIN),
        (C, b"\x80\x01", Detection::NeedMore),
        (C, b"\x80\x01\x00\x05", Detection::NoMatch),
        (C, b"\x80\x01\x00\x01\x00\x00\x00\x05or\x00er\x00", Detection::NoMatch),
        (C, b"\x80\x01\x00\x06\x00\x00\x00\x00\x00\x00\x00\x00", Detection::NoMatch),
        (C, b"\x00\x00\x00\x08\x04\xd2\x16\x2f", Detection::NoMatch),
        (C, b"\x16\x03\x01\x02\x00\x01\x00", Detection::NoMatch),
        (C, b"GET / HTTP/1.1\r\n\r\n", Detection::NoMatch),
    ];
    for (direction, bytes, expected) in table {
        assert_eq!((ROW.detect)(Transport::Tcp, *direction, bytes), *expected, "{}", bytes.escape_ascii());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hostile_bytes_neither_panic_nor_stall(
        forms in proptest::collection::vec((0_u8..5, 1_u8..5), 0..12),
        flips in any_flips(),
        piece in 1_usize..60,
    ) {
        let message = |(form, kind): &(u8, u8)| match form {
            0 => strict(*kind, "strict", 1, &binary_fields()),
            1 => old(*kind, "old", &binary_fields()),
            2 => compact(*kind, "compact", 2, &compact_fields()),
            3 => framed(&strict(*kind, "framed", 3, &binary_fields())),
            _ => with_header(4, &[2, 0, 1, 1, 1, b'a', 1, b'b'], &compact(*kind, "header", 4, &compact_fields())),
        };
        let bytes: Vec<u8> = forms.iter().flat_map(message).collect();
        for transport in [Transport::Tcp, Transport::Udp] {
            check_survival(&ROW, transport, &bytes, &flips, piece);
        }
    }
}
