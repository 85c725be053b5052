//! Tells MySQL from other protocols by a packet's header and what it announces.

use df_core::{Direction, Transport};

use super::command::{self, Command};
use super::compressed::is_frame_start;
use super::login::Login;
use super::wire::{
    EOF, ERROR, Failure, GREETING_VERSION, Greeting, HEADER_BYTES, Header, OK, STATUS_AUTOCOMMIT,
    STATUS_IN_TRANSACTION, read_length,
};
use crate::sql::starts_like_sql;
use crate::{Confidence, Cursor, Detection, Match};

/// Says whether these bytes are MySQL's: a greeting, a login, a command or a response.
pub(crate) fn detect(_transport: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    let Some(header) = Header::read(bytes) else { return part_of_header(bytes) };
    if let Some(sender) = Direction::BOTH.into_iter().find(|sender| is_frame_start(*sender, bytes)) {
        return Detection::Match(Match { reversed: sender != direction, confidence: Confidence::Weak });
    }
    let (sender, confidence) = match header.sequence_id {
        0 if header.len == 0 || header.len > MAX_PLAUSIBLE_BYTES => return Detection::NoMatch,
        0 if bytes.len() == HEADER_BYTES => return Detection::NeedMore,
        _ if bytes.len() == HEADER_BYTES => return Detection::NoMatch,
        0 => match sniff_first(header, bytes) {
            Sniffed::Match(sender, confidence) => (sender, confidence),
            Sniffed::NeedMore => return Detection::NeedMore,
            Sniffed::NoMatch => return Detection::NoMatch,
        },
        _ => match sniff_answer(header, bytes) {
            Some((sender, confidence)) => (sender, confidence),
            None => return Detection::NoMatch,
        },
    };
    Detection::Match(Match { reversed: sender != direction, confidence })
}

/// Whether a message of this direction starts here.
pub(super) fn is_start(direction: Direction, bytes: &[u8]) -> bool {
    let Some(header) = Header::read(bytes) else { return false };
    match (direction, header.sequence_id) {
        (Direction::ToServer, 0) => command_confidence(header, bytes).is_some(),
        (Direction::ToServer, 1) => login_starts(header, bytes),
        (Direction::ToClient, 0) => greeting_of(header, bytes).is_some(),
        (Direction::ToClient, 1) => response_confidence(header, bytes).is_some(),
        _ => false,
    }
}

enum Sniffed {
    Match(Direction, Confidence),
    NeedMore,
    NoMatch,
}

/// A packet number 0: a greeting or a command.
fn sniff_first(header: Header, bytes: &[u8]) -> Sniffed {
    if greeting_of(header, bytes).is_some() {
        return Sniffed::Match(Direction::ToClient, Confidence::Certain);
    }
    let body = bytes.get(HEADER_BYTES..).unwrap_or_default();
    if body.first() == Some(&GREETING_VERSION)
        && header.len > MIN_GREETING_BYTES
        && bytes.len() < header.total_bytes()
    {
        let is_plausible = body.get(1).is_none_or(u8::is_ascii_digit);
        return if is_plausible { Sniffed::NeedMore } else { Sniffed::NoMatch };
    }
    if body.first() == Some(&ERROR) && header.total_bytes() == bytes.len() && is_refusal(body) {
        return Sniffed::Match(Direction::ToClient, Confidence::Weak);
    }
    match command_confidence(header, bytes) {
        Some(confidence) => Sniffed::Match(Direction::ToServer, confidence),
        None if is_part_of_text(header, body) => Sniffed::NeedMore,
        None => Sniffed::NoMatch,
    }
}

/// A header in pieces is waited for if its length is that of a common first packet.
fn part_of_header(bytes: &[u8]) -> Detection {
    match *bytes {
        [_] => Detection::NeedMore,
        [_, high, ref rest @ ..] if high < 8 && rest.iter().all(|byte| *byte == 0) => Detection::NeedMore,
        _ => Detection::NoMatch,
    }
}

/// Whether this is the start of a text that is too short yet to tell whether it is SQL.
fn is_part_of_text(header: Header, body: &[u8]) -> bool {
    matches!(body.first(), Some(&command::QUERY | &command::PREPARE))
        && body.len() < header.len.min(MAX_WORD_BYTES)
        && body.iter().skip(1).all(|byte| byte.is_ascii_graphic() || *byte == b' ')
}

/// A packet with another number: a login or a response.
fn sniff_answer(header: Header, bytes: &[u8]) -> Option<(Direction, Confidence)> {
    if header.sequence_id == 1 && login_starts(header, bytes) {
        return Some((Direction::ToServer, Confidence::Certain));
    }
    if header.sequence_id == 1 {
        return response_confidence(header, bytes).map(|confidence| (Direction::ToClient, confidence));
    }
    None
}

fn greeting_of(header: Header, bytes: &[u8]) -> Option<Greeting<'_>> {
    if header.len > MAX_GREETING_BYTES {
        return None;
    }
    Greeting::read(bytes.get(HEADER_BYTES..header.total_bytes().min(bytes.len()))?)
}

fn is_refusal(body: &[u8]) -> bool {
    Failure::read(body).is_some_and(|failure| {
        KNOWN_ERRORS.contains(&failure.code) && failure.message.iter().all(|byte| *byte >= b' ')
    })
}

