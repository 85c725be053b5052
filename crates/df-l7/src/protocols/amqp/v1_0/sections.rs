//! Reads the sections of a message in front of its body, and how long the body is.

use crate::context::ContextReader;
use crate::{ContextConfig, Cursor, PropagatedContext};

use super::performative::named;
use super::value::{Described, Items, Value};

/// What the first part of a message tells.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Sections<'a> {
    pub(super) delivery_count: Option<u64>,
    pub(super) message_id: Value<'a>,
    pub(super) correlation_id: Value<'a>,
    /// The address that the message has of its own.
    pub(super) to: Option<&'a [u8]>,
    /// The trace context among the application's properties or the annotations.
    pub(super) context: Option<PropagatedContext>,
    /// How many bytes the body has, if that is data or one text.
    pub(super) body_bytes: Option<u64>,
}

impl<'a> Sections<'a> {
    /// Reads them as far as they are there.
    pub(super) fn read(payload: &'a [u8], config: &ContextConfig) -> Self {
        let mut sections = Self::default();
        let mut reader = ContextReader::new(config);
        let mut cursor = Cursor::new(payload);
        for _ in 0..MAX_SECTIONS {
            let before = cursor;
            let Some(code) = Described::read_descriptor(&mut cursor) else { break };
            match code {
                HEADER..=APPLICATION_PROPERTIES => {
                    cursor = before;
                    let Some(section) = Described::read(&mut cursor) else { break };
                    sections.read_section(section, &mut reader);
                }
                DATA | VALUE => {
                    sections.body_bytes = text_bytes(&mut cursor);
                    break;
                }
                _ => break,
            }
        }
        sections.context = reader.finish();
        sections
    }

    fn read_section(&mut self, section: Described<'a>, reader: &mut ContextReader<'_>) {
        match section.code {
            HEADER => {
                let [_, _, _, _, delivery_count, ..] = section.items().fields();
                self.delivery_count = delivery_count.unsigned().filter(|count| *count > 0);
            }
            PROPERTIES => {
                let [message_id, _, to, _, _, correlation_id, ..] = section.items().fields();
                (self.message_id, self.correlation_id) = (message_id, correlation_id);
                self.to = to.text().filter(|to| !to.is_empty());
            }
            MESSAGE_ANNOTATIONS | APPLICATION_PROPERTIES => read_context(section.items(), reader),
            _ => {}
        }
    }
}

fn read_context(map: Items<'_>, reader: &mut ContextReader<'_>) {
    for (name, value) in named(map) {
        if let Some(value) = value.text() {
            reader.handle(name, value);
        }
    }
}

/// The length of the data or text that begin here, though they may not be there.
fn text_bytes(cursor: &mut Cursor<'_>) -> Option<u64> {
    match cursor.u8()? {
        0xA0 | 0xA1 => cursor.u8().map(u64::from),
        0xB0 | 0xB1 => cursor.u32_be().map(u64::from),
        _ => None,
    }
}

const HEADER: u64 = 0x70;
const MESSAGE_ANNOTATIONS: u64 = 0x72;
const PROPERTIES: u64 = 0x73;
const APPLICATION_PROPERTIES: u64 = 0x74;
const DATA: u64 = 0x75;
const VALUE: u64 = 0x77;
/// A message has five sections in front of its body.
const MAX_SECTIONS: usize = 5;
