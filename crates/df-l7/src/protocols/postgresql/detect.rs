//! Says whether bytes are PostgreSQL messages.

use df_core::{Direction, Transport};

use crate::{Detection, sql};

use super::startup::{self, Startup, startup};
use super::wire::{Frame, frame, is_sane};

/// How many messages are looked at.
const MAX_MESSAGES: usize = 64;
/// Fewer bytes of a message's body may yet turn out to be evidence.
const MIN_EVIDENCE_BYTES: usize = 8;

/// Says whether these bytes are this protocol's.
///
/// Messages without a type carry numbers that no other protocol has. Of the others a chain whose lengths fit is certain if
/// it ends exactly with the message that ends every chain of its side (`ReadyForQuery`; `Sync`), or is an error or an SQL
/// text of exactly the announced length.
pub(super) fn detect(_transport: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    match untyped(bytes) {
        Verdict::No => {}
        verdict => return verdict.detection(direction == Direction::ToClient),
    }
    let own = chain(direction, bytes);
    let other = chain(direction.reversed(), bytes);
    let is_reversed = other.rank() > own.rank();
    let verdict = if is_reversed { other } else { own };
    verdict.detection(is_reversed)
}

/// Whether a message of this direction can start here, in the middle of a conversation.
pub(super) fn is_message_start(direction: Direction, bytes: &[u8]) -> bool {
    let is_start = direction == Direction::ToServer && untyped(bytes) == Verdict::Certain;
    is_start || matches!(chain(direction, bytes), Verdict::Certain | Verdict::Weak)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Certain,
    Weak,
    NeedMore,
    No,
}

impl Verdict {
    const fn rank(self) -> u8 {
        match self {
            Self::Certain => 3,
            Self::Weak => 2,
            Self::NeedMore => 1,
            Self::No => 0,
        }
    }

    const fn detection(self, is_reversed: bool) -> Detection {
        match (self, is_reversed) {
            (Self::Certain, false) => Detection::CERTAIN,
            (Self::Certain, true) => Detection::CERTAIN_REVERSED,
            (Self::Weak, false) => Detection::WEAK,
            (Self::Weak, true) => Detection::WEAK_REVERSED,
            (Self::NeedMore, _) => Detection::NeedMore,
            (Self::No, _) => Detection::NoMatch,
        }
    }
}

/// The client's first messages.
fn untyped(bytes: &[u8]) -> Verdict {
    if bytes.first() != Some(&0) {
        return Verdict::No;
    }
    match startup(bytes) {
        Ok(Some((Startup::Encrypt | Startup::Cancel, _))) => Verdict::Certain,
        Ok(Some((Startup::Start { parameters }, _))) if startup::is_sane(parameters) => Verdict::Certain,
        Ok(None | Some((Startup::Start { parameters: [] }, _))) => Verdict::NeedMore,
        _ => Verdict::No,
    }
}

/// A chain of messages with types.
fn chain(direction: Direction, bytes: &[u8]) -> Verdict {
    let mut rest = bytes;
    let mut verdict = Verdict::No;
    for count in 0..MAX_MESSAGES {
        let frame = match frame(direction, rest) {
            Ok(Some(frame)) if is_sane(direction, &frame) => frame,
            Ok(None) if count == 0 => return Verdict::NeedMore,
            Ok(None) => return verdict,
            _ => return Verdict::No,
        };
        let evidence = evidence(direction, &frame, count);
        if evidence == Verdict::Certain {
            return Verdict::Certain;
        }
        if evidence.rank() > verdict.rank() {
            verdict = evidence;
        }
        if verdict == Verdict::No && !frame.is_whole() && frame.body.len() < MIN_EVIDENCE_BYTES {
            return Verdict::NeedMore;
        }
        rest = rest.get(frame.total_bytes..).unwrap_or_default();
        if rest.is_empty() {
            return verdict;
        }
    }
    verdict
}

/// What one message of a chain tells, of which `count` sane ones stand before it.
fn evidence(direction: Direction, frame: &Frame<'_>, count: usize) -> Verdict {
    let is_whole = frame.is_whole();
    match (direction, frame.tag) {
        (Direction::ToServer, b'Q') if is_whole && is_sql(frame.body) => Verdict::Certain,
        (Direction::ToServer, b'Q') if starts_with_text(frame) => Verdict::Weak,
        (Direction::ToServer, b'P') if is_whole => Verdict::Weak,
        (Direction::ToServer, b'S') if count > 0 => Verdict::Certain,
        (Direction::ToClient, b'Z') if is_whole => Verdict::Certain,
        (Direction::ToClient, b'E') if is_whole && is_error(frame.body) => Verdict::Certain,
        (Direction::ToClient, b'R') if is_authentication(frame) => Verdict::Certain,
        (Direction::ToClient, b'T') if frame.body.len() >= 8 => Verdict::Weak,
        (Direction::ToServer, b'B' | b'E' | b'D' | b'C' | b'H' | b'd')
        | (Direction::ToClient, b'D' | b'd' | b'C' | b'T' | b'2')
            if count > 0 =>
        {
            Verdict::Weak
        }
        _ => Verdict::No,
    }
}

/// Whether the text starts with a word that SQL starts with.
fn is_sql(body: &[u8]) -> bool {
    let text = body.strip_suffix(b"\0").unwrap_or(body);
    !sql::Statement::read(
        text.get(..256).unwrap_or(text),
        sql::Dialect::Postgresql,
        &crate::ConnectionConfig::default(),
    )
    .operation
    .is_empty()
}

fn starts_with_text(frame: &Frame<'_>) -> bool {
    frame.body.len() >= 6 && frame.body.first().is_some_and(u8::is_ascii_alphabetic)
}

/// `S` severity first, then a code of five.
fn is_error(body: &[u8]) -> bool {
    let mut fields = body.split(|&byte| byte == 0);
    fields.next().is_some_and(|severity| severity.first() == Some(&b'S'))
        && fields.any(|field| field.len() == 6 && field.first() == Some(&b'C'))
}

/// The requests for authentication that no chance makes.
fn is_authentication(frame: &Frame<'_>) -> bool {
    match frame.body {
        [0, 0, 0, 0 | 3 | 7 | 9] => true,
        [0, 0, 0, 5, salt @ ..] => salt.len() == 4 && frame.is_whole(),
        [0, 0, 0, 10, mechanism @ ..] => mechanism.starts_with(b"SCRAM-"),
        _ => false,
    }
}
