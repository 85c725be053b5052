//! Tests of the MQTT parser: answers, both directions, aliases, versions that nobody told, loss, hostile bytes.

use df_core::{Chunk, Direction, Timestamp, Transport};
use proptest::prelude::*;

use super::ROW;
use super::packet_ids::PacketIds;
use super::topics::{TopicAliases, shared};
use crate::test_conversation::{down, exchanges_of, exchanges_with, up};
use crate::{AttributeValue, Connection, ConnectionConfig, Detection, Exchange};

mod tables;

type Turn = (Direction, Vec<u8>);

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn counted(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

fn packet(first: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let mut packet = vec![first];
    let mut len = body.len();
    while len > 127 {
        packet.push(u8::try_from(len & 127).unwrap() | 128);
        len >>= 7;
    }
    packet.push(u8::try_from(len).unwrap());
    [packet, body].concat()
}

fn connect(level: u8, client_id: &str) -> Vec<u8> {
    let name: &[u8] = if level == 3 { b"MQIsdp" } else { b"MQTT" };
    let properties: &[u8] = if level == 5 { &[0] } else { &[] };
    packet(0x10, &[&counted(name), &[level, 2, 0, 60], properties, &counted(client_id.as_bytes())])
}

/// A message of version 3 with this first byte; with an identifier unless it is zero.
fn publish(first: u8, topic: &str, id: u8, payload: &[u8]) -> Vec<u8> {
    let id: &[u8] = if id == 0 { &[] } else { &[0, id] };
    packet(first, &[&counted(topic.as_bytes()), id, payload])
}

/// A message of version 5 with properties.
fn publish_with(first: u8, topic: &str, id: u8, properties: &[u8], payload: &[u8]) -> Vec<u8> {
    let len = [u8::try_from(properties.len()).unwrap()];
    publish(first, topic, id, &[&len[..], properties, payload].concat())
}

fn alias(number: u8) -> [u8; 3] {
    [0x23, 0, number]
}

fn line(exchange: &Exchange) -> String {
    let asked = exchange
        .asked()
        .map(|request| format!("{} {}", request.kind, request.resource.as_deref().unwrap_or("-")));
    let response = exchange.response.as_ref().map(|response| &response.content);
    let code = response.and_then(|response| response.code.as_deref()).unwrap_or("-");
    let text = response.and_then(|response| response.exception.as_deref()).unwrap_or_default();
    let (kind, status) = (exchange.kind.name(), exchange.status().name());
    format!("{kind} {} {status} {code} {text}", asked.as_deref().unwrap_or("?")).trim_end().to_owned()
}

fn lines(turns: &[Turn]) -> Vec<String> {
    let with_port = || Connection::new(Transport::Tcp, std::sync::Arc::default()).with_ports(50_000, 1883);
    let whole: Vec<String> = exchanges_with(with_port(), turns, usize::MAX).iter().map(line).collect();
    // Behind a gap or an error a message is found where a piece begins with it.
    let has_gap = turns.iter().any(|(_, bytes)| bytes.first().is_none_or(|first| *first == 0x36));
    for piece_len in [1, 2, 3, 7].into_iter().filter(|_| !has_gap) {
        let cut: Vec<String> = exchanges_with(with_port(), turns, piece_len).iter().map(line).collect();
        assert_eq!(cut, whole, "in pieces of {piece_len}");
    }
    whole
}

fn text<'a>(exchange: &'a Exchange, key: &str) -> Option<&'a str> {
    exchange.asked()?.attributes.find(key)?.as_text()
}

fn number(exchange: &Exchange, key: &str) -> Option<i64> {
    match exchange.asked()?.attributes.find(key)? {
        AttributeValue::Integer(number) => Some(*number),
        _ => None,
    }
}

