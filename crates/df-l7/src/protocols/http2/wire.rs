//! HTTP/2 frames as they are on the wire (RFC 9113 §4, §6), borrowed and without meaning.
//!
//! ```text
//!  0        3     4      5             9
//!  | length | type | flags | stream id  | payload ...
//! ```

use crate::Cursor;

/// What every frame begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    /// The payload's length in bytes.
    pub(super) payload_len: usize,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl FrameHeader {
    /// The first nine bytes as a frame's header, if there are so many.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let [high, middle, low] = cursor.array()?;
        let payload_len = u32::from_be_bytes([0, high, middle, low]);
        let (kind, flags) = (cursor.u8()?, cursor.u8()?);
        let stream = cursor.u32_be()? & 0x7fff_ffff;
        Some(Self { payload_len: usize::try_from(payload_len).ok()?, kind, flags, stream })
    }

    pub(super) const fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The frame's length with its header.
    pub(super) const fn len(self) -> usize {
        FRAME_HEADER_BYTES + self.payload_len
    }

    /// Whether length and stream are what the kind of frame asks for. Kinds that the RFC does not know are to be ignored
    /// by whoever gets them, but no extension in use has a long frame.
    pub(super) const fn is_sane(self) -> bool {
        let is_on_stream = self.stream != 0;
        match self.kind {
            DATA | HEADERS => is_on_stream,
            CONTINUATION => is_on_stream && self.flags & !END_HEADERS == 0,
            PRIORITY => is_on_stream && self.payload_len == 5,
            RST_STREAM => is_on_stream && self.payload_len == 4,
            SETTINGS => {
                let is_length =
                    if self.has(ACK) { self.payload_len == 0 } else { self.payload_len.is_multiple_of(6) };
                !is_on_stream && is_length && self.payload_len <= MAX_SETTINGS_BYTES
            }
            PUSH_PROMISE => is_on_stream && self.payload_len >= 4,
            PING => !is_on_stream && self.payload_len == 8,
            GOAWAY => !is_on_stream && self.payload_len >= 8,
            WINDOW_UPDATE => self.payload_len == 4,
            _ => self.payload_len <= MAX_EXTENSION_BYTES,
        }
    }

    /// Whether nothing is set that the kind of frame does not define, and the length is one that nobody needs leave for.
    pub(super) const fn is_strict(self) -> bool {
        let flags = match self.kind {
            DATA => END_STREAM | PADDED,
            HEADERS => END_STREAM | END_HEADERS | PADDED | PRIORITY_FLAG,
            SETTINGS | PING => ACK,
            PUSH_PROMISE => END_HEADERS | PADDED,
            CONTINUATION => END_HEADERS,
            PRIORITY | RST_STREAM | GOAWAY | WINDOW_UPDATE => 0,
            _ => return false,
        };
        self.flags & !flags == 0 && self.payload_len <= USUAL_MAX_FRAME_BYTES && self.is_sane()
    }
}

/// The payload without padding and what stands before the part that matters: the priority of HEADERS, the promised stream of
/// PUSH_PROMISE. Of a payload that was cut, what is there. None if the lengths contradict each other.
pub(super) fn header_block(header: FrameHeader, payload: &[u8]) -> Option<(&[u8], Option<u32>)> {
    let mut cursor = Cursor::new(payload);
    let padding_len = if header.has(PADDED) { usize::from(cursor.u8()?) } else { 0 };
    let promised = match header.kind {
        PUSH_PROMISE => Some(cursor.u32_be()? & 0x7fff_ffff),
        HEADERS if header.has(PRIORITY_FLAG) => {
            cursor.take(PRIORITY_BYTES)?;
            None
        }
        _ => None,
    };
    let end = header.payload_len.checked_sub(padding_len)?;
    let block_len = end.checked_sub(cursor.position())?;
    let rest = cursor.rest();
    Some((rest.get(..block_len).unwrap_or(rest), promised))
}

/// Whether these are settings that every implementation knows, with values that they may have.
pub(super) fn is_known_settings(header: FrameHeader, payload: &[u8]) -> bool {
    let Some(payload) = payload.get(..header.payload_len).filter(|payload| !payload.is_empty()) else {
        return false;
    };
    let mut cursor = Cursor::new(payload);
    while let Some((identifier, value)) = cursor.u16_be().zip(cursor.u32_be()) {
        let is_known = match identifier {
            1 | 3 | 6 => true,
            2 | 8 | 9 => value <= 1,
            4 => value <= MAX_WINDOW,
            5 => (MIN_FRAME_LIMIT..=MAX_FRAME_LIMIT).contains(&value),
            _ => false,
        };
        if !is_known {
            return false;
        }
    }
    true
}

/// The last stream that was or may be served, and the error code.
pub(super) fn go_away(payload: &[u8]) -> Option<(u32, u32)> {
    let mut cursor = Cursor::new(payload);
    Some((cursor.u32_be()? & 0x7fff_ffff, cursor.u32_be()?))
}

/// The name of an error code (RFC 9113 §7).
pub(super) fn error_name(code: u32) -> Option<&'static str> {
    ERROR_NAMES.get(usize::try_from(code).ok()?).copied()
}

/// What a client says first.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(super) const FRAME_HEADER_BYTES: usize = 9;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 0x1;
pub(super) const ACK: u8 = 0x1;
pub(super) const END_HEADERS: u8 = 0x4;
pub(super) const PADDED: u8 = 0x8;
pub(super) const PRIORITY_FLAG: u8 = 0x20;

const MAX_WINDOW: u32 = 0x7fff_ffff;
const MIN_FRAME_LIMIT: u32 = 16_384;
const MAX_FRAME_LIMIT: u32 = 0x00ff_ffff;
const PRIORITY_BYTES: usize = 5;
/// More settings than anybody has.
const MAX_SETTINGS_BYTES: usize = 6 * 64;
const MAX_EXTENSION_BYTES: usize = 16_384;
/// What a peer may send without being allowed more (SETTINGS_MAX_FRAME_SIZE).
const USUAL_MAX_FRAME_BYTES: usize = 16_384;

const ERROR_NAMES: [&str; 14] = [
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
];
