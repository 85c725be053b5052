//! Bounded decompression of what messages carry: the first bytes of the plain text, never more than asked for.
//!
//! Each function takes compressed bytes that may be cut, and gives at most `max_bytes` plain ones. Memory and time are
//! bounded by `max_bytes` and the length of the input; [`zstd`] may need the memory of one block more. Checksums are not
//! verified: a damaged message is not worth less than a cut one.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_IGNORE_ADLER32, TINFL_FLAG_PARSE_ZLIB_HEADER, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::Cursor;

mod inflater;
mod lz4;
mod snappy;
mod window;

pub(crate) use inflater::{Coding, Inflater};
pub(crate) use lz4::{lz4_block, lz4_frame};
pub(crate) use snappy::{snappy, snappy_framed};

/// The first bytes of what was compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// The plain bytes.
    pub(crate) bytes: Vec<u8>,
    /// Whether these are all: neither the limit nor the end of the input cut them.
    pub(crate) is_whole: bool,
}

/// Data in the zlib format (RFC 1950). None if nothing of it can be read.
pub(crate) fn zlib(input: &[u8], max_bytes: usize) -> Option<Head> {
    inflate(input, max_bytes, TINFL_FLAG_PARSE_ZLIB_HEADER | TINFL_FLAG_IGNORE_ADLER32)
}

/// Raw deflated data (RFC 1951). None if nothing of it can be read.
pub(crate) fn deflate(input: &[u8], max_bytes: usize) -> Option<Head> {
    inflate(input, max_bytes, 0)
}

/// The first member of data in the gzip format (RFC 1952). None if nothing of it can be read.
pub(crate) fn gzip(input: &[u8], max_bytes: usize) -> Option<Head> {
    let rest = input.starts_with(&GZIP_DEFLATE).then(|| gzip_header_len(input))??;
    deflate(input.get(rest..)?, max_bytes)
}

/// How long the header of a gzip member is. None if it is cut.
fn gzip_header_len(input: &[u8]) -> Option<usize> {
    let mut cursor = Cursor::new(input);
    let [_, _, _, flags] = cursor.array()?;
    let _time_and_system: [u8; 6] = cursor.array()?;
    if flags & GZIP_EXTRA != 0 {
        let len = usize::from(cursor.u16_le()?);
        cursor.take(len)?;
    }
    for text in [GZIP_NAME, GZIP_COMMENT] {
        if flags & text != 0 {
            cursor.take_until(0)?;
        }
    }
    if flags & GZIP_HEADER_CHECKSUM != 0 {
        cursor.u16_le()?;
    }
    input.len().checked_sub(cursor.rest().len())
}

/// The first frame of data in the Zstandard format (RFC 8878), without a dictionary. None if nothing of it can be read.
/// Blocks are read one by one, each of at most a megabyte: of a block that is cut nothing is known.
pub(crate) fn zstd(input: &[u8], max_bytes: usize) -> Option<Head> {
    let mut source = input;
    let mut decoder = FrameDecoder::new();
    decoder.init(&mut source).ok()?;
    let read = decoder.decode_blocks(&mut source, BlockDecodingStrategy::UptoBytes(max_bytes.max(1)));
    let is_finished = matches!(read, Ok(true)) || decoder.is_finished();
    if !is_finished {
        // The decoder gives its last bytes only at the end of the frame: here is one.
        let mut end = ZSTD_END;
        decoder.decode_blocks(&mut end, BlockDecodingStrategy::UptoBlocks(1)).ok()?;
    }
    let mut bytes = decoder.collect()?;
    let is_whole = is_finished && bytes.len() <= max_bytes;
    if bytes.is_empty() && !is_whole {
        return None;
    }
    bytes.truncate(max_bytes);
    Some(Head { bytes, is_whole })
}

/// Inflates into a buffer that grows with what comes out.
fn inflate(input: &[u8], max_bytes: usize, flags: u32) -> Option<Head> {
    let limit = input.len().saturating_mul(MAX_DEFLATE_RATIO).min(max_bytes);
    let expected = input.len().saturating_mul(EXPECTED_DEFLATE_RATIO).max(LEAST_ROOM_BYTES);
    let mut plain = vec![0; limit.min(expected)];
    let mut inflater = Box::<DecompressorOxide>::default();
    let (mut read, mut written) = (0_usize, 0_usize);
    let status = loop {
        let rest = input.get(read..).unwrap_or_default();
        let flags = flags | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let (status, consumed, produced) = decompress(&mut inflater, rest, &mut plain, written, flags);
        read = read.saturating_add(consumed);
        written = written.saturating_add(produced);
        if status != TINFLStatus::HasMoreOutput || plain.len() >= limit {
            break status;
        }
        plain.resize(plain.len().saturating_mul(EXPECTED_DEFLATE_RATIO).min(limit), 0);
    };
    let is_whole = status == TINFLStatus::Done;
    plain.truncate(written);
    (is_whole || written > 0).then_some(Head { bytes: plain, is_whole })
}

/// The first bytes of a gzip member: its magic number and the only method there is.
const GZIP_DEFLATE: [u8; 3] = [0x1f, 0x8b, 8];
const GZIP_HEADER_CHECKSUM: u8 = 0x02;
const GZIP_EXTRA: u8 = 0x04;
const GZIP_NAME: u8 = 0x08;
const GZIP_COMMENT: u8 = 0x10;
/// The last block of a Zstandard frame, without bytes, and a checksum.
const ZSTD_END: &[u8] = &[1, 0, 0, 0, 0, 0, 0];
/// No deflated data is smaller than its plain bytes by more than this.
pub(crate) const MAX_DEFLATE_RATIO: usize = 1_032;
/// What the first buffer has room for, and by how much each next one is larger.
const EXPECTED_DEFLATE_RATIO: usize = 4;
/// The least that the first buffer has room for: what compresses well is often short.
const LEAST_ROOM_BYTES: usize = 4_096;

#[cfg(test)]
mod tests;
