//! Reads values of AMQP 1.0's type system (specification, part 1), without recursion and never past their end.
//!
//! ```text
//! constructor (u8): 0x4_ nothing follows; 0x5_ 1 byte, 0x6_ 2, 0x7_ 4, 0x8_ 8, 0x9_ 16; 0xA_ length u8, 0xB_ length u32;
//!                   0xC_ list or map, 0xE_ array: size u8, count u8; 0xD_, 0xF_: size u32, count u32
//! described:        0x00, descriptor (a value), value
//! ```

use crate::Cursor;

/// A value, or that there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) enum Value<'a> {
    #[default]
    Null,
    Boolean(bool),
    Unsigned(u64),
    /// A string, a symbol or binary.
    Text(&'a [u8]),
    Uuid([u8; 16]),
    /// A list or a map, whose keys and values follow each other.
    Items(Items<'a>),
    Described(Described<'a>),
    /// A value of a kind that nobody asks for.
    Other,
}

impl<'a> Value<'a> {
    /// Reads the value that comes next; none if it is not there to its end or is none. Of a list that is cut, its front.
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Option<Self> {
        if cursor.rest().first() == Some(&DESCRIBED) {
            return Described::read(cursor).map(Self::Described);
        }
        Self::read_plain(cursor)
    }

    pub(super) fn text(self) -> Option<&'a [u8]> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn unsigned(self) -> Option<u64> {
        match self {
            Self::Unsigned(number) => Some(number),
            _ => None,
        }
    }

    pub(super) fn is_true(self) -> bool {
        self == Self::Boolean(true)
    }

    pub(super) fn described(self) -> Option<Described<'a>> {
        match self {
            Self::Described(described) => Some(described),
            _ => None,
        }
    }

    /// The items of a list or map; none of anything else.
    pub(super) fn items(self) -> Items<'a> {
        match self {
            Self::Items(items) => items,
            _ => Items::default(),
        }
    }

    fn read_plain(cursor: &mut Cursor<'a>) -> Option<Self> {
        let constructor = cursor.u8()?;
        Some(match constructor {
            0x40 => Self::Null,
            0x41 => Self::Boolean(true),
            0x42 => Self::Boolean(false),
            0x43 | 0x44 => Self::Unsigned(0),
            0x45 => Self::Items(Items::default()),
            0x56 => Self::Boolean(cursor.u8()? != 0),
            0x50 | 0x52 | 0x53 => Self::Unsigned(cursor.u8()?.into()),
            0x60 => Self::Unsigned(cursor.u16_be()?.into()),
            0x70 => Self::Unsigned(cursor.u32_be()?.into()),
            0x80 => Self::Unsigned(u64::from_be_bytes(cursor.array()?)),
            0x98 => Self::Uuid(cursor.array()?),
            0xA0 | 0xA1 | 0xA3 => Self::Text(short(cursor)?),
            0xB0 | 0xB1 | 0xB3 => Self::Text(long(cursor)?),
            0xC0 | 0xC1 | 0xD0 | 0xD1 => Self::Items(Items::read(constructor, cursor)?),
            0xE0 => short(cursor).map(|_| Self::Other)?,
            0xF0 => long(cursor).map(|_| Self::Other)?,
            _ => {
                let width = match constructor >> 4 {
                    5 => 1,
                    6 => 2,
                    7 => 4,
                    8 => 8,
                    9 => 16,
                    _ => return None,
                };
                cursor.take(width)?;
                Self::Other
            }
        })
    }
}

/// A value that says what it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Described<'a> {
    /// What it is; zero where a name that nobody knows says it.
    pub(super) code: u64,
    constructor: u8,
    content: Content<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Content<'a> {
    Null,
    Unsigned(u64),
    Text(&'a [u8]),
    Items(Items<'a>),
}

impl<'a> Described<'a> {
    /// Reads it with its value, which may not be described again.
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Option<Self> {
        let code = Self::read_descriptor(cursor)?;
        let constructor = *cursor.rest().first()?;
        let content = match Value::read_plain(cursor)? {
            Value::Items(items) => Content::Items(items),
            Value::Text(text) => Content::Text(text),
            Value::Unsigned(number) => Content::Unsigned(number),
            _ => Content::Null,
        };
        Some(Self { code, constructor, content })
    }

    /// Reads the constructor and the descriptor alone.
    pub(super) fn read_descriptor(cursor: &mut Cursor<'a>) -> Option<u64> {
        if cursor.u8()? != DESCRIBED {
            return None;
        }
        match Value::read_plain(cursor)? {
            Value::Unsigned(code) => Some(code),
            Value::Text(name) => Some(code_of(name)),
            _ => None,
        }
    }

    pub(super) fn items(self) -> Items<'a> {
        match self.content {
            Content::Items(items) => items,
            _ => Items::default(),
        }
    }

    /// Whether it holds a list, as all of the specification's own do but the sections of a message.
    pub(super) fn is_list(&self) -> bool {
        matches!(self.constructor, 0x45 | 0xC0 | 0xD0)
    }
}

/// What stands in a list or a map.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Items<'a> {
    bytes: &'a [u8],
    count: u32,
}

impl<'a> Items<'a> {
    fn read(constructor: u8, cursor: &mut Cursor<'a>) -> Option<Self> {
        let (size, count, width) = if constructor < 0xD0 {
            (u32::from(cursor.u8()?), u32::from(cursor.u8()?), 1)
        } else {
            (cursor.u32_be()?, cursor.u32_be()?, 4)
        };
        let len = usize::try_from(size.checked_sub(width)?).ok()?;
        let rest = cursor.rest();
        let bytes = rest.get(..len).unwrap_or(rest);
        cursor.take(bytes.len())?;
        Some(Self { bytes, count })
    }

