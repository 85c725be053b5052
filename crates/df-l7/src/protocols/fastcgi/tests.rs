//! Tests of the FastCGI parser: several requests at a time, refusals, cuts at every place, hostile bytes.

use std::sync::Arc;

use df_core::{Direction, Transport};
use proptest::prelude::*;

use super::ROW;
use crate::test_conversation::{any_flips, check_survival, exchanges_with};
use crate::{Connection, ConnectionConfig, Detection, Exchange, Obfuscation};

const C: Direction = Direction::ToServer;
const S: Direction = Direction::ToClient;

const BEGIN: u8 = 1;
const END: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;
const STDERR: u8 = 7;

fn record(kind: u8, id: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let padding = u8::try_from(content.len().wrapping_neg() % 8).unwrap();
    let header = [1, kind, 0, id, length[0], length[1], padding, 0];
    [&header[..], content, &vec![0; usize::from(padding)]].concat()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<u8> {
    let pair = |(name, value): &(&str, &str)| {
        let lengths = [u8::try_from(name.len()).unwrap(), u8::try_from(value.len()).unwrap()];
        [&lengths[..], name.as_bytes(), value.as_bytes()].concat()
    };
    pairs.iter().flat_map(pair).collect()
}

fn begin(id: u8, role: u8) -> Vec<u8> {
    record(BEGIN, id, &[0, role, 1, 0, 0, 0, 0, 0])
}

fn asked(id: u8, uri: &str) -> Vec<u8> {
    let parameters = pairs(&[("REQUEST_METHOD", "GET"), ("REQUEST_URI", uri), ("HTTP_HOST", "shop.test")]);
    let (front, back) = parameters.split_at(7);
    let records = [
        begin(id, 1),
        record(PARAMS, id, front),
        record(PARAMS, id, back),
        record(PARAMS, id, b""),
        record(STDIN, id, b"body"),
        record(STDIN, id, b""),
    ];
    records.concat()
}

fn ended(id: u8, application: u8, protocol: u8) -> Vec<u8> {
    record(END, id, &[0, 0, 0, application, protocol, 0, 0, 0])
}

/// What a connection makes of these turns, whose bytes come in pieces; an empty turn is a gap.
fn run(turns: &[(Direction, Vec<u8>)], piece: usize, config: ConnectionConfig) -> Vec<Exchange> {
    exchanges_with(Connection::new(Transport::Tcp, Arc::new(config)).with_protocol(&ROW), turns, piece)
}

fn line(exchange: &Exchange) -> String {
    let request = exchange.request.as_ref().map(|request| (&request.content, request.length));
    let asked = request.map_or(String::new(), |(request, length)| {
        let domain = request.domain.as_deref().unwrap_or("-");
        format!("{} {domain}{} {length}", request.kind, request.resource.as_deref().unwrap_or("-"))
    });
    let response = exchange.response.as_ref().map(|response| (&response.content, response.length));
    let answered = response.map_or(String::new(), |(response, length)| {
        let (code, error) = (response.code.as_deref(), response.exception.as_deref());
        format!("{} {} {length} {}", response.status.name(), code.unwrap_or("-"), error.unwrap_or_default())
    });
    let id = exchange
        .request
        .as_ref()
        .and_then(|request| request.content.attributes.find("df.fastcgi.request_id"));
    let id = id.map_or("-".to_owned(), |id| {
        format!("{id:?}").trim_matches(|sign: char| !sign.is_ascii_digit()).to_owned()
    });
    format!("{id} {asked} > {answered}").trim_end().to_owned()
}

#[track_caller]
fn check(turns: &[(Direction, Vec<u8>)], expected: &[&str]) {
    for piece in [usize::MAX, 1, 3, 7, 16, 100] {
        let lines: Vec<String> = run(turns, piece, ConnectionConfig::default()).iter().map(line).collect();
        assert_eq!(lines, expected, "in pieces of {piece}");
    }
}

#[test]
fn interleaved_requests_pair_by_their_ids() {
    let (first, second) = (asked(1, "/a?user=1"), asked(2, "/b"));
    let (front, back) = first.split_at(32);
    let answers = [
        record(STDOUT, 2, b"Content-Type: text/plain\r\n"),
        record(STDOUT, 1, b"Status: 404 Not Found\nContent-Type: text/html\n\nno"),
        record(STDERR, 1, b"\nscript not found\nmore"),
        record(STDOUT, 2, b"\r\nbody: with colon\r\n\r\n"),
        ended(2, 0, 0),
        record(STDOUT, 1, b""),
        ended(1, 0, 0),
    ];
    let turns = [(C, front.to_vec()), (C, second), (C, back.to_vec()), (S, answers.concat())];
    check(
        &turns,
        &[
            "2 GET shop.test/b 120 > ok 200 88",
            "1 GET shop.test/a?user=? 128 > client_error 404 120 script not found",
        ],
    );
}

#[test]
fn refusals_redirects_and_silence() {
    let answers = [
        ended(1, 0, 2),
        [record(STDOUT, 1, b"Location: /b\r\n\r\n"), ended(1, 0, 0)].concat(),
        [record(STDERR, 1, b"killed"), ended(1, 9, 0)].concat(),
        ended(1, 0, 0),
    ];
    let turns: Vec<_> = answers.into_iter().flat_map(|answer| [(C, asked(1, "/a")), (S, answer)]).collect();
    check(
        &turns,
        &[
            "1 GET shop.test/a 120 > server_error OVERLOADED 16",
            "1 GET shop.test/a 120 > ok 302 40",
            "1 GET shop.test/a 120 > server_error - 32 killed",
            "1 GET shop.test/a 120 > unknown - 16",
        ],
    );
}

#[test]
fn authorizers_and_values_have_no_input() {
    let authorizer = [
        begin(3, 2),
        record(
            PARAMS,
            3,
            &pairs(&[("REQUEST_METHOD", "POST"), ("SCRIPT_NAME", "/x"), ("QUERY_STRING", "a=1")]),
        ),
        record(PARAMS, 3, b""),
    ];
    let question = record(9, 0, &pairs(&[("FCGI_MPXS_CONNS", "")]));
    let answers = [
        record(STDOUT, 3, b"Status: 200 OK\r\nVariable-USER: ada\r\n\r\n"),
        ended(3, 0, 0),
        record(10, 0, &pairs(&[("FCGI_MPXS_CONNS", "1")])),
    ];
    check(
        &[(C, [authorizer.concat(), question].concat()), (S, answers.concat())],
        &["3 POST -/x?a=? 88 > ok 200 64", "- GET_VALUES -- 32 > ok - 32"],
    );
}

#[test]
fn an_id_taken_anew_does_not_get_the_old_answer() {
    let turns = [
        (C, asked(1, "/lost")),
        (S, Vec::new()),
        (C, asked(1, "/next")),
        (S, [record(STDOUT, 1, b"Status: 201 Created\r\n\r\n"), ended(1, 0, 0)].concat()),
    ];
    let exchanges = run(&turns, usize::MAX, ConnectionConfig::default());
    let answered = exchanges.iter().find(|exchange| exchange.response.is_some()).unwrap();
    assert_eq!(answered.request.as_ref().unwrap().content.resource.as_deref(), Some("/next"));
    assert_eq!(exchanges.len(), 2);
}

#[test]
fn a_query_without_a_path_is_no_resource() {
    let known = pairs(&[("QUERY_STRING", "token=1"), ("REQUEST_METHOD", "GET")]);
    let turns = [
        (C, [begin(1, 1), record(PARAMS, 1, &known)].concat()),
        (C, Vec::new()),
        (S, [record(STDOUT, 1, b"Status: 200 OK\r\n\r\n"), ended(1, 0, 0)].concat()),
    ];
    let exchanges = run(&turns, usize::MAX, ConnectionConfig::default());
    let requests = exchanges.iter().filter_map(|exchange| exchange.request.as_ref());
    let resources: Vec<_> = requests.map(|request| request.content.resource.as_deref()).collect();
    assert_eq!(resources, [Some("/")]);
}

#[test]
fn a_gap_costs_the_requests_it_touches() {
    let output = record(STDOUT, 1, b"Status: 200 OK\r\n\r\nbody");
    let turns = [
        (C, asked(1, "/a")),
        (S, output),
        (S, Vec::new()),
        (S, ended(1, 0, 0)),
        (C, asked(1, "/b")),
        (S, [record(STDOUT, 1, b"Status: 204 No\r\n\r\n"), ended(1, 0, 0)].concat()),
    ];
    let lines: Vec<String> = run(&turns, usize::MAX, ConnectionConfig::default()).iter().map(line).collect();
    assert_eq!(lines, ["1 GET shop.test/a 120 > ok 200 32", "1 GET shop.test/b 120 > ok 204 48"]);
}

#[test]
fn large_bodies_are_skipped_and_parameters_bounded() {
    let mut sent =
        [begin(1, 1), record(PARAMS, 1, &pairs(&[("REQUEST_METHOD", "PUT"), ("REQUEST_URI", "/u")]))]
            .concat();
    for _ in 0..40 {
        sent.extend(record(PARAMS, 1, &pairs(&[("FILLER", "x".repeat(120).as_str()); 32])));
    }
    sent.extend(
        [record(PARAMS, 1, b""), record(STDIN, 1, &vec![b'x'; 65_000]), record(STDIN, 1, b"")].concat(),
    );
    let answers =
        [record(STDOUT, 1, b"A: b\r\n\r\n"), record(STDOUT, 1, &vec![b'y'; 65_535]), ended(1, 0, 0)];
    let exchanges = run(&[(C, sent.clone()), (S, answers.concat())], 1_400, ConnectionConfig::default());
    assert_eq!(exchanges.len(), 1);
    assert_eq!(exchanges[0].request.as_ref().unwrap().length, sent.len() as u64);
    assert!(line(&exchanges[0]).starts_with("1 PUT -/u"));
}

#[test]
fn trace_context_and_raw_queries() {
    let parameters = pairs(&[
        ("REQUEST_METHOD", "GET"),
        ("REQUEST_URI", "/a?user=1"),
        ("HTTPS", "on"),
        ("SERVER_NAME", "shop.test"),
        ("HTTP_TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("HTTP_X_REQUEST_ID", "abc"),
    ]);
    let sent = [begin(1, 1), record(PARAMS, 1, &parameters), record(PARAMS, 1, b""), record(STDIN, 1, b"")];
    let config = ConnectionConfig { obfuscation: Obfuscation::NONE, ..ConnectionConfig::default() };
    let exchanges = run(&[(C, sent.concat())], usize::MAX, config);
    let request = &exchanges[0].request.as_ref().unwrap().content;
    let context = request.context.as_ref().unwrap();
    assert_eq!(context.trace_id.as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
    assert_eq!(context.x_request_id.as_deref(), Some("abc"));
    assert_eq!(request.attributes.find("url.scheme").and_then(|scheme| scheme.as_text()), Some("https"));
    assert_eq!(line(&exchanges[0]), "1 GET shop.test/a?user=1 208 >");
}

#[test]
fn detection_is_strict() {
    let request = asked(1, "/");
    let table: &[(Direction, &[u8], Detection)] = &[
        (C, &request, Detection::CERTAIN),
        (C, &request[..16], Detection::CERTAIN),
        (S, &request, Detection::CERTAIN_REVERSED),
        (C, &request[..15], Detection::NeedMore),
        (S, &record(STDOUT, 1, b"Content-Type: text/html\r\n\r\n"), Detection::CERTAIN),
        (S, &record(STDOUT, 1, b"Content-T")[..15], Detection::NeedMore),
        (S, &ended(1, 0, 0), Detection::WEAK),
        (S, &record(STDOUT, 1, b"GET / HTTP/1.1\r\n"), Detection::NoMatch),
        (S, &ended(1, 0, 9), Detection::NoMatch),
        (C, b"\x01\x01\x00\x00\x00\x08\x00\x00", Detection::NoMatch),
        (C, b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x04", Detection::NoMatch),
        (C, b"\x16\x03\x01\x02\x00", Detection::NoMatch),
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
        records in proptest::collection::vec((0_u8..13, 0_u8..4, proptest::collection::vec(any::<u8>(), 0..40)), 0..30),
        flips in any_flips(),
        piece in 1_usize..40,
    ) {
        let bytes: Vec<u8> =
            records.iter().flat_map(|(kind, id, content)| record(*kind, *id, content)).collect();
        check_survival(&ROW, Transport::Tcp, &bytes, &flips, piece);
    }
}
