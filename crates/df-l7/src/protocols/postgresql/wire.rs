//! PostgreSQL messages as they are on the wire.
//!
//! ```text
//! | type, 1 byte | length, 4 bytes, itself included | body |       every message but the first of the client
//! ```

use df_core::Direction;

use crate::{Cursor, ParseError, ParseErrorReason};

/// The bytes before a message's body.
pub(super) const HEADER_BYTES: usize = 5;
/// The longest message of the types that carry rows, data or text: 1 GiB, the server's own limit.
const MAX_LONG_BYTES: u32 = 1 << 30;
/// The longest message of the other types.
const MAX_SHORT_BYTES: u32 = 30_000;

/// A message, as far as it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    /// The type.
    pub(super) tag: u8,
    /// The body's bytes that are there.
    pub(super) body: &'a [u8],
    /// The length of the whole message, type and length field included.
    pub(super) total_bytes: usize,
}

impl Frame<'_> {
    /// Whether the whole body is there.
    pub(super) const fn is_whole(&self) -> bool {
        self.body.len() + HEADER_BYTES == self.total_bytes
    }
}

/// Reads the message at the start of `bytes`. None: its length has not come yet.
pub(super) fn frame(direction: Direction, bytes: &[u8]) -> Result<Option<Frame<'_>>, ParseError> {
    let mut cursor = Cursor::new(bytes);
    let Some(tag) = cursor.u8() else { return Ok(None) };
    let limits = limits(direction, tag).ok_or(ParseError::new(0, ParseErrorReason::InvalidValue))?;
    let Some(len) = cursor.u32_be() else { return Ok(None) };
    let body_bytes = len.checked_sub(4).filter(|body| (limits.0..=limits.1).contains(body));
    let body_bytes = body_bytes.and_then(|body| usize::try_from(body).ok());
    let body_bytes = body_bytes.ok_or(ParseError::new(1, ParseErrorReason::InvalidLength))?;
    let body = cursor.rest();
    let body = body.get(..body_bytes).unwrap_or(body);
    Ok(Some(Frame { tag, body, total_bytes: body_bytes.saturating_add(HEADER_BYTES) }))
}

/// The least and the most bytes that the body of a message of this type has.
fn limits(direction: Direction, tag: u8) -> Option<(u32, u32)> {
    Some(match direction {
        Direction::ToServer => match tag {
            b'Q' => (1, MAX_LONG_BYTES),
            b'P' => (4, MAX_LONG_BYTES),
            b'B' => (8, MAX_LONG_BYTES),
            b'F' => (10, MAX_LONG_BYTES),
            b'd' => (0, MAX_LONG_BYTES),
            b'E' => (5, MAX_SHORT_BYTES),
            b'D' | b'C' => (2, MAX_SHORT_BYTES),
            b'f' => (1, MAX_SHORT_BYTES),
            b'p' => (0, MAX_SHORT_BYTES),
            b'S' | b'H' | b'X' | b'c' => (0, 0),
            _ => return None,
        },
        Direction::ToClient => match tag {
            b'T' | b'D' | b't' => (2, MAX_LONG_BYTES),
            b'd' => (0, MAX_LONG_BYTES),
            b'V' => (4, MAX_LONG_BYTES),
            b'E' | b'N' => (1, MAX_LONG_BYTES),
            b'A' => (6, MAX_LONG_BYTES),
            b'R' => (4, MAX_SHORT_BYTES),
            b'K' => (8, 260),
            b'S' | b'C' => (2, MAX_SHORT_BYTES),
            b'G' | b'H' | b'W' => (3, MAX_SHORT_BYTES),
            b'v' => (8, MAX_SHORT_BYTES),
            b'Z' => (1, 1),
            b'1' | b'2' | b'3' | b'I' | b'n' | b's' | b'c' => (0, 0),
            _ => return None,
        },
    })
}

/// The text before the next NUL, which is read too; everything left if there is none because the message was cut.
pub(super) fn text<'a>(cursor: &mut Cursor<'a>) -> &'a [u8] {
    if let Some(text) = cursor.take_until(0) {
        return text;
    }
    let rest = cursor.rest();
    cursor.take(rest.len()).unwrap_or_default()
}

/// Whether the message makes sense beyond its length. Of a body that is not all there, as far as it is.
pub(super) fn is_sane(direction: Direction, frame: &Frame<'_>) -> bool {
    match direction {
        Direction::ToServer => is_sane_request(frame),
        Direction::ToClient => is_sane_response(frame),
    }
}

fn is_sane_request(frame: &Frame<'_>) -> bool {
    let body = frame.body;
    let mut cursor = Cursor::new(body);
    match frame.tag {
        b'Q' => is_text(text(&mut cursor)) && cursor.rest().is_empty() && ends_with_nul(frame),
        b'P' => {
            let (name, sql) = (text(&mut cursor), text(&mut cursor));
            let types = cursor.u16_be().map(usize::from);
            is_text(name)
                && is_text(sql)
                && (!frame.is_whole() || types.is_some_and(|types| cursor.rest().len() == types * 4))
        }
        b'B' => {
            let (portal, name) = (text(&mut cursor), text(&mut cursor));
            is_text(portal) && is_text(name)
        }
        b'E' => is_text(text(&mut cursor)) && (!frame.is_whole() || cursor.rest().len() == 4),
        b'D' | b'C' => {
            matches!(cursor.u8(), Some(b'S' | b'P') | None)
                && is_text(text(&mut cursor))
                && cursor.rest().is_empty()
                && ends_with_nul(frame)
        }
        _ => true,
    }
}

fn is_sane_response(frame: &Frame<'_>) -> bool {
    let mut cursor = Cursor::new(frame.body);
    match frame.tag {
        b'Z' => matches!(cursor.u8(), Some(b'I' | b'T' | b'E') | None),
        b'C' => is_text(text(&mut cursor)) && cursor.rest().is_empty() && ends_with_nul(frame),
        b'E' | b'N' => is_fields(frame),
        b'R' => cursor.u32_be().is_none_or(|kind| kind <= 12),
        b'S' => is_text(text(&mut cursor)) && is_text(text(&mut cursor)) && cursor.rest().is_empty(),
        b'T' => {
            let columns = cursor.u16_be().unwrap_or_default();
            columns <= 1_664 && (columns == 0 || is_text(text(&mut cursor)))
        }
        b'D' => {
            let columns = cursor.u16_be().unwrap_or_default();
            let first = if columns == 0 { None } else { cursor.u32_be() };
            let room = frame.total_bytes.saturating_sub(HEADER_BYTES + 6);
            columns <= 1_664
                && first
                    .is_none_or(|len| len == u32::MAX || usize::try_from(len).is_ok_and(|len| len <= room))
        }
        _ => true,
    }
}

/// `S` severity, `C` code and so on, each with a NUL, then a NUL.
fn is_fields(frame: &Frame<'_>) -> bool {
    let mut cursor = Cursor::new(frame.body);
    while let Some(field) = cursor.u8() {
        if field == 0 {
            return cursor.rest().is_empty();
        }
        if !field.is_ascii_alphabetic() || !is_text(text(&mut cursor)) {
            return false;
        }
    }
    !frame.is_whole()
}

fn ends_with_nul(frame: &Frame<'_>) -> bool {
    !frame.is_whole() || frame.body.last() == Some(&0)
}

/// Whether these bytes can be text: no control characters but white space. Any encoding.
fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| (byte >= b' ' && byte != 0x7F) || byte.is_ascii_whitespace())
}
