//! Conversations with a mail server, most of them after RFC 5321 appendix D.

use std::sync::Arc;

use df_core::{Chunk, Direction, Timestamp, Transport};

use super::wire::detect;
use crate::{Connection, ConnectionConfig, Detection};

/// Lines that begin with `S: ` or `C: `; a client's mail may have lines of its own.
fn told(talk: &[&str], len: usize) -> (Vec<String>, Connection) {
    let mut connection =
        Connection::new(Transport::Tcp, Arc::new(ConnectionConfig::default())).with_ports(40_000, 25);
    let (mut offsets, mut at) = ([0, 0], 0);
    for turn in talk {
        let (speaker, text) = turn.split_once(": ").unwrap();
        let direction = if speaker == "C" { Direction::ToServer } else { Direction::ToClient };
        for bytes in text.replace('\n', "\r\n").as_bytes().chunks(len) {
            at += 1;
            let offset = &mut offsets[direction.index()];
            connection.handle_chunk(Chunk::new(direction, Timestamp::from_nanos(at), *offset, bytes));
            *offset += bytes.len() as u64;
        }
    }
    let mut stories = Vec::new();
    let mut collect = |connection: &mut Connection| {
        while let Some(exchange) = connection.poll_exchange() {
            let asked = exchange.asked();
            let resource = asked.and_then(|request| request.resource.as_deref()).unwrap_or("-");
            let response = exchange.response.as_ref().map(|response| &response.content);
            let code = response.and_then(|response| response.code.as_deref()).unwrap_or("-");
            stories.push(format!("{resource} {code} {}", exchange.status().name()));
        }
    };
    collect(&mut connection);
    if connection.protocol().is_some() {
        connection.handle_close();
    }
    collect(&mut connection);
    (stories, connection)
}

const MAIL: &[&str] = &[
    "S: 220 foo.com ESMTP Service Ready\n",
    "C: EHLO bar.com\n",
    "S: 250-foo.com greets bar.com\n250-8BITMIME\n250-SIZE\n250 HELP\n",
    "C: MAIL FROM:<Smith@bar.com>\n",
    "S: 250 OK\n",
    "C: RCPT TO:<Green@foo.com>\n",
    "S: 550 5.1.1 Green@foo.com: no such user here\n",
    "C: RCPT TO:<Brown@foo.com>\n",
    "S: 250 OK\n",
    "C: DATA\n",
    "S: 354 Start mail input; end with <CRLF>.<CRLF>\n",
    "C: Blah blah blah...\nQUIT\n..stuffed\n.x\netc.\n.\n",
    "S: 250 OK\n",
    "C: QUIT\n",
    "S: 221 foo.com Service closing transmission channel\n",
];

#[test]
fn a_mail_is_passed_over() {
    let expected = [
        "EHLO bar.com 250 ok",
        "MAIL FROM:<?@bar.com> 250 ok",
        "RCPT TO:<?@foo.com> 550 client_error",
        "RCPT TO:<?@foo.com> 250 ok",
        "DATA 250 ok",
        "QUIT 221 ok",
    ];
    for len in [1, 2, 3, 7, 1_000] {
        let (stories, connection) = told(MAIL, len);
        assert_eq!(stories, expected, "pieces of {len}");
        assert_eq!((connection.stats().parse_errors, connection.stats().bytes_unknown), (0, 0));
    }
}

#[test]
fn commands_may_come_together_and_mails_in_chunks() {
    let talk = [
        "S: 220 foo.com ESMTP\n",
        "C: EHLO a\nMAIL FROM:<a@b.c>\nRCPT TO:<d@e.f>\nDATA\n",
        "S: 250 hi\n250 ok\n451 later\n503 nothing to send\n",
        "C: MAIL FROM:<a@b.c>\nBDAT 15 LAST\nQUIT\n.\nQUIT\nNOOP\n",
        "S: 250 ok\n250 ok\n250 ok\n",
    ];
    let (stories, _) = told(&talk, 1_000);
    assert_eq!(
        stories,
        [
            "EHLO a 250 ok",
            "MAIL FROM:<?@b.c> 250 ok",
            "RCPT TO:<?@e.f> 451 server_error",
            "DATA 503 client_error",
            "MAIL FROM:<?@b.c> 250 ok",
            "BDAT 15 LAST 250 ok",
            "NOOP 250 ok",
        ]
    );
}

#[test]
fn secrets_do_not_leave_and_encryption_ends_it() {
    let talk = [
        "S: 220 foo.com ESMTP\n",
        "C: EHLO a\n",
        "S: 250 hi\n",
        "C: AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=\n",
        "S: 535 5.7.8 no\n",
        "C: AUTH LOGIN\n",
        "S: 334 VXNlcm5hbWU6\n",
        "C: dGVzdA==\n",
        "S: 334 UGFzc3dvcmQ6\n",
        "C: MTIzNA==\n",
        "S: 235 2.7.0 ok\n",
        "C: VRFY bob\n",
        "S: 252 perhaps\n",
        "C: STARTTLS\n",
        "S: 220 go ahead\n",
        "C: nothing of this is mail\n",
    ];
    let (stories, connection) = told(&talk, 5);
    assert_eq!(
        stories,
        [
            "EHLO a 250 ok",
            "AUTH PLAIN ? 535 client_error",
            "AUTH LOGIN 235 ok",
            "VRFY ? 252 ok",
            "STARTTLS 220 ok",
        ]
    );
    assert_eq!(connection.stats().protocol_changes, 1);
}

#[test]
fn noise_is_no_command() {
    let talk =
        ["S: 220 foo.com ESMTP\n", "C: \u{16}\u{3}\u{1}\n", "S: 500 what?\n", "C: QUIT\n", "S: 221 bye\n"];
    let (stories, connection) = told(&talk, 1_000);
    assert_eq!(stories, ["- 500 client_error", "QUIT 221 ok"]);
    assert_eq!(connection.stats().parse_errors, 1);
}

#[test]
fn what_is_not_mail_is_rejected() {
    let table: &[(&str, Detection)] = &[
        ("EHLO x\r\n", Detection::CERTAIN),
        ("ehlo [10.0.0.1]\r\n", Detection::CERTAIN),
        ("EHL", Detection::NeedMore),
        ("EHLO \r\n", Detection::NoMatch),
        ("HEAD / HTTP/1.1\r\n", Detection::NoMatch),
        ("MAIL FROM:<>\r\n", Detection::CERTAIN),
        ("220 x ESMTP Postfix\r\n", Detection::CERTAIN_REVERSED),
        ("220 (vsFTPd 3.0.3)\r\n", Detection::NoMatch),
        ("250 directory changed\r\n", Detection::NoMatch),
        ("250-x\r\n250-SIZE 1000\r\n250 HELP\r\n", Detection::CERTAIN_REVERSED),
        ("QUIT\r\n", Detection::NoMatch),
    ];
    for (text, expected) in table {
        assert_eq!(detect(Transport::Tcp, Direction::ToServer, text.as_bytes()), *expected, "{text}");
    }
}
