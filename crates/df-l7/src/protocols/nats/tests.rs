//! Conversations after the protocol's documentation, in whole and in pieces.

use std::sync::Arc;

use df_core::{Direction, Transport};

use super::detect::detect;
use crate::test_conversation::{down, exchanges_of, exchanges_with, up};
use crate::{Connection, ConnectionConfig, Detection, Exchange, Protocol};

/// One line: how it was paired, what was asked, how it went.
fn story(exchange: &Exchange) -> String {
    let asked = exchange.asked().map_or_else(
        || "?".to_owned(),
        |request| {
            let server =
                if request.attributes.find("df.nats.is_from_server").is_some() { "server's " } else { "" };
            format!("{server}{} {}", request.kind, request.resource.as_deref().unwrap_or("-"))
        },
    );
    let response = exchange.response.as_ref().map(|response| &response.content);
    let code = response.and_then(|response| response.code.as_deref()).unwrap_or_default();
    format!("{} {asked} {} {code}", exchange.kind.name(), exchange.status().name()).trim_end().to_owned()
}

/// Lines that begin with `S: ` or `C: `, whose `\n` are line ends on the wire.
fn turns(talk: &[&str]) -> Vec<(Direction, Vec<u8>)> {
    talk.iter()
        .map(|turn| {
            let (speaker, text) = turn.split_once(": ").unwrap();
            let bytes = text.replace('\n', "\r\n").into_bytes();
            if speaker == "C" { up(bytes) } else { down(bytes) }
        })
        .collect()
}

fn told(talk: &[&str], expected: &[&str]) {
    let turns = turns(talk);
    for len in [1, 2, 3, 7, 1_000] {
        let stories: Vec<String> = exchanges_of(&turns, len).iter().map(story).collect();
        assert_eq!(stories, expected, "pieces of {len}");
    }
}

const GREETING: &str =
    "S: INFO {\"server_id\":\"N1\",\"server_name\":\"df\",\"version\":\"2.9.10\",\"max_payload\":1048576} \n";
const CONNECT: &str =
    "C: CONNECT {\"verbose\":false,\"pass\":\"secret\",\"name\":\"shop\",\"lang\":\"go\"}\nPING\n";

#[test]
fn publications_and_deliveries_are_one_way() {
    told(
        &[
            GREETING,
            CONNECT,
            "S: PONG\n",
            "C: SUB orders.> workers 1\nPUB orders.eu 7\norder 1\nPUB empty 0\n\n",
            "S: MSG orders.eu 1 7\norder 1\n",
            "C: HPUB orders.us 28 33\nNATS/1.0\nNats-Msg-Id: 7\n\nhello\nUNSUB 1\n",
            "S: PING\n",
            "C: PONG\n",
        ],
        &[
            "exchange CONNECT - ok",
            "one_way SUB orders.> unknown",
            "one_way PUB orders.eu unknown",
            "one_way PUB empty unknown",
            "one_way MSG orders.eu unknown",
            "one_way HPUB orders.us unknown",
            "one_way UNSUB orders.> unknown",
            "exchange server's PING - ok",
        ],
    );
}

#[test]
fn replies_find_their_requests() {
    told(
        &[
            GREETING,
            CONNECT,
            "S: PONG\n",
            "C: SUB _INBOX.a.* 1\nSUB greet 2\nPUB slow _INBOX.a.1 1\n?\nPUB fast _INBOX.a.2 1\n?\nPUB other elsewhere 1\n?\n",
            "S: MSG _INBOX.a.2 1 2\nok\nHMSG _INBOX.a.1 1 16 16\nNATS/1.0 503\n\n\n",
            "S: MSG greet 2 _INBOX.b.1 1\n1\nMSG greet 2 _INBOX.b.2 1\n2\n",
            "C: PUB _INBOX.b.1 2\nok\nPUB _INBOX.b.2 2\nok\n",
            "S: MSG greet 2 _INBOX.b.3 1\n3\nMSG _INBOX.a.2 1 4\nmore\n",
        ],
        &[
            "exchange CONNECT - ok",
            "one_way SUB _INBOX.a.* unknown",
            "one_way SUB greet unknown",
            "one_way PUB other unknown",
            "exchange PUB fast ok",
            "exchange PUB slow server_error 503",
            "one_way server's MSG greet unknown",
            "exchange server's MSG greet ok",
            "one_way PUB _INBOX.b.2 unknown",
            "one_way MSG _INBOX.a.2 unknown",
            "request server's MSG greet timeout",
        ],
    );
}

#[test]
fn who_only_listens_owes_no_reply() {
    told(
        &[GREETING, CONNECT, "S: PONG\n", "C: SUB > 1\n", "S: MSG greet 1 _INBOX.b.1 1\n1\n"],
        &["exchange CONNECT - ok", "one_way SUB > unknown", "one_way server's MSG greet unknown"],
    );
}

