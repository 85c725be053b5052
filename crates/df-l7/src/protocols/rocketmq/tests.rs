//! Tests of the RocketMQ parser: both forms of headers, one-way messages, detection, hostile bytes.

use df_core::{Direction, Transport};
use proptest::prelude::*;

use super::ROW;
use crate::Detection;
use crate::test_conversation::{exchanges_of, lines_however_cut, message_line};

const TO_SERVER: Direction = Direction::ToServer;
const TO_CLIENT: Direction = Direction::ToClient;

fn frame(form: u8, header: &[u8], body: &[u8]) -> Vec<u8> {
    let [_, high, middle, low] = u32::try_from(header.len()).unwrap().to_be_bytes();
    let length = u32::try_from(4 + header.len() + body.len()).unwrap().to_be_bytes();
    [&length[..], &[form, high, middle, low], header, body].concat()
}

fn json(code: i32, flag: u8, opaque: u8, fields: &str) -> Vec<u8> {
    let header = format!(
        r#"{{"code":{code},"extFields":{{{fields}}},"flag":{flag},"language":"JAVA","opaque":{opaque},"serializeTypeCurrentRPC":"JSON","version":401}}"#
    );
    frame(0, header.as_bytes(), b"body")
}

fn binary(code: u8, flag: u8, opaque: u8, remark: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut pairs = Vec::new();
    for (name, value) in fields {
        pairs.extend_from_slice(&u16::try_from(name.len()).unwrap().to_be_bytes());
        pairs.extend_from_slice(name.as_bytes());
        pairs.extend_from_slice(&u32::try_from(value.len()).unwrap().to_be_bytes());
        pairs.extend_from_slice(value.as_bytes());
    }
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_be_bytes();
    let front = [0, code, 12, 1, 61, 0, 0, 0, opaque, 0, 0, 0, flag];
    frame(
        1,
        &[&front[..], &length(remark.as_bytes()), remark.as_bytes(), &length(&pairs), &pairs].concat(),
        b"",
    )
}

fn lines(pieces: &[(Direction, &[u8])]) -> Vec<String> {
    lines_however_cut(pieces, message_line)
}

#[test]
fn a_message_sent_with_its_properties() {
    let properties = r"UNIQ_KEY\u00017F0001\u0002TAGS\u0001TagA\u0002KEYS\u0001k1 k2\u0002traceparent\u000100-5919385fb530c81cda5f9e6645011343-62ed127cb7329ace-01\u0002";
    let send = json(310, 0, 6, &format!(r#""a":"shop","b":"orders","e":"2","i":"{properties}""#));
    let pieces: [(Direction, &[u8]); 4] = [
        (TO_SERVER, &send),
        (TO_CLIENT, &json(0, 1, 6, r#""msgId":"0A""#)),
        (TO_SERVER, &json(10, 0, 7, r#""topic":"none","queueId":"0""#)),
        (TO_CLIENT, &json(17, 1, 7, "")),
    ];
    let expected =
        ["exchange SEND_MESSAGE_V2 orders ok -", "exchange SEND_MESSAGE none client_error TOPIC_NOT_EXIST"];
    assert_eq!(lines(&pieces), expected);
    let exchange = &exchanges_of(&pieces, usize::MAX)[0];
    let request = exchange.asked().unwrap();
    assert_eq!(request.context.as_ref().unwrap().span_id.as_deref(), Some("62ed127cb7329ace"));
    let find = |key: &str| request.attributes.find(key).and_then(|value| value.as_text());
    assert_eq!(find("messaging.message.id"), Some("7F0001"));
    assert_eq!(find("messaging.rocketmq.message.tag"), Some("TagA"));
    assert_eq!(find("messaging.destination.partition.id"), Some("2"));
    assert_eq!(exchange.request_id, Some(6));
}

#[test]
fn binary_headers_and_messages_that_want_no_answer() {
    let pieces: [(Direction, &[u8]); 5] = [
        (TO_SERVER, &binary(11, 0, 1, "", &[("topic", "orders"), ("consumerGroup", "billing")])),
        (TO_CLIENT, &binary(40, 2, 9, "", &[("consumerGroup", "billing")])),
        (TO_CLIENT, &binary(19, 1, 1, "NO_MESSAGE_IN_QUEUE", &[("nextBeginOffset", "7")])),
        (TO_SERVER, &binary(15, 2, 2, "", &[("topic", "orders"), ("consumerGroup", "billing")])),
        (TO_SERVER, &binary(38, 1, 9, "", &[])),
    ];
    let expected = [
        "one_way NOTIFY_CONSUMER_IDS_CHANGED - unknown -",
        "exchange PULL_MESSAGE orders ok PULL_NOT_FOUND",
        "one_way UPDATE_CONSUMER_OFFSET orders unknown -",
    ];
    assert_eq!(lines(&pieces), expected);
}

#[test]
fn detection_wants_a_header_that_is_one() {
    let detect = |direction, bytes: &[u8]| (ROW.detect)(Transport::Tcp, direction, bytes);
    let request = json(105, 0, 1, r#""topic":"orders""#);
    assert_eq!(detect(TO_SERVER, &request), Detection::CERTAIN);
    assert_eq!(detect(TO_CLIENT, &request), Detection::CERTAIN_REVERSED);
    assert_eq!(detect(TO_SERVER, &json(0, 1, 1, "")), Detection::CERTAIN_REVERSED);
    assert_eq!(detect(TO_CLIENT, &binary(40, 2, 9, "", &[])), Detection::CERTAIN);
    assert_eq!(detect(TO_SERVER, &request[..20]), Detection::NeedMore);
    assert_eq!(detect(TO_SERVER, &frame(0, br#"{"op":1}"#, b"")), Detection::NoMatch);
    assert_eq!(detect(TO_SERVER, &frame(1, &[0; 20], b"")), Detection::NoMatch);
    assert_eq!(detect(TO_SERVER, b"\0\0\0\x19\x01ActiveMQ\0\0\0\x0c\x01\0\0\0\x04\x01"), Detection::NoMatch);
    assert_eq!(detect(TO_SERVER, b"\0\0\0\x08\0\0\0\x04\x08\x12\x92\x01\0"), Detection::NoMatch);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_header_is_survived(form in 0_u8..2, header in proptest::collection::vec(any::<u8>(), 0..200)) {
        let pieces: [(Direction, &[u8]); 2] =
            [(TO_SERVER, &json(105, 0, 1, "")), (TO_SERVER, &frame(form, &header, b"body"))];
        prop_assert!(exchanges_of(&pieces, 64).len() <= 2);
    }
}
