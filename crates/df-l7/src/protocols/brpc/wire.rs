//! The frame of `baidu_std`, the fields of protocol buffers in it, and how to know it.
//!
//! ```text
//! | PRPC | length of what follows: 4 bytes | length of the meta data: 4 | meta data | payload | attachment |    big-endian
//! ```

use df_core::{Direction, Transport};

use crate::{Cursor, Detection};

/// The first 12 bytes of every frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Whether it belongs to a stream, not to a call.
    pub(super) is_stream: bool,
    pub(super) frame_len: usize,
    pub(super) meta_len: usize,
}

impl Header {
    /// Reads a header; none if there are too few bytes or they are no header.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let magic: [u8; 4] = cursor.array()?;
        let body_len = usize::try_from(cursor.u32_be()?).ok()?;
        let meta_len = usize::try_from(cursor.u32_be()?).ok()?;
        let is_stream = magic == *STREAM;
        let is_plausible =
            (magic == *CALL || is_stream) && meta_len <= body_len && body_len <= MAX_BODY_BYTES;
        is_plausible.then_some(Self { is_stream, frame_len: HEADER_BYTES + body_len, meta_len })
    }
}

/// Says whether these bytes are this protocol's: four letters, two lengths that agree, and the field of a request or response.
pub(super) fn detect(_: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    let Some(header) = Header::read(bytes) else {
        let is_cut =
            bytes.len() < HEADER_BYTES && CALL.iter().zip(bytes).all(|(letter, byte)| letter == byte);
        return if is_cut { Detection::NeedMore } else { Detection::NoMatch };
    };
    let is_request = match bytes.get(HEADER_BYTES) {
        _ if header.is_stream || header.meta_len == 0 => return Detection::NoMatch,
        None => return Detection::NeedMore,
        Some(&REQUEST_TAG) => true,
        Some(&RESPONSE_TAG) => false,
        Some(_) => return Detection::NoMatch,
    };
    if is_request == (direction == Direction::ToServer) {
        Detection::CERTAIN
    } else {
        Detection::CERTAIN_REVERSED
    }
}

/// A field of a message in protocol buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Field<'a> {
    pub(super) const fn number(self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Bytes(_) => None,
        }
    }

    pub(super) const fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Number(_) => None,
        }
    }
}

/// The fields of a message with their numbers, up to the first that is malformed or cut.
pub(super) fn fields(message: &[u8]) -> impl Iterator<Item = (u64, Field<'_>)> {
    let mut cursor = Cursor::new(message);
    std::iter::from_fn(move || {
        let tag = varint(&mut cursor)?;
        let field = match tag & 7 {
            0 => Field::Number(varint(&mut cursor)?),
            1 => Field::Number(cursor.u64_le()?),
            2 => {
                let len = usize::try_from(varint(&mut cursor)?).ok()?;
                Field::Bytes(cursor.take(len)?)
            }
            5 => Field::Number(u64::from(cursor.u32_le()?)),
            _ => return None,
        };
        Some((tag >> 3, field))
    })
}

fn varint(cursor: &mut Cursor<'_>) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = cursor.u8()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

pub(super) const HEADER_BYTES: usize = 12;
const CALL: &[u8; 4] = b"PRPC";
const STREAM: &[u8; 4] = b"STRM";
/// Field 1 of the meta data, a message.
const REQUEST_TAG: u8 = 0x0a;
/// Field 2 of the meta data, a message.
const RESPONSE_TAG: u8 = 0x12;
/// `max_body_size` is 64 MiB unless configured otherwise.
const MAX_BODY_BYTES: usize = 1 << 30;
