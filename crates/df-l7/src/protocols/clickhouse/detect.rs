//! Says whether bytes are packets of ClickHouse's native protocol.

use df_core::{Direction, Transport};

use crate::{Cursor, Detection};

use super::request::{ClientHello, Query};
use super::wire::{is_revision, text, varint};

/// Says whether these bytes are this protocol's: hellos, whose names and revisions tell, queries with everything the
/// client says of itself, and exceptions are certain. Other packets prove nothing.
pub(super) fn detect(_: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    let (query, answer) = match direction {
        Direction::ToServer => (Detection::CERTAIN, Detection::CERTAIN_REVERSED),
        Direction::ToClient => (Detection::CERTAIN_REVERSED, Detection::CERTAIN),
    };
    match bytes {
        [0, rest @ ..] => hello(direction, rest),
        [1, rest @ ..] if is_query(rest, None) => query,
        [2, rest @ ..] if is_exception(rest) => answer,
        _ => Detection::NoMatch,
    }
}

/// Whether a packet can start here, in the middle of a conversation.
pub(super) fn is_packet_start(direction: Direction, bytes: &[u8], revision: Option<u64>) -> bool {
    match (direction, bytes) {
        (Direction::ToServer, [1, rest @ ..]) => is_query(rest, revision),
        (Direction::ToServer, [4]) => true,
        (Direction::ToClient, [2, rest @ ..]) => is_exception(rest),
        _ => false,
    }
}

/// Name, version, revision; then of a client database, user and password.
fn hello(direction: Direction, bytes: &[u8]) -> Detection {
    let name_bytes = match bytes.first() {
        None => return Detection::NeedMore,
        Some(&len) => usize::from(len),
    };
    let rest = bytes.get(1..).unwrap_or_default();
    let name = rest.get(..name_bytes).unwrap_or(rest);
    let is_name = name.iter().all(|byte| (b' '..=b'~').contains(byte));
    if !(4..=64).contains(&name_bytes)
        || !is_name
        || name.first().is_some_and(|byte| !byte.is_ascii_alphabetic())
    {
        return Detection::NoMatch;
    }
    let mut cursor = Cursor::new(bytes);
    let numbers = text(&mut cursor)
        .and_then(|_| Some((varint(&mut cursor)?, varint(&mut cursor)?, varint(&mut cursor)?)));
    let Some((major, _, revision)) = numbers else {
        let is_short = bytes.len() < name_bytes.saturating_add(16);
        return if is_short { Detection::NeedMore } else { Detection::NoMatch };
    };
    if major > 200 || !is_revision(revision) {
        return Detection::NoMatch;
    }
    let is_client = ClientHello::read(&mut Cursor::new(bytes)).is_some();
    match (is_client, direction) {
        // A server's hello has two strings; a client's, with three, ends with it.
        (_, Direction::ToClient) => Detection::CERTAIN,
        (true, Direction::ToServer) => Detection::CERTAIN,
        (false, Direction::ToServer) => Detection::CERTAIN_REVERSED,
    }
}

fn is_query(bytes: &[u8], revision: Option<u64>) -> bool {
    Query::read(&mut Cursor::new(bytes), revision).is_some_and(|query| query.is_telling())
}

/// Code, `DB::Exception`, message.
fn is_exception(bytes: &[u8]) -> bool {
    let mut cursor = Cursor::new(bytes);
    let code = cursor.u32_le().filter(|code| *code < 10_000);
    let name = code.and_then(|_| text(&mut cursor));
    name.is_some_and(|name| name.starts_with(b"DB::"))
}
