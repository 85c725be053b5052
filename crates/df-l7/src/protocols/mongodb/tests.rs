//! Conversations as MongoDB's manual has them, byte by byte: sections, old opcodes, compression, streams of replies, cuts and
//! gaps.

use std::sync::Arc;

use df_core::{Chunk, Direction, Timestamp, Transport};

use super::ROW;
use crate::test_conversation::{down, up};
use crate::{Connection, ConnectionConfig, Detection, Exchange, Protocol};

/// An element of a document: type, name, value.
fn element(kind: u8, name: &str, value: &[u8]) -> Vec<u8> {
    [&[kind], name.as_bytes(), &[0], value].concat()
}

fn text(name: &str, value: &str) -> Vec<u8> {
    let len = u32::try_from(value.len() + 1).unwrap().to_le_bytes();
    element(2, name, &[&len[..], value.as_bytes(), &[0]].concat())
}

fn int(name: &str, value: i32) -> Vec<u8> {
    element(0x10, name, &value.to_le_bytes())
}

fn ok(value: f64) -> Vec<u8> {
    element(1, "ok", &value.to_le_bytes())
}

fn document(elements: &[Vec<u8>]) -> Vec<u8> {
    let content = elements.concat();
    let len = u32::try_from(content.len() + 5).unwrap().to_le_bytes();
    [&len[..], &content, &[0]].concat()
}

fn nested(kind: u8, name: &str, elements: &[Vec<u8>]) -> Vec<u8> {
    element(kind, name, &document(elements))
}

fn message(ids: [u32; 2], opcode: u32, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len() + 16).unwrap();
    let header = [len, ids[0], ids[1], opcode].map(u32::to_le_bytes).concat();
    [&header, body].concat()
}

/// OP_MSG with one document and these flags.
fn msg(ids: [u32; 2], flags: u32, elements: &[Vec<u8>]) -> Vec<u8> {
    message(ids, 2013, &[&flags.to_le_bytes()[..], &[0], &document(elements)].concat())
}

fn find(id: u32) -> Vec<u8> {
    msg([id, 0], 0, &[text("find", "users"), nested(3, "filter", &[int("age", 7)]), text("$db", "shop")])
}

fn found(id: u32, to: u32, flags: u32, count: usize) -> Vec<u8> {
    let batch: Vec<Vec<u8>> = (0..count).map(|n| nested(3, &n.to_string(), &[text("name", "Ada")])).collect();
    let cursor = [nested(4, "firstBatch", &batch), int("id", 0), text("ns", "shop.users")];
    msg([id, to], flags, &[nested(3, "cursor", &cursor), ok(1.0)])
}

fn connection(config: ConnectionConfig) -> Connection {
    Connection::new(Transport::Tcp, Arc::new(config))
}

/// Sends pieces, each direction cut as told, and gives one line per exchange.
fn converse(pieces: &[(Direction, Vec<u8>)], cut: usize) -> Vec<String> {
    let mut connection = connection(ConnectionConfig::default());
    let (mut offsets, mut lines) = ([0_u64; 2], Vec::new());
    for (turn, (direction, bytes)) in pieces.iter().enumerate() {
        for piece in bytes.chunks(cut) {
            let at = Timestamp::from_nanos(1_000 + turn as u64);
            connection.handle_chunk(Chunk::new(*direction, at, offsets[direction.index()], piece));
            offsets[direction.index()] += piece.len() as u64;
        }
        lines.extend(std::iter::from_fn(|| connection.poll_exchange()).map(|exchange| line(&exchange)));
    }
    connection.handle_close();
    lines.extend(std::iter::from_fn(|| connection.poll_exchange()).map(|exchange| line(&exchange)));
    lines
}

fn line(exchange: &Exchange) -> String {
    let asked = exchange.asked().map(|request| {
        let place = request.attributes.find("db.collection.name").and_then(|place| place.as_text());
        format!("{} {} {}", request.kind, request.resource.as_deref().unwrap_or("-"), place.unwrap_or("-"))
    });
    let response = exchange.response.as_ref().map(|response| &response.content);
    let code = response.and_then(|response| response.code.as_deref()).unwrap_or_default();
    let text = response.and_then(|response| response.exception.as_deref()).unwrap_or_default();
    let rows = response.and_then(|response| response.attributes.find("db.response.returned_rows"));
    let rows = rows.map_or_else(String::new, |rows| format!("{rows:?}"));
    let (kind, status) = (exchange.kind.name(), exchange.status().name());
    let line = format!("{kind} {}: {status} {code} {text}{rows}", asked.as_deref().unwrap_or("?"));
    line.trim_end().to_owned()
}

