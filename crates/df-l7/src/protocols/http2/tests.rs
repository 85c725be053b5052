//! Conversations over HTTP/2 as frames, and the exchanges that they are.

use std::sync::Arc;

use df_core::{Chunk, Direction, Timestamp, Transport};

use super::wire::{self, FRAME_HEADER_BYTES, PREFACE};
use crate::{AttributeValue, Connection, ConnectionConfig, Exchange, ExchangeKind, Protocol, ResponseStatus};

use Direction::{ToClient, ToServer};

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![len[1], len[2], len[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// A literal field that is not added to the table.
fn field(name: &str, value: &str) -> Vec<u8> {
    let mut block = vec![0x00, u8::try_from(name.len()).unwrap()];
    block.extend_from_slice(name.as_bytes());
    block.push(u8::try_from(value.len()).unwrap());
    block.extend_from_slice(value.as_bytes());
    block
}

/// `GET path` with a literal path.
fn get(path: &str) -> Vec<u8> {
    [vec![0x82, 0x86], field(":path", path)].concat()
}

fn ask(stream: u32, path: &str) -> Vec<u8> {
    frame(wire::HEADERS, wire::END_HEADERS | wire::END_STREAM, stream, &get(path))
}

fn answer(stream: u32) -> Vec<u8> {
    frame(wire::HEADERS, wire::END_HEADERS | wire::END_STREAM, stream, &[0x88])
}

fn call(stream: u32, method: &str) -> Vec<u8> {
    let block =
        [vec![0x83, 0x86], field(":path", method), field("content-type", "application/grpc+proto")].concat();
    frame(wire::HEADERS, wire::END_HEADERS, stream, &block)
}

/// Runs pieces of a conversation, each with the bytes that were lost before it, and ends it.
fn run(pieces: &[(Direction, usize, Vec<u8>)]) -> Vec<Exchange> {
    run_with(ConnectionConfig::default(), pieces)
}

fn run_with(config: ConnectionConfig, pieces: &[(Direction, usize, Vec<u8>)]) -> Vec<Exchange> {
    let mut connection = Connection::new(Transport::Tcp, Arc::new(config));
    let mut offsets = [0_u64; 2];
    for (at, (direction, lost, bytes)) in (1..).zip(pieces) {
        let offset = &mut offsets[direction.index()];
        *offset += *lost as u64;
        connection.handle_chunk(Chunk::new(*direction, Timestamp::from_nanos(at), *offset, bytes));
        *offset += bytes.len() as u64;
    }
    connection.handle_close();
    std::iter::from_fn(|| connection.poll_exchange()).collect()
}

fn opening() -> Vec<u8> {
    [PREFACE.to_vec(), frame(wire::SETTINGS, 0, 0, &[])].concat()
}

fn line(exchange: &Exchange) -> String {
    let resource = exchange.request.as_ref().and_then(|request| request.content.resource.as_deref());
    let code = exchange.response.as_ref().and_then(|response| response.content.code.as_deref());
    let id = exchange.request_id.map_or_else(String::new, |id| id.to_string());
    let words = [
        exchange.protocol.name(),
        &id,
        resource.unwrap_or("-"),
        code.unwrap_or("-"),
        exchange.status().name(),
    ];
    words.join(" ")
}

fn lines(exchanges: &[Exchange]) -> Vec<String> {
    exchanges.iter().map(line).collect()
}

fn attribute<'a>(exchange: &'a Exchange, key: &str) -> Option<&'a AttributeValue> {
    exchange.response.as_ref()?.content.attributes.find(key)
}

#[test]
fn answers_come_in_any_order_and_have_their_own_length_and_time() {
    let body = frame(wire::DATA, wire::PADDED | wire::END_STREAM, 1, &[3, b'h', b'i', 0, 0, 0]);
    let head = frame(wire::HEADERS, wire::END_HEADERS, 1, &[0x88]);
    let exchanges = run(&[
        (ToServer, 0, opening()),
        (ToServer, 0, [ask(1, "/one?secret=1"), ask(3, "/two")].concat()),
        (ToClient, 0, frame(wire::HEADERS, wire::END_HEADERS, 1, &field(":status", "103"))),
        (ToClient, 0, head.clone()),
        (ToClient, 0, [answer(3), body.clone()].concat()),
    ]);
    assert_eq!(lines(&exchanges), ["http2 3 /two 200 ok", "http2 1 /one?secret=? 200 ok"]);
    let response = exchanges[1].response.as_ref().unwrap();
    assert_eq!((response.start, response.end), (Timestamp::from_nanos(4), Timestamp::from_nanos(5)));
    assert_eq!(response.length, (head.len() + body.len()) as u64);
    assert_eq!(attribute(&exchanges[1], "http.response.body.size"), Some(&AttributeValue::Integer(2)));
}

