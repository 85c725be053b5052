//! Conversations of Tars, byte by byte.

use df_core::{Direction, Transport};

use super::ROW;
use crate::Detection;
use crate::test_conversation::{call_line, down, lines_however_cut, up};

fn packet(fields: &[u8]) -> Vec<u8> {
    [&u32::try_from(fields.len() + 4).unwrap().to_be_bytes()[..], fields].concat()
}

fn text(tag: u8, text: &str) -> Vec<u8> {
    [&[tag << 4 | 6, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

fn map(tag: u8, pairs: &[(&str, &str)]) -> Vec<u8> {
    let count = u8::try_from(pairs.len()).unwrap();
    let entries: Vec<u8> =
        pairs.iter().flat_map(|(name, value)| [text(0, name), text(1, value)].concat()).collect();
    [&[tag << 4 | 8, 0, count][..], &entries].concat()
}

/// A request of a version and packet type, with this many bytes of arguments.
fn asked(version: u8, kind: u8, id: u8, arguments: usize, context: &[(&str, &str)]) -> Vec<u8> {
    let buffer =
        [&[0x7d, 0, 2][..], &u32::try_from(arguments).unwrap().to_be_bytes(), &vec![7; arguments]].concat();
    let lead = [0x10, version, 0x20, kind, 0x3c, 0x40, id];
    packet(
        &[
            &lead[..],
            &text(5, "a.b.UserObj"),
            &text(6, "find"),
            &buffer,
            &[0x8c],
            &map(9, context),
            &map(10, &[]),
        ]
        .concat(),
    )
}

fn call(id: u8) -> Vec<u8> {
    asked(1, 0, id, 40, &[])
}

fn done(id: u8, returned: u8, description: &str) -> Vec<u8> {
    let lead = [0x10, 1, 0x2c, 0x30, id, 0x4c, 0x50, returned, 0x6d, 0, 0, 3, 1, 2, 3];
    packet(&[&lead[..], &map(7, &[]), &text(8, description)].concat())
}

fn story() -> (Vec<(Direction, Vec<u8>)>, Vec<&'static str>) {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let pieces = vec![
        up([call(1), call(2)].concat()),
        down([done(2, 0, "fine"), done(1, 0xfd, "no such function")].concat()),
        up(asked(1, 1, 3, 10, &[])),
        up(asked(1, 0, 4, 10, &[("x", "y"), ("traceparent", parent)])),
        down(done(4, 0xf5, "")),
        up(asked(3, 0, 5, 10, &[])),
        down(asked(3, 0, 5, 10, &[])),
        up(asked(1, 0, 6, 200_000, &[])),
        down(done(6, 0, "")),
    ];
    let lines = vec![
        "exchange 2 find a.b.UserObj/find: ok 0",
        "exchange 1 find a.b.UserObj/find: server_error -3 no such function",
        "one_way 3 find a.b.UserObj/find: unknown",
        "exchange 4 find a.b.UserObj/find 4bf92f3577b34da6a3ce929d0e0e4736: client_error -11",
        "exchange 5 find a.b.UserObj/find: ok 0",
        "exchange 6 find a.b.UserObj/find: ok 0",
    ];
    (pieces, lines)
}

#[test]
fn every_kind_of_message_however_it_is_cut() {
    let (pieces, lines) = story();
    assert_eq!(lines_however_cut(&pieces, call_line), lines);
}

#[test]
fn detection_knows_both_sides() {
    let detect = |direction, bytes: &[u8]| (ROW.detect)(Transport::Tcp, direction, bytes);
    assert_eq!(detect(Direction::ToServer, &call(1)), Detection::CERTAIN);
    assert_eq!(detect(Direction::ToClient, &call(1)), Detection::CERTAIN_REVERSED);
    assert_eq!(detect(Direction::ToClient, &done(1, 0, "")), Detection::WEAK);
    for len in 1..30 {
        assert_eq!(detect(Direction::ToServer, &call(1)[..len]), Detection::NeedMore, "{len}");
    }
}
