//! Tests of the Kafka parser: conversations from the protocol guide, detection beside its neighbours, hostile bytes.

use std::sync::Arc;

use df_core::{Chunk, Direction, Timestamp, Transport};
use proptest::prelude::*;

use super::ROW;
use crate::test_conversation::exchanges_of;
use crate::{Connection, ConnectionConfig, Detection, Exchange, ExchangeKind, ResponseStatus};

const TO_SERVER: Direction = Direction::ToServer;
const TO_CLIENT: Direction = Direction::ToClient;

fn frame(bytes: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    frame.extend_from_slice(bytes);
    frame
}

fn text(text: &str) -> Vec<u8> {
    [&u16::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat()
}

/// A text with its length as one compact byte.
fn compact(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.len() + 1).unwrap()], text.as_bytes()].concat()
}

fn request(key: u8, version: u8, id: u8, body: &[u8]) -> Vec<u8> {
    frame(&[&[0, key, 0, version, 0, 0, 0, id][..], &text("shop"), body].concat())
}

fn response(id: u8, body: &[u8]) -> Vec<u8> {
    frame(&[&[0, 0, 0, id][..], body].concat())
}

/// A batch of one record with a header of this name and value.
fn batch(name: &str, value: &str) -> Vec<u8> {
    let varint = |length: usize| {
        let doubled = u8::try_from(length * 2 % 128).unwrap();
        if length < 64 { vec![doubled] } else { vec![doubled | 0x80, u8::try_from(length / 64).unwrap()] }
    };
    let header = [varint(name.len()), name.into(), varint(value.len()), value.into()].concat();
    let record = [&[0, 0, 0, 1, 2, b'x', 2][..], &header].concat();
    let records = [varint(record.len()), record].concat();
    let mut batch = vec![0; 8];
    batch.extend_from_slice(&u32::try_from(49 + records.len()).unwrap().to_be_bytes());
    batch.extend_from_slice(&[0, 0, 0, 0, 2]);
    batch.extend_from_slice(&[0; 40]);
    batch.extend_from_slice(&[0, 0, 0, 1]);
    [batch, records].concat()
}

/// Version 7, to one partition of one topic.
fn produce(id: u8, acknowledgments: i16, records: &[u8]) -> Vec<u8> {
    let records_len = u32::try_from(records.len()).unwrap().to_be_bytes();
    let [high, low] = acknowledgments.to_be_bytes();
    let front = [0xff, 0xff, high, low, 0, 0, 0x75, 0x30, 0, 0, 0, 1];
    let partition = [0, 0, 0, 1, 0, 0, 0, 3];
    request(0, 7, id, &[&front[..], &text("orders"), &partition, &records_len, records].concat())
}

fn produced(id: u8, error: u8) -> Vec<u8> {
    let partition = [&[0, 0, 0, 1, 0, 0, 0, 3, 0, error][..], &[0; 24], &[0; 4]].concat();
    response(id, &[&[0, 0, 0, 1][..], &text("orders"), &partition].concat())
}

fn line(exchange: &Exchange) -> String {
    let request = exchange.request.as_ref().map(|request| &request.content);
    let kind = request.map_or("?", |request| &request.kind);
    let endpoint = request.and_then(|request| request.endpoint.as_deref()).unwrap_or("-");
    let response = exchange.response.as_ref().map(|response| &response.content);
    let code = response.and_then(|response| response.code.as_deref()).unwrap_or("-");
    format!("{:?} {kind} {endpoint} {} {code}", exchange.request_id.unwrap(), exchange.status().name())
}

fn lines(pieces: &[(Direction, &[u8])]) -> Vec<String> {
    let whole: Vec<String> = exchanges_of(pieces, usize::MAX).iter().map(line).collect();
    for piece_len in [1, 3, 7, 50] {
        let cut: Vec<String> = exchanges_of(pieces, piece_len).iter().map(line).collect();
        assert_eq!(cut, whole, "in pieces of {piece_len}");
    }
    whole
}

