//! TLS as it is on the wire (RFC 8446 §4 and §5, RFC 5246, RFC 6101): borrowed and without meaning.

use crate::Cursor;

/// ```text
/// | type 1 | version 2 | length 2 |  at most 2^14 + 2,048 bytes
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RecordHeader {
    pub(super) kind: u8,
    pub(super) version: u16,
    pub(super) len: usize,
}

/// The kinds of record.
pub(super) mod record {
    pub(in super::super) const CHANGE_CIPHER_SPEC: u8 = 20;
    pub(in super::super) const ALERT: u8 = 21;
    pub(in super::super) const HANDSHAKE: u8 = 22;
    pub(in super::super) const APPLICATION_DATA: u8 = 23;
    pub(in super::super) const HEARTBEAT: u8 = 24;
}

/// The kinds of handshake message that are told apart.
pub(super) mod handshake_kind {
    pub(in super::super) const CLIENT_HELLO: u8 = 1;
    pub(in super::super) const SERVER_HELLO: u8 = 2;
    pub(in super::super) const NEW_TICKET: u8 = 4;
    pub(in super::super) const HELLO_RETRY_REQUEST: u8 = 6;
    pub(in super::super) const CERTIFICATE: u8 = 11;
    pub(in super::super) const SERVER_KEY_EXCHANGE: u8 = 12;
    pub(in super::super) const CERTIFICATE_REQUEST: u8 = 13;
    pub(in super::super) const SERVER_HELLO_DONE: u8 = 14;
    pub(in super::super) const CERTIFICATE_VERIFY: u8 = 15;
    pub(in super::super) const CLIENT_KEY_EXCHANGE: u8 = 16;
    pub(in super::super) const CERTIFICATE_STATUS: u8 = 22;
}

/// The extensions that are read.
pub(super) mod extension {
    pub(in super::super) const SERVER_NAME: u16 = 0;
    pub(in super::super) const SUPPORTED_GROUPS: u16 = 10;
    pub(in super::super) const POINT_FORMATS: u16 = 11;
    pub(in super::super) const ALPN: u16 = 16;
    pub(in super::super) const PRE_SHARED_KEY: u16 = 41;
    pub(in super::super) const SUPPORTED_VERSIONS: u16 = 43;
    pub(in super::super) const KEY_SHARE: u16 = 51;
}

/// Bytes in front of a record's fragment.
pub(super) const RECORD_HEADER_BYTES: usize = 5;
/// Bytes in front of a handshake message's body: its kind and a length of 24 bits.
pub(super) const HANDSHAKE_HEADER_BYTES: usize = 4;
/// The longest fragment that TLS 1.2 allows (RFC 5246 §6.2.3).
const MAX_FRAGMENT_BYTES: usize = (1 << 14) + 2_048;

impl RecordHeader {
    /// Reads the header at the start of `bytes`. None: too few bytes. Says nothing of whether it makes sense.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let (kind, version, len) = (cursor.u8()?, cursor.u16_be()?, cursor.u16_be()?);
        Some(Self { kind, version, len: usize::from(len) })
    }

    /// Whether the fields are within what any version of TLS allows.
    pub(super) const fn is_plausible(&self) -> bool {
        let is_version = self.version >= 0x0300 && self.version <= 0x0304;
        let is_len =
            self.len <= MAX_FRAGMENT_BYTES && (self.len > 0 || self.kind == record::APPLICATION_DATA);
        is_version
            && is_len
            && match self.kind {
                record::CHANGE_CIPHER_SPEC => self.len == 1,
                record::ALERT | record::HEARTBEAT | record::HANDSHAKE | record::APPLICATION_DATA => true,
                _ => false,
            }
    }

    /// How many bytes the record takes.
    pub(super) const fn total_bytes(&self) -> usize {
        RECORD_HEADER_BYTES.saturating_add(self.len)
    }
}

