//! The laws that hold for compressed bytes inside messages: the body of a fuzz target, not part of the API.

use crate::decompress::{self, Head};

/// Reads any bytes in one of the compressed formats, whole and cut, with a limit and without, and checks that the limit
/// holds and that less input or room gives a beginning of what more gives.
pub fn decompress(data: &[u8]) {
    let [format, limit_low, limit_high, input @ ..] = data else { return };
    let formats: [Decompressor; 8] = [
        decompress::zlib,
        decompress::gzip,
        decompress::deflate,
        decompress::snappy,
        decompress::snappy_framed,
        decompress::lz4_block,
        decompress::lz4_frame,
        decompress::zstd,
    ];
    let Some(read) = formats.get(usize::from(format % 8)) else { return };
    let limit = usize::from(u16::from_le_bytes([*limit_low, *limit_high]));
    let all = read(input, MAX_PLAIN_BYTES);
    let half = input.get(..input.len() / 2).unwrap_or_default();
    for less in [read(input, limit), read(half, MAX_PLAIN_BYTES)].into_iter().flatten() {
        let is_beginning = all.as_ref().is_some_and(|all| all.bytes.starts_with(&less.bytes));
        assert!(is_beginning || less.bytes.is_empty(), "less gives a beginning");
    }
    assert!(read(input, limit).is_none_or(|head| head.bytes.len() <= limit), "the limit holds");
    assert!(all.is_none_or(|head| head.bytes.len() <= MAX_PLAIN_BYTES), "the limit holds");
}

type Decompressor = fn(&[u8], usize) -> Option<Head>;

const MAX_PLAIN_BYTES: usize = 1 << 20;
