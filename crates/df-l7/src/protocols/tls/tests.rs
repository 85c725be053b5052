//! Handshakes as the specifications write them.

use std::sync::Arc;
use std::time::Duration;

use df_core::{Chunk, Direction, Timestamp, Transport};

use super::certificate::Certificate;
use super::detect::detect;
use super::fingerprint::ja3;
use super::wire::ClientHello;
use crate::{AttributeValue, Connection, ConnectionConfig, Detection, Exchange, Protocol};

struct Talk {
    connection: Connection,
    offsets: [u64; 2],
    at: u64,
}

impl Talk {
    fn new() -> Self {
        let connection = Connection::new(Transport::Tcp, Arc::new(ConnectionConfig::default()));
        Self { connection, offsets: [0, 0], at: 0 }
    }

    fn say(&mut self, direction: Direction, bytes: &[u8]) -> &mut Self {
        self.at += 1;
        let offset = &mut self.offsets[direction.index()];
        self.connection.handle_chunk(Chunk::new(direction, Timestamp::from_nanos(self.at), *offset, bytes));
        *offset += bytes.len() as u64;
        self
    }

    fn client(&mut self, bytes: &[u8]) -> &mut Self {
        self.say(Direction::ToServer, bytes)
    }

    fn server(&mut self, bytes: &[u8]) -> &mut Self {
        self.say(Direction::ToClient, bytes)
    }

    fn lose(&mut self, direction: Direction, bytes: u64) -> &mut Self {
        self.offsets[direction.index()] += bytes;
        self
    }

    fn stories(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.connection.poll_exchange()).map(|exchange| story(&exchange)).collect()
    }

    fn closed(&mut self) -> Vec<String> {
        self.connection.handle_close();
        self.stories()
    }
}

/// Kind, name asked for, version, status, alert, cipher.
fn story(exchange: &Exchange) -> String {
    let response = exchange.response.as_ref().map(|response| &response.content);
    let cipher = response.and_then(|response| response.attributes.find("tls.cipher"));
    [
        exchange.kind.name(),
        exchange.asked().and_then(|request| request.domain.as_deref()).unwrap_or("-"),
        exchange.version().unwrap_or("-"),
        exchange.status().name(),
        response.and_then(|response| response.code.as_deref()).unwrap_or("-"),
        cipher.and_then(|cipher| cipher.as_text()).unwrap_or("-"),
    ]
    .join(" ")
}

fn record(kind: u8, fragment: &[u8]) -> Vec<u8> {
    let len = u16::try_from(fragment.len()).unwrap().to_be_bytes();
    [&[kind, 3, 3], &len[..], fragment].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, high, middle, low] = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind, high, middle, low], body].concat()
}

fn extension(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[0, kind, 0, u8::try_from(content.len()).unwrap()], content].concat()
}

fn with_extensions(front: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
    let extensions = extensions.concat();
    let len = u16::try_from(extensions.len()).unwrap().to_be_bytes();
    [front, &len[..], &extensions[..]].concat()
}

fn client_hello() -> Vec<u8> {
    let name = extension(0, b"\0\x0a\0\0\x07df.test");
    let ciphers = [[0x13, 0x01], [0xc0, 0x2f]].concat();
    let front = [&[3, 3], &[7; 32][..], &[0], &[0, 4], &ciphers, &[1, 0]].concat();
    message(1, &with_extensions(&front, &[name, extension(16, b"\0\x03\x02h2")]))
}

fn server_hello(cipher: [u8; 2], random: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
    let front = [&[3, 3], random, &[0], &cipher[..], &[0]].concat();
    message(2, &with_extensions(&front, extensions))
}

fn supported_version() -> Vec<u8> {
    extension(43, &[3, 4])
}

fn old_flight() -> Vec<u8> {
    [server_hello([0xc0, 0x2f], &[8; 32], &[]), message(14, &[])].concat()
}

const HELLO_DONE: &str = "exchange df.test TLSv1.2 ok - TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
const NEW_HELLO_DONE: &str = "exchange df.test TLSv1.3 ok - TLS_AES_128_GCM_SHA256";
const CHANGE: [u8; 6] = [20, 3, 3, 0, 1, 1];

#[test]
fn records_and_messages_may_be_cut_anywhere() {
    for len in 1..client_hello().len() {
        let mut talk = Talk::new();
        for fragment in client_hello().chunks(len) {
            talk.client(&record(22, fragment));
        }
        for fragment in old_flight().chunks(len) {
            talk.server(&record(22, fragment));
        }
        assert_eq!(talk.stories(), [""; 0], "the server has not turned to encryption");
        assert_eq!(talk.client(&CHANGE).server(&CHANGE).stories(), [HELLO_DONE], "fragments of {len}");
    }
}

