//! Tests of AMQP 1.0: conversations written as bytes, refusals, several frames, mid-stream starts, hostile bytes.

use df_core::{Direction, Transport};
use proptest::prelude::*;

use super::super::ROW;
use super::super::tests::lines;
use crate::test_conversation::{down, exchanges_of, up};
use crate::{Detection, Exchange};

fn frame(frame_type: u8, channel: u16, body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
    [&size[..], &[2, frame_type], &channel.to_be_bytes(), body].concat()
}

/// A described list.
fn described(code: u8, fields: &[&[u8]]) -> Vec<u8> {
    let values = fields.concat();
    if values.is_empty() {
        return vec![0, 0x53, code, 0x45];
    }
    let count = u32::try_from(fields.len()).unwrap().to_be_bytes();
    let size = u32::try_from(values.len() + 4).unwrap().to_be_bytes();
    [&[0, 0x53, code, 0xD0][..], &size, &count, &values].concat()
}

fn perform(channel: u16, code: u8, fields: &[&[u8]]) -> Vec<u8> {
    frame(u8::from(code >= 0x40), channel, &described(code, fields))
}

fn text(text: &str) -> Vec<u8> {
    [&[0xA1, u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat()
}

fn symbol(text: &str) -> Vec<u8> {
    [&[0xA3, u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat()
}

const fn uint(number: u8) -> [u8; 2] {
    [0x52, number]
}

fn error(condition: &str) -> Vec<u8> {
    described(0x1D, &[&symbol(condition), &text("in words")])
}

fn map(pairs: &[(&str, &str)]) -> Vec<u8> {
    let values: Vec<Vec<u8>> = pairs.iter().map(|(key, value)| [text(key), text(value)].concat()).collect();
    let values = values.concat();
    let count = u8::try_from(pairs.len() * 2).unwrap();
    [&[0xC1, u8::try_from(values.len() + 1).unwrap(), count][..], &values].concat()
}

fn open_both() -> [(Direction, Vec<u8>); 4] {
    let server = map(&[("product", "RabbitMQ"), ("version", "4.0.1")]);
    let nulls = [NULL; 7].concat();
    let server = [&text("broker"), &nulls[..], NULL, &server].concat();
    let open = [&[0, 0x53, 0x10, 0xC0, u8::try_from(server.len() + 1).unwrap(), 10][..], &server].concat();
    [
        up(perform(0, 0x10, &[&text("shop-7"), &text("shop.example")])),
        down(frame(0, 0, &open)),
        up(perform(3, 0x11, &[NULL, &uint(0)])),
        down(perform(5, 0x11, &[&[0x60, 0, 3], &uint(0)])),
    ]
}

/// An `attach` of the side that says it; `node` is the address on the side of the broker.
fn attach(channel: u16, name: &str, handle: u8, is_receiver: bool, nodes: [&[u8]; 2]) -> Vec<u8> {
    let role: &[u8] = if is_receiver { &[0x41] } else { &[0x42] };
    perform(channel, 0x12, &[&text(name), &uint(handle), role, NULL, NULL, nodes[0], nodes[1]])
}

fn node(code: u8, address: &str) -> Vec<u8> {
    described(code, &[&text(address)])
}

/// A client that sends to `orders` by handle 0, which the server calls 9.
fn sender() -> [(Direction, Vec<u8>); 2] {
    let (source, target) = (described(0x28, &[]), node(0x29, "orders"));
    [up(attach(3, "out", 0, false, [&source, &target])), down(attach(5, "out", 9, true, [&source, &target]))]
}

/// A client that receives from `bills` by handle 1, which the server calls 0.
fn receiver() -> [(Direction, Vec<u8>); 2] {
    let (source, target) = (node(0x28, "bills"), described(0x29, &[]));
    [up(attach(3, "in", 1, true, [&source, &target])), down(attach(5, "in", 0, false, [&source, &target]))]
}

fn message(body: &[u8]) -> Vec<u8> {
    let context = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let application = [&[0, 0x53, 0x74][..], &map(&[("traceparent", context), ("secret", "no")])].concat();
    let properties =
        described(0x73, &[&text("m-1"), NULL, NULL, NULL, NULL, &[0x80, 0, 0, 0, 0, 0, 0, 0, 9]]);
    let data = [&[0, 0x53, 0x75, 0xB0][..], &u32::try_from(body.len()).unwrap().to_be_bytes(), body].concat();
    [described(0x70, &[&[0x41]]), properties, application, data].concat()
}

fn transfer(channel: u16, handle: u8, delivery: Option<u8>, flags: [bool; 2], payload: &[u8]) -> Vec<u8> {
    let delivery = delivery.map_or(NULL.to_vec(), |delivery| uint(delivery).to_vec());
    let [is_settled, has_more] = flags.map(|flag| [if flag { 0x41 } else { 0x42 }]);
    let fields: [&[u8]; 6] = [&uint(handle), &delivery, b"\xA0\x01t", &uint(0), &is_settled, &has_more];
    frame(0, channel, &[&described(0x14, &fields)[..], payload].concat())
}

fn disposition(channel: u16, first: u8, last: Option<u8>, state: &[u8]) -> Vec<u8> {
    let last = last.map_or(NULL.to_vec(), |last| uint(last).to_vec());
    perform(channel, 0x15, &[&[0x41], &uint(first), &last, &[0x41], state])
}

fn attribute(exchange: &Exchange, key: &str) -> Option<String> {
    exchange.asked()?.attributes.find(key).map(|value| format!("{value:?}"))
}

#[test]
fn a_login_tells_peers_and_never_the_password() {
    let header = |layer| [&b"AMQP"[..], &[layer, 1, 0, 0]].concat();
    let mechanisms = described(0x40, &[&symbol("PLAIN")]);
    let mut turns = vec![
        up(header(3)),
        down([header(3), frame(1, 0, &mechanisms)].concat()),
        up(perform(0, 0x41, &[&symbol("PLAIN"), b"\xA0\x0E\0guest\0secret!", &text("host")])),
        down(perform(0, 0x44, &[&[0x50, 0]])),
        up(header(0)),
        down(header(0)),
    ];
    turns.extend(open_both());
    let heartbeat = frame(0, 0, &[]);
    turns.extend([
        up(heartbeat.clone()),
        down(heartbeat),
        up(perform(0, 0x18, &[])),
        down(perform(0, 0x18, &[])),
    ]);
    let expected = [
        "exchange ProtocolHeader -: ok",
        "exchange sasl-init -: ok",
        "exchange ProtocolHeader -: ok",
        "exchange open -: ok",
        "exchange begin -: ok",
        "exchange close -: ok",
    ];
    assert_eq!(lines(&turns), expected);
    let exchanges = exchanges_of(&turns, 3);
    assert!(!format!("{exchanges:?}").contains("secret"));
    let product = exchanges[3].response.as_ref().unwrap().content.result.as_deref();
    assert_eq!(product, Some("RabbitMQ 4.0.1"));
    assert_eq!(exchanges[5].asked().unwrap().domain.as_deref(), Some("shop.example"));
    assert_eq!(attribute(&exchanges[5], "messaging.client.id").as_deref(), Some("Text(\"shop-7\")"));
    assert_eq!(attribute(&exchanges[5], "messaging.system").as_deref(), Some("Text(\"rabbitmq\")"));
}

#[test]
fn a_login_or_a_layer_is_refused() {
    let turns = [
        up(b"AMQP\x03\x01\0\0".to_vec()),
        down(b"AMQP\x03\x01\0\0".to_vec()),
        up(perform(0, 0x41, &[&symbol("PLAIN"), b"\xA0\0"])),
        down(perform(0, 0x44, &[&[0x50, 1]])),
    ];
    assert_eq!(lines(&turns), ["exchange ProtocolHeader -: ok", "exchange sasl-init -: client_error auth"]);
    let turns = [up(b"AMQP\0\x01\0\0".to_vec()), down(b"AMQP\x03\x01\0\0".to_vec())];
    assert_eq!(lines(&turns), ["exchange ProtocolHeader -: client_error 1.0 another layer is wanted: SASL"]);
    let turns = [up(b"AMQP\x03\x02\0\0".to_vec()), down(b"AMQP\0\0\x09\x01".to_vec())];
    assert_eq!(lines(&turns), ["exchange ProtocolHeader -: client_error 0.9.1 another version is offered"]);
}

#[test]
fn tls_takes_the_connection_over() {
    let turns = [
        up(b"AMQP\x02\x01\0\0".to_vec()),
        down(b"AMQP\x02\x01\0\0".to_vec()),
        up(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
    ];
    let kinds: Vec<_> = exchanges_of(&turns, 5).iter().map(|exchange| exchange.protocol.name()).collect();
    assert_eq!(kinds, ["amqp", "http1"]);
}

#[test]
fn messages_sent_and_what_became_of_them() {
    let mut turns = Vec::from(open_both());
    turns.extend(sender());
    let send =
        |delivery, is_settled| transfer(3, 0, Some(delivery), [is_settled, false], &message(b"payload"));
    turns.push(up([send(0, false), send(1, false), send(2, true), send(3, false), send(4, false)].concat()));
    turns.push(down(disposition(5, 0, Some(1), &described(0x24, &[]))));
    turns.push(up(perform(3, 0x15, &[&[0x42], &uint(0), &uint(1), &[0x41]])));
    turns.push(down(disposition(5, 3, None, &described(0x25, &[&error("amqp:decode-error")]))));
    let received: [&[u8]; 5] = [&[0x41], &uint(4), NULL, NULL, &described(0x23, &[&uint(0), &uint(9)])];
    turns.push(down(perform(5, 0x15, &received)));
    turns.push(down(disposition(5, 4, None, &described(0x26, &[]))));
    let expected = [
        "exchange open -: ok",
        "exchange begin -: ok",
        "exchange attach orders: ok",
        "one_way transfer orders traced: unknown",
        "exchange transfer orders traced: ok",
        "exchange transfer orders traced: ok",
        "exchange transfer orders traced: client_error amqp:decode-error in words",
        "exchange transfer orders traced: server_error released",
    ];
    assert_eq!(lines(&turns), expected);
    let exchanges = exchanges_of(&turns, 7);
    let accepted = &exchanges[4];
    assert_eq!(accepted.request.as_ref().unwrap().length, send(0, false).len() as u64);
    for (key, value) in [
        ("messaging.message.body.size", "Integer(7)"),
        ("messaging.message.id", "Text(\"m-1\")"),
        ("messaging.message.conversation_id", "Text(\"9\")"),
        ("messaging.operation.type", "Text(\"send\")"),
        ("df.amqp.link.name", "Text(\"out\")"),
    ] {
        assert_eq!(attribute(accepted, key).as_deref(), Some(value), "{key}");
    }
    assert!(!format!("{exchanges:?}").contains("payload"));
    assert!(!format!("{exchanges:?}").contains("secret"));
}

#[test]
fn messages_received_in_several_frames_on_interleaved_links() {
    let mut turns = Vec::from(open_both());
    turns.extend(receiver());
    let target = described(0x29, &[]);
    turns.push(up(attach(3, "more", 2, true, [&node(0x28, "news"), &target])));
    turns.push(down(attach(5, "more", 1, false, [&node(0x28, "news"), &target])));
    let whole = message(&[b'x'; 300]);
    let (first, rest) = whole.split_at(150);
    turns.push(down(transfer(5, 0, Some(0), [false, true], first)));
    turns.push(down(transfer(5, 1, Some(1), [false, false], &message(b"short"))));
    turns.push(down(transfer(5, 0, None, [false, true], &rest[..100])));
    turns.push(down(transfer(5, 0, None, [false, false], &rest[100..])));
    turns.push(up(disposition(3, 0, Some(1), &described(0x24, &[]))));
    let expected = [
        "exchange open -: ok",
        "exchange begin -: ok",
        "exchange attach bills: ok",
        "exchange attach news: ok",
        "exchange transfer bills traced: ok",
        "exchange transfer news traced: ok",
    ];
    let mut found = lines(&turns);
    found[4..].sort();
    assert_eq!(found, expected);
    let exchanges = exchanges_of(&turns, usize::MAX);
    let long = exchanges.iter().find(|exchange| {
        exchange
            .asked()
            .is_some_and(|request| request.resource.as_deref() == Some("bills") && request.kind == "transfer")
    });
    let size = format!("Integer({})", whole.len());
    assert_eq!(attribute(long.unwrap(), "messaging.message.envelope.size"), Some(size));
    assert_eq!(attribute(long.unwrap(), "messaging.message.body.size").as_deref(), Some("Integer(300)"));
    assert_eq!(attribute(long.unwrap(), "df.amqp.is_from_server").as_deref(), Some("Boolean(true)"));
}

#[test]
fn a_refused_link_is_answered_by_the_detach_that_says_why() {
    let mut turns = Vec::from(open_both());
    let (source, target) = (described(0x28, &[]), node(0x29, "secret"));
    turns.push(up(attach(3, "out", 0, false, [&source, &target])));
    turns.push(down(attach(5, "out", 4, true, [&source, NULL])));
    turns.push(down(perform(5, 0x16, &[&uint(4), &[0x41], &error("amqp:unauthorized-access")])));
    turns.push(up(perform(3, 0x16, &[&uint(0), &[0x41]])));
    let expected = [
        "exchange open -: ok",
        "exchange begin -: ok",
        "exchange attach secret: client_error amqp:unauthorized-access in words",
    ];
    assert_eq!(lines(&turns), expected);
}

#[test]
fn what_ends_with_a_reason_answers_what_waits_there() {
    let mut turns = Vec::from(open_both());
    turns.extend(sender());
    turns.extend(receiver());
    turns.push(up(transfer(3, 0, Some(0), [false, false], &message(b"a"))));
    turns.push(down(perform(5, 0x16, &[&uint(9), &[0x41], &error("amqp:resource-deleted")])));
    turns.push(up(perform(3, 0x16, &[&uint(0), &[0x41]])));
    turns.push(up(perform(3, 0x16, &[&uint(1), &[0x41]])));
    turns.push(down(perform(5, 0x16, &[&uint(0), &[0x41]])));
    turns.push(down(perform(5, 0x17, &[&error("amqp:internal-error")])));
    turns.push(up(perform(3, 0x17, &[])));
    turns.push(up(perform(0, 0x18, &[&error("amqp:frame-size-too-small")])));
    turns.push(down(perform(0, 0x18, &[])));
    let expected = [
        "exchange open -: ok",
        "exchange begin -: ok",
        "exchange attach orders: ok",
        "exchange attach bills: ok",
        "exchange transfer orders traced: client_error amqp:resource-deleted in words",
        "exchange detach bills: ok",
        "exchange close -: ok",
        "response end -: server_error amqp:internal-error in words",
    ];
    let mut found = lines(&turns);
    found.sort();
    let mut expected = expected.map(str::to_owned);
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_start_in_mid_stream_pairs_deliveries_and_names_nothing_that_was_not_seen() {
    let mut turns = vec![
        down(perform(0, 0x13, &[&uint(1), &uint(5), &uint(1), &uint(5)])),
        up(transfer(0, 0, Some(7), [false, false], &message(b"a"))),
        down(disposition(0, 7, None, &described(0x24, &[]))),
        down(disposition(0, 6, None, &described(0x24, &[]))),
    ];
    let expected = ["exchange transfer - traced: ok"];
    assert_eq!(lines(&turns), expected);
    turns.push(up(Vec::new()));
    turns.push(up(transfer(0, 0, None, [false, false], b"the end of something")));
    turns.push(up(transfer(0, 0, Some(9), [true, false], &message(b"a"))));
    let found = exchanges_of(&turns, usize::MAX);
    assert_eq!(found.len(), 2);
}

#[test]
fn unfinished_messages_are_bounded_and_aborted_ones_wait_for_nothing() {
    let mut turns = Vec::from(open_both());
    let begun: Vec<u8> = (0..=255)
        .flat_map(|handle| transfer(3, handle, Some(handle), [true, true], &message(b"a")))
        .collect();
    turns.push(up(begun));
    let more = transfer(4, 0, Some(0), [true, true], &message(b"one more than is remembered"));
    turns.push(up(more));
    assert_eq!(exchanges_of(&turns, usize::MAX).len(), 2 + 257);

    let mut turns = Vec::from(open_both());
    turns.push(up(transfer(3, 0, Some(0), [false, true], &message(b"a"))));
    let fields: [&[u8]; 10] = [&uint(0), NULL, NULL, NULL, &[0x42], &[0x42], NULL, NULL, NULL, &[0x41]];
    turns.push(up(perform(3, 0x14, &fields)));
    let expected = ["exchange open -: ok", "exchange begin -: ok", "one_way transfer - traced: unknown"];
    assert_eq!(lines(&turns), expected);
}

#[test]
fn a_server_may_open_first() {
    let turns = [
        down(b"AMQP\0\x01\0\0".to_vec()),
        down(perform(0, 0x10, &[&text("broker")])),
        up(b"AMQP\0\x01\0\0".to_vec()),
        up(perform(0, 0x10, &[&text("shop")])),
    ];
    let expected = ["one_way ProtocolHeader -: unknown", "one_way open -: unknown", "response open -: ok"];
    assert_eq!(lines(&turns), expected);
}

#[test]
fn what_the_client_asked_for_unseen_is_not_asked_by_the_server() {
    let mut turns = Vec::from(open_both());
    turns.push(up(Vec::new()));
    turns.push(down(attach(5, "out", 9, true, [&described(0x28, &[]), &node(0x29, "orders")])));
    turns.push(up(transfer(3, 0, Some(0), [false, false], &message(b"a"))));
    turns.push(down(disposition(5, 0, None, &described(0x24, &[]))));
    turns.push(down(perform(5, 0x16, &[&uint(9), &[0x41]])));
    let found: Vec<String> = exchanges_of(&turns, usize::MAX).iter().map(super::super::tests::line).collect();
    let expected = [
        "exchange open -: ok",
        "exchange begin -: ok",
        "exchange transfer - traced: ok",
        "response attach orders: ok",
        "response detach orders: ok",
    ];
    assert_eq!(found, expected);
}

#[test]
fn channels_of_the_same_number_are_not_always_one() {
    let mut turns = Vec::from(open_both());
    turns.push(up(transfer(3, 0, Some(0), [false, false], &message(b"a"))));
    turns.push(down(disposition(3, 0, None, &described(0x24, &[]))));
    let expected = ["exchange open -: ok", "exchange begin -: ok", "request transfer - traced: timeout"];
    assert_eq!(lines(&turns), expected);
}

#[test]
fn detection_wants_a_consistent_frame() {
    let detect = |direction, bytes: &[u8]| (ROW.detect)(Transport::Tcp, direction, bytes);
    let (to_server, to_client) = (Direction::ToServer, Direction::ToClient);
    assert_eq!(detect(to_server, b"AMQP\x03\x01\0\0"), Detection::CERTAIN);
    assert_eq!(detect(to_client, b"AMQP\x03\x01\0\0"), Detection::CERTAIN);
    let sent = transfer(0, 0, Some(1), [false, false], &message(b"a"));
    assert_eq!(detect(to_server, &sent), Detection::CERTAIN);
    assert_eq!(detect(to_client, &sent[..40]), Detection::CERTAIN);
    assert_eq!(detect(to_client, &sent[..10]), Detection::NeedMore);
    let outcome = perform(0, 0x44, &[&[0x50, 0]]);
    assert_eq!(detect(to_server, &outcome), Detection::CERTAIN_REVERSED);
    assert_eq!(detect(to_server, &frame(0, 0, &[])), Detection::WEAK);
    assert_eq!(detect(to_server, &[frame(0, 0, &[]), sent].concat()), Detection::CERTAIN);
    assert_eq!(detect(to_server, &[0; 64]), Detection::NoMatch);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_body_is_survived(code in 0x10_u8..0x46, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let list = [&[0, 0x53, code, 0xC0][..], &body].concat();
        let any_frame = frame(u8::from(code >= 0x40), 0, &list);
        let turns = [up(b"AMQP\0\x01\0\0".to_vec()), up(any_frame.clone()), down(any_frame)];
        prop_assert!(exchanges_of(&turns, 64).len() <= 4);
    }
}

const NULL: &[u8] = &[0x40];
