//! Conversations, whole, cut anywhere and with bytes missing.

use std::sync::Arc;

use df_core::Direction::{ToClient, ToServer};
use df_core::{Chunk, Direction, Timestamp, Transport};
use proptest::prelude::*;

use crate::{AttributeValue, Connection, ConnectionConfig, Exchange, ExchangeKind, Obfuscation, Protocol};

/// A turn of a conversation: who speaks, and what.
type Turn = (Direction, Vec<u8>);

fn turns(turns: &[(Direction, &str)]) -> Vec<Turn> {
    turns.iter().map(|(direction, bytes)| (*direction, bytes.as_bytes().to_vec())).collect()
}

/// Feeds a conversation in pieces of at most `piece` bytes.
fn converse_with(config: ConnectionConfig, turns: &[Turn], piece: usize) -> Vec<Exchange> {
    let mut connection = Connection::new(Transport::Tcp, Arc::new(config));
    let (mut offsets, mut now) = ([0_u64; 2], 0);
    for (direction, bytes) in turns {
        for bytes in bytes.chunks(piece) {
            now += 1;
            let offset = &mut offsets[direction.index()];
            connection.handle_chunk(Chunk::new(*direction, Timestamp::from_nanos(now), *offset, bytes));
            *offset += bytes.len() as u64;
        }
    }
    connection.handle_close();
    std::iter::from_fn(|| connection.poll_exchange()).collect()
}

fn exchanges(conversation: &[(Direction, &str)]) -> Vec<Exchange> {
    converse_with(ConnectionConfig::default(), &turns(conversation), usize::MAX)
}

/// `METHOD target status`, with lengths, one exchange a line.
fn summary(exchanges: &[Exchange]) -> Vec<String> {
    let line = |exchange: &Exchange| {
        assert_eq!(exchange.protocol, Protocol::Http1);
        let request = exchange.request.as_ref().map_or("-".to_owned(), |request| {
            let content = &request.content;
            format!("{} {} {}", content.kind, content.resource.as_deref().unwrap_or("-"), request.length)
        });
        let response = exchange.response.as_ref().map_or("-".to_owned(), |response| {
            format!("{} {}", response.content.code.as_deref().unwrap_or("-"), response.length)
        });
        format!("{request} > {response}")
    };
    exchanges.iter().map(line).collect()
}

#[track_caller]
fn check(conversation: &[(Direction, &str)], expected: &[&str]) {
    let turns = turns(conversation);
    for piece in [usize::MAX, 1, 2, 7, 64] {
        let exchanges = converse_with(ConnectionConfig::default(), &turns, piece);
        assert_eq!(summary(&exchanges), expected, "in pieces of {piece}");
    }
}

#[test]
fn a_response_that_keeps_coming_does_not_time_out() {
    let mut connection = Connection::new(Transport::Tcp, Arc::new(ConnectionConfig::default()));
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (mut offset, mut minute) = (0_u64, 0_u32);
    let mut answer = |connection: &mut Connection, bytes: &str| {
        let now = Timestamp::from_parts(60 * u64::from(minute), 0);
        connection.handle_timeout(now);
        connection.handle_chunk(Chunk::new(ToClient, now, offset, bytes.as_bytes()));
        offset += bytes.len() as u64;
        minute += 1;
    };
    let question = b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n";
    connection.handle_chunk(Chunk::new(ToServer, Timestamp::ZERO, 0, question));
    answer(&mut connection, head);
    assert_eq!(connection.poll_timeout(), None, "it is being answered");
    for _ in 0..10 {
        answer(&mut connection, "5\r\nevent\r\n");
    }
    assert_eq!(connection.poll_exchange(), None);
    answer(&mut connection, "0\r\n\r\n");
    let exchanges: Vec<_> = std::iter::from_fn(|| connection.poll_exchange()).collect();
    assert_eq!(summary(&exchanges), ["GET /events 33 > 200 152"]);
}

