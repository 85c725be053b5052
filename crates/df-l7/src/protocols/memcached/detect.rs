//! Says whether bytes are memcached's messages.

use df_core::{Direction, Transport};

use crate::Detection;

use super::binary::{is_known, is_status};
use super::command::{Form, MAX_NAME_BYTES, any_starts_with, named};
use super::wire::{FRAME_BYTES, Frame, HEADER_BYTES, Header, is_key, line, number, value_length, words};

/// The longest first line that is waited for.
const MAX_FIRST_LINE_BYTES: usize = 2_048;

/// Says whether these bytes are this protocol's.
///
/// Certain are commands that announce a value, `VALUE` lines and binary headers whose fields agree. Other lines are weak:
/// other protocols have words like them.
pub(super) fn detect(transport: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    let content = match transport {
        Transport::Udp if Frame::parse(bytes).is_some_and(|frame| frame.number == 0) => {
            bytes.get(FRAME_BYTES..).unwrap_or_default()
        }
        Transport::Udp => return Detection::NoMatch,
        _ => bytes,
    };
    let is_datagram = transport == Transport::Udp;
    let [mut command, mut reply] = [command(content), reply(content)];
    if is_datagram {
        command = command.or_no();
        reply = reply.or_no();
    }
    let (as_expected, reversed) = match direction {
        Direction::ToServer => (command, reply),
        Direction::ToClient => (reply, command),
    };
    match (as_expected, reversed) {
        (Verdict::Certain, _) => Detection::CERTAIN,
        (_, Verdict::Certain) => Detection::CERTAIN_REVERSED,
        (Verdict::Weak, _) => Detection::WEAK,
        (_, Verdict::Weak) => Detection::WEAK_REVERSED,
        (Verdict::NeedMore, _) | (_, Verdict::NeedMore) => Detection::NeedMore,
        (Verdict::No, Verdict::No) => Detection::NoMatch,
    }
}

/// Whether a command can start here, in the middle of a conversation.
pub(super) fn is_command_start(bytes: &[u8]) -> bool {
    matches!(command(bytes), Verdict::Certain | Verdict::Weak)
}

/// Whether a reply can start here, in the middle of a conversation.
pub(super) fn is_reply_start(bytes: &[u8]) -> bool {
    matches!(reply(bytes), Verdict::Certain | Verdict::Weak)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Certain,
    Weak,
    NeedMore,
    No,
}

impl Verdict {
    /// A datagram has no more bytes to wait for.
    fn or_no(self) -> Self {
        if self == Self::NeedMore { Self::No } else { self }
    }
}

fn command(bytes: &[u8]) -> Verdict {
    match bytes.first() {
        Some(0x80) => return binary(bytes),
        Some(b'a'..=b'w') => {}
        _ => return Verdict::No,
    }
    let window = bytes.get(..MAX_FIRST_LINE_BYTES).unwrap_or(bytes);
    let Some((text, _)) = line(window, 0).filter(|(text, len)| text.len() + 2 == *len) else {
        return command_so_far(window);
    };
    let mut rest = words(text);
    let Some(command) = rest.next().and_then(named) else { return Verdict::No };
    if is_command_line(command.name, command.form, rest) {
        let is_telling = matches!(command.form, Form::Store | Form::Compare);
        return if is_telling { Verdict::Certain } else { Verdict::Weak };
    }
    Verdict::No
}

/// A line without its end may become a command.
fn command_so_far(bytes: &[u8]) -> Verdict {
    if bytes.len() >= MAX_FIRST_LINE_BYTES || memchr::memchr(b'\n', bytes).is_some() {
        return Verdict::No;
    }
    let end = bytes.iter().take(MAX_NAME_BYTES + 1).position(|&byte| byte == b' ' || byte == b'\r');
    let may_become = match end.and_then(|end| bytes.get(..end)) {
        Some(name) => named(name).is_some(),
        None => any_starts_with(bytes),
    };
    let is_text = bytes.iter().all(|&byte| byte >= b' ' || byte == b'\r');
    if may_become && is_text { Verdict::NeedMore } else { Verdict::No }
}

