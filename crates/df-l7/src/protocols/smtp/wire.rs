//! SMTP lines (RFC 5321 §4.1.1 and §4.2), and what tells them from those of other protocols.

use df_core::{Direction, Transport};
use memchr::memmem;

use crate::Detection;

/// A command line: `VERB arguments CRLF`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Command<'a> {
    /// The command in capitals; none for an unknown one.
    pub(super) verb: Option<&'static str>,
    pub(super) arguments: &'a [u8],
}

/// A line of a reply: `250-text CRLF`, or `250 text CRLF` for the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReplyLine<'a> {
    pub(super) code: u16,
    pub(super) is_last: bool,
    pub(super) text: &'a [u8],
}

impl<'a> Command<'a> {
    pub(super) fn read(line: &'a [u8]) -> Self {
        let end = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
        let (word, rest) = line.split_at_checked(end).unwrap_or((line, &[]));
        let verb = VERBS.iter().find(|verb| verb.as_bytes().eq_ignore_ascii_case(word)).copied();
        Self { verb, arguments: rest.trim_ascii() }
    }

    /// The length of the mail's part behind a `BDAT` (RFC 3030 §2).
    pub(super) fn chunk_bytes(&self) -> Option<usize> {
        let digits = self.arguments.split(|&byte| byte == b' ').next()?;
        let is_number = !digits.is_empty() && digits.len() <= 12 && digits.iter().all(u8::is_ascii_digit);
        is_number.then(|| std::str::from_utf8(digits).ok()?.parse().ok()).flatten()
    }
}

impl<'a> ReplyLine<'a> {
    pub(super) fn read(line: &'a [u8]) -> Option<Self> {
        let (digits, rest) = line.split_at_checked(3)?;
        let is_code = matches!(digits.first(), Some(b'2'..=b'5')) && digits.iter().all(u8::is_ascii_digit);
        let code = digits.iter().fold(0_u16, |sum, &digit| sum * 10 + u16::from(digit & 0xf));
        let (is_last, text) = match rest.split_first() {
            None => (true, &[][..]),
            Some((b' ', text)) => (true, text),
            Some((b'-', text)) => (false, text),
            Some(_) => return None,
        };
        is_code.then_some(Self { code, is_last, text: text.trim_ascii() })
    }
}

/// The line at the start of `bytes` without its end, and how many bytes both take. The first `searched` bytes are known
/// to have no end.
pub(super) fn line(bytes: &[u8], searched: usize) -> Option<(&[u8], usize)> {
    let end = searched.checked_add(memchr::memchr(b'\n', bytes.get(searched..)?)?)?;
    let line = bytes.get(..end).unwrap_or_default();
    Some((line.strip_suffix(b"\r").unwrap_or(line), end.saturating_add(1)))
}

/// How a mail that stands at the start of `bytes` ends.
pub(super) enum MailEnd {
    /// After this many bytes, the dot's line included.
    At(usize),
    /// Not within the first this many bytes.
    Behind(usize),
}

/// Looks for the line with a single dot (RFC 5321 §4.1.1.4). `is_line_start` says whether a line starts with the first byte.
pub(super) fn mail_end(bytes: &[u8], is_line_start: bool) -> MailEnd {
    if is_line_start && bytes.starts_with(DOT_LINE) {
        return MailEnd::At(DOT_LINE.len());
    }
    match memmem::find(bytes, MAIL_END) {
        Some(start) => MailEnd::At(start.saturating_add(MAIL_END.len())),
        None => MailEnd::Behind(bytes.len().saturating_sub(MAIL_END.len() - 1)),
    }
}

/// Says whether these bytes are SMTP's.
pub(super) fn detect(_: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    let (is_match, sender) = match bytes.first() {
        Some(b'2') => (detect_reply(bytes), Direction::ToClient),
        Some(b'E' | b'H' | b'L' | b'M' | b'R' | b'e' | b'h' | b'l' | b'm' | b'r') => {
            (detect_command(bytes), Direction::ToServer)
        }
        _ => return Detection::NoMatch,
    };
    match is_match {
        Detection::Match(mut found) => {
            found.reversed = sender != direction;
            Detection::Match(found)
        }
        other => other,
    }
}

