//! The Tars encoding: fields with a tag and a type, walked over without copying.
//!
//! ```text
//! field   type: 4 bits, tag: 4 bits (15: another byte follows with the tag) | value
//! ```

use crate::Cursor;

/// A field's tag and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field<'a> {
    pub(super) tag: u8,
    pub(super) value: Value<'a>,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Number(i64),
    Text(&'a [u8]),
    /// The entries of a map, and how many they are.
    Map(&'a [u8], usize),
    Other,
}

impl<'a> Value<'a> {
    pub(super) const fn number(self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    pub(super) const fn text(self) -> Option<&'a [u8]> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Reads the next field. None if it is malformed, cut or nested too deep.
pub(super) fn field<'a>(cursor: &mut Cursor<'a>) -> Option<Field<'a>> {
    nested_field(cursor, MAX_DEPTH)
}

/// The pairs of texts among the entries of a map.
pub(super) fn for_each_text<'a>(entries: &'a [u8], count: usize, mut take: impl FnMut(&'a [u8], &'a [u8])) {
    let mut cursor = Cursor::new(entries);
    for _ in 0..count {
        let (Some(name), Some(value)) = (field(&mut cursor), field(&mut cursor)) else { return };
        if let (Some(name), Some(value)) = (name.value.text(), value.value.text()) {
            take(name, value);
        }
    }
}

fn nested_field<'a>(cursor: &mut Cursor<'a>, depth: usize) -> Option<Field<'a>> {
    let depth = depth.checked_sub(1)?;
    let head = cursor.u8()?;
    let tag = if head >> 4 == LONG_TAG { cursor.u8()? } else { head >> 4 };
    let value = match head & 0xf {
        0 => Value::Number(i64::from(i8::from_be_bytes(cursor.array()?))),
        1 => Value::Number(i64::from(i16::from_be_bytes(cursor.array()?))),
        2 => Value::Number(i64::from(i32::from_be_bytes(cursor.array()?))),
        3 => Value::Number(i64::from_be_bytes(cursor.array()?)),
        4 => cursor.take(4).map(|_| Value::Other)?,
        5 => cursor.take(8).map(|_| Value::Other)?,
        6 => {
            let len = usize::from(cursor.u8()?);
            Value::Text(cursor.take(len)?)
        }
        7 => {
            let len = usize::try_from(cursor.u32_be()?).ok()?;
            Value::Text(cursor.take(len)?)
        }
        8 => map(cursor, depth)?,
        9 => {
            let count = count(cursor, depth)?;
            (0..count).try_for_each(|_| nested_field(cursor, depth).map(|_| ()))?;
            Value::Other
        }
        STRUCT_BEGIN => {
            while cursor.rest().first()? & 0xf != STRUCT_END {
                nested_field(cursor, depth)?;
            }
            cursor.u8()?;
            Value::Other
        }
        12 => Value::Number(0),
        13 => {
            cursor.u8().filter(|kind| *kind == 0)?;
            let len = count(cursor, depth)?;
            cursor.take(len).map(|_| Value::Other)?
        }
        _ => return None,
    };
    Some(Field { tag, value })
}

fn map<'a>(cursor: &mut Cursor<'a>, depth: usize) -> Option<Value<'a>> {
    let count = count(cursor, depth)?;
    let (entries, start) = (cursor.rest(), cursor.position());
    for _ in 0..count {
        nested_field(cursor, depth)?;
        nested_field(cursor, depth)?;
    }
    entries.get(..cursor.position() - start).map(|entries| Value::Map(entries, count))
}

/// How many things follow: a number as a field of its own.
fn count(cursor: &mut Cursor<'_>, depth: usize) -> Option<usize> {
    nested_field(cursor, depth)?.value.number().and_then(|count| usize::try_from(count).ok())
}

const LONG_TAG: u8 = 15;
const STRUCT_BEGIN: u8 = 10;
const STRUCT_END: u8 = 11;
/// How deep fields may be nested.
const MAX_DEPTH: usize = 16;