#[test]
fn what_jetstream_delivers_answers_the_pull() {
    told(
        &[
            GREETING,
            CONNECT,
            "S: PONG\n",
            "C: SUB _INBOX.p 2\nPUB $JS.API.CONSUMER.MSG.NEXT.ORDERS.billing _INBOX.p 0\n\n",
            "S: MSG orders.eu 2 $JS.ACK.ORDERS.billing.1.1.1.17.1 7\norder 1\nMSG orders.eu 2 $JS.ACK.ORDERS.billing.1.2.2.17.0 1\n2\n",
            "C: PUB $JS.ACK.ORDERS.billing.1.1.1.17.1 0\n\nPUB $JS.API.STREAM.INFO.X _INBOX.p 0\n\n",
            "S: MSG _INBOX.p 2 112\n{\"type\":\"io.nats.jetstream.api.v1.stream_info_response\",\"error\":{\"code\":404,\"err_code\":10059,\"description\":\"?\"}}\n",
            "S: HMSG _INBOX.p 2 29 29\nNATS/1.0 408 Timeout 1234\n\n\n",
        ],
        &[
            "exchange CONNECT - ok",
            "one_way SUB _INBOX.p unknown",
            "exchange PUB $JS.API.CONSUMER.MSG.NEXT.ORDERS.billing ok",
            "one_way MSG orders.eu unknown",
            "one_way PUB $JS.ACK.ORDERS.billing.1.1.1.17.1 unknown",
            "exchange PUB $JS.API.STREAM.INFO.X client_error 404",
            "one_way HMSG _INBOX.p unknown",
        ],
    );
}

#[test]
fn a_verbose_server_confirms_everything() {
    told(
        &[
            GREETING,
            "C: CONNECT {\"verbose\": true}\n",
            "S: +OK\n",
            "C: sub _INBOX.> alice\r\nPUB a 1\n1\nPUB b _INBOX.1 1\n2\nPUB c 1\n3\nPING\n",
            "S: +OK\n+OK\n+OK\n-ERR 'Permissions Violation for Publish to \"c\"'\nPONG\n",
            "S: MSG _INBOX.1 alice 2\nok\n-ERR 'Stale Connection'\n",
        ],
        &[
            "exchange CONNECT - ok",
            "exchange SUB _INBOX.> ok",
            "exchange PUB a ok",
            "exchange PUB c client_error Permissions Violation",
            "exchange PING - ok",
            "exchange PUB b ok",
            "response ? client_error Stale Connection",
        ],
    );
}

#[test]
fn refusals_are_outcomes() {
    told(
        &[GREETING, CONNECT, "S: -ERR 'Authorization Violation'\n"],
        &["exchange CONNECT - client_error Authorization Violation"],
    );
    told(
        &[
            GREETING,
            CONNECT,
            "S: PONG\n",
            "C: SUB _INBOX.* 1\nPUB pay _INBOX.1 1\n1\nPUB pay 1\n1\n",
            "S: -ERR 'Permissions Violation for Publish to \"pay\"'\n-ERR 'Permissions Violation for Publish to \"pay\"'\n",
        ],
        &[
            "exchange CONNECT - ok",
            "one_way SUB _INBOX.* unknown",
            "one_way PUB pay unknown",
            "exchange PUB pay client_error Permissions Violation",
            "response PUB pay client_error Permissions Violation",
        ],
    );
}

#[test]
fn a_connection_is_understood_from_its_middle() {
    told(
        &[
            "S: MSG _INBOX.a.1 1 2\nok\n",
            "C: PUB greet _INBOX.a.2 1\n?\n",
            "S: MSG _INBOX.a.2 1 2\nok\n",
            "S: +OK\n",
            "C: PUB a 1\n1\n",
            "S: +OK\n",
        ],
        &["one_way MSG _INBOX.a.1 unknown", "exchange PUB greet ok", "exchange PUB a ok"],
    );
}

#[test]
fn a_gap_costs_what_it_holds() {
    let mut turns = turns(&[GREETING, CONNECT, "S: PONG\n", "C: PUB a 5000\n"]);
    turns.push(up(Vec::new()));
    turns.extend(self::turns(&["C: xx\nMSG a 1 1\n", "C: PUB b 1\n1\n", "S: MSG c 1 1\n1\n"]));
    turns.extend([down(Vec::new())]);
    turns.extend(self::turns(&["S: MSG d 1 1\n1\n"]));
    let stories: Vec<String> = exchanges_of(&turns, 1_000).iter().map(story).collect();
    // What is missing is part of the payload, and so is what looks like messages behind it.
    let expected =
        ["exchange CONNECT - ok", "one_way PUB a unknown", "one_way MSG c unknown", "one_way MSG d unknown"];
    assert_eq!(stories, expected);
}

