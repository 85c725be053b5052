//! Says whether bytes are MongoDB messages.

use df_core::{Direction, Transport};

use super::bson::{self, Next, Text, cstring};
use super::wire::{
    COMPRESSION_BYTES, Compression, FLAG_CHECKSUM, FLAG_EXHAUST_ALLOWED, FLAG_MORE_TO_COME, HEADER_BYTES,
    Header, MAX_MESSAGE_BYTES, MAX_NAMESPACE_BYTES, Opcode,
};
use crate::{Cursor, Detection};

/// Says whether these bytes are this protocol's. Certain with a header whose length, flags and first document agree.
pub(super) fn detect(_: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    let is_from_client = Header::read(bytes).is_some_and(|header| header.is_request());
    match (verdict(bytes), is_from_client == (direction == Direction::ToServer)) {
        (Verdict::Yes, true) => Detection::CERTAIN,
        (Verdict::Yes, false) => Detection::CERTAIN_REVERSED,
        (Verdict::Likely, true) => Detection::WEAK,
        (Verdict::Likely, false) => Detection::WEAK_REVERSED,
        (Verdict::NeedMore, _) => Detection::NeedMore,
        (Verdict::No, _) => Detection::NoMatch,
    }
}

/// Whether a message of this direction starts here, in the middle of a conversation.
pub(super) fn is_start(direction: Direction, bytes: &[u8]) -> bool {
    let is_from_client = Header::read(bytes).map(|header| header.is_request());
    is_from_client == Some(direction == Direction::ToServer)
        && matches!(verdict(bytes), Verdict::Yes | Verdict::Likely)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Yes,
    /// Nothing speaks against it, and little for it.
    Likely,
    NeedMore,
    No,
}

/// Whether fewer bytes than a header are its beginning.
fn may_become_header(bytes: &[u8]) -> bool {
    let mut cursor = Cursor::new(bytes);
    let Some(message_len) = cursor.u32_le() else { return bytes.get(3).is_none_or(|high| *high == 0) };
    let is_long_enough =
        usize::try_from(message_len).is_ok_and(|len| len > HEADER_BYTES && len <= MAX_MESSAGE_BYTES);
    let opcode = bytes.get(12..).unwrap_or_default();
    let numbers = [1_u32, 2001, 2002, 2004, 2005, 2006, 2007, 2010, 2011, 2012, 2013];
    is_long_enough && numbers.iter().any(|number| number.to_le_bytes().starts_with(opcode))
}

/// Whether a message starts with these bytes.
pub(super) fn verdict(bytes: &[u8]) -> Verdict {
    let (Some(header), Some(body)) = (Header::read(bytes), bytes.get(HEADER_BYTES..)) else {
        let is_header_cut = bytes.len() < HEADER_BYTES && may_become_header(bytes);
        return if is_header_cut { Verdict::NeedMore } else { Verdict::No };
    };
    let body_len = header.message_len - HEADER_BYTES;
    if body_len < min_body_len(header.opcode) {
        return Verdict::No;
    }
    match header.opcode {
        Opcode::Message => message(body, body_len),
        Opcode::Reply => reply(body, body_len),
        Opcode::Compressed => compressed(body, body_len),
        Opcode::Command | Opcode::CommandReply => command(header.opcode, body, body_len),
        Opcode::KillCursors => kill_cursors(body, body_len),
        Opcode::Query => namespace_then_document(body, body_len, QUERY_FLAGS, 8),
        Opcode::Insert => namespace_then_document(body, body_len, 1, 0),
        Opcode::Update | Opcode::Delete => namespace_then_document(body, body_len, 0, 4),
        Opcode::GetMore => get_more(body, body_len),
    }
}

/// What a message holds at least: its numbers, a namespace of two letters and a dot, an empty document.
const fn min_body_len(opcode: Opcode) -> usize {
    match opcode {
        Opcode::Message | Opcode::Compressed => 10,
        Opcode::Reply => 20,
        Opcode::Query => 21,
        Opcode::Insert | Opcode::Update | Opcode::Delete | Opcode::Command => 13,
        Opcode::GetMore | Opcode::KillCursors => 16,
        Opcode::CommandReply => 5,
    }
}

/// `flags: 4 bytes | section...`
fn message(body: &[u8], body_len: usize) -> Verdict {
    let mut cursor = Cursor::new(body);
    let Some(flags) = cursor.u32_le() else { return Verdict::NeedMore };
    if flags & !(FLAG_CHECKSUM | FLAG_MORE_TO_COME | FLAG_EXHAUST_ALLOWED) != 0 {
        return Verdict::No;
    }
    let sections = cursor.rest();
    let sections_len = body_len.saturating_sub(4);
    match sections.split_first() {
        None => Verdict::NeedMore,
        Some((0, document_bytes)) => document(document_bytes, sections_len.saturating_sub(1)),
        Some((1, sequence)) => {
            let Some(len) = bson::document_len(sequence) else { return Verdict::NeedMore };
            let name = sequence.get(bson::LENGTH_BYTES..).unwrap_or_default();
            if len < MIN_SEQUENCE_BYTES || len > sections_len.saturating_sub(1) {
                return Verdict::No;
            }
            match cstring(name, MAX_SEQUENCE_NAME_BYTES) {
                Text::Whole(name) if is_word(name) => Verdict::Yes,
                Text::Cut => Verdict::NeedMore,
                Text::Whole(_) | Text::TooLong => Verdict::No,
            }
        }
        Some(_) => Verdict::No,
    }
}