#[test]
fn the_broker_asks_with_identifiers_of_its_own() {
    let turns = [
        up(connect(4, "gate")),
        down(vec![0x20, 2, 1, 0]),
        up(packet(0x82, &[&[0, 1], &counted(b"doors/+"), &[2], &counted(b"lamps/#"), &[0]])),
        down(vec![0x90, 4, 0, 1, 2, 0x80]),
        up(publish(0x32, "doors/1", 7, b"open")),
        down(publish(0x32, "doors/2", 7, b"shut")),
        up(vec![0x40, 2, 0, 7]),
        down([&[0x40, 2, 0, 7][..], &publish(0x35, "doors/3", 8, b"open")].concat()),
        up(vec![0x50, 2, 0, 8]),
        down(vec![0x62, 2, 0, 8]),
        up(vec![0x70, 2, 0, 8, 0xc0, 0, 0xc0, 0]),
        down(vec![0xd0, 0, 0xd0, 0]),
        up([packet(0xa2, &[&[0, 9], &counted(b"doors/+")]), vec![0xe0, 0]].concat()),
    ];
    let expected = [
        "exchange CONNECT - ok 0",
        "exchange SUBSCRIBE doors/+, lamps/# server_error 128 Unspecified error",
        "exchange PUBLISH doors/2 ok -",
        "exchange PUBLISH doors/1 ok -",
        "exchange PUBLISH doors/3 ok -",
        "exchange PINGREQ - ok -",
        "exchange PINGREQ - ok -",
        "one_way DISCONNECT - unknown -",
        "request UNSUBSCRIBE doors/+ timeout -",
    ];
    assert_eq!(lines(&turns), expected);
    let exchanges = exchanges_of(&turns, usize::MAX);
    let from_server =
        |exchange: &Exchange| exchange.asked().unwrap().attributes.find("df.mqtt.is_from_server").is_some();
    assert_eq!(
        exchanges.iter().map(from_server).collect::<Vec<_>>(),
        [false, false, true, false, true, false, false, false, false]
    );
    assert_eq!(text(&exchanges[2], "messaging.operation.name"), Some("receive"));
    assert_eq!(text(&exchanges[3], "messaging.operation.name"), Some("publish"));
    assert_eq!(number(&exchanges[4], "df.mqtt.qos"), Some(2));
    assert_eq!(text(&exchanges[4], "messaging.client.id"), Some("gate"));
    assert_eq!(exchanges[4].version(), Some("3.1.1"));
    assert_eq!(number(&exchanges[4], "messaging.message.body.size"), Some(4));
    let response = &exchanges[1].response.as_ref().unwrap().content;
    assert_eq!(response.result.as_deref(), Some("2, 128"));
}

#[test]
fn codes_tell_who_is_at_fault() {
    for (code, expected) in [
        (1, "client_error 1 Unacceptable protocol version"),
        (3, "server_error 3 Server unavailable"),
        (4, "client_error 4 Bad user name or password"),
        (9, "unknown 9"),
    ] {
        let turns = [up(connect(3, "a")), down(vec![0x20, 2, 0, code])];
        assert_eq!(lines(&turns), [format!("exchange CONNECT - {expected}")]);
    }
    let reason = [&[0x1f][..], &counted(b"not today")].concat();
    let refused = packet(0x20, &[&[0, 0x89, 12], &reason]);
    assert_eq!(
        lines(&[up(connect(5, "a")), down(refused)]),
        ["exchange CONNECT - server_error 137 not today"]
    );
    let old_broker = [up(connect(5, "a")), down(vec![0x20, 2, 0, 1])];
    assert_eq!(lines(&old_broker), ["exchange CONNECT - client_error 1 Unacceptable protocol version"]);
    let turns = [
        up(connect(5, "")),
        down(packet(0x20, &[&[0, 0, 7, 0x12], &counted(b"auto")])),
        up(publish_with(0x32, "a", 1, &[], b"")),
        down(vec![0x40, 3, 0, 1, 0x10]),
        up(publish_with(0x34, "a", 2, &[], b"")),
        down(vec![0x50, 4, 0, 2, 0x97, 0]),
        up(packet(0xa2, &[&[0, 3, 0], &counted(b"a")])),
        down(vec![0xb0, 4, 0, 3, 0, 0x11]),
        up(vec![0xf0, 2, 0x19, 0]),
        down(vec![0xf0, 2, 0x18, 0]),
        up(vec![0xf0, 2, 0x18, 0]),
        down(vec![0xf0, 0]),
        down(vec![0xe0, 2, 0x8e, 0]),
    ];
    let expected = [
        "exchange CONNECT - ok 0",
        "exchange PUBLISH a ok 16",
        "exchange PUBLISH a client_error 151 Quota exceeded",
        "exchange UNSUBSCRIBE a ok 17",
        "one_way AUTH - unknown -",
        "one_way AUTH - unknown -",
        "exchange AUTH - ok 0",
        "one_way DISCONNECT - unknown -",
    ];
    assert_eq!(lines(&turns), expected);
    let exchanges = exchanges_of(&turns, usize::MAX);
    assert_eq!(text(&exchanges[1], "messaging.client.id"), Some("auto"));
    assert_eq!(number(&exchanges[7], "df.mqtt.reason_code"), Some(0x8e));
}

