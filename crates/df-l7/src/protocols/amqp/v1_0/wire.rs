//! Reads the head of a frame of AMQP 1.0 and tells whether one can begin somewhere.
//!
//! ```text
//! +------------+-----------+---------------------------+----------------------+-----------------+-------------------------+
//! | size (u32) | doff (u8) | type (u8: AMQP 0, SASL 1) | channel (u16, AMQP)  | extended header | performative, payload   |
//! +------------+-----------+---------------------------+----------------------+-----------------+-------------------------+
//! performative: 0x00, descriptor (0x53 and one byte), list.  A frame without one is a heartbeat.
//! ```

use df_core::Direction;

use crate::Cursor;

use super::performative::Kind;
use super::value::Described;

/// Size, offset of the body, type and channel.
pub(super) const HEAD_BYTES: usize = 8;
/// A body begins after this many words of four bytes, where nothing extends the head. Nothing ever does.
const OFFSET_WORDS: u8 = 2;
const AMQP_FRAME: u8 = 0;
const SASL_FRAME: u8 = 1;
/// Peers agree on a few hundred KiB at most.
const MAX_FRAME_BYTES: usize = 128 * 1024 * 1024;

/// What stands in front of a frame's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHead {
    /// The length of the frame with its head.
    pub(super) bytes: usize,
    pub(super) body_offset: usize,
    pub(super) is_sasl: bool,
    pub(super) channel: u16,
}

impl FrameHead {
    /// Reads it from the first [`HEAD_BYTES`] of a frame; none if no frame can begin so.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let size = usize::try_from(cursor.u32_be()?).ok()?;
        let offset_words = cursor.u8()?;
        let frame_type = cursor.u8()?;
        let channel = cursor.u16_be()?;
        let body_offset = usize::from(offset_words) * 4;
        let is_plausible = size <= MAX_FRAME_BYTES
            && offset_words >= OFFSET_WORDS
            && body_offset <= size
            && matches!(frame_type, AMQP_FRAME | SASL_FRAME);
        is_plausible.then_some(Self { bytes: size, body_offset, is_sasl: frame_type == SASL_FRAME, channel })
    }

    /// Whether nothing is in it.
    pub(super) const fn is_empty(&self) -> bool {
        self.bytes == self.body_offset
    }

    /// The body as far as it is there.
    pub(super) fn body<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let frame = bytes.get(..self.bytes).unwrap_or(bytes);
        frame.get(self.body_offset..).unwrap_or_default()
    }
}

/// What begins somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Start {
    /// A frame with a performative; its sender, if the performative tells.
    Frame { sender: Option<Direction> },
    /// A frame without anything, and the length of it.
    Heartbeat(usize),
    /// Too little to tell.
    Unknown,
    /// Something else.
    Stranger,
}

/// Whether a frame of AMQP 1.0 begins here, in the middle of a conversation: head, performative and lengths agree.
pub(in super::super) fn start_of(bytes: &[u8]) -> Start {
    let Some(known) = bytes.get(..HEAD_BYTES) else {
        return if may_begin(bytes) { Start::Unknown } else { Start::Stranger };
    };
    let Some(head) = FrameHead::parse(known).filter(is_plausible) else {
        return Start::Stranger;
    };
    if head.is_empty() {
        return if head.is_sasl || head.channel > 0 { Start::Stranger } else { Start::Heartbeat(head.bytes) };
    }
    let body_bytes = head.bytes - head.body_offset;
    performative(head.is_sasl, body_bytes, head.body(bytes))
}

/// Whether a head may begin with these bytes, of which there are too few.
fn may_begin(bytes: &[u8]) -> bool {
    let mut cursor = Cursor::new(bytes);
    let Some([high, middle, ..]) = cursor.array::<4>() else { return bytes.first() == Some(&0) };
    let is_offset = cursor.u8().is_none_or(|words| words == OFFSET_WORDS);
    let is_type = cursor.u8().is_none_or(|frame_type| matches!(frame_type, AMQP_FRAME | SASL_FRAME));
    high == 0 && middle <= 0x10 && is_offset && is_type
}

/// More is asked of what begins in the middle than of what follows a frame.
fn is_plausible(head: &FrameHead) -> bool {
    head.bytes <= MAX_PLAUSIBLE_BYTES
        && head.body_offset == HEAD_BYTES
        && (!head.is_sasl || head.channel == 0)
}

/// Whether a performative begins here that fits into the frame, and fills it if it brings no payload.
fn performative(is_sasl: bool, body_bytes: usize, body: &[u8]) -> Start {
    let expected = [Described::FIRST_BYTE, Described::SMALL_CODE];
    if body.iter().zip(expected).any(|(byte, expected)| *byte != expected) {
        return Start::Stranger;
    }
    let mut cursor = Cursor::new(body);
    let Some([_, _, code]) = cursor.array() else { return Start::Unknown };
    let Some(kind) = Kind::find(code.into()).filter(|kind| kind.is_sasl() == is_sasl) else {
        return Start::Stranger;
    };
    let Some(constructor) = cursor.u8() else { return Start::Unknown };
    let size = match constructor {
        0x45 => Some(0),
        0xC0 => cursor.u8().map(usize::from),
        0xD0 => cursor.u32_be().and_then(|size| usize::try_from(size).ok()),
        _ => return Start::Stranger,
    };
    let Some(size) = size else { return Start::Unknown };
    let end = cursor.position().saturating_add(size);
    let fits = if kind == Kind::Transfer { end <= body_bytes } else { end == body_bytes };
    let is_empty_allowed = matches!(kind, Kind::End | Kind::Close);
    if !fits || (size < 2 && !is_empty_allowed) {
        return Start::Stranger;
    }
    Start::Frame { sender: kind.sender() }
}

/// Frames that are longer are not waited for.
const MAX_PLAUSIBLE_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_and_consistent_frames_begin_in_the_middle() {
        let close = b"\0\0\0\x0C\x02\0\0\0\0\x53\x18\x45";
        assert_eq!(start_of(close), Start::Frame { sender: None });
        for len in 1..close.len() {
            assert_eq!(start_of(&close[..len]), Start::Unknown, "{len} bytes");
        }
        let init = b"\0\0\0\x10\x02\x01\0\0\0\x53\x41\xC0\x03\x01\xA3\x00";
        assert_eq!(start_of(init), Start::Frame { sender: Some(Direction::ToServer) });
        assert_eq!(start_of(b"\0\0\0\x08\x02\0\0\0"), Start::Heartbeat(8));
        let strangers: [&[u8]; 8] = [
            b"\0\0\0\x0C\x03\0\0\0\0\x53\x18\x45",
            b"\0\0\0\x0D\x02\0\0\0\0\x53\x18\x45",
            b"\0\0\0\x0C\x02\x01\0\0\0\x53\x18\x45",
            b"\0\0\0\x0C\x02\0\0\0\0\x53\x19\x45",
            b"\0\0\0\x0C\x02\0\0\0\0\x53\x10\x45",
            b"\0\0\0\x07\x02\0\0\0",
            b"\0\0\0\x08\x02\0\0\x01",
            b"\x17\x03\x03\x01\x02\0\0\0",
        ];
        for stranger in strangers {
            assert_eq!(start_of(stranger), Start::Stranger, "{stranger:?}");
        }
    }
}