#[test]
fn requests_name_their_topic_and_responses_their_error() {
    let context = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let first = produce(1, -1, &batch("traceparent", context));
    let second = produce(2, 1, &batch("kind", "order"));
    let pieces: [(Direction, &[u8]); 4] = [
        (TO_SERVER, &first),
        (TO_SERVER, &second),
        (TO_CLIENT, &produced(1, 0)),
        (TO_CLIENT, &produced(2, 3)),
    ];
    let expected = ["1 Produce orders ok -", "2 Produce orders client_error UNKNOWN_TOPIC_OR_PARTITION"];
    assert_eq!(lines(&pieces), expected);
    let exchanges = exchanges_of(&pieces, usize::MAX);
    let request = exchanges[0].asked().unwrap();
    assert_eq!(request.version.as_deref(), Some("7"));
    assert_eq!(request.operation, "send");
    assert_eq!(request.context.as_ref().unwrap().span_id.as_deref(), Some("b7ad6b7169203331"));
    let find = |key: &str| format!("{:?}", request.attributes.find(key).unwrap());
    assert_eq!(find("messaging.destination.partition.id"), r#"Text("3")"#);
    assert_eq!(find("messaging.batch.message_count"), "Integer(1)");
    assert_eq!(find("messaging.client.id"), r#"Text("shop")"#);
    assert!(exchanges[1].asked().unwrap().context.is_none());
}

#[test]
fn without_acknowledgment_nothing_is_waited_for() {
    let pieces: [(Direction, &[u8]); 3] = [
        (TO_SERVER, &produce(1, 0, &batch("a", "b"))),
        (TO_SERVER, &produce(2, 1, &batch("a", "b"))),
        (TO_CLIENT, &produced(2, 0)),
    ];
    assert_eq!(lines(&pieces), ["1 Produce orders unknown -", "2 Produce orders ok -"]);
    assert_eq!(exchanges_of(&pieces, 9)[0].kind, ExchangeKind::OneWay(TO_SERVER));
}

/// Version 13: topics by identifier.
fn fetch(id: u8, topic: [u8; 16]) -> Vec<u8> {
    let front = [&[0][..], &[0xff; 4], &[0; 4], &[0; 4], &[0; 4], &[0], &[0; 4], &[0; 4], &[2]].concat();
    let partition = [&[2][..], &[0; 32], &[0], &[0]].concat();
    request(1, 13, id, &[&front[..], &topic, &partition, &[1, 1, 0]].concat())
}

#[test]
fn identifiers_of_topics_have_the_name_that_the_same_connection_told() {
    let id = [7; 16];
    let metadata = request(3, 12, 1, &[0, 0, 1, 0, 0]);
    let topic = [&[0, 0][..], &compact("orders"), &id, &[0, 1], &[0; 4], &[0]].concat();
    let told = [&[0][..], &[0; 4], &[1], &[0], &[0; 4], &[2], &topic, &[0]].concat();
    let fetched = [&[0][..], &[0; 4], &[0, 0], &[0; 4], &[1, 0]].concat();
    let pieces: [(Direction, &[u8]); 6] = [
        (TO_SERVER, &metadata),
        (TO_CLIENT, &response(1, &told)),
        (TO_SERVER, &fetch(2, id)),
        (TO_CLIENT, &response(2, &fetched)),
        (TO_SERVER, &fetch(3, [8; 16])),
        (TO_CLIENT, &response(3, &fetched)),
    ];
    assert_eq!(lines(&pieces), ["1 Metadata - ok -", "2 Fetch orders ok -", "3 Fetch - ok -"]);
}

#[test]
fn of_a_large_response_the_head_is_enough_and_a_gap_behind_it_costs_nothing() {
    let mut connection = Connection::new(Transport::Tcp, Arc::new(ConnectionConfig::default()));
    let mut say = |direction, at, offset, bytes: &[u8]| {
        connection.handle_chunk(Chunk::new(direction, Timestamp::from_nanos(at), offset, bytes));
    };
    say(TO_SERVER, 1, 0, &produce(1, 1, &batch("a", "b")));
    let large = response(1, &[&produced(1, 0)[8..], &vec![0; 1_000_000]].concat());
    say(TO_CLIENT, 2, 0, &large[..20_000]);
    say(TO_CLIENT, 3, 500_000, &large[500_000..]);
    let sent = produce(1, 1, &batch("a", "b")).len() as u64;
    say(TO_SERVER, 4, sent, &produce(2, 1, &batch("a", "b")));
    say(TO_CLIENT, 5, large.len() as u64, &produced(2, 0));
    let exchanges: Vec<Exchange> = std::iter::from_fn(|| connection.poll_exchange()).collect();
    assert!(exchanges.iter().all(|exchange| exchange.status() == ResponseStatus::Ok));
    assert_eq!(exchanges.len(), 2);
    assert_eq!(connection.stats().gaps, 0);
    assert_eq!(exchanges[0].response.as_ref().unwrap().length, large.len() as u64);
}

#[test]
fn a_login_by_bare_tokens_is_passed_over() {
    let pieces: [(Direction, &[u8]); 6] = [
        (TO_SERVER, &request(17, 0, 1, &text("PLAIN"))),
        (TO_CLIENT, &response(1, &[0, 0, 0, 0, 0, 1, 0, 5, b'P', b'L', b'A', b'I', b'N'])),
        (TO_SERVER, &frame(b"\0user\0secret")),
        (TO_CLIENT, &frame(b"")),
        (TO_SERVER, &request(12, 0, 2, &[&text("billing")[..], &[0, 0, 0, 1], &text("me")].concat())),
        (TO_CLIENT, &response(2, &[0, 27])),
    ];
    let expected = ["1 SaslHandshake - ok -", "2 Heartbeat - client_error REBALANCE_IN_PROGRESS"];
    assert_eq!(lines(&pieces), expected);
}

#[test]
fn detection_asks_whether_the_body_is_what_the_head_promises() {
    let detect = |bytes: &[u8]| (ROW.detect)(Transport::Tcp, TO_SERVER, bytes);
    let good = produce(1, 1, &batch("a", "b"));
    assert_eq!(detect(&good), Detection::CERTAIN);
    assert_eq!((ROW.detect)(Transport::Tcp, TO_CLIENT, &good), Detection::CERTAIN_REVERSED);
    for len in 1..good.len() {
        assert!(matches!(detect(&good[..len]), Detection::NeedMore | Detection::CERTAIN), "{len}");
    }
    assert_eq!(detect(&produced(1, 0)), Detection::NeedMore, "a response proves nothing");
    for stranger in [request(0, 7, 1, &[0xee; 40]), request(0, 60, 1, &[0; 40])] {
        assert!(!matches!(detect(&stranger), Detection::Match(_)), "{stranger:?}");
    }
    let strangers: [&[u8]; 8] = [
        b"\0\0\x0c\0\0\0\0\0\x09\0\0\0\0\x07event 1\0\0\x0c\0\0\0\0\0\x09\0\0\0\0\x07event 2",
        b"\0\0\0\x2c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x27\x10\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        b"\0\0\0\x13\0\x03\0\0user\0ada\0\0x",
        b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64\0\x04\0\0\xff\xff\0\x05\0\0\x40\0",
        b"\0\0\0\x20\x80\x01\0\x01\0\0\0\x04ping\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        b"\0\0\0\xf0\0\0\0\xec{\"code\":105,\"extFields\":{}}",
        b"\0\0\0\x19\x01ActiveMQ\0\0\0\x0c\x01\0\0\0\x04\x01\0\0\0\0",
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
    ];
    for stranger in strangers {
        assert!(!matches!(detect(stranger), Detection::Match(_)), "{stranger:?}");
    }
}

#[test]
fn topic_names_are_bounded() {
    let mut names = super::topics::TopicNames::default();
    for number in 0..5_000_u128 {
        names.insert((number + 1).to_be_bytes(), "orders");
    }
    names.insert([9; 16], &"long".repeat(1_000));
    assert_eq!(names.find([9; 16]), None);
    assert_eq!(names.find(1_u128.to_be_bytes()), Some("orders"));
    assert_eq!(names.find(4_000_u128.to_be_bytes()), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_body_of_any_request_is_survived(
        key in 0_u8..95,
        version in 0_u8..20,
        body in proptest::collection::vec(any::<u8>(), 0..300),
        answer in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let pieces: [(Direction, &[u8]); 3] = [
            (TO_SERVER, &produce(1, 1, &batch("a", "b"))),
            (TO_SERVER, &request(key, version, 2, &body)),
            (TO_CLIENT, &response(2, &answer)),
        ];
        prop_assert!(exchanges_of(&pieces, 64).len() <= 3);
    }
}
