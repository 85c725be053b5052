//! Tests of the Pulsar parser: topics of producers and consumers, answers, detection, hostile bytes.

use df_core::{Direction, Transport};
use proptest::prelude::*;

use super::ROW;
use super::topics::{Destination, Destinations, partition};
use crate::Detection;
use crate::test_conversation::{exchanges_of, lines_however_cut, message_line};

const TO_SERVER: Direction = Direction::ToServer;
const TO_CLIENT: Direction = Direction::ToClient;

/// A text field of a message.
fn text(number: u8, text: &str) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

/// A number field of a message.
fn number(field: u8, value: u8) -> Vec<u8> {
    vec![field << 3, value]
}

fn frame(kind: u8, fields: &[Vec<u8>], behind: &[u8]) -> Vec<u8> {
    let fields = fields.concat();
    let key = u16::from(kind) << 3 | 2;
    let key = if key < 128 {
        vec![u8::try_from(key).unwrap()]
    } else {
        vec![u8::try_from(key & 127).unwrap() | 128, u8::try_from(key >> 7).unwrap()]
    };
    let command = [&[8, kind][..], &key, &[u8::try_from(fields.len()).unwrap()], &fields].concat();
    let length = |bytes: usize| u32::try_from(bytes).unwrap().to_be_bytes();
    [&length(4 + command.len() + behind.len())[..], &length(command.len()), &command, behind].concat()
}

/// Metadata with one property, and a payload.
fn message(name: &str, value: &str) -> Vec<u8> {
    let pair = [text(1, name), text(2, value)].concat();
    let metadata = [&text(1, "p")[..], &[4 << 3 | 2, u8::try_from(pair.len()).unwrap()], &pair].concat();
    let length = u32::try_from(metadata.len()).unwrap().to_be_bytes();
    [&[0x0e, 1, 1, 2, 3, 4][..], &length, &metadata, b"payload"].concat()
}

fn lines(pieces: &[(Direction, &[u8])]) -> Vec<String> {
    lines_however_cut(pieces, message_line)
}

#[test]
fn messages_belong_to_the_topic_of_their_producer() {
    let context = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let pieces: [(Direction, &[u8]); 8] = [
        (TO_SERVER, &frame(2, &[text(1, "2.11"), number(4, 21)], b"")),
        (TO_CLIENT, &frame(3, &[text(1, "broker"), number(2, 21)], b"")),
        (TO_SERVER, &frame(5, &[text(1, "orders-partition-2"), number(2, 7), number(3, 1)], b"")),
        (TO_CLIENT, &frame(17, &[number(1, 1), text(2, "p")], b"")),
        (TO_SERVER, &frame(6, &[number(1, 7), number(2, 0)], &message("traceparent", context))),
        (TO_SERVER, &frame(6, &[number(1, 7), number(2, 1)], &message("kind", "order"))),
        (TO_CLIENT, &frame(8, &[number(1, 7), number(2, 1), number(3, 15), text(4, "ended")], b"")),
        (TO_CLIENT, &frame(7, &[number(1, 7), number(2, 0)], b"")),
    ];
    let expected = [
        "exchange CONNECT - ok -",
        "exchange PRODUCER orders-partition-2 ok -",
        "exchange SEND orders-partition-2 client_error TopicTerminatedError",
        "exchange SEND orders-partition-2 ok -",
    ];
    assert_eq!(lines(&pieces), expected);
    let exchanges = exchanges_of(&pieces, usize::MAX);
    let request = exchanges[3].asked().unwrap();
    assert_eq!(request.version.as_deref(), Some("21"));
    assert_eq!(request.context.as_ref().unwrap().span_id.as_deref(), Some("b7ad6b7169203331"));
    let partition = request.attributes.find("messaging.destination.partition.id");
    assert_eq!(partition.and_then(|value| value.as_text()), Some("2"));
}

#[test]
fn what_a_broker_says_unasked_is_one_way() {
    let subscribe = frame(4, &[text(1, "orders"), text(2, "billing"), number(4, 3), number(5, 9)], b"");
    let pieces: [(Direction, &[u8]); 7] = [
        (TO_SERVER, &subscribe),
        (TO_CLIENT, &frame(13, &[number(1, 9)], b"")),
        (TO_CLIENT, &frame(9, &[number(1, 3)], &message("kind", "order"))),
        (TO_SERVER, &frame(10, &[number(1, 3), number(2, 0)], b"")),
        (TO_CLIENT, &frame(18, &[], b"")),
        (TO_SERVER, &frame(19, &[], b"")),
        (TO_CLIENT, &frame(16, &[number(1, 3), number(2, 1)], b"")),
    ];
    let expected = [
        "exchange SUBSCRIBE orders ok -",
        "one_way MESSAGE orders unknown -",
        "one_way ACK orders unknown -",
        "one_way PING - unknown -",
        "one_way CLOSE_CONSUMER orders unknown -",
    ];
    assert_eq!(lines(&pieces), expected);
}

#[test]
fn detection_wants_lengths_that_agree_and_a_command_in_its_own_field() {
    let detect = |direction, bytes: &[u8]| (ROW.detect)(Transport::Tcp, direction, bytes);
    let connect = frame(2, &[text(1, "2.11"), number(4, 21)], b"");
    assert_eq!(detect(TO_SERVER, &connect), Detection::CERTAIN);
    assert_eq!(detect(TO_CLIENT, &connect), Detection::CERTAIN_REVERSED);
    let connected = frame(3, &[text(1, "broker")], b"");
    assert_eq!(detect(TO_SERVER, &connected), Detection::CERTAIN_REVERSED);
    assert_eq!(detect(TO_SERVER, &frame(18, &[], b"")), Detection::WEAK);
    assert_eq!(detect(TO_SERVER, &connect[..9]), Detection::NeedMore);
    let mut other_field = connect.clone();
    other_field[10] = 3 << 3 | 2;
    let mut longer = connect;
    longer[3] += 1;
    for stranger in
        [&other_field[..], &longer, b"\0\0\0\x13\0\0\0\x0f\x08\x7f\x12\x00", b"\0\0\0\x10\0\x12\0\x03"]
    {
        assert_eq!(detect(TO_SERVER, stranger), Detection::NoMatch, "{stranger:?}");
    }
}

#[test]
fn producers_are_bounded() {
    let mut destinations = Destinations::default();
    for number in 0..5_000 {
        destinations.insert(number, Destination { topic: "orders".to_owned(), subscription: None });
    }
    assert!(destinations.find(1_000).is_some() && destinations.find(4_000).is_none());
    destinations.remove(1_000);
    assert!(destinations.find(1_000).is_none());
    assert_eq!(partition("persistent://a/b/orders-partition-12"), Some("12"));
    assert_eq!(partition("orders-partition-x"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_command_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in 2_u8..70) {
        let any_frame = frame(kind, &[bytes[..bytes.len().min(100)].to_vec()], &bytes);
        let pieces: [(Direction, &[u8]); 3] =
            [(TO_SERVER, &frame(2, &[text(1, "2.11")], b"")), (TO_SERVER, &any_frame), (TO_CLIENT, &any_frame)];
        prop_assert!(exchanges_of(&pieces, 64).len() <= 3);
    }
}
