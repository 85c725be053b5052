//! Tests of the ZMTP parser: handshakes, publication, requests and replies, hostile bytes.

use df_core::{Direction, Transport};
use proptest::prelude::*;

use super::ROW;
use super::wire::SIGNATURE;
use crate::Detection;
use crate::test_conversation::{asked_line, exchanges_of, lines_however_cut};

const TO_SERVER: Direction = Direction::ToServer;
const TO_CLIENT: Direction = Direction::ToClient;

fn greeting(minor: u8, mechanism: &str) -> Vec<u8> {
    let mut greeting = [&SIGNATURE[..], &[3, minor], mechanism.as_bytes()].concat();
    greeting.resize(64, 0);
    greeting
}

fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    if body.len() > 255 {
        let size = u64::try_from(body.len()).unwrap().to_be_bytes();
        return [&[flags | 2][..], &size, body].concat();
    }
    [&[flags, u8::try_from(body.len()).unwrap()], body].concat()
}

fn command(name: &str, data: &[u8]) -> Vec<u8> {
    frame(4, &[&[u8::try_from(name.len()).unwrap()], name.as_bytes(), data].concat())
}

fn ready(socket_type: &str) -> Vec<u8> {
    let len = u32::try_from(socket_type.len()).unwrap().to_be_bytes();
    command("READY", &[b"\x0bSocket-Type", &len[..], socket_type.as_bytes()].concat())
}

fn lines(pieces: &[(Direction, &[u8])]) -> Vec<String> {
    lines_however_cut(pieces, |exchange| {
        let response = exchange.response.as_ref().map(|response| &response.content);
        let reason = response.and_then(|response| response.exception.as_deref()).unwrap_or("-");
        format!("{} {reason}", asked_line(exchange))
    })
}

#[test]
fn subscriptions_and_published_messages_have_a_topic() {
    let large = frame(0, &vec![7; 70_000]);
    let pieces: [(Direction, &[u8]); 9] = [
        (TO_SERVER, &greeting(1, "NULL")),
        (TO_CLIENT, &greeting(1, "NULL")),
        (TO_SERVER, &ready("SUB")),
        (TO_CLIENT, &ready("PUB")),
        (TO_SERVER, &command("SUBSCRIBE", b"sports")),
        (TO_SERVER, &frame(0, b"\x01weather")),
        (TO_CLIENT, &frame(1, b"sports.football")),
        (TO_CLIENT, &large),
        (TO_CLIENT, &frame(0, b"payload")),
    ];
    let expected = [
        "one_way READY - unknown -",
        "one_way READY - unknown -",
        "one_way SUBSCRIBE sports unknown -",
        "one_way SUBSCRIBE weather unknown -",
        "one_way MESSAGE sports.football unknown -",
        "one_way MESSAGE - unknown -",
    ];
    assert_eq!(lines(&pieces), expected);
    let exchanges = exchanges_of(&pieces, 1_000);
    let request = exchanges[4].request.as_ref().unwrap();
    assert_eq!(request.length, 17 + 70_009);
    assert_eq!(format!("{:?}", request.content.attributes.find("df.zmtp.parts").unwrap()), "Integer(2)");
    assert_eq!(request.content.version.as_deref(), Some("3.1"));
}

#[test]
fn a_login_and_requests_with_their_replies() {
    let pieces: [(Direction, &[u8]); 9] = [
        (TO_SERVER, &greeting(0, "PLAIN")),
        (TO_CLIENT, &greeting(0, "PLAIN")),
        (TO_SERVER, &command("HELLO", b"\x05admin\x06secret")),
        (TO_CLIENT, &command("WELCOME", b"")),
        (TO_SERVER, &command("INITIATE", b"\x0bSocket-Type\0\0\0\x03REQ")),
        (TO_CLIENT, &ready("REP")),
        (TO_SERVER, &[frame(1, b""), frame(0, b"hello")].concat()),
        (TO_CLIENT, &[frame(1, b""), frame(0, b"hello")].concat()),
        (TO_SERVER, &[frame(1, b""), frame(0, b"again")].concat()),
    ];
    let expected = [
        "exchange HELLO - ok -",
        "exchange INITIATE - ok -",
        "exchange MESSAGE - ok -",
        "request MESSAGE - timeout -",
    ];
    assert_eq!(lines(&pieces), expected);
    let refused: [(Direction, &[u8]); 4] = [
        (TO_SERVER, &greeting(0, "PLAIN")),
        (TO_CLIENT, &greeting(0, "PLAIN")),
        (TO_SERVER, &command("HELLO", b"\x05admin\x06secret")),
        (TO_CLIENT, &command("ERROR", b"\x03400")),
    ];
    assert_eq!(lines(&refused), ["exchange HELLO - client_error 400"]);
}

#[test]
fn detection_wants_a_signature_or_a_socket_type() {
    let detect = |bytes: &[u8]| (ROW.detect)(Transport::Tcp, TO_SERVER, bytes);
    assert_eq!(detect(&SIGNATURE[..4]), Detection::NeedMore);
    assert_eq!(detect(&SIGNATURE), Detection::CERTAIN);
    assert_eq!(detect(&ready("PUB")), Detection::CERTAIN);
    for stranger in
        [&b"\xff\0\0\0\0\0\0\0\x01\x7f\x01"[..], b"\xff\xd8\xff\xe0\0\x10JFIF", b"\x04\x05hello", b"\x04"]
    {
        assert_eq!(detect(stranger), Detection::NoMatch, "{stranger:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn anything_behind_a_greeting_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let pieces: [(Direction, &[u8]); 3] =
            [(TO_SERVER, &greeting(1, "NULL")), (TO_SERVER, &bytes), (TO_CLIENT, &bytes)];
        prop_assert!(exchanges_of(&pieces, 64).len() <= 2 * bytes.len());
    }
}
