//! Conversations in `baidu_std`, byte by byte.

use df_core::{Direction, Transport};

use super::ROW;
use crate::Detection;
use crate::test_conversation::{call_line, down, lines_however_cut, up};

/// A number of less than 128, or bytes of less than 128, as a field.
fn number(field: u8, number: u8) -> Vec<u8> {
    vec![field << 3, number]
}

fn bytes(field: u8, bytes: &[u8]) -> Vec<u8> {
    [&[field << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

fn frame(meta: &[Vec<u8>], payload: &[u8]) -> Vec<u8> {
    let meta = meta.concat();
    let lens = [meta.len() + payload.len(), meta.len()]
        .map(|len| u32::try_from(len).unwrap().to_be_bytes())
        .concat();
    [&b"PRPC"[..], &lens, &meta, payload].concat()
}

fn call(id: u8) -> Vec<u8> {
    frame(&[bytes(1, &[bytes(1, b"a.Echo"), bytes(2, b"Find")].concat()), number(4, id)], b"payload")
}

fn done(id: u8) -> Vec<u8> {
    frame(&[bytes(2, &number(1, 0)), number(4, id)], b"payload")
}

fn story() -> (Vec<(Direction, Vec<u8>)>, Vec<&'static str>) {
    let traced = [bytes(1, b"a.Echo"), bytes(2, b"Find"), number(4, 0x2a), number(5, 7)].concat();
    let pair =
        [bytes(1, b"traceparent"), bytes(2, b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
            .concat();
    let failed = [vec![8, 0xd1, 0x0f], bytes(2, b"broken")].concat();
    let negative = [&[8][..], &[0xff; 9], &[1]].concat();
    let stream = [&b"STRM"[..], &[0, 0, 0, 3, 0, 0, 0, 1], b"xyz"].concat();
    let pieces = vec![
        up([call(1), call(2)].concat()),
        down([done(2), stream, frame(&[bytes(2, &failed), number(4, 1)], b"")].concat()),
        up(frame(&[bytes(1, &traced), number(4, 3)], &[b'x'; 100_000])),
        down(frame(&[bytes(2, &negative), number(4, 3)], &[b'x'; 100_000])),
        up(frame(&[bytes(1, &traced), number(4, 4), bytes(9, &pair)], b"")),
        down(frame(&[bytes(2, b""), number(4, 4)], b"")),
    ];
    let lines = vec![
        "exchange 2 Find a.Echo/Find: ok 0",
        "exchange 1 Find a.Echo/Find: server_error 2001 broken",
        "exchange 3 Find a.Echo/Find 2a: server_error -1",
        "exchange 4 Find a.Echo/Find 4bf92f3577b34da6a3ce929d0e0e4736: ok 0",
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
    assert_eq!(detect(Direction::ToClient, &done(1)), Detection::CERTAIN);
    for len in 1..13 {
        assert_eq!(detect(Direction::ToServer, &call(1)[..len]), Detection::NeedMore, "{len}");
    }
}