#[test]
fn aliases_belong_to_one_direction() {
    let context = [&[0x26][..], &counted(b"traceparent"), &counted(PARENT.as_bytes())].concat();
    let turns = [
        up(connect(5, "a")),
        up(publish_with(0x30, "up/one", 0, &alias(1), b"x")),
        down(publish_with(0x30, "", 0, &alias(1), b"x")),
        down(publish_with(0x30, "down/one", 0, &alias(1), b"x")),
        up(publish_with(0x30, "", 0, &[&alias(1)[..], &context].concat(), b"payload")),
        down(publish_with(0x30, "", 0, &alias(1), b"x")),
        up(publish_with(0x30, "up/two", 0, &alias(1), b"x")),
        up(publish_with(0x30, "", 0, &alias(1), b"x")),
        up(Vec::new()),
        up(publish_with(0x30, "", 0, &alias(1), b"x")),
        up(publish_with(0x30, "up/three", 0, &alias(1), b"x")),
        up(publish_with(0x30, "", 0, &alias(1), b"x")),
    ];
    let topics: Vec<String> = lines(&turns)
        .iter()
        .filter_map(|line| line.strip_prefix("one_way PUBLISH ")?.split(' ').next().map(str::to_owned))
        .collect();
    let expected =
        ["up/one", "-", "down/one", "up/one", "down/one", "up/two", "up/two", "-", "up/three", "up/three"];
    assert_eq!(topics, expected);
    let unreadable = packet(0x36, &[b"no such quality"]);
    let damaged = [turns[0].clone(), turns[1].clone(), up(unreadable), turns[7].clone()];
    assert_eq!(lines(&damaged)[1], "one_way PUBLISH - unknown -");
    let exchanges = exchanges_of(&turns, usize::MAX);
    assert_eq!(number(&exchanges[3], "messaging.message.body.size"), Some(7));
    let context = exchanges[3].asked().unwrap().context.as_ref().unwrap();
    assert_eq!(context.span_id.as_deref(), Some("b7ad6b7169203331"));
}

