//! Tests of the OpenWire parser: both encodings, cached destinations, refusals, hostile bytes.

use df_core::{Direction, Transport};
use proptest::prelude::*;

use super::ROW;
use crate::Detection;
use crate::test_conversation::{exchanges_of, lines_however_cut, message_line};

const TO_SERVER: Direction = Direction::ToServer;
const TO_CLIENT: Direction = Direction::ToClient;

fn frame(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&u16::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat()
}

fn wire_format(has_cache: bool) -> Vec<u8> {
    let property = [text("CacheEnabled"), vec![1, u8::from(has_cache)]].concat();
    let map = [&[0, 0, 0, 1][..], &property].concat();
    let len = u32::try_from(map.len()).unwrap().to_be_bytes();
    frame(&[&b"\x01ActiveMQ\0\0\0\x0c\x01"[..], &len, &map].concat())
}

/// A text message in loose encoding: with `number`, its identifier and destination are numbered.
fn loose(id: u8, answer: u8, destination: &str, number: Option<u8>) -> Vec<u8> {
    let cached = |offset: u8| number.map(|number| vec![1, 0, number + offset]).unwrap_or_default();
    let producer = [&[1, 123, 1][..], &text("ID:1"), &[0; 16]].concat();
    let destination = [&[1, 100, 1][..], &text(destination)].concat();
    frame(
        &[&[28, 0, 0, 0, id, answer][..], &cached(0), &producer, &cached(1), &destination, &[0; 50]].concat(),
    )
}

fn response(id: u8) -> Vec<u8> {
    frame(&[30, 0, 0, 0, 0, 0, 0, 0, 0, id])
}

fn lines(pieces: &[(Direction, &[u8])]) -> Vec<String> {
    lines_however_cut(pieces, message_line)
}

#[test]
fn messages_in_loose_encoding_and_destinations_by_number() {
    let by_number = frame(&[28, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0]);
    let pieces: [(Direction, &[u8]); 5] = [
        (TO_SERVER, &wire_format(true)),
        (TO_CLIENT, &wire_format(true)),
        (TO_SERVER, &loose(2, 1, "orders", Some(1))),
        (TO_CLIENT, &response(2)),
        (TO_SERVER, &by_number),
    ];
    let expected = [
        "one_way WireFormatInfo - unknown -",
        "one_way WireFormatInfo - unknown -",
        "exchange ActiveMQTextMessage orders ok -",
        "one_way ActiveMQTextMessage orders unknown -",
    ];
    assert_eq!(lines(&pieces), expected);
    let exchanges = exchanges_of(&pieces, 5);
    assert_eq!(exchanges[2].request_id, Some(2));
    assert_eq!(exchanges[2].asked().unwrap().version.as_deref(), Some("12"));
    let uncached: [(Direction, &[u8]); 2] =
        [(TO_SERVER, &wire_format(false)), (TO_SERVER, &loose(2, 0, "orders", None))];
    assert_eq!(lines(&uncached)[1], "one_way ActiveMQTextMessage orders unknown -");
}

#[test]
fn commands_in_tight_encoding() {
    // As a C++ client sends it: a subscription to `TEST.FOO`.
    let consumer = [
        &[5, 4, 0xbf, 0x1e, 1, 0, 0, 0, 0, 2, 122][..],
        &text("ID:localhost-1:0"),
        &[0xff; 8],
        &[0, 1, 101],
        &text("TEST.FOO"),
        &[0, 0, 3, 0xe8, 0, 0, 0, 0, 0],
    ];
    let pieces: [(Direction, &[u8]); 4] = [
        (TO_SERVER, &wire_format(false)),
        (TO_SERVER, &frame(&consumer.concat())),
        (TO_CLIENT, &frame(&[30, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2])),
        (TO_SERVER, &frame(&[11, 1, 0, 0, 0, 0, 3])),
    ];
    let expected = [
        "one_way WireFormatInfo - unknown -",
        "exchange ConsumerInfo TEST.FOO ok -",
        "one_way ShutdownInfo - unknown -",
    ];
    assert_eq!(lines(&pieces), expected);
}

#[test]
fn a_refused_connection() {
    let refusal = [
        &[31, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1][..],
        &text("java.lang.SecurityException"),
        &[1],
        &text("User name [null] or password is invalid."),
    ];
    let pieces: [(Direction, &[u8]); 3] = [
        (TO_SERVER, &wire_format(false)),
        (TO_SERVER, &frame(&[&[3, 0, 0, 0, 1, 1][..], &[0; 20]].concat())),
        (TO_CLIENT, &frame(&refusal.concat())),
    ];
    assert_eq!(lines(&pieces)[1], "exchange ConnectionInfo - client_error java.lang.SecurityException");
}

#[test]
fn detection_wants_the_magic_or_a_response_that_is_one() {
    let detect = |direction, bytes: &[u8]| (ROW.detect)(Transport::Tcp, direction, bytes);
    let then = |kind: u8| [wire_format(true), frame(&[&[kind][..], &[0; 30]].concat())].concat();
    assert_eq!(detect(TO_SERVER, &wire_format(true)), Detection::NeedMore, "both ends send it");
    assert_eq!(detect(TO_SERVER, &then(3)), Detection::CERTAIN);
    assert_eq!(detect(TO_CLIENT, &then(3)), Detection::CERTAIN_REVERSED);
    assert_eq!(detect(TO_SERVER, &then(2)), Detection::CERTAIN_REVERSED);
    assert_eq!(detect(TO_CLIENT, &response(7)), Detection::WEAK);
    assert_eq!(detect(TO_SERVER, &response(7)), Detection::WEAK_REVERSED);
    let strangers: [&[u8]; 4] = [
        b"\0\0\0\x0d\x06\0\0\0\x01\0\0\0\0\0\0\x40\0",
        b"\0\0\0\x19\x01ActiveXX",
        b"\0\0\0\x10\0\x12\0\x03\0\0\0\x01",
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
    ];
    for stranger in strangers {
        assert_eq!(detect(TO_SERVER, stranger), Detection::NoMatch, "{stranger:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_command_is_survived(kind in 0_u8..100, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let any_frame = frame(&[&[kind][..], &body].concat());
        let pieces: [(Direction, &[u8]); 4] = [
            (TO_SERVER, &wire_format(true)),
            (TO_CLIENT, &wire_format(true)),
            (TO_SERVER, &any_frame),
            (TO_CLIENT, &any_frame),
        ];
        prop_assert!(exchanges_of(&pieces, 64).len() <= 4);
    }
}