#[test]
fn the_newest_version_ends_with_the_servers_hello() {
    let mut talk = Talk::new();
    talk.client(&record(22, &client_hello()));
    let hello = server_hello([0x13, 1], &[8; 32], &[supported_version()]);
    let all = [record(22, &hello), CHANGE.to_vec(), record(23, &[0; 900])].concat();
    assert_eq!(talk.server(&all).stories(), [NEW_HELLO_DONE]);
}

#[test]
fn a_retry_belongs_to_the_same_handshake() {
    let retry_random = [
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
        0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
    ];
    let mut talk = Talk::new();
    talk.client(&record(22, &client_hello()));
    talk.server(&record(22, &server_hello([0x13, 1], &retry_random, &[supported_version()]))).server(&CHANGE);
    assert_eq!(talk.stories(), [""; 0]);
    talk.client(&CHANGE).client(&record(22, &client_hello()));
    talk.server(&record(22, &server_hello([0x13, 1], &[8; 32], &[supported_version()])));
    assert_eq!(talk.closed(), [NEW_HELLO_DONE]);
}

#[test]
fn a_handshake_lasts_until_the_servers_last_flight() {
    fn duration(talk: &mut Talk) -> Option<AttributeValue> {
        talk.connection.handle_close();
        talk.connection
            .poll_exchange()?
            .response?
            .content
            .attributes
            .find("df.tls.handshake.duration")
            .cloned()
    }
    let seconds =
        |nanoseconds: u64| Some(AttributeValue::Double(Duration::from_nanos(nanoseconds).as_secs_f64()));
    let hello = record(22, &client_hello());
    let mut talk = Talk::new();
    talk.client(&hello[..20]).client(&hello[20..]).server(&record(22, &old_flight())).client(&CHANGE);
    assert_eq!(duration(talk.server(&CHANGE)), seconds(4), "with the time of the first bytes");
    let new_hello = record(22, &server_hello([0x13, 1], &[8; 32], &[supported_version()]));
    assert_eq!(duration(Talk::new().client(&hello).server(&new_hello)), seconds(1));
    assert_eq!(duration(Talk::new().server(&new_hello).server(&CHANGE)), None, "its beginning was not seen");
    assert_eq!(duration(Talk::new().client(&hello).server(&record(21, &[2, 40]))), None, "it failed");
}

#[test]
fn alerts_end_a_handshake_and_warnings_do_not() {
    let mut talk = Talk::new();
    talk.client(&record(22, &client_hello())).server(&record(21, &[1, 112])).server(&record(21, &[2, 40]));
    assert_eq!(talk.stories(), ["exchange df.test - client_error handshake_failure -"]);
    let mut talk = Talk::new();
    talk.client(&record(22, &client_hello()))
        .server(&record(22, &old_flight()))
        .client(&record(21, &[2, 48]));
    let story = "exchange df.test TLSv1.2 server_error unknown_ca TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
    assert_eq!(talk.closed(), [story]);
    let mut talk = Talk::new();
    assert_eq!(talk.client(&record(22, &client_hello())).closed(), ["request df.test - timeout - -"]);
}

#[test]
fn an_interrupted_handshake_tells_what_was_seen() {
    let mut talk = Talk::new();
    talk.client(&record(22, &client_hello()))
        .server(&record(22, &old_flight()))
        .lose(Direction::ToClient, 1_000);
    let story = "exchange df.test TLSv1.2 unknown - TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
    assert_eq!(talk.server(&record(23, &[1; 100])).closed(), [story]);
}

#[test]
fn an_old_hello_may_offer_newer_versions() {
    let body = [&[1, 3, 1, 0, 6, 0, 0, 0, 16, 0, 0, 0x2f, 0, 0, 0x35], &[9; 16][..]].concat();
    let hello = [&[0x80, u8::try_from(body.len()).unwrap()], &body[..]].concat();
    for len in [1, 2, 5, hello.len()] {
        let mut talk = Talk::new();
        for piece in hello.chunks(len) {
            talk.client(piece);
        }
        talk.server(&record(22, &old_flight())).server(&CHANGE);
        let story = "exchange - TLSv1.2 ok - TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
        assert_eq!(talk.closed(), [story], "pieces of {len}");
    }
}

