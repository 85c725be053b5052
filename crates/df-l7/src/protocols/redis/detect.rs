//! Says whether bytes are Redis messages.

use df_core::{Direction, Transport};

use crate::Detection;

use super::command::is_plausible_name;
use super::names;
use super::wire::{Element, first_line};

/// The longest first line that is waited for.
const MAX_FIRST_LINE_BYTES: usize = 1_024;

/// How many replies in a row are looked at.
const MAX_REPLIES: usize = 8;

/// Says whether these bytes are this protocol's.
///
/// A command as an array is certain, from either side: no reply has a known command in capitals as its first element
/// but those that list commands. Replies are weak: other protocols have lines like them; `+OK` and `-ERR` are hints, since POP3
/// has nothing else. Inline commands prove nothing (`PING`, `GET`), but are worth waiting for what the server says.
pub(super) fn detect(_transport: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    let (as_expected, reversed, hint) = match direction {
        Direction::ToServer => (Detection::CERTAIN, Detection::WEAK_REVERSED, Detection::HINT_REVERSED),
        Direction::ToClient => (Detection::CERTAIN_REVERSED, Detection::WEAK, Detection::HINT),
    };
    match (array_command(bytes), direction) {
        (Verdict::Yes, _) => return as_expected,
        (Verdict::Likely, Direction::ToServer) => return Detection::CERTAIN,
        (Verdict::Unknown, Direction::ToServer) => return Detection::WEAK,
        (Verdict::NeedMore, _) => return Detection::NeedMore,
        _ => {}
    }
    match reply(bytes) {
        Verdict::Yes => return if is_shared(bytes) { hint } else { reversed },
        Verdict::NeedMore => return Detection::NeedMore,
        _ => {}
    }
    match inline_command(bytes) {
        Verdict::Yes | Verdict::NeedMore if direction == Direction::ToServer => Detection::NeedMore,
        _ => Detection::NoMatch,
    }
}

/// Whether a command can start here, in the middle of a conversation.
pub(super) fn is_command_start(bytes: &[u8]) -> bool {
    matches!(array_command(bytes), Verdict::Yes | Verdict::Likely | Verdict::Unknown)
}

/// Whether a reply can start here, in the middle of a conversation.
pub(super) fn is_reply_start(bytes: &[u8]) -> bool {
    matches!(reply(bytes), Verdict::Yes)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Yes,
    /// A known command, but in small letters, as replies have them that list commands.
    Likely,
    /// The form is right, the command is not a known one.
    Unknown,
    NeedMore,
    No,
}

/// `*3\r\n$3\r\nSET\r\n`.
fn array_command(bytes: &[u8]) -> Verdict {
    if bytes.first() != Some(&b'*') {
        return Verdict::No;
    }
    let (count, header) = match first_line(bytes, 0) {
        Ok(Some((Element::Aggregate { count: Some(count @ 1..=0x7FFF_FFFF), .. }, header))) => {
            (count, header)
        }
        Ok(None) => return Verdict::NeedMore,
        _ => return Verdict::No,
    };
    let rest = bytes.get(header..).unwrap_or_default();
    if !rest.is_empty() && rest.first() != Some(&b'$') {
        return Verdict::No;
    }
    let (len, header) = match first_line(rest, 0) {
        Ok(Some((Element::Bulk { kind: b'$', len: len @ 1..=64 }, header))) => (len, header),
        Ok(None) => return Verdict::NeedMore,
        _ => return Verdict::No,
    };
    let rest = rest.get(header..).unwrap_or_default();
    let Some(name) = usize::try_from(len).ok().and_then(|len| rest.get(..len)) else {
        return if rest.is_empty() || is_plausible_name(rest) { Verdict::NeedMore } else { Verdict::No };
    };
    if !is_plausible_name(name) {
        return Verdict::No;
    }
    match names::known(name) {
        // The confirmation of a subscription, or a message to a subscriber.
        _ if count == 3 && name.ends_with(b"subscribe") || count >= 3 && name.ends_with(b"message") => {
            Verdict::No
        }
        Some(known) if known.as_bytes() == name => Verdict::Yes,
        Some(_) => Verdict::Likely,
        None => Verdict::Unknown,
    }
}

/// Replies of a form that no other protocol has, or hardly: each one that is there in the first bytes.
fn reply(bytes: &[u8]) -> Verdict {
    let mut rest = bytes;
    for count in 0..MAX_REPLIES {
        let (verdict, len) = one_reply(rest);
        match verdict {
            Verdict::Yes => {}
            Verdict::NeedMore if count > 0 => return Verdict::Yes,
            verdict => return verdict,
        }
        rest = rest.get(len..).unwrap_or_default();
        if len == 0 || rest.is_empty() {
            break;
        }
    }
    Verdict::Yes
}

