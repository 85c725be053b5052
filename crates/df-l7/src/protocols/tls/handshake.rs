//! Puts handshake messages together from the records that carry them (RFC 8446 §5.1): a record may hold several, and one
//! may span several records.

use super::wire::{HANDSHAKE_HEADER_BYTES, handshake_header};

/// The handshake message of one direction that is not complete yet.
#[derive(Debug, Default)]
pub(super) struct HandshakeReader {
    /// What was kept of it, header included.
    kept: Vec<u8>,
    /// How many bytes of it are to come that will not be kept.
    skip: usize,
}

/// What carries handshake messages: the fragment of one record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fragment<'a> {
    pub(super) bytes: &'a [u8],
    /// How many bytes at its end were not captured.
    pub(super) missing: usize,
}

/// A handshake message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) kind: u8,
    /// What it holds; less than it announced if it was cut.
    pub(super) body: &'a [u8],
}

impl HandshakeReader {
    /// Whether a message has begun that was not told yet.
    pub(super) const fn has_begun(&self) -> bool {
        !self.kept.is_empty()
    }

    /// Reads the next fragment: tells every message that ends in it, or of which no more will be kept.
    pub(super) fn read(&mut self, fragment: Fragment<'_>, mut tell: impl FnMut(Message<'_>)) {
        let mut rest = fragment.bytes;
        while !rest.is_empty() {
            rest = if self.skip > 0 {
                self.skip_front(rest)
            } else if self.kept.is_empty() {
                self.read_first(rest, &mut tell)
            } else {
                self.read_more(rest, &mut tell)
            };
        }
        if fragment.missing > 0 {
            self.interrupt(&mut tell);
            self.skip = self.skip.saturating_sub(fragment.missing);
        }
    }

    /// No more of the message in progress will come within reach: tells what was kept of it.
    pub(super) fn interrupt(&mut self, mut tell: impl FnMut(Message<'_>)) {
        let kept = std::mem::take(&mut self.kept);
        if let Some((kind, len)) = handshake_header(&kept) {
            let body = kept.get(HANDSHAKE_HEADER_BYTES..).unwrap_or_default();
            self.skip = len.saturating_sub(body.len());
            tell(Message { kind, body });
        }
    }

    /// Forgets where messages begin and end: the next fragment begins with one.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    fn skip_front<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let skipped = self.skip.min(bytes.len());
        self.skip = self.skip.saturating_sub(skipped);
        bytes.get(skipped..).unwrap_or_default()
    }

    /// Reads a message where nothing was kept before: without a copy if it is whole.
    fn read_first<'a>(&mut self, bytes: &'a [u8], tell: &mut impl FnMut(Message<'_>)) -> &'a [u8] {
        let whole = handshake_header(bytes).and_then(|(kind, len)| {
            let end = HANDSHAKE_HEADER_BYTES.saturating_add(len);
            Some((kind, bytes.get(HANDSHAKE_HEADER_BYTES..end)?, bytes.get(end..)?))
        });
        if let Some((kind, body, rest)) = whole {
            tell(Message { kind, body });
            return rest;
        }
        self.read_more(bytes, tell)
    }

    /// Keeps what is missing of the header, then of the message.
    fn read_more<'a>(&mut self, bytes: &'a [u8], tell: &mut impl FnMut(Message<'_>)) -> &'a [u8] {
        let wanted = handshake_header(&self.kept).map_or(HANDSHAKE_HEADER_BYTES, |(_, len)| {
            HANDSHAKE_HEADER_BYTES.saturating_add(len).min(MAX_KEPT_BYTES)
        });
        let room = wanted.saturating_sub(self.kept.len()).min(bytes.len());
        let (kept, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.kept.extend_from_slice(kept);
        if let Some((_, len)) = handshake_header(&self.kept)
            && self.kept.len() >= HANDSHAKE_HEADER_BYTES.saturating_add(len).min(MAX_KEPT_BYTES)
        {
            self.interrupt(tell);
        }
        rest
    }
}

/// The most bytes kept of one handshake message: enough for the first of many certificates.
const MAX_KEPT_BYTES: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    fn told(fragments: &[(&[u8], usize)]) -> Vec<(u8, Vec<u8>)> {
        let mut reader = HandshakeReader::default();
        let mut told = Vec::new();
        for &(bytes, missing) in fragments {
            reader.read(Fragment { bytes, missing }, |message| {
                told.push((message.kind, message.body.to_vec()));
            });
        }
        told
    }

    #[test]
    fn messages_do_not_depend_on_records() {
        let bytes = [1, 0, 0, 2, b'a', b'b', 14, 0, 0, 0, 11, 0, 0, 1, b'c'];
        let expected = vec![(1, b"ab".to_vec()), (14, Vec::new()), (11, b"c".to_vec())];
        for len in 1..=bytes.len() {
            let fragments: Vec<_> = bytes.chunks(len).map(|chunk| (chunk, 0)).collect();
            assert_eq!(told(&fragments), expected, "fragments of {len}");
        }
    }

    #[test]
    fn what_is_cut_is_told_as_far_as_it_goes() {
        let fragments: [(&[u8], usize); 2] =
            [(&[11, 0, 0, 9, b'a', b'b'], 4), (&[b'x', b'x', b'x', 14, 0, 0, 0], 0)];
        assert_eq!(told(&fragments), [(11, b"ab".to_vec()), (14, Vec::new())]);
    }

    #[test]
    fn a_long_message_is_told_early_and_its_rest_passed_over() {
        let mut bytes = vec![11, 0, 0x80, 0];
        bytes.resize(4 + 0x8000, b'x');
        bytes.extend([14, 0, 0, 0]);
        let fragments: Vec<_> = bytes.chunks(4_096).map(|chunk| (chunk, 0)).collect();
        let told = told(&fragments);
        assert_eq!(
            told.iter().map(|(kind, body)| (*kind, body.len())).collect::<Vec<_>>(),
            [(11, MAX_KEPT_BYTES - 4), (14, 0)]
        );
    }
}
