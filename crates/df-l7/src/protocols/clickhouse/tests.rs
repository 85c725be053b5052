//! Tests of the ClickHouse parser: revisions old and new, blocks of every kind, cuts at every place, hostile bytes.

use std::sync::Arc;

use df_core::{Direction, Transport};
use proptest::prelude::*;

use super::ROW;
use super::column::Column;
use crate::test_conversation::{any_flips, check_survival, exchanges_with};
use crate::{Connection, ConnectionConfig, Detection, Exchange, ExchangeKind};

const C: Direction = Direction::ToServer;
const S: Direction = Direction::ToClient;

const OLD: u64 = 54_412;
const NEW: u64 = 54_460;

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap());
    bytes
}

fn text(text: &str) -> Vec<u8> {
    [&varint(text.len() as u64)[..], text.as_bytes()].concat()
}

fn client_hello(revision: u64) -> Vec<u8> {
    [
        &[0][..],
        &text("ClickHouse client"),
        &[21, 3],
        &varint(revision),
        &text("shop"),
        &text("ada"),
        &text("secret"),
    ]
    .concat()
}

fn server_hello(revision: u64) -> Vec<u8> {
    let fixed =
        [&[0][..], &text("ClickHouse"), &[21, 3], &varint(revision), &text("UTC"), &text("host"), &[7]];
    fixed.concat()
}

/// A query as a client of this revision sends it, with a trace context where there can be one, and the empty block behind it.
fn query(revision: u64, sql: &str, compression: u8) -> Vec<u8> {
    let is_new = revision >= NEW;
    let mut bytes = [&[1][..], &text("id-1"), &[1], &text(""), &text(""), &text("0.0.0.0:0")].concat();
    bytes.extend(if is_new { vec![0; 8] } else { Vec::new() });
    bytes.extend(
        [
            &[1][..],
            &text("os"),
            &text("host"),
            &text("ClickHouse client"),
            &[21, 3],
            &varint(revision),
            &text(""),
        ]
        .concat(),
    );
    bytes.extend(if is_new { vec![0] } else { Vec::new() });
    bytes.push(7);
    if is_new {
        bytes.push(1);
        bytes.extend([0x0a_u8; 16]);
        bytes.extend([0x0b_u8; 8]);
        bytes.extend([&text("")[..], &[1, 0, 0, 0], &text("max_threads"), &[0], &text("1")].concat());
    }
    bytes.extend(text(""));
    bytes.extend(if is_new { text("") } else { Vec::new() });
    bytes.extend([2, compression]);
    bytes.extend(text(sql));
    bytes.extend(if is_new { text("") } else { Vec::new() });
    bytes.extend([2, 0]);
    bytes.extend(if compression == 0 { block(&[], 0) } else { frame(&[]) });
    bytes
}

/// A block of columns with name, type and values.
fn block(columns: &[(&str, &str, &[u8])], rows: u64) -> Vec<u8> {
    let mut bytes = vec![1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0];
    bytes.extend(varint(columns.len() as u64));
    bytes.extend(varint(rows));
    for (name, kind, values) in columns {
        bytes.extend([&text(name)[..], &text(kind), values].concat());
    }
    bytes
}

/// A compressed frame: checksum, method, lengths, content.
fn frame(content: &[u8]) -> Vec<u8> {
    frame_of(100, 0xee, content)
}

fn frame_of(plain: u32, checksum: u8, content: &[u8]) -> Vec<u8> {
    let packed = u32::try_from(content.len() + 9).unwrap().to_le_bytes();
    [&[checksum; 16][..], &[0x82], &packed, &plain.to_le_bytes(), content].concat()
}

fn data(block: &[u8]) -> Vec<u8> {
    [&[1, 0][..], block].concat()
}

const PROGRESS_OLD: &[u8] = &[3, 1, 2, 3];
const PROFILE: &[u8] = &[6, 3, 1, 9, 0, 0, 0];
const END: &[u8] = &[5];

fn exception(code: u8, message: &str) -> Vec<u8> {
    [&[2, code, 0, 0, 0][..], &text("DB::Exception"), &text(message), &text("0. main"), &[0]].concat()
}

/// What a connection makes of these turns, whose bytes come in pieces; an empty turn is a gap.
fn run(turns: &[(Direction, Vec<u8>)], piece: usize) -> Vec<Exchange> {
    let config = Arc::new(ConnectionConfig::default());
    exchanges_with(Connection::new(Transport::Tcp, config).with_protocol(&ROW), turns, piece)
}