/// `EHLO` and its kin with a name, or the command that names a mail's sender or receiver.
fn detect_command(bytes: &[u8]) -> Detection {
    let start = |opening: &&[u8]| {
        let len = opening.len().min(bytes.len());
        bytes
            .get(..len)
            .is_some_and(|front| opening.get(..len).is_some_and(|part| part.eq_ignore_ascii_case(front)))
    };
    let Some(opening) = OPENINGS.iter().find(|opening| start(opening)) else { return Detection::NoMatch };
    let Some((line, _)) = line(bytes.get(..MAX_LINE_BYTES).unwrap_or(bytes), 0) else {
        let is_text =
            bytes.len() < MAX_DETECTED_BYTES && bytes.iter().all(|&byte| byte >= b' ' || byte == b'\r');
        return if is_text { Detection::NeedMore } else { Detection::NoMatch };
    };
    let rest = line.get(opening.len()..).unwrap_or_default().trim_ascii();
    let is_sound = !rest.is_empty() && rest.iter().all(|&byte| byte >= b' ');
    if is_sound { Detection::CERTAIN } else { Detection::NoMatch }
}

/// A greeting that says what it greets in (those of FTP have the same code), or the list of what a server can do.
fn detect_reply(bytes: &[u8]) -> Detection {
    let is_start = |code: &[u8]| bytes.iter().zip(code).all(|(byte, expected)| byte == expected);
    if !is_start(b"220") && !is_start(b"250-") {
        return Detection::NoMatch;
    }
    let head = bytes.get(..MAX_DETECTED_BYTES).unwrap_or(bytes);
    let Some((first, _)) = line(head, 0) else {
        return if head.len() < MAX_DETECTED_BYTES { Detection::NeedMore } else { Detection::NoMatch };
    };
    let Some(reply) = ReplyLine::read(first) else { return Detection::NoMatch };
    if reply.code == 250 {
        let is_listed = |word: &&[u8]| memmem::find(head, word).is_some();
        return if CAPABILITIES.iter().any(is_listed) { Detection::CERTAIN } else { Detection::NoMatch };
    }
    let is_named = reply.text.windows(4).any(|word| word.eq_ignore_ascii_case(b"SMTP"));
    if is_named { Detection::CERTAIN } else { Detection::NoMatch }
}

/// Whether a line of this direction can start here.
pub(super) fn is_line_start(direction: Direction, bytes: &[u8]) -> bool {
    let Some((line, _)) = line(bytes, 0) else { return false };
    match direction {
        Direction::ToServer => Command::read(line).verb.is_some(),
        Direction::ToClient => ReplyLine::read(line).is_some(),
    }
}

/// The longest line that is read; RFC 5321 §4.5.3.1 wants 512 bytes, extensions more.
pub(super) const MAX_LINE_BYTES: usize = 4_096;
/// How far a first line is looked for.
const MAX_DETECTED_BYTES: usize = 1_024;
const DOT_LINE: &[u8] = b".\r\n";
const MAIL_END: &[u8] = b"\n.\r\n";
const OPENINGS: [&[u8]; 5] = [b"EHLO ", b"HELO ", b"LHLO ", b"MAIL FROM:", b"RCPT TO:"];
/// What only a mail server says it can do.
const CAPABILITIES: [&[u8]; 6] = [
    b"\n250-SIZE",
    b"\n250-8BITMIME",
    b"\n250-PIPELINING",
    b"\n250-STARTTLS",
    b"\n250 8BITMIME",
    b"\n250-VRFY",
];
const VERBS: [&str; 19] = [
    "EHLO", "HELO", "LHLO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "VRFY", "EXPN", "HELP", "NOOP", "QUIT",
    "STARTTLS", "AUTH", "ETRN", "TURN", "XFORWARD", "XCLIENT",
];
