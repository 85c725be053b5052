//! Conversations between clients and servers, byte by byte as the protocol's documentation has them.

use std::sync::Arc;

use df_core::{Chunk, Direction, Timestamp, Transport};
use proptest::prelude::*;

use super::compressed::Wrapping;
use super::wire::{Capabilities, Failure, Greeting};
use crate::{Connection, ConnectionConfig, Detection, Exchange, ExchangeKind, Obfuscation, ResponseStatus};

type Piece = (Direction, Vec<u8>);

const CLIENT: Direction = Direction::ToServer;
const SERVER: Direction = Direction::ToClient;
const MODERN: u32 = 0x0fff_ffff
    & !Capabilities::COMPRESS
    & !Capabilities::SSL
    & !Capabilities::OPTIONAL_METADATA
    & !Capabilities::ZSTD;
const CLASSIC: u32 = 0x000f_a60d;

fn packet(sequence_id: u8, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap().to_le_bytes();
    [&len[..3], &[sequence_id], body].concat()
}

fn command(code: u8, arguments: &[u8]) -> Piece {
    (CLIENT, packet(0, &[&[code], arguments].concat()))
}

fn query(text: &str) -> Piece {
    command(3, text.as_bytes())
}

/// The same where query attributes were agreed on.
fn modern_query(text: &str) -> Piece {
    command(3, &[&[0, 1], text.as_bytes()].concat())
}

fn response(bodies: &[&[u8]]) -> Piece {
    let numbered = bodies.iter().zip(1_u8..);
    (SERVER, numbered.flat_map(|(body, sequence_id)| packet(sequence_id, body)).collect())
}

fn ok(affected_rows: u8, status: u16) -> Vec<u8> {
    let [low, high] = status.to_le_bytes();
    vec![0, affected_rows, 0, low, high, 0, 0]
}

fn end(status: u16) -> Vec<u8> {
    let [low, high] = status.to_le_bytes();
    vec![0xfe, 0, 0, low, high]
}

fn long_end(status: u16) -> Vec<u8> {
    let [low, high] = status.to_le_bytes();
    vec![0xfe, 0, 0, low, high, 0, 0]
}

fn error(code: u16, text: &str) -> Vec<u8> {
    let [low, high] = code.to_le_bytes();
    [&[0xff, low, high], text.as_bytes()].concat()
}

const COLUMN: &[u8] = b"\x03def\x00\x00\x00\x01a\x00\x0c\x3f\x00\x01\x00\x00\x00\x08\x81\x00\x00\x00\x00";

fn greeting(version: &str, flags: u32) -> Piece {
    let [a, b, c, d] = flags.to_le_bytes();
    let mut body = vec![10];
    body.extend_from_slice(version.as_bytes());
    body.extend_from_slice(b"\0\x01\0\0\0abcdefgh\0");
    body.extend_from_slice(&[a, b, 33, 2, 0, c, d, 21]);
    body.extend_from_slice(&[0; 10]);
    body.extend_from_slice(b"abcdefghijkl\0mysql_native_password\0");
    (SERVER, packet(0, &body))
}

fn login(flags: u32) -> Piece {
    let mut body = flags.to_le_bytes().to_vec();
    body.extend_from_slice(&[0, 0, 0, 1, 33]);
    body.extend_from_slice(&[0; 23]);
    body.extend_from_slice(b"root\0\x02xxshop\0mysql_native_password\0");
    (CLIENT, packet(1, &body))
}

fn opening(version: &str, flags: u32) -> Vec<Piece> {
    vec![greeting(version, flags), login(flags), (SERVER, packet(2, &ok(0, 2)))]
}