/// Whether these words can stand behind a command's name.
fn is_command_line<'a>(name: &str, form: Form, mut rest: impl Iterator<Item = &'a [u8]>) -> bool {
    let is_number = |word: Option<&[u8]>| word.is_some_and(|word| number(word).is_some());
    match form {
        Form::Retrieve => rest.next().is_some_and(is_key) && rest.all(is_key),
        Form::RetrieveAndTouch => {
            is_number(rest.next()) && rest.next().is_some_and(is_key) && rest.all(is_key)
        }
        Form::Store | Form::Compare => {
            let has_key = rest.next().is_some_and(is_key) && is_number(rest.next());
            let has_time =
                rest.next().is_some_and(|word| number(word.strip_prefix(b"-").unwrap_or(word)).is_some());
            let has_length = rest.next().is_some_and(|word| value_length(word).is_some());
            let has_unique = form == Form::Store || is_number(rest.next());
            has_key && has_time && has_length && has_unique && is_end_or_noreply(rest)
        }
        Form::Change => {
            let has_key = rest.next().is_some_and(is_key);
            let mut rest = rest.peekable();
            let has_number = rest.next_if(|word| number(word).is_some()).is_some();
            has_key && (has_number || name == "delete") && is_end_or_noreply(rest)
        }
        Form::Meta => rest.next().is_some_and(is_key) && rest.all(is_flag),
        Form::MetaStore => {
            let has_key = rest.next().is_some_and(is_key);
            has_key && rest.next().is_some_and(|word| value_length(word).is_some()) && rest.all(is_flag)
        }
        Form::Other => match name {
            "mn" | "version" => rest.next().is_none(),
            "stats" => rest.take(3).all(is_key),
            "verbosity" => is_number(rest.next()) && is_end_or_noreply(rest),
            "flush_all" => is_end_or_noreply(rest.skip_while(|word| number(word).is_some())),
            _ => false,
        },
        Form::Unanswered => false,
    }
}

fn is_end_or_noreply<'a>(mut rest: impl Iterator<Item = &'a [u8]>) -> bool {
    rest.next().is_none_or(|word| word == b"noreply") && rest.next().is_none()
}

/// A letter with perhaps a token: `t`, `T30`, `O123`.
fn is_flag(word: &[u8]) -> bool {
    word.len() <= 64 && word.first().is_some_and(u8::is_ascii_alphabetic)
}

fn reply(bytes: &[u8]) -> Verdict {
    match bytes.first() {
        Some(0x81) => return binary(bytes),
        Some(b'A'..=b'Z') => {}
        _ => return Verdict::No,
    }
    let window = bytes.get(..MAX_FIRST_LINE_BYTES).unwrap_or(bytes);
    let Some((text, len)) = line(window, 0) else {
        let word = window.split(|&byte| byte == b' ' || byte == b'\r').next().unwrap_or_default();
        let may_become = REPLIES.iter().any(|reply| reply.starts_with(word) && window.len() < 512);
        return if may_become { Verdict::NeedMore } else { Verdict::No };
    };
    let mut rest = words(text);
    let first = rest.next().unwrap_or_default();
    if text.len() + 2 != len || !REPLIES.contains(&first) {
        return Verdict::No;
    }
    match first {
        b"VALUE" => value_line(rest, bytes.get(len..).unwrap_or_default()),
        b"STAT" => weak_if(rest.next().is_some_and(is_key) && rest.next().is_some()),
        b"VERSION" => weak_if(rest.next().is_some_and(|word| word.first().is_some_and(u8::is_ascii_digit))),
        b"CLIENT_ERROR" | b"SERVER_ERROR" => Verdict::Weak,
        b"VA" => weak_if(rest.next().is_some_and(|word| value_length(word).is_some()) && rest.all(is_flag)),
        b"HD" | b"NS" | b"EX" | b"NF" => weak_if(rest.all(is_flag)),
        _ => weak_if(rest.next().is_none()),
    }
}

