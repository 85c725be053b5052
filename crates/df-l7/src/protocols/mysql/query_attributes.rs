//! The named parameters that MySQL 8 clients may put before a query's text.

use super::wire::{read_length, read_string};
use crate::context::ContextReader;
use crate::{ContextConfig, Cursor, PropagatedContext};

/// A query's text and what stands before it.
pub(super) struct AttributedQuery<'a> {
    pub(super) text: &'a [u8],
    pub(super) context: Option<PropagatedContext>,
}

/// Splits the body of a COM_QUERY, from behind the command's byte.
///
/// ```text
/// | parameter count | set count = 1 | NULL bitmap | 1 | (type, flags, name)* | value* | text |
/// ```
pub(super) fn split<'a>(body: &'a [u8], config: &ContextConfig) -> Option<AttributedQuery<'a>> {
    let mut cursor = Cursor::new(body);
    let count = usize::try_from(read_length(&mut cursor)?).ok()?;
    if read_length(&mut cursor)? != 1 {
        return None;
    }
    if count == 0 {
        return Some(AttributedQuery { text: cursor.rest(), context: None });
    }
    let nulls = cursor.take(count.checked_add(7)? / 8)?;
    if cursor.u8()? != 1 {
        return None;
    }
    let mut parameters = Vec::new();
    for index in 0..count {
        let kind = cursor.u8()?;
        let _flags = cursor.u8()?;
        let name = read_string(&mut cursor)?;
        let is_null = nulls.get(index / 8).is_some_and(|bits| bits >> (index % 8) & 1 == 1);
        parameters.push((kind, name, is_null));
    }
    let mut reader = ContextReader::new(config);
    for (kind, name, is_null) in parameters {
        if !is_null {
            let value = read_value(kind, &mut cursor)?;
            reader.handle(name, value);
        }
    }
    Some(AttributedQuery { text: cursor.rest(), context: reader.finish() })
}

/// A value in the binary protocol, by its column type.
fn read_value<'a>(kind: u8, cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    match kind {
        TYPE_NULL => Some(&[]),
        TYPE_TINY => cursor.take(1),
        TYPE_SHORT | TYPE_YEAR => cursor.take(2),
        TYPE_LONG | TYPE_INT24 | TYPE_FLOAT => cursor.take(4),
        TYPE_LONG_LONG | TYPE_DOUBLE => cursor.take(8),
        TYPE_TIMESTAMP | TYPE_DATE | TYPE_TIME | TYPE_DATETIME => {
            let len = cursor.u8()?;
            cursor.take(usize::from(len))
        }
        _ => read_string(cursor),
    }
}

const TYPE_TINY: u8 = 1;
const TYPE_SHORT: u8 = 2;
const TYPE_LONG: u8 = 3;
const TYPE_FLOAT: u8 = 4;
const TYPE_DOUBLE: u8 = 5;
const TYPE_NULL: u8 = 6;
const TYPE_TIMESTAMP: u8 = 7;
const TYPE_LONG_LONG: u8 = 8;
const TYPE_INT24: u8 = 9;
const TYPE_DATE: u8 = 10;
const TYPE_TIME: u8 = 11;
const TYPE_DATETIME: u8 = 12;
const TYPE_YEAR: u8 = 13;