fn exchanges_with(pieces: &[Piece], config: ConnectionConfig) -> Vec<Exchange> {
    let mut connection = Connection::new(Transport::Tcp, Arc::new(config)).with_ports(50_000, 3_306);
    let mut offsets = [0_u64; 2];
    let mut exchanges = Vec::new();
    for (time, (direction, bytes)) in (1..).zip(pieces) {
        let offset = &mut offsets[direction.index()];
        connection.handle_chunk(Chunk::new(*direction, Timestamp::from_nanos(time), *offset, bytes));
        *offset += bytes.len() as u64;
        exchanges.extend(std::iter::from_fn(|| connection.poll_exchange()));
    }
    connection.handle_close();
    exchanges.extend(std::iter::from_fn(|| connection.poll_exchange()));
    exchanges
}

fn exchanges(pieces: &[Piece]) -> Vec<Exchange> {
    exchanges_with(pieces, ConnectionConfig { obfuscation: Obfuscation::NONE, ..ConnectionConfig::default() })
}

/// Kind, text, and how it went: `ok`, the error's number, or the exchange's kind.
fn outline(exchanges: &[Exchange]) -> Vec<String> {
    let shown = exchanges.iter().map(|exchange| {
        let request = exchange.asked();
        let kind = request.map_or("?", |request| request.kind.as_ref());
        let text = request.and_then(|request| request.resource.as_deref()).unwrap_or_default();
        let outcome = match exchange.response.as_ref().map(|response| &response.content) {
            Some(response) => response.code.as_deref().unwrap_or(response.status.name()),
            None => exchange.kind.name(),
        };
        [kind, text, outcome].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    });
    shown.collect()
}

fn attribute(exchange: &Exchange, key: &str) -> Option<String> {
    let request = exchange.request.as_ref().and_then(|request| request.content.attributes.find(key));
    let response = exchange.response.as_ref().and_then(|response| response.content.attributes.find(key));
    request.or(response).map(|value| match value {
        crate::AttributeValue::Text(text) => text.to_string(),
        other => format!("{other:?}"),
    })
}

fn text_result(terminate: &[u8]) -> Vec<Vec<u8>> {
    vec![vec![1], COLUMN.to_vec(), end(2), b"\x015".to_vec(), b"\xfb".to_vec(), terminate.to_vec()]
}

fn slices(bodies: &[Vec<u8>]) -> Vec<&[u8]> {
    bodies.iter().map(Vec::as_slice).collect()
}

#[test]
fn a_login_and_its_commands() {
    let mut pieces = opening("5.5.5-10.11.6-MariaDB-log", CLASSIC);
    pieces.extend([
        query("SELECT a FROM t"),
        response(&slices(&text_result(&end(2)))),
        query("INSERT INTO t VALUES (1)"),
        response(&[&ok(3, 2)]),
        query("oops"),
        response(&[&error(1064, "#42000You have an error")]),
        command(2, b"other"),
        response(&[&ok(0, 2)]),
        command(0x0e, b""),
        response(&[&ok(0, 2)]),
        command(0x09, b""),
        response(&[b"Uptime: 5"]),
        command(4, b"t\0"),
        response(&[COLUMN, COLUMN, &end(2)]),
        command(1, b""),
    ]);
    let exchanges = exchanges(&pieces);
    assert_eq!(
        outline(&exchanges),
        [
            "LOGIN ok",
            "COM_QUERY SELECT a FROM t ok",
            "COM_QUERY INSERT INTO t VALUES (1) ok",
            "COM_QUERY oops 1064",
            "COM_INIT_DB ok",
            "COM_PING ok",
            "COM_STATISTICS ok",
            "COM_FIELD_LIST ok",
            "COM_QUIT one_way",
        ]
    );
    let select = exchanges[1].request.as_ref().unwrap();
    assert_eq!(select.content.endpoint.as_deref(), Some("SELECT t"));
    assert_eq!(select.content.version.as_deref(), Some("10.11.6-MariaDB-log"));
    assert_eq!(attribute(&exchanges[1], "db.system.name").as_deref(), Some("mariadb"));
    assert_eq!(attribute(&exchanges[1], "db.namespace").as_deref(), Some("shop"));
    assert_eq!(attribute(&exchanges[1], "db.response.returned_rows").as_deref(), Some("Integer(2)"));
    assert_eq!(attribute(&exchanges[5], "db.namespace").as_deref(), Some("other"));
    let length = exchanges[1].response.as_ref().unwrap().length;
    assert_eq!(length, pieces[4].1.len() as u64);
    let insert = &exchanges[2].response.as_ref().unwrap().content;
    assert_eq!(insert.result.as_deref(), Some("affected_rows=3"));
    let failure = &exchanges[3].response.as_ref().unwrap().content;
    assert_eq!(failure.status, ResponseStatus::ClientError);
    assert_eq!(failure.exception.as_deref(), Some("You have an error"));
    assert_eq!(attribute(&exchanges[3], "db.response.status_code").as_deref(), Some("1064"));
}

