//! Reads ASN.1 elements in BER, of which DER is the strict form (X.690), without ever reading past their end.

use crate::Cursor;

/// One element: its identifier byte and its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    /// Class, form and number; only numbers below 31 are read.
    pub(crate) tag: u8,
    /// What it holds; less than announced if the bytes were cut.
    pub(crate) content: &'a [u8],
}

/// The identifier and length in front of an element's content.
///
/// ```text
/// | tag | length < 128 |        | tag | 0x80 + count of length bytes | length, big-endian |
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) tag: u8,
    /// How many bytes identifier and length take.
    pub(crate) prefix_bytes: usize,
    pub(crate) content_bytes: usize,
}

/// Why no header could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderError {
    /// The bytes end before the header does.
    Incomplete,
    /// A long tag, an indefinite length, or one of more than four bytes.
    Unreadable,
}

impl Header {
    /// Reads the header at the start of `bytes`.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, HeaderError> {
        let mut cursor = Cursor::new(bytes);
        let tag = cursor.u8().ok_or(HeaderError::Incomplete)?;
        if tag & 0x1f == 0x1f {
            return Err(HeaderError::Unreadable);
        }
        let first = cursor.u8().ok_or(HeaderError::Incomplete)?;
        let content_bytes = match first {
            0..=0x7f => usize::from(first),
            0x81..=0x84 => {
                let count = usize::from(first & 0x7f);
                let digits = cursor.take(count).ok_or(HeaderError::Incomplete)?;
                digits.iter().fold(0_usize, |sum, &digit| sum << 8 | usize::from(digit))
            }
            _ => return Err(HeaderError::Unreadable),
        };
        Ok(Self { tag, prefix_bytes: cursor.position(), content_bytes })
    }

    /// How many bytes the whole element takes.
    pub(crate) const fn total_bytes(&self) -> usize {
        self.prefix_bytes.saturating_add(self.content_bytes)
    }
}

/// Reads the elements of one level, one after the other. Ends at the first that cannot be read; the last may be cut.
#[derive(Debug, Clone)]
pub(crate) struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next element if it has this tag; else nothing is read.
    pub(crate) fn next_if(&mut self, tag: u8) -> Option<Element<'a>> {
        if self.0.first() != Some(&tag) {
            return None;
        }
        self.next()
    }

    /// The content of the next element, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next_if(tag).map(|element| element.content)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let header = Header::read(self.0).ok()?;
        let content = self.0.get(header.prefix_bytes..)?;
        self.0 = content.get(header.content_bytes..).unwrap_or_default();
        Some(Element { tag: header.tag, content: content.get(..header.content_bytes).unwrap_or(content) })
    }
}

/// A whole number of at most eight bytes, in two's complement.
pub(crate) fn integer(content: &[u8]) -> Option<i64> {
    let first = content.first()?;
    if content.len() > 8 {
        return None;
    }
    let sign = if first & 0x80 == 0 { 0_i64 } else { -1 };
    Some(content.iter().fold(sign, |sum, &byte| sum << 8 | i64::from(byte)))
}

/// The tags of universal types.
pub(crate) mod tag {
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
    pub(crate) const ENUMERATED: u8 = 0x0a;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const BMP_STRING: u8 = 0x1e;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_one_after_the_other() {
        let mut elements = Elements::new(&[2, 1, 5, 4, 0x81, 2, b'a', b'b', 0x30, 3, 1]);
        assert_eq!(elements.next_if(4), None);
        assert_eq!(elements.expect(tag::INTEGER).and_then(integer), Some(5));
        assert_eq!(elements.expect(tag::OCTET_STRING), Some(&b"ab"[..]));
        assert_eq!(elements.next(), Some(Element { tag: 0x30, content: &[1] }), "cut");
        assert_eq!(elements.next(), None);
    }

    #[test]
    fn headers_that_cannot_be_read_say_why() {
        for (bytes, expected) in [
            (&[][..], HeaderError::Incomplete),
            (&[0x30], HeaderError::Incomplete),
            (&[0x30, 0x82, 1], HeaderError::Incomplete),
            (&[0x30, 0x80, 0, 0], HeaderError::Unreadable),
            (&[0x30, 0x85, 0, 0, 0, 0, 0], HeaderError::Unreadable),
            (&[0x1f, 1, 0], HeaderError::Unreadable),
        ] {
            assert_eq!(Header::read(bytes), Err(expected), "{bytes:x?}");
        }
        let long = Header::read(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]).map(|header| header.total_bytes());
        assert_eq!(long, Ok(0xffff_ffff + 6));
    }

    #[test]
    fn integers_have_a_sign() {
        assert_eq!(integer(&[0xff]), Some(-1));
        assert_eq!(integer(&[0, 0x80]), Some(128));
        assert_eq!(integer(&[]), None);
        assert_eq!(integer(&[1; 9]), None);
    }
}
