//! FastCGI records and name-value pairs as they are on the wire (FastCGI Specification §3.3, §3.4).
//!
//! ```text
//! 0        1      2           4               6          7
//! version  type   request id  content length  padding    reserved     content   padding
//! 1        1..11  0: the application's own    length
//! ```

use crate::{Cursor, ParseError, ParseErrorReason};

/// The length of a record's header.
pub(super) const HEADER_BYTES: usize = 8;

/// The types of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordType {
    BeginRequest,
    AbortRequest,
    EndRequest,
    Params,
    Stdin,
    Stdout,
    Stderr,
    Data,
    GetValues,
    GetValuesResult,
    UnknownType,
}

impl RecordType {
    const fn of(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::BeginRequest,
            2 => Self::AbortRequest,
            3 => Self::EndRequest,
            4 => Self::Params,
            5 => Self::Stdin,
            6 => Self::Stdout,
            7 => Self::Stderr,
            8 => Self::Data,
            9 => Self::GetValues,
            10 => Self::GetValuesResult,
            11 => Self::UnknownType,
            _ => return None,
        })
    }

    /// Whether it is the web server that sends it.
    pub(super) const fn is_of_client(self) -> bool {
        matches!(
            self,
            Self::BeginRequest
                | Self::AbortRequest
                | Self::Params
                | Self::Stdin
                | Self::Data
                | Self::GetValues
        )
    }
}

/// A record's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: RecordType,
    pub(super) request_id: u16,
    pub(super) content_bytes: usize,
    padding_bytes: usize,
}

impl Header {
    /// Reads the header at the start of `bytes`; none if it is not complete.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<Self>, ParseError> {
        if bytes.first().is_some_and(|&version| version != 1) {
            return Err(ParseError::new(0, ParseErrorReason::InvalidValue));
        }
        let kind = bytes.get(1).map(|&number| RecordType::of(number));
        if kind == Some(None) {
            return Err(ParseError::new(1, ParseErrorReason::InvalidValue));
        }
        Ok(kind.flatten().and_then(|kind| Self::read(kind, bytes)))
    }

    /// The record's length with header and padding.
    pub(super) const fn record_bytes(&self) -> usize {
        HEADER_BYTES.saturating_add(self.content_bytes).saturating_add(self.padding_bytes)
    }

    /// The record's content, as far as it is there.
    pub(super) fn content<'a>(&self, record: &'a [u8]) -> &'a [u8] {
        let rest = record.get(HEADER_BYTES..).unwrap_or_default();
        rest.get(..self.content_bytes).unwrap_or(rest)
    }

    fn read(kind: RecordType, bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        cursor.take(2)?;
        let (request_id, content_bytes) = (cursor.u16_be()?, usize::from(cursor.u16_be()?));
        let padding_bytes = usize::from(cursor.u8()?);
        cursor.u8()?;
        Some(Self { kind, request_id, content_bytes, padding_bytes })
    }
}

/// The name-value pairs of a stream of parameters. Ends where they do, or where they are cut.
#[derive(Debug, Clone)]
pub(super) struct Pairs<'a>(Cursor<'a>);

impl<'a> Pairs<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(Cursor::new(bytes))
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name_bytes, value_bytes) = (length(&mut self.0)?, length(&mut self.0)?);
        Some((self.0.take(name_bytes)?, self.0.take(value_bytes)?))
    }
}

/// One byte below 128, or four of which the first has its highest bit set.
fn length(cursor: &mut Cursor<'_>) -> Option<usize> {
    let first = *cursor.rest().first()?;
    if first < 0x80 {
        return cursor.u8().map(usize::from);
    }
    usize::try_from(cursor.u32_be()? & 0x7fff_ffff).ok()
}

/// How a request ended (§5.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct EndRequest {
    pub(super) application_status: u32,
    pub(super) protocol_status: u8,
}

impl EndRequest {
    pub(super) fn parse(content: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(content);
        Some(Self { application_status: cursor.u32_be()?, protocol_status: cursor.u8()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_and_pairs_as_in_the_specification() {
        let record = [1, 6, 0x12, 0x34, 0, 5, 3, 0, b'h', b'e', b'l', b'l', b'o', 0, 0, 0];
        let header = Header::parse(&record).unwrap().unwrap();
        assert_eq!((header.kind, header.request_id, header.record_bytes()), (RecordType::Stdout, 0x1234, 16));
        assert_eq!(header.content(&record), b"hello");
        assert_eq!(header.content(&record[..10]), b"he");
        assert!(
            Header::parse(&[2]).is_err()
                && Header::parse(&[1, 0]).is_err()
                && Header::parse(&[1, 12]).is_err()
        );
        assert_eq!(Header::parse(&record[..7]), Ok(None));

        let mut pairs = b"\x03\x05ABCvalue\x02\x00XY\x01".to_vec();
        pairs.extend([0x80, 0, 0, 200, b'N']);
        pairs.extend([b'v'; 200]);
        let read: Vec<_> = Pairs::new(&pairs).collect();
        assert_eq!(read[..2], [(&b"ABC"[..], &b"value"[..]), (b"XY", b"")]);
        assert_eq!((read[2].0, read[2].1.len(), read.len()), (&b"N"[..], 200, 3));
        assert_eq!(Pairs::new(&pairs[..pairs.len() - 1]).count(), 2);
    }
}
