//! MySQL packets inside the compressed protocol.
//!
//! ```text
//! | length: 3 bytes | sequence id: 1 byte | length before compression: 3 bytes, 0 if not compressed | payload |
//! ```

use std::collections::VecDeque;

use df_core::Direction;

use super::conversation::{Conversation, incomplete};
use super::detect;
use super::wire::Header;
use crate::decompress::{self, MAX_DEFLATE_RATIO};
use crate::{Cursor, Ending, Input, Message, ParseError, ParseErrorReason, Parsed};

/// Unwraps one direction.
#[derive(Debug, Default)]
pub(super) struct Unwrapper {
    /// Plain bytes that are not a whole packet yet.
    buffer: Vec<u8>,
    /// How many of the plain bytes to come are to be thrown away.
    skip: u64,
    /// Whether the plain bytes to come may stand anywhere in a packet.
    is_searching: bool,
    /// Messages that the frame held beside the one that was given first.
    ready: VecDeque<Message>,
    /// How many bytes of that frame are not consumed yet.
    frame_left: usize,
    /// Whether that frame held more messages than are kept.
    has_overflowed: bool,
}

/// What a piece of plain bytes was made into.
#[derive(Default)]
struct Gathered {
    messages: VecDeque<Message>,
    has_part: bool,
    has_overflowed: bool,
}

impl Gathered {
    /// Keeps a message, if there are not too many: a kilobyte may unfold into a million bytes of the smallest packets.
    fn push(&mut self, message: Message) {
        if self.messages.len() < MAX_MESSAGES_PER_FRAME {
            self.messages.push_back(message);
        } else {
            self.has_overflowed = true;
        }
    }
}

impl Unwrapper {
    /// Reads one frame. Its messages leave one by one, each with at least one of its bytes.
    pub(super) fn read(
        &mut self,
        conversation: &mut Conversation,
        direction: Direction,
        input: Input<'_>,
    ) -> Result<Parsed, ParseError> {
        if let Some(message) = self.ready.pop_front() {
            return Ok(self.give(message));
        }
        if std::mem::take(&mut self.has_overflowed) {
            self.frame_left = 0;
            return Err(ParseError::new(0, ParseErrorReason::LimitExceeded));
        }
        let Some(frame) = Frame::read(input.bytes) else { return incomplete(input, FRAME_HEADER_BYTES) };
        let wanted = FRAME_HEADER_BYTES + frame.len;
        if input.bytes.len() < wanted && !input.is_final() {
            return Ok(Parsed::Incomplete { needed: wanted });
        }
        let plain = frame.unwrap(input.bytes.get(FRAME_HEADER_BYTES..).unwrap_or_default());
        let missing = frame.plain_len.saturating_sub(plain.len()) as u64;
        let gathered = self.handle_plain(conversation, direction, &plain, missing);
        self.ready = gathered.messages;
        self.has_overflowed = gathered.has_overflowed;
        self.frame_left = wanted;
        Ok(match self.ready.pop_front() {
            Some(message) => self.give(message),
            None if gathered.has_part => Parsed::Part { consumed: wanted },
            None => Parsed::Skipped { consumed: wanted },
        })
    }

    pub(super) fn on_gap(&mut self) {
        *self = Self { is_searching: true, ..Self::default() };
    }

    fn give(&mut self, message: Message) -> Parsed {
        if self.frame_left <= 1 {
            self.ready.clear();
            self.has_overflowed = false;
        }
        // Of a frame that holds too much the last bytes are left, to be an error.
        let is_last = self.ready.is_empty() && !self.has_overflowed;
        let consumed = if is_last { self.frame_left } else { 1 };
        self.frame_left = self.frame_left.saturating_sub(consumed);
        Parsed::Message { consumed: consumed.max(1), message }
    }