#[test]
fn a_version_that_nobody_told_is_not_guessed() {
    // The payload could be properties with an alias.
    let turns = [
        up(publish(0x32, "a/b", 1, &[3, 0x23, 0, 1, b'x'])),
        down(vec![0x40, 2, 0, 1]),
        up(packet(0x82, &[&[0, 2], &counted(b"$share/g/a/+"), &[1]])),
        down(vec![0x90, 3, 0, 2, 1]),
        up(publish(0x30, "a/b", 0, b"abc")),
    ];
    let expected = [
        "exchange PUBLISH a/b ok -",
        "exchange SUBSCRIBE $share/g/a/+ ok 1",
        "one_way PUBLISH a/b unknown -",
    ];
    assert_eq!(lines(&turns), expected);
    let exchanges = exchanges_of(&turns, usize::MAX);
    assert!(exchanges.iter().all(|exchange| exchange.version().is_none()));
    assert_eq!(number(&exchanges[0], "messaging.message.body.size"), None);
    assert_eq!(number(&exchanges[2], "messaging.message.body.size"), Some(3), "the filters showed version 3");
    assert_eq!(text(&exchanges[1], "messaging.consumer.group.name"), Some("g"));
    assert_eq!(text(&exchanges[1], "messaging.destination.name"), Some("a/+"));

    let turns = [
        up(publish(0x32, "a/b", 1, &[0, b'x'])),
        down(vec![0x40, 3, 0, 1, 0]),
        up(publish(0x30, "a/b", 0, &[0, b'x'])),
        down(vec![0x40, 3, 0, 9, 0]),
    ];
    assert_eq!(lines(&turns)[2], "response ? ok 0");
    let exchanges = exchanges_of(&turns, usize::MAX);
    assert_eq!(exchanges[0].version(), None);
    assert_eq!(
        (exchanges[1].version(), number(&exchanges[1], "messaging.message.body.size")),
        (Some("5.0"), Some(1))
    );
}

#[test]
fn a_version_that_a_packet_looked_like_is_taken_back() {
    let turns = [
        up(publish(0x32, "a/b", 1, b"x")),
        // What looks like an acknowledgment of version 5.
        down(vec![0x40, 3, 0, 1, 0]),
        up(publish(0x30, "a/b", 0, b"{ }")),
        up(publish(0x30, "a/b", 0, b"\x03#\0\x01x")),
        up(packet(0xa2, &[&[0, 2], &counted(b"a/b")])),
        up(publish(0x30, "a/b", 0, b"{ }")),
    ];
    let exchanges = exchanges_of(&turns, usize::MAX);
    let facts = |exchange: &Exchange| {
        let size = number(exchange, "messaging.message.body.size");
        (exchange.version().map(str::to_owned), size)
    };
    let found: Vec<_> = exchanges.iter().map(facts).collect();
    // The message that shows the error is lost; the one behind it is told without its size.
    assert_eq!(found, [(None, None), (None, None), (None, Some(3)), (None, None)]);
    assert_eq!(exchanges[3].kind.name(), "request", "{exchanges:?}");

    // An empty topic without an alias behind it is of no version.
    for nonsense in [&b"xyz"[..], b"\x03\x23\0\0", b"\x04\x23\0\x01\xff", b"\0x"] {
        let nonsense = publish(0x30, "", 0, nonsense);
        let turns = [up(publish(0x30, "a/b", 0, b"x")), up(publish(0x30, "a/c", 0, b"x")), up(nonsense)];
        assert_eq!(exchanges_of(&turns, usize::MAX).len(), 2);
    }
}

#[test]
fn an_identifier_used_again_is_another_message() {
    let again = publish(0x3a, "a/b", 1, b"x");
    let turns = [
        up(connect(4, "a")),
        down(vec![0x20, 2, 0, 0]),
        up(publish(0x32, "a/b", 1, b"x")),
        up(again),
        down(vec![0x40, 2, 0, 1]),
        up(publish(0x32, "a/lost", 1, b"x")),
        down(Vec::new()),
        up(publish(0x32, "a/c", 1, b"x")),
        down(vec![0x40, 2, 0, 1]),
    ];
    let expected = [
        "exchange CONNECT - ok 0",
        "exchange PUBLISH a/b ok -",
        "exchange PUBLISH a/c ok -",
        "request PUBLISH a/lost timeout -",
    ];
    assert_eq!(lines(&turns), expected);
    let mut ids = PacketIds::default();
    assert_eq!((ids.answer(5, 1), ids.ask(5, 2), ids.is_open(5)), (1, 1, true), "the answer came first");
    assert_eq!((ids.answer(5, 3), ids.is_open(5)), (1, false));
    for number in 0..5_000 {
        ids.ask(number, u64::from(number) + 10);
    }
    assert!(ids.is_open(4_999) && !ids.is_open(1));
}

