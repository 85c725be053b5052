//! Tests of the Redis parser: conversations, cuts at every place, hostile bytes.

use std::sync::Arc;

use df_core::{Chunk, Direction, Timestamp, Transport};
use proptest::prelude::*;

use super::{ROW, RedisParser};
use crate::{
    Connection, ConnectionConfig, Content, Detection, Ending, Input, Message, Obfuscation, Parsed, Parser,
    ResponseStatus,
};

/// Feeds bytes as a connection does: what was not consumed comes again with what follows, what is consumed ahead is
/// skipped.
struct Feed {
    parser: RedisParser,
    buffers: [Vec<u8>; 2],
    ahead: [usize; 2],
    lines: Vec<String>,
}

impl Feed {
    fn new(config: ConnectionConfig) -> Self {
        let parser = RedisParser::new(&Arc::new(config), Transport::Tcp);
        Self { parser, buffers: [Vec::new(), Vec::new()], ahead: [0; 2], lines: Vec::new() }
    }

    fn send(&mut self, direction: Direction, bytes: &[u8], ending: Ending) {
        let side = direction.index();
        self.buffers[side].extend_from_slice(bytes);
        let mut calls = 0;
        loop {
            let skipped = self.ahead[side].min(self.buffers[side].len());
            self.buffers[side].drain(..skipped);
            self.ahead[side] -= skipped;
            if self.buffers[side].is_empty() {
                return;
            }
            calls += 1;
            assert!(calls < 100_000, "no progress");
            let len = self.buffers[side].len();
            match self.parser.parse(direction, Input::new(&self.buffers[side]).with_ending(ending)) {
                Ok(Parsed::Message { consumed, message }) => {
                    self.lines.push(line(&message));
                    self.ahead[side] = consumed;
                }
                Ok(
                    Parsed::Part { consumed }
                    | Parsed::Started { consumed, .. }
                    | Parsed::Skipped { consumed },
                ) => self.ahead[side] = consumed,
                Ok(Parsed::Incomplete { needed }) => {
                    assert!(ending == Ending::Open && needed > len, "needed {needed} of {len}");
                    return;
                }
                Err(error) => {
                    self.lines.push(format!("! {error}"));
                    self.buffers[side].clear();
                    return;
                }
            }
            assert!(self.ahead[side] > 0, "nothing consumed");
        }
    }
}

fn line(message: &Message) -> String {
    match &message.content {
        Content::Request(request) => format!("> {}", request.content.resource.as_deref().unwrap_or_default()),
        Content::OneWay(request) => {
            let request = &request.content;
            format!("- {}", request.resource.as_deref().unwrap_or(&request.kind))
        }
        Content::Response(response) => {
            let response = &response.content;
            let code = response.code.as_deref().unwrap_or_default();
            let text = response.exception.as_deref().or(response.result.as_deref()).unwrap_or_default();
            format!("< {} {code} {text}", response.status.name()).trim_end().to_owned()
        }
    }
}

/// A command as clients send it.
fn command(words: &[&str]) -> String {
    words
        .iter()
        .fold(format!("*{}\r\n", words.len()), |text, word| text + &format!("${}\r\n{word}\r\n", word.len()))
}

type Turn<'a> = (Direction, &'a [u8]);

