//! Says whether bytes are RocketMQ's.

use df_core::{Direction, Transport};

use crate::Detection;

use super::codes::is_of_server;
use super::wire::{Frame, Header, PREFIX_BYTES};

/// Says whether these bytes are this protocol's: lengths that agree, and a header with what every header has.
pub(super) fn detect(_transport: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    // A frame has less than 16 MiB, a header of JSON is a form 0, a binary one a form 1.
    let is_possible = bytes.first().is_none_or(|first| *first == 0)
        && bytes.get(4).is_none_or(|form| *form < 2)
        && (bytes.get(4) == Some(&1) || bytes.get(PREFIX_BYTES).is_none_or(|first| *first == b'{'));
    if !is_possible {
        return Detection::NoMatch;
    }
    let Some(frame) = Frame::parse(bytes) else {
        return if bytes.len() < PREFIX_BYTES { Detection::NeedMore } else { Detection::NoMatch };
    };
    let is_whole = frame.header.len() == frame.header_len;
    if !is_whole && (frame.header_len > MAX_HEADER_BYTES || !has_plausible_front(&frame)) {
        return Detection::NoMatch;
    }
    let Some(header) = Header::parse(&frame).filter(|header| header.flag < 4) else {
        return match first_code(frame.header) {
            // No request has the code of success; who else sends a code that both use is who is believed to.
            Some(0) if !is_whole => from(direction, true),
            Some(_) if !is_whole => Detection::CERTAIN,
            _ if is_whole => Detection::NoMatch,
            _ => Detection::NeedMore,
        };
    };
    from(direction, header.is_response() || is_of_server(header.code))
}

const fn from(direction: Direction, is_from_server: bool) -> Detection {
    match (direction, is_from_server) {
        (Direction::ToServer, true) | (Direction::ToClient, false) => Detection::CERTAIN_REVERSED,
        _ => Detection::CERTAIN,
    }
}

/// The code that a header in JSON begins with, if what follows it is what follows it in every header.
fn first_code(header: &[u8]) -> Option<u32> {
    let rest = header.strip_prefix(b"{\"code\":")?;
    let len = rest.iter().position(|byte| !byte.is_ascii_digit()).filter(|len| (1..6).contains(len))?;
    let (digits, behind) = rest.split_at_checked(len)?;
    let is_next = behind.starts_with(b",\"extFields\":") || behind.starts_with(b",\"flag\":");
    std::str::from_utf8(digits).ok()?.parse().ok().filter(|_| is_next)
}

/// Whether a frame can start here, in the middle of a conversation.
pub(super) fn is_frame_start(bytes: &[u8]) -> bool {
    matches!(detect(Transport::Tcp, Direction::ToServer, bytes), Detection::Match(_))
}

/// Whether the first bytes of a header can be the ones of one.
fn has_plausible_front(frame: &Frame<'_>) -> bool {
    if frame.is_binary {
        // Language and version.
        return frame.header.get(2).is_none_or(|language| *language < 32)
            && frame.header.get(3).is_none_or(|version| *version < 4);
    }
    frame.header.get(1).is_none_or(|second| *second == b'"' || second.is_ascii_whitespace())
        && frame.header.iter().take(64).all(|byte| !byte.is_ascii_control() || byte.is_ascii_whitespace())
}

/// The longest header that is waited for.
const MAX_HEADER_BYTES: usize = 16_376;