#[test]
fn what_is_bounded_stays_so() {
    let mut aliases = TopicAliases::default();
    for number in 1..5_000 {
        aliases.insert(number, "t".to_owned());
    }
    assert!(aliases.find(200).is_some() && aliases.find(300).is_none());
    assert_eq!(shared("$share/g/a/#"), (Some("g"), "a/#"));
    assert_eq!(shared("$share/g"), (None, "$share/g"));
    let large = publish(0x30, "a/b", 0, &vec![b'0'; 300_000]);
    let turns = [up(connect(4, "a")), up([large, vec![0xc0, 0]].concat()), down(vec![0xd0, 0])];
    let found: Vec<String> = exchanges_of(&turns, 1_000).iter().map(line).collect();
    assert_eq!(
        found,
        ["one_way PUBLISH a/b unknown -", "exchange PINGREQ - ok -", "request CONNECT - timeout -"]
    );
}

#[test]
fn what_was_cut_is_not_told() {
    let whole = [
        connect(5, "a"),
        packet(0x20, &[&[0, 0x87, 0]]),
        packet(0x82, &[&[0, 1, 0], &counted(b"a"), &[0], &counted(b"b"), &[0]]),
        packet(0x90, &[&[0, 1, 0, 1, 0x87]]),
        publish_with(0x32, "a/b", 2, &alias(1), b"x"),
        packet(0x40, &[&[0, 2, 0x97, 0]]),
        packet(0xf0, &[&[0x19, 0]]),
        packet(0xe0, &[&[0x8e, 0]]),
    ];
    for kept in 1..16 {
        let mut connection = Connection::new(Transport::Tcp, std::sync::Arc::default()).with_protocol(&ROW);
        let mut offsets = [0, 0];
        for (place, bytes) in (0_u64..).zip(&whole) {
            let direction =
                if matches!(place, 1 | 3 | 5) { Direction::ToClient } else { Direction::ToServer };
            let cut = &bytes[..if place == 0 { bytes.len() } else { kept.min(bytes.len()) }];
            let offset = &mut offsets[direction.index()];
            let chunk = Chunk::new(direction, Timestamp::from_nanos(place), *offset, cut);
            connection.handle_chunk(chunk.with_original_len(bytes.len()));
            *offset += bytes.len() as u64;
        }
        connection.handle_close();
        for exchange in std::iter::from_fn(|| connection.poll_exchange()) {
            let response = exchange.response.as_ref().map(|response| &response.content);
            assert!(response.is_none_or(|response| !matches!(response.code.as_deref(), Some("0" | "1"))));
            assert_ne!(exchange.status().name(), "ok", "{kept}: {exchange:?}");
            assert!(!matches!(number(&exchange, "df.mqtt.reason_code"), Some(0)), "{kept}: {exchange:?}");
            let topic = text(&exchange, "messaging.destination.name");
            assert!(matches!(topic, None | Some("a/b")), "{kept}: {exchange:?}");
        }
    }
}