#[test]
fn what_follows_costs_nothing() {
    let mut talk = Talk::new();
    talk.client(&record(22, &client_hello()))
        .server(&record(22, &old_flight()))
        .client(&CHANGE)
        .server(&CHANGE);
    for _ in 0..100 {
        talk.server(&record(23, &[5; 700])[..300]).lose(Direction::ToClient, 12_345).server(b"anything");
        talk.lose(Direction::ToServer, 77).client(b"at all");
    }
    assert_eq!((talk.connection.buffered_bytes(), talk.connection.stats().gaps), (0, 0));
    assert_eq!(talk.closed(), [HELLO_DONE]);
}

#[test]
fn a_connection_joined_later_is_known_and_tells_nothing() {
    let mut talk = Talk::new();
    talk.server(&[record(23, &[5; 70]), record(23, &[6; 90])].concat());
    assert_eq!(talk.connection.protocol(), Some(Protocol::Tls));
    assert_eq!(talk.client(&record(23, &[5; 70])).closed(), [""; 0]);
}

#[test]
fn what_is_not_tls_is_rejected_early() {
    let table: &[(&[u8], Detection)] = &[
        (&[22], Detection::NeedMore),
        (&[22, 3, 1, 0], Detection::NeedMore),
        (&[22, 3, 5], Detection::NoMatch),
        (&[22, 2], Detection::NoMatch),
        (&[20, 3, 3, 0, 2, 1, 1], Detection::NoMatch),
        (&[23, 3, 3, 0xff, 0xff], Detection::NoMatch),
        (&[22, 3, 1, 0, 60, 1, 0, 0, 56, 3], Detection::NeedMore),
        (&[22, 3, 1, 0, 60, 1, 0, 0, 56, 3, 3], Detection::CERTAIN),
        (&[22, 3, 1, 0, 60, 2, 0, 0, 56, 3, 3], Detection::CERTAIN_REVERSED),
        (&[23, 3, 3, 0, 1, 7], Detection::WEAK),
        (&[23, 3, 3, 0, 1, 7, 23, 3, 3, 0, 9], Detection::CERTAIN),
        (&[23, 3, 3, 0, 1, 7, 23, 3, 1, 0, 9], Detection::NoMatch),
        (&[0x80, 0x2e, 1, 3], Detection::NeedMore),
        (&[0x80, 0x2e, 1, 4], Detection::NoMatch),
        (b"GET / HTTP/1.1", Detection::NoMatch),
    ];
    for (bytes, expected) in table {
        assert_eq!(detect(Transport::Tcp, Direction::ToServer, bytes), *expected, "{bytes:x?}");
    }
}

#[test]
fn fingerprints_leave_out_what_is_reserved() {
    let ciphers: Vec<u8> = [0x3a3a_u16, 47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4]
        .iter()
        .flat_map(|cipher| cipher.to_be_bytes())
        .collect();
    let front = [&[3, 1], &[7; 32][..], &[0], &[0, 26], &ciphers, &[1, 0]].concat();
    let extensions = [
        extension(0, b"\0\x0a\0\0\x07df.test"),
        extension(10, &[0, 6, 0, 23, 0, 24, 0, 25]),
        extension(11, &[1, 0]),
    ];
    let body = with_extensions(&front, &extensions);
    let hello = ClientHello::read(&body).unwrap();
    // The example of JA3's own description.
    assert_eq!(ja3(&hello), "ada70206e40642a3e4461f35503241d5");
}

#[test]
fn certificates_tell_names_and_dates_however_much_is_missing() {
    let name = |text: &[u8]| {
        let pair = element(0x30, &[element(6, &[0x55, 4, 3]), element(12, text)].concat());
        element(0x30, &element(0x31, &pair))
    };
    let dates = [element(0x17, b"490101000000Z"), element(0x18, b"20500101123456Z")].concat();
    let parts = [
        element(0xa0, &[2, 1, 2]),
        element(2, &[1]),
        element(0x30, &[]),
        name(b"An Issuer"),
        element(0x30, &dates),
        name("Jos\u{e9}".as_bytes()),
    ];
    let certificate = element(0x30, &element(0x30, &parts.concat()));
    let read = Certificate::read(&certificate, 100).unwrap();
    assert_eq!((read.issuer.as_str(), read.subject.as_str()), ("CN=An Issuer", "CN=Jos\u{e9}"));
    assert_eq!(read.not_before.as_deref(), Some("2049-01-01T00:00:00Z"));
    assert_eq!(read.not_after.as_deref(), Some("2050-01-01T12:34:56Z"));
    for len in 0..certificate.len() {
        let cut = Certificate::read(&certificate[..len], 5);
        assert!(cut.is_none_or(|cut| cut.issuer.len() <= 5));
    }
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
}