#[test]
fn modern_servers_leave_out_eof() {
    let mut pieces = opening("8.0.36", MODERN);
    pieces.extend([
        modern_query("CALL p()"),
        response(&[&[1], COLUMN, b"\x015", &long_end(0x000a), &[1], COLUMN, &long_end(0x000a), &ok(0, 2)]),
        modern_query("SELECT 2"),
        response(&[&[1], COLUMN, b"\x012", &error(1317, "#70100interrupted")]),
    ]);
    let exchanges = exchanges(&pieces);
    assert_eq!(outline(&exchanges), ["LOGIN ok", "COM_QUERY CALL p() ok", "COM_QUERY SELECT 2 1317"]);
    assert_eq!(attribute(&exchanges[1], "db.response.returned_rows").as_deref(), Some("Integer(1)"));
    assert_eq!(exchanges[2].response.as_ref().unwrap().content.status, ResponseStatus::ServerError);
}

#[test]
fn prepared_statements_keep_their_text() {
    let execution = |id: u8| command(0x17, &[id, 0, 0, 0, 0, 1, 0, 0, 0]);
    let prepared = [0, 7, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0];
    for (flags, definitions) in [(CLASSIC, true), (MODERN, false)] {
        let mut pieces = opening("8.0.36", flags);
        let answer: Vec<&[u8]> = if definitions {
            vec![&prepared, COLUMN, &[0xfe, 0, 0, 2, 0], COLUMN, &[0xfe, 0, 0, 2, 0]]
        } else {
            vec![&prepared, COLUMN, COLUMN]
        };
        pieces.extend([
            command(0x16, b"SELECT a FROM t WHERE b = ?"),
            response(&answer),
            command(0x18, &[7, 0, 0, 0, 0, 0, b'x']),
            execution(7),
            response(&[&ok(0, 2)]),
            execution(8),
            response(&[&error(1243, "#HY000Unknown prepared statement handler")]),
            command(0x1a, &[7, 0, 0, 0]),
            response(&[&ok(0, 2)]),
            command(0x19, &[7, 0, 0, 0]),
        ]);
        let exchanges = exchanges(&pieces);
        assert_eq!(
            outline(&exchanges),
            [
                "LOGIN ok",
                "COM_STMT_PREPARE SELECT a FROM t WHERE b = ? ok",
                "COM_STMT_SEND_LONG_DATA one_way",
                "COM_STMT_EXECUTE SELECT a FROM t WHERE b = ? ok",
                "COM_STMT_EXECUTE 1243",
                "COM_STMT_RESET ok",
                "COM_STMT_CLOSE one_way",
            ]
        );
        assert_eq!(exchanges[4].response.as_ref().unwrap().content.status, ResponseStatus::ClientError);
    }
}