fn run(config: ConnectionConfig, turns: &[Turn<'_>], piece: usize) -> Vec<String> {
    let mut feed = Feed::new(config);
    for (direction, bytes) in turns {
        for chunk in bytes.chunks(piece) {
            feed.send(*direction, chunk, Ending::Open);
        }
    }
    feed.lines
}

#[track_caller]
fn check(turns: &[Turn<'_>], expected: &[&str]) {
    for piece in [usize::MAX, 1, 2, 3, 7] {
        assert_eq!(run(ConnectionConfig::default(), turns, piece), expected, "in pieces of {piece}");
    }
}

const C: Direction = Direction::ToServer;
const S: Direction = Direction::ToClient;

#[test]
fn pipelined_commands_and_their_replies() {
    let sent = command(&["SET", "user:1", "secret"])
        + &command(&["get", "user:1"])
        + &command(&["LPUSH", "user:1", "x"]);
    let answers =
        b"+OK\r\n$6\r\nsecret\r\n-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
    check(
        &[(C, sent.as_bytes()), (S, answers)],
        &[
            "> SET ? ?",
            "> GET ?",
            "> LPUSH ? ?",
            "< ok",
            "< ok",
            "< client_error WRONGTYPE WRONGTYPE Operation against a key holding the wrong kind of value",
        ],
    );
}

#[test]
fn inline_commands() {
    check(
        &[
            (C, b"\r\nPING\r\nset k \"two words\"\r\nGET / HTTP\n"),
            (S, b"+PONG\r\n+OK\r\n-ERR unknown command 'GET', with args beginning with: 'secret'\r\n"),
        ],
        &[
            "> PING",
            "> SET ? ?",
            "> GET ? ?",
            "< ok  PONG",
            "< ok",
            "< client_error ERR ERR unknown command 'GET'",
        ],
    );
}

#[test]
fn every_type_of_version_3_is_one_reply() {
    let replies: &[&[u8]] = &[
        b"*2\r\n:1\r\n*1\r\n$-1\r\n",
        b"_\r\n",
        b"#t\r\n",
        b",1.5\r\n",
        b"(3492890328409238509324850943850943825024385\r\n",
        b"=15\r\ntxt:Some string\r\n",
        b"%2\r\n+first\r\n:1\r\n+second\r\n~2\r\n+a\r\n+b\r\n",
        b"|1\r\n+key-popularity\r\n%2\r\n$1\r\na\r\n,0.19\r\n$1\r\nb\r\n,0.0012\r\n*2\r\n:20\r\n:95\r\n",
        b"*3\r\n:1\r\n:2\r\n|1\r\n+ttl\r\n:3600\r\n:3\r\n",
        b"$?\r\n;4\r\nHell\r\n;5\r\no wor\r\n;1\r\nd\r\n;0\r\n",
        b"*?\r\n:1\r\n*?\r\n.\r\n$?\r\n;0\r\n.\r\n",
        b"*0\r\n",
        b"%0\r\n",
        b"*-1\r\n",
        b"$0\r\n\r\n",
    ];
    for reply in replies {
        check(&[(S, reply), (S, b":7\r\n")], &["< ok", "< ok"]);
    }
    check(
        &[(S, b"!21\r\nSYNTAX invalid syntax\r\n+OK\r\n")],
        &["< client_error SYNTAX SYNTAX invalid syntax", "< ok"],
    );
}

#[test]
fn large_values_are_skipped_and_not_kept() {
    let mut feed = Feed::new(ConnectionConfig::default());
    feed.send(C, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\n", Ending::Open);
    assert_eq!(feed.lines, ["> SET ? ?"]);
    assert_eq!(feed.ahead[C.index()], 1_000_002);
    feed.send(S, b"*2\r\n$500000\r\n", Ending::Open);
    assert_eq!((feed.buffers[S.index()].len(), feed.ahead[S.index()]), (0, 500_002));
}

#[test]
fn subscriptions_in_both_versions() {
    let subscribe = command(&["SUBSCRIBE", "a", "b"]);
    let turns: [Turn<'_>; 3] = [
        (C, subscribe.as_bytes()),
        (S, b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n"),
        (S, b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$1\r\na\r\n$2\r\nhi\r\n"),
    ];
    check(&turns, &["> SUBSCRIBE ? ?", "< ok", "- MESSAGE", "- PMESSAGE"]);
    let pushed: [Turn<'_>; 3] = [
        (C, subscribe.as_bytes()),
        (S, b">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n"),
        (S, b">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n"),
    ];
    check(&pushed, &["> SUBSCRIBE ? ?", "< ok", "- INVALIDATE"]);
    let refused: [Turn<'_>; 3] = [
        (C, subscribe.as_bytes()),
        (S, b"-NOPERM no\r\n"),
        (S, b">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"),
    ];
    check(&refused, &["> SUBSCRIBE ? ?", "< client_error NOPERM NOPERM no", "- SUBSCRIPTION"]);
}

#[test]
fn silent_clients_get_no_replies() {
    let off = b"PING\r\nCLIENT REPLY OFF\r\nPING\r\nCLIENT REPLY ON\r\nPING\r\nCLIENT REPLY SKIP\r\nPING\r\nPING\r\n";
    check(
        &[(C, off)],
        &[
            "> PING",
            "- CLIENT REPLY ?",
            "- PING",
            "> CLIENT REPLY ?",
            "> PING",
            "- CLIENT REPLY ?",
            "- PING",
            "> PING",
        ],
    );
}

#[test]
fn replication_ends_the_conversation() {
    let psync = command(&["PSYNC", "?", "-1"]);
    check(
        &[
            (C, psync.as_bytes()),
            (S, b"+FULLRESYNC 8de1787ba490483314a4d30f1c628bc5025eb761 0\r\n"),
            (S, b"$9\r\nREDIS0009*1\r\n"),
        ],
        &["> PSYNC ? ?", "< ok"],
    );
}

#[test]
fn passwords_are_hidden_from_everybody() {
    let raw = ConnectionConfig { obfuscation: Obfuscation::NONE, ..ConnectionConfig::default() };
    let sent = command(&["AUTH", "joe", "secret"])
        + &command(&["HELLO", "3", "AUTH", "joe", "secret"])
        + &command(&["CONFIG", "SET", "requirepass", "secret"])
        + &command(&["SET", "key", "value"]);
    let lines = run(raw, &[(C, sent.as_bytes())], usize::MAX);
    assert_eq!(lines, ["> AUTH ? ?", "> HELLO 3 ? ? ?", "> CONFIG SET requirepass ?", "> SET key value"]);
}

#[test]
fn attributes_follow_the_conventions() {
    let mut parser = RedisParser::new(&Arc::new(ConnectionConfig::default()), Transport::Tcp);
    let mut attributes = |bytes: &str| match parser.parse(C, Input::new(bytes.as_bytes())) {
        Ok(Parsed::Message { message: Message { content: Content::Request(request), .. }, .. }) => {
            request.content.attributes
        }
        other => panic!("{other:?}"),
    };
    let text = |attributes: &crate::Attributes, key| {
        attributes.find(key).and_then(|value| value.as_text().map(String::from))
    };
    assert_eq!(text(&attributes(&command(&["GET", "k"])), "db.namespace"), None);
    assert_eq!(text(&attributes(&command(&["SELECT", "5"])), "db.namespace").as_deref(), Some("5"));
    let call = attributes(&command(&["FCALL", "transfer", "2", "a", "b"]));
    assert_eq!(text(&call, "db.stored_procedure.name").as_deref(), Some("transfer"));
    assert_eq!(text(&call, "db.namespace").as_deref(), Some("5"));
    assert_eq!(text(&call, "db.operation.name").as_deref(), Some("FCALL"));
    assert_eq!(text(&call, "db.query.text").as_deref(), Some("FCALL ? ? ? ?"));
}

#[test]
fn cut_messages_keep_what_is_known() {
    let mut feed = Feed::new(ConnectionConfig::default());
    feed.send(C, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5", Ending::Truncated(12));
    feed.send(S, b"*2\r\n:1\r\n:", Ending::Truncated(12));
    feed.send(S, b"-ERR wro", Ending::Closed);
    assert_eq!(feed.lines, ["> SET ?", "< ok", "< client_error ERR ERR wro"]);
}

#[test]
fn a_message_in_parts_can_be_interrupted() {
    let mut feed = Feed::new(ConnectionConfig::default());
    feed.send(C, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n", Ending::Open);
    let message = feed.parser.interrupt(C).expect("the name was seen");
    assert_eq!(line(&message), "> SET ?");
    assert_eq!(feed.parser.interrupt(C), None);
    feed.send(S, b"*2\r\n:1\r\n", Ending::Open);
    assert!(matches!(feed.parser.interrupt(S), Some(Message { content: Content::Response(_), .. })));
}

#[test]
fn nesting_is_bounded() {
    let mut feed = Feed::new(ConnectionConfig::default());
    feed.send(S, &b"*1\r\n".repeat(100_000), Ending::Open);
    assert_eq!(feed.lines, ["! limit exceeded at byte 0"]);
    assert_eq!(
        run(ConnectionConfig::default(), &[(S, b":1\r\n")], 1),
        [format!("< {}", ResponseStatus::Ok.name())]
    );
}

#[test]
fn detection_is_strict() {
    let table: &[(Direction, &[u8], Detection)] = &[
        (C, b"*1\r\n$4\r\nPING\r\n", Detection::CERTAIN),
        (C, b"*2\r\n$3\r\nget\r\n$1\r\na\r\n", Detection::CERTAIN),
        (S, b"*1\r\n$4\r\nPING\r\n", Detection::CERTAIN_REVERSED),
        (C, b"*2\r\n$6\r\nFOOBAR\r\n", Detection::WEAK),
        (C, b"+OK\r\n", Detection::HINT_REVERSED),
        (S, b"+OK\r\n", Detection::HINT),
        (S, b"-ERR no such message\r\n", Detection::HINT),
        (S, b"$3\r\nabc\r\n", Detection::WEAK),
        (S, b"-NOAUTH Authentication required.\r\n", Detection::WEAK),
        (S, b":12\r\n", Detection::WEAK),
        (S, b">3\r\n$7\r\nmessage\r\n", Detection::WEAK),
        (C, b"*3\r\n$7\r\nmessage\r\n", Detection::WEAK_REVERSED),
        (C, b"PING\r\n", Detection::NeedMore),
        (S, b"+OK\r\n:1\r\n$-1\r\n+O", Detection::WEAK),
        (S, b"-ERR Unrecognized command.\r\n+OK Capabilities follow.\r\n", Detection::NoMatch),
        (C, b"*", Detection::NeedMore),
        (C, b"*3\r\n$3\r\nS", Detection::NeedMore),
        (C, b"PIN", Detection::NeedMore),
        (S, b"+O", Detection::NeedMore),
        (C, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", Detection::NoMatch),
        (C, b"get key\r\n", Detection::NoMatch),
        (C, b"AUTH PLAIN\r\n", Detection::NoMatch),
        (C, b"EHLO a\r\n", Detection::NoMatch),
        (S, b"+OK POP3 server ready\r\n", Detection::NoMatch),
        (S, b"PING\r\n", Detection::NoMatch),
        (S, b"$3\r\nabcd\r\n", Detection::NoMatch),
        (C, b"*3\r\n+OK\r\n", Detection::WEAK_REVERSED),
        (C, b"* OK IMAP4rev1 ready\r\n", Detection::NoMatch),
        (C, b"\x16\x03\x01\x02\x00", Detection::NoMatch),
    ];
    for (direction, bytes, expected) in table {
        assert_eq!((ROW.detect)(Transport::Tcp, *direction, bytes), *expected, "{}", bytes.escape_ascii());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hostile_bytes_neither_panic_nor_stall(
        mut bytes in "([*$+:>%|~;!=.-][0-9?]{1,3}\r\n|[a-z]{1,5}\r\n|\\*2\r\n\\$3\r\nGET\r\n\\$1\r\na\r\n){0,40}".prop_map(String::into_bytes),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        piece in 1_usize..20,
        is_cut in any::<bool>(),
    ) {
        for (index, byte) in flips {
            if !bytes.is_empty() {
                let place = index.index(bytes.len());
                bytes[place] = byte;
            }
        }
        let mut feed = Feed::new(ConnectionConfig::default());
        for chunk in bytes.chunks(piece) {
            for direction in Direction::BOTH {
                feed.send(direction, chunk, if is_cut { Ending::Truncated(1) } else { Ending::Open });
                let _ = feed.parser.is_message_start(direction, chunk);
            }
        }
        for direction in Direction::BOTH {
            feed.send(direction, b"", Ending::Closed);
            let _ = feed.parser.interrupt(direction);
        }
    }
}

/// What a connection makes of these turns, whose bytes come in pieces.
fn exchanges(turns: &[(Direction, Vec<u8>)], piece: usize) -> Vec<String> {
    let config = Arc::new(ConnectionConfig::default());
    let mut connection = Connection::new(Transport::Tcp, config).with_protocol(&ROW);
    let (mut offsets, mut clock) = ([0_u64; 2], 0);
    for (direction, bytes) in turns {
        clock += 1;
        for chunk in bytes.chunks(piece) {
            let offset = &mut offsets[direction.index()];
            let chunk = Chunk::new(*direction, Timestamp::from_nanos(clock), *offset, chunk);
            *offset = chunk.end_offset();
            connection.handle_chunk(chunk);
        }
    }
    connection.handle_close();
    std::iter::from_fn(|| connection.poll_exchange())
        .map(|exchange| {
            let request = exchange.request.map(|request| (request.content, request.length));
            let response = exchange.response.map(|response| (response.content, response.length));
            format!("{:?} {request:?} {response:?}", exchange.kind)
        })
        .collect()
}

fn any_turn() -> impl Strategy<Value = (Direction, Vec<u8>)> {
    prop_oneof![
        Just((C, command(&["SET", "key", "value"]).into_bytes())),
        Just((C, command(&["SUBSCRIBE", "a", "b"]).into_bytes())),
        Just((C, command(&["UNSUBSCRIBE"]).into_bytes())),
        Just((C, command(&["CLIENT", "REPLY", "SKIP"]).into_bytes())),
        Just((C, b"PING\r\n".to_vec())),
        Just((S, b"+OK\r\n".to_vec())),
        Just((S, b"-ERR wrong\r\n".to_vec())),
        Just((S, b"$5\r\nvalue\r\n".to_vec())),
        Just((S, b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n".to_vec())),
        Just((S, b">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n".to_vec())),
        Just((S, b"|1\r\n+ttl\r\n:1\r\n*2\r\n:1\r\n*1\r\n$-1\r\n".to_vec())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn cuts_change_nothing(turns in proptest::collection::vec(any_turn(), 0..30), piece in 1_usize..20) {
        prop_assert_eq!(exchanges(&turns, usize::MAX), exchanges(&turns, piece));
    }
}