/// Every kind of message, with what must be seen of it.
fn story() -> (Vec<(Direction, Vec<u8>)>, Vec<&'static str>) {
    let duplicate =
        nested(3, "0", &[int("index", 0), int("code", 11_000), text("errmsg", "E11000 dup key: { _id: 1 }")]);
    let sequence = {
        let documents = [document(&[int("_id", 1)]), document(&[int("_id", 2)])].concat();
        let len = u32::try_from(documents.len() + 4 + 10).unwrap().to_le_bytes();
        [&[1][..], &len, b"documents\0", &documents].concat()
    };
    // The sequence first, then the body, then a checksum.
    let body = document(&[text("insert", "users"), text("$db", "shop")]);
    let insert = message([3, 0], 2013, &[&1_u32.to_le_bytes()[..], &sequence, &[0], &body, &[9; 4]].concat());
    let query = [&[0; 4][..], b"admin.$cmd\0", &[0; 8], &document(&[int("isMaster", 1)])].concat();
    let reply = [&[8, 0, 0, 0][..], &[0; 12], &[1, 0, 0, 0], &document(&[int("maxWireVersion", 6), ok(1.0)])]
        .concat();
    let wrapped =
        document(&[nested(3, "$query", &[text("count", "users")]), nested(3, "$readPreference", &[])]);
    let count = [&[0; 4][..], b"shop.$cmd\0", &[0; 8], &wrapped].concat();
    let delete = [&[0; 4][..], b"shop.users\0", &[0; 4], &document(&[int("_id", 1)])].concat();
    let command =
        [b"shop\0distinct\0".to_vec(), document(&[]), document(&[text("distinct", "users")])].concat();
    let command_reply =
        [document(&[]), document(&[ok(0.0), int("code", 13), text("errmsg", "not \"you\"")])].concat();
    let pieces = vec![
        up(find(1)),
        down(found(90, 1, 0, 3)),
        up(insert),
        down(msg([91, 3], 0, &[int("n", 1), nested(4, "writeErrors", &[duplicate]), ok(1.0)])),
        up(msg([4, 0], 2, &[text("update", "log"), text("$db", "shop")])),
        up(message([5, 0], 2004, &query)),
        down(message([92, 5], 1, &reply)),
        up(message([6, 0], 2004, &count)),
        down(message([93, 6], 1, &reply)),
        up(message([7, 0], 2006, &delete)),
        up(message([8, 0], 2010, &command)),
        down(message([94, 8], 2011, &command_reply)),
        up(msg([9, 0], 0, &[element(0x12, "getMore", &[7; 8]), text("collection", "a.b"), text("$db", "x")])),
        down(msg(
            [95, 9],
            0,
            &[ok(1.0), nested(3, "writeConcernError", &[int("code", 64), text("errmsg", "slow")])],
        )),
    ];
    let lines = vec![
        "exchange find shop.users users: ok  Integer(3)",
        "exchange insert shop.users users: client_error 11000 E11000 dup key: ?",
        "one_way update shop.log log: unknown",
        "exchange isMaster admin $cmd: ok",
        "exchange count shop.users users: ok",
        "one_way delete shop.users users: unknown",
        "exchange distinct shop.users users: client_error 13 not \"?\"",
        "exchange getMore x.a.b a.b: server_error 64 slow",
    ];
    (pieces, lines)
}

#[test]
fn every_kind_of_message_however_it_is_cut() {
    let (pieces, lines) = story();
    for cut in [100_000, 1, 2, 5, 16, 17, 33] {
        assert_eq!(converse(&pieces, cut), lines, "in pieces of {cut}");
    }
}

#[test]
fn many_replies_to_one_request() {
    for names_request in [false, true] {
        let to = |last: u32| if names_request { 1 } else { last };
        let failed = msg([93, to(92)], 0, &[ok(0.0), int("code", 43), text("errmsg", "gone")]);
        let pieces = [
            up(msg(
                [1, 0],
                1 << 16,
                &[element(0x12, "getMore", &[7; 8]), text("collection", "users"), text("$db", "x")],
            )),
            down([found(90, 1, 2, 5), found(91, to(90), 2, 5), found(92, to(91), 2, 5), failed].concat()),
            up(find(2)),
            down(found(94, 2, 0, 0)),
        ];
        let lines = [
            "exchange find shop.users users: ok  Integer(0)",
            "exchange getMore x.users users: ok  Integer(5)",
            "response ?: client_error 43 gone",
        ];
        for cut in [100_000, 1, 7] {
            let mut seen = converse(&pieces, cut);
            seen.sort();
            assert_eq!(seen, lines, "{names_request} {cut}");
        }
    }
}

#[test]
fn documents_larger_than_the_buffer_are_passed_over() {
    let large = "x".repeat(300_000);
    let insert = [
        text("insert", "users"),
        nested(4, "documents", &[nested(3, "0", &[text("a", &large)])]),
        text("$db", "shop"),
    ];
    let batch = [nested(3, "0", &[text("a", &large)]), nested(3, "1", &[])];
    let cursor = nested(3, "cursor", &[nested(4, "firstBatch", &batch), int("id", 0)]);
    let pieces = [
        up(msg([1, 0], 0, &insert)),
        down(msg([90, 1], 0, &[ok(1.0)])),
        up(find(2)),
        down(msg([91, 2], 0, &[cursor, ok(1.0)])),
    ];
    let lines = ["exchange insert shop.users users: ok", "exchange find shop.users users: ok  Integer(2)"];
    for cut in [1_000_000, 1_460, 61] {
        assert_eq!(converse(&pieces, cut), lines, "{cut}");
    }
}