#[test]
fn query_attributes_carry_context() {
    let trace = b"00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01";
    let mut body = vec![2, 1, 0b10, 1, 0xfe, 0, 11];
    body.extend_from_slice(b"traceparent\x03\x00\x01n");
    body.push(u8::try_from(trace.len()).unwrap());
    body.extend_from_slice(trace);
    body.extend_from_slice(b"SELECT 1");
    let mut pieces = opening("8.0.36", MODERN);
    pieces.push(command(3, &body));
    let exchanges = exchanges(&pieces);
    assert_eq!(outline(&exchanges)[1], "COM_QUERY SELECT 1 request");
    let context = exchanges[1].request.as_ref().unwrap().content.context.clone().unwrap();
    assert_eq!(context.trace_id.as_deref(), Some("5bd66ef5095369c7b0d1f8f4bd33716a"));
}

#[test]
fn local_infile_and_other_logins() {
    let mut pieces = vec![greeting("8.0.36", CLASSIC), login(CLASSIC)];
    pieces.extend([
        (SERVER, packet(2, b"\xfecaching_sha2_password\0abcdefghijklmnopqrst\0")),
        (CLIENT, packet(3, &[9; 32])),
        (SERVER, packet(4, &[1, 4])),
        (CLIENT, packet(5, &[9; 256])),
        (SERVER, packet(6, &ok(0, 2))),
        query("LOAD DATA LOCAL INFILE 'f' INTO TABLE t"),
        response(&[b"\xfbf"]),
        (CLIENT, [packet(2, b"1,2,3\n"), packet(3, b"")].concat()),
        (SERVER, packet(4, &ok(9, 2))),
        command(0x11, b"bob\0\x00shop2\0"),
        (SERVER, packet(1, &error(1045, "#28000Access denied"))),
    ]);
    let exchanges = exchanges(&pieces);
    assert_eq!(
        outline(&exchanges),
        ["LOGIN ok", "COM_QUERY LOAD DATA LOCAL INFILE 'f' INTO TABLE t ok", "COM_CHANGE_USER 1045"]
    );
    assert_eq!(exchanges[1].response.as_ref().unwrap().content.result.as_deref(), Some("affected_rows=9"));
}

#[test]
fn tls_ends_the_protocol_and_zstandard_is_left_alone() {
    let mut tls_request = (CLASSIC | Capabilities::SSL).to_le_bytes().to_vec();
    tls_request.extend_from_slice(&[0, 0, 0, 1, 33]);
    tls_request.extend_from_slice(&[0; 23]);
    let mut pieces = vec![greeting("8.0.36", CLASSIC | Capabilities::SSL), (CLIENT, packet(1, &tls_request))];
    pieces.push((CLIENT, b"\x17\x03\x03\x00\x16abcdefghijklmnopqrstuv".to_vec()));
    assert_eq!(outline(&exchanges(&pieces)), Vec::<String>::new());

    let mut pieces = opening("8.0.36", CLASSIC | Capabilities::ZSTD);
    pieces.push(query("SELECT 1"));
    assert_eq!(outline(&exchanges(&pieces)), ["LOGIN ok"]);
}

#[test]
fn the_login_inside_of_tls_answers_the_greeting_outside() {
    let flags = CLASSIC | Capabilities::SSL;
    let mut tls_request = flags.to_le_bytes().to_vec();
    tls_request.extend_from_slice(&[0, 0, 0, 1, 33]);
    tls_request.extend_from_slice(&[0; 23]);
    let config = Arc::new(ConnectionConfig::default());
    let mut outside = Connection::new(Transport::Tcp, config).with_ports(50_000, 3_306);
    assert!(outside.take_inside_tls().is_none());
    let chunk = |time, (direction, bytes): &Piece, connection: &mut Connection| {
        connection.handle_chunk(Chunk::new(*direction, Timestamp::from_nanos(time), 0, bytes));
    };
    chunk(1, &greeting("10.11.19-MariaDB", flags), &mut outside);
    chunk(2, &(CLIENT, packet(1, &tls_request)), &mut outside);
    chunk(3, &(CLIENT, b"\x16\x03\x01\x00\x05hello".to_vec()), &mut outside);
    let mut inside = outside.take_inside_tls().unwrap();
    assert!(outside.take_inside_tls().is_none());
    let (_, mut login) = login(flags);
    login[3] = 2;
    chunk(4, &(CLIENT, login), &mut inside);
    chunk(5, &(SERVER, packet(3, &ok(0, 2))), &mut inside);
    let exchange = inside.poll_exchange().unwrap();
    assert_eq!(outline(&[exchange]), ["LOGIN ok"]);
    assert_eq!((inside.stats().parse_errors, inside.stats().gaps), (0, 0));
}