fn login_starts(header: Header, bytes: &[u8]) -> bool {
    let is_whole = header.total_bytes() == bytes.len();
    let body = bytes.get(HEADER_BYTES..).unwrap_or_default();
    is_whole && header.len >= MIN_LOGIN_BYTES && Login::read(body).is_some()
}

/// How surely a command starts here.
fn command_confidence(header: Header, bytes: &[u8]) -> Option<Confidence> {
    let body = bytes.get(HEADER_BYTES..).unwrap_or_default();
    let command = body.first().and_then(|code| Command::from_code(*code))?;
    if !command.accepts_len(header.len) || header.len > MAX_PLAUSIBLE_BYTES {
        return None;
    }
    let own = body.get(..header.len).unwrap_or(body);
    let arguments = own.get(1..).unwrap_or_default();
    let is_whole = header.len <= body.len();
    let behind = body.get(header.len..).unwrap_or_default();
    if !behind.is_empty() && !is_command_header(behind) {
        return None;
    }
    match command.code {
        command::QUERY => sql_confidence(without_attributes(arguments), is_whole),
        command::PREPARE => sql_confidence(arguments, is_whole),
        command::EXECUTE => {
            (is_whole && arguments.get(5..9) == Some(&[1, 0, 0, 0])).then_some(Confidence::Weak)
        }
        command::INIT_DATABASE | command::FIELD_LIST => {
            (is_whole && arguments.iter().all(|byte| *byte >= b' ' || *byte == 0)).then_some(Confidence::Weak)
        }
        command::SEND_LONG_DATA | command::BULK_EXECUTE => is_whole.then_some(Confidence::Weak),
        _ if command.max_bytes < MAX_FIXED_BYTES => is_whole.then_some(Confidence::Weak),
        _ => None,
    }
}

/// Text that does not start like SQL must at least be text, and all there.
fn sql_confidence(text: &[u8], is_whole: bool) -> Option<Confidence> {
    if starts_like_sql(text) {
        return Some(Confidence::Certain);
    }
    let is_text = text.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    (is_whole && is_text && text.len() > 1).then_some(Confidence::Weak)
}

/// Without the two bytes that say that a query has no attributes.
fn without_attributes(arguments: &[u8]) -> &[u8] {
    arguments.strip_prefix(&[0, 1]).unwrap_or(arguments)
}

/// Whether another command seems to follow the first one.
fn is_command_header(bytes: &[u8]) -> bool {
    match *bytes {
        [_, _, _, 0, code, ..] => {
            let len = Header::read(bytes).map_or(0, |header| header.len);
            Command::from_code(code).is_some_and(|command| command.accepts_len(len))
        }
        [_, _, _, sequence_id, ..] => sequence_id == 0,
        _ => true,
    }
}

/// How surely a response starts here.
fn response_confidence(header: Header, bytes: &[u8]) -> Option<Confidence> {
    let body = bytes.get(HEADER_BYTES..)?;
    let behind = body.get(header.len..).unwrap_or_default();
    let own = body.get(..header.len)?;
    match (own, behind) {
        // MySQL 4.1 and later name the catalog of every column: `def`
        ([count, rest @ ..], [_, _, _, 2, 3, b'd', b'e', b'f', ..]) if *count > 0 && rest.len() <= 2 => {
            Some(Confidence::Certain)
        }
        ([ERROR, ..], []) => {
            let failure = Failure::read(own)?;
            let is_known = KNOWN_ERRORS.contains(&failure.code)
                && failure.sql_state?.iter().all(u8::is_ascii_alphanumeric);
            is_known.then_some(Confidence::Certain)
        }
        ([OK, ..], []) if is_ok(own) => Some(Confidence::Weak),
        ([OK, ..], [_, _, _, 2, ..]) if own.len() == PREPARED_BYTES => Some(Confidence::Weak),
        ([EOF, _, _, _, _], []) => Some(Confidence::Weak),
        _ => None,
    }
}

/// Whether this is an OK packet of a server at rest: in a transaction, or committing by itself.
fn is_ok(body: &[u8]) -> bool {
    let mut cursor = Cursor::new(body.get(1..).unwrap_or_default());
    let counts = [read_length(&mut cursor), read_length(&mut cursor)];
    let (status, warnings) = (cursor.u16_le(), cursor.u16_le());
    counts.iter().all(Option::is_some)
        && status.is_some_and(|flags| flags & (STATUS_IN_TRANSACTION | STATUS_AUTOCOMMIT) != 0)
        && warnings.is_some_and(|count| count < MAX_PLAUSIBLE_WARNINGS)
}

/// The numbers of MySQL's and MariaDB's errors.
const KNOWN_ERRORS: std::ops::Range<u16> = 1_000..6_000;
const MAX_PLAUSIBLE_WARNINGS: u16 = 0x4000;
const MIN_GREETING_BYTES: usize = 20;
const MAX_GREETING_BYTES: usize = 512;
const MIN_LOGIN_BYTES: usize = 20;
/// The length of the response to COM_STMT_PREPARE.
const PREPARED_BYTES: usize = 12;
/// Longer first commands of a connection are not believed.
const MAX_PLAUSIBLE_BYTES: usize = 4 << 20;
/// Commands that are never longer have no text.
const MAX_FIXED_BYTES: usize = 32;
/// Within so many bytes a text shows its first word.
const MAX_WORD_BYTES: usize = 16;
