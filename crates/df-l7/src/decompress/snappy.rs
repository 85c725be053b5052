//! Snappy: raw blocks, the framing format, and the blocks that the Java library writes. Read here since the head of a cut
//! block is wanted, which the libraries refuse.

use super::Head;
use super::window::{Added, Window};
use crate::Cursor;

/// A raw block (format_description.txt of Snappy). None if nothing of it can be read.
pub(crate) fn snappy(input: &[u8], max_bytes: usize) -> Option<Head> {
    let mut window = Window::new(max_bytes);
    let is_whole = block(input, &mut window).is_some();
    window.into_head(is_whole)
}

/// A stream of blocks: the framing format (framing_format.txt), that of the Java library (xerial), or else one raw block.
/// None if nothing of it can be read.
pub(crate) fn snappy_framed(input: &[u8], max_bytes: usize) -> Option<Head> {
    let mut window = Window::new(max_bytes);
    let is_whole = if input.starts_with(XERIAL_MAGIC) {
        xerial_blocks(input, &mut window)
    } else if input.starts_with(FRAMED_MAGIC) {
        chunks(input, &mut window)
    } else if [XERIAL_MAGIC, FRAMED_MAGIC].iter().any(|magic| magic.starts_with(input)) {
        None
    } else {
        block(input, &mut window)
    };
    window.into_head(is_whole.is_some())
}

/// Reads one block. None if it is cut, malformed, or there is no room for all of it.
fn block(input: &[u8], window: &mut Window) -> Option<()> {
    let mut cursor = Cursor::new(input);
    let announced = plain_len(&mut cursor)?;
    window.forget();
    window.reserve(announced, input.len());
    let end = window.len().saturating_add(announced);
    while let Some(tag) = cursor.u8() {
        let added = match tag & 3 {
            0 => literal(tag, &mut cursor, window)?,
            1 => {
                let offset = usize::from(tag >> 5) << 8 | usize::from(cursor.u8()?);
                window.repeat(offset, 4 + usize::from(tag >> 2 & 7))?
            }
            2 => window.repeat(usize::from(cursor.u16_le()?), 1 + usize::from(tag >> 2))?,
            _ => window.repeat(usize::try_from(cursor.u32_le()?).ok()?, 1 + usize::from(tag >> 2))?,
        };
        if added == Added::Cut {
            return None;
        }
    }
    (window.len() == end).then_some(())
}

/// A literal's length is in its tag, or in the one to four bytes behind it.
fn literal(tag: u8, cursor: &mut Cursor<'_>, window: &mut Window) -> Option<Added> {
    let short = tag >> 2;
    let len_bytes = usize::from(short.saturating_sub(MAX_SHORT_LITERAL));
    let len_minus_one = if len_bytes == 0 {
        u32::from(short)
    } else {
        let mut number = [0; 4];
        number.get_mut(..len_bytes)?.copy_from_slice(cursor.take(len_bytes)?);
        u32::from_le_bytes(number)
    };
    let len = usize::try_from(len_minus_one).ok()?.checked_add(1)?;
    let bytes = cursor.rest().get(..len).unwrap_or(cursor.rest());
    let added = window.literal(bytes);
    cursor.take(len)?;
    Some(added)
}

/// The length of a block's plain bytes: seven bits per byte, the lowest first.
fn plain_len(cursor: &mut Cursor<'_>) -> Option<usize> {
    let mut len = 0_u64;
    for shift in [0, 7, 14, 21, 28] {
        let byte = cursor.u8()?;
        len |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return usize::try_from(len).ok().filter(|len| *len <= MAX_BLOCK_BYTES);
        }
    }
    None
}

/// `magic: 8 bytes | version: 4 | compatible version: 4`, then per block `length: 4 | block`.
fn xerial_blocks(input: &[u8], window: &mut Window) -> Option<()> {
    let mut cursor = Cursor::new(input);
    cursor.take(XERIAL_MAGIC.len() + 8)?;
    while !cursor.rest().is_empty() {
        let len = usize::try_from(cursor.u32_be()?).ok()?;
        block(cursor.rest().get(..len).unwrap_or(cursor.rest()), window)?;
        cursor.take(len)?;
    }
    Some(())
}

/// Per chunk `type: 1 byte | length: 3 | content`; that of data begins with a checksum.
fn chunks(input: &[u8], window: &mut Window) -> Option<()> {
    let mut cursor = Cursor::new(input);
    while let Some(kind) = cursor.u8() {
        let len = usize::try_from(cursor.u24_le()?).ok()?;
        let content = cursor.rest().get(..len).unwrap_or(cursor.rest());
        match kind {
            CHUNK_COMPRESSED => block(content.get(CHECKSUM_BYTES..)?, window)?,
            CHUNK_PLAIN if window.literal(content.get(CHECKSUM_BYTES..)?) == Added::Cut => return None,
            CHUNK_PLAIN | FIRST_SKIPPABLE_CHUNK.. => {}
            _ => return None,
        }
        cursor.take(len)?;
    }
    Some(())
}

const XERIAL_MAGIC: &[u8] = b"\x82SNAPPY\0";
const FRAMED_MAGIC: &[u8] = b"\xff\x06\0\0sNaPpY";
const CHUNK_COMPRESSED: u8 = 0;
const CHUNK_PLAIN: u8 = 1;
const FIRST_SKIPPABLE_CHUNK: u8 = 0x80;
const CHECKSUM_BYTES: usize = 4;
/// Greater numbers in a literal's tag say how many bytes its length has.
const MAX_SHORT_LITERAL: u8 = 59;
const MAX_BLOCK_BYTES: usize = 0xffff_ffff;
