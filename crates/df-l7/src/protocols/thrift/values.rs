//! The types of values in both encodings, and how long values are whose length their type or a number tells.

use crate::{Cursor, ParseError, ParseErrorReason};

use super::wire::{Encoding, varint};

/// The largest value, and the most elements of a collection, that implementations take.
const MAX_BYTES: u64 = 1 << 30;

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueType {
    /// Stands in its field's header: no bytes.
    Nothing,
    /// This many bytes.
    Fixed(u8),
    /// A number of seven bits per byte.
    Varint,
    String,
    Struct,
    Map,
    List,
}

impl ValueType {
    /// The type with this number; of an element, not a field, if `is_element`.
    pub(super) fn of(encoding: Encoding, number: u8, is_element: bool) -> Result<Self, ParseError> {
        let found = match (encoding, number) {
            (Encoding::Binary, 2 | 3) | (Encoding::Compact, 3) => Self::Fixed(1),
            (Encoding::Binary, 6) => Self::Fixed(2),
            (Encoding::Binary, 8) => Self::Fixed(4),
            (Encoding::Binary, 4 | 10) | (Encoding::Compact, 7) => Self::Fixed(8),
            (Encoding::Binary, 16) | (Encoding::Compact, 13) => Self::Fixed(16),
            (Encoding::Compact, 1 | 2) if is_element => Self::Fixed(1),
            (Encoding::Compact, 1 | 2) => Self::Nothing,
            (Encoding::Compact, 4..=6) => Self::Varint,
            (Encoding::Binary, 11) | (Encoding::Compact, 8) => Self::String,
            (_, 12) => Self::Struct,
            (Encoding::Binary, 13) | (Encoding::Compact, 11) => Self::Map,
            (Encoding::Binary, 14 | 15) | (Encoding::Compact, 9 | 10) => Self::List,
            _ => return Err(ParseError::new(0, ParseErrorReason::InvalidValue)),
        };
        Ok(found)
    }
}

/// The header of a field; none is the end of the struct.
pub(super) type FieldHeader = Option<(ValueType, i16)>;

/// Reads a field's header. `last_id` is the id of the field before it. None: more bytes are needed.
pub(super) fn field(
    encoding: Encoding,
    bytes: &[u8],
    last_id: i16,
) -> Result<Option<(FieldHeader, usize)>, ParseError> {
    let mut cursor = Cursor::new(bytes);
    let Some(first) = cursor.u8() else { return Ok(None) };
    if first == 0 {
        return Ok(Some((None, 1)));
    }
    let id = match encoding {
        Encoding::Binary => cursor.u16_be().map(u16::cast_signed),
        Encoding::Compact if first >> 4 > 0 => last_id.checked_add(i16::from(first >> 4)),
        Encoding::Compact => match bounded_varint(&mut cursor, 3)? {
            Some(number) => u16::try_from(number).ok().map(unzigzag),
            None => return Ok(None),
        },
    };
    let number = if encoding == Encoding::Binary { first } else { first & 0x0f };
    let kind = ValueType::of(encoding, number, false)?;
    match id {
        Some(id) => Ok(Some((Some((kind, id)), cursor.position()))),
        None if encoding == Encoding::Binary => Ok(None),
        None => Err(ParseError::new(0, ParseErrorReason::InvalidValue)),
    }
}

/// The length of a string, with the length of that number. None: more bytes are needed.
pub(super) fn length(encoding: Encoding, bytes: &[u8]) -> Result<Option<(usize, usize)>, ParseError> {
    let mut cursor = Cursor::new(bytes);
    let number = match encoding {
        Encoding::Binary => cursor.u32_be().map(u64::from),
        Encoding::Compact => bounded_varint(&mut cursor, 5)?,
    };
    let Some(number) = number else { return Ok(None) };
    Ok(Some((bounded(number)?, cursor.position())))
}

/// The type and number of a list's elements, with the length of that header.
pub(super) fn list(
    encoding: Encoding,
    bytes: &[u8],
) -> Result<Option<(ValueType, usize, usize)>, ParseError> {
    let mut cursor = Cursor::new(bytes);
    let Some(first) = cursor.u8() else { return Ok(None) };
    let (number, count) = match encoding {
        Encoding::Binary => (first, cursor.u32_be().map(u64::from)),
        Encoding::Compact if first >> 4 < 15 => (first & 0x0f, Some(u64::from(first >> 4))),
        Encoding::Compact => (first & 0x0f, bounded_varint(&mut cursor, 5)?),
    };
    let Some(count) = count else { return Ok(None) };
    // Some write the type of no elements as 0.
    let kind = if count == 0 { ValueType::Nothing } else { ValueType::of(encoding, number, true)? };
    Ok(Some((kind, bounded(count)?, cursor.position())))
}

/// The types of a map's keys and values and how many pairs there are, with the length of that header.
pub(super) fn map(
    encoding: Encoding,
    bytes: &[u8],
) -> Result<Option<([ValueType; 2], usize, usize)>, ParseError> {
    let mut cursor = Cursor::new(bytes);
    let (numbers, count) = match encoding {
        Encoding::Binary => (cursor.array::<2>(), cursor.u32_be().map(u64::from)),
        Encoding::Compact => match bounded_varint(&mut cursor, 5)? {
            Some(0) => (Some([0, 0]), Some(0)),
            count => (cursor.u8().map(|types| [types >> 4, types & 0x0f]), count),
        },
    };
    let (Some([key, value]), Some(count)) = (numbers, count) else { return Ok(None) };
    let count = bounded(count)?;
    if count == 0 {
        return Ok(Some(([ValueType::Nothing; 2], 0, cursor.position())));
    }
    let types = [ValueType::of(encoding, key, true)?, ValueType::of(encoding, value, true)?];
    Ok(Some((types, count, cursor.position())))
}

/// A number of at most `max_bytes` bytes. None: more bytes are needed.
pub(super) fn bounded_varint(cursor: &mut Cursor<'_>, max_bytes: usize) -> Result<Option<u64>, ParseError> {
    let start = cursor.position();
    let is_complete = cursor.rest().iter().take(max_bytes).any(|&byte| byte < 0x80);
    if is_complete {
        return Ok(varint(cursor));
    }
    if cursor.rest().len() >= max_bytes {
        return Err(ParseError::new(start, ParseErrorReason::InvalidValue));
    }
    Ok(None)
}

fn bounded(number: u64) -> Result<usize, ParseError> {
    let too_many = ParseError::new(0, ParseErrorReason::LimitExceeded);
    usize::try_from(number).ok().filter(|_| number <= MAX_BYTES).ok_or(too_many)
}

const fn unzigzag(number: u16) -> i16 {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}
