//! No protocol claims what is not its own: random bytes, encrypted data, the beginnings of other protocols.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeSet;
use std::sync::Arc;

use df_core::{Chunk, Direction, Timestamp, Transport};
use df_l7::{Connection, ConnectionConfig, ProtocolRow, protocols::PROTOCOLS};
use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};

mod recordings;

use recordings::{CONVERSATIONS, Conversation};

/// A conversation of which nothing is known beside its bytes and the server's port.
struct Stranger(Connection, [u64; 2]);

impl Stranger {
    fn new(transport: Transport, server_port: u16) -> Self {
        let connection = Connection::new(transport, Arc::new(ConnectionConfig::default()));
        Self(connection.with_ports(50_000, server_port), [0, 0])
    }

    fn say(&mut self, direction: Direction, bytes: &[u8]) {
        let offset = &mut self.1[direction.index()];
        self.0.handle_chunk(Chunk::new(direction, Timestamp::from_nanos(1), *offset, bytes));
        *offset += bytes.len() as u64;
    }

    fn claimed(&self) -> Option<&'static str> {
        self.0.protocol().map(df_l7::Protocol::name)
    }
}

/// What a conversation is found to speak, from its first byte to its last.
fn spoken(conversation: &Conversation) -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    let mut stranger = Stranger::new(conversation.key.transport, conversation.key.server.port);
    for piece in &conversation.pieces {
        stranger.say(piece.direction, &piece.bytes);
        names.extend(stranger.claimed());
    }
    names
}

#[test]
fn the_beginning_of_a_message_is_claimed_by_nobody_else() {
    for conversation in CONVERSATIONS.iter() {
        let own = spoken(conversation);
        for direction in Direction::BOTH {
            let mut pieces = conversation.pieces.iter().filter(|piece| piece.direction == direction);
            let Some(piece) = pieces.next() else { continue };
            for len in (1..piece.bytes.len().min(300)).chain([piece.bytes.len()]) {
                for believed in Direction::BOTH {
                    let mut stranger = Stranger::new(conversation.key.transport, 0);
                    stranger.say(believed, &piece.bytes[..len]);
                    let claimed = stranger.claimed();
                    assert!(
                        claimed.is_none_or(|name| own.contains(name)),
                        "{}: {claimed:?} claims its first {len} bytes {direction:?}; it speaks {own:?}",
                        conversation.case
                    );
                }
            }
        }
    }
}

#[test]
fn the_middle_of_a_conversation_is_claimed_by_nobody_else() {
    for conversation in CONVERSATIONS.iter() {
        let own = spoken(conversation);
        for first in 1..conversation.pieces.len().min(40) {
            let mut stranger = Stranger::new(conversation.key.transport, 0);
            for piece in &conversation.pieces[first..] {
                stranger.say(piece.direction, &piece.bytes);
            }
            let claimed = stranger.claimed();
            assert!(
                claimed.is_none_or(|name| own.contains(name)),
                "{}: {claimed:?} claims it from piece {first}; it speaks {own:?}",
                conversation.case
            );
        }
    }
}

#[test]
fn mail_and_files_are_claimed_by_nobody() {
    const POP3: &[(&str, &str)] = &[
        ("", "+OK POP3 server ready <1896.697170952@mail.example.com>\r\n"),
        ("CAPA\r\n", "-ERR Unrecognized command.\r\n"),
        ("USER someone\r\n", "+OK\r\n"),
        ("PASS secret\r\n", "+OK\r\n"),
        ("LIST\r\n", "+OK\r\n1 120\r\n.\r\n"),
        ("NOOP\r\n", "+OK\r\n"),
        ("DELE 1\r\n", "-ERR message locked\r\n"),
        ("QUIT\r\n", "+OK\r\n"),
    ];
    const IMAP: &[(&str, &str)] = &[
        ("", "* OK IMAP4rev1 ready\r\n"),
        ("a1 LOGIN someone secret\r\n", "a1 OK done\r\n"),
        ("a2 SELECT INBOX\r\n", "* 3 EXISTS\r\n* 0 RECENT\r\na2 OK done\r\n"),
        ("a3 IDLE\r\n", "+ idling\r\n"),
    ];
    const FTP: &[(&str, &str)] = &[
        ("", "220 ready\r\n"),
        ("USER someone\r\n", "331 password\r\n"),
        ("PASS secret\r\n", "230 logged in\r\n"),
        ("TYPE I\r\n", "200 done\r\n"),
        ("PASV\r\n", "227 Entering Passive Mode (10,0,0,1,4,1)\r\n"),
    ];
    for (port, turns) in [(110, POP3), (143, IMAP), (21, FTP)] {
        for first in 0..turns.len() {
            let mut stranger = Stranger::new(Transport::Tcp, port);
            for (question, answer) in &turns[first..] {
                stranger.say(Direction::ToServer, question.as_bytes());
                stranger.say(Direction::ToClient, answer.as_bytes());
            }
            assert_eq!(stranger.claimed(), None, "port {port} from turn {first}");
        }
    }
}