fn line(exchange: &Exchange) -> String {
    let asked = exchange.request.as_ref().map_or(String::new(), |request| {
        format!("{} {}", request.content.kind, request.content.resource.as_deref().unwrap_or("-"))
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
    for piece in [usize::MAX, 1, 2, 7, 40] {
        let lines: Vec<String> = run(turns, piece).iter().map(line).collect();
        assert_eq!(lines, expected, "in pieces of {piece}");
    }
}

#[test]
fn blocks_are_walked_over() {
    let arrays = [&2_u64.to_le_bytes()[..], &3_u64.to_le_bytes(), &[1, b'a', 0, 2, 3, 5]].concat();
    let block = block(
        &[
            ("id", "UInt64", &[5; 16]),
            ("name", "String", &[2, 5, 5, 0]),
            ("paid", "Nullable(Date)", &[0, 1, 5, 5, 5, 5]),
            ("list", "Array(String)", &arrays),
            ("pair", "Tuple(a UInt8, b FixedString(3))", &[5; 8]),
            ("when", "DateTime64(3, 'Europe/Berlin')", &[5; 16]),
        ],
        2,
    );
    let answer = [&data(&[])[..0], PROGRESS_OLD, &data(&block), PROFILE, END].concat();
    check(
        &[
            (C, client_hello(OLD)),
            (S, server_hello(OLD)),
            (C, [4].to_vec()),
            (S, [4].to_vec()),
            (C, query(OLD, "SELECT * FROM orders WHERE id = 7", 0)),
            (S, answer),
            (C, query(OLD, "SELECT a FROM missing", 0)),
            (S, exception(60, "DB::Exception: Table default.missing doesn't exist (see 'x')")),
        ],
        &[
            "= HELLO - > ok -",
            "= PING - > ok -",
            "= QUERY SELECT * FROM orders WHERE id = ? > ok - ROWS 3",
            "= QUERY SELECT a FROM missing > client_error 60 DB::Exception: Table default.missing doesn't exist",
        ],
    );
}

#[test]
fn compressed_frames_are_passed_over_by_their_length() {
    // A server's block goes on behind a frame that is full. Its checksum may begin with what ends an answer.
    let full = data(&frame_of(1 << 20, 5, &[5; 300]));
    let answer =
        [&full[..], &frame_of(100, 5, &[1; 50]), PROGRESS_OLD, &data(&frame(&[])), PROFILE, END].concat();
    check(
        &[
            (C, client_hello(OLD)),
            (S, server_hello(OLD)),
            (C, query(OLD, "SELECT 1", 1)),
            (S, answer),
            (C, query(OLD, "SELECT 2", 1)),
            (S, exception(62, "Syntax error: failed at position 8: secret")),
        ],
        &[
            "= HELLO - > ok -",
            "= QUERY SELECT ? > ok - ROWS 3",
            "= QUERY SELECT ? > client_error 62 Syntax error: failed at position 8",
        ],
    );
}

#[test]
fn new_clients_tell_their_trace() {
    let turns = [(C, query(NEW, "SELECT 1", 0))];
    check(&turns, &["? QUERY SELECT ? >"]);
    let exchanges = run(&turns, usize::MAX);
    let context = exchanges[0].request.as_ref().unwrap().content.context.as_ref().unwrap();
    assert_eq!(context.trace_id.as_deref(), Some("0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"));
    assert_eq!(context.span_id.as_deref(), Some("0b0b0b0b0b0b0b0b"));
    assert_eq!(context.sampled, Some(true));
}

#[test]
fn what_cannot_be_walked_over_costs_one_answer() {
    let unknown = data(&block(&[("state", "AggregateFunction(sum, UInt64)", &[1, 2, 3])], 1));
    let turns = [
        (C, client_hello(OLD)),
        (S, server_hello(OLD)),
        (C, query(OLD, "SELECT sumState(a) FROM b", 0)),
        (S, unknown),
        (S, END.to_vec()),
        (C, query(OLD, "SELECT 1", 0)),
        (S, END.to_vec()),
    ];
    let lines: Vec<String> = run(&turns, usize::MAX).iter().map(line).collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[1].contains("sumState"), "{lines:?}");
    assert_eq!(lines[2], "= QUERY SELECT ? > ok -");
}

#[test]
fn types_have_layouts() {
    let fixed = |bytes| Some(Column::Fixed(bytes));
    for (name, column) in [
        ("UInt8", fixed(1)),
        ("Enum8('a,b' = 1, 'c(' = 2)", fixed(1)),
        ("Decimal(18, 4)", fixed(8)),
        ("UUID", fixed(16)),
        (
            "Map(String, UInt8)",
            Some(Column::Array(Box::new(Column::Tuple(vec![Column::Strings, Column::Fixed(1)])))),
        ),
        ("LowCardinality(String)", None),
        ("Array(", None),
        ("", None),
    ] {
        assert_eq!(Column::of(name.as_bytes()), column, "{name}");
    }
    assert_eq!(Column::of("Array(".repeat(1_000).as_bytes()), None);
}

#[test]
fn detection_is_strict() {
    let hello = client_hello(NEW);
    let select = query(OLD, "SELECT 1", 0);
    let table: &[(Direction, &[u8], Detection)] = &[
        (C, &hello, Detection::CERTAIN),
        (S, &server_hello(NEW), Detection::CERTAIN),
        (C, &query(NEW, "SELECT 1", 0), Detection::CERTAIN),
        (S, &exception(60, "x"), Detection::CERTAIN),
        (C, &hello[..10], Detection::NeedMore),
        (C, &[0], Detection::NeedMore),
        (C, &select[..20], Detection::NoMatch),
        (S, END, Detection::NoMatch),
        (C, &[4], Detection::NoMatch),
        (C, b"\0\x11ClickHouse client\x15\x03\x01", Detection::NoMatch),
        (C, b"\0\0\0\x0f\0\x12", Detection::NoMatch),
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
        forms in proptest::collection::vec(0_u8..8, 0..12),
        flips in any_flips(),
        piece in 1_usize..60,
    ) {
        let packet = |form: &u8| match form {
            0 => client_hello(NEW),
            1 => server_hello(OLD),
            2 => query(OLD, "SELECT 1", 1),
            3 => query(NEW, "SELECT 1", 0),
            4 => data(&block(&[("a", "String", &[1, b'x']), ("b", "Array(UInt8)", &[1, 0, 0, 0, 0, 0, 0, 0, 7])], 1)),
            5 => data(&frame(b"content")),
            6 => exception(60, "no"),
            _ => [PROGRESS_OLD, PROFILE, END].concat(),
        };
        let bytes: Vec<u8> = forms.iter().flat_map(packet).collect();
        check_survival(&ROW, Transport::Tcp, &bytes, &flips, piece);
    }
}
