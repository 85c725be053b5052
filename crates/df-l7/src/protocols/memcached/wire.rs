//! memcached's wire formats: lines and words of the text protocol, the header of the binary one, the frame of datagrams.
//!
//! ```text
//! set key flags exptime bytes [noreply]\r\n data \r\n         get key key...\r\n
//! VALUE key flags bytes [cas]\r\n data \r\n ... END\r\n       mg key flag flag...\r\n      VA bytes flag...\r\n data \r\n
//!
//! binary   magic opcode key-length(2) extras-length data-type vbucket-or-status(2) body-length(4) opaque(4) cas(8)
//!          extras key value
//! UDP      request-id(2) number(2) total(2) 0(2), then either of the above
//! ```

use crate::{Cursor, ParseError, ParseErrorReason};

/// The longest key that a server takes.
pub(super) const MAX_KEY_BYTES: usize = 250;
/// The largest value that a server can be configured for is below 2 GiB.
const MAX_VALUE_BYTES: u64 = 1 << 31;
/// The length of the binary protocol's header.
pub(super) const HEADER_BYTES: usize = 24;
/// The length of the frame in front of a datagram's content.
pub(super) const FRAME_BYTES: usize = 8;

/// The line at the start of `bytes` without its end, and its whole length. The first `scanned` bytes are known to have no
/// line feed.
pub(super) fn line(bytes: &[u8], scanned: usize) -> Option<(&[u8], usize)> {
    let end = scanned.checked_add(memchr::memchr(b'\n', bytes.get(scanned..)?)?)?;
    let text = bytes.get(..end)?;
    Some((text.strip_suffix(b"\r").unwrap_or(text), end + 1))
}

/// The words of a line: blanks part them, several count as one.
pub(super) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&byte| byte == b' ').filter(|word| !word.is_empty())
}

/// A decimal number without sign.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 20 {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, &digit| {
        let value = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        sum.checked_mul(10)?.checked_add(value)
    })
}

/// A length that a value can have.
pub(super) fn value_length(digits: &[u8]) -> Option<usize> {
    number(digits).filter(|&len| len < MAX_VALUE_BYTES).and_then(|len| usize::try_from(len).ok())
}

/// How many bytes a line and the value behind it, with its line end, take.
pub(super) fn with_value(line_bytes: usize, value_bytes: usize) -> usize {
    line_bytes.saturating_add(value_bytes).saturating_add(2)
}

/// Whether this can be a key of the text protocol.
pub(super) fn is_key(word: &[u8]) -> bool {
    !word.is_empty() && word.len() <= MAX_KEY_BYTES && word.iter().all(|&byte| byte > b' ' && byte != 0x7f)
}

/// The header of a binary message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) is_response: bool,
    pub(super) opcode: u8,
    pub(super) key_bytes: usize,
    pub(super) extras_bytes: usize,
    /// The status of a response, the virtual bucket of a request.
    pub(super) status: u16,
    pub(super) body_bytes: usize,
    pub(super) opaque: u32,
}

impl Header {
    /// Reads the header at the start of `bytes`; none if it is not complete.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<Self>, ParseError> {
        let mut cursor = Cursor::new(bytes);
        let invalid = |offset| Err(ParseError::new(offset, ParseErrorReason::InvalidValue));
        let Some(header) = Self::read(&mut cursor) else { return Ok(None) };
        match bytes {
            [0x80 | 0x81, _, _, _, _, 0, ..] => {}
            [0x80 | 0x81, ..] => return invalid(5),
            _ => return invalid(0),
        }
        let front_bytes = header.key_bytes.saturating_add(header.extras_bytes);
        if header.body_bytes < front_bytes || header.body_bytes as u64 >= MAX_VALUE_BYTES {
            return Err(ParseError::new(8, ParseErrorReason::InvalidLength));
        }
        Ok(Some(header))
    }

    /// The whole message's length.
    pub(super) const fn message_bytes(&self) -> usize {
        HEADER_BYTES.saturating_add(self.body_bytes)
    }

    /// How long the value is that follows extras and key.
    pub(super) const fn value_bytes(&self) -> usize {
        self.body_bytes.saturating_sub(self.key_bytes).saturating_sub(self.extras_bytes)
    }

    /// The key, as far as it is there.
    pub(super) fn key<'a>(&self, message: &'a [u8]) -> &'a [u8] {
        part(message, HEADER_BYTES.saturating_add(self.extras_bytes), self.key_bytes)
    }

    /// The value, as far as it is there.
    pub(super) fn value<'a>(&self, message: &'a [u8]) -> &'a [u8] {
        let start = HEADER_BYTES.saturating_add(self.extras_bytes).saturating_add(self.key_bytes);
        part(message, start, self.value_bytes())
    }

    fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        let is_response = cursor.u8()? == 0x81;
        let opcode = cursor.u8()?;
        let key_bytes = usize::from(cursor.u16_be()?);
        let extras_bytes = usize::from(cursor.u8()?);
        let _data_type = cursor.u8()?;
        let status = cursor.u16_be()?;
        let body_bytes = usize::try_from(cursor.u32_be()?).ok()?;
        let opaque = cursor.u32_be()?;
        cursor.take(8)?;
        Some(Self { is_response, opcode, key_bytes, extras_bytes, status, body_bytes, opaque })
    }
}

/// The frame in front of a datagram's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) request_id: u16,
    /// The datagram's number among those of its message, from 0.
    pub(super) number: u16,
}

impl Frame {
    /// Reads the frame at the start of `bytes`.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let (request_id, number) = (cursor.u16_be()?, cursor.u16_be()?);
        let (total, reserved) = (cursor.u16_be()?, cursor.u16_be()?);
        (number < total && reserved == 0).then_some(Self { request_id, number })
    }
}

fn part(bytes: &[u8], start: usize, len: usize) -> &[u8] {
    let rest = bytes.get(start..).unwrap_or_default();
    rest.get(..len).unwrap_or(rest)
}
