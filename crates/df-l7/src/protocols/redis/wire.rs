//! The Redis serialization protocol, one element at a time.
//!
//! ```text
//! +text\r\n  -error\r\n  :number\r\n  _\r\n  #t\r\n  ,1.5\r\n  (big number\r\n      one line
//! $len\r\n bytes \r\n    !len\r\n bytes \r\n    =len\r\n bytes \r\n    ;len\r\n bytes \r\n   a bulk; -1 is null
//! *count\r\n  ~count\r\n  >count\r\n  %pairs\r\n  |pairs\r\n                          an aggregate; -1 is null
//! $?\r\n  *?\r\n  ~?\r\n  %?\r\n                     a streamed bulk (ends with ;0\r\n) or aggregate (ends with .\r\n)
//! ```

use crate::{ParseError, ParseErrorReason};

/// The longest line that carries a length, type byte and line end included: a 64-bit number with its sign.
const MAX_LENGTH_LINE_BYTES: usize = 24;
/// The longest bulk string that the server can be configured for (`proto-max-bulk-len`): 2^62 leaves room for sums.
const MAX_BULK_BYTES: u64 = 1 << 40;
/// The most elements of an aggregate; the server's own limit is 2^31 - 1 for clients.
const MAX_ELEMENTS: u64 = 1 << 40;

/// The first line of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element<'a> {
    /// A line that is the whole element. The text is what stands between type byte and line end.
    Line { kind: u8, text: &'a [u8] },
    /// A bulk of `len` bytes, which with a line end of their own follow.
    Bulk { kind: u8, len: u64 },
    /// A null: of the old kind (`$-1`, `*-1`).
    Null,
    /// An aggregate of `count` elements (a map's pairs counted twice), which follow. None: until [`Element::End`].
    Aggregate { kind: u8, count: Option<u64> },
    /// The start of a bulk that comes in pieces.
    StreamedBulk,
    /// The end of a streamed aggregate.
    End,
}

/// Reads the first line of the element at the start of `bytes`, with the length of that line. None: the line end has
/// not come yet. Lines without a length can be of any length.
pub(super) fn first_line(bytes: &[u8], scanned: usize) -> Result<Option<(Element<'_>, usize)>, ParseError> {
    let Some((&kind, rest)) = bytes.split_first() else { return Ok(None) };
    let element = match kind {
        b'+' | b'-' | b':' | b',' | b'(' | b'#' | b'_' => {
            return Ok(line(bytes, scanned).map(|(text, len)| (Element::Line { kind, text }, len)));
        }
        b'$' | b'!' | b'=' | b';' | b'*' | b'~' | b'>' | b'%' | b'|' | b'.' => rest,
        _ => return Err(ParseError::new(0, ParseErrorReason::InvalidValue)),
    };
    let window = element.get(..MAX_LENGTH_LINE_BYTES).unwrap_or(element);
    let Some(end) = memchr::memchr(b'\n', window) else {
        if element.len() >= MAX_LENGTH_LINE_BYTES || !window.iter().all(|&byte| is_length_byte(byte)) {
            return Err(ParseError::new(0, ParseErrorReason::InvalidLength));
        }
        return Ok(None);
    };
    let text = window.get(..end).and_then(|line| line.strip_suffix(b"\r"));
    let text = text.ok_or(ParseError::new(0, ParseErrorReason::InvalidLength))?;
    Ok(Some((with_length(kind, text)?, end + 2)))
}

/// The text of the line at the start of `bytes` without type byte and line end, and the length of the whole line.
/// The first `scanned` bytes are known to have no line feed.
pub(super) fn line(bytes: &[u8], scanned: usize) -> Option<(&[u8], usize)> {
    let end = scanned.checked_add(memchr::memchr(b'\n', bytes.get(scanned..)?)?)?;
    let text = bytes.get(1..end).unwrap_or_default();
    Some((text.strip_suffix(b"\r").unwrap_or(text), end + 1))
}

fn is_length_byte(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'?' | b'\r')
}

fn with_length(kind: u8, text: &[u8]) -> Result<Element<'static>, ParseError> {
    let invalid = ParseError::new(1, ParseErrorReason::InvalidLength);
    let element = match (kind, text) {
        (b'.', b"") => Element::End,
        (b'$', b"?") => Element::StreamedBulk,
        (b'*' | b'~' | b'%' | b'>' | b'|', b"?") => Element::Aggregate { kind, count: None },
        (b'$' | b'*', [b'-', digits @ ..]) if number(digits).is_some() => Element::Null,
        (b'$' | b'!' | b'=' | b';', _) => {
            let len = number(text).filter(|&len| len <= MAX_BULK_BYTES).ok_or(invalid)?;
            Element::Bulk { kind, len }
        }
        (b'*' | b'~' | b'>' | b'%' | b'|', _) => {
            let count = number(text).filter(|&count| count <= MAX_ELEMENTS).ok_or(invalid)?;
            let each = if matches!(kind, b'%' | b'|') { 2 } else { 1 };
            Element::Aggregate { kind, count: Some(count.saturating_mul(each)) }
        }
        _ => return Err(invalid),
    };
    Ok(element)
}

/// A decimal number without sign. None if it is empty, not a number or too long.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, &digit| {
        let value = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        sum.checked_mul(10)?.checked_add(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_as_in_the_specification() {
        let table: &[(&[u8], Element<'_>, usize)] = &[
            (b"+OK\r\n", Element::Line { kind: b'+', text: b"OK" }, 5),
            (b"-ERR no\r\nx", Element::Line { kind: b'-', text: b"ERR no" }, 9),
            (b":-1\r\n", Element::Line { kind: b':', text: b"-1" }, 5),
            (b"_\r\n", Element::Line { kind: b'_', text: b"" }, 3),
            (b"$5\r\nhello", Element::Bulk { kind: b'$', len: 5 }, 4),
            (b"=15\r\ntxt:", Element::Bulk { kind: b'=', len: 15 }, 5),
            (b"$-1\r\n", Element::Null, 5),
            (b"*-1\r\n", Element::Null, 5),
            (b"*0\r\n", Element::Aggregate { kind: b'*', count: Some(0) }, 4),
            (b"%3\r\n", Element::Aggregate { kind: b'%', count: Some(6) }, 4),
            (b"*?\r\n", Element::Aggregate { kind: b'*', count: None }, 4),
            (b"$?\r\n", Element::StreamedBulk, 4),
            (b".\r\n", Element::End, 3),
        ];
        for (bytes, element, len) in table {
            assert_eq!(first_line(bytes, 0), Ok(Some((*element, *len))), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn what_cannot_become_an_element_is_an_error() {
        for bytes in [
            &b"hello\r\n"[..],
            b"$\r\n",
            b"$12x\r\n",
            b"$12\n",
            b"$x",
            b"*99999999999999999999\r\n",
            b"*10000000000000000000000000000",
            b"%-1\r\n",
            b"\0",
        ] {
            assert!(first_line(bytes, 0).is_err(), "{}", bytes.escape_ascii());
        }
        for bytes in [&b"$"[..], b"$1", b"$1\r", b"+OK", b"+OK\r", b""] {
            assert_eq!(first_line(bytes, 0), Ok(None), "{}", bytes.escape_ascii());
        }
    }
}
