//! Conversations over UDP and TCP, whole, cut and damaged.

use std::sync::Arc;

use df_core::Direction::{ToClient, ToServer};
use df_core::{Chunk, Direction, Timestamp, Transport};
use proptest::prelude::*;

use crate::{AttributeValue, Connection, ConnectionConfig, Exchange, ExchangeKind, Protocol, ResponseStatus};

type Turn = (Direction, Vec<u8>);

/// A message with one question; `flags` as on the wire, `records` behind the question, `counts` of them.
fn message(id: u16, flags: u16, name: &str, kind: u16, counts: [u16; 3], records: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in [id, flags, 1, counts[0], counts[1], counts[2]] {
        bytes.extend(word.to_be_bytes());
    }
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend(kind.to_be_bytes());
    bytes.extend([0, 1]);
    bytes.extend(records);
    bytes
}

fn query(id: u16, name: &str, kind: u16) -> Turn {
    (ToServer, message(id, 0x0100, name, kind, [0; 3], &[]))
}

fn answer(id: u16, name: &str, kind: u16, code: u16, answers: &[&[u8]]) -> Turn {
    let count = u16::try_from(answers.len()).unwrap();
    (ToClient, message(id, 0x8180 | code, name, kind, [count, 0, 0], &answers.concat()))
}

const ADDRESS: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x07";
const ALIAS: &[u8] = b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x04\x01x\xc0\x0c";
const MAIL: &[u8] = b"\xc0\x0c\0\x0f\0\x01\0\0\0\x3c\0\x08\0\x0a\x03mx1\xc0\x0c";
const EXTENDED: &[u8] = b"\0\0\x29\x04\xd0\x01\0\0\0\0\0";

fn converse(transport: Transport, turns: &[Turn], piece: usize) -> Vec<Exchange> {
    let config = Arc::new(ConnectionConfig::default());
    let mut connection = Connection::new(transport, config).with_ports(40_000, 53);
    let (mut offsets, mut now) = ([0_u64; 2], 0);
    for (direction, bytes) in turns {
        let len = u16::try_from(bytes.len()).unwrap().to_be_bytes();
        let framed =
            if transport == Transport::Tcp { [&len, bytes.as_slice()].concat() } else { bytes.clone() };
        for bytes in framed.chunks(piece) {
            now += 1;
            let offset = &mut offsets[direction.index()];
            connection.handle_chunk(Chunk::new(*direction, Timestamp::from_nanos(now), *offset, bytes));
            *offset += bytes.len() as u64;
        }
    }
    connection.handle_close();
    std::iter::from_fn(|| connection.poll_exchange()).collect()
}

/// `type name code result`, of what was asked and answered.
fn summary(exchanges: &[Exchange]) -> Vec<String> {
    let line = |exchange: &Exchange| {
        assert_eq!(exchange.protocol, Protocol::Dns);
        let asked = exchange.asked().unwrap();
        let response = exchange.response.as_ref().map(|response| &response.content);
        let code = response.and_then(|response| response.code.as_deref()).unwrap_or("-");
        let result = response.and_then(|response| response.result.as_deref()).unwrap_or("-");
        format!("{} {} {code} {result}", asked.kind, asked.resource.as_deref().unwrap_or("-"))
    };
    exchanges.iter().map(line).collect()
}

#[test]
fn queries_and_answers_in_any_order() {
    let conversation = [
        query(7, "a.example", 1),
        query(8, "b.example", 28),
        query(9, "c.example", 65_280),
        answer(8, "b.example", 28, 3, &[]),
        answer(7, "A.example", 1, 0, &[ALIAS, ADDRESS]),
        query(10, "example", 15),
        answer(10, "example", 15, 0, &[MAIL]),
    ];
    let expected = [
        "AAAA b.example NXDOMAIN -",
        "A a.example NOERROR x.A.example,10.0.0.7",
        "MX example NOERROR 10 mx1.example",
        "65280 c.example - -",
    ];
    for transport in [Transport::Udp, Transport::Tcp] {
        let found = converse(transport, &conversation, usize::MAX);
        assert_eq!(summary(&found), expected, "{transport:?}");
        assert_eq!(found[0].response.as_ref().unwrap().content.status, ResponseStatus::ClientError);
        assert_eq!((found[1].request_id, found[3].kind), (Some(7), ExchangeKind::Unanswered));
        let addresses = AttributeValue::TextList(vec!["10.0.0.7".to_owned()]);
        assert_eq!(
            found[1].response.as_ref().unwrap().content.attributes.find("dns.answers"),
            Some(&addresses)
        );
    }
    for piece in [1, 2, 3, 50] {
        assert_eq!(
            summary(&converse(Transport::Tcp, &conversation, piece)),
            expected,
            "in pieces of {piece}"
        );
    }
}