#[test]
fn a_connection_may_turn_to_tls() {
    let greeting = GREETING.replace("\"max_payload\"", "\"tls_required\":true,\"max_payload\"");
    let mut turns = turns(&[&greeting]);
    turns.push(up(vec![0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]));
    let mut connection = Connection::new(Transport::Tcp, Arc::new(ConnectionConfig::default()));
    connection.handle_chunk(df_core::Chunk::new(
        Direction::ToClient,
        df_core::Timestamp::from_nanos(1),
        0,
        &turns[0].1,
    ));
    assert_eq!((connection.stats().protocol_changes, connection.stats().bytes_unknown), (1, 0));
    let clear = self::turns(&[&greeting, CONNECT, "S: PONG\n"]);
    let stories: Vec<String> = exchanges_of(&clear, 1_000).iter().map(story).collect();
    assert_eq!(stories, ["exchange CONNECT - ok"], "a server that only says so");
}

#[test]
fn secrets_and_payloads_do_not_leave() {
    let talk = turns(&[
        GREETING,
        "C: CONNECT {\"user\":\"ada\",\"pass\":\"secret\",\"auth_token\":\"token\",\"jwt\":\"ey\",\"sig\":\"xx\",\"name\":\"shop\"}\n",
        "S: PONG\n",
        "C: PUB a 6\nhidden\n",
    ]);
    let shown = format!("{:?}", exchanges_of(&talk, 1_000));
    for secret in ["ada", "secret", "token", "jwt", "hidden"] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
    assert!(shown.contains("shop"));
}

#[test]
fn lengths_and_lines_have_limits() {
    let connection = || {
        let config = Arc::new(ConnectionConfig::default());
        Connection::new(Transport::Tcp, config).with_protocol(&super::ROW)
    };
    for wrong in [
        "PUB a 67108865\r\n",
        "PUB a 1\r\nxx\r\n",
        "HPUB a 5 3\r\n",
        "PUB a b c 1\r\n",
        "WHAT\r\n",
        "MSG a 1 0\r\n\r\n",
    ] {
        assert!(exchanges_with(connection(), &[up(wrong.into())], 1_000).is_empty(), "{wrong}");
    }
    let endless = vec![b'x'; 20_000];
    let mut endless_line = b"PUB ".to_vec();
    endless_line.extend(endless);
    assert!(exchanges_with(connection(), &[up(endless_line)], 1_000).is_empty());
}

#[test]
fn what_only_looks_like_it_is_rejected() {
    let table: &[(&str, Detection)] = &[
        ("INFO {\"server_id\":\"N\"}\r\n", Detection::CERTAIN_REVERSED),
        ("INFO {\"server_id\":", Detection::NeedMore),
        ("INFO {\"server_id\":\"N\",\"lnoc\":true}\r\n", Detection::NoMatch),
        ("INFO {\"server_id\":\"N\",\"leafnode_urls\":[]}\r\n", Detection::NoMatch),
        ("INFO\r\n", Detection::NoMatch),
        ("CONNECT {\"verbose\":false}\r\n", Detection::CERTAIN),
        ("CONNECT {\"cluster\":\"c\",\"lnoc\":true}\r\n", Detection::NoMatch),
        ("CONNECT a:1 HTTP/1.1\r\n", Detection::NoMatch),
        ("CONNECT\naccept-version:1.2\n\n", Detection::NoMatch),
        ("PUB a 1\r\nx\r\n", Detection::CERTAIN),
        ("PUB a 1\r\n", Detection::WEAK),
        ("PUB a 1\r\nxyz", Detection::NoMatch),
        ("PUB topic\n", Detection::NoMatch),
        ("SUB topic channel\n", Detection::NoMatch),
        ("SUB topic 1\r\n", Detection::WEAK),
        ("MSG a 1 1\r\nx\r\n", Detection::CERTAIN_REVERSED),
        ("HMSG $G a 12 12\r\nNATS/1.0\r\n\r\n\r\n", Detection::NoMatch),
        ("HMSG a _INBOX.b 12 12\r\nNATS/1.0\r\n\r\n\r\n", Detection::NoMatch),
        ("PING\r\n", Detection::NeedMore),
        ("+OK\r\n+OK\r\nMSG a 1 1\r\nx\r\n", Detection::CERTAIN_REVERSED),
        ("PINGS\r\n", Detection::NoMatch),
        ("RS+ $G a\r\n", Detection::NoMatch),
        ("-ERR 'Slow Consumer'\r\n", Detection::NeedMore),
        ("PUT / HTTP/1.1\r\n", Detection::NoMatch),
    ];
    for (text, expected) in table {
        assert_eq!(detect(Transport::Tcp, Direction::ToServer, text.as_bytes()), *expected, "{text:?}");
    }
    assert_eq!(Protocol::from_name("nats"), Some(Protocol::Nats));
}