    /// The first of them, in their order; those that are missing are null.
    pub(super) fn fields(self) -> [Value<'a>; MAX_FIELDS] {
        let mut fields = [Value::Null; MAX_FIELDS];
        for (field, value) in fields.iter_mut().zip(self.values()) {
            *field = value;
        }
        fields
    }

    /// Keys and values of a map.
    pub(super) fn pairs(self) -> impl Iterator<Item = (Value<'a>, Value<'a>)> {
        let mut values = self.values();
        std::iter::from_fn(move || values.next().zip(values.next()))
    }

    /// The values as far as they are there.
    fn values(self) -> impl Iterator<Item = Value<'a>> {
        let mut cursor = Cursor::new(self.bytes);
        let count = usize::try_from(self.count).unwrap_or(usize::MAX);
        std::iter::from_fn(move || Value::read(&mut cursor)).take(count)
    }
}

/// What the name of a described type is as a number; zero of those that nobody asks for.
fn code_of(name: &[u8]) -> u64 {
    NAMES.iter().find(|(known, _)| known.as_bytes() == name).map_or(0, |(_, code)| *code)
}

/// A text with a length of one byte.
fn short<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let len = usize::from(cursor.u8()?);
    cursor.take(len)
}

/// A text with a length of four bytes.
fn long<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let len = usize::try_from(cursor.u32_be()?).ok()?;
    cursor.take(len)
}

/// What begins a described value.
pub(super) const DESCRIBED: u8 = 0;
/// How many values of a list are looked at: `attach` and `properties` have the most that are asked for.
pub(super) const MAX_FIELDS: usize = 11;
/// The types that may be named instead of numbered. Implementations number them.
const NAMES: [(&str, u64); 29] = [
    ("amqp:open:list", 0x10),
    ("amqp:begin:list", 0x11),
    ("amqp:attach:list", 0x12),
    ("amqp:flow:list", 0x13),
    ("amqp:transfer:list", 0x14),
    ("amqp:disposition:list", 0x15),
    ("amqp:detach:list", 0x16),
    ("amqp:end:list", 0x17),
    ("amqp:close:list", 0x18),
    ("amqp:error:list", 0x1D),
    ("amqp:received:list", 0x23),
    ("amqp:accepted:list", 0x24),
    ("amqp:rejected:list", 0x25),
    ("amqp:released:list", 0x26),
    ("amqp:modified:list", 0x27),
    ("amqp:source:list", 0x28),
    ("amqp:target:list", 0x29),
    ("amqp:coordinator:list", 0x30),
    ("amqp:declared:list", 0x33),
    ("amqp:transactional-state:list", 0x34),
    ("amqp:sasl-init:list", 0x41),
    ("amqp:sasl-outcome:list", 0x44),
    ("amqp:header:list", 0x70),
    ("amqp:delivery-annotations:map", 0x71),
    ("amqp:message-annotations:map", 0x72),
    ("amqp:properties:list", 0x73),
    ("amqp:application-properties:map", 0x74),
    ("amqp:data:binary", 0x75),
    ("amqp:amqp-value:*", 0x77),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_their_constructor() {
        let read = |bytes: &'static [u8]| Value::read(&mut Cursor::new(bytes));
        assert_eq!(read(b"\x40"), Some(Value::Null));
        assert_eq!(read(b"\x56\x01"), Some(Value::Boolean(true)));
        assert_eq!(read(b"\x70\0\0\x01\0"), Some(Value::Unsigned(256)));
        assert_eq!(read(b"\xA1\x02hi"), Some(Value::Text(b"hi")));
        assert_eq!(read(b"\xB3\0\0\0\x01s"), Some(Value::Text(b"s")));
        assert_eq!(read(b"\x71\0\0\0\x01"), Some(Value::Other));
        assert_eq!(read(b"\xE0\x02\x01\x40"), Some(Value::Other));
        for cut in [&b"\xA1\x03hi"[..], b"\x70\0", b"\x00\x53", b"\xC0\x00\x00", b"\x01", b""] {
            assert_eq!(read(cut), None, "{cut:?}");
        }
    }

    #[test]
    fn lists_end_where_they_say_or_where_they_are_cut() {
        let items = |bytes: &'static [u8]| -> Vec<Value<'static>> {
            Value::read(&mut Cursor::new(bytes)).unwrap_or_default().items().values().collect()
        };
        assert_eq!(items(b"\xC0\x04\x02\x41\x52\x07"), [Value::Boolean(true), Value::Unsigned(7)]);
        assert_eq!(items(b"\xC0\x04\xFF\x41\x52\x07"), [Value::Boolean(true), Value::Unsigned(7)]);
        assert_eq!(items(b"\xC0\x20\x02\x41\x52"), [Value::Boolean(true)]);
        assert_eq!(items(b"\xD0\0\0\0\x05\0\0\0\x01\x41"), [Value::Boolean(true)]);
        let described = Value::read(&mut Cursor::new(b"\0\xA3\x12amqp:accepted:list\x45"));
        assert_eq!(described.and_then(Value::described).map(|state| state.code), Some(0x24));
        let deep = [0; 10_000];
        assert_eq!(Value::read(&mut Cursor::new(&deep)), None);
    }
}
