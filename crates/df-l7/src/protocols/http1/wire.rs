//! HTTP/1 heads, chunk headers and start lines as they are on the wire (RFC 9112), borrowed and without meaning.
//!
//! An observer must read whatever both ends accepted, however wrong, so this reads more than the RFC allows: bare
//! line feeds, blanks in the target, any bytes in field values. Start lines alone are judged strictly, because they
//! are what tells HTTP from other protocols.

use df_core::{Direction, Transport};
use memchr::{memchr, memmem};

use crate::Detection;
use crate::http::known_method;

/// A start line with the field lines that follow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head<'a> {
    pub(super) start: StartLine<'a>,
    pub(super) fields: Fields<'a>,
    /// Bytes up to and with the empty line, or all there are if the head was cut.
    pub(super) len: usize,
}

/// The first line of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StartLine<'a> {
    /// `METHOD SP target SP HTTP/1.x`. Without a version if what stands in its place is none.
    Request { method: &'a [u8], target: &'a [u8], minor_version: Option<u8> },
    /// `HTTP/1.x SP status [SP reason]`.
    Status { minor_version: Option<u8>, status: u16, reason: &'a [u8] },
}

/// The field lines of a head, read lazily.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

/// What can be said of bytes that should begin a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start<'a> {
    /// The whole line is there; `len` counts its line end.
    Line { line: StartLine<'a>, len: usize },
    /// A whole line that only makes sense where a start line must stand.
    Damaged,
    /// So far it is one.
    Prefix,
    /// It is none.
    No,
}

impl<'a> Head<'a> {
    /// Reads a complete head, the empty line included. `len` is what [`head_len`] found.
    pub(super) fn read(bytes: &'a [u8], len: usize) -> Option<Self> {
        let (line, line_len) = any_start_line(bytes)?;
        Some(Self { start: line, fields: Fields { rest: bytes.get(line_len..len)? }, len })
    }

    /// Reads a head that was cut somewhere: all of its complete lines, and a start line cut within its version.
    pub(super) fn read_cut(bytes: &'a [u8]) -> Option<Self> {
        if let Some((line, len)) = any_start_line(bytes) {
            let rest = bytes.get(len..).unwrap_or_default();
            let end = memchr::memrchr(b'\n', rest).map_or(0, |end| end + 1);
            return Some(Self { start: line, fields: Fields { rest: rest.get(..end)? }, len: bytes.len() });
        }
        let start = cut_request_line(bytes)?;
        Some(Self { start, fields: Fields { rest: &[] }, len: bytes.len() })
    }
}

impl<'a> Iterator for Fields<'a> {
    /// Name and value without the blanks around them. A folded value keeps its line ends.
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (line, rest) = split_field_line(self.rest)?;
            self.rest = rest;
            if line.is_empty() {
                return None;
            }
            let Some(colon) = memchr(b':', line) else { continue };
            let (name, value) = (line.get(..colon)?.trim_ascii(), line.get(colon + 1..)?.trim_ascii());
            return Some((name, value));
        }
    }
}

/// The length of the head at the start of `bytes`, the empty line included. `scanned` bytes are known to hold no end.
pub(super) fn head_len(bytes: &[u8], scanned: usize) -> Option<usize> {
    // The end of the head is a line feed that follows another one, with at most a carriage return between.
    let from = scanned.saturating_sub(MAX_HEAD_END_BYTES);
    let mut position = from;
    while let Some(found) = memchr(b'\n', bytes.get(position..)?) {
        position += found + 1;
        match bytes.get(position..)? {
            [b'\n', ..] => return Some(position + 1),
            [b'\r', b'\n', ..] => return Some(position + 2),
            _ => {}
        }
    }
    None
}

/// Judges the start line of a request or a response, so strictly that other protocols are told apart early.
fn start_line(bytes: &[u8]) -> Start<'_> {
    let Some(end) = memchr(b'\n', bytes) else {
        return if is_start_prefix(bytes) { Start::Prefix } else { Start::No };
    };
    let line = bytes.get(..end).unwrap_or_default().trim_ascii_end();
    let read = status_line(line).or_else(|| request_line(line));
    match read {
        Some(line) => Start::Line { line, len: end + 1 },
        None if damaged_line(line).is_some() => Start::Damaged,
        None => Start::No,
    }
}

/// Whether a head can start with `bytes`, a damaged one included. Exact: of a line that is not whole yet this refuses
/// only what no further bytes can turn into one that [`Head::read`] takes, so it never matters how the bytes were cut.
pub(super) fn may_start_head(bytes: &[u8]) -> bool {
    if memchr(b'\n', bytes).is_some() {
        return any_start_line(bytes).is_some();
    }
    let space = memchr(b' ', bytes);
    if bytes.starts_with(ANY_VERSION_PREFIX) {
        let after = space.and_then(|space| bytes.get(space..)).unwrap_or_default().trim_ascii_start();
        return after.first() != Some(&b'0') && after.iter().take(STATUS_DIGITS).all(u8::is_ascii_digit);
    }
    // Behind a method and a blank anything may stand, if only the version comes last.
    bytes.get(..space.unwrap_or(bytes.len())).is_some_and(is_method)
}