/// Wraps packets as the compressed protocol does.
fn frame(plain: &[u8], is_compressed: bool) -> Vec<u8> {
    let payload =
        if is_compressed { miniz_oxide::deflate::compress_to_vec_zlib(plain, 6) } else { plain.to_vec() };
    let plain_len = if is_compressed { u32::try_from(plain.len()).unwrap() } else { 0 };
    let len = u32::try_from(payload.len()).unwrap();
    [&len.to_le_bytes()[..3], &[0], &plain_len.to_le_bytes()[..3], &payload].concat()
}

fn compressed_pieces() -> Vec<Piece> {
    let (_, first) =
        query("SELECT a FROM t WHERE b = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'");
    let (_, result) = response(&slices(&text_result(&end(2))));
    let (head, tail) = result.split_at(41);
    // MariaDB's numbers go on with the frame's
    let mut tail = tail.to_vec();
    let last = tail.len() - 6;
    tail[last] = 9;
    let (_, close) = command(0x19, &[7, 0, 0, 0]);
    let (_, second) = query("SELECT 2");
    vec![
        (CLIENT, frame(&first, true)),
        (SERVER, frame(head, true)),
        (SERVER, frame(&tail, false)),
        (CLIENT, frame(&[close, second].concat(), false)),
        (SERVER, frame(&packet(1, &error(1046, "#3D000No database selected")), false)),
    ]
}

#[test]
fn compressed_packets_are_unwrapped() {
    let expected = [
        "COM_QUERY SELECT a FROM t WHERE b = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' ok",
        "COM_STMT_CLOSE one_way",
        "COM_QUERY SELECT 2 1046",
    ];
    let mut pieces = opening("8.0.36", CLASSIC | Capabilities::COMPRESS);
    pieces.extend(compressed_pieces());
    assert_eq!(outline(&exchanges(&pieces))[1..], expected);
    assert_eq!(outline(&exchanges(&compressed_pieces())), expected, "in mid-stream");
}

#[test]
fn compression_is_seen_in_mid_stream_however_the_bytes_are_cut() {
    for size in 1..100 {
        let found = exchanges_of_mysql(&resplit(&compressed_pieces(), size));
        assert_eq!(outline(&found)[2..], ["COM_QUERY SELECT ? 1046"], "pieces of {size}");
    }
}

/// By itself such an answer may be a plain packet too, and is one as soon as that is whole.
#[test]
fn while_a_compressed_request_is_not_whole_its_answer_is_in_a_frame_however_it_is_cut() {
    let (_, request) = &compressed_pieces()[0];
    let request = &request[..request.len() - 1];
    let pieces = [(CLIENT, request.to_vec()), (SERVER, frame(&packet(1, &ok(0, 2)), false))];
    let whole = outline(&exchanges_of_mysql(&pieces));
    assert!(whole.iter().any(|one| one.starts_with("COM_QUERY SELECT")), "{whole:?}");
    for size in 1..100 {
        assert_eq!(outline(&exchanges_of_mysql(&resplit(&pieces, size))), whole, "pieces of {size}");
    }
}

