//! Reads the properties in front of a message's body.

use crate::context::ContextReader;
use crate::{ContextConfig, Cursor, PropagatedContext};

use super::wire::{short_text, table, texts, u64_be};

/// What the content header of a message says.
#[derive(Debug, Default)]
pub(super) struct Properties<'a> {
    /// The length of the body in bytes.
    pub(super) body_bytes: u64,
    pub(super) correlation_id: Option<&'a [u8]>,
    pub(super) message_id: Option<&'a [u8]>,
    /// The trace context among the headers.
    pub(super) context: Option<PropagatedContext>,
}

impl<'a> Properties<'a> {
    /// Reads the payload of a header frame; none if it is cut before the body's size or is of no class with content.
    pub(super) fn read(payload: &'a [u8], config: &ContextConfig) -> Option<Self> {
        let mut cursor = Cursor::new(payload);
        if cursor.u16_be()? != BASIC {
            return None;
        }
        cursor.take(2)?;
        let mut properties = Self { body_bytes: u64_be(&mut cursor)?, ..Self::default() };
        let _ = properties.read_flagged(&mut cursor, config);
        Some(properties)
    }

    /// The properties come in the order of their flags, highest first.
    fn read_flagged(&mut self, cursor: &mut Cursor<'a>, config: &ContextConfig) -> Option<()> {
        let flags = cursor.u16_be()?;
        let mut more = flags;
        while more & 1 != 0 {
            more = cursor.u16_be()?;
        }
        for bit in (MESSAGE_ID..=CONTENT_TYPE).rev().filter(|bit| flags >> bit & 1 != 0) {
            match bit {
                HEADERS => {
                    let mut reader = ContextReader::new(config);
                    for (name, value) in texts(table(cursor)?) {
                        reader.handle(name, value);
                    }
                    self.context = reader.finish();
                }
                DELIVERY_MODE | PRIORITY => {
                    cursor.u8()?;
                }
                CORRELATION_ID => self.correlation_id = Some(short_text(cursor)?),
                MESSAGE_ID => self.message_id = Some(short_text(cursor)?),
                _ => {
                    short_text(cursor)?;
                }
            }
        }
        Some(())
    }
}

/// The class of messages.
const BASIC: u16 = 60;
const CONTENT_TYPE: u32 = 15;
const HEADERS: u32 = 13;
const DELIVERY_MODE: u32 = 12;
const PRIORITY: u32 = 11;
const CORRELATION_ID: u32 = 10;
/// The properties behind it are not shown.
const MESSAGE_ID: u32 = 7;