#[test]
fn continuation_padding_and_priority() {
    let block = get("/long");
    let (front, back) = block.split_at(7);
    let padded = [&[2, 0, 0, 0, 0, 16][..], front, &[0, 0]].concat();
    let flags = wire::PADDED | wire::PRIORITY_FLAG | wire::END_STREAM;
    let request = [
        frame(wire::HEADERS, flags, 1, &padded),
        frame(wire::CONTINUATION, 0, 1, &back[..3]),
        frame(wire::CONTINUATION, wire::END_HEADERS, 1, &back[3..]),
    ]
    .concat();
    let exchanges =
        run(&[(ToServer, 0, opening()), (ToServer, 0, request.clone()), (ToClient, 0, answer(1))]);
    assert_eq!(lines(&exchanges), ["http2 1 /long 200 ok"]);
    assert_eq!(exchanges[0].request.as_ref().unwrap().length, request.len() as u64);
}

#[test]
fn streams_end_by_reset_and_refusal() {
    let cancel = frame(wire::RST_STREAM, 0, 1, &[0, 0, 0, 8]);
    let refuse = frame(wire::RST_STREAM, 0, 3, &[0, 0, 0, 7]);
    let go_away = frame(wire::GOAWAY, 0, 0, &[0, 0, 0, 5, 0, 0, 0, 0]);
    let begun = frame(wire::HEADERS, wire::END_HEADERS, 1, &[0x88]);
    let exchanges = run(&[
        (
            ToServer,
            0,
            [opening(), ask(1, "/1"), ask(3, "/3"), ask(5, "/5"), ask(7, "/7"), ask(9, "/9")].concat(),
        ),
        (ToClient, 0, begun),
        (ToServer, 0, cancel),
        (ToClient, 0, [refuse, go_away, answer(5)].concat()),
    ]);
    let expected = [
        "http2 1 /1 200 client_error",
        "http2 3 /3 - server_error",
        "http2 7 /7 - server_error",
        "http2 9 /9 - server_error",
        "http2 5 /5 200 ok",
    ];
    assert_eq!(lines(&exchanges), expected);
    let cancelled = exchanges[0].response.as_ref().unwrap();
    assert_eq!(cancelled.start, Timestamp::from_nanos(2), "a response that had begun keeps its first byte");
    let texts: Vec<_> = exchanges
        .iter()
        .map(|exchange| exchange.response.as_ref().unwrap().content.exception.as_deref().unwrap_or("-"))
        .collect();
    let refused = "refused by server: NO_ERROR";
    let reset = ["stream reset by client: CANCEL", "stream reset by server: REFUSED_STREAM"];
    assert_eq!(texts, [reset[0], reset[1], refused, refused, "-"]);
}

#[test]
fn what_the_server_pushes_is_an_exchange_of_its_own() {
    let promise = [vec![0, 0, 0, 2], get("/style")].concat();
    let exchanges = run(&[
        (ToServer, 0, [opening(), ask(1, "/page")].concat()),
        (ToClient, 0, frame(wire::PUSH_PROMISE, wire::END_HEADERS, 1, &promise)),
        (ToClient, 0, [answer(1), answer(2)].concat()),
    ]);
    assert_eq!(lines(&exchanges), ["http2 1 /page 200 ok", "http2 2 /style 200 ok"]);
}

#[test]
fn calls_of_grpc_count_their_messages() {
    let message = [0, 0, 0, 0, 3, 1, 2, 3];
    let trailers = [field("grpc-status", "5"), field("grpc-message", "no%20such%3a 100%")].concat();
    let exchanges = run(&[
        (ToServer, 0, [opening(), call(1, "/shop.v1.Items/Watch")].concat()),
        (ToServer, 0, frame(wire::DATA, 0, 1, &message[..4])),
        (ToServer, 0, frame(wire::DATA, wire::END_STREAM, 1, &message[4..])),
        (ToClient, 0, frame(wire::HEADERS, wire::END_HEADERS, 1, &[0x88])),
        (ToClient, 0, frame(wire::DATA, 0, 1, &[message, message].concat())),
        (ToClient, 0, frame(wire::HEADERS, wire::END_HEADERS | wire::END_STREAM, 1, &trailers)),
    ]);
    assert_eq!(lines(&exchanges), ["grpc 1 shop.v1.Items NOT_FOUND client_error"]);
    let request = &exchanges[0].request.as_ref().unwrap().content;
    assert_eq!((request.kind.as_ref(), request.endpoint.as_deref()), ("Watch", Some("shop.v1.Items/Watch")));
    assert_eq!(attribute(&exchanges[0], "df.grpc.request.messages"), Some(&AttributeValue::Integer(1)));
    assert_eq!(attribute(&exchanges[0], "df.grpc.response.messages"), Some(&AttributeValue::Integer(2)));
    let exception = exchanges[0].response.as_ref().unwrap().content.exception.as_deref();
    assert_eq!(exception, Some("no such: 100%"));
}

