//! BSON documents, element by element: each is known by its length, none is copied.
//!
//! ```text
//! document   length: 4 bytes, its own included | element... | 0
//! element    type: 1 byte | name | 0 | value
//! ```

use crate::Cursor;

/// One element of a document, of whose value the last bytes may be missing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) kind: u8,
    pub(super) name: &'a [u8],
    /// How many bytes stand before the value.
    pub(super) head_len: usize,
    pub(super) value_len: usize,
    /// The bytes of the value that are there.
    pub(super) value: &'a [u8],
}

/// What stands at a place in a document.
#[derive(Debug)]
pub(super) enum Next<'a> {
    Element(Element<'a>),
    End,
    /// It takes so many bytes to tell.
    NeedMore(usize),
    Malformed,
}

impl Element<'_> {
    pub(super) const fn total_len(&self) -> usize {
        self.head_len.saturating_add(self.value_len)
    }

    /// A number that is whole, or nearly: servers write `ok: 1.0`.
    #[allow(clippy::cast_possible_truncation, reason = "codes and counts are small; casts saturate")]
    pub(super) fn number(&self) -> Option<i64> {
        let mut cursor = Cursor::new(self.value);
        match self.kind {
            DOUBLE => Some(f64::from_le_bytes(cursor.array()?) as i64),
            INT32 => Some(i64::from(i32::from_le_bytes(cursor.array()?))),
            INT64 => Some(i64::from_le_bytes(cursor.array()?)),
            BOOLEAN => cursor.u8().map(i64::from),
            _ => None,
        }
    }
}

impl<'a> Element<'a> {
    /// The text of a string, or the beginning of it.
    pub(super) fn text(&self) -> Option<&'a [u8]> {
        let text = self.value.get(LENGTH_BYTES..).filter(|_| self.kind == STRING)?;
        let is_whole = self.value.len() >= self.value_len;
        Some(if is_whole { text.strip_suffix(&[0]).unwrap_or(text) } else { text })
    }

    /// The elements of a document or array, as far as its bytes are there.
    pub(super) fn elements(&self) -> Elements<'a> {
        let is_document = self.kind == DOCUMENT || self.kind == ARRAY;
        Elements { rest: self.value.get(LENGTH_BYTES..).filter(|_| is_document).unwrap_or_default() }
    }
}

/// The elements of one document.
#[derive(Debug, Clone)]
pub(super) struct Elements<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let Next::Element(element) = next(self.rest) else { return None };
        self.rest = self.rest.get(element.total_len()..).unwrap_or_default();
        Some(element)
    }
}

/// Reads the element at the start of `bytes`.
pub(super) fn next(bytes: &[u8]) -> Next<'_> {
    let Some((&kind, rest)) = bytes.split_first() else { return Next::NeedMore(1) };
    if kind == 0 {
        return Next::End;
    }
    if !is_kind(kind) {
        return Next::Malformed;
    }
    let name = match cstring(rest, MAX_NAME_BYTES) {
        Text::Whole(name) => name,
        Text::Cut => return Next::NeedMore(bytes.len() + 1),
        Text::TooLong => return Next::Malformed,
    };
    let head_len = name.len() + 2;
    let value = bytes.get(head_len..).unwrap_or_default();
    match value_len(kind, value) {
        Len::Known(value_len) => {
            let value = value.get(..value_len).unwrap_or(value);
            Next::Element(Element { kind, name, head_len, value_len, value })
        }
        Len::NeedMore(needed) => Next::NeedMore(head_len + needed),
        Len::Malformed => Next::Malformed,
    }
}

/// Whether a document may start with these bytes, and what its length is. None if there are too few to tell.
pub(super) fn document_len(bytes: &[u8]) -> Option<usize> {
    usize::try_from(Cursor::new(bytes).u32_le()?).ok()
}

/// A text that ends with a zero byte.
pub(super) enum Text<'a> {
    Whole(&'a [u8]),
    Cut,
    TooLong,
}

/// Reads a text of at most `max_bytes`.
pub(super) fn cstring(bytes: &[u8], max_bytes: usize) -> Text<'_> {
    let window = bytes.get(..=max_bytes).unwrap_or(bytes);
    match memchr::memchr(0, window) {
        Some(len) => Text::Whole(window.get(..len).unwrap_or_default()),
        None if window.len() > max_bytes => Text::TooLong,
        None => Text::Cut,
    }
}

const fn is_kind(kind: u8) -> bool {
    matches!(kind, 0x01..=0x13 | 0x7f | 0xff)
}

enum Len {
    Known(usize),
    NeedMore(usize),
    Malformed,
}

/// The length of a value of this type that starts with `value`.
fn value_len(kind: u8, value: &[u8]) -> Len {
    let (beyond_length, at_least) = match kind {
        0x06 | 0x0a | 0x7f | 0xff => return Len::Known(0),
        BOOLEAN => return Len::Known(1),
        INT32 => return Len::Known(4),
        DOUBLE | 0x09 | 0x11 | INT64 => return Len::Known(8),
        0x07 => return Len::Known(12),
        0x13 => return Len::Known(16),
        0x0b => return regular_expression_len(value),
        STRING | 0x0d | 0x0e => (LENGTH_BYTES, 1),
        0x05 => (LENGTH_BYTES + 1, 0),
        0x0c => (LENGTH_BYTES + 12, 1),
        _ => (0, MIN_DOCUMENT_BYTES),
    };
    match document_len(value) {
        Some(len) if (at_least..=MAX_VALUE_BYTES).contains(&len) => Len::Known(len + beyond_length),
        Some(_) => Len::Malformed,
        None => Len::NeedMore(LENGTH_BYTES),
    }
}

/// Two texts, each with its zero byte.
fn regular_expression_len(value: &[u8]) -> Len {
    let mut len = 0;
    for _ in 0..2 {
        match cstring(value.get(len..).unwrap_or_default(), MAX_PATTERN_BYTES) {
            Text::Whole(text) => len += text.len() + 1,
            Text::Cut => return Len::NeedMore(value.len() + 1),
            Text::TooLong => return Len::Malformed,
        }
    }
    Len::Known(len)
}

pub(super) const DOUBLE: u8 = 0x01;
pub(super) const STRING: u8 = 0x02;
pub(super) const DOCUMENT: u8 = 0x03;
pub(super) const ARRAY: u8 = 0x04;
pub(super) const BOOLEAN: u8 = 0x08;
pub(super) const INT32: u8 = 0x10;
pub(super) const INT64: u8 = 0x12;
/// What a document, string or the like begins with.
pub(super) const LENGTH_BYTES: usize = 4;
/// The empty document.
pub(super) const MIN_DOCUMENT_BYTES: usize = 5;
/// The longest element name that is read: longer ones stand in no command or reply, only in users' documents.
const MAX_NAME_BYTES: usize = 1_024;
/// The longest regular expression, and the longest options of one, that are passed over.
const MAX_PATTERN_BYTES: usize = 1_024;
/// No message is longer.
const MAX_VALUE_BYTES: usize = super::wire::MAX_MESSAGE_BYTES;
