//! Hessian 2.0: walks over values, and gives the texts among them without copying.

use crate::Cursor;

/// A place in a Hessian stream.
#[derive(Debug)]
pub(super) struct Walker<'a> {
    cursor: Cursor<'a>,
    /// The classes defined so far, to which objects refer.
    classes: Vec<Class<'a>>,
}

/// A class as its first object defines it.
#[derive(Debug, Clone)]
struct Class<'a> {
    name: &'a [u8],
    field_count: usize,
    /// The first fields' names.
    fields: Vec<&'a [u8]>,
}

/// What is known of an object that was walked over.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Object<'a> {
    pub(super) class: &'a [u8],
    /// The value of the field asked for, if it is a text.
    pub(super) text: Option<&'a [u8]>,
}

impl<'a> Walker<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { cursor: Cursor::new(bytes), classes: Vec::new() }
    }

    /// The next value, which must be a text. Of a text in several chunks the first is given. None, and then nothing is
    /// read, if it is none or cut.
    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        let before = self.cursor;
        let text = self.cursor.u8().and_then(|tag| self.tagged_text(tag));
        if text.is_none() {
            self.cursor = before;
        }
        text
    }

    /// The next value, which must be a small number.
    pub(super) fn small_number(&mut self) -> Option<i16> {
        let tag = self.cursor.u8()?;
        matches!(tag, 0x80..=0xbf).then(|| i16::from(tag) - 0x90)
    }

    /// Walks over one value. None if it is malformed, cut, or nested too deep.
    pub(super) fn skip(&mut self) -> Option<()> {
        self.skip_value(MAX_DEPTH)
    }

    /// The pairs of a map whose keys and values are texts; others are passed over.
    pub(super) fn for_each_text(&mut self, mut take: impl FnMut(&'a [u8], &'a [u8])) -> Option<()> {
        match self.cursor.u8()? {
            b'H' => {}
            b'M' => self.skip_type(MAX_DEPTH)?,
            _ => return None,
        }
        loop {
            if self.cursor.rest().first() == Some(&b'Z') {
                return Some(());
            }
            let Some(key) = self.text() else {
                self.skip()?;
                self.skip()?;
                continue;
            };
            match self.text() {
                Some(value) => take(key, value),
                None => self.skip()?,
            }
        }
    }

    /// The class of the object that comes next, and the text in its field of this name as far as it is there.
    pub(super) fn object(&mut self, wanted: &[u8]) -> Option<Object<'a>> {
        let mut tag = self.cursor.u8()?;
        while tag == b'C' {
            self.define_class()?;
            tag = self.cursor.u8()?;
        }
        let number = self.class_number(tag)?;
        let class = self.classes.get(number)?.clone();
        let mut object = Object { class: class.name, text: None };
        for field in class.fields {
            if field == wanted {
                object.text = self.text();
                return Some(object);
            }
            if self.skip().is_none() {
                break;
            }
        }
        Some(object)
    }

    fn skip_value(&mut self, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let mut tag = self.cursor.u8()?;
        while tag == b'C' {
            self.define_class()?;
            tag = self.cursor.u8()?;
        }
        match tag {
            0x00..=0x1f | 0x30..=0x33 | b'R' | b'S' => self.tagged_text(tag).map(|_| ()),
            0x20..=0x2f | 0x34..=0x37 | b'A' | b'B' => self.skip_binary(tag),
            b'F' | b'N' | b'T' | 0x5b | 0x5c | 0x80..=0xbf | 0xd8..=0xef => Some(()),
            0x5d | 0xc0..=0xcf | 0xf0..=0xff => self.take(1),
            0x38..=0x3f | 0x5e | 0xd0..=0xd7 => self.take(2),
            b'I' | b'K' | b'Y' | 0x5f => self.take(4),
            b'D' | b'J' | b'L' => self.take(8),
            b'Q' => self.integer().map(|_| ()),
            b'M' | b'U' => {
                self.skip_type(depth)?;
                self.skip_until_end(depth)
            }
            b'H' | b'W' => self.skip_until_end(depth),
            b'V' => {
                self.skip_type(depth)?;
                let count = self.integer()?;
                self.skip_values(count, depth)
            }
            b'X' => {
                let count = self.integer()?;
                self.skip_values(count, depth)
            }
            0x70..=0x77 => {
                self.skip_type(depth)?;
                self.skip_values(usize::from(tag - 0x70), depth)
            }
            0x78..=0x7f => self.skip_values(usize::from(tag - 0x78), depth),
            b'O' | 0x60..=0x6f => {
                let class = self.class_number(tag)?;
                let count = self.classes.get(class)?.field_count;
                self.skip_values(count, depth)
            }
            _ => None,
        }
    }

    fn skip_values(&mut self, count: usize, depth: usize) -> Option<()> {
        // Every value takes a byte at least, except within an object without fields, which takes its own.
        (0..count).try_for_each(|_| self.skip_value(depth))
    }

    fn skip_until_end(&mut self, depth: usize) -> Option<()> {
        while *self.cursor.rest().first()? != b'Z' {
            self.skip_value(depth)?;
        }
        self.take(1)
    }

    /// A type is a name or the number of one seen before.
    fn skip_type(&mut self, depth: usize) -> Option<()> {
        self.skip_value(depth)
    }

    fn define_class(&mut self) -> Option<()> {
        let name = self.text()?;
        let field_count = self.integer()?;
        let mut fields = Vec::new();
        for _ in 0..field_count {
            let field = self.text()?;
            if fields.len() < MAX_FIELDS {
                fields.push(field);
            }
        }
        if self.classes.len() >= MAX_CLASSES {
            return None;
        }
        self.classes.push(Class { name, field_count, fields });
        Some(())
    }

    fn class_number(&mut self, tag: u8) -> Option<usize> {
        match tag {
            b'O' => self.integer(),
            0x60..=0x6f => Some(usize::from(tag - 0x60)),
            _ => None,
        }
    }

    /// A number that counts something.
    fn integer(&mut self) -> Option<usize> {
        let tag = self.cursor.u8()?;
        let number = match tag {
            0x80..=0xbf => i32::from(tag) - 0x90,
            0xc0..=0xcf => (i32::from(tag) - 0xc8) << 8 | i32::from(self.cursor.u8()?),
            0xd0..=0xd7 => (i32::from(tag) - 0xd4) << 16 | i32::from(self.cursor.u16_be()?),
            b'I' => i32::from_be_bytes(self.cursor.array()?),
            _ => return None,
        };
        usize::try_from(number).ok()
    }

    /// The text that this byte begins: its first chunk; the others are walked over.
    fn tagged_text(&mut self, mut tag: u8) -> Option<&'a [u8]> {
        let mut first = None;
        loop {
            let units = match tag {
                0x00..=0x1f => usize::from(tag),
                0x30..=0x33 => usize::from(tag - 0x30) << 8 | usize::from(self.cursor.u8()?),
                b'R' | b'S' => usize::from(self.cursor.u16_be()?),
                _ => return None,
            };
            let len = utf16_units_len(self.cursor.rest(), units)?;
            let chunk = self.cursor.take(len)?;
            let text = *first.get_or_insert(chunk);
            if tag != b'R' {
                return Some(text);
            }
            tag = self.cursor.u8()?;
        }
    }

    fn skip_binary(&mut self, mut tag: u8) -> Option<()> {
        loop {
            let len = match tag {
                0x20..=0x2f => usize::from(tag - 0x20),
                0x34..=0x37 => usize::from(tag - 0x34) << 8 | usize::from(self.cursor.u8()?),
                b'A' | b'B' => usize::from(self.cursor.u16_be()?),
                _ => return None,
            };
            self.take(len)?;
            if tag != b'A' {
                return Some(());
            }
            tag = self.cursor.u8()?;
        }
    }

    fn take(&mut self, len: usize) -> Option<()> {
        self.cursor.take(len).map(|_| ())
    }
}

