//! The first object of a content in Hessian 1, as Bolt's peers write it: its class and the plain values at its start.
//!
//! ```text
//! O | length of the name | class name | number of fields | name... | o | number of the class | value...
//! ```

use crate::Cursor;

/// An object as far as its values are plain.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Object<'a> {
    pub(super) class: &'a [u8],
    fields: Vec<(&'a [u8], Value<'a>)>,
}

/// A plain value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Null,
    Truth(bool),
    Text(&'a [u8]),
}

impl<'a> Object<'a> {
    /// Reads the object at the start of a content.
    pub(super) fn read(content: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(content);
        cursor.u8().filter(|tag| *tag == b'O')?;
        let name_len = integer(&mut cursor)?;
        let class = cursor.take(name_len)?;
        let count = integer(&mut cursor).filter(|count| *count <= MAX_FIELDS)?;
        let mut names = Vec::with_capacity(count);
        for _ in 0..count {
            let Value::Text(name) = value(&mut cursor)? else { return None };
            names.push(name);
        }
        cursor.u8().filter(|tag| *tag == b'o')?;
        integer(&mut cursor)?;
        let fields = names.into_iter().map_while(|name| Some((name, value(&mut cursor)?))).collect();
        Some(Self { class, fields })
    }

    /// The text of a field.
    pub(super) fn text(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.fields.iter().find_map(|field| match field {
            (found, Value::Text(text)) if *found == name => Some(*text),
            _ => None,
        })
    }

    /// Whether a field is true.
    pub(super) fn is_true(&self, name: &[u8]) -> bool {
        self.fields.contains(&(name, Value::Truth(true)))
    }
}

/// A plain value; none if it is another one or cut. A text that is cut is given as far as it goes.
fn value<'a>(cursor: &mut Cursor<'a>) -> Option<Value<'a>> {
    let len = match cursor.u8()? {
        b'N' => return Some(Value::Null),
        b'T' => return Some(Value::Truth(true)),
        b'F' => return Some(Value::Truth(false)),
        short @ 0..=0x1f => usize::from(short),
        b'S' => usize::from(cursor.u16_be()?),
        _ => return None,
    };
    cursor.take(len).map(Value::Text)
}

fn integer(cursor: &mut Cursor<'_>) -> Option<usize> {
    let number = match cursor.u8()? {
        short @ 0x80..=0xbf => i32::from(short) - 0x90,
        middle @ 0xc0..=0xcf => (i32::from(middle) - 0xc8) << 8 | i32::from(cursor.u8()?),
        b'I' => i32::from_be_bytes(cursor.array()?),
        _ => return None,
    };
    usize::try_from(number).ok()
}

const MAX_FIELDS: usize = 64;
