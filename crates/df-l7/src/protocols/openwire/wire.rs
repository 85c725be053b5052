//! Reads frames and the fields that every command has.
//!
//! ```text
//! +--------------+-----------+-----------------------------------------------------------------+
//! | length (u32) | type (u8) | loose: id (u32), wants an answer (u8), fields                   |
//! |              |           | tight: length of bits (1 to 3), bits, id (u32), fields          |
//! +--------------+-----------+-----------------------------------------------------------------+
//! ```

use df_core::{Direction, Transport};

use crate::{Cursor, Detection};

use super::commands::{
    BROKER_INFO, CONNECTION_CONTROL, CONNECTION_INFO, KEEP_ALIVE_INFO, WIRE_FORMAT_INFO, is_response, name,
};
use super::reader::Reader;

/// The bytes of the length in front of every frame.
pub(super) const LENGTH_BYTES: usize = 4;
/// Length and type.
pub(super) const PREFIX_BYTES: usize = 5;
/// Brokers take 100 MiB by default (`maxFrameSize`).
const MAX_FRAME_BYTES: usize = 256 * 1024 * 1024;
const MAGIC: &[u8] = b"ActiveMQ";

/// How long the frame at the start of `bytes` is with its length; none if there is no plausible length.
pub(super) fn frame_bytes(bytes: &[u8]) -> Option<usize> {
    let length = usize::try_from(Cursor::new(bytes).u32_be()?).ok()?;
    (1..=MAX_FRAME_BYTES).contains(&length).then(|| length.saturating_add(LENGTH_BYTES))
}

/// The type of the command and a reader of what follows it. None if the frame is cut there or the type is unknown.
pub(super) fn command(frame: &[u8]) -> Option<(u8, &[u8])> {
    let (kind, body) = frame.get(LENGTH_BYTES..)?.split_first()?;
    name(*kind).map(|_| (*kind, body))
}

/// What every command begins with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Base {
    pub(super) id: u32,
    pub(super) wants_answer: bool,
}

impl Base {
    /// Reads it; the reader then stands before the command's own fields.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        if reader.is_tight() {
            let wants_answer = reader.boolean()?;
            return Some(Self { id: reader.u32()?, wants_answer });
        }
        Some(Self { id: reader.u32()?, wants_answer: reader.boolean()? })
    }
}

/// What a `WireFormatInfo` tells.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WireFormat {
    pub(super) version: u32,
    /// Whether values that come again are sent as numbers.
    pub(super) has_cache: bool,
}

impl WireFormat {
    /// Reads what follows the type, as far as it is there.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body.strip_prefix(MAGIC)?);
        let mut format = Self { version: cursor.u32_be()?, has_cache: false };
        let _ = format.read_properties(&mut cursor);
        Some(format)
    }

    fn read_properties(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        if cursor.u8()? != 1 {
            return None;
        }
        cursor.take(4)?;
        for _ in 0..cursor.u32_be()?.min(MAX_PROPERTIES) {
            let len = usize::from(cursor.u16_be()?);
            let name = cursor.take(len)?;
            let kind = cursor.u8()?;
            let len = match kind {
                0 => 0,
                1 | 2 => 1,
                3 | 4 => 2,
                5 | 7 => 4,
                6 | 8 => 8,
                9 => usize::from(cursor.u16_be()?),
                _ => return None,
            };
            let value = cursor.take(len)?;
            if name == b"CacheEnabled" {
                self.has_cache = value == [1];
            }
        }
        Some(())
    }
}

/// Says whether these bytes are this protocol's: the magic of a `WireFormatInfo` and what follows it, or in mid-stream a response.
pub(super) fn detect(_transport: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    if bytes.first().is_some_and(|first| *first != 0) {
        return Detection::NoMatch;
    }
    let Some((kind, body)) = bytes.get(LENGTH_BYTES..).and_then(<[u8]>::split_first) else {
        return Detection::NeedMore;
    };
    if *kind == WIRE_FORMAT_INFO {
        return match body.get(..MAGIC.len()) {
            Some(magic) if magic == MAGIC => behind_wire_format(direction, bytes),
            None if MAGIC.starts_with(body) => Detection::NeedMore,
            _ => Detection::NoMatch,
        };
    }
    let is_reply = is_response(*kind) && frame_bytes(bytes) == Some(bytes.len()) && is_frame_start(bytes);
    match direction {
        Direction::ToClient if is_reply => Detection::WEAK,
        Direction::ToServer if is_reply => Detection::WEAK_REVERSED,
        _ => Detection::NoMatch,
    }
}

/// Both ends send the same first, and may send the same next: what comes then tells which is the client.
fn behind_wire_format(direction: Direction, bytes: &[u8]) -> Detection {
    if frame_bytes(bytes).is_none_or(|len| bytes.len() < len) {
        // It comes in pieces: there may be too many to wait for.
        return Detection::CERTAIN;
    }
    let mut rest = bytes;
    for _ in 0..MAX_SYMMETRIC {
        match (rest.get(LENGTH_BYTES), direction) {
            (None, _) => return Detection::NeedMore,
            (Some(&(WIRE_FORMAT_INFO | KEEP_ALIVE_INFO | CONNECTION_CONTROL)), _) => {}
            (Some(&BROKER_INFO), Direction::ToServer) | (Some(&CONNECTION_INFO), Direction::ToClient) => {
                return Detection::CERTAIN_REVERSED;
            }
            _ => return Detection::CERTAIN,
        }
        rest = frame_bytes(rest).and_then(|len| rest.get(len..)).unwrap_or_default();
    }
    Detection::CERTAIN
}

/// Whether a frame can start here, in the middle of a conversation.
pub(super) fn is_frame_start(bytes: &[u8]) -> bool {
    let Some((kind, body)) = frame_bytes(bytes).and_then(|_| command(bytes)) else { return false };
    if kind == WIRE_FORMAT_INFO {
        return body.starts_with(MAGIC);
    }
    let is_small = |reader: Option<Reader<'_>>| {
        reader.and_then(|mut reader| Base::read(&mut reader)).is_some_and(|base| base.id < MAX_PLAUSIBLE_ID)
    };
    // The second byte of a loose command is the first of its id.
    is_small(Reader::new(body)) && (body.first() != Some(&0) || body.get(4).is_some_and(|answer| *answer < 2))
}

/// How many commands that both ends send are waited through.
const MAX_SYMMETRIC: usize = 8;
const MAX_PROPERTIES: u32 = 64;
/// Commands are counted per connection.
const MAX_PLAUSIBLE_ID: u32 = 1 << 24;