/// Reads a complete start line, damaged ones included.
fn any_start_line(bytes: &[u8]) -> Option<(StartLine<'_>, usize)> {
    let end = memchr(b'\n', bytes)?;
    let line = bytes.get(..end)?.trim_ascii_end();
    let read = status_line(line).or_else(|| request_line(line)).or_else(|| damaged_line(line))?;
    Some((read, end + 1))
}

/// How many bytes of line ends stand before a message: RFC 9112 §2.2 lets a client send some.
pub(super) fn leading_line_ends(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count()
}

/// A chunk's size line (RFC 9112 §7.1): the size, and the bytes of the line with its end.
pub(super) fn chunk_header(line: &[u8]) -> Option<u64> {
    let size_len = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (digits, rest) = line.split_at_checked(size_len)?;
    if !matches!(rest.trim_ascii_start(), [] | [b';', ..]) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Says whether these bytes are HTTP/1's.
pub(crate) fn detect(_transport: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    let bytes = bytes.get(leading_line_ends(bytes)..).unwrap_or_default();
    let certain = |sender: Direction| {
        if sender == direction { Detection::CERTAIN } else { Detection::CERTAIN_REVERSED }
    };
    let weak =
        |sender: Direction| if sender == direction { Detection::WEAK } else { Detection::WEAK_REVERSED };
    match start_line(bytes) {
        Start::Line { line: StartLine::Status { .. }, .. } => certain(Direction::ToClient),
        Start::Line { line: StartLine::Request { target, .. }, .. } if is_plain(target) => {
            certain(Direction::ToServer)
        }
        Start::Prefix | Start::Damaged if is_long_request_prefix(bytes) => weak(Direction::ToServer),
        Start::Line { .. } | Start::Damaged | Start::No => Detection::NoMatch,
        Start::Prefix => Detection::NeedMore,
    }
}

/// Whether a message of this direction starts with `bytes`. A line that is cut by the end of the bytes counts if what
/// is there leaves little doubt.
pub(super) fn is_message_start(direction: Direction, bytes: &[u8]) -> bool {
    let is_request_direction = direction == Direction::ToServer;
    match start_line(bytes) {
        Start::Line { line: StartLine::Request { target, .. }, .. } => {
            is_request_direction && is_plain(target)
        }
        Start::Line { line: StartLine::Status { .. }, .. } => !is_request_direction,
        Start::Prefix if is_request_direction => is_long_request_prefix(bytes),
        Start::Prefix => bytes.len() >= STATUS_LINE_BYTES,
        Start::Damaged | Start::No => false,
    }
}

fn status_line(line: &[u8]) -> Option<StartLine<'_>> {
    let rest = line.strip_prefix(VERSION_PREFIX)?;
    let (&[minor, b' ', hundreds, tens, ones], rest) = rest.split_first_chunk::<5>()? else {
        return None;
    };
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
    let status = digit(hundreds)? * 100 + digit(tens)? * 10 + digit(ones)?;
    if status < 100 || !minor.is_ascii_digit() || !matches!(rest, [] | [b' ', ..]) {
        return None;
    }
    Some(StartLine::Status { minor_version: Some(minor - b'0'), status, reason: rest.trim_ascii_start() })
}

fn request_line(line: &[u8]) -> Option<StartLine<'_>> {
    let (method, rest) = line.split_at_checked(memchr(b' ', line)?)?;
    let (&version, rest) = rest.split_last_chunk::<VERSION_BYTES>().map(|(rest, version)| (version, rest))?;
    let minor_version = version.strip_prefix(VERSION_PREFIX).and_then(<[u8]>::first)?.checked_sub(b'0')?;
    if minor_version > 9 || !is_method(method) || rest.last() != Some(&b' ') {
        return None;
    }
    // Without a target the version stands in its place, which servers answer with an error.
    let target = match rest.trim_ascii() {
        [] if known_method(method).is_some() => line.get(line.len() - VERSION_BYTES..)?,
        [] => return None,
        target => target,
    };
    Some(StartLine::Request { method, target, minor_version: Some(minor_version) })
}

/// A start line with something wrong in its version or status, which peers accept or at least answer.
fn damaged_line(line: &[u8]) -> Option<StartLine<'_>> {
    if line.starts_with(ANY_VERSION_PREFIX) {
        let (_, rest) = line.split_at_checked(memchr(b' ', line)?)?;
        let rest = rest.trim_ascii_start();
        let (&[hundreds, tens, ones], rest) = rest.split_first_chunk::<3>()?;
        let digit = |byte: u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
        let status = digit(hundreds)? * 100 + digit(tens)? * 10 + digit(ones)?;
        let reason = rest.trim_ascii_start();
        return (status >= 100).then_some(StartLine::Status { minor_version: None, status, reason });
    }
    let (method, rest) = line.split_at_checked(memchr(b' ', line)?)?;
    let rest = rest.trim_ascii_start();
    let target = rest.get(..memchr(b' ', rest).unwrap_or(rest.len()))?;
    let version = rest.get(target.len()..)?.trim_ascii_start();
    let is_request = known_method(method).is_some()
        && (target.starts_with(b"/") || target.starts_with(b"http://"))
        && (version.is_empty() || version.starts_with(ANY_VERSION_PREFIX));
    is_request.then_some(StartLine::Request { method, target, minor_version: None })
}

