//! Reads frames of AMQP 0-9-1 and the values in them.
//!
//! ```text
//! +-----------+---------------+------------+---------+------------+
//! | type (u8) | channel (u16) | size (u32) | payload | 0xCE       |
//! +-----------+---------------+------------+---------+------------+
//! method: class (u16), method (u16), arguments
//! header: class (u16), weight (u16), body size (u64), flags (u16), properties
//! ```

use crate::Cursor;

/// Type, channel and size.
pub(in super::super) const HEAD_BYTES: usize = 7;
/// What ends every frame.
pub(in super::super) const FRAME_END: u8 = 0xCE;
/// Brokers take 128 KiB by default (`frame_max`).
const MAX_FRAME_BYTES: usize = 128 * 1024 * 1024;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum FrameKind {
    Method,
    Header,
    Body,
    Heartbeat,
}

/// What stands in front of a frame's payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct FrameHead {
    pub(in super::super) kind: FrameKind,
    pub(in super::super) channel: u16,
    pub(in super::super) payload_bytes: usize,
}

impl FrameHead {
    /// Reads it from the first [`HEAD_BYTES`] of a frame; none if no frame can begin so.
    pub(in super::super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let kind = match cursor.u8()? {
            1 => FrameKind::Method,
            2 => FrameKind::Header,
            3 => FrameKind::Body,
            8 => FrameKind::Heartbeat,
            _ => return None,
        };
        let channel = cursor.u16_be()?;
        let payload_bytes = usize::try_from(cursor.u32_be()?).ok()?;
        let is_plausible = match kind {
            FrameKind::Method => (4..=MAX_FRAME_BYTES).contains(&payload_bytes),
            FrameKind::Header => (14..=MAX_FRAME_BYTES).contains(&payload_bytes) && channel > 0,
            FrameKind::Body => payload_bytes <= MAX_FRAME_BYTES && channel > 0,
            FrameKind::Heartbeat => payload_bytes == 0 && channel == 0,
        };
        is_plausible.then_some(Self { kind, channel, payload_bytes })
    }

    /// The frame's length with head and end.
    pub(in super::super) const fn frame_bytes(&self) -> usize {
        self.payload_bytes.saturating_add(HEAD_BYTES + 1)
    }

    /// The payload in the front of a frame.
    pub(in super::super) fn payload<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        let payload = frame.get(HEAD_BYTES..).unwrap_or_default();
        payload.get(..self.payload_bytes).unwrap_or(payload)
    }
}

/// A text of at most 255 bytes.
pub(super) fn short_text<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let len = usize::from(cursor.u8()?);
    cursor.take(len)
}

/// A text with a long length, or a table.
pub(super) fn long_text<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let len = usize::try_from(cursor.u32_be()?).ok()?;
    cursor.take(len)
}

/// A table's fields as far as they are there, though the table may be cut.
pub(super) fn table<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let len = usize::try_from(cursor.u32_be()?).ok()?;
    let rest = cursor.rest();
    let fields = rest.get(..len).unwrap_or(rest);
    cursor.take(fields.len())
}

pub(super) fn u64_be(cursor: &mut Cursor<'_>) -> Option<u64> {
    cursor.array().map(u64::from_be_bytes)
}

/// The fields of a table that are texts, each with its name. What nests is passed over.
pub(super) fn texts(table: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut cursor = Cursor::new(table);
    std::iter::from_fn(move || {
        loop {
            let name = short_text(&mut cursor)?;
            if let FieldValue::Text(text) = FieldValue::read(&mut cursor)? {
                return Some((name, text));
            }
        }
    })
}

/// The value of a table's field.
enum FieldValue<'a> {
    Text(&'a [u8]),
    Other,
}

impl<'a> FieldValue<'a> {
    /// Reads it. The letters are those that brokers and clients use, which are not quite those of the specification.
    fn read(cursor: &mut Cursor<'a>) -> Option<Self> {
        let len = match cursor.u8()? {
            b'S' | b'x' => return long_text(cursor).map(Self::Text),
            b'A' | b'F' => return long_text(cursor).map(|_| Self::Other),
            b'V' => 0,
            b't' | b'b' | b'B' => 1,
            b's' | b'u' | b'U' => 2,
            b'I' | b'i' | b'f' => 4,
            b'D' => 5,
            b'l' | b'L' | b'd' | b'T' => 8,
            _ => return None,
        };
        cursor.take(len).map(|_| Self::Other)
    }
}
