//! Says whether bytes are Thrift messages.

use df_core::{Direction, Transport};

use crate::decompress::zlib;
use crate::{Confidence, Cursor, Detection, Match};

use super::wire::{Encoding, Envelope, Head, Read};

/// Names as short as this are not certain where two bytes are all that comes before them.
const MIN_TELLING_NAME_BYTES: usize = 4;
/// How much of a compressed message is unwrapped.
const MAX_UNWRAPPED_BYTES: usize = 64;

/// Says whether these bytes are this protocol's: the head of a message with its version is certain, one of the old form,
/// and a short name in the compact one, are weak. The kind of message tells who sent it.
pub(super) fn detect(transport: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    let may_be = match bytes {
        [0x80, rest @ ..] => rest.first().is_none_or(|version| *version == 1),
        [0x82, rest @ ..] => rest.first().is_none_or(|version| matches!(version, 0x21 | 0x41 | 0x61 | 0x81)),
        // The length of a frame, or of a name.
        [first, ..] => *first <= 3,
        [] => false,
    };
    if !may_be {
        return Detection::NoMatch;
    }
    match verdict(bytes) {
        Verdict::Found { is_of_client, confidence } => Detection::Match(Match {
            reversed: is_of_client != (direction == Direction::ToServer),
            confidence,
        }),
        Verdict::Header => Detection::CERTAIN,
        Verdict::NeedMore if transport == Transport::Tcp && bytes.len() < MAX_WAITED_BYTES => {
            Detection::NeedMore
        }
        _ => Detection::NoMatch,
    }
}

/// Whether a message of this direction can start here, in the middle of a conversation.
pub(super) fn is_message_start(direction: Direction, bytes: &[u8]) -> bool {
    match verdict(bytes) {
        Verdict::Found { is_of_client, .. } => is_of_client == (direction == Direction::ToServer),
        Verdict::Header => true,
        _ => false,
    }
}

enum Verdict {
    Found {
        is_of_client: bool,
        confidence: Confidence,
    },
    /// A header, behind which what it belongs to has not come yet.
    Header,
    NeedMore,
    No,
}

fn verdict(bytes: &[u8]) -> Verdict {
    let envelope = match Envelope::read(bytes) {
        Ok(Read::Ready(envelope)) => envelope,
        Ok(Read::Needed(_)) if begins_header(bytes) => return Verdict::Header,
        Ok(Read::Needed(_)) => return Verdict::NeedMore,
        Err(_) => return Verdict::No,
    };
    let content = bytes.get(envelope.start..).unwrap_or_default();
    let plain = match envelope.header.filter(|header| header.is_compressed) {
        Some(_) => zlib(content, MAX_UNWRAPPED_BYTES).map(|head| head.bytes).unwrap_or_default(),
        None => Vec::new(),
    };
    let is_compressed = envelope.header.is_some_and(|header| header.is_compressed);
    if is_compressed && plain.is_empty() {
        return if content.len() < MAX_UNWRAPPED_BYTES { Verdict::Header } else { Verdict::No };
    }
    let content = if is_compressed { &plain } else { content };
    let head = match Head::read(content) {
        Ok(Read::Ready(head)) => head,
        Ok(Read::Needed(_)) if envelope.header.is_some() => return Verdict::Header,
        Ok(Read::Needed(_)) => return Verdict::NeedMore,
        Err(_) => return Verdict::No,
    };
    let is_framed = envelope.end.is_some();
    let fits = envelope.end.is_none_or(|end| {
        envelope.header.is_some_and(|header| header.is_compressed)
            || envelope.start.saturating_add(head.len) < end
    });
    // Behind the head a field begins, or the struct ends.
    let goes_on = content.get(head.len).is_none_or(|byte| *byte <= 16 || head.encoding == Encoding::Compact);
    if !fits || !goes_on || head.name.first().is_some_and(|byte| !byte.is_ascii_alphabetic() && *byte != b'_')
    {
        return Verdict::No;
    }
    let is_telling = match head.encoding {
        Encoding::Binary => head.has_version,
        Encoding::Compact => is_framed || head.name.len() >= MIN_TELLING_NAME_BYTES,
    };
    let confidence = if is_telling { Confidence::Certain } else { Confidence::Weak };
    Verdict::Found { is_of_client: head.kind.is_of_client(), confidence }
}

/// Whether these are the length, magic number, flags, sequence id, size, encoding and transforms of a header.
fn begins_header(bytes: &[u8]) -> bool {
    fields(&mut Cursor::new(bytes)) == Some(true)
}

fn fields(cursor: &mut Cursor<'_>) -> Option<bool> {
    let (length, magic, _flags) = (cursor.u32_be()?, cursor.u16_be()?, cursor.u16_be()?);
    let (_sequence_id, words) = (cursor.u32_be()?, cursor.u16_be()?);
    let (encoding, transforms) = (cursor.u8()?, cursor.u8()?);
    let has_room = words > 0 && u32::from(words).saturating_mul(4).saturating_add(10) < length;
    Some(magic == 0x0fff && matches!(encoding, 0 | 2) && transforms <= 4 && has_room)
}

/// The head of no message is longer, unless its name is.
const MAX_WAITED_BYTES: usize = 256;