#[test]
fn bodies_of_announced_length_pipelined() {
    check(
        &[
            (
                ToServer,
                "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\n\r\n",
            ),
            (ToClient, "HTTP/1.1 201 Created\r\nContent-Length: 2, 2\r\n\r\nok"),
            (ToClient, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        ],
        &["POST /a 53 > 201 48", "GET /b 19 > 404 45"],
    );
}

#[test]
fn chunked_with_extensions_and_trailers() {
    let body = "5;a=b\r\nhello\r\nA \r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n";
    let response = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n{body}");
    let conversation = [
        (ToServer, "PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        (ToClient, response.as_str()),
        (ToServer, "\r\nGET /d HTTP/1.1\r\n\r\n"),
        (ToClient, "HTTP/1.1 204 No Content\r\n\r\n"),
    ];
    check(&conversation, &["PUT /c 60 > 200 98", "GET /d 19 > 204 27"]);
    let found = exchanges(&conversation);
    let sizes = (
        found[0].request.as_ref().unwrap().content.attributes.find("http.request.body.size").cloned(),
        found[0].response.as_ref().unwrap().content.attributes.find("http.response.body.size").cloned(),
    );
    assert_eq!(sizes, (Some(AttributeValue::Integer(3)), Some(AttributeValue::Integer(15))));
}

#[test]
fn messages_without_body() {
    check(
        &[
            (ToServer, "HEAD /h HTTP/1.1\r\n\r\nGET /i HTTP/1.1\r\n\r\nGET /j HTTP/1.1\r\n\r\n"),
            (ToClient, "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"),
            (ToClient, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"),
            (
                ToClient,
                "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
            ),
        ],
        &["HEAD /h 20 > 200 40", "GET /i 19 > 304 48", "GET /j 19 > 500 38"],
    );
}

#[test]
fn response_until_close() {
    check(
        &[
            (ToServer, "GET / HTTP/1.0\r\n\r\n"),
            (ToClient, "HTTP/1.0 200 OK\r\nServer: x\r\n\r\nall the rest\r\n\r\nof it"),
        ],
        &["GET / 18 > 200 51"],
    );
}

#[test]
fn line_feeds_folds_blanks_and_strange_methods() {
    check(
        &[
            (
                ToServer,
                "\r\nM-ODD_1 /x y HTTP/1.1\nHost:\n folded\nno colon\n: nameless\n\nGET /é HTTP/1.1\n\n",
            ),
            (ToClient, "HTTP/1.1 200\nContent-Length: 0\n\nHTTP/1.1 200 \nContent-Length: 0\n\n"),
            (ToServer, "OPTIONS HTTP/1.1\r\n\r\n"),
            (ToClient, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
        ],
        &["M-ODD_1 /x y 57 > 200 32", "GET /é 18 > 200 33", "OPTIONS HTTP/1.1 20 > 400 47"],
    );
}

#[test]
fn a_tunnel_is_left_to_what_runs_inside() {
    for (request, response) in [
        ("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n", "HTTP/1.1 200 Fine\r\n\r\n"),
        ("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    ] {
        let inside = [(ToServer, "GET /inside HTTP/1.1\r\n\r\n"), (ToClient, "HTTP/1.1 204 No\r\n\r\n")];
        let found = exchanges(&[(ToServer, request), (ToClient, response), inside[0], inside[1]]);
        assert_eq!(found.len(), 2, "{request}");
        assert_eq!(found[1].request.as_ref().unwrap().content.resource.as_deref(), Some("/inside"));
    }
}

#[test]
fn starts_with_a_response_and_in_mid_stream() {
    check(
        &[
            (ToClient, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
            (ToServer, "GET /next HTTP/1.1\r\n\r\n"),
            (ToClient, "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"),
        ],
        &["- > 200 41", "GET /next 22 > 302 41"],
    );
}

#[test]
fn a_server_that_was_believed_the_client() {
    let found = exchanges(&[
        (ToClient, "GET /swapped HTTP/1.1\r\n\r\n"),
        (ToServer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ]);
    assert_eq!(summary(&found), ["GET /swapped 25 > 200 38"]);
    assert!(found[0].is_reversed);
}

#[test]
fn missing_body_bytes_cost_nothing_and_missing_heads_one_message() {
    let mut connection = Connection::new(Transport::Tcp, Arc::new(ConnectionConfig::default()));
    let mut feed = |direction, now, offset, bytes: &str, original_len| {
        let chunk = Chunk::new(direction, Timestamp::from_nanos(now), offset, bytes.as_bytes());
        connection.handle_chunk(chunk.with_original_len(original_len));
    };
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
    feed(ToServer, 1, 0, "GET /1 HTTP/1.1\r\n\r\n", 19);
    feed(ToClient, 2, 0, ok, ok.len() + 400); // the body begins, cut by the snap length
    feed(ToServer, 3, 19, "GET /2 HTTP/1.1\r\n\r\n", 19);
    feed(ToClient, 4, ok.len() as u64 + 1000, ok, ok.len()); // the rest of the body was lost
    let next = ok.len() as u64 * 2 + 2000;
    feed(ToServer, 5, 38, "GET /3 HTTP/1.1\r\nCookie: abc", 500); // a head cut by the snap length
    feed(ToClient, 6, next, "HTTP/1.1 404 Not Found\r\nServer: s", 60);
    feed(ToServer, 7, 538, "GET /4 HTTP/1.1\r\n\r\n", 19);
    feed(ToClient, 8, next + 60, "HTTP/1.1 204 OK\r\n\r\n", 19);
    connection.handle_close();
    let found: Vec<_> = std::iter::from_fn(|| connection.poll_exchange()).collect();
    assert_eq!(
        summary(&found),
        ["GET /1 19 > 200 1041", "GET /2 19 > 200 1041", "GET /3 28 > 404 33", "GET /4 19 > 204 19"]
    );
}

#[test]
fn a_broken_body_ends_its_message_and_the_next_is_found() {
    let mut connection = Connection::new(Transport::Tcp, Arc::new(ConnectionConfig::default()));
    let mut feed = |direction, now, offset, bytes: &str| {
        connection.handle_chunk(Chunk::new(direction, Timestamp::from_nanos(now), offset, bytes.as_bytes()));
    };
    feed(ToServer, 1, 0, "GET /1 HTTP/1.1\r\n\r\n");
    feed(ToClient, 2, 0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    feed(ToServer, 3, 19, "GET /2 HTTP/1.1\r\n\r\n");
    feed(ToClient, 4, 51, "HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab");
    connection.handle_close();
    let found: Vec<_> = std::iter::from_fn(|| connection.poll_exchange()).collect();
    let codes: Vec<_> =
        found.iter().map(|found| found.response.as_ref().unwrap().content.code.clone().unwrap()).collect();
    assert_eq!(codes, ["200", "503"]);
    assert!(found.iter().all(|found| found.kind == ExchangeKind::Complete));
}

/// Each of these ends HTTP/1 and begins it again: that must cost no stack.
#[test]
fn protocol_after_protocol_in_one_chunk() {
    let upgrades = "HTTP/1.1 101\n\n".repeat(20_000);
    let mut connection = Connection::new(Transport::Tcp, Arc::new(ConnectionConfig::default()));
    connection.handle_chunk(Chunk::new(ToClient, Timestamp::from_nanos(1), 0, upgrades.as_bytes()));
    connection.handle_close();
    assert_eq!(std::iter::from_fn(|| connection.poll_exchange()).count(), 20_000);
}

#[test]
fn what_a_request_and_its_response_say() {
    let config = ConnectionConfig {
        http_request_headers: vec!["accept".to_owned()],
        http_response_headers: vec!["x-cache".to_owned()],
        ..ConnectionConfig::default()
    };
    let conversation = turns(&[
        (
            ToServer,
            "PROPFIND /api/v1/users/4?token=secret&x HTTP/1.1\r\nHOST: shop:80\r\nUser-Agent: curl/8\r\n\
             X-Forwarded-For: 1.2.3.4, 5.6.7.8\r\nAccept: a\r\nAccept: b\r\nX-Request-Id: r1\r\n\
             traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n",
        ),
        (
            ToClient,
            "HTTP/1.0 502 Bad Gateway\r\nX-Cache: miss\r\nX-REQUEST-ID: r2\r\nContent-Length: 0\r\n\r\n",
        ),
    ]);
    let found = converse_with(config, &conversation, usize::MAX);
    let request = &found[0].request.as_ref().unwrap().content;
    assert_eq!((&*request.kind, &*request.operation), ("PROPFIND", "_OTHER"));
    assert_eq!((request.domain.as_deref(), request.version.as_deref()), (Some("shop:80"), Some("1.1")));
    assert_eq!(request.resource.as_deref(), Some("/api/v1/users/4?token=?&?"));
    assert_eq!(request.endpoint.as_deref(), Some("/api/v1"));
    let text = |key| request.attributes.find(key).and_then(AttributeValue::as_text);
    assert_eq!(text("http.request.method_original"), Some("PROPFIND"));
    assert_eq!((text("url.path"), text("url.query")), (Some("/api/v1/users/4"), Some("token=?&?")));
    assert_eq!((text("user_agent.original"), text("client.address")), (Some("curl/8"), Some("1.2.3.4")));
    let accept = AttributeValue::TextList(vec!["a".to_owned(), "b".to_owned()]);
    assert_eq!(request.attributes.find("http.request.header.accept"), Some(&accept));
    let context = request.context.as_ref().unwrap();
    assert_eq!(
        (context.span_id.as_deref(), context.x_request_id.as_deref()),
        (Some("00f067aa0ba902b7"), Some("r1"))
    );
    let response = &found[0].response.as_ref().unwrap().content;
    assert_eq!(
        (response.exception.as_deref(), response.x_request_id.as_deref()),
        (Some("Bad Gateway"), Some("r2"))
    );
    assert_eq!(response.attributes.find("http.response.status_code"), Some(&AttributeValue::Integer(502)));
    assert!(response.attributes.find("http.response.header.x-cache").is_some());

    let shown = ConnectionConfig { obfuscation: Obfuscation::NONE, ..ConnectionConfig::default() };
    let found = converse_with(shown, &conversation, usize::MAX);
    let resource = found[0].request.as_ref().unwrap().content.resource.as_deref();
    assert_eq!(resource, Some("/api/v1/users/4?token=secret&x"));
}

/// A conversation of one to four exchanges with every kind of body.
fn any_conversation() -> impl Strategy<Value = Vec<Turn>> {
    let request = prop_oneof![
        Just("GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n"),
        Just("POST /p HTTP/1.1\r\nContent-Length: 10\r\n\r\nGET / HTTP"),
        Just("PUT /q HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n"),
    ];
    let response = prop_oneof![
        Just("HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\nHTTP/1.1 500 No\r\n\r\n"),
        Just(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1f\r\n0123456789012345678901234567890\r\n0\r\na: b\r\n\r\n"
        ),
        Just("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 None\r\nX: y\r\n\r\n"),
    ];
    prop::collection::vec((request, response), 1..4).prop_map(|pairs| {
        let turn = |(request, response): &(&str, &str)| turns(&[(ToServer, request), (ToClient, response)]);
        pairs.iter().flat_map(turn).collect()
    })
}

fn without_times(mut exchanges: Vec<Exchange>) -> Vec<Exchange> {
    for exchange in &mut exchanges {
        if let Some(observed) = &mut exchange.request {
            (observed.start, observed.end) = (Timestamp::ZERO, Timestamp::ZERO);
        }
        if let Some(observed) = &mut exchange.response {
            (observed.start, observed.end) = (Timestamp::ZERO, Timestamp::ZERO);
        }
    }
    exchanges
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn cuts_change_nothing(conversation in any_conversation(), piece in 1_usize..40) {
        let whole = converse_with(ConnectionConfig::default(), &conversation, usize::MAX);
        prop_assert_eq!(whole.len(), conversation.len() / 2);
        let cut = converse_with(ConnectionConfig::default(), &conversation, piece);
        prop_assert_eq!(without_times(cut), without_times(whole));
    }

    #[test]
    fn damaged_bytes_are_survived(
        mut conversation in any_conversation(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 1..8),
        piece in 1_usize..80,
    ) {
        for (turn, place, byte) in damage {
            let count = conversation.len();
            let bytes = &mut conversation[turn.index(count)].1;
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let requests = conversation.len();
        let found = converse_with(ConnectionConfig::default(), &conversation, piece);
        prop_assert!(found.len() <= requests * 3, "bodies hold at most one message more");
    }
}
