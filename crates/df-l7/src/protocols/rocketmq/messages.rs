//! Reads the messages in the body of a response to a pull.
//!
//! ```text
//! length 4, magic 4, checksum 4, queue 4, flag 4, offset 8, position 8, system flag 4, born 8, host 8 or 20, stored 8,
//! host 8 or 20, tries 4, transaction 8, body 4 + n, topic 1 + n (2 + n), properties 2 + n
//! ```

use crate::context::ContextReader;
use crate::{ContextConfig, Cursor, PropagatedContext};

use super::wire::properties;

/// What the body of a response holds.
#[derive(Debug, Default)]
pub(super) struct Pulled {
    /// How many messages; none if not all of them were seen.
    pub(super) count: Option<u32>,
    /// The context of the first message that has one.
    pub(super) context: Option<PropagatedContext>,
}

impl Pulled {
    /// Reads `bytes`, the front of a body of `total` bytes.
    pub(super) fn read(bytes: &[u8], total: usize, config: &ContextConfig) -> Self {
        let mut pulled = Self { count: Some(0), context: None };
        let mut position = 0_usize;
        while position < total {
            let rest = bytes.get(position..).unwrap_or_default();
            let Some(length) = message_length(rest) else {
                pulled.count = None;
                break;
            };
            if pulled.context.is_none() {
                pulled.context = context(rest.get(..length).unwrap_or(rest), config);
            }
            pulled.count = pulled.count.and_then(|count| count.checked_add(1));
            position = position.saturating_add(length);
        }
        pulled
    }
}

fn message_length(bytes: &[u8]) -> Option<usize> {
    let mut cursor = Cursor::new(bytes);
    let length = usize::try_from(cursor.u32_be()?).ok()?;
    let magic = cursor.u32_be()?;
    (MAGICS.contains(&magic) && length >= MIN_MESSAGE_BYTES).then_some(length)
}

fn context(message: &[u8], config: &ContextConfig) -> Option<PropagatedContext> {
    let mut cursor = Cursor::new(message);
    cursor.take(4)?;
    let magic = cursor.u32_be()?;
    cursor.take(28)?;
    let flag = cursor.u32_be()?;
    let host = |is_v6: bool| if is_v6 { 20 } else { 8 };
    cursor.take(8)?;
    cursor.take(host(flag & BORN_HOST_V6 != 0))?;
    cursor.take(8)?;
    cursor.take(host(flag & STORE_HOST_V6 != 0))?;
    cursor.take(12)?;
    let body_len = usize::try_from(cursor.u32_be()?).ok()?;
    cursor.take(body_len)?;
    let topic_len = if magic == MAGIC_V2 { usize::from(cursor.u16_be()?) } else { usize::from(cursor.u8()?) };
    cursor.take(topic_len)?;
    let properties_len = usize::from(cursor.u16_be()?);
    let text = std::str::from_utf8(cursor.take(properties_len)?).ok()?;
    context_of(text, config)
}

/// The context in the properties of a message.
pub(super) fn context_of(text: &str, config: &ContextConfig) -> Option<PropagatedContext> {
    let mut reader = ContextReader::new(config);
    for (name, value) in properties(text) {
        reader.handle(name.as_bytes(), value.as_bytes());
    }
    reader.finish()
}

const MAGIC_V2: u32 = 0xDAA3_20AB;
const MAGICS: [u32; 2] = [0xDAA3_20A7, MAGIC_V2];
const BORN_HOST_V6: u32 = 0x10;
const STORE_HOST_V6: u32 = 0x20;
/// A message without body, topic and properties.
const MIN_MESSAGE_BYTES: usize = 91;
