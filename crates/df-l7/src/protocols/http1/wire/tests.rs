//! Byte tables of start lines and fields, and httparse as a second opinion.

use df_core::Direction::{ToClient, ToServer};
use proptest::prelude::*;

use super::*;

fn detected(direction: Direction, bytes: &str) -> Detection {
    detect(Transport::Tcp, direction, bytes.as_bytes())
}

#[test]
fn start_lines_that_are_certain() {
    for bytes in [
        "GET / HTTP/1.1\r\n",
        "GET http://h/p?q HTTP/1.0\r\nHost: h",
        "OPTIONS * HTTP/1.1\n",
        "\r\n\r\nPOST /p HTTP/1.1\r\n",
        "CONNECT h:443 HTTP/1.1\r\n",
        "MY-METHOD_2 /x HTTP/1.1\r\n",
        "GET /with blanks in it HTTP/1.1\r\n",
        "GET /\u{e9} HTTP/1.1\r\n",
    ] {
        assert_eq!(detected(ToServer, bytes), Detection::CERTAIN, "{bytes}");
        assert_eq!(detected(ToClient, bytes), Detection::CERTAIN_REVERSED, "{bytes}");
    }
    for bytes in ["HTTP/1.1 200 OK\r\n", "HTTP/1.0 404\r\n", "HTTP/1.1 999 \r\n"] {
        assert_eq!(detected(ToClient, bytes), Detection::CERTAIN, "{bytes}");
        assert_eq!(detected(ToServer, bytes), Detection::CERTAIN_REVERSED, "{bytes}");
    }
}

#[test]
fn beginnings_that_need_more() {
    for bytes in ["G", "GET", "GET /", "HTT", "HTTP/1.1 20", "HTTP/1.1 200 O", "PRI * HTT", "\r\n"] {
        assert_eq!(detected(ToServer, bytes), Detection::NeedMore, "{bytes}");
    }
    assert_eq!(detected(ToServer, "GET /a/long/path/whose"), Detection::WEAK);
    assert_eq!(detected(ToServer, "GET /HTTP/1.1\r\nHost: h\r\n"), Detection::WEAK);
}

#[test]
fn what_only_looks_like_http_is_refused() {
    for bytes in [
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "OPTIONS rtsp://h/ RTSP/1.0\r\n",
        "RTSP/1.0 200 OK\r\n",
        "INVITE sip:a@b SIP/2.0\r\n",
        "SIP/2.0 200 OK\r\n",
        "ICY 200 OK\r\n",
        "GET\r\n",
        "GET key\r\n",
        "PING\r\n",
        "USER anonymous\r\n",
        "get / HTTP/1.1\r\n",
        "G\0ET / HTTP/1.1\r\n",
        "GET /\u{1} HTTP/1.1\r\n",
        "HTTP/1.1 2xx OK\r\n",
        "HTTP/1.1 2000 OK\r\n",
        "HTTP/2.0 200 OK\r\n",
        "*1\r\n$4\r\nPING\r\n",
    ] {
        assert_eq!(detected(ToServer, bytes), Detection::NoMatch, "{bytes}");
    }
}

#[test]
fn message_starts_are_strict_and_know_their_direction() {
    for (direction, bytes, expected) in [
        (ToServer, "GET / HTTP/1.1\r\n", true),
        (ToClient, "GET / HTTP/1.1\r\n", false),
        (ToClient, "HTTP/1.1 200 OK\r\n", true),
        (ToClient, "HTTP/1.1 200 ", true),
        (ToClient, "HTTP/1.1 2", false),
        (ToServer, "HTTP/1.1 200 OK\r\n", false),
        (ToServer, "GET /long/enough/to/be", true),
        (ToServer, "GET /short", false),
        (ToServer, "GET / in the middle of a text\r\n", false),
    ] {
        assert_eq!(is_message_start(direction, bytes.as_bytes()), expected, "{bytes}");
    }
}

