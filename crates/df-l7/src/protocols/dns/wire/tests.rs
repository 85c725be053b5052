//! Byte tables: what is DNS, what is not, and where its fields stand.

use df_core::Direction::{ToClient, ToServer};

use super::*;

const QUERY: &[u8] =
    b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01";
const RESPONSE: &[u8] = b"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x01\x07example\x03com\x00\x00\x01\x00\x01\
    \xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x01\x02\x03\x04\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00";

fn over_tcp(message: &[u8]) -> Vec<u8> {
    let len = u16::try_from(message.len()).unwrap();
    [&len.to_be_bytes(), message].concat()
}

#[test]
fn sections_stand_where_the_header_says() {
    let message = Message::read(RESPONSE).unwrap();
    let mut sections = message.sections();
    let question = sections.question().unwrap();
    assert_eq!((question.name.text().as_deref(), question.kind, question.class), (Some("example.com"), 1, 1));
    let answer = sections.record().unwrap();
    assert_eq!(
        (answer.name.text().as_deref(), answer.data(), answer.ttl),
        (Some("example.com"), &[1, 2, 3, 4][..], 60)
    );
    let options = sections.record().unwrap();
    assert_eq!((options.kind, options.class, options.ttl), (TYPE_OPT, 1232, 0x8000));
    assert!(sections.is_at_end() && sections.record().is_none());
}

#[test]
fn queries_and_responses_are_certain_and_show_who_asks() {
    for (direction, bytes, expected) in [
        (ToServer, QUERY, Detection::CERTAIN),
        (ToClient, QUERY, Detection::CERTAIN_REVERSED),
        (ToClient, RESPONSE, Detection::CERTAIN),
        (ToServer, RESPONSE, Detection::CERTAIN_REVERSED),
    ] {
        assert_eq!(detect(Transport::Udp, direction, bytes), expected);
        assert_eq!(detect(Transport::Tcp, direction, &over_tcp(bytes)), expected);
    }
    let announcement =
        b"\0\0\x84\0\0\0\0\x01\0\0\0\0\x01a\x05local\0\0\x01\x80\x01\0\0\0\x78\0\x04\x0a\0\0\x01";
    assert_eq!(
        detect(Transport::Udp, ToServer, announcement),
        Detection::CERTAIN,
        "sent to a group by its host"
    );
}

#[test]
fn cut_and_damaged_messages_need_a_second_proof() {
    for bytes in
        [&QUERY[..20], &RESPONSE[..40], &[QUERY, b"\0"].concat(), b"\x12\x34\x81\x81\0\0\0\0\0\0\0\0"]
    {
        let found = detect(Transport::Udp, if bytes[2] > 0x7f { ToClient } else { ToServer }, bytes);
        assert_eq!(found, Detection::WEAK, "{bytes:?}");
    }
    let tcp = over_tcp(QUERY);
    assert_eq!(detect(Transport::Tcp, ToServer, &tcp[..2]), Detection::NeedMore);
    assert_eq!(detect(Transport::Tcp, ToServer, &tcp[..12]), Detection::NeedMore);
    assert_eq!(detect(Transport::Tcp, ToServer, &tcp[..25]), Detection::NeedMore);
    let answer = over_tcp(RESPONSE);
    assert_eq!(detect(Transport::Tcp, ToClient, &answer[..35]), Detection::WEAK);
    assert_eq!(detect(Transport::Tcp, ToServer, &[tcp.as_slice(), &tcp].concat()), Detection::CERTAIN);
}

#[test]
fn inverse_queries_and_unknown_operations_are_dns_too() {
    let inverse = b"\x87\xee\x09\x80\0\0\0\x01\0\0\0\0\0\0\x01\0\x01\0\0\0\0\0\x04\x04\x03\x02\x01";
    assert_eq!(detect(Transport::Tcp, ToServer, &over_tcp(inverse)), Detection::CERTAIN);
    assert_eq!(detect(Transport::Udp, ToServer, inverse), Detection::CERTAIN);
    let mut unknown = QUERY.to_vec();
    unknown[2] = 0x49;
    assert_eq!(detect(Transport::Udp, ToServer, &unknown), Detection::WEAK, "nothing else fits");
    assert_eq!(detect(Transport::Tcp, ToServer, &over_tcp(&unknown)), Detection::NoMatch);
}

#[test]
fn what_only_looks_like_dns_is_refused() {
    let netbios =
        [&QUERY[..12], b"\x20", &b"EKEFFHEPECFACACACACACACACACACAAA"[..], b"\0\x00\x20\x00\x01"].concat();
    let with = |place: usize, byte: u8| {
        let mut bytes = QUERY.to_vec();
        bytes[place] = byte;
        bytes
    };
    for (what, bytes) in [
        ("a NetBIOS name", netbios),
        ("a reserved operation and more", [with(2, 0x79), vec![0]].concat()),
        ("a reserved bit", with(3, 0x40)),
        ("an error in a query", with(3, 3)),
        ("no question", with(5, 0)),
        ("SOME/IP", b"\xff\xff\x81\0\0\0\0\x30\0\0\0\0\x01\x01\x02\0\xc0\0\0\0\0\0\0\x10".to_vec()),
        ("text", b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n".to_vec()),
        ("next to nothing", b"\0\0\0".to_vec()),
    ] {
        assert_eq!(detect(Transport::Udp, ToServer, &bytes), Detection::NoMatch, "{what}");
    }
    for (what, bytes) in [
        ("too short a length", &b"\0\x05\x12\x34\x01"[..]),
        ("SOCKS 5", b"\x05\x01\0\x05\x01\0\x01\x7f\0\0\x01"),
        ("a MySQL greeting", b"\x4a\0\0\0\x0a5.7.44\0\x08\0\0\0"),
        (
            "MySQL columns",
            b"\x01\0\0\x01\x01\x27\0\0\x02\x03def\0\0\0\x11@@version_comment\0\x0c!\0\x39\0\0\0",
        ),
        ("a whole message with more in it", &[&[0, 30], QUERY, b"\0"].concat()),
    ] {
        assert_eq!(detect(Transport::Tcp, ToServer, bytes), Detection::NoMatch, "{what}");
    }
}
