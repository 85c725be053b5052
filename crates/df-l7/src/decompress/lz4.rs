//! LZ4: raw blocks and the frame format. Read here since the head of a cut block is wanted, which the libraries refuse.

use super::Head;
use super::window::{Added, Window};
use crate::Cursor;

/// A raw block (lz4_Block_format.md). None if nothing of it can be read. It does not tell its length: one that was cut
/// behind a literal counts as whole.
pub(crate) fn lz4_block(input: &[u8], max_bytes: usize) -> Option<Head> {
    let mut window = Window::new(max_bytes);
    let is_whole = block(input, &mut window).is_some();
    window.into_head(is_whole)
}

/// The first frame (lz4_Frame_format.md), without a dictionary. None if nothing of it can be read.
pub(crate) fn lz4_frame(input: &[u8], max_bytes: usize) -> Option<Head> {
    let mut window = Window::new(max_bytes);
    let is_whole = frame(input, &mut window).is_some();
    window.into_head(is_whole)
}

/// `magic: 4 bytes | flags: 1 | block size: 1 | [content size: 8] | [dictionary: 4] | header checksum: 1`, then per block
/// `length: 4 | block | [checksum: 4]`; a length of zero ends the frame.
fn frame(input: &[u8], window: &mut Window) -> Option<()> {
    let mut cursor = Cursor::new(input);
    if cursor.u32_le()? != FRAME_MAGIC {
        return None;
    }
    let flags = cursor.u8()?;
    if flags >> 6 != FRAME_VERSION {
        return None;
    }
    let _block_size = cursor.u8()?;
    let content_size_bytes = if flags & HAS_CONTENT_SIZE == 0 { 0 } else { 8 };
    let dictionary_bytes = if flags & HAS_DICTIONARY == 0 { 0 } else { 4 };
    cursor.take(content_size_bytes + dictionary_bytes + 1)?;
    loop {
        let word = cursor.u32_le()?;
        if word == 0 {
            return Some(());
        }
        let len = usize::try_from(word & !IS_PLAIN).ok()?;
        let content = cursor.rest().get(..len).unwrap_or(cursor.rest());
        if word & IS_PLAIN == 0 {
            block(content, window)?;
        } else if window.literal(content) == Added::Cut {
            return None;
        }
        cursor.take(len)?;
        if flags & HAS_BLOCK_CHECKSUMS != 0 {
            cursor.u32_le()?;
        }
    }
}

/// Reads one block: sequences of literals and of bytes repeated, the last one of literals alone. None if it is cut,
/// malformed, or there is no room for all of it.
fn block(input: &[u8], window: &mut Window) -> Option<()> {
    let mut cursor = Cursor::new(input);
    loop {
        let token = cursor.u8()?;
        let literal_len = extended_len(token >> 4, &mut cursor)?;
        let literal = cursor.rest().get(..literal_len).unwrap_or(cursor.rest());
        let added = window.literal(literal);
        cursor.take(literal_len)?;
        if added == Added::Cut {
            return None;
        }
        if cursor.rest().is_empty() {
            return Some(());
        }
        let offset = usize::from(cursor.u16_le()?);
        let len = extended_len(token & 0xf, &mut cursor)?.saturating_add(MIN_REPEATED_BYTES);
        if window.repeat(offset, len)? == Added::Cut {
            return None;
        }
    }
}

/// A length of which 15 in the token says that bytes follow, up to the first that is not 255, to be added.
fn extended_len(nibble: u8, cursor: &mut Cursor<'_>) -> Option<usize> {
    let mut len = usize::from(nibble);
    if nibble < 0xf {
        return Some(len);
    }
    loop {
        let byte = cursor.u8()?;
        len = len.checked_add(usize::from(byte))?;
        if byte != 0xff {
            return Some(len);
        }
    }
}

const FRAME_MAGIC: u32 = 0x184d_2204;
const FRAME_VERSION: u8 = 1;
const HAS_BLOCK_CHECKSUMS: u8 = 0x10;
const HAS_CONTENT_SIZE: u8 = 0x08;
const HAS_DICTIONARY: u8 = 0x01;
/// The bit of a block's length that says that it is not compressed.
const IS_PLAIN: u32 = 1 << 31;
const MIN_REPEATED_BYTES: usize = 4;