/// A request line whose target is complete, of a known method, and whose version was cut.
fn cut_request_line(bytes: &[u8]) -> Option<StartLine<'_>> {
    let mut words = bytes.splitn(3, |byte| *byte == b' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let is_cut_version = VERSION_PREFIX.starts_with(version) || version.starts_with(VERSION_PREFIX);
    let is_request = known_method(method).is_some()
        && !target.is_empty()
        && is_cut_version
        && version.len() <= VERSION_BYTES + 1;
    is_request.then_some(StartLine::Request { method, target, minor_version: None })
}

/// Whether `bytes`, which hold no line end, look like the beginning of a start line.
fn is_start_prefix(bytes: &[u8]) -> bool {
    let (version, rest) = bytes.split_at(bytes.len().min(VERSION_PREFIX.len()));
    if VERSION_PREFIX.starts_with(version) {
        return status_prefix(rest) || is_damaged_status_prefix(bytes);
    }
    if bytes.starts_with(ANY_VERSION_PREFIX) {
        return is_damaged_status_prefix(bytes);
    }
    let method_len = memchr(b' ', bytes).unwrap_or(bytes.len());
    let (method, rest) = bytes.split_at(method_len);
    is_method(method) && bytes.len() <= MAX_START_LINE_BYTES && rest.iter().all(|byte| !is_control(*byte))
}

/// Whether bytes without a line end can grow into a status line with something wrong in it.
fn is_damaged_status_prefix(bytes: &[u8]) -> bool {
    bytes.len() <= MAX_START_LINE_BYTES && bytes.iter().all(|byte| !is_control(*byte) || *byte == b'\r')
}

/// Whether what follows `HTTP/1.` can be the rest of a status line.
fn status_prefix(rest: &[u8]) -> bool {
    rest.iter().take(STATUS_PATTERN.len()).zip(STATUS_PATTERN).all(|(byte, pattern)| match pattern {
        b'0' => byte.is_ascii_digit(),
        b' ' => matches!(byte, b' ' | b'\r'),
        _ => false,
    })
}

/// Whether bytes without a line end are a known method and so much of a path that little else can be meant.
fn is_long_request_prefix(bytes: &[u8]) -> bool {
    let Some((method, rest)) = memchr(b' ', bytes).and_then(|space| bytes.split_at_checked(space)) else {
        return false;
    };
    let is_path = rest.starts_with(b" /") || rest.starts_with(b" http://");
    bytes.len() >= MIN_CUT_LINE_BYTES && is_path && known_method(method).is_some()
}

/// A line of the field section without its end, its continuation lines included (obs-fold, RFC 9112 §5.2).
fn split_field_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut end = memchr(b'\n', bytes)?;
    let is_folded = |end: usize| matches!(bytes.get(end + 1), Some(b' ' | b'\t'));
    let is_empty = is_folded(end) && bytes.get(..end)?.trim_ascii().is_empty();
    while !is_empty && is_folded(end) {
        let Some(more) = memchr(b'\n', bytes.get(end + 1..)?) else { break };
        end += 1 + more;
    }
    Some((bytes.get(..end)?.trim_ascii_end(), bytes.get(end + 1..)?))
}

/// A method is a token (RFC 9110 §5.6.2), and those in use start with a capital.
fn is_method(method: &[u8]) -> bool {
    method.len() <= MAX_METHOD_BYTES
        && method.first().is_some_and(u8::is_ascii_uppercase)
        && method.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn is_plain(target: &[u8]) -> bool {
    !target.iter().any(|byte| is_control(*byte)) && memmem::find(target, b" HTTP/").is_none()
}

const fn is_control(byte: u8) -> bool {
    matches!(byte, 0..=8 | 10..=12 | 14..=31 | 127)
}

const VERSION_PREFIX: &[u8] = b"HTTP/1.";
const ANY_VERSION_PREFIX: &[u8] = b"HTTP/";
const VERSION_BYTES: usize = VERSION_PREFIX.len() + 1;
/// What follows [`VERSION_PREFIX`] in a status line; `0` stands for any digit.
const STATUS_PATTERN: &[u8] = b"0 000 ";
/// The shortest status line.
const STATUS_LINE_BYTES: usize = VERSION_PREFIX.len() + STATUS_PATTERN.len() - 1;
const STATUS_DIGITS: usize = 3;
/// The longest end of a head: `\n\r\n`.
const MAX_HEAD_END_BYTES: usize = 3;
const MAX_METHOD_BYTES: usize = 32;
/// A start line that is longer is not waited for.
const MAX_START_LINE_BYTES: usize = 65_536;
/// From this length on a request line whose end is not in sight is taken for one.
const MIN_CUT_LINE_BYTES: usize = 16;

#[cfg(test)]
mod tests;
