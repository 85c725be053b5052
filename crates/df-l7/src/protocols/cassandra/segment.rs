//! The segments of version 5, which carry frames or parts of them once a connection was set up (v5 §2).
//!
//! ```text
//! plain        length:17 whole:1 0:6                      checksum(3)  payload  checksum(4)
//! compressed   length:17 plain-length:17 whole:1 0:5      checksum(3)  payload  checksum(4)
//! ```

use crate::Cursor;
use crate::decompress::lz4_block;

const PLAIN_HEADER_BYTES: usize = 6;
const COMPRESSED_HEADER_BYTES: usize = 8;
const TRAILER_BYTES: usize = 4;

/// The header of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    header_bytes: usize,
    payload_bytes: usize,
    /// How long the payload is once it is unwrapped; 0 if it is not compressed although others are.
    plain_bytes: usize,
    is_compressed: bool,
}

impl Segment {
    /// Reads a header whose checksum is right.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        Self::plain(bytes).or_else(|| Self::compressed(bytes))
    }

    /// How many bytes are needed to say whether a segment begins here.
    pub(super) const fn needed_bytes() -> usize {
        COMPRESSED_HEADER_BYTES
    }

    pub(super) const fn segment_bytes(&self) -> usize {
        self.header_bytes.saturating_add(self.payload_bytes).saturating_add(TRAILER_BYTES)
    }

    /// How many bytes of frames it holds.
    pub(super) const fn content_bytes(&self) -> usize {
        if self.is_compressed && self.plain_bytes > 0 { self.plain_bytes } else { self.payload_bytes }
    }

    /// The frames that it holds, as far as they are there.
    pub(super) fn content(&self, segment: &[u8]) -> Vec<u8> {
        let payload = segment.get(self.header_bytes..).unwrap_or_default();
        let payload = payload.get(..self.payload_bytes).unwrap_or(payload);
        if self.is_compressed && self.plain_bytes > 0 {
            return lz4_block(payload, self.plain_bytes).map(|head| head.bytes).unwrap_or_default();
        }
        payload.to_vec()
    }

    fn plain(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let (word, checksum) = (cursor.u24_le()?, cursor.u24_le()?);
        let payload_bytes = usize::try_from(word & 0x1_ffff).ok()?;
        let is_right = word >> 18 == 0 && payload_bytes > 0 && checksum_of(u64::from(word), 3) == checksum;
        is_right.then_some(Self {
            header_bytes: PLAIN_HEADER_BYTES,
            payload_bytes,
            plain_bytes: 0,
            is_compressed: false,
        })
    }

    fn compressed(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let [first, second, third, fourth, fifth] = cursor.array()?;
        let word = u64::from_le_bytes([first, second, third, fourth, fifth, 0, 0, 0]);
        let checksum = cursor.u24_le()?;
        let payload_bytes = usize::try_from(word & 0x1_ffff).ok()?;
        let plain_bytes = usize::try_from(word >> 17 & 0x1_ffff).ok()?;
        let is_right = word >> 35 == 0 && payload_bytes > 0 && checksum_of(word, 5) == checksum;
        is_right.then_some(Self {
            header_bytes: COMPRESSED_HEADER_BYTES,
            payload_bytes,
            plain_bytes,
            is_compressed: true,
        })
    }
}

/// The checksum of a header's first `len` bytes.
fn checksum_of(word: u64, len: usize) -> u32 {
    let mut checksum = INITIAL;
    for byte in word.to_le_bytes().into_iter().take(len) {
        checksum ^= u32::from(byte) << 16;
        for _ in 0..8 {
            checksum <<= 1;
            if checksum & 0x0100_0000 != 0 {
                checksum ^= POLYNOMIAL;
            }
        }
    }
    checksum & 0x00ff_ffff
}

const INITIAL: u32 = 0x0087_5060;
const POLYNOMIAL: u32 = 0x0197_4f0b;
