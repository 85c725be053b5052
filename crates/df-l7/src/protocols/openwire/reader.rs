//! Reads fields in either encoding: the order is the same, but tight encoding has its booleans in bits of their own and
//! its numbers in as few bytes as they need.

use crate::Cursor;

/// A place in the fields of a command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    cursor: Cursor<'a>,
    /// The bits of tight encoding and how many were read.
    bits: Option<(&'a [u8], usize)>,
}

impl<'a> Reader<'a> {
    /// A reader of what follows a command's type. The ids of commands begin with a zero byte, the bits of tight encoding
    /// with their length, which is none.
    pub(super) fn new(body: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        if body.first() == Some(&0) {
            return Some(Self { cursor, bits: None });
        }
        let len = match cursor.u8()? {
            0xC0 => usize::from(cursor.u8()?),
            0x80 => usize::from(cursor.u16_be()?),
            len @ 0..0x40 => usize::from(len),
            _ => return None,
        };
        let bits = cursor.take(len)?;
        Some(Self { cursor, bits: Some((bits, 0)) })
    }

    pub(super) const fn is_tight(&self) -> bool {
        self.bits.is_some()
    }

    pub(super) fn boolean(&mut self) -> Option<bool> {
        let Some((bits, read)) = &mut self.bits else { return Some(self.cursor.u8()? != 0) };
        let byte = bits.get(*read / 8)?;
        let bit = byte >> (*read % 8) & 1;
        *read = read.saturating_add(1);
        Some(bit == 1)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.cursor.u8()
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.cursor.u16_be()
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.cursor.u32_be()
    }

    /// A 64-bit number, which tells nothing here.
    pub(super) fn skip_long(&mut self) -> Option<()> {
        let len = if self.is_tight() {
            match (self.boolean()?, self.boolean()?) {
                (false, false) => 0,
                (false, true) => 2,
                (true, false) => 4,
                (true, true) => 8,
            }
        } else {
            8
        };
        self.cursor.take(len).map(|_| ())
    }

    /// A text; the inner none is null.
    pub(super) fn text(&mut self) -> Option<Text<'a>> {
        if !self.boolean()? {
            return Some(Text(None));
        }
        if self.is_tight() {
            // Whether it is ASCII alone: it looks the same.
            self.boolean()?;
        }
        let len = usize::from(self.cursor.u16_be()?);
        Some(Text(Some(self.cursor.take(len)?)))
    }
}

/// A text or null.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a>(pub(super) Option<&'a [u8]>);