#[test]
fn trailers_alone_and_a_stream_that_its_client_cancels() {
    let only = [vec![0x88], field("content-type", "application/grpc"), field("grpc-status", "12")].concat();
    let exchanges = run(&[
        (ToServer, 0, [opening(), call(1, "/a.B/C"), call(3, "/a.B/D")].concat()),
        (ToClient, 0, frame(wire::HEADERS, wire::END_HEADERS | wire::END_STREAM, 1, &only)),
        (ToServer, 0, frame(wire::RST_STREAM, 0, 3, &[0, 0, 0, 8])),
    ]);
    assert_eq!(lines(&exchanges), ["grpc 1 a.B UNIMPLEMENTED server_error", "grpc 3 a.B - client_error"]);
}

#[test]
fn a_connection_joined_in_the_middle_knows_what_is_said_anew() {
    // The path is taken from an entry that was added before; then it is added again.
    let hidden = frame(wire::HEADERS, wire::END_HEADERS | wire::END_STREAM, 11, &[0x82, 0xc4]);
    let added = [&[0x82, 0x44, 4][..], b"/new"].concat();
    let added = frame(wire::HEADERS, wire::END_HEADERS | wire::END_STREAM, 13, &added);
    let again = frame(wire::HEADERS, wire::END_HEADERS | wire::END_STREAM, 15, &[0x82, 0xbe]);
    let exchanges = run(&[
        (ToClient, 0, answer(9)),
        (ToServer, 0, [hidden, added.clone(), again.clone()].concat()),
        (ToClient, 0, [answer(11), answer(13), answer(15)].concat()),
        // What was lost may have added entries.
        (ToServer, 50, frame(wire::HEADERS, wire::END_HEADERS | wire::END_STREAM, 19, &[0x82, 0xbe])),
        (
            ToServer,
            0,
            frame(wire::HEADERS, wire::END_HEADERS | wire::END_STREAM, 21, &added[FRAME_HEADER_BYTES..]),
        ),
        (ToClient, 0, [answer(19), answer(21)].concat()),
    ]);
    let paired: Vec<_> =
        exchanges.iter().filter(|exchange| exchange.kind == ExchangeKind::Complete).map(line).collect();
    let expected =
        ["11 -", "13 /new", "15 /new", "19 -", "21 /new"].map(|text| format!("http2 {text} 200 ok"));
    assert_eq!(paired, expected);
    assert_eq!(exchanges.len(), 6, "the answer on stream 9 stands alone");
}

#[test]
fn lost_bytes_cost_what_they_held() {
    let head = frame(wire::HEADERS, wire::END_HEADERS, 1, &[0x88]);
    let data = frame(wire::DATA, wire::END_STREAM, 1, &[7; 100]);
    // Within a body the frame's length tells where it ends; between frames the next one is found.
    let exchanges = run(&[
        (ToServer, 0, [opening(), ask(1, "/1"), ask(3, "/3")].concat()),
        (ToClient, 0, [head.clone(), data[..30].to_vec()].concat()),
        (ToClient, 40, data[70..].to_vec()),
        (ToClient, 33, answer(3)),
    ]);
    assert_eq!(lines(&exchanges), ["http2 1 /1 200 ok", "http2 3 /3 200 ok"]);
    let cut = run(&[
        (ToServer, 0, [opening(), ask(1, "/1")].concat()),
        (ToClient, 0, [head, data[..30].to_vec()].concat()),
    ]);
    assert_eq!(lines(&cut), ["http2 1 /1 200 ok"]);
}

#[test]
fn streams_that_never_end_are_bounded() {
    let config = ConnectionConfig { max_pending_requests: 4, ..ConnectionConfig::default() };
    let mut pieces = vec![(ToServer, 0, opening())];
    for number in 0..20 {
        let stream = number * 2 + 1;
        pieces.push((ToServer, 0, ask(stream, "/")));
        pieces.push((ToClient, 0, frame(wire::HEADERS, wire::END_HEADERS, stream, &[0x88])));
        pieces.push((ToClient, 0, frame(wire::PING, 0, 0, &[0; 8])));
    }
    let exchanges = run_with(config, &pieces);
    assert_eq!(exchanges.len(), 20);
    assert!(exchanges.iter().all(|exchange| exchange.kind == ExchangeKind::Complete));
}

