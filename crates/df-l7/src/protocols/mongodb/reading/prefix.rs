//! What stands between the header and the first document, opcode by opcode.

use super::super::bson::{self, LENGTH_BYTES, MIN_DOCUMENT_BYTES, Text, cstring};
use super::super::wire::{COMMAND_COLLECTION, MAX_NAMESPACE_BYTES, Opcode};
use super::Facts;
use crate::Cursor;

/// What was read.
pub(super) struct Prefix {
    /// How many bytes it takes, with the length of the document that follows.
    pub(super) len: usize,
    pub(super) start: Start,
}

/// What follows.
pub(super) enum Start {
    Sections {
        flags: u32,
    },
    /// A document of this length.
    Document {
        len: usize,
    },
    Nothing,
}

pub(super) enum Trouble {
    /// It takes so many bytes.
    NeedMore(usize),
    Malformed,
}

/// Reads what stands before the first document and tells `facts`.
pub(super) fn read(opcode: Opcode, body: &[u8], facts: &mut Facts) -> Result<Prefix, Trouble> {
    match opcode {
        Opcode::Message => {
            let flags = Cursor::new(body).u32_le().ok_or(Trouble::NeedMore(4))?;
            Ok(Prefix { len: 4, start: Start::Sections { flags } })
        }
        Opcode::Reply => reply(body, facts),
        Opcode::CommandReply => {
            // The metadata come first.
            let metadata_len = document_len(body, 0)?;
            document_at(body, metadata_len)
        }
        Opcode::Command => command(body, facts),
        Opcode::Query => {
            let (namespace, len) = namespace(body)?;
            let is_command = namespace.ends_with(COMMAND_COLLECTION);
            take_namespace(facts, namespace, is_command);
            document_at(body, len + 8)
        }
        Opcode::GetMore | Opcode::Insert | Opcode::Update | Opcode::Delete => {
            let (namespace, len) = namespace(body)?;
            take_namespace(facts, namespace, false);
            Ok(Prefix { len, start: Start::Nothing })
        }
        Opcode::KillCursors | Opcode::Compressed => Ok(Prefix { len: 0, start: Start::Nothing }),
    }
}

/// `flags: 4 bytes | cursor: 8 | first document's number: 4 | number of documents: 4`
fn reply(body: &[u8], facts: &mut Facts) -> Result<Prefix, Trouble> {
    let mut cursor = Cursor::new(body);
    let (flags, _cursor_id) = (cursor.u32_le(), cursor.u64_le());
    let (_first, count) = (cursor.u32_le(), cursor.u32_le());
    let (Some(flags), Some(count)) = (flags, count) else { return Err(Trouble::NeedMore(REPLY_BYTES)) };
    if let Facts::Reply(facts) = facts {
        facts.handle_old_reply(flags, count);
    }
    if count == 1 {
        document_at(body, REPLY_BYTES)
    } else {
        Ok(Prefix { len: REPLY_BYTES, start: Start::Nothing })
    }
}

/// `database | command | metadata | arguments`
fn command(body: &[u8], facts: &mut Facts) -> Result<Prefix, Trouble> {
    let database = text(body, 0)?;
    let name = text(body, database.len() + 1)?;
    let metadata = database.len() + name.len() + 2;
    let metadata_len = document_len(body, metadata)?;
    if let Facts::Request(facts) = facts {
        facts.handle_command(database, name);
    }
    // Metadata that are not there yet are skipped, and the length behind them is then not known: they are small.
    document_at(body, metadata.saturating_add(metadata_len))
}

fn take_namespace(facts: &mut Facts, namespace: &[u8], is_command: bool) {
    if let Facts::Request(facts) = facts {
        facts.handle_namespace(namespace, is_command);
    }
}

/// The namespace behind four bytes, and how many bytes they take together.
fn namespace(body: &[u8]) -> Result<(&[u8], usize), Trouble> {
    let name = text(body, 4)?;
    Ok((name, 4 + name.len() + 1))
}

fn text(body: &[u8], offset: usize) -> Result<&[u8], Trouble> {
    match cstring(body.get(offset..).unwrap_or_default(), MAX_NAMESPACE_BYTES) {
        Text::Whole(text) => Ok(text),
        Text::Cut => Err(Trouble::NeedMore(body.len().max(offset) + 1)),
        Text::TooLong => Err(Trouble::Malformed),
    }
}

/// The document at `offset` follows.
fn document_at(body: &[u8], offset: usize) -> Result<Prefix, Trouble> {
    let len = document_len(body, offset)?;
    Ok(Prefix { len: offset + LENGTH_BYTES, start: Start::Document { len } })
}

fn document_len(body: &[u8], offset: usize) -> Result<usize, Trouble> {
    let end = offset.checked_add(LENGTH_BYTES).ok_or(Trouble::Malformed)?;
    let bytes = body.get(offset..).unwrap_or_default();
    let len = bson::document_len(bytes).ok_or(Trouble::NeedMore(end))?;
    if len < MIN_DOCUMENT_BYTES { Err(Trouble::Malformed) } else { Ok(len) }
}

const REPLY_BYTES: usize = 20;
