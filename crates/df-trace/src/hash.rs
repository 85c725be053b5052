//! The hash from which identifiers are derived: SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, 2012).
//!
//! Identifiers must be equal on every machine, in every version of this library and of the standard library, so the
//! algorithm, its key and the order of the words are fixed here. The input is a sequence of 64-bit words.

/// A hash in the making.
#[derive(Debug, Clone)]
pub(crate) struct Digest {
    state: [u64; 4],
    words: u64,
}

/// What a [`Digest`] ends in.
pub(crate) type Hash = [u64; 2];

impl Digest {
    /// Starts a hash. Hashes of different purposes never meet.
    pub(crate) fn new(purpose: Purpose) -> Self {
        Self::with_key([FIRST_KEY, purpose as u64])
    }

    fn with_key([first, second]: [u64; 2]) -> Self {
        let state = [
            first ^ 0x736f_6d65_7073_6575,
            second ^ 0x646f_7261_6e64_6f6d ^ 0xee,
            first ^ 0x6c79_6765_6e65_7261,
            second ^ 0x7465_6462_7974_6573,
        ];
        Self { state, words: 0 }
    }

    /// Adds a word.
    pub(crate) const fn word(mut self, word: u64) -> Self {
        self.words = self.words.wrapping_add(1);
        self.absorb(word);
        self
    }

    /// Adds both words of a hash.
    pub(crate) const fn hash(self, [first, second]: Hash) -> Self {
        self.word(first).word(second)
    }

    /// Adds bytes and their number.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<8>();
        let mut last = [0; 8];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        let digest = words
            .iter()
            .fold(self.word(bytes.len() as u64), |digest, word| digest.word(u64::from_le_bytes(*word)));
        digest.word(u64::from_le_bytes(last))
    }

    /// Ends the hash.
    pub(crate) const fn finish(mut self) -> Hash {
        // The last block of SipHash carries the length of the message in bytes, modulo 256.
        self.absorb(self.words << 59);
        self.state[2] ^= 0xee;
        self.rounds(4);
        let first = self.fold();
        self.state[1] ^= 0xdd;
        self.rounds(4);
        [first, self.fold()]
    }

    const fn absorb(&mut self, word: u64) {
        self.state[3] ^= word;
        self.rounds(2);
        self.state[0] ^= word;
    }

    const fn rounds(&mut self, count: u32) {
        let [mut v0, mut v1, mut v2, mut v3] = self.state;
        let mut round = 0;
        while round < count {
            v0 = v0.wrapping_add(v1);
            v1 = v1.rotate_left(13) ^ v0;
            v0 = v0.rotate_left(32);
            v2 = v2.wrapping_add(v3);
            v3 = v3.rotate_left(16) ^ v2;
            v0 = v0.wrapping_add(v3);
            v3 = v3.rotate_left(21) ^ v0;
            v2 = v2.wrapping_add(v1);
            v1 = v1.rotate_left(17) ^ v2;
            v2 = v2.rotate_left(32);
            round += 1;
        }
        self.state = [v0, v1, v2, v3];
    }

    const fn fold(&self) -> u64 {
        self.state[0] ^ self.state[1] ^ self.state[2] ^ self.state[3]
    }
}

/// What a hash is for; the second half of its key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// A call named by the sequence number of its request.
    RequestSequence = 1,
    /// A call named by the sequence number of its response.
    ResponseSequence = 2,
    /// A call named by the identifier and the question in its datagram.
    Datagram = 4,
    /// A call that only one observer can name.
    Unique = 5,
    /// A trace derived from a call.
    Trace = 6,
    /// A trace derived from propagated text.
    PropagatedTrace = 7,
    /// A span.
    Span = 8,
}

/// "df-trace" in ASCII.
const FIRST_KEY: u64 = 0x6466_2d74_7261_6365;

#[cfg(test)]
mod tests {
    use super::*;

    /// Reference vectors: key 00 01 .. 0f, message 00 01 .. of as many bytes.
    #[test]
    fn equals_the_reference() {
        let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        let words = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        for (count, expected) in [
            (0, [0xe6a8_25ba_047f_81a3, 0x9302_55c7_1472_f66d]),
            (1, [0x61f5_5862_baa9_623b, 0xb497_14f3_64e2_830f]),
            (2, [0xbb54_b067_caa4_e26e, 0x7705_2385_bf15_33fd]),
        ] {
            let digest =
                words.iter().take(count).fold(Digest::with_key(key), |digest, word| digest.word(*word));
            assert_eq!(digest.finish(), expected, "{count} words");
        }
    }

    #[test]
    fn bytes_of_different_lengths_differ() {
        let hash = |bytes: &[u8]| Digest::new(Purpose::Span).bytes(bytes).finish();
        assert_ne!(hash(b""), hash(b"\0"));
        assert_ne!(hash(b"12345678"), hash(b"12345678\0"));
        assert_ne!(Digest::new(Purpose::Trace).finish(), Digest::new(Purpose::Span).finish());
    }
}