/// Of a connection that is known to be MySQL's, seen from its middle on.
fn exchanges_of_mysql(pieces: &[Piece]) -> Vec<Exchange> {
    let mut connection = Connection::new(Transport::Tcp, Arc::default()).with_protocol(&super::ROW);
    let mut offsets = [0, 0];
    for (direction, bytes) in pieces {
        let offset = &mut offsets[direction.index()];
        connection.handle_chunk(Chunk::new(*direction, Timestamp::from_nanos(1), *offset, bytes));
        *offset += bytes.len() as u64;
    }
    connection.handle_close();
    std::iter::from_fn(|| connection.poll_exchange()).collect()
}

#[test]
fn plain_packets_in_mid_stream_are_not_kept_waiting() {
    for (direction, bytes) in
        [command(14, b""), query("Sex"), query("x"), command(2, b"maxdb"), response(&[&ok(0, 2)])]
    {
        let input = crate::Input::new(&bytes);
        assert_eq!(
            super::compressed::wrapping(direction, input, false),
            Wrapping::Plain,
            "{}",
            bytes.escape_ascii()
        );
    }
}

/// A few kilobytes that unfold into a hundred thousand messages take no more memory than their number allows.
#[test]
fn a_frame_of_very_many_messages_is_cut() {
    let (_, close) = command(0x19, &[7, 0, 0, 0]);
    let (_, next) = query("SELECT 2");
    let mut connection = Connection::new(Transport::Tcp, Arc::default());
    let mut offset = 0;
    for bytes in [frame(&close.repeat(100_000), true), frame(&next, false)] {
        connection.handle_chunk(Chunk::new(CLIENT, Timestamp::from_nanos(1), offset, &bytes));
        offset += bytes.len() as u64;
    }
    connection.handle_close();
    let found: Vec<_> = std::iter::from_fn(|| connection.poll_exchange()).collect();
    assert_eq!(outline(&found[1_023..]), ["COM_STMT_CLOSE one_way", "COM_QUERY SELECT ? request"]);
    assert_eq!(connection.stats().parse_errors, 1);
}

#[test]
fn mid_stream_and_reversed() {
    let pieces = [
        response(&[&[1], COLUMN, &end(2), b"\x015", &end(2)]),
        query("SELECT 1"),
        response(&[&[1], COLUMN, b"\x015", &long_end(2)]),
    ];
    let direct = exchanges(&pieces);
    assert_eq!(outline(&direct), ["COM_QUERY SELECT 1 ok", "? ok"]);
    assert_eq!(direct[1].kind, ExchangeKind::ResponseOnly);
    let reversed: Vec<Piece> =
        pieces.iter().map(|(direction, bytes)| (direction.reversed(), bytes.clone())).collect();
    let reversed = exchanges(&reversed);
    assert_eq!(outline(&reversed), outline(&direct));
    assert!(reversed.iter().all(|exchange| exchange.is_reversed));
}

#[test]
fn lost_and_cut_bytes() {
    let config = || Arc::new(ConnectionConfig::default());
    let mut connection = Connection::new(Transport::Tcp, config()).with_ports(50_000, 3_306);
    let (_, select) = query("SELECT a FROM t WHERE b = 'secret' AND c = 'secret'");
    let cut = &select[..40];
    connection
        .handle_chunk(Chunk::new(CLIENT, Timestamp::from_nanos(1), 0, cut).with_original_len(select.len()));
    let (_, rows) = response(&slices(&text_result(&end(2))));
    connection.handle_chunk(Chunk::new(SERVER, Timestamp::from_nanos(2), 0, &rows[..30]));
    let (_, next) = query("SELECT 2");
    let offset = select.len() as u64;
    connection
        .handle_chunk(Chunk::new(SERVER, Timestamp::from_nanos(3), 90, b"rubbish").with_original_len(7));
    connection.handle_chunk(Chunk::new(CLIENT, Timestamp::from_nanos(4), offset, &next));
    connection.handle_chunk(Chunk::new(SERVER, Timestamp::from_nanos(5), 97, &response(&[&ok(0, 2)]).1));
    connection.handle_close();
    let exchanges: Vec<Exchange> = std::iter::from_fn(|| connection.poll_exchange()).collect();
    assert_eq!(outline(&exchanges), ["COM_QUERY SELECT a FROM t WHERE b = ? ok", "COM_QUERY SELECT ? ok"]);
}

