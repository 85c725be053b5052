//! The laws that hold for compressed bytes inside messages: the body of a fuzz target, not part of the API.

use crate::decompress::{self, Coding, Head, Inflater};

/// Reads any bytes in one of the compressed formats, whole and cut, with a limit and without, and checks that the limit
/// holds and that less input or room gives a beginning of what more gives; zlib and gzip in pieces too.
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
    assert!(all.as_ref().is_none_or(|head| head.bytes.len() <= MAX_PLAIN_BYTES), "the limit holds");
    let coding = match format % 8 {
        0 => Coding::Zlib,
        1 => Coding::Gzip,
        _ => return,
    };
    let piecewise = inflated(coding, input, 1 + limit % 600);
    assert_eq!(piecewise, inflated(coding, input, usize::MAX), "pieces do not matter");
    if let Some(all) = all {
        assert!(all.bytes.starts_with(&piecewise) || piecewise.starts_with(&all.bytes), "the texts agree");
    }
}

/// What comes out of a body that comes in pieces.
fn inflated(coding: Coding, input: &[u8], len: usize) -> Vec<u8> {
    let (mut inflater, mut plain) = (Inflater::new(coding), Vec::new());
    for piece in input.chunks(len) {
        if let Some(inflater) = &mut inflater {
            inflater.handle(piece, |bytes| plain.extend_from_slice(bytes));
        }
    }
    plain
}

type Decompressor = fn(&[u8], usize) -> Option<Head>;

const MAX_PLAIN_BYTES: usize = 1 << 20;
