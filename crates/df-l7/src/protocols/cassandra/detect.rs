//! Says whether bytes are frames of the native protocol.

use df_core::{Direction, Transport};

use crate::sql::starts_like_sql;
use crate::{Confidence, Cursor, Detection, Match};

use super::segment::Segment;
use super::wire::{HEADER_BYTES, Header, Opcode, long_text, short_text};

/// Says whether these bytes are this protocol's: frames with text that is CQL and the start of a connection are certain, and
/// so is a segment whose checksum is right and that holds a frame. Other frames are weak.
pub(super) fn detect(_: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    match verdict(bytes) {
        Verdict::Found { is_response, confidence } => {
            let reversed = is_response != (direction == Direction::ToClient);
            Detection::Match(Match { reversed, confidence })
        }
        Verdict::NeedMore => Detection::NeedMore,
        Verdict::No => Detection::NoMatch,
    }
}

/// Whether a frame or segment of this direction can start here, in the middle of a conversation.
pub(super) fn is_frame_start(direction: Direction, bytes: &[u8]) -> bool {
    match verdict(bytes) {
        Verdict::Found { is_response, .. } => is_response == (direction == Direction::ToClient),
        _ => false,
    }
}

enum Verdict {
    Found { is_response: bool, confidence: Confidence },
    NeedMore,
    No,
}

fn verdict(bytes: &[u8]) -> Verdict {
    if let Some(segment) = Segment::parse(bytes) {
        let content = segment.content(bytes);
        return match Header::parse(&content) {
            Ok(Some(header)) => {
                Verdict::Found { is_response: header.is_response, confidence: Confidence::Certain }
            }
            _ => Verdict::No,
        };
    }
    let header = match Header::parse(bytes) {
        Ok(Some(header)) => header,
        Ok(None) => return Verdict::NeedMore,
        Err(_) => return Verdict::No,
    };
    let body = bytes.get(HEADER_BYTES..).unwrap_or_default();
    let is_whole = body.len() >= header.body_bytes;
    let body = body.get(..header.body_bytes).unwrap_or(body);
    let found = |confidence| Verdict::Found { is_response: header.is_response, confidence };
    if header.is_compressed() {
        // Version 5 compresses segments instead, and what begins a connection never is.
        let may_be = header.version < 5
            && matches!(
                header.opcode,
                Opcode::Query | Opcode::Prepare | Opcode::Execute | Opcode::Batch | Opcode::Result
            );
        return if may_be && header.body_bytes > 4 { found(Confidence::Weak) } else { Verdict::No };
    }
    let mut cursor = Cursor::new(body);
    if header.skip_extras(&mut cursor).is_none() {
        return Verdict::No;
    }
    match fits(&header, &mut cursor, is_whole) {
        Some(confidence) => found(confidence),
        None if !is_whole && body.len() < MAX_WAITED_BYTES => Verdict::NeedMore,
        None => Verdict::No,
    }
}

/// How telling the body is; none if it is not one of its opcode.
fn fits(header: &Header, cursor: &mut Cursor<'_>, is_whole: bool) -> Option<Confidence> {
    match header.opcode {
        Opcode::Query | Opcode::Prepare => {
            let (text, _) = long_text(cursor)?;
            let fits = text.len().saturating_add(4) <= header.body_bytes && starts_like_sql(text);
            fits.then_some(Confidence::Certain)
        }
        Opcode::Startup => {
            let count = cursor.u16_be()?;
            let key = short_text(cursor)?;
            let is_option = key.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
            (matches!(count, 1..=16) && is_option && key.len() > 4).then_some(Confidence::Certain)
        }
        Opcode::Options | Opcode::Ready => (header.body_bytes == 0).then_some(Confidence::Weak),
        Opcode::Execute => {
            let id = short_text(cursor)?;
            matches!(id.len(), 8..=64).then_some(Confidence::Weak)
        }
        Opcode::Error => {
            let (code, text) = (cursor.u32_be()?, short_text(cursor)?);
            let is_text = code <= 0x2500 && std::str::from_utf8(text).is_ok();
            is_text.then_some(Confidence::Weak)
        }
        Opcode::Result => {
            let kind = cursor.u32_be()?;
            let fits = (kind == 1 && header.body_bytes == 4) || matches!(kind, 2..=5);
            fits.then_some(Confidence::Weak)
        }
        Opcode::Supported | Opcode::Register | Opcode::Event | Opcode::Authenticate => {
            let _count = if matches!(header.opcode, Opcode::Supported | Opcode::Register) {
                cursor.u16_be()?
            } else {
                0
            };
            let word = short_text(cursor)?;
            let is_word = word.len() > 4 && word.iter().all(u8::is_ascii_graphic);
            is_word.then_some(Confidence::Weak)
        }
        Opcode::Batch => {
            let (kind, count, statement) = (cursor.u8()?, cursor.u16_be()?, cursor.u8()?);
            (kind <= 2 && count > 0 && statement <= 1 && is_whole).then_some(Confidence::Weak)
        }
        Opcode::AuthChallenge | Opcode::AuthResponse | Opcode::AuthSuccess => None,
    }
}

/// How much of a frame is waited for.
const MAX_WAITED_BYTES: usize = 64;
