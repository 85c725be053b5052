//! Conversations of Dubbo, byte by byte: calls, exceptions, events, other serializations, large bodies, cuts and gaps.

use std::sync::Arc;

use df_core::{Chunk, Direction, Timestamp, Transport};

use super::ROW;
use crate::test_conversation::{down, exchanges_of, up};
use crate::{Connection, ConnectionConfig, Detection, Exchange};

fn message(flags: u8, status: u8, id: u64, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[0xda, 0xbb, flags, status][..], &id.to_be_bytes(), &len, body].concat()
}

/// A text of less than 256 bytes.
fn text(text: &str) -> Vec<u8> {
    let len = u8::try_from(text.len()).unwrap();
    let head = if len < 32 { vec![len] } else { vec![0x30, len] };
    [&head, text.as_bytes()].concat()
}

fn body(method: &str, types: &str, arguments: &[u8], attachments: &[(&str, &str)]) -> Vec<u8> {
    let pairs: Vec<u8> =
        attachments.iter().flat_map(|(name, value)| [text(name), text(value)].concat()).collect();
    [
        text("2.0.2"),
        text("a.Users"),
        text("1.0"),
        text(method),
        text(types),
        arguments.to_vec(),
        vec![b'H'],
        pairs,
        vec![b'Z'],
    ]
    .concat()
}

fn call(id: u64) -> Vec<u8> {
    message(0xc2, 0, id, &body("find", "I", b"\x97", &[]))
}

fn done(id: u64) -> Vec<u8> {
    message(2, 20, id, b"\x91\x03Ada")
}

/// One line per exchange of these pieces, each cut as told.
fn converse(pieces: &[(Direction, Vec<u8>)], cut: usize) -> Vec<String> {
    exchanges_of(pieces, cut).iter().map(line).collect()
}

fn line(exchange: &Exchange) -> String {
    let asked = exchange.asked().map(|request| {
        let serialization = request.attributes.find("df.dubbo.serialization").and_then(|name| name.as_text());
        let endpoint = request.endpoint.as_deref().unwrap_or("-");
        let trace = request.context.as_ref().and_then(|context| context.trace_id.clone()).unwrap_or_default();
        format!("{} {endpoint} {} {trace}", request.kind, serialization.unwrap_or("-")).trim_end().to_owned()
    });
    let response = exchange.response.as_ref().map(|response| &response.content);
    let code = response.and_then(|response| response.code.as_deref()).unwrap_or_default();
    let text = response.and_then(|response| response.exception.as_deref()).unwrap_or_default();
    let (kind, status) = (exchange.kind.name(), exchange.status().name());
    let id = exchange.request_id.unwrap_or_default();
    format!("{kind} {id} {}: {status} {code} {text}", asked.as_deref().unwrap_or("?")).trim_end().to_owned()
}