    /// Reads all packets in `plain`, behind which `missing` bytes were not unwrapped.
    fn handle_plain(
        &mut self,
        conversation: &mut Conversation,
        direction: Direction,
        plain: &[u8],
        missing: u64,
    ) -> Gathered {
        let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(plain.len());
        self.skip -= skipped as u64;
        let fresh = plain.get(skipped..).unwrap_or_default();
        let mut gathered = Gathered::default();
        let mut held = std::mem::take(&mut self.buffer);
        if held.is_empty() {
            let rest = self.handle_packets(conversation, direction, fresh, missing, &mut gathered);
            self.buffer.extend_from_slice(rest);
        } else {
            held.extend_from_slice(fresh);
            let rest = self.handle_packets(conversation, direction, &held, missing, &mut gathered).len();
            held.drain(..held.len().saturating_sub(rest));
            self.buffer = held;
        }
        let known = self.skip.min(missing);
        self.skip -= known;
        if missing > known {
            conversation.on_gap(direction);
            conversation.interrupt(direction).into_iter().for_each(|message| gathered.push(message));
            self.buffer.clear();
            self.is_searching = true;
        }
        gathered
    }

    /// Reads whole packets. Gives the bytes of the one that is not whole.
    fn handle_packets<'a>(
        &mut self,
        conversation: &mut Conversation,
        direction: Direction,
        mut bytes: &'a [u8],
        missing: u64,
        gathered: &mut Gathered,
    ) -> &'a [u8] {
        let mut ending = Ending::Open;
        while !bytes.is_empty() {
            if self.is_searching && !detect::is_start(direction, bytes) {
                return &[];
            }
            self.is_searching = false;
            let consumed = match conversation.read(direction, Input::new(bytes).with_ending(ending)) {
                Ok(Parsed::Message { consumed, message }) => {
                    gathered.push(message);
                    consumed
                }
                Ok(Parsed::Part { consumed } | Parsed::Started { consumed, .. }) => {
                    gathered.has_part = true;
                    consumed
                }
                Ok(Parsed::Skipped { consumed }) => consumed,
                Ok(Parsed::Incomplete { .. }) if ending == Ending::Open && missing > 0 => {
                    ending = Ending::Truncated(missing);
                    continue;
                }
                Ok(Parsed::Incomplete { .. }) if bytes.len() <= MAX_HELD_BYTES => return bytes,
                Ok(Parsed::Incomplete { .. }) | Err(_) => {
                    conversation.interrupt(direction).into_iter().for_each(|message| gathered.push(message));
                    self.is_searching = true;
                    return &[];
                }
            };
            self.skip = self.skip.saturating_add(consumed.saturating_sub(bytes.len()) as u64);
            bytes = bytes.get(consumed..).unwrap_or_default();
        }
        bytes
    }
}

/// What the first bytes of a connection in mid-stream are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrapping {
    Plain,
    Framed,
    /// It takes so many bytes to tell.
    Unknown {
        needed: usize,
    },
}

/// Tells frames from plain packets. A plain packet is never kept waiting: bytes that may become one before they can
/// become a frame are one, unless the other side `seems_framed`.
pub(super) fn wrapping(direction: Direction, input: Input<'_>, seems_framed: bool) -> Wrapping {
    if is_frame_start(direction, input.bytes) {
        return Wrapping::Framed;
    }
    match telling_bytes(direction, input.bytes, seems_framed) {
        Some(needed) if needed > input.bytes.len() && !input.is_final() => Wrapping::Unknown { needed },
        _ => Wrapping::Plain,
    }
}

