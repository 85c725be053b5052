//! Reads the properties of version 5 (section 2.2.2 of the specification).

use crate::Cursor;

use super::wire::{counted, text, variable_number};

/// The properties of a packet, read one by one up to the first that is not well formed.
#[derive(Debug, Clone)]
pub(super) struct Properties<'a>(Cursor<'a>);

/// The value of a property.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Number(u32),
    Text(&'a str),
    Binary(&'a [u8]),
    Pair(&'a str, &'a str),
}

impl<'a> Properties<'a> {
    /// The properties with their length in front. None if they are not all there.
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Option<Self> {
        let mut ahead = *cursor;
        let len = usize::try_from(variable_number(&mut ahead)?).ok()?;
        let bytes = ahead.take(len)?;
        *cursor = ahead;
        Some(Self(Cursor::new(bytes)))
    }

    /// The same, if every one of them is well formed.
    pub(super) fn read_whole(cursor: &mut Cursor<'a>) -> Option<Self> {
        let mut ahead = *cursor;
        let properties = Self::read(&mut ahead).filter(Self::are_well_formed)?;
        *cursor = ahead;
        Some(properties)
    }

    /// Whether every one of them is.
    pub(super) fn are_well_formed(&self) -> bool {
        let mut all = self.clone();
        all.by_ref().for_each(drop);
        all.0.rest().is_empty()
    }

    /// The first data under this identifier.
    pub(super) fn binary(&self, wanted: u8) -> Option<&'a [u8]> {
        self.clone().find_map(|(identifier, value)| match value {
            Value::Binary(data) if identifier == wanted => Some(data),
            _ => None,
        })
    }

    /// The first text under this identifier.
    pub(super) fn text(&self, wanted: u8) -> Option<&'a str> {
        self.clone().find_map(|(identifier, value)| match value {
            Value::Text(text) if identifier == wanted => Some(text),
            _ => None,
        })
    }
}

impl<'a> Iterator for Properties<'a> {
    type Item = (u8, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let mut ahead = self.0;
        let identifier = ahead.u8()?;
        let value = match identifier {
            0x01 | 0x17 | 0x19 | 0x24 | 0x25 | 0x28 | 0x29 | 0x2a => Value::Number(u32::from(ahead.u8()?)),
            SERVER_KEEP_ALIVE | 0x21 | 0x22 | TOPIC_ALIAS => Value::Number(u32::from(ahead.u16_be()?)),
            0x02 | 0x11 | 0x18 | 0x27 => Value::Number(ahead.u32_be()?),
            0x0b => Value::Number(variable_number(&mut ahead)?),
            CONTENT_TYPE
            | RESPONSE_TOPIC
            | ASSIGNED_CLIENT_ID
            | AUTHENTICATION_METHOD
            | 0x1a
            | SERVER_REFERENCE
            | REASON_STRING => Value::Text(text(&mut ahead)?),
            CORRELATION_DATA | 0x16 => Value::Binary(counted(&mut ahead)?),
            USER_PROPERTY => {
                let name = text(&mut ahead)?;
                Value::Pair(name, text(&mut ahead)?)
            }
            _ => return None,
        };
        self.0 = ahead;
        Some((identifier, value))
    }
}

pub(super) const CONTENT_TYPE: u8 = 0x03;
pub(super) const RESPONSE_TOPIC: u8 = 0x08;
pub(super) const CORRELATION_DATA: u8 = 0x09;
pub(super) const ASSIGNED_CLIENT_ID: u8 = 0x12;
pub(super) const SERVER_KEEP_ALIVE: u8 = 0x13;
pub(super) const AUTHENTICATION_METHOD: u8 = 0x15;
pub(super) const SERVER_REFERENCE: u8 = 0x1c;
pub(super) const REASON_STRING: u8 = 0x1f;
pub(super) const TOPIC_ALIAS: u8 = 0x23;
pub(super) const USER_PROPERTY: u8 = 0x26;
