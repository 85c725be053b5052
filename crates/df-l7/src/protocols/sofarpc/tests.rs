//! Conversations over Bolt, byte by byte.

use df_core::{Direction, Transport};

use super::ROW;
use crate::Detection;
use crate::test_conversation::{call_line, down, lines_however_cut, up};

const CLASS: &[u8] = b"a.b.SofaRequest";

fn pairs(pairs: &[(&str, &str)]) -> Vec<u8> {
    let sized =
        |text: &str| [&u32::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat();
    pairs.iter().flat_map(|(name, value)| [sized(name), sized(value)].concat()).collect()
}

/// A message of a version, type and command, or, in a response, status.
fn message(version: u8, kind: u8, command: u8, id: u8, parts: [&[u8]; 3]) -> Vec<u8> {
    let lead: &[u8] = if version == 1 { &[1] } else { &[2, 1] };
    let switches: &[u8] = if version == 1 { &[] } else { &[1] };
    let middle: &[u8] = if kind == 0 { &[0, command] } else { &[0, 0, 7, 0xd0] };
    let command = if kind == 0 { 2 } else { command };
    let [class, fields, content] = parts;
    let short = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap().to_be_bytes();
    let len = u32::try_from(content.len()).unwrap().to_be_bytes();
    let head = [lead, &[kind, 0, command, 1, 0, 0, 0, id, 1], switches, middle].concat();
    let checksum: &[u8] = if version == 1 { &[] } else { &[9; 4] };
    [&head[..], &short(class), &short(fields), &len, class, fields, content, checksum].concat()
}

fn call(version: u8, kind: u8, id: u8, extra: &[(&str, &str)]) -> Vec<u8> {
    let names = [("sofa_head_target_service", "a.Users:1.0"), ("sofa_head_method_name", "find")];
    message(version, kind, 1, id, [CLASS, &pairs(&[&names[..], extra].concat()), b"content"])
}

/// A response with this status and content.
fn done(version: u8, id: u8, status: u8, content: &[u8]) -> Vec<u8> {
    message(version, 0, status, id, [CLASS, b"", content])
}

fn story() -> (Vec<(Direction, Vec<u8>)>, Vec<&'static str>) {
    let response = b"O\x9ca.b.Response\x92\x07isError\x08errorMsgo\x90T\x06broken";
    let thrown = b"O\x98a.NoUser\x91\x0ddetailMessageo\x90\x07missing";
    let named = b"O\x9fa.b.SofaRequest\x91\x0amethodNameo\x90\x04plus";
    let tracer = "tcid=0a2200&spid=0.1&pspid=&sample=true&";
    let pieces = vec![
        up([call(1, 1, 1, &[]), call(1, 1, 2, &[("new_rpc_trace_context", tracer)])].concat()),
        // A heartbeat, then the answers in another order.
        down(
            [&[1, 1, 0, 0, 1, 0, 0, 0, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &done(1, 2, 0, b"N")]
                .concat(),
        ),
        down(done(1, 1, 0, response)),
        up(call(2, 2, 3, &[])),
        up(call(2, 1, 4, &[("rpc_trace_context.sofaTraceId", "0a33"), ("rpc_trace_context.sofaRpcId", "0")])),
        down(done(2, 4, 2, thrown)),
        up(message(1, 1, 1, 5, [CLASS, &pairs(&[("service", "a.Users:1.0")]), named])),
        down(done(1, 5, 7, b"")),
    ];
    let lines = vec![
        "exchange 2 find a.Users:1.0/find 0a2200: ok 0",
        "exchange 1 find a.Users:1.0/find: server_error 0 broken",
        "one_way 3 find a.Users:1.0/find: unknown",
        "exchange 4 find a.Users:1.0/find 0a33: server_error 2 missing",
        "exchange 5 plus a.Users:1.0/plus: server_error 7",
    ];
    (pieces, lines)
}

#[test]
fn every_kind_of_message_however_it_is_cut() {
    let (pieces, lines) = story();
    assert_eq!(lines_however_cut(&pieces, call_line), lines);
}

#[test]
fn detection_knows_both_sides_and_nothing_else() {
    let detect = |direction, bytes: &[u8]| (ROW.detect)(Transport::Tcp, direction, bytes);
    assert_eq!(detect(Direction::ToServer, &call(1, 1, 1, &[])), Detection::CERTAIN);
    assert_eq!(detect(Direction::ToClient, &call(1, 1, 1, &[])), Detection::CERTAIN_REVERSED);
    assert_eq!(detect(Direction::ToClient, &done(1, 1, 0, b"N")), Detection::CERTAIN);
    for len in 1..23 {
        assert_eq!(detect(Direction::ToServer, &call(1, 1, 1, &[])[..len]), Detection::NeedMore, "{len}");
    }
    let unknown = message(1, 1, 1, 1, [b"\x80\x81", b"", b""]);
    assert_eq!(detect(Direction::ToServer, &unknown), Detection::NoMatch);
}