/// Whether these replies, as many as are looked at, are such as POP3 has too.
fn is_shared(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n').take(MAX_REPLIES).filter(|line| !line.is_empty());
    lines.all(|line| line == b"+OK\r" || line.starts_with(b"-ERR "))
}

/// One reply, with its length; 0 if that is not known.
fn one_reply(bytes: &[u8]) -> (Verdict, usize) {
    let Some(kind) = bytes.first() else { return (Verdict::NeedMore, 0) };
    if !matches!(kind, b'+' | b'-' | b':' | b'$' | b'*' | b'%' | b'>' | b'~' | b'_') {
        return (Verdict::No, 0);
    }
    let first = bytes.get(..MAX_FIRST_LINE_BYTES).unwrap_or(bytes);
    let (element, header) = match first_line(first, 0) {
        Ok(Some(read)) => read,
        Ok(None) if bytes.len() < MAX_FIRST_LINE_BYTES && is_line_so_far(bytes) => {
            return (Verdict::NeedMore, 0);
        }
        _ => return (Verdict::No, 0),
    };
    let rest = bytes.get(header..).unwrap_or_default();
    let is_reply = match element {
        Element::Line { .. } if !bytes.get(..header).is_some_and(|line| line.ends_with(b"\r\n")) => false,
        Element::Line { kind: b'+', text } => {
            matches!(text, b"OK" | b"PONG" | b"QUEUED" | b"RESET" | b"CONTINUE")
        }
        // NATS puts the whole text between quotes, and has `+OK` too.
        Element::Line { kind: b'-', text } => is_error_text(text) && !text.starts_with(b"ERR '"),
        Element::Line { kind: b':', text } => {
            let digits = text.strip_prefix(b"-").unwrap_or(text);
            !digits.is_empty() && digits.len() <= 19 && digits.iter().all(u8::is_ascii_digit)
        }
        Element::Line { text, .. } => text.is_empty(),
        Element::Null => true,
        Element::Bulk { len, .. } => ends_line(rest, len),
        Element::Aggregate { .. } => rest.first().is_none_or(|byte| b"+-:$*%~_#,(!=|".contains(byte)),
        Element::StreamedBulk | Element::End => false,
    };
    let len = match element {
        Element::Bulk { len, .. } => {
            usize::try_from(len).map_or(0, |len| len.saturating_add(header).saturating_add(2))
        }
        Element::Aggregate { .. } => 0,
        _ => header,
    };
    (if is_reply { Verdict::Yes } else { Verdict::No }, len)
}

/// Whether the line end after a bulk stands where it must, as far as bytes are there.
fn ends_line(body: &[u8], len: u64) -> bool {
    let Ok(len) = usize::try_from(len) else { return false };
    body.get(len..).is_none_or(|end| b"\r\n".starts_with(end.get(..2).unwrap_or(end)))
}

/// `ERR unknown command`: capitals, then text.
fn is_error_text(text: &[u8]) -> bool {
    let code_len = text.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    (2..=32).contains(&code_len)
        && text.get(code_len).is_none_or(|&byte| byte == b' ')
        && text.iter().all(|&byte| byte >= b' ')
}

fn is_line_so_far(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte >= b' ' || byte == b'\r')
}

/// A known command word with its line end, not one of those that other protocols have too.
fn inline_command(bytes: &[u8]) -> Verdict {
    let window = bytes.get(..MAX_FIRST_LINE_BYTES).unwrap_or(bytes);
    let end = memchr::memchr(b'\n', window);
    let line = window.get(..end.unwrap_or(window.len())).unwrap_or_default().trim_ascii_end();
    let word = line.split(|&byte| byte == b' ').next().unwrap_or_default();
    if end.is_none() {
        let may_become =
            if word.len() == line.len() { names::any_starts_with(word) } else { is_telling(word, line) };
        let is_short = bytes.len() < MAX_FIRST_LINE_BYTES && !word.is_empty();
        return if is_short && may_become { Verdict::NeedMore } else { Verdict::No };
    }
    if is_telling(word, line) { Verdict::Yes } else { Verdict::No }
}

fn is_telling(word: &[u8], line: &[u8]) -> bool {
    names::known(word).is_some()
        && !names::is_shared(word)
        && memchr::memmem::find(line, b" HTTP/").is_none()
        && line.iter().all(|&byte| byte >= b' ' || byte == b'\t')
}
