//! Reads frames, and the protobuf in them.
//!
//! ```text
//! +-------------+--------------+---------+-------------------------------------------------------------------+
//! | total (u32) | command (u32)| command | 0e 02, size (u32), broker's entry; 0e 01, checksum (u32);          |
//! |             |              |         | size (u32), metadata; payload -- behind SEND and MESSAGE only      |
//! +-------------+--------------+---------+-------------------------------------------------------------------+
//! ```

use df_core::{Direction, Transport};

use crate::{Cursor, Detection};

use super::commands::{CONNECT, Command, MESSAGE, PING, PONG, Role, SEND};

/// The bytes of the length in front of every frame.
pub(super) const LENGTH_BYTES: usize = 4;
/// Both lengths.
pub(super) const PREFIX_BYTES: usize = 8;
/// Brokers take 5 MiB and some by default; what they may be configured to take is of this order.
const MAX_FRAME_BYTES: usize = 128 * 1024 * 1024;

/// How long the frame at the start of `bytes` is with its length; none if there is no plausible length.
pub(super) fn frame_bytes(bytes: &[u8]) -> Option<usize> {
    let length = usize::try_from(Cursor::new(bytes).u32_be()?).ok()?;
    (MIN_LENGTH..=MAX_FRAME_BYTES).contains(&length).then(|| length.saturating_add(LENGTH_BYTES))
}

/// A frame, as far as it is there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) command: &'static Command,
    /// The fields of the command.
    pub(super) body: &'a [u8],
    /// What stands behind the command.
    pub(super) rest: &'a [u8],
    /// Whether the whole command is there.
    pub(super) is_whole: bool,
}

impl<'a> Frame<'a> {
    /// The frame at the start of `bytes`, which may be cut. None if it is cut too early or is no such frame.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let frame_bytes = frame_bytes(bytes)?;
        let mut cursor = Cursor::new(bytes.get(..frame_bytes).unwrap_or(bytes));
        cursor.take(LENGTH_BYTES)?;
        let command_len = usize::try_from(cursor.u32_be()?).ok()?;
        if command_len > frame_bytes.saturating_sub(PREFIX_BYTES) {
            return None;
        }
        let behind = cursor.rest();
        let all = behind.get(..command_len).unwrap_or(behind);
        let mut fields = Cursor::new(all);
        let command = match field(&mut fields)? {
            (TYPE_FIELD, Value::Number(number)) => Command::of_number(number)?,
            _ => return None,
        };
        let has_payload = matches!(command.number(), SEND | MESSAGE);
        if !has_payload && command_len != frame_bytes.saturating_sub(PREFIX_BYTES) {
            return None;
        }
        let is_whole = all.len() == command_len;
        let body = body(fields.rest(), command, is_whole)?;
        let rest = behind.get(command_len..).unwrap_or_default();
        Some(Self { command, body, rest, is_whole })
    }
}

/// The message in the field that has the command's own number.
fn body<'a>(bytes: &'a [u8], command: &Command, is_whole: bool) -> Option<&'a [u8]> {
    let mut cursor = Cursor::new(bytes);
    while let Some(key) = varint(&mut cursor) {
        if key == command.number() << 3 | LENGTH_DELIMITED {
            let len = varint(&mut cursor).and_then(|len| usize::try_from(len).ok());
            let Some(len) = len else { break };
            let rest = cursor.rest();
            return rest.get(..len).or((!is_whole).then_some(rest));
        }
        value(&mut cursor, key)?;
    }
    (!is_whole).then_some(&[])
}

/// The value of a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of fixed length, never looked at.
    Fixed,
}

/// The next field of a message.
pub(super) fn field<'a>(cursor: &mut Cursor<'a>) -> Option<(u64, Value<'a>)> {
    let key = varint(cursor)?;
    Some((key >> 3, value(cursor, key)?))
}

fn value<'a>(cursor: &mut Cursor<'a>, key: u64) -> Option<Value<'a>> {
    Some(match key & 7 {
        0 => Value::Number(varint(cursor)?),
        1 => cursor.take(8).map(|_| Value::Fixed)?,
        LENGTH_DELIMITED => {
            let len = usize::try_from(varint(cursor)?).ok()?;
            Value::Bytes(cursor.take(len)?)
        }
        5 => cursor.take(4).map(|_| Value::Fixed)?,
        _ => return None,
    })
}

/// A number in groups of seven bits, the lowest first.
fn varint(cursor: &mut Cursor<'_>) -> Option<u64> {
    let mut ahead = *cursor;
    let mut value = 0_u64;
    for shift in (0..70).step_by(7) {
        let byte = ahead.u8()?;
        value |= u64::from(byte & 0x7f).wrapping_shl(shift);
        if byte < 0x80 {
            *cursor = ahead;
            return Some(value);
        }
    }
    None
}

/// Says whether these bytes are this protocol's: two lengths that agree, and a command in its own field.
pub(super) fn detect(_transport: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    let is_possible = bytes.first().is_none_or(|first| *first < 8)
        && bytes.get(4).is_none_or(|first| *first == 0)
        && bytes.get(PREFIX_BYTES).is_none_or(|key| *key == 8);
    if !is_possible {
        return Detection::NoMatch;
    }
    let Some(frame) = Frame::parse(bytes) else {
        let command_len = bytes.get(LENGTH_BYTES..).and_then(|rest| Cursor::new(rest).u32_be());
        let fits = command_len.and_then(|len| usize::try_from(len).ok()).is_none_or(|len| {
            frame_bytes(bytes).is_some_and(|frame_bytes| len <= frame_bytes.saturating_sub(PREFIX_BYTES))
        });
        let is_early = bytes.len() < PREFIX_BYTES + 3 && fits;
        return if is_early { Detection::NeedMore } else { Detection::NoMatch };
    };
    if !frame.is_whole && frame.body.is_empty() {
        return Detection::NeedMore;
    }
    let is_from_server = match frame.command.number() {
        PING | PONG => return Detection::WEAK,
        // What both sides may say.
        15 | 16 => direction == Direction::ToClient,
        37 => false,
        _ if frame.command.role == Role::Request => false,
        number => number != 11 && number != 20,
    };
    match (direction, is_from_server) {
        (Direction::ToServer, true) | (Direction::ToClient, false) => Detection::CERTAIN_REVERSED,
        _ => Detection::CERTAIN,
    }
}

/// Whether a frame can start here, in the middle of a conversation.
pub(super) fn is_frame_start(bytes: &[u8]) -> bool {
    Frame::parse(bytes).is_some_and(|frame| frame.is_whole || frame.command.number() == CONNECT)
}

const TYPE_FIELD: u64 = 1;
const LENGTH_DELIMITED: u64 = 2;
/// The shortest command (`PING`) with its length.
const MIN_LENGTH: usize = 8;
