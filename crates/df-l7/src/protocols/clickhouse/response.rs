//! What servers send besides data: hellos, progress, profiles and exceptions.

use crate::sql::cut_text;
use crate::{AttributeValue, ConnectionConfig, Cursor, Response, ResponseStatus};

use super::wire::{revision, text, varint};

/// The server's hello: its revision.
pub(super) fn hello(cursor: &mut Cursor<'_>, client: Option<u64>) -> Option<u64> {
    let _name = text(cursor)?;
    let (_major, _minor, own) = (varint(cursor)?, varint(cursor)?, varint(cursor)?);
    let revision = client.map_or(own, |client| client.min(own));
    if revision >= revision::SERVER_TIME_ZONE {
        text(cursor)?;
    }
    if revision >= revision::SERVER_DISPLAY_NAME {
        text(cursor)?;
    }
    if revision >= revision::VERSION_PATCH {
        varint(cursor)?;
    }
    if revision >= revision::PASSWORD_RULES {
        for _ in 0..varint(cursor)?.min(64) {
            let _rule = (text(cursor)?, text(cursor)?);
        }
    }
    if revision >= revision::NONCE {
        cursor.take(8)?;
    }
    Some(revision)
}

/// Passes over progress.
pub(super) fn skip_progress(cursor: &mut Cursor<'_>, revision: u64) -> Option<()> {
    let mut numbers = 3;
    numbers += if revision >= revision::WRITE_PROGRESS { 2 } else { 0 };
    numbers += if revision >= revision::PROGRESS_ELAPSED { 1 } else { 0 };
    numbers += if revision >= revision::PROGRESS_TOTAL_BYTES { 1 } else { 0 };
    for _ in 0..numbers {
        varint(cursor)?;
    }
    Some(())
}

/// The rows that a profile counts.
pub(super) fn profile_rows(cursor: &mut Cursor<'_>, revision: u64) -> Option<u64> {
    let rows = varint(cursor)?;
    let _blocks_and_bytes = (varint(cursor)?, varint(cursor)?);
    let _limit = (cursor.u8()?, varint(cursor)?, cursor.u8()?);
    if revision >= ROWS_BEFORE_AGGREGATION {
        let _aggregation = (cursor.u8()?, varint(cursor)?);
    }
    Some(rows)
}

/// The response that an exception is.
pub(super) fn exception(cursor: &mut Cursor<'_>, config: &ConnectionConfig) -> Option<Response> {
    let code = cursor.u32_le()?;
    let (_name, message) = (text(cursor)?, text(cursor)?);
    let mut response = failure(code, message, config);
    let _stack = text(cursor)?;
    let mut is_nested = cursor.u8()? == 1;
    for _ in 0..MAX_NESTED {
        if !is_nested {
            break;
        }
        let _code = cursor.u32_le()?;
        let _texts = (text(cursor)?, text(cursor)?, text(cursor)?);
        is_nested = cursor.u8()? == 1;
    }
    response.attributes.push("db.response.status_code", code.to_string());
    Some(response)
}

/// The response that ends well.
pub(super) fn success(rows: Option<u64>) -> Response {
    let mut response = Response { status: ResponseStatus::Ok, ..Response::default() };
    if let Some(rows) = rows {
        response.result = Some(format!("ROWS {rows}"));
        if let Ok(rows) = i64::try_from(rows) {
            response.attributes.push("db.response.returned_rows", AttributeValue::Integer(rows));
        }
    }
    response
}

fn failure(code: u32, message: &[u8], config: &ConnectionConfig) -> Response {
    // What is quoted of a statement comes in quotes or brackets, or behind where it stands.
    let end = message.iter().position(|byte| matches!(byte, b'\'' | b'"' | b'`' | b'(' | b'\n'));
    let end = end.filter(|_| config.obfuscation.sql_literals).unwrap_or(message.len());
    let shown = message.get(..end).unwrap_or(message).trim_ascii_end();
    let status =
        if SERVER_ERRORS.contains(&code) { ResponseStatus::ServerError } else { ResponseStatus::ClientError };
    Response {
        status,
        code: Some(code.to_string().into()),
        exception: (!shown.is_empty()).then(|| cut_text(shown, config.max_attribute_bytes)),
        ..Response::default()
    }
}

/// The errors that tell of the server's state: timeouts, too many of something, memory, read only, networks.
const SERVER_ERRORS: &[u32] = &[
    159, 160, 164, 173, 201, 202, 203, 209, 210, 225, 236, 241, 242, 243, 252, 279, 286, 319, 394, 999, 1000,
    1001, 1002,
];
const MAX_NESTED: usize = 16;
const ROWS_BEFORE_AGGREGATION: u64 = 54_469;