#[test]
fn each_repetition_of_a_query_is_a_query() {
    let found = converse(
        Transport::Udp,
        &[query(1, "x", 33), query(1, "x", 33), answer(1, "x", 33, 0, &[]), answer(1, "x", 33, 0, &[])],
        usize::MAX,
    );
    assert_eq!(summary(&found), ["SRV x NOERROR -", "SRV x NOERROR -"]);
    assert!(found.iter().all(|exchange| exchange.kind == ExchangeKind::Complete));
}

#[test]
fn a_response_without_its_query_tells_the_question() {
    let found = converse(Transport::Udp, &[answer(1, "Lost.example", 1, 2, &[])], usize::MAX);
    assert_eq!(summary(&found), ["A Lost.example SERVFAIL -"]);
    assert_eq!((found[0].kind, found[0].request.is_none()), (ExchangeKind::ResponseOnly, true));
    assert_eq!(found[0].asked().unwrap().endpoint.as_deref(), Some("lost.example"));
}

#[test]
fn extended_codes_and_names_that_cannot_be_read() {
    let extended = (ToClient, message(5, 0x8180, "x", 1, [0, 0, 1], EXTENDED));
    let mut bad_name = query(6, "abc", 1);
    bad_name.1[12] = 0x41;
    let found = converse(Transport::Udp, &[query(5, "x", 1), extended, bad_name], usize::MAX);
    assert_eq!(summary(&found), ["A x BADVERS -", " - - -"]);
}

#[test]
fn multicast_messages_are_one_way() {
    let mut announcement = message(0, 0x8400, "", 0, [1, 0, 0], &[]);
    announcement.truncate(12);
    announcement[5] = 0;
    announcement.extend(b"\x04host\x05local\0\0\x01\x80\x01\0\0\0\x78\0\x04\x0a\0\0\x01");
    let question = message(0, 0, "_ipp._tcp.local", 12, [0; 3], &[]);
    let found = converse(Transport::Udp, &[(ToServer, question), (ToServer, announcement)], usize::MAX);
    assert_eq!(summary(&found), ["PTR _ipp._tcp.local - -", "A host.local - -"]);
    assert!(found.iter().all(|exchange| exchange.kind == ExchangeKind::OneWay(ToServer)));
}

#[test]
fn a_zone_transfer_is_one_exchange() {
    let part = || answer(3, "zone", 252, 0, &[ADDRESS]);
    let found = converse(
        Transport::Tcp,
        &[query(3, "zone", 252), part(), part(), part(), query(3, "x", 1)],
        usize::MAX,
    );
    assert_eq!(summary(&found), ["AXFR zone NOERROR 10.0.0.7", "A x - -"]);
}

#[test]
fn a_response_cut_by_the_capture_keeps_what_is_there() {
    let (_, question) = query(4, "cut.example", 1);
    let (_, response) = answer(4, "cut.example", 1, 0, &[ADDRESS, ADDRESS]);
    let mut connection =
        Connection::new(Transport::Udp, Arc::new(ConnectionConfig::default())).with_ports(40_000, 53);
    connection.handle_chunk(Chunk::new(ToServer, Timestamp::from_nanos(1), 0, &question));
    let cut = Chunk::new(ToClient, Timestamp::from_nanos(2), 0, &response[..response.len() - 3]);
    connection.handle_chunk(cut.with_original_len(response.len()));
    let found: Vec<_> = std::iter::from_fn(|| connection.poll_exchange()).collect();
    assert_eq!(summary(&found), ["A cut.example NOERROR 10.0.0.7"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn cuts_change_nothing_over_tcp(ids in prop::collection::vec(any::<u16>(), 1..6), piece in 1_usize..60) {
        let turns: Vec<Turn> =
            ids.iter().flat_map(|id| [query(*id, "p.example", 1), answer(*id, "p.example", 1, 0, &[ADDRESS])]).collect();
        let whole = summary(&converse(Transport::Tcp, &turns, usize::MAX));
        prop_assert_eq!(whole.len(), ids.len());
        prop_assert_eq!(summary(&converse(Transport::Tcp, &turns, piece)), whole);
    }

    #[test]
    fn damaged_bytes_are_survived(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 1..6),
        is_tcp in any::<bool>(),
        piece in 1_usize..80,
    ) {
        let mut turns = vec![
            query(1, "a.b.example", 1),
            answer(1, "a.b.example", 1, 0, &[ALIAS, ADDRESS, MAIL]),
            query(2, "c.example", 16),
            answer(2, "c.example", 16, 0, &[ADDRESS]),
        ];
        for (turn, place, byte) in damage {
            let count = turns.len();
            let bytes = &mut turns[turn.index(count)].1;
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let (transport, piece) = if is_tcp { (Transport::Tcp, piece) } else { (Transport::Udp, usize::MAX) };
        prop_assert!(converse(transport, &turns, piece).len() <= turns.len());
    }
}