/// What else travels over Unix sockets: D-Bus with its login, varlink, X11 and Wayland.
#[test]
fn what_a_desktop_says_over_unix_sockets_is_claimed_by_nobody() {
    const D_BUS: &[(&[u8], &[u8])] = &[
        (b"\0AUTH EXTERNAL 30\r\n", b"OK 5ac0bf7d7e1ee0a8c4d2f0b7656a4f01\r\n"),
        (b"NEGOTIATE_UNIX_FD\r\n", b"AGREE_UNIX_FD\r\n"),
        (
            b"BEGIN\r\nl\x01\0\x01\0\0\0\0\x01\0\0\0n\0\0\0\x01\x01o\0\x15\0\0\0/org/freedesktop/DBus\0\0\0\x06\x01s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0\x02\x01s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0\x03\x01s\0\x05\0\0\0Hello\0\0\0",
            b"l\x02\x01\x01\x0a\0\0\0\x01\0\0\0=\0\0\0\x06\x01s\0\x05\0\0\0:1.42\0\0\0\x05\x01u\0\x01\0\0\0\x08\x01g\0\x01s\0\0\x07\x01s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0\x05\0\0\0:1.42\0",
        ),
    ];
    const VARLINK: &[(&[u8], &[u8])] = &[(
        b"{\"method\":\"io.systemd.UserDatabase.GetUserRecord\",\"parameters\":{\"uid\":0,\"service\":\"io.systemd.Multiplexer\"}}\0",
        b"{\"error\":\"io.systemd.UserDatabase.NoRecordFound\",\"parameters\":{}}\0",
    )];
    const X11: &[(&[u8], &[u8])] = &[
        (b"l\0\x0b\0\0\0\x12\0\x10\0\0\0MIT-MAGIC-COOKIE-1\0\0\x0f\x1e\x2d\x3c\x4b\x5a\x69\x78\x87\x96\xa5\xb4\xc3\xd2\xe1\xf0", b"\x01\0\x0b\0\0\0\x36\x01\xf0\x1d\xb8\0\0\0\0\x02\xff\xff\x1f\0\0\x01\0\0\x14\0\xff\xff\x01\x07\0\0\x20\x20\x08\xff\0\0\0\0The X.Org Foundation"),
        (b"b\0\x05\0\x0c\0\0\0BIG-REQUESTS", b"\x01\0\x01\0\0\0\0\0\x01\x86\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
    ];
    const WAYLAND: &[(&[u8], &[u8])] = &[(
        b"\x01\0\0\0\x01\0\x0c\0\x02\0\0\0\x01\0\0\0\0\0\x0c\0\x03\0\0\0",
        b"\x02\0\0\0\0\0\x1c\0\x01\0\0\0\x07\0\0\0wl_shm\0\0\x01\0\0\0\x03\0\0\0\0\0\x0c\0\x01\0\0\0",
    )];
    for (name, turns) in [("D-Bus", D_BUS), ("varlink", VARLINK), ("X11", X11), ("Wayland", WAYLAND)] {
        for first in 0..turns.len() {
            let mut stranger = Stranger::new(Transport::Unix, 0);
            // Asked more than once, as programs do.
            for (question, answer) in turns[first..].iter().chain(&turns[first..]) {
                stranger.say(Direction::ToServer, question);
                stranger.say(Direction::ToClient, answer);
            }
            assert_eq!(stranger.claimed(), None, "{name} from turn {first}");
        }
    }
}

/// Streams of random bytes, both directions, several turns.
fn claims_of_random_bytes(streams: usize, server_port: u16, prefix: &[u8]) -> Vec<(usize, &'static str)> {
    let mut random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut claims = Vec::new();
    for stream in 0..streams {
        let transport = if stream % 2 == 0 || !prefix.is_empty() { Transport::Tcp } else { Transport::Udp };
        let mut stranger = Stranger::new(transport, server_port);
        for turn in 0..6 {
            let mut bytes = vec![0; 1 + (random.next_u32() % 180) as usize];
            random.fill_bytes(&mut bytes);
            let len = u16::try_from(bytes.len()).unwrap();
            let mut message = prefix.to_vec();
            if !prefix.is_empty() {
                message.extend_from_slice(&len.to_be_bytes());
            }
            message.append(&mut bytes);
            stranger.say(if turn % 2 == 0 { Direction::ToServer } else { Direction::ToClient }, &message);
        }
        claims.extend(stranger.claimed().map(|name| (stream, name)));
    }
    claims
}

#[test]
fn random_bytes_are_claimed_by_nobody() {
    assert_eq!(claims_of_random_bytes(20_000, 0, &[]), []);
}

#[test]
fn one_byte_over_and_over_is_claimed_by_nobody() {
    for (byte, len) in (0..=u8::MAX).flat_map(|byte| [(byte, 8), (byte, 64), (byte, 1_400)]) {
        for transport in [Transport::Tcp, Transport::Udp] {
            let mut stranger = Stranger::new(transport, 0);
            stranger.say(Direction::ToServer, &vec![byte; len]);
            stranger.say(Direction::ToClient, &vec![byte; len]);
            assert_eq!(stranger.claimed(), None, "{len} bytes {byte:#04x} over {transport:?}");
        }
    }
}

#[test]
fn random_bytes_at_a_well_known_port_are_hardly_ever_claimed() {
    let ports: BTreeSet<u16> =
        PROTOCOLS.iter().flat_map(|row: &ProtocolRow| row.ports.iter().copied()).collect();
    let claims: Vec<_> = ports.iter().flat_map(|port| claims_of_random_bytes(500, *port, &[])).collect();
    assert!(claims.len() * 2_000 < ports.len() * 500, "{claims:?}");
}

#[test]
fn encrypted_data_is_claimed_by_nobody_but_tls() {
    let claims = claims_of_random_bytes(5_000, 0, &[0x17, 3, 3]);
    assert!(claims.iter().all(|(_, name)| *name == "tls"), "{claims:?}");
}