#[test]
fn long_packets_are_not_kept() {
    let mut pieces = opening("8.0.36", MODERN);
    let blob = vec![b'x'; 0xff_ffff];
    let text = [b"\x03\x00\x01INSERT INTO t VALUES ('".as_slice(), &blob].concat();
    let (first, rest) = text.split_at(0xff_ffff);
    pieces.push((CLIENT, [packet(0, first), packet(1, rest)].concat()));
    let mut rows = [packet(1, &[1]), packet(2, COLUMN), packet(3, &blob), packet(4, b"y")].concat();
    rows.extend(packet(5, &long_end(2)));
    pieces.extend(rows.chunks(50_000).map(|part| (SERVER, part.to_vec())));
    let exchanges = exchanges_with(&pieces, ConnectionConfig::default());
    assert_eq!(outline(&exchanges), ["LOGIN ok", "COM_QUERY INSERT INTO t VALUES (? ok"]);
    assert_eq!(attribute(&exchanges[1], "db.response.returned_rows").as_deref(), Some("Integer(1)"));
}

#[test]
fn refused_connections_are_reported() {
    let pieces = [(SERVER, packet(0, &error(1040, "Too many connections")))];
    let exchanges = exchanges(&pieces);
    assert_eq!(outline(&exchanges), ["LOGIN 1040"]);
}

#[test]
fn detection() {
    let detect = |direction, bytes: &[u8]| super::detect::detect(Transport::Tcp, direction, bytes);
    assert_eq!(detect(SERVER, &greeting("8.0.36", MODERN).1), Detection::CERTAIN);
    assert_eq!(detect(CLIENT, &greeting("8.0.36", MODERN).1), Detection::CERTAIN_REVERSED);
    assert_eq!(detect(SERVER, &greeting("8.0.36", MODERN).1[..12]), Detection::NeedMore);
    assert_eq!(detect(CLIENT, &login(MODERN).1), Detection::CERTAIN);
    assert_eq!(detect(CLIENT, &query("select 1").1), Detection::CERTAIN);
    assert_eq!(detect(CLIENT, &query("select 1").1[..4]), Detection::NeedMore);
    assert_eq!(detect(CLIENT, &query("something").1), Detection::WEAK);
    assert_eq!(detect(CLIENT, &command(0x0e, b"").1), Detection::WEAK);
    assert_eq!(detect(SERVER, &response(&[&ok(0, 2)]).1), Detection::WEAK);
    assert_eq!(detect(CLIENT, &response(&slices(&text_result(&end(2)))).1), Detection::CERTAIN_REVERSED);
    let strangers: &[&[u8]] = &[
        b"GET / HTTP/1.1\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x17\x03\x03\x00\x16-#abcdefghijklmnopqrst",
        b"\x00\x00\x00\x08\x04\xd2\x16\x2f",
        b"\x00\x1d\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www",
        b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x01\x02\x03",
    ];
    for stranger in strangers {
        assert_eq!(detect(CLIENT, stranger), Detection::NoMatch, "{stranger:?}");
    }
}

