//! Reads record batches as far as their heads, and the headers of their first records.

use std::borrow::Cow;

use crate::context::ContextReader;
use crate::{ContextConfig, Cursor, PropagatedContext, decompress};

/// What a set of records holds.
#[derive(Debug, Default)]
pub(super) struct RecordSet {
    /// How many records; none if a part of the set was not seen, or holds them compressed in the old format.
    pub(super) count: Option<u32>,
    /// The context of the first record that has one.
    pub(super) context: Option<PropagatedContext>,
}

impl RecordSet {
    /// Reads the batches in `bytes`, the front of a set of `total` bytes.
    pub(super) fn read(bytes: &[u8], total: usize, config: &ContextConfig) -> Self {
        let mut set = Self { count: Some(0), context: None };
        let mut position = 0_usize;
        while position < total {
            let rest = bytes.get(position..).unwrap_or_default();
            let Some(batch) = Batch::parse(rest) else {
                // The last batch of a response may be cut by the broker.
                let is_cut = total - position < MAX_HEAD_BYTES && bytes.len() >= total;
                set.count = set.count.filter(|_| is_cut);
                break;
            };
            let end = position.saturating_add(batch.bytes);
            if end > total {
                break;
            }
            set.count = set.count.zip(batch.count).and_then(|(sum, count)| sum.checked_add(count));
            if set.context.is_none() && batch.is_current {
                let records = rest.get(BATCH_HEAD_BYTES..batch.bytes.min(rest.len())).unwrap_or_default();
                set.context = plain(records, batch.codec).and_then(|plain| first_context(&plain, config));
            }
            position = end;
        }
        set
    }
}

/// The head of a batch (magic 2), or of one message of the formats before it.
struct Batch {
    /// With its head.
    bytes: usize,
    count: Option<u32>,
    codec: u16,
    is_current: bool,
}

impl Batch {
    /// ```text
    /// magic 2: offset 8, length 4, epoch 4, magic 1, checksum 4, attributes 2, ... count 4, records
    /// before:  offset 8, length 4, checksum 4, magic 1, attributes 1, ...
    /// ```
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        cursor.take(8)?;
        let length = usize::try_from(cursor.u32_be()?).ok()?;
        cursor.take(4)?;
        let magic = cursor.u8()?;
        let bytes = length.checked_add(12)?;
        if magic < 2 {
            let codec = u16::from(cursor.u8()? & CODEC_BITS);
            return Some(Self { bytes, count: (codec == 0).then_some(1), codec, is_current: false });
        }
        cursor.take(4)?;
        let attributes = cursor.u16_be()?;
        cursor.take(34)?;
        let count = cursor.u32_be().filter(|count| i32::try_from(*count).is_ok())?;
        if magic > 2 || bytes < BATCH_HEAD_BYTES {
            return None;
        }
        let count = if attributes & CONTROL_BIT == 0 { count } else { 0 };
        Some(Self {
            bytes,
            count: Some(count),
            codec: attributes & u16::from(CODEC_BITS),
            is_current: attributes & CONTROL_BIT == 0,
        })
    }
}

/// The first of these records as they were before they were compressed.
fn plain(records: &[u8], codec: u16) -> Option<Cow<'_, [u8]>> {
    let head = match codec {
        0 => return Some(Cow::Borrowed(records)),
        1 => decompress::gzip(records, MAX_PLAIN_BYTES),
        2 => decompress::snappy_framed(records, MAX_PLAIN_BYTES),
        3 => decompress::lz4_frame(records, MAX_PLAIN_BYTES),
        4 => decompress::zstd(records, MAX_PLAIN_BYTES),
        _ => None,
    };
    head.map(|head| Cow::Owned(head.bytes))
}

/// The context of the first of these records that has one.
fn first_context(records: &[u8], config: &ContextConfig) -> Option<PropagatedContext> {
    let mut cursor = Cursor::new(records);
    for _ in 0..MAX_RECORDS {
        let length = usize::try_from(varint(&mut cursor)?).ok()?;
        let rest = cursor.rest();
        let mut reader = ContextReader::new(config);
        headers(rest.get(..length).unwrap_or(rest), &mut reader);
        if let Some(context) = reader.finish() {
            return Some(context);
        }
        cursor.take(length)?;
    }
    None
}

/// Shows the headers of one record to `reader`.
///
/// ```text
/// attributes 1, time, offset, key length, key, value length, value, count, (name length, name, value length, value)*
/// ```
fn headers(record: &[u8], reader: &mut ContextReader<'_>) -> Option<()> {
    let mut cursor = Cursor::new(record);
    cursor.take(1)?;
    varint(&mut cursor)?;
    varint(&mut cursor)?;
    field(&mut cursor)?;
    field(&mut cursor)?;
    for _ in 0..varint(&mut cursor)? {
        let name = field(&mut cursor)?;
        let value = field(&mut cursor)?;
        reader.handle(name, value);
    }
    Some(())
}

/// Bytes with their length in front; null is empty.
fn field<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    match varint(cursor)? {
        -1 => Some(&[]),
        length => cursor.take(usize::try_from(length).ok()?),
    }
}

/// A signed number in groups of seven bits, the lowest first, the sign in the lowest bit.
fn varint(cursor: &mut Cursor<'_>) -> Option<i64> {
    let mut value = 0_u64;
    for shift in (0..70).step_by(7) {
        let byte = cursor.u8()?;
        value |= u64::from(byte & 0x7f).wrapping_shl(shift);
        if byte < 0x80 {
            return Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
        }
    }
    None
}

const CODEC_BITS: u8 = 7;
const CONTROL_BIT: u16 = 0x20;
/// The head of a batch of magic 2.
const BATCH_HEAD_BYTES: usize = 61;
/// A batch that ends before this has no complete head.
const MAX_HEAD_BYTES: usize = BATCH_HEAD_BYTES;
/// How much of compressed records is looked at.
const MAX_PLAIN_BYTES: usize = 8_192;
/// In how many records a trace context is looked for.
const MAX_RECORDS: usize = 16;