#[test]
fn malformed_frames_invent_nothing() {
    let wrong = frame(wire::PING, 0, 0, &[0; 7]);
    let padded = frame(wire::DATA, wire::PADDED, 1, &[200, 0]);
    let block = frame(wire::HEADERS, wire::END_HEADERS, 5, &[0x80]);
    let exchanges = run(&[
        (ToServer, 0, [opening(), ask(1, "/1"), wrong].concat()),
        (ToServer, 0, ask(3, "/3")),
        (ToServer, 0, block),
        (ToClient, 0, [answer(1), answer(3)].concat()),
        (ToClient, 0, padded),
    ]);
    assert_eq!(lines(&exchanges), ["http2 1 /1 200 ok", "http2 3 /3 200 ok"]);
}

#[test]
fn other_bytes_are_not_taken_for_frames() {
    let detect = |bytes: &[u8]| super::detect::detect(Transport::Tcp, ToServer, bytes);
    for bytes in [
        // Kafka and DNS over TCP begin with a length; a handshake and application data of TLS; random bytes.
        &[0, 0, 0, 0x1f, 0, 0x12, 0, 4, 0, 0, 0, 1, 0, 7, b'r', b'd', b'k', b'a', b'f', b'k', b'a'][..],
        &[0, 0x1d, 0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, b'w', b'w', b'w'],
        &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3],
        &[0, 0, 5, 1, 5, 0, 0, 0, 1, 0x41, 0xff, 0xff, 0xff, 0xff],
        b"PRI * HTTP/1.1\r\n\r\n",
    ] {
        assert_eq!(detect(bytes), crate::Detection::NoMatch, "{bytes:?}");
    }
    assert_eq!(detect(&ask(7, "/x")), crate::Detection::CERTAIN);
    assert_eq!(detect(&answer(7)), crate::Detection::CERTAIN_REVERSED);
    assert_eq!(detect(PREFACE), crate::Detection::CERTAIN);
    assert_eq!(detect(&frame(wire::SETTINGS, 0, 0, &[])), crate::Detection::WEAK);
}

#[test]
fn upgraded_connections_go_on_in_http2() {
    let request =
        b"GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"
            .to_vec();
    let switching =
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n".to_vec();
    let exchanges = run(&[
        (ToServer, 0, request),
        (ToClient, 0, [switching, frame(wire::SETTINGS, 0, 0, &[])].concat()),
        (ToServer, 0, opening()),
        (ToClient, 0, answer(1)),
        (ToServer, 0, ask(3, "/next")),
        (ToClient, 0, answer(3)),
    ]);
    let first = &exchanges[0];
    assert_eq!((first.protocol, first.status()), (Protocol::Http1, ResponseStatus::Ok));
    assert_eq!(lines(&exchanges)[1..], ["http2 3 /next 200 ok", "http2 1 - 200 ok"]);
}

#[test]
fn calls_of_models_are_read_across_frames() {
    let fields =
        [vec![0x83, 0x86], field(":path", "/v1/chat/completions"), field("content-type", "application/json")];
    let head = frame(wire::HEADERS, wire::END_HEADERS, 1, &fields.concat());
    let asked = br#"{"messages":[{"content":"private"}],"model":"m-1","stream":true}"#;
    let (front, back) = asked.split_at(50);
    let events = [vec![0x88], field("content-type", "text/event-stream")].concat();
    let first = b"data: {\"model\":\"m-1-a\",\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\ndata: {\"choices\":[{\"fin";
    let second = b"ish_reason\":\"stop\"}],\"usage\":{\"completion_tokens\":5}}\n\ndata: [DONE]\n\n";
    let exchanges = run(&[
        (ToServer, 0, [opening(), head, frame(wire::DATA, 0, 1, front)].concat()),
        (ToServer, 0, frame(wire::DATA, wire::END_STREAM, 1, back)),
        (ToClient, 0, frame(wire::HEADERS, wire::END_HEADERS, 1, &events)),
        (ToClient, 0, frame(wire::DATA, 0, 1, first)),
        (ToClient, 0, frame(wire::DATA, wire::END_STREAM, 1, second)),
    ]);
    let text = |key| attribute(&exchanges[0], key).and_then(AttributeValue::as_text);
    assert_eq!(text("gen_ai.request.model"), Some("m-1"));
    assert_eq!(text("gen_ai.response.model"), Some("m-1-a"));
    assert_eq!(attribute(&exchanges[0], "gen_ai.usage.output_tokens"), Some(&AttributeValue::Integer(5)));
    assert_eq!(attribute(&exchanges[0], "df.gen_ai.response.chunks"), Some(&AttributeValue::Integer(2)));
    let waited = attribute(&exchanges[0], "gen_ai.response.time_to_first_chunk");
    assert_eq!(waited, Some(&AttributeValue::Double(3e-9)));
}