/// The kind and length of the handshake message at the start of `bytes`.
pub(super) fn handshake_header(bytes: &[u8]) -> Option<(u8, usize)> {
    let mut cursor = Cursor::new(bytes);
    let kind = cursor.u8()?;
    Some((kind, u24(&mut cursor)?))
}

fn u24(cursor: &mut Cursor<'_>) -> Option<usize> {
    let [high, middle, low] = cursor.array()?;
    usize::try_from(u32::from_be_bytes([0, high, middle, low])).ok()
}

/// The length of an SSL 2 record whose header has two bytes, without that header (the SSL protocol, 1995).
pub(super) fn short_record_len(bytes: &[u8]) -> Option<usize> {
    let len = Cursor::new(bytes).u16_be()?;
    (len & 0x8000 != 0).then_some(usize::from(len & 0x7fff))
}

/// What a client offers. Lists are the bytes as they came; what was cut is empty or shorter.
#[derive(Debug, Clone, Default)]
pub(super) struct ClientHello<'a> {
    pub(super) version: u16,
    pub(super) ciphers: &'a [u8],
    pub(super) extensions: Extensions<'a>,
    /// Whether all of it was there.
    pub(super) is_whole: bool,
}

impl<'a> ClientHello<'a> {
    /// Reads the body of the message (RFC 8446 §4.1.2).
    ///
    /// ```text
    /// | version 2 | random 32 | len 1 + session id | len 2 + ciphers | len 1 + compressions | len 2 + extensions |
    /// ```
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        let mut hello = Self { version: cursor.u16_be()?, ..Self::default() };
        hello.is_whole = hello.read_rest(&mut cursor).is_some();
        Some(hello)
    }

    fn read_rest(&mut self, cursor: &mut Cursor<'a>) -> Option<()> {
        cursor.take(RANDOM_BYTES)?;
        short_vector(cursor)?;
        self.ciphers = vector(cursor)?;
        short_vector(cursor)?;
        // SSL 3 and TLS 1.0 need not have extensions.
        if !cursor.rest().is_empty() {
            self.extensions = Extensions::read(cursor);
            return self.extensions.is_whole.then_some(());
        }
        Some(())
    }

    /// Reads an SSL 2 record's body that offers newer versions (RFC 5246 appendix E.2), or SSL 2 itself.
    ///
    /// ```text
    /// | 1 | version 2 | ciphers len 2 | session id len 2 | challenge len 2 | ciphers, 3 bytes each | ...
    /// ```
    pub(super) fn read_version_2(body: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        let kind = cursor.u8()?;
        let version = cursor.u16_be()?;
        let lens = [cursor.u16_be()?, cursor.u16_be()?, cursor.u16_be()?].map(usize::from);
        let [ciphers, identifier, challenge] = lens;
        let is_sound = kind == handshake_kind::CLIENT_HELLO
            && (version == 0x0002 || version >> 8 == 3 && version <= 0x0304)
            && ciphers > 0
            && ciphers.is_multiple_of(3)
            && matches!(identifier, 0 | 16)
            && (16..=32).contains(&challenge);
        if !is_sound {
            return None;
        }
        Some(Self { version, is_whole: cursor.take(ciphers).is_some(), ..Self::default() })
    }

    /// The length that the fields of an SSL 2 hello add up to.
    pub(super) fn version_2_len(body: &[u8]) -> Option<usize> {
        let mut cursor = Cursor::new(body.get(3..)?);
        let lens = [cursor.u16_be()?, cursor.u16_be()?, cursor.u16_be()?].map(usize::from);
        Some(lens.iter().sum::<usize>().saturating_add(9))
    }
}

/// What a server chose.
#[derive(Debug, Clone, Default)]
pub(super) struct ServerHello<'a> {
    /// The version in the version's own place; TLS 1.3 tells its own in an extension.
    pub(super) version: u16,
    pub(super) cipher: u16,
    pub(super) extensions: Extensions<'a>,
    /// Whether it asks the client for another hello.
    pub(super) is_retry: bool,
}

