//! Reads what stands behind a command: the metadata of a message or batch, and that of the first message of a batch.

use std::borrow::Cow;

use crate::context::ContextReader;
use crate::{ContextConfig, Cursor, PropagatedContext, decompress};

use super::wire::{Value, field};

/// What the metadata of a message tells.
#[derive(Debug, Default)]
pub(super) struct Metadata {
    /// How many messages a batch has.
    pub(super) batch_count: Option<u64>,
    pub(super) context: Option<PropagatedContext>,
}

impl Metadata {
    /// Reads what follows the command, as far as it is there. None if the metadata are not.
    pub(super) fn read(bytes: &[u8], config: &ContextConfig) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        if cursor.rest().starts_with(&BROKER_ENTRY) {
            cursor.take(BROKER_ENTRY.len())?;
            let len = usize::try_from(cursor.u32_be()?).ok()?;
            cursor.take(len)?;
        }
        if cursor.rest().starts_with(&CHECKSUM) {
            cursor.take(CHECKSUM.len() + 4)?;
        }
        let len = usize::try_from(cursor.u32_be()?).ok()?;
        let fields = cursor.take(len)?;
        let mut reader = ContextReader::new(config);
        let (mut batch_count, mut codec, mut is_encrypted) = (None, 0, false);
        let mut fields = Cursor::new(fields);
        while let Some((number, value)) = field(&mut fields) {
            match (number, value) {
                (4, Value::Bytes(pair)) => handle_pair(pair, &mut reader),
                (8, Value::Number(number)) => codec = number,
                (11, Value::Number(count)) => batch_count = Some(count),
                (13, _) => is_encrypted = true,
                _ => {}
            }
        }
        let mut context = reader.finish();
        if context.is_none() && batch_count.is_some() && !is_encrypted {
            context = plain(cursor.rest(), codec).and_then(|payload| first_context(&payload, config));
        }
        Some(Self { batch_count, context })
    }
}

/// The context of the first message of a batch.
fn first_context(payload: &[u8], config: &ContextConfig) -> Option<PropagatedContext> {
    let mut cursor = Cursor::new(payload);
    let len = usize::try_from(cursor.u32_be()?).ok()?;
    let mut fields = Cursor::new(cursor.take(len)?);
    let mut reader = ContextReader::new(config);
    while let Some((number, value)) = field(&mut fields) {
        if let (1, Value::Bytes(pair)) = (number, value) {
            handle_pair(pair, &mut reader);
        }
    }
    reader.finish()
}

/// Shows a property to `reader`.
fn handle_pair(pair: &[u8], reader: &mut ContextReader<'_>) {
    let (mut name, mut text) = (None, None);
    let mut cursor = Cursor::new(pair);
    while let Some((number, value)) = field(&mut cursor) {
        match (number, value) {
            (1, Value::Bytes(bytes)) => name = Some(bytes),
            (2, Value::Bytes(bytes)) => text = Some(bytes),
            _ => {}
        }
    }
    if let Some((name, text)) = name.zip(text) {
        reader.handle(name, text);
    }
}

/// The first bytes of a payload as they were before they were compressed.
fn plain(payload: &[u8], codec: u64) -> Option<Cow<'_, [u8]>> {
    let head = match codec {
        0 => return Some(Cow::Borrowed(payload)),
        1 => decompress::lz4_block(payload, MAX_PLAIN_BYTES),
        2 => decompress::zlib(payload, MAX_PLAIN_BYTES),
        3 => decompress::zstd(payload, MAX_PLAIN_BYTES),
        4 => decompress::snappy(payload, MAX_PLAIN_BYTES),
        _ => None,
    };
    head.map(|head| Cow::Owned(head.bytes))
}

const BROKER_ENTRY: [u8; 2] = [0x0e, 0x02];
const CHECKSUM: [u8; 2] = [0x0e, 0x01];
/// How much of a compressed payload is looked at.
const MAX_PLAIN_BYTES: usize = 4_096;