/// How many bytes so many UTF-16 units take in UTF-8. A character of four bytes is two units, unless its halves are
/// written apart, as Java does.
fn utf16_units_len(bytes: &[u8], units: usize) -> Option<usize> {
    let (mut len, mut left) = (0_usize, units);
    while left > 0 {
        let (bytes_taken, units_taken) = match bytes.get(len)? {
            0x00..=0x7f => (1, 1),
            0xc0..=0xdf => (2, 1),
            0xe0..=0xef => (3, 1),
            0xf0..=0xf7 => (4, 2),
            _ => return None,
        };
        len += bytes_taken;
        left = left.saturating_sub(units_taken);
    }
    Some(len)
}

/// How deep values may be nested.
const MAX_DEPTH: usize = 32;
/// How many classes one message may define.
const MAX_CLASSES: usize = 256;
/// How many of a class's fields are known by name.
const MAX_FIELDS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_walked_over() {
        let values: &[&[u8]] = &[
            b"\x05hello",
            b"\x30\x05hello",
            b"R\0\x02heS\0\x03llo",
            b"\x23abc",
            b"\x34\x03abc",
            b"A\0\x01aB\0\x02bc",
            b"F",
            b"N",
            b"\x5b",
            b"\x5d\0",
            b"\x5e\0\0",
            b"\x5f\0\0\0\0",
            b"D\0\0\0\0\0\0\0\0",
            b"\xc8\x30",
            b"\xd4\0\0",
            b"I\0\0\0\0",
            b"\xe0",
            b"\xf8\0",
            b"\x3c\0\0",
            b"Y\0\0\0\0",
            b"L\0\0\0\0\0\0\0\0",
            b"J\0\0\0\0\0\0\0\0",
            b"K\0\0\0\0",
            b"H\x01a\x91Z",
            b"M\x01t\x01a\x91Z",
            b"U\x01t\x91\x92Z",
            b"V\x01t\x92\x91\x91",
            b"W\x91Z",
            b"X\x92\x91\x91",
            b"\x71\x01t\x91",
            b"\x7a\x91\x91",
            b"C\x01c\x92\x01a\x01b\x60\x91\x60\x91N",
            b"Q\x90",
        ];
        for value in values {
            let bytes = [value, &b"\x03end"[..]].concat();
            let mut walker = Walker::new(&bytes);
            assert_eq!(walker.skip(), Some(()), "{}", value.escape_ascii());
            assert_eq!(walker.text(), Some(&b"end"[..]), "{}", value.escape_ascii());
            for len in 0..value.len() {
                assert_eq!(Walker::new(&value[..len]).skip(), None, "{} cut", value.escape_ascii());
            }
        }
        assert_eq!(Walker::new(&[b'W'; 100]).skip(), None, "too deep");
    }

    #[test]
    fn lengths_count_utf16_units() {
        assert_eq!(Walker::new("\u{4}aé漢x".as_bytes()).text(), Some("aé漢x".as_bytes()));
        assert_eq!(Walker::new("\u{3}😀x".as_bytes()).text(), Some("😀x".as_bytes()));
    }
}