#[test]
fn payloads_and_secrets_are_not_kept() {
    let connect = packet(
        0x10,
        &[
            &counted(b"MQTT"),
            &[4, 0xf6, 0, 60],
            &counted(b"a"),
            &counted(b"will/topic"),
            &counted(b"lastword"),
            &counted(b"username"),
            &counted(b"password"),
        ],
    );
    let turns = [up(connect), up(publish(0x30, "a/b", 0, b"payload"))];
    let shown = format!("{:?}", exchanges_of(&turns, usize::MAX));
    assert!(shown.contains("will/topic"));
    for secret in ["lastword", "username", "password", "payload"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

#[test]
fn detection_believes_a_connect_and_little_else() {
    let detect = |direction, bytes: &[u8]| (ROW.detect)(Transport::Tcp, direction, bytes);
    let (to_server, to_client) = (Direction::ToServer, Direction::ToClient);
    for level in [3, 4, 5, 0x84] {
        let bytes = connect(level, "a");
        let bytes = if level == 3 { bytes } else { connect(level, "client") };
        assert_eq!(detect(to_server, &bytes), Detection::CERTAIN, "{level}");
        assert_eq!(detect(to_client, &bytes), Detection::CERTAIN_REVERSED, "{level}");
        assert_eq!(detect(to_server, &bytes[..8]), Detection::NeedMore, "{level}");
    }
    let weak: [&[u8]; 6] = [
        &publish(0x30, "a/b", 0, b"x"),
        &publish(0x32, "a/b", 1, b"x"),
        &publish_with(0x30, "", 0, &alias(1), b"x"),
        &[0x40, 2, 0, 1],
        &[0x40, 2, 0, 1, 0x40, 2],
        &publish(0x30, "a/b", 0, &[b'x'; 9_000])[..100],
    ];
    for bytes in weak {
        assert_eq!(detect(to_server, bytes), Detection::WEAK, "{bytes:?}");
    }
    assert_eq!(detect(to_client, &[0xc0, 0]), Detection::WEAK_REVERSED);
    assert_eq!(detect(to_client, &[0xd0, 0]), Detection::WEAK);
    let mut flags = connect(4, "a");
    flags[9] = 1;
    let strangers: [&[u8]; 16] = [
        &flags,
        b"0123456789",
        b"0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5",
        b"POST / HTTP/1.1\r\n",
        b"@\x02\0\0",
        b"bcdef",
        &publish(0x36, "a/b", 1, b"x"),
        &publish(0x38, "a/b", 0, b"x"),
        &publish(0x30, "a/#", 0, b"x"),
        &publish(0x30, "a\x01b", 0, b"x"),
        &publish_with(0x30, "", 0, &[], b"x"),
        &publish(0x30, "", 0, b"xyz"),
        &[0x30, 0x84, 0x00, 0, 1, b'a', b'x'],
        &[0x40, 2, 0, 1, 0x30, 4, 1, 1],
        &[0xc0, 0, 0xd0, 0],
        &[0x82, 6, 0, 1, 0, 1, b'a', 3],
    ];
    for bytes in strangers {
        assert_eq!(detect(to_server, bytes), Detection::NoMatch, "{bytes:?}");
    }
}

#[test]
fn a_start_in_the_middle_needs_a_second_proof() {
    let turns = [
        down(publish(0x30, "a/b", 0, b"x")),
        down(publish(0x30, "a/c", 0, b"x")),
        up(vec![0xc0, 0]),
        down(vec![0xd0, 0]),
    ];
    let found: Vec<String> = exchanges_of(&turns, usize::MAX).iter().map(line).collect();
    let expected =
        ["one_way PUBLISH a/b unknown -", "one_way PUBLISH a/c unknown -", "exchange PINGREQ - ok -"];
    assert_eq!(found, expected);
    assert_eq!(exchanges_of(&turns[..1], usize::MAX), []);
    let parser = (ROW.parser)(&std::sync::Arc::new(ConnectionConfig::default()), Transport::Tcp);
    assert!(parser.is_message_start(Direction::ToServer, &publish(0x30, "a/b", 0, &[b'x'; 90])[..50]));
    assert!(!parser.is_message_start(Direction::ToServer, &[0x30, 90, 0]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_packet_is_survived(
        level in 3_u8..6, first in any::<u8>(), body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let stranger = packet(first, &[&body]);
        let turns = [up(connect(level, "a")), up(stranger.clone()), down(stranger)];
        let count = |piece_len| exchanges_of(&turns, piece_len).len();
        // Behind bytes that are no packet the next one is looked for in what is there, so the cut may have a say in which it is.
        for piece_len in [5, 64, 1_000] {
            prop_assert!(count(piece_len) <= 3);
        }
    }
}
