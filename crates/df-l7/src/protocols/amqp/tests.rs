//! Tests of the AMQP parser: conversations of 0-9-1, what closes them, mid-stream starts, hostile bytes.

use df_core::{Direction, Transport};
use proptest::prelude::*;

use super::ROW;
use crate::test_conversation::{down, exchanges_of, up};
use crate::{Detection, Exchange};

/// A frame of 0-9-1.
pub(super) fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[kind][..], &channel.to_be_bytes(), &len, payload, &[0xCE]].concat()
}

fn method(channel: u16, class: u16, number: u16, arguments: &[&[u8]]) -> Vec<u8> {
    let words = [class.to_be_bytes(), number.to_be_bytes()].concat();
    frame(1, channel, &[words, arguments.concat()].concat())
}

fn text(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat()
}

fn long(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

/// Properties with a trace context and a message id, and a body in two frames.
fn content(channel: u16, body: &[u8]) -> Vec<u8> {
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let nested = [&text("deep")[..], b"I", &[0; 4]].concat();
    let table = [
        &text("x-death")[..],
        b"F",
        &long(&nested),
        &text("traceparent"),
        b"S",
        &long(traceparent.as_bytes()),
    ]
    .concat();
    let flags = (1_u16 << 15 | 1 << 13 | 1 << 12 | 1 << 10 | 1 << 7).to_be_bytes();
    let size = (body.len() as u64).to_be_bytes();
    let properties = [
        &[0, 60, 0, 0][..],
        &size,
        &flags,
        &text("text/plain"),
        &long(&table),
        &[2],
        &text("c-1"),
        &text("m-1"),
    ];
    let (first, second) = body.split_at(body.len() / 2);
    let bodies =
        [first, second].map(|part| if body.is_empty() { Vec::new() } else { frame(3, channel, part) });
    [frame(2, channel, &properties.concat()), bodies.concat()].concat()
}

fn publish(channel: u16, exchange: &str, key: &str) -> Vec<u8> {
    let head = method(channel, 60, 40, &[&[0, 0], &text(exchange), &text(key), &[1]]);
    [head, content(channel, b"payload")].concat()
}

fn deliver(channel: u16, tag: u8, consumer: &str) -> Vec<u8> {
    let tag = [&[0; 7][..], &[tag]].concat();
    let arguments: [&[u8]; 5] = [&text(consumer), &tag, &[0], &text("orders"), &text("new")];
    [method(channel, 60, 60, &arguments), content(channel, b"payload")].concat()
}

fn settle(channel: u16, number: u16, tag: u8, flags: u8) -> Vec<u8> {
    method(channel, 60, number, &[&[0; 7], &[tag, flags]])
}

pub(super) fn line(exchange: &Exchange) -> String {
    let asked = exchange.asked();
    let kind = asked.map_or("?", |request| &request.kind);
    let resource = asked.and_then(|request| request.resource.as_deref()).unwrap_or("-");
    let trace = asked.and_then(|request| request.context.as_ref()).map_or("", |_| " traced");
    let response = exchange.response.as_ref().map(|response| &response.content);
    let words = response.map(|response| [response.code.as_deref(), response.exception.as_deref()]);
    let words: Vec<&str> = words.into_iter().flatten().flatten().collect();
    format!(
        "{} {kind} {resource}{trace}: {} {}",
        exchange.kind.name(),
        exchange.status().name(),
        words.join(" ")
    )
    .trim_end()
    .to_owned()
}

pub(super) fn lines(turns: &[(Direction, Vec<u8>)]) -> Vec<String> {
    let whole: Vec<String> = exchanges_of(turns, usize::MAX).iter().map(line).collect();
    for piece_len in [1, 2, 7, 30] {
        let cut: Vec<String> = exchanges_of(turns, piece_len).iter().map(line).collect();
        assert_eq!(cut, whole, "in pieces of {piece_len}");
    }
    whole
}

fn header() -> (Direction, Vec<u8>) {
    up(b"AMQP\0\0\x09\x01".to_vec())
}

fn start() -> (Direction, Vec<u8>) {
    let table = [&text("product")[..], b"S", &long(b"RabbitMQ"), &text("version"), b"S", &long(b"3.10.8")];
    down(method(0, 10, 10, &[&[0, 9], &long(&table.concat()), &long(b"PLAIN"), &long(b"en_US")]))
}

fn login() -> (Direction, Vec<u8>) {
    up(method(0, 10, 11, &[&long(b""), &text("PLAIN"), &long(b"\0guest\0secret"), &text("en_US")]))
}

fn tune() -> (Direction, Vec<u8>) {
    down(method(0, 10, 30, &[&[7, 255, 0, 2, 0, 0, 0, 60]]))
}

fn open_channel() -> [(Direction, Vec<u8>); 2] {
    [up(method(1, 20, 10, &[&[0]])), down(method(1, 20, 11, &[&[0; 4]]))]
}

fn closed(channel: u16, class: u16, code: u16, reason: &str, culprit: [u16; 2]) -> (Direction, Vec<u8>) {
    let culprit = culprit.map(u16::to_be_bytes).concat();
    let number = if class == 10 { 50 } else { 40 };
    down(method(channel, class, number, &[&code.to_be_bytes(), &text(reason), &culprit]))
}

#[test]
fn a_login_tells_the_server_and_never_the_password() {
    let turns = [
        header(),
        start(),
        login(),
        tune(),
        up(method(0, 10, 31, &[&[7, 255, 0, 2, 0, 0, 0, 60]])),
        up(method(0, 10, 40, &[&text("shop"), &[0, 0]])),
        down(method(0, 10, 41, &[&[0]])),
        up(method(1, 20, 10, &[&[0]])),
        down(method(1, 20, 11, &[&[0; 4]])),
    ];
    let expected = [
        "exchange ProtocolHeader -: ok",
        "exchange Connection.StartOk -: ok",
        "one_way Connection.TuneOk -: unknown",
        "exchange Connection.Open -: ok",
        "exchange Channel.Open -: ok",
    ];
    assert_eq!(lines(&turns), expected);
    let exchanges = exchanges_of(&turns, 5);
    let product = exchanges[0].response.as_ref().unwrap().content.result.as_deref();
    assert_eq!(product, Some("RabbitMQ 3.10.8"));
    let last = exchanges[4].asked().unwrap();
    assert_eq!(last.domain.as_deref(), Some("shop"));
    assert_eq!(last.attributes.find("messaging.system").and_then(|value| value.as_text()), Some("rabbitmq"));
    assert!(!format!("{exchanges:?}").contains("secret"));
}

#[test]
fn refusals() {
    let turns = [
        header(),
        start(),
        login(),
        closed(0, 10, 403, "ACCESS_REFUSED", [0, 0]),
        up(method(0, 10, 51, &[])),
    ];
    let expected =
        ["exchange ProtocolHeader -: ok", "exchange Connection.StartOk -: client_error 403 ACCESS_REFUSED"];
    assert_eq!(lines(&turns), expected);

    let turns = [header(), down(b"AMQP\0\x01\0\0".to_vec())];
    assert_eq!(lines(&turns), ["exchange ProtocolHeader -: client_error 1.0 another version is offered"]);

    let mut turns = vec![header()];
    turns.extend(open_channel());
    turns.push(up(method(1, 50, 10, &[&[0, 0], &text("none"), &[1], &long(b"")])));
    turns.push(closed(1, 20, 404, "NOT_FOUND - no queue 'none'", [50, 10]));
    turns.push(up(method(1, 20, 41, &[])));
    turns.extend(open_channel());
    turns.push(up(publish(1, "gone", "k")));
    turns.push(closed(1, 20, 404, "NOT_FOUND - no exchange 'gone'", [60, 40]));
    turns.push(up(method(1, 90, 10, &[])));
    let expected = [
        "exchange Channel.Open -: ok",
        "exchange Queue.Declare none: client_error 404 NOT_FOUND - no queue 'none'",
        "exchange Channel.Open -: ok",
        "one_way Basic.Publish gone:k traced: unknown",
        "one_way Tx.Select -: unknown",
        "request ProtocolHeader -: timeout",
        "response Channel.Close -: client_error 404 NOT_FOUND - no exchange 'gone'",
    ];
    let mut found = lines(&turns);
    found.sort();
    let mut expected = expected.map(str::to_owned);
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn published_messages_and_their_confirmations() {
    let mut turns = Vec::from(open_channel());
    turns.push(up(publish(1, "", "q")));
    turns.push(up(method(1, 85, 10, &[&[0]])));
    turns.push(down(method(1, 85, 11, &[])));
    turns.push(up(
        [publish(1, "", "a"), publish(1, "", "b"), publish(1, "x", "none"), publish(1, "", "c")].concat()
    ));
    turns.push(down(settle(1, 80, 2, 1)));
    let returned = method(1, 60, 50, &[&[1, 56], &text("NO_ROUTE"), &text("x"), &text("none")]);
    turns.push(down([returned, content(1, b"payload")].concat()));
    turns.push(down(settle(1, 80, 3, 0)));
    turns.push(down(settle(1, 120, 4, 0)));
    turns.push(down(settle(1, 80, 9, 0)));
    let expected = [
        "exchange Channel.Open -: ok",
        "one_way Basic.Publish q traced: unknown",
        "exchange Confirm.Select -: ok",
        "exchange Basic.Publish a traced: ok",
        "exchange Basic.Publish b traced: ok",
        "exchange Basic.Publish x:none traced: client_error 312 NO_ROUTE",
        "exchange Basic.Publish c traced: server_error nack",
        "one_way Basic.Ack -: unknown",
    ];
    assert_eq!(lines(&turns), expected);
    let exchanges = exchanges_of(&turns, 5);
    let request = exchanges[3].request.as_ref().unwrap();
    assert_eq!(request.length, publish(1, "", "a").len() as u64);
    let attribute = |key| request.content.attributes.find(key).map(|value| format!("{value:?}"));
    assert_eq!(attribute("messaging.message.body.size").as_deref(), Some("Integer(7)"));
    assert_eq!(attribute("messaging.message.id").as_deref(), Some("Text(\"m-1\")"));
    assert_eq!(attribute("messaging.message.conversation_id").as_deref(), Some("Text(\"c-1\")"));
    assert_eq!(attribute("messaging.rabbitmq.message.delivery_tag").as_deref(), Some("Integer(1)"));
}

#[test]
fn delivered_and_fetched_messages() {
    let consume = |tag: &str, flags: u8| {
        up(method(1, 60, 20, &[&[0, 0], &text("bills"), &text(tag), &[flags], &long(b"")]))
    };
    let mut turns = Vec::from(open_channel());
    turns.extend([consume("", 0), down(method(1, 60, 21, &[&text("ctag-1")])), consume("free", 2 | 8)]);
    turns.push(down([deliver(1, 1, "ctag-1"), deliver(1, 2, "free"), deliver(1, 3, "ctag-1")].concat()));
    turns.push(down(deliver(1, 4, "ctag-1")));
    turns.push(up([settle(1, 80, 3, 1), settle(1, 90, 4, 0)].concat()));
    turns.push(up(method(1, 60, 70, &[&[0, 0], &text("bills"), &[1]])));
    let arguments: [&[u8]; 4] = [&[0, 0, 0, 0, 0, 0, 0, 5, 0], &text("orders"), &text("new"), &[0, 0, 0, 8]];
    turns.push(down([method(1, 60, 71, &arguments), content(1, b"")].concat()));
    turns.push(up(method(1, 60, 70, &[&[0, 0], &text("bills"), &[1]])));
    turns.push(down(method(1, 60, 72, &[&[0]])));
    let expected = [
        "exchange Channel.Open -: ok",
        "exchange Basic.Consume bills: ok",
        "one_way Basic.Consume bills: unknown",
        "one_way Basic.Deliver orders:new:bills traced: unknown",
        "exchange Basic.Deliver orders:new:bills traced: ok",
        "exchange Basic.Deliver orders:new:bills traced: ok",
        "exchange Basic.Deliver orders:new:bills traced: client_error reject",
        "exchange Basic.Get bills: ok",
        "exchange Basic.Get bills: ok",
    ];
    assert_eq!(lines(&turns), expected);
    let exchanges = exchanges_of(&turns, 5);
    let fetched = &exchanges[7].response.as_ref().unwrap().content;
    let trace = fetched.attributes.find("df.messaging.message.trace_id").and_then(|value| value.as_text());
    assert_eq!(trace, Some("0af7651916cd43dd8448eb211c80319c"));
}

#[test]
fn channels_interleave_and_gaps_end_what_they_touch() {
    let [head, rest] = [publish(1, "x", "k"), content(1, b"payload")].map(|frames| {
        let end = frames.len() - 12;
        [frames[..end].to_vec(), frames[end..].to_vec()]
    });
    let [first, second] = head;
    let other = up(publish(2, "y", "k"));
    let turns = [up(first.clone()), other.clone(), up(second)];
    let expected = ["one_way Basic.Publish y:k traced: unknown", "one_way Basic.Publish x:k traced: unknown"];
    assert_eq!(lines(&turns), expected);
    let gap = up(Vec::new());
    let turns = [
        up(first),
        gap,
        up(rest[1].clone()),
        other,
        up(method(1, 90, 20, &[])),
        down(method(1, 90, 21, &[])),
    ];
    let expected = [
        "one_way Basic.Publish x:k traced: unknown",
        "one_way Basic.Publish y:k traced: unknown",
        "exchange Tx.Commit -: ok",
    ];
    let found: Vec<String> = exchanges_of(&turns, usize::MAX).iter().map(line).collect();
    assert_eq!(found, expected);
}

#[test]
fn in_mid_stream_acknowledgments_tell_that_there_are_any() {
    let turns = [
        down(method(1, 50, 11, &[&text("q"), &[0, 0, 0, 3, 0, 0, 0, 1]])),
        down(deliver(1, 7, "c")),
        up(settle(1, 80, 7, 0)),
        down(deliver(1, 8, "c")),
        up(settle(1, 80, 8, 0)),
    ];
    let expected = [
        "one_way Basic.Deliver orders:new traced: unknown",
        "one_way Basic.Ack -: unknown",
        "exchange Basic.Deliver orders:new traced: ok",
        "response Queue.Declare -: ok",
    ];
    assert_eq!(lines(&turns), expected);
}

#[test]
fn detection_wants_a_header_or_a_whole_method() {
    let detect = |direction, bytes: &[u8]| (ROW.detect)(Transport::Tcp, direction, bytes);
    let (to_server, to_client) = (Direction::ToServer, Direction::ToClient);
    assert_eq!(detect(to_server, b"AMQP\0\0\x09\x01"), Detection::CERTAIN);
    assert_eq!(detect(to_server, b"AMQP"), Detection::NeedMore);
    let published = publish(1, "x", "k");
    assert_eq!(detect(to_server, &published), Detection::CERTAIN);
    assert_eq!(detect(to_client, &published), Detection::CERTAIN_REVERSED);
    assert_eq!(detect(to_client, &deliver(1, 1, "c")), Detection::CERTAIN);
    assert_eq!(detect(to_client, &content(1, b"payload")), Detection::WEAK);
    assert_eq!(detect(to_client, &frame(8, 0, &[])), Detection::WEAK);
    assert_eq!(detect(to_server, &published[..12]), Detection::NeedMore);
    let strangers: [&[u8]; 6] = [
        b"AMQX\0\0\x09\x01",
        b"\x01\x01\0\x01\0\x08\0\0\0\x01\0\0\0\0\0\0",
        b"\x01\0\x01\0\0\0\x05\0\x3c\0\x29\0\xCE",
        b"\x01\0\x01\0\0\0\x05\0\x0a\0\x0a\0\xCE",
        b"\x08\0\0\0\0\0\0\0",
        b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0",
    ];
    for stranger in strangers {
        assert_eq!(detect(to_server, stranger), Detection::NoMatch, "{stranger:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_frame_is_survived(
        kind in 1_u8..4, class in 0_u16..10, number in 0_u16..13, body in proptest::collection::vec(any::<u8>(), 0..200)
    ) {
        let words = [(class * 10).to_be_bytes(), (number * 10).to_be_bytes()].concat();
        let any_frame = frame(kind, 1, &[words, body].concat());
        let turns = [header(), up(any_frame.clone()), down(any_frame)];
        prop_assert!(exchanges_of(&turns, 64).len() <= 4);
    }
}