/// `VALUE key flags bytes [cas]`, and behind the value a line end.
fn value_line<'a>(mut rest: impl Iterator<Item = &'a [u8]>, behind: &[u8]) -> Verdict {
    let is_line = rest.next().is_some_and(is_key) && rest.next().is_some_and(|word| number(word).is_some());
    let length = rest.next().and_then(value_length);
    let ends_well = rest.next().is_none_or(|word| number(word).is_some()) && rest.next().is_none();
    let Some(length) = length.filter(|_| is_line && ends_well) else { return Verdict::No };
    let end = behind.get(length..).map(|end| end.get(..2).unwrap_or(end)).unwrap_or_default();
    if b"\r\n".starts_with(end) { Verdict::Certain } else { Verdict::No }
}

const fn weak_if(is_reply: bool) -> Verdict {
    if is_reply { Verdict::Weak } else { Verdict::No }
}

/// A header whose fields agree with each other.
fn binary(bytes: &[u8]) -> Verdict {
    if bytes.get(1).is_some_and(|&opcode| !is_known(opcode)) || bytes.get(5).is_some_and(|&kind| kind != 0) {
        return Verdict::No;
    }
    let header = match Header::parse(bytes) {
        Ok(Some(header)) => header,
        Ok(None) if bytes.len() < HEADER_BYTES => return Verdict::NeedMore,
        _ => return Verdict::No,
    };
    let is_plausible =
        if header.is_response { is_plausible_response(&header) } else { is_plausible_request(&header) };
    if is_plausible { Verdict::Certain } else { Verdict::No }
}

fn is_plausible_request(header: &Header) -> bool {
    let has_key = (1..=250).contains(&header.key_bytes);
    let [extras, value] = [header.extras_bytes, header.value_bytes()];
    match header.opcode {
        0x00 | 0x09 | 0x0c | 0x0d | 0x04 | 0x14 => extras == 0 && has_key && value == 0,
        0x01..=0x03 | 0x11..=0x13 => extras == 8 && has_key,
        0x05 | 0x06 | 0x15 | 0x16 => extras == 20 && has_key && value == 0,
        0x0e | 0x0f | 0x19 | 0x1a => extras == 0 && has_key,
        0x1c..=0x1e | 0x23 | 0x24 => extras == 4 && has_key && value == 0,
        0x08 | 0x18 | 0x1b => matches!(extras, 0 | 4) && header.key_bytes == 0 && value == 0,
        0x10 => extras == 0 && header.key_bytes <= 250 && value == 0,
        0x1f | 0x21 | 0x22 => extras == 0 && has_key && value < 65_536,
        _ => header.body_bytes == 0,
    }
}

fn is_plausible_response(header: &Header) -> bool {
    let is_failure = header.status != 0;
    let fits = match header.opcode {
        _ if is_failure => header.extras_bytes == 0 && header.body_bytes < 1_024,
        0x00 | 0x09 | 0x0c | 0x0d | 0x1d | 0x1e | 0x23 | 0x24 => header.extras_bytes == 4,
        0x05 | 0x06 => header.extras_bytes == 0 && header.key_bytes == 0 && header.body_bytes == 8,
        0x0b | 0x10 | 0x1f..=0x22 => header.extras_bytes == 0 && header.body_bytes < 65_536,
        0x1c => header.extras_bytes <= 4 && header.key_bytes == 0,
        _ => header.body_bytes == 0,
    };
    fits && header.key_bytes <= 250 && is_status(header.status)
}

/// What a server's line starts with.
const REPLIES: &[&[u8]] = &[
    b"VALUE",
    b"END",
    b"STORED",
    b"NOT_STORED",
    b"EXISTS",
    b"NOT_FOUND",
    b"DELETED",
    b"TOUCHED",
    b"STAT",
    b"VERSION",
    b"CLIENT_ERROR",
    b"SERVER_ERROR",
    b"ERROR",
    b"HD",
    b"VA",
    b"EN",
    b"NS",
    b"EX",
    b"NF",
    b"MN",
];