#[test]
fn errors_and_greetings() {
    let rows = [
        (error(1064, "#42000x"), ResponseStatus::ClientError),
        (error(1062, "#23000x"), ResponseStatus::ClientError),
        (error(1045, "#28000x"), ResponseStatus::ClientError),
        (error(1205, "#HY000x"), ResponseStatus::ServerError),
        (error(1213, "#40001x"), ResponseStatus::ServerError),
        (error(1040, "#08004x"), ResponseStatus::ServerError),
        (error(2006, "x"), ResponseStatus::ClientError),
    ];
    for (body, status) in rows {
        assert_eq!(Failure::read(&body).unwrap().status(), status, "{body:?}");
    }
    let texts = [
        (error(1064, "#42000near 'it's a secret' at line 1"), "near '?' at line 1"),
        (error(1062, "#23000Duplicate entry 'secret' for key 'k'"), "Duplicate entry '?'"),
        (error(1366, "#HY000Incorrect value 'sec"), "Incorrect value '?'"),
        (error(1146, "#42S02Table 'a.b' doesn't exist"), "Table 'a.b' doesn't exist"),
    ];
    for (body, text) in texts {
        let failure = Failure::read(&body).unwrap();
        assert_eq!(String::from_utf8_lossy(&failure.text(Obfuscation::default())), text);
        assert_eq!(failure.text(Obfuscation::NONE), failure.message);
    }
    let (_, old) = greeting("3.23.58", 0x0c);
    assert!(!Greeting::read(&old[4..]).unwrap().is_mariadb());
    assert_eq!(Greeting::read(b"\x0aabc\0"), None);
}

/// Every kind of conversation in one.
fn everything() -> Vec<Piece> {
    let mut pieces = opening("8.0.36", CLASSIC);
    pieces.extend([
        query("SELECT a FROM t /* traceparent='00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01' */"),
        response(&slices(&text_result(&end(0x000a)))),
        (SERVER, packet(7, &ok(1, 2))),
        command(0x16, b"SELECT ?"),
        response(&[&[0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0], COLUMN, &end(2), COLUMN, &end(2)]),
        command(0x17, &[1, 0, 0, 0, 0, 1, 0, 0, 0]),
        response(&[&error(1105, "#HY000x")]),
        command(0x19, &[1, 0, 0, 0]),
        query("LOAD DATA LOCAL INFILE 'f' INTO TABLE t"),
        response(&[b"\xfbf"]),
        (CLIENT, [packet(2, b"1"), packet(3, b"")].concat()),
        (SERVER, packet(4, &ok(9, 2))),
        command(1, b""),
    ]);
    pieces
}

fn resplit(pieces: &[Piece], size: usize) -> Vec<Piece> {
    let split = |(direction, bytes): &Piece| {
        bytes.chunks(size).map(|part| (*direction, part.to_vec())).collect::<Vec<_>>()
    };
    pieces.iter().flat_map(split).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn splits_change_nothing(size in 1_usize..40, is_compressed: bool) {
        let mut pieces = everything();
        if is_compressed {
            pieces = opening("8.0.36", CLASSIC | Capabilities::COMPRESS);
            pieces.extend(compressed_pieces());
        }
        prop_assert_eq!(outline(&exchanges(&resplit(&pieces, size))), outline(&exchanges(&pieces)));
    }

    #[test]
    fn damage_does_no_harm(
        damages in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 1..8),
        size in 1_usize..400,
        is_compressed: bool,
    ) {
        let mut pieces = if is_compressed { compressed_pieces() } else { everything() };
        for (piece, place, value) in damages {
            let index = piece.index(pieces.len());
            let place = place.index(pieces[index].1.len());
            pieces[index].1[place] = value;
        }
        prop_assert!(exchanges(&resplit(&pieces, size)).len() < 64);
    }

    #[test]
    fn any_bytes_are_survived(pieces in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 1..60)), 0..12)) {
        let mut connection = Connection::new(Transport::Tcp, Arc::default()).with_protocol(&super::ROW);
        let mut offset = 0;
        for (is_client, bytes) in pieces {
            let direction = if is_client { CLIENT } else { SERVER };
            connection.handle_chunk(Chunk::new(direction, Timestamp::from_nanos(1), offset, &bytes));
            offset += bytes.len() as u64;
        }
        connection.handle_close();
        let stats = connection.stats();
        prop_assert_eq!(stats.bytes, stats.bytes_parsed + stats.bytes_unknown + stats.bytes_dropped);
    }
}