fn story() -> (Vec<(Direction, Vec<u8>)>, Vec<&'static str>) {
    let parent = text("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    // A list, a map and an object before the attachments; the trace context behind attachments that are no texts.
    let arguments = b"\x72\x13java.util.ArrayList\x91\x92H\x01a\x91ZC\x04User\x91\x02id\x60\x97";
    let deep = [&body("deep", "Ljava/util/List;Ljava/util/Map;La/User;", arguments, &[])[..], &[]].concat();
    let deep = [&deep[..deep.len() - 1], b"\x01n\x91", b"\x0btraceparent", &parent, b"Z"].concat();
    let thrown = b"\x90C\x0da.NoUserError\x92\x05cause\x0ddetailMessage\x60N\x07missing";
    let fastjson = b"\"2.0.2\"\n\"a.Users\"\n\"1.0\"\n\"json\"\n\"I\"\n7\n{\"path\":\"a.Users\",\"uber-trace-id\":\"abc:def:0:1\"}\n";
    let pieces = vec![
        up([call(1), call(2)].concat()),
        // Heartbeats of either side, then the answers in another order.
        down([message(0xe2, 0, 7, b"N"), done(2)].concat()),
        up(message(0x22, 20, 7, b"N")),
        down(message(2, 20, 1, thrown)),
        up(message(0xc2, 0, 3, &deep)),
        down(message(2, 20, 3, b"\x95H\x05dubbo\x052.0.2Z")),
        up(message(0xc6, 0, 4, fastjson)),
        down(message(6, 20, 4, b"0\n{}\n")),
        up(message(0x82, 0, 5, &body("log", "", b"", &[]))),
        up(message(0xc8, 0, 6, &[1; 100])),
        down(message(8, 100, 6, &[1; 30])),
        up(call(8)),
        down(message(2, 60, 8, b"\x08no a.b c")),
    ];
    let lines = vec![
        "exchange 2 find a.Users/find hessian2: ok 20",
        "exchange 1 find a.Users/find hessian2: server_error 20 a.NoUserError: missing",
        "exchange 3 deep a.Users/deep hessian2 4bf92f3577b34da6a3ce929d0e0e4736: ok 20",
        "exchange 4 json a.Users/json fastjson abc: server_error 20",
        "one_way 5 log a.Users/log hessian2: unknown",
        "exchange 6 REQUEST - kryo: server_error 100",
        "exchange 8 find a.Users/find hessian2: server_error 60 no a.b c",
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
fn large_bodies_are_passed_over() {
    let argument: Vec<u8> =
        std::iter::repeat_n(*b"R\0\x04aaaa", 200_000).flatten().chain(*b"\x01b").collect();
    let large = message(0xc2, 0, 1, &body("save", "Ljava/lang/String;", &argument, &[]));
    let result: Vec<u8> = b"\x91".iter().copied().chain(argument).collect();
    let pieces = [up([large, call(2)].concat()), down([message(2, 20, 1, &result), done(2)].concat())];
    for cut in [10_000_000, 1_460] {
        let lines =
            ["exchange 1 save a.Users/save hessian2: ok 20", "exchange 2 find a.Users/find hessian2: ok 20"];
        assert_eq!(converse(&pieces, cut), lines);
    }
}

#[test]
fn cut_captures_and_gaps_cost_one_message() {
    let at = Timestamp::from_nanos;
    let first = call(1);
    for kept in 16..first.len() {
        let mut connection = Connection::new(Transport::Tcp, Arc::new(ConnectionConfig::default()));
        let cut = Chunk::new(Direction::ToServer, at(1), 0, &first[..kept]).with_original_len(first.len());
        connection.handle_chunk(cut);
        connection.handle_chunk(Chunk::new(Direction::ToServer, at(2), first.len() as u64, &call(2)));
        connection.handle_chunk(Chunk::new(Direction::ToClient, at(3), 0, &[done(2), done(1)].concat()));
        let lines: Vec<String> =
            std::iter::from_fn(|| connection.poll_exchange()).map(|seen| line(&seen)).collect();
        assert_eq!(lines.len(), 2, "{kept}: {lines:?}");
        assert_eq!(lines[0], "exchange 2 find a.Users/find hessian2: ok 20", "{kept}");
    }
}

#[test]
fn detection_knows_both_sides_and_nothing_else() {
    let detect = |direction, bytes: &[u8]| (ROW.detect)(Transport::Tcp, direction, bytes);
    assert_eq!(detect(Direction::ToServer, &call(1)), Detection::CERTAIN);
    assert_eq!(detect(Direction::ToServer, &done(1)), Detection::CERTAIN_REVERSED);
    assert_eq!(detect(Direction::ToClient, &done(1)), Detection::CERTAIN);
    assert_eq!(detect(Direction::ToServer, &call(1)[..15]), Detection::NeedMore);
    for other in
        [&[0xda; 40][..], &message(0xc0, 0, 1, b""), &message(2, 21, 1, b""), &message(0xdf, 0, 1, b"")]
    {
        assert_eq!(detect(Direction::ToServer, other), Detection::NoMatch, "{}", other.escape_ascii());
    }
}