/// Every beginning of what the head's reader takes may start a head, however damaged the line is.
#[test]
fn no_beginning_of_a_readable_line_is_refused() {
    for line in [
        "GET / HTTP/1.1",
        "G\u{e9}T-less /x HTTP/1.1",
        "GET /\u{1}\u{0} HTTP/1.1",
        "X \r\u{7f} / HTTP/1.0",
        "GET /x",
        "GET http://h/ HTTP/x\u{2}",
        "GET  HTTP/1.1",
        "HTTP/1.1 200 OK",
        "HTTP/1.1 200O\u{1}K",
        "HTTP/\u{3} \t\r 404",
        "HTTP/2.0 999",
        "HTTP /x HTTP/1.1",
        "HTTP/1.1 099 no",
        "HTTP/1.1 20x",
        "HTTP/1.1 20\r",
    ] {
        let bytes = format!("{line}\r\n");
        let is_readable = any_start_line(bytes.as_bytes()).is_some();
        for len in 1..bytes.len() {
            let may_start = may_start_head(&bytes.as_bytes()[..len]);
            assert!(may_start || !is_readable, "{:?} of {line:?}", &bytes.as_bytes()[..len]);
        }
        assert_eq!(may_start_head(bytes.as_bytes()), is_readable, "{line:?}");
    }
    for beginning in ["HTTP/1.1 0", "HTTP/1.1 2x", "HTTP/1.1 20\r", "GET\r", "g", "\u{1}", "/ HTTP/1.1"] {
        assert!(!may_start_head(beginning.as_bytes()), "{beginning:?}");
    }
}

#[test]
fn ends_of_heads_are_found_from_anywhere() {
    for (bytes, expected) in [
        ("a\r\n\r\nb", Some(5)),
        ("a\n\nb", Some(3)),
        ("a\n\r\nb", Some(4)),
        ("a\r\n\r", None),
        ("a\n", None),
    ] {
        for scanned in 0..expected.unwrap_or(bytes.len()) {
            assert_eq!(head_len(bytes.as_bytes(), scanned), expected, "{bytes:?} from {scanned}");
        }
    }
}

#[test]
fn chunk_headers() {
    for (line, expected) in [
        ("1a", Some(26)),
        ("0;x=y", Some(0)),
        ("FF \r", Some(255)),
        ("", None),
        ("g", None),
        ("1 2", None),
        ("-1", None),
        ("10000000000000000", None),
    ] {
        assert_eq!(chunk_header(line.as_bytes()), expected, "{line}");
    }
}

#[test]
fn cut_heads_keep_their_whole_lines() {
    for (bytes, names) in
        [("GET /x HTTP/1.1\r\nHost: h\r\nCook", 1), ("GET /x HTTP/1.1\r\n", 0), ("GET /x HTT", 0)]
    {
        let head = Head::read_cut(bytes.as_bytes()).unwrap();
        assert!(matches!(head.start, StartLine::Request { target: b"/x", .. }), "{bytes}");
        assert_eq!((head.fields.count(), head.len), (names, bytes.len()), "{bytes}");
    }
    assert_eq!(Head::read_cut(b"GET /x"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Where httparse, which is strict, reads a head, this reads the same.
    #[test]
    fn agrees_with_httparse(
        method in "[A-Z]{1,10}",
        target in "/[!-~]{0,30}",
        fields in prop::collection::vec(("[A-Za-z-]{1,12}", "[ !-~]{0,20}"), 0..6),
    ) {
        let mut head = format!("{method} {target} HTTP/1.1\r\n");
        for (name, value) in &fields {
            head.extend([name.as_str(), ": ", value.as_str(), "\r\n"]);
        }
        head.push_str("\r\n");
        let mut headers = [httparse::EMPTY_HEADER; 8];
        let mut theirs = httparse::Request::new(&mut headers);
        prop_assert!(theirs.parse(head.as_bytes()).unwrap().is_complete());
        let ours = Head::read(head.as_bytes(), head_len(head.as_bytes(), 0).unwrap()).unwrap();
        let is_same_line = matches!(ours.start, StartLine::Request { method: m, target: t, minor_version: Some(1) }
            if m == method.as_bytes() && t == target.as_bytes());
        prop_assert!(is_same_line, "{:?}", ours.start);
        let theirs: Vec<_> = theirs.headers.iter().map(|header| (header.name.as_bytes(), header.value.trim_ascii())).collect();
        prop_assert_eq!(ours.fields.collect::<Vec<_>>(), theirs);
    }
}
