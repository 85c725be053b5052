//! SIP messages as they are on the wire (RFC 3261 §7), and what tells them from others.

use df_core::{Direction, Transport};
use memchr::memmem;

use crate::Detection;

/// The head of a message: its first line and the fields that are read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Head<'a> {
    pub(super) call_id: &'a [u8],
    /// The number in `CSeq`, and the method behind it.
    pub(super) sequence: (u32, &'a [u8]),
    pub(super) user_agent: &'a [u8],
    pub(super) body_bytes: usize,
}

/// The first line of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StartLine<'a> {
    Request { method: &'static str, address: &'a [u8] },
    Response { code: u16, reason: &'a [u8] },
}

impl<'a> StartLine<'a> {
    /// Reads a line without its end.
    pub(super) fn read(line: &'a [u8]) -> Option<Self> {
        if let Some(rest) = line.strip_prefix(VERSION).and_then(|rest| rest.strip_prefix(b" ")) {
            let (digits, rest) = rest.split_at_checked(3)?;
            let is_code =
                matches!(digits.first(), Some(b'1'..=b'6')) && digits.iter().all(u8::is_ascii_digit);
            let code = digits.iter().fold(0_u16, |sum, &digit| sum * 10 + u16::from(digit & 0xf));
            let is_end = rest.first().is_none_or(|&byte| byte == b' ');
            return (is_code && is_end).then_some(Self::Response { code, reason: rest.trim_ascii() });
        }
        let end = line.iter().position(|&byte| byte == b' ')?;
        let (word, rest) = line.split_at_checked(end)?;
        let method = METHODS.iter().find(|method| method.as_bytes() == word)?;
        let address = rest.strip_suffix(VERSION)?.trim_ascii();
        (!address.is_empty()).then_some(Self::Request { method, address })
    }
}

impl<'a> Head<'a> {
    /// Reads the fields behind the first line; those that are missing stay empty.
    pub(super) fn read(fields: &'a [u8]) -> Self {
        let mut head = Self::default();
        for line in fields.split(|&byte| byte == b'\n') {
            let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
            let (name, value) = line.split_at_checked(colon).unwrap_or_default();
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            let is = |full: &[u8]| name.trim_ascii().eq_ignore_ascii_case(full);
            if is(b"Call-ID") || is(b"i") {
                head.call_id = value;
            } else if is(b"CSeq") {
                head.sequence = sequence(value);
            } else if is(b"User-Agent") {
                head.user_agent = value;
            } else if is(b"Content-Length") || is(b"l") {
                head.body_bytes = usize::try_from(number(value)).unwrap_or_default();
            }
        }
        head
    }
}

fn sequence(value: &[u8]) -> (u32, &[u8]) {
    let end = value.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(value.len());
    let (digits, rest) = value.split_at_checked(end).unwrap_or_default();
    (number(digits), rest.trim_ascii())
}

/// A decimal number; 0 for what is none, or too long.
fn number(digits: &[u8]) -> u32 {
    std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).unwrap_or_default()
}

/// How many bytes the head at the start of `bytes` takes, the empty line included. The first `searched` are known to hold no
/// end.
pub(super) fn head_len(bytes: &[u8], searched: usize) -> Option<usize> {
    let from = searched.saturating_sub(HEAD_END.len() - 1);
    let place = memmem::find(bytes.get(from..)?, HEAD_END)?;
    Some(from.saturating_add(place).saturating_add(HEAD_END.len()))
}

/// The line at the start of `bytes`, and what is behind it.
pub(super) fn first_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
    let (line, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
    (line.strip_suffix(b"\r").unwrap_or(line), rest.get(1..).unwrap_or_default())
}

/// Says whether these bytes are SIP's: a first line tells.
pub(super) fn detect(_: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    let is_start = |word: &[u8]| bytes.iter().zip(word).all(|(byte, expected)| byte == expected);
    if !is_start(VERSION) && !METHODS.iter().any(|method| is_start(method.as_bytes())) {
        return Detection::NoMatch;
    }
    let window = bytes.get(..MAX_LINE_BYTES).unwrap_or(bytes);
    if memchr::memchr(b'\n', window).is_none() {
        let is_text =
            window.len() < MAX_LINE_BYTES && window.iter().all(|&byte| byte >= b' ' || byte == b'\r');
        return if is_text { Detection::NeedMore } else { Detection::NoMatch };
    }
    let sender = match StartLine::read(first_line(window).0) {
        Some(StartLine::Request { .. }) => Direction::ToServer,
        Some(StartLine::Response { .. }) => Direction::ToClient,
        None => return Detection::NoMatch,
    };
    if sender == direction { Detection::CERTAIN } else { Detection::CERTAIN_REVERSED }
}

/// Whether a message can start here.
pub(super) fn is_start(bytes: &[u8]) -> bool {
    StartLine::read(first_line(bytes.get(..MAX_LINE_BYTES).unwrap_or(bytes)).0).is_some()
}

const VERSION: &[u8] = b"SIP/2.0";
const HEAD_END: &[u8] = b"\r\n\r\n";
/// The longest first line.
const MAX_LINE_BYTES: usize = 1_024;
/// The methods of RFC 3261 and its extensions.
const METHODS: [&str; 14] = [
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "OPTIONS",
    "REGISTER",
    "PRACK",
    "SUBSCRIBE",
    "NOTIFY",
    "PUBLISH",
    "INFO",
    "REFER",
    "MESSAGE",
    "UPDATE",
];
