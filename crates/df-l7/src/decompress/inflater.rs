//! Inflates a body as it comes: gzip and zlib, in pieces of any length.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_IGNORE_ADLER32, TINFL_FLAG_PARSE_ZLIB_HEADER,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use super::{GZIP_DEFLATE, gzip_header_len};

/// How a body is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// It is not.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 1950, which HTTP calls `deflate`.
    Zlib,
}

/// What is known of a body that is being inflated: some 43 KiB, which is the window that deflated data refer to.
pub(crate) struct Inflater {
    state: DecompressorOxide,
    flags: u32,
    /// The newest plain bytes, written round and round, and where the next ones go.
    window: Box<[u8]>,
    place: usize,
    /// Whether the header of gzip is still to come, and what is there of it.
    header: Option<Vec<u8>>,
    /// How many bytes were read, and given.
    read: usize,
    given: usize,
    /// Whether nothing more is read: the data have ended, are damaged, or too good to be true.
    is_over: bool,
}

impl Inflater {
    /// An inflater for one body; none if there is nothing to undo.
    pub(crate) fn new(coding: Coding) -> Option<Box<Self>> {
        let (zlib_flag, header) = match coding {
            Coding::Identity => return None,
            Coding::Gzip => (0, Some(Vec::new())),
            Coding::Zlib => (TINFL_FLAG_PARSE_ZLIB_HEADER, None),
        };
        Some(Box::new(Self {
            state: DecompressorOxide::default(),
            flags: zlib_flag | TINFL_FLAG_IGNORE_ADLER32 | TINFL_FLAG_HAS_MORE_INPUT,
            window: vec![0; WINDOW_BYTES].into(),
            place: 0,
            header,
            read: 0,
            given: 0,
            is_over: false,
        }))
    }

    /// Takes the next bytes and gives the plain ones, in pieces.
    pub(crate) fn handle(&mut self, bytes: &[u8], mut give: impl FnMut(&[u8])) {
        let Some(mut header) = self.header.take() else { return self.read(bytes, &mut give) };
        header.extend_from_slice(bytes);
        let magic = header.get(..GZIP_DEFLATE.len()).unwrap_or(&header);
        self.is_over |= !GZIP_DEFLATE.starts_with(magic);
        match gzip_header_len(&header) {
            _ if self.is_over => {}
            Some(len) if len <= MAX_HEADER_BYTES => {
                self.read(header.get(len..).unwrap_or_default(), &mut give);
            }
            None if header.len() <= MAX_HEADER_BYTES => self.header = Some(header),
            _ => self.is_over = true,
        }
    }

    /// Whether the data are honest is asked behind every block of them, so that it does not matter how they were cut.
    fn read(&mut self, bytes: &[u8], give: &mut impl FnMut(&[u8])) {
        let mut rest = bytes;
        while !rest.is_empty() && !self.is_over {
            let len = BLOCK_BYTES - self.read % BLOCK_BYTES;
            let (block, behind) = rest.split_at_checked(len).unwrap_or((rest, &[]));
            self.inflate(block, give);
            self.read = self.read.saturating_add(block.len());
            let is_whole = self.read.is_multiple_of(BLOCK_BYTES);
            self.is_over |= is_whole && self.given / MAX_RATIO > self.read.saturating_add(BLOCK_BYTES);
            rest = behind;
        }
    }

    fn inflate(&mut self, bytes: &[u8], give: &mut impl FnMut(&[u8])) {
        let mut rest = bytes;
        while !self.is_over {
            let (status, read, written) =
                decompress(&mut self.state, rest, &mut self.window, self.place, self.flags);
            rest = rest.get(read..).unwrap_or_default();
            let end = self.place.saturating_add(written);
            give(self.window.get(self.place..end).unwrap_or_default());
            self.given = self.given.saturating_add(written);
            self.place = end % WINDOW_BYTES;
            match status {
                TINFLStatus::HasMoreOutput => {}
                TINFLStatus::NeedsMoreInput => return,
                // The end, or damage.
                _ => self.is_over = true,
            }
        }
    }
}

impl std::fmt::Debug for Inflater {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Inflater")
            .field("read", &self.read)
            .field("given", &self.given)
            .finish_non_exhaustive()
    }
}

/// How far back deflated data refer (RFC 1951 §2).
const WINDOW_BYTES: usize = 32_768;
/// A text that is compressed better than this is no honest one; the rest of it is not read.
const MAX_RATIO: usize = 128;
const BLOCK_BYTES: usize = 512;
/// A name or comment longer than this is not waited for.
const MAX_HEADER_BYTES: usize = 1_024;