/// How many bytes tell whether these begin a frame; none if they do not.
fn telling_bytes(direction: Direction, bytes: &[u8], seems_framed: bool) -> Option<usize> {
    let Some(len) = Cursor::new(bytes).u24_le() else { return Some(FRAME_HEADER_BYTES) };
    let len = usize::try_from(len).ok()?;
    if len < MIN_FRAME_BYTES {
        return None;
    }
    let payload = bytes.get(FRAME_HEADER_BYTES..).unwrap_or_default();
    let (Some(frame), Some(beginning)) = (Frame::read(bytes), payload.first_chunk()) else {
        return Some(FRAME_HEADER_BYTES + ZLIB_HEADER_BYTES);
    };
    // Without compression it reads as a plain packet too: a command that no client sends, but perhaps a server's OK.
    let is_told = frame.is_compressed || direction == Direction::ToServer || seems_framed;
    (is_told && frame.is_plausible(*beginning)).then_some(FRAME_HEADER_BYTES + len)
}

/// Whether these bytes begin as a compressed frame does, which no plain packet looks like.
pub(super) fn begins_compressed(bytes: &[u8]) -> bool {
    let beginning = bytes.get(FRAME_HEADER_BYTES..).and_then(<[u8]>::first_chunk);
    let (Some(frame), Some(beginning)) = (Frame::read(bytes), beginning) else { return false };
    frame.is_compressed && frame.is_plausible(*beginning)
}

/// Whether a frame starts with these bytes whose plain bytes start a message.
pub(super) fn is_frame_start(direction: Direction, bytes: &[u8]) -> bool {
    let Some(frame) = Frame::read(bytes) else { return false };
    let payload = bytes.get(FRAME_HEADER_BYTES..).unwrap_or_default();
    let is_plausible = payload.first_chunk().is_some_and(|beginning| frame.is_plausible(*beginning));
    if payload.len() < frame.len || !is_plausible {
        return false;
    }
    let plain = frame.unwrap(payload);
    let is_whole =
        frame.is_compressed || Header::read(&plain).is_some_and(|header| header.total_bytes() <= plain.len());
    is_whole && detect::is_start(direction, &plain)
}

/// A frame's header.
struct Frame {
    len: usize,
    plain_len: usize,
    is_compressed: bool,
}

impl Frame {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let len = usize::try_from(cursor.u24_le()?).ok()?;
        let _sequence_id = cursor.u8()?;
        let plain_len = usize::try_from(cursor.u24_le()?).ok()?;
        let is_compressed = plain_len > 0;
        Some(Self { len, plain_len: if is_compressed { plain_len } else { len }, is_compressed })
    }

    /// Whether its lengths agree with each other and with the payload's first bytes.
    fn is_plausible(&self, beginning: [u8; ZLIB_HEADER_BYTES]) -> bool {
        let is_deflated = beginning[0] == ZLIB
            && u16::from_be_bytes(beginning).is_multiple_of(31)
            && self.plain_len <= self.len.saturating_mul(MAX_DEFLATE_RATIO);
        self.len >= MIN_FRAME_BYTES && (!self.is_compressed || is_deflated)
    }

    /// The plain bytes, or the first of them.
    fn unwrap(&self, payload: &[u8]) -> Vec<u8> {
        let payload = payload.get(..self.len).unwrap_or(payload);
        if !self.is_compressed {
            return payload.to_vec();
        }
        let plain = decompress::zlib(payload, self.plain_len.min(MAX_PLAIN_BYTES));
        plain.map(|plain| plain.bytes).unwrap_or_default()
    }
}

const FRAME_HEADER_BYTES: usize = 7;
/// What a frame holds at least: a packet of one byte. A plain packet of that length is longer than what tells it from
/// a frame.
const MIN_FRAME_BYTES: usize = 5;
/// The first byte of data in the zlib format; with the second, read as a number, a multiple of 31 (RFC 1950 §2.2).
const ZLIB: u8 = 0x78;
const ZLIB_HEADER_BYTES: usize = 2;
/// The most plain bytes unwrapped from one frame; those behind them count as cut.
const MAX_PLAIN_BYTES: usize = 1 << 20;
/// The most messages kept of one frame.
const MAX_MESSAGES_PER_FRAME: usize = 1_024;
/// The most plain bytes kept of a packet that is not whole.
const MAX_HELD_BYTES: usize = 64 << 10;
