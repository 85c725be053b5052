//! Tests of the PostgreSQL parser: conversations through a connection, cuts at every place, hostile bytes.

use std::sync::Arc;

use df_core::{Chunk, Direction, Timestamp, Transport};
use proptest::prelude::*;

use super::ROW;
use crate::{Connection, ConnectionConfig, Detection, Exchange};

const C: Direction = Direction::ToServer;
const S: Direction = Direction::ToClient;

/// A message: its type, then its body.
fn m(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend_from_slice(&u32::try_from(body.len() + 4).unwrap().to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

fn query(sql: &str) -> Vec<u8> {
    m(b'Q', format!("{sql}\0").as_bytes())
}

fn prepare(name: &str, sql: &str) -> Vec<u8> {
    m(b'P', format!("{name}\0{sql}\0\0\0").as_bytes())
}

fn bind(portal: &str, name: &str) -> Vec<u8> {
    m(b'B', format!("{portal}\0{name}\0\0\0\0\0\0\0").as_bytes())
}

fn execute(portal: &str) -> Vec<u8> {
    m(b'E', format!("{portal}\0\0\0\0\0").as_bytes())
}

fn sync() -> Vec<u8> {
    m(b'S', b"")
}

fn tag(text: &str) -> Vec<u8> {
    m(b'C', format!("{text}\0").as_bytes())
}

fn ready() -> Vec<u8> {
    m(b'Z', b"I")
}

fn row() -> Vec<u8> {
    m(b'D', b"\0\x01\0\0\0\x01x")
}

fn columns() -> Vec<u8> {
    m(b'T', b"\0\x01a\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0")
}

fn error(severity: &str, code: &str, text: &str) -> Vec<u8> {
    m(b'E', format!("S{severity}\0V{severity}\0C{code}\0M{text}\0\0").as_bytes())
}

fn startup() -> Vec<u8> {
    let parameters = b"user\0joe\0database\0shop\0\0";
    let mut bytes = u32::try_from(parameters.len() + 8).unwrap().to_be_bytes().to_vec();
    bytes.extend_from_slice(&[0, 3, 0, 0]);
    bytes.extend_from_slice(parameters);
    bytes
}

type Turn = (Direction, Vec<Vec<u8>>);

fn line(exchange: &Exchange) -> String {
    let request = exchange.request.as_ref().map(|request| {
        format!("{} {}", request.content.kind, request.content.resource.as_deref().unwrap_or("-"))
    });
    let response = exchange.response.as_ref().map(|response| {
        let response = &response.content;
        let text = response.exception.as_deref().or(response.result.as_deref()).unwrap_or_default();
        format!("{} {} {text}", response.status.name(), response.code.as_deref().unwrap_or_default())
    });
    format!("{} -> {}", request.unwrap_or_default(), response.unwrap_or_default())
}

struct Feed {
    connection: Connection,
    offsets: [u64; 2],
    clock: u64,
}

impl Feed {
    fn new() -> Self {
        let connection =
            Connection::new(Transport::Tcp, Arc::new(ConnectionConfig::default())).with_protocol(&ROW);
        Self { connection, offsets: [0; 2], clock: 0 }
    }

    fn send(&mut self, direction: Direction, bytes: &[u8], original_len: usize) {
        self.clock += 1;
        let offset = &mut self.offsets[direction.index()];
        let chunk = Chunk::new(direction, Timestamp::from_nanos(self.clock), *offset, bytes)
            .with_original_len(original_len);
        *offset = chunk.end_offset();
        self.connection.handle_chunk(chunk);
    }

    fn finish(mut self) -> Vec<String> {
        self.connection.handle_close();
        std::iter::from_fn(|| self.connection.poll_exchange()).map(|exchange| line(&exchange)).collect()
    }
}

fn run(turns: &[Turn], piece: usize) -> Vec<String> {
    let mut feed = Feed::new();
    for (direction, messages) in turns {
        for chunk in messages.concat().chunks(piece) {
            feed.send(*direction, chunk, chunk.len());
        }
    }
    feed.finish()
}

#[track_caller]
fn check(turns: &[Turn], expected: &[&str]) {
    for piece in [usize::MAX, 1, 2, 3, 7] {
        assert_eq!(run(turns, piece), expected, "in pieces of {piece}");
    }
}

#[test]
fn a_login_and_simple_queries() {
    let turns = [
        (C, vec![startup()]),
        (S, vec![m(b'R', &[0, 0, 0, 5, 1, 2, 3, 4])]),
        (C, vec![m(b'p', b"md5abc\0")]),
        (
            S,
            vec![
                m(b'R', &[0, 0, 0, 0]),
                m(b'S', b"server_version\x0015.4 (Debian)\0"),
                m(b'K', &[0; 8]),
                ready(),
            ],
        ),
        (C, vec![query("SELECT a FROM t WHERE b = 'secret'")]),
        (S, vec![columns(), row(), row(), tag("SELECT 2"), ready()]),
        (C, vec![query("INSERT INTO t VALUES (1); SELECT 1")]),
        (S, vec![tag("INSERT 0 1"), columns(), row(), m(b'N', b"SNOTICE\0\0"), tag("SELECT 1"), ready()]),
        (C, vec![query("SELEC")]),
        (S, vec![error("ERROR", "42601", "syntax error"), ready()]),
        (C, vec![query("")]),
        (S, vec![m(b'I', b""), ready()]),
        (C, vec![m(b'X', b"")]),
    ];
    check(
        &turns,
        &[
            "STARTUP - -> ok  ",
            "QUERY SELECT a FROM t WHERE b = ? -> ok  SELECT 2",
            "QUERY INSERT INTO t VALUES (?); SELECT ? -> ok  INSERT 0 1, SELECT 1",
            "QUERY SELEC -> client_error 42601 syntax error",
            "QUERY - -> ok  ",
        ],
    );
}

#[test]
fn attributes_follow_the_conventions() {
    let mut feed = Feed::new();
    for (direction, bytes) in [
        (C, startup()),
        (S, [m(b'S', b"server_version\x0015.4\0"), ready()].concat()),
        (C, query("SELECT a FROM users")),
        (S, [columns(), row(), tag("SELECT 1"), ready()].concat()),
    ] {
        feed.send(direction, &bytes, bytes.len());
    }
    feed.connection.poll_exchange().unwrap();
    let exchange = feed.connection.poll_exchange().unwrap();
    assert_eq!(exchange.request_id, None);
    assert_eq!(exchange.version(), Some("15.4"));
    let request = exchange.request.unwrap().content;
    assert_eq!((request.endpoint.as_deref(), request.operation.as_ref()), (Some("SELECT users"), "SELECT"));
    for (key, value) in [
        ("db.system.name", "postgresql"),
        ("db.namespace", "shop"),
        ("db.query.text", "SELECT a FROM users"),
        ("db.query.summary", "SELECT users"),
    ] {
        assert_eq!(request.attributes.find(key).and_then(|found| found.as_text()), Some(value), "{key}");
    }
    let response = exchange.response.unwrap();
    assert_eq!(response.content.attributes.find("db.response.returned_rows"), Some(&1_i64.into()));
    let sent = [columns(), row(), tag("SELECT 1"), ready()].concat();
    assert_eq!(response.length, sent.len() as u64);
}

#[test]
fn a_refused_login() {
    let turns = [
        (C, vec![vec![0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]]),
        (S, vec![b"N".to_vec()]),
        (C, vec![startup()]),
        (S, vec![error("FATAL", "28P01", "password authentication failed")]),
    ];
    check(&turns, &["STARTUP - -> client_error 28P01 password authentication failed"]);
}

#[test]
fn prepared_statements_keep_their_text() {
    let turns = [
        (C, vec![prepare("s1", "SELECT a FROM t WHERE b = $1"), m(b'D', b"Ss1\0"), sync()]),
        (S, vec![m(b'1', b""), m(b't', b"\0\x01\0\0\0\x19"), columns(), ready()]),
        (C, vec![bind("", "s1"), m(b'D', b"P\0"), execute(""), sync()]),
        (S, vec![m(b'2', b""), columns(), row(), tag("SELECT 1"), ready()]),
        (C, vec![bind("", "unseen"), execute(""), sync()]),
        (S, vec![m(b'2', b""), m(b's', b""), ready()]),
        (C, vec![m(b'C', b"Ss1\0"), sync()]),
        (S, vec![m(b'3', b""), ready()]),
        (C, vec![prepare("", "DELETE FROM t"), bind("", ""), execute(""), sync()]),
        (S, vec![m(b'1', b""), m(b'2', b""), tag("DELETE 3"), ready()]),
    ];
    check(
        &turns,
        &[
            "PARSE SELECT a FROM t WHERE b = $1 -> ok  ",
            "EXECUTE SELECT a FROM t WHERE b = $1 -> ok  SELECT 1",
            "EXECUTE - -> ok  ",
            "EXECUTE DELETE FROM t -> ok  DELETE 3",
        ],
    );
}

#[test]
fn an_error_in_a_pipeline_takes_no_other_response() {
    let insert =
        |table: &str| [prepare("", &format!("INSERT INTO {table}")), bind("", ""), execute("")].concat();
    let turns = [
        (C, vec![insert("a"), insert("b"), insert("c"), sync(), insert("d"), sync()]),
        (S, vec![m(b'1', b""), m(b'2', b""), tag("INSERT 0 1")]),
        (S, vec![m(b'1', b""), m(b'2', b""), error("ERROR", "23505", "duplicate"), ready()]),
        (S, vec![m(b'1', b""), m(b'2', b""), tag("INSERT 0 4"), ready()]),
    ];
    check(
        &turns,
        &[
            "EXECUTE INSERT INTO a -> ok  INSERT 0 1",
            "EXECUTE INSERT INTO b -> client_error 23505 duplicate",
            "EXECUTE INSERT INTO d -> ok  INSERT 0 4",
            "EXECUTE INSERT INTO c -> ",
        ],
    );
}

#[test]
fn an_error_may_come_before_the_execute() {
    let turns = [
        (C, vec![prepare("", "SELECT nothing"), m(b'H', b"")]),
        (S, vec![error("ERROR", "42703", "no column")]),
        (C, vec![bind("", ""), execute(""), sync()]),
        (S, vec![ready()]),
        (C, vec![query("SELECT 1")]),
        (S, vec![columns(), row(), tag("SELECT 1"), ready()]),
    ];
    check(
        &turns,
        &[
            "PARSE SELECT nothing -> client_error 42703 no column",
            "QUERY SELECT ? -> ok  SELECT 1",
            "EXECUTE SELECT nothing -> ",
        ],
    );
    let unflushed = [
        (C, vec![prepare("", "SELECT nothing")]),
        (S, vec![error("ERROR", "42703", "no column")]),
        (C, vec![bind("", ""), execute(""), sync()]),
        (S, vec![ready()]),
    ];
    check(&unflushed, &["EXECUTE SELECT nothing -> client_error 42703 no column"]);
}

#[test]
fn copied_data_is_skipped() {
    let data = m(b'd', &[b'x'; 1000]);
    let turns = [
        (C, vec![query("COPY t FROM STDIN")]),
        (S, vec![m(b'G', &[0, 0, 1, 0, 0])]),
        (C, vec![data.clone(), data.clone(), m(b'c', b"")]),
        (S, vec![tag("COPY 2"), ready()]),
        (C, vec![query("COPY t TO STDOUT")]),
        (
            S,
            vec![m(b'H', &[0, 0, 1, 0, 0]), data.clone(), data.clone(), m(b'c', b""), tag("COPY 2"), ready()],
        ),
        (C, vec![query("START_REPLICATION SLOT s LOGICAL 0/0")]),
        (S, vec![m(b'W', &[0, 0, 0]), data.clone()]),
        (C, vec![data.clone()]),
        (S, vec![data]),
    ];
    check(
        &turns,
        &[
            "QUERY COPY t FROM STDIN -> ok  COPY 2",
            "QUERY COPY t TO STDOUT -> ok  COPY 2",
            "QUERY START_REPLICATION SLOT s LOGICAL ?/? -> ok  ",
        ],
    );
}

#[test]
fn encryption_and_cancellation_are_noticed() {
    let mut feed = Feed::new();
    feed.send(C, &[0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f], 8);
    feed.send(S, b"S", 1);
    assert_eq!(feed.connection.protocol(), None);
    let cancel = [&[0, 0, 0, 16, 4, 0xd2, 0x16, 0x2e][..], &[7; 8]].concat();
    check(&[(C, vec![cancel])], &["CANCEL - -> "]);
}

#[test]
fn a_response_of_a_request_that_was_not_seen_stands_alone() {
    let turns = [
        (S, vec![row(), row(), tag("SELECT 9"), ready()]),
        (C, vec![query("SELECT 1")]),
        (S, vec![columns(), row(), tag("SELECT 1"), ready()]),
    ];
    let mut lines = run(&turns, usize::MAX);
    lines.sort();
    assert_eq!(lines, [" -> ok  SELECT 9", "QUERY SELECT ? -> ok  SELECT 1"]);
}

#[test]
fn cut_rows_degrade_one_message() {
    let mut feed = Feed::new();
    let mut exchange = |sql: &str, captured: usize| {
        let sent = query(sql);
        feed.send(C, &sent, sent.len());
        let answer = [columns(), row(), row(), tag("SELECT 2"), ready()].concat();
        feed.send(S, answer.get(..captured).unwrap_or(&answer), answer.len());
    };
    exchange("SELECT 1 FROM a", usize::MAX);
    exchange("SELECT 1 FROM b", 40);
    exchange("SELECT 1 FROM c", usize::MAX);
    assert_eq!(
        feed.finish(),
        [
            "QUERY SELECT ? FROM a -> ok  SELECT 2",
            "QUERY SELECT ? FROM b -> unknown  ",
            "QUERY SELECT ? FROM c -> ok  SELECT 2",
        ]
    );
}

#[test]
fn detection_is_strict() {
    let reply = [columns(), row(), tag("SELECT 1"), ready()].concat();
    let extended = [bind("", "s"), execute(""), sync()].concat();
    let table: &[(Direction, &[u8], Detection)] = &[
        (C, &startup(), Detection::CERTAIN),
        (S, &startup(), Detection::CERTAIN_REVERSED),
        (C, &[0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f], Detection::CERTAIN),
        (C, &query("SELECT 1"), Detection::CERTAIN),
        (S, &query("SELECT 1"), Detection::CERTAIN_REVERSED),
        (C, &query("FOOBAR"), Detection::WEAK),
        (C, &extended, Detection::CERTAIN),
        (C, &prepare("", "SELECT 1"), Detection::WEAK),
        (S, &reply, Detection::CERTAIN),
        (C, &reply, Detection::CERTAIN_REVERSED),
        (S, &error("ERROR", "42P01", "no"), Detection::CERTAIN),
        (S, &m(b'R', &[0, 0, 0, 0]), Detection::CERTAIN),
        (C, &[0, 0], Detection::NeedMore),
        (C, b"Q\0\0\0\x03SELECT 1", Detection::NoMatch),
        (C, b"P\0\0\0\x16SELECT * FROM a WHERE b = ?", Detection::NoMatch),
        (C, b"GET / HTTP/1.1\r\n\r\n", Detection::NoMatch),
        (C, b"\x16\x03\x01\x02\0\x01\0\x01\xfc", Detection::NoMatch),
        (C, b"\0\x1d\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03foo\0\0\x01\0\x01", Detection::NoMatch),
    ];
    for (direction, bytes, expected) in table {
        assert_eq!((ROW.detect)(Transport::Tcp, *direction, bytes), *expected, "{}", bytes.escape_ascii());
    }
}

/// Any message of either side.
fn any_message() -> impl Strategy<Value = (Direction, Vec<u8>)> {
    prop_oneof![
        Just((C, query("SELECT 1"))),
        Just((C, prepare("s", "SELECT 2"))),
        Just((C, bind("", "s"))),
        Just((C, m(b'D', b"Ss\0"))),
        Just((C, execute(""))),
        Just((C, m(b'C', b"Ss\0"))),
        Just((C, m(b'H', b""))),
        Just((C, sync())),
        Just((C, startup())),
        Just((S, m(b'1', b""))),
        Just((S, m(b'2', b""))),
        Just((S, m(b'3', b""))),
        Just((S, m(b'n', b""))),
        Just((S, m(b'W', b"\0\0\0"))),
        Just((S, columns())),
        Just((S, row())),
        Just((S, tag("SELECT 1"))),
        Just((S, error("ERROR", "42P01", "no"))),
        Just((S, error("FATAL", "57P01", "bye"))),
        Just((S, ready())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn cuts_change_nothing(messages in proptest::collection::vec(any_message(), 0..40), piece in 1_usize..40) {
        let turns: Vec<Turn> = messages.into_iter().map(|(direction, bytes)| (direction, vec![bytes])).collect();
        prop_assert_eq!(run(&turns, usize::MAX), run(&turns, piece));
    }

    #[test]
    fn hostile_bytes_neither_panic_nor_stall(
        messages in proptest::collection::vec(any_message(), 0..40),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        piece in 1_usize..40,
        missing in 0_usize..3,
    ) {
        let mut feed = Feed::new();
        for (direction, mut bytes) in messages {
            for (index, byte) in &flips {
                let place = index.index(bytes.len() * 4);
                if let Some(flipped) = bytes.get_mut(place) {
                    *flipped = *byte;
                }
            }
            for chunk in bytes.chunks(piece) {
                feed.send(direction, chunk, chunk.len() + missing);
            }
        }
        prop_assert!(feed.connection.buffered_bytes() <= 2 * 65_536);
        feed.finish();
    }
}
