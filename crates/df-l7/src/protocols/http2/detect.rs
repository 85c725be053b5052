//! Whether bytes are HTTP/2's: the client's preface, or frames where a connection is joined.

use df_core::{Direction, Transport};

use super::hpack::{Decoder, FieldList};
use super::wire::{self, FrameHeader, PREFACE};
use crate::{Cursor, Detection};

/// Says whether these bytes are HTTP/2's.
///
/// The preface is certain, and so is a run of frames with a header block that begins as a request's or a response's must.
/// So are a server's settings, with which it begins where a client has upgraded: a client's stand behind the preface. Any
/// other run of frames that only govern the connection is weak.
pub(super) fn detect(_: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    if bytes.first() == PREFACE.first() {
        return detect_preface(direction, bytes);
    }
    if bytes.first() != Some(&0) {
        return Detection::NoMatch;
    }
    detect_frames(direction, bytes)
}

fn detect_preface(direction: Direction, bytes: &[u8]) -> Detection {
    let len = bytes.len().min(PREFACE.len());
    if bytes.get(..len) != PREFACE.get(..len) {
        return Detection::NoMatch;
    }
    match (len < DISTINCT_PREFACE_BYTES, direction) {
        (true, _) => Detection::NeedMore,
        (false, Direction::ToServer) => Detection::CERTAIN,
        (false, Direction::ToClient) => Detection::CERTAIN_REVERSED,
    }
}

fn detect_frames(direction: Direction, bytes: &[u8]) -> Detection {
    let mut rest = bytes;
    let mut is_governed = false;
    for _ in 0..MAX_FRAMES {
        let Some(header) = FrameHeader::read(rest) else {
            return unfinished(rest, is_governed);
        };
        if !header.is_strict() {
            return Detection::NoMatch;
        }
        let payload = rest.get(wire::FRAME_HEADER_BYTES..).unwrap_or_default();
        match header.kind {
            wire::HEADERS => return detect_headers(direction, header, payload),
            wire::SETTINGS
                if direction == Direction::ToClient && wire::is_known_settings(header, payload) =>
            {
                return Detection::CERTAIN;
            }
            wire::SETTINGS | wire::PING | wire::WINDOW_UPDATE => is_governed = true,
            wire::DATA if is_grpc_message(header, payload) => return Detection::CERTAIN,
            _ => {}
        }
        if payload.len() < header.payload_len {
            let is_short = header.payload_len <= MAX_AWAITED_BYTES;
            return match is_governed {
                _ if header.kind == wire::DATA => weak(is_governed),
                true => Detection::WEAK,
                false if is_short => Detection::NeedMore,
                false => Detection::NoMatch,
            };
        }
        rest = payload.get(header.payload_len..).unwrap_or_default();
        if rest.is_empty() {
            return weak(is_governed);
        }
    }
    weak(is_governed)
}

/// Whether a frame holds just one message of gRPC: two lengths agree.
fn is_grpc_message(header: FrameHeader, payload: &[u8]) -> bool {
    let mut cursor = Cursor::new(payload);
    let (flag, len) = (cursor.u8(), cursor.u32_be().and_then(|len| usize::try_from(len).ok()));
    let whole = len.and_then(|len| len.checked_add(cursor.position()));
    let is_on_stream = header.stream % 2 == 1 && len.is_some_and(|len| len > 0);
    is_on_stream && flag.is_some_and(|flag| flag <= 1) && whole == Some(header.payload_len)
}

/// The bytes end within a frame's header.
fn unfinished(rest: &[u8], is_governed: bool) -> Detection {
    let is_frame_prefix = rest.first() == Some(&0)
        && rest.get(1).is_none_or(|byte| *byte <= 0x40)
        && rest.get(3).is_none_or(|kind| *kind <= wire::CONTINUATION);
    match (is_frame_prefix, is_governed) {
        (true, true) => Detection::WEAK,
        (true, false) => Detection::NeedMore,
        (false, _) => Detection::NoMatch,
    }
}

const fn weak(is_governed: bool) -> Detection {
    if is_governed { Detection::WEAK } else { Detection::NoMatch }
}

/// A header block tells who sends it, if its first field is known.
fn detect_headers(direction: Direction, header: FrameHeader, payload: &[u8]) -> Detection {
    if payload.len() < header.payload_len && payload.len() < ENOUGH_BLOCK_BYTES {
        return if is_block_prefix(header, payload) { Detection::NeedMore } else { Detection::NoMatch };
    }
    let payload = payload.get(..header.payload_len).unwrap_or(payload);
    let Some((block, None)) = wire::header_block(header, payload) else { return Detection::NoMatch };
    let mut fields = FieldList::default();
    let read = Decoder::default().decode(block, &mut fields);
    let is_whole = payload.len() == header.payload_len && header.has(wire::END_HEADERS);
    if is_whole && read.is_err() {
        return Detection::NoMatch;
    }
    let sender = match fields.first_name() {
        Some(b":status") => Direction::ToClient,
        Some(b":method" | b":path" | b":scheme" | b":authority") => Direction::ToServer,
        // The first field refers to what was sent before. What is known must still look like fields.
        None if is_whole && fields.has_unknown() => return Detection::WEAK,
        _ => return Detection::NoMatch,
    };
    if sender == direction { Detection::CERTAIN } else { Detection::CERTAIN_REVERSED }
}

/// Whether a header block is one that is sent in this direction.
pub(super) fn is_sender(direction: Direction, header: FrameHeader, payload: &[u8]) -> bool {
    match detect_headers(direction, header, payload) {
        Detection::Match(found) => !found.reversed,
        Detection::NeedMore | Detection::NoMatch => false,
    }
}

/// Whether so short a payload can be the front of a header block.
fn is_block_prefix(header: FrameHeader, payload: &[u8]) -> bool {
    header.has(wire::PADDED | wire::PRIORITY_FLAG)
        || payload.first().is_none_or(|first| *first >= 0x20 || matches!(first, 0..=14 | 0x10..=0x1e))
}

/// So much of the preface nothing else begins with.
const DISTINCT_PREFACE_BYTES: usize = 14;
/// How many frames are gone through.
const MAX_FRAMES: usize = 32;
/// So long a frame is waited for.
const MAX_AWAITED_BYTES: usize = 1_024;
/// So much of a header block is judged without the rest.
const ENOUGH_BLOCK_BYTES: usize = 64;