#[test]
fn compressed_messages() {
    let plain = find(1)[16..].to_vec();
    let len = u32::try_from(plain.len()).unwrap().to_le_bytes();
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(&plain, 6);
    for (compressor, packed) in [(2, packed), (0, plain)] {
        let body = [&2013_u32.to_le_bytes()[..], &len, &[compressor], &packed].concat();
        let pieces = [up(message([1, 0], 2012, &body)), down(found(9, 1, 0, 1))];
        for cut in [1_000, 1] {
            assert_eq!(converse(&pieces, cut), ["exchange find shop.users users: ok  Integer(1)"]);
        }
    }
    // What cannot be uncompressed is still a request that was answered.
    let body = [&2013_u32.to_le_bytes()[..], &len, &[3], &[7; 40]].concat();
    let pieces = [up(message([1, 0], 2012, &body)), down(found(9, 1, 0, 1))];
    assert_eq!(converse(&pieces, 1_000), ["exchange msg - -: ok  Integer(1)"]);
}

#[test]
fn trace_context_in_comments() {
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    for comment in [
        text("comment", &parent),
        text("comment", &format!("app='a',traceparent='{parent}'")),
        nested(3, "comment", &[int("x", 1), text("traceparent", &parent)]),
    ] {
        let mut connection = connection(ConnectionConfig::default());
        let request = msg([1, 0], 0, &[text("find", "users"), comment, text("$db", "shop")]);
        connection.handle_chunk(Chunk::new(Direction::ToServer, Timestamp::from_nanos(1), 0, &request));
        connection.handle_close();
        let exchange = connection.poll_exchange().unwrap();
        let context = exchange.asked().unwrap().context.as_ref().unwrap();
        assert_eq!(context.trace_id.as_deref(), Some(trace));
    }
}

#[test]
fn cut_captures_and_gaps_cost_one_message() {
    let config = || ConnectionConfig::default();
    let at = |nanos| Timestamp::from_nanos(nanos);
    let (request, reply) = (find(1), found(90, 1, 0, 3));
    for kept in 21..request.len() {
        let mut connection = connection(config()).with_protocol(&ROW);
        let cut =
            Chunk::new(Direction::ToServer, at(1), 0, &request[..kept]).with_original_len(request.len());
        connection.handle_chunk(cut);
        connection.handle_chunk(Chunk::new(Direction::ToClient, at(2), 0, &reply));
        connection.handle_chunk(Chunk::new(Direction::ToServer, at(3), request.len() as u64, &find(2)));
        connection.handle_close();
        let lines: Vec<String> =
            std::iter::from_fn(|| connection.poll_exchange()).map(|seen| line(&seen)).collect();
        assert_eq!(lines.len(), 2, "{kept}: {lines:?}");
        assert!(lines[0].starts_with("exchange "), "{kept}: {lines:?}");
        assert_eq!(lines[1], "request find shop.users users: timeout", "{kept}");
    }
    let mut connection = connection(config());
    connection.handle_chunk(Chunk::new(Direction::ToServer, at(1), 0, &[find(1), find(2)].concat()));
    let second = found(91, 2, 0, 1);
    connection.handle_chunk(Chunk::new(Direction::ToClient, at(2), 0, &reply[..40]));
    connection.handle_chunk(Chunk::new(Direction::ToClient, at(3), 500, &second));
    let lines: Vec<String> =
        std::iter::from_fn(|| connection.poll_exchange()).map(|seen| line(&seen)).collect();
    assert!(lines.contains(&"exchange find shop.users users: ok  Integer(1)".to_owned()), "{lines:?}");
}

#[test]
fn detection_knows_both_sides_and_nothing_else() {
    let detect = |direction, bytes: &[u8]| (ROW.detect)(Transport::Tcp, direction, bytes);
    assert_eq!(detect(Direction::ToServer, &find(1)), Detection::CERTAIN);
    assert_eq!(detect(Direction::ToServer, &found(1, 7, 0, 2)), Detection::CERTAIN_REVERSED);
    assert_eq!(detect(Direction::ToClient, &found(1, 7, 0, 2)), Detection::CERTAIN);
    for len in 1..find(1).len().min(35) {
        assert_eq!(detect(Direction::ToServer, &find(1)[..len]), Detection::NeedMore, "{len}");
    }
    for other in [
        &b"\x01\0\0\0\x01 and what else a short packet of MySQL holds"[..],
        // Skinny, whose messages begin with a length too.
        &message([0, 0x111], 1, &[0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0]),
        &message([1, 0], 2013, &[0xff; 40]),
        &message([1, 0], 2013, &[0; 40]),
    ] {
        assert_eq!(detect(Direction::ToServer, other), Detection::NoMatch, "{}", other.escape_ascii());
    }
    let mut known = connection(ConnectionConfig::default());
    known.handle_chunk(Chunk::new(Direction::ToServer, Timestamp::from_nanos(1), 0, &find(1)));
    assert_eq!(known.protocol(), Some(Protocol::Mongodb));
}