/// `flags: 4 bytes | cursor: 8 | first document's number: 4 | number of documents: 4 | document...`
fn reply(body: &[u8], body_len: usize) -> Verdict {
    let mut cursor = Cursor::new(body);
    let (flags, _cursor_id) = (cursor.u32_le(), cursor.u64_le());
    let (_first, Some(count)) = (cursor.u32_le(), cursor.u32_le()) else { return Verdict::NeedMore };
    let Some(documents_len) = body_len.checked_sub(cursor.position()) else { return Verdict::No };
    match count {
        _ if flags.is_some_and(|flags| flags & !0xf != 0) => Verdict::No,
        0 if documents_len == 0 => Verdict::Likely,
        0 => Verdict::No,
        _ => document(cursor.rest(), documents_len),
    }
}

/// `opcode: 4 bytes | plain length: 4 | compressor: 1 | bytes`
fn compressed(body: &[u8], body_len: usize) -> Verdict {
    if body.len() < COMPRESSION_BYTES {
        return Verdict::NeedMore;
    }
    let is_compressed = Compression::read(body)
        .is_some_and(|compression| compression.plain_len >= MIN_PLAIN_BYTES && body_len > COMPRESSION_BYTES);
    if is_compressed { Verdict::Yes } else { Verdict::No }
}

/// OP_COMMAND: `database | command | document...`; its reply: `document...`
fn command(opcode: Opcode, body: &[u8], body_len: usize) -> Verdict {
    if opcode == Opcode::CommandReply {
        return document(body, body_len);
    }
    let Text::Whole(database) = cstring(body, MAX_NAMESPACE_BYTES) else { return unfinished(body) };
    let rest = body.get(database.len() + 1..).unwrap_or_default();
    let Text::Whole(name) = cstring(rest, MAX_NAMESPACE_BYTES) else { return unfinished(rest) };
    let prefix = database.len() + name.len() + 2;
    if !is_word(name) || !is_text(database) {
        return Verdict::No;
    }
    document(body.get(prefix..).unwrap_or_default(), body_len.saturating_sub(prefix))
}

/// `zero: 4 bytes | number of cursors: 4 | cursor: 8...`
fn kill_cursors(body: &[u8], body_len: usize) -> Verdict {
    let mut cursor = Cursor::new(body);
    let (zero, Some(count)) = (cursor.u32_le(), cursor.u32_le()) else { return Verdict::NeedMore };
    let cursors_len = usize::try_from(count).ok().and_then(|count| count.checked_mul(8));
    let agrees =
        zero == Some(0) && count > 0 && cursors_len.and_then(|len| len.checked_add(8)) == Some(body_len);
    if agrees { Verdict::Yes } else { Verdict::No }
}

/// `zero: 4 bytes | namespace | number wanted: 4 | cursor: 8`
fn get_more(body: &[u8], body_len: usize) -> Verdict {
    match namespace(body, 0) {
        Ok(len) if body_len == len + 12 => Verdict::Yes,
        Ok(_) => Verdict::No,
        Err(verdict) => verdict,
    }
}

/// `flags: 4 bytes | namespace | numbers | document...`
fn namespace_then_document(body: &[u8], body_len: usize, flags: u32, numbers_len: usize) -> Verdict {
    match namespace(body, flags) {
        Ok(len) => {
            let prefix = len + numbers_len;
            document(body.get(prefix..).unwrap_or_default(), body_len.saturating_sub(prefix))
        }
        Err(verdict) => verdict,
    }
}

/// How many bytes the flags, of which some are allowed, and the namespace behind them take.
fn namespace(body: &[u8], allowed_flags: u32) -> Result<usize, Verdict> {
    let flags = Cursor::new(body).u32_le().ok_or(Verdict::NeedMore)?;
    if flags & !allowed_flags != 0 {
        return Err(Verdict::No);
    }
    let text = body.get(4..).unwrap_or_default();
    match cstring(text, MAX_NAMESPACE_BYTES) {
        Text::Whole(name) if is_text(name) && name.contains(&b'.') => Ok(4 + name.len() + 1),
        Text::Cut => Err(unfinished(text)),
        Text::Whole(_) | Text::TooLong => Err(Verdict::No),
    }
}

/// A text that has no end yet.
fn unfinished(text: &[u8]) -> Verdict {
    let is_plausible = text.len() <= MAX_NAMESPACE_BYTES && is_text_beginning(text);
    if is_plausible { Verdict::NeedMore } else { Verdict::No }
}

/// Whether a document of at most `max_len` bytes starts here.
fn document(bytes: &[u8], max_len: usize) -> Verdict {
    let Some(len) = bson::document_len(bytes) else { return Verdict::NeedMore };
    if len < bson::MIN_DOCUMENT_BYTES || len > max_len {
        return Verdict::No;
    }
    match bson::next(bytes.get(bson::LENGTH_BYTES..).unwrap_or_default()) {
        Next::Element(element) if is_text(element.name) && element.total_len() < len => Verdict::Yes,
        Next::End if len == bson::MIN_DOCUMENT_BYTES => Verdict::Likely,
        Next::NeedMore(_) => Verdict::NeedMore,
        Next::Element(_) | Next::End | Next::Malformed => Verdict::No,
    }
}

fn is_word(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.'))
}

fn is_text(bytes: &[u8]) -> bool {
    !bytes.is_empty() && is_text_beginning(bytes)
}

fn is_text_beginning(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte >= b' ' && *byte != 0x7f)
}

/// The flags that OP_QUERY has, from TailableCursor to Partial.
const QUERY_FLAGS: u32 = 0xfe;
/// A sequence's length and name.
const MIN_SEQUENCE_BYTES: usize = 6;
const MAX_SEQUENCE_NAME_BYTES: usize = 64;
/// The shortest message that is worth compressing: OP_MSG with an empty document.
const MIN_PLAIN_BYTES: usize = 10;
