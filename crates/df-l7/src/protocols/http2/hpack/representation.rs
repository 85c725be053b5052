//! The representations of fields in a header block (RFC 7541 §6), borrowed.

use super::{Malformed, huffman};
use crate::Cursor;

/// What an encoder says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Representation<'a> {
    /// A field of a table.
    Indexed(usize),
    /// A field with its value, and whether it is added to the dynamic table.
    Literal { name: NameReference<'a>, value: Text<'a>, is_indexed: bool },
    /// The dynamic table has a new maximum size.
    SizeUpdate(usize),
}

/// Where a literal's name stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameReference<'a> {
    Index(usize),
    Text(Text<'a>),
}

/// A string literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Text<'a> {
    is_huffman: bool,
    bytes: &'a [u8],
}

impl Text<'_> {
    /// Adds the string to `decoded`.
    pub(super) fn decode_into(self, decoded: &mut Vec<u8>) -> Option<()> {
        if self.is_huffman {
            return huffman::decode(self.bytes, decoded);
        }
        decoded.extend_from_slice(self.bytes);
        Some(())
    }
}

/// The representations of one block in order; the first that cannot be read is the last.
#[derive(Debug)]
pub(super) struct Representations<'a>(Cursor<'a>);

impl<'a> Representations<'a> {
    pub(super) const fn new(block: &'a [u8]) -> Self {
        Self(Cursor::new(block))
    }
}

impl<'a> Iterator for Representations<'a> {
    type Item = Result<Representation<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = *self.0.rest().first()?;
        let read = read(first, &mut self.0);
        if read.is_none() {
            self.0 = Cursor::new(&[]);
        }
        Some(read.ok_or(Malformed))
    }
}

fn read<'a>(first: u8, cursor: &mut Cursor<'a>) -> Option<Representation<'a>> {
    match first {
        0x80.. => integer(cursor, 7).map(Representation::Indexed),
        0x40..=0x7f => literal(cursor, 6, true),
        0x20..=0x3f => integer(cursor, 5).map(Representation::SizeUpdate),
        0x00..=0x1f => literal(cursor, 4, false),
    }
}

fn literal<'a>(cursor: &mut Cursor<'a>, prefix_bits: u32, is_indexed: bool) -> Option<Representation<'a>> {
    let name = match integer(cursor, prefix_bits)? {
        0 => NameReference::Text(text(cursor)?),
        index => NameReference::Index(index),
    };
    Some(Representation::Literal { name, value: text(cursor)?, is_indexed })
}

fn text<'a>(cursor: &mut Cursor<'a>) -> Option<Text<'a>> {
    let is_huffman = *cursor.rest().first()? & 0x80 != 0;
    let len = integer(cursor, 7)?;
    cursor.take(len).map(|bytes| Text { is_huffman, bytes })
}

/// An integer whose first `prefix_bits` bits end the first byte (§5.1).
fn integer(cursor: &mut Cursor<'_>, prefix_bits: u32) -> Option<usize> {
    let mask = (1_u8 << prefix_bits) - 1;
    let prefix = cursor.u8()? & mask;
    let mut value = usize::from(prefix);
    if prefix < mask {
        return Some(value);
    }
    for shift in [0, 7, 14, 21] {
        let byte = cursor.u8()?;
        value = value.checked_add(usize::from(byte & 0x7f) << shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