impl<'a> ServerHello<'a> {
    /// Reads the body of the message (RFC 8446 §4.1.3). None unless the cipher is there.
    ///
    /// ```text
    /// | version 2 | random 32 | len 1 + session id | cipher 2 | compression 1 | len 2 + extensions |
    /// ```
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        let version = cursor.u16_be()?;
        let random = cursor.take(RANDOM_BYTES)?;
        let is_early_draft = version == 0x0304 || (0x7f00..FIRST_DRAFT_WITH_IDENTIFIER).contains(&version);
        if !is_early_draft {
            short_vector(&mut cursor)?;
        }
        let cipher = cursor.u16_be()?;
        if !is_early_draft {
            cursor.u8();
        }
        let extensions = Extensions::read(&mut cursor);
        Some(Self { version, cipher, extensions, is_retry: random == RETRY_RANDOM })
    }
}

/// The extensions of a hello.
#[derive(Debug, Clone, Default)]
pub(super) struct Extensions<'a> {
    bytes: &'a [u8],
    is_whole: bool,
}

impl<'a> Extensions<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Self {
        let Some(len) = cursor.u16_be().map(usize::from) else { return Self::default() };
        let rest = cursor.rest();
        Self { bytes: rest.get(..len).unwrap_or(rest), is_whole: rest.len() >= len }
    }

    /// The content of the first extension of this kind.
    pub(super) fn content_of(&self, kind: u16) -> Option<&'a [u8]> {
        self.clone().find_map(|(found, content)| (found == kind).then_some(content))
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut cursor = Cursor::new(self.bytes);
        let kind = cursor.u16_be()?;
        let content = vector(&mut cursor)?;
        self.bytes = cursor.rest();
        Some((kind, content))
    }
}

/// The host name of the extension `server_name` (RFC 6066 §3).
pub(super) fn server_name(content: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(content);
    let mut list = Cursor::new(vector(&mut cursor)?);
    while let Some(kind) = list.u8() {
        let name = vector(&mut list)?;
        if kind == 0 {
            return Some(name);
        }
    }
    None
}

/// The names of the extension ALPN (RFC 7301 §3.1): offered ones, or the one that was chosen.
pub(super) fn application_protocols(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut cursor = Cursor::new(content);
    let mut list = Cursor::new(vector(&mut cursor).unwrap_or_default());
    std::iter::from_fn(move || short_vector(&mut list))
}

/// The first certificate of the message `Certificate` up to TLS 1.2 (RFC 5246 §7.4.2), or what there is of it.
pub(super) fn first_certificate(body: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(body);
    u24(&mut cursor)?;
    let len = u24(&mut cursor)?;
    let rest = cursor.rest();
    Some(rest.get(..len).unwrap_or(rest)).filter(|certificate| !certificate.is_empty())
}

/// The 16-bit numbers that `bytes` are.
pub(super) fn numbers(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.chunks_exact(2).map(|pair| pair.iter().fold(0, |sum, &byte| sum << 8 | u16::from(byte)))
}

/// The content behind a length of 16 bits.
pub(super) fn vector<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let len = cursor.u16_be()?;
    cursor.take(usize::from(len))
}

/// The content behind a length of 8 bits.
pub(super) fn short_vector<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let len = cursor.u8()?;
    cursor.take(usize::from(len))
}

const RANDOM_BYTES: usize = 32;
/// Drafts of TLS 1.3 before number 22 told no session identifier and no compression, and their own version or 1.3 in the
/// place where TLS 1.3 itself has 1.2.
const FIRST_DRAFT_WITH_IDENTIFIER: u16 = 0x7f16;
/// The random of a hello that is a `HelloRetryRequest`: the SHA-256 of that word (RFC 8446 §4.1.3).
const RETRY_RANDOM: &[u8] = &[
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];
