//! How Thrift messages begin: the transport's envelope and the protocol's message head.
//!
//! ```text
//! framed          length(4) message
//! header          length(4) 0fff flags(2) sequence-id(4) words(2) protocol transforms... infos... padding message
//! strict binary   8001 00 type  name-length(4) name  sequence-id(4)  struct
//! old binary      name-length(4) name  type  sequence-id(4)  struct
//! compact         82 type<<5|1  sequence-id(varint)  name-length(varint) name  struct
//! ```

use crate::{Cursor, ParseError, ParseErrorReason};

/// The longest name of a method that is read.
pub(super) const MAX_NAME_BYTES: usize = 512;
/// The largest frame that implementations take is below 1 GiB.
const MAX_FRAME_BYTES: u32 = 0x3fff_ffff;
/// What makes a frame one of the header transport.
const HEADER_MAGIC: u16 = 0x0fff;
/// The longest header that is read; implementations write some hundred bytes.
const MAX_HEADER_BYTES: usize = 32_768;
/// Length, magic number, flags, sequence id and the size of the header.
const HEADER_FIXED_BYTES: usize = 14;

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Binary,
    Compact,
}

/// The kinds of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MessageType {
    Call,
    Reply,
    Exception,
    OneWay,
}

impl MessageType {
    const fn of(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Call,
            2 => Self::Reply,
            3 => Self::Exception,
            4 => Self::OneWay,
            _ => return None,
        })
    }

    /// Whether it is the client that sends it.
    pub(super) const fn is_of_client(self) -> bool {
        matches!(self, Self::Call | Self::OneWay)
    }
}

/// The head of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head<'a> {
    pub(super) kind: MessageType,
    pub(super) name: &'a [u8],
    pub(super) sequence_id: u32,
    pub(super) encoding: Encoding,
    /// How many bytes it takes.
    pub(super) len: usize,
    /// Whether it begins with a version, as all but old messages do.
    pub(super) has_version: bool,
}

/// What is around a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Envelope<'a> {
    /// Where the message begins.
    pub(super) start: usize,
    /// Where the message ends, counted from the envelope's start; none if only its values tell.
    pub(super) end: Option<usize>,
    pub(super) header: Option<Header<'a>>,
}

/// The header of the header transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header<'a> {
    pub(super) sequence_id: u32,
    pub(super) is_compressed: bool,
    /// The info headers.
    infos: &'a [u8],
}

/// A step of reading: what was read, or how many bytes are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read<T> {
    Ready(T),
    Needed(usize),
}

const INVALID: ParseError = ParseError::new(0, ParseErrorReason::InvalidValue);

impl<'a> Envelope<'a> {
    /// Reads what is around the message at the start of `bytes`.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Read<Self>, ParseError> {
        let bare = Self { start: 0, end: None, header: None };
        match bytes {
            [0x80, 0x01, ..] | [0x82, _, ..] => return Ok(Read::Ready(bare)),
            [0x80 | 0x82] => return Ok(Read::Needed(2)),
            _ => {}
        }
        let mut cursor = Cursor::new(bytes);
        let Some(length) = cursor.u32_be() else { return Ok(Read::Needed(4)) };
        let second: [u8; 2] = match cursor.rest() {
            [first, second, ..] => [*first, *second],
            _ => return Ok(Read::Needed(6)),
        };
        // An old message begins with its name's length, a frame with its own: the name follows the one, another
        // number the other.
        let is_name =
            second.iter().take(usize::try_from(length).unwrap_or(2)).all(|byte| is_name_byte(*byte));
        if is_name && length > 0 {
            return Ok(Read::Ready(bare));
        }
        if !(4..=MAX_FRAME_BYTES).contains(&length) {
            return Err(INVALID);
        }
        let end = usize::try_from(length).ok().and_then(|length| length.checked_add(4));
        if u16::from_be_bytes(second) == HEADER_MAGIC {
            return Self::read_header(bytes, end);
        }
        Ok(Read::Ready(Self { start: 4, end, header: None }))
    }

    fn read_header(bytes: &'a [u8], end: Option<usize>) -> Result<Read<Self>, ParseError> {
        let mut cursor = Cursor::new(bytes);
        let fixed = cursor.take(8).and_then(|_| Some((cursor.u32_be()?, cursor.u16_be()?)));
        let Some((sequence_id, words)) = fixed else { return Ok(Read::Needed(HEADER_FIXED_BYTES)) };
        let start = HEADER_FIXED_BYTES.saturating_add(usize::from(words).saturating_mul(4));
        if start > MAX_HEADER_BYTES || end.is_none_or(|end| start > end) {
            return Err(ParseError::new(12, ParseErrorReason::InvalidLength));
        }
        let Some(content) = bytes.get(HEADER_FIXED_BYTES..start) else { return Ok(Read::Needed(start)) };
        let mut cursor = Cursor::new(content);
        let protocol = varint(&mut cursor).ok_or(INVALID)?;
        let transforms = varint(&mut cursor).ok_or(INVALID)?;
        if !matches!(protocol, 0 | 2) || transforms > MAX_TRANSFORMS {
            return Err(INVALID);
        }
        let mut is_compressed = false;
        for _ in 0..transforms {
            is_compressed |= varint(&mut cursor).ok_or(INVALID)? == ZLIB_TRANSFORM;
        }
        let header = Header { sequence_id, is_compressed, infos: cursor.rest() };
        Ok(Read::Ready(Self { start, end, header: Some(header) }))
    }
}

impl<'a> Header<'a> {
    /// The keys and values of the info headers.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let mut cursor = Cursor::new(self.infos);
        let kind = varint(&mut cursor);
        let count = if kind == Some(KEY_VALUE_INFO) { varint(&mut cursor).unwrap_or_default() } else { 0 };
        let count = usize::try_from(count).unwrap_or_default().min(MAX_INFOS);
        std::iter::from_fn(move || Some((text(&mut cursor)?, text(&mut cursor)?))).take(count)
    }
}

impl<'a> Head<'a> {
    /// Reads the head at the start of `bytes`.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Read<Self>, ParseError> {
        match bytes {
            [0x80, 0x01, ..] | [0x80] => Self::read_strict(bytes),
            [0x82, ..] => Self::read_compact(bytes),
            [] => Ok(Read::Needed(1)),
            _ => Self::read_old(bytes),
        }
    }

    fn read_strict(bytes: &'a [u8]) -> Result<Read<Self>, ParseError> {
        let mut cursor = Cursor::new(bytes);
        let Some([_, _, unused, kind]) = cursor.array::<4>() else { return Ok(Read::Needed(8)) };
        let kind = MessageType::of(kind).filter(|_| unused == 0).ok_or(INVALID)?;
        let Some(name_bytes) = cursor.u32_be() else { return Ok(Read::Needed(8)) };
        let name_bytes = name_length(u64::from(name_bytes))?;
        let Some(name) = cursor.take(name_bytes) else { return Self::needed(8, name_bytes, bytes) };
        let Some(sequence_id) = cursor.u32_be() else { return Self::needed(8, name_bytes, bytes) };
        let len = cursor.position();
        checked(Self { kind, name, sequence_id, encoding: Encoding::Binary, len, has_version: true })
    }

    fn read_old(bytes: &'a [u8]) -> Result<Read<Self>, ParseError> {
        let mut cursor = Cursor::new(bytes);
        let Some(name_bytes) = cursor.u32_be() else {
            let may_be_length = bytes.first() == Some(&0) && bytes.get(1).is_none_or(|byte| *byte == 0);
            return if may_be_length { Ok(Read::Needed(4)) } else { Err(INVALID) };
        };
        let name_bytes = name_length(u64::from(name_bytes))?;
        let Some(name) = cursor.take(name_bytes) else { return Self::needed(4, name_bytes, bytes) };
        let Some(kind) = cursor.u8() else { return Self::needed(4, name_bytes, bytes) };
        let kind = MessageType::of(kind).ok_or(INVALID)?;
        let Some(sequence_id) = cursor.u32_be() else { return Self::needed(4, name_bytes, bytes) };
        let len = cursor.position();
        checked(Self { kind, name, sequence_id, encoding: Encoding::Binary, len, has_version: false })
    }

    fn read_compact(bytes: &'a [u8]) -> Result<Read<Self>, ParseError> {
        let mut cursor = Cursor::new(bytes);
        let Some([_, version_and_type]) = cursor.array::<2>() else { return Ok(Read::Needed(2)) };
        if version_and_type & 0x1f != 1 {
            return Err(INVALID);
        }
        let kind = MessageType::of(version_and_type >> 5).ok_or(INVALID)?;
        let read = varint(&mut cursor).and_then(|number| Some((number, varint(&mut cursor)?)));
        let Some((sequence_id, name_bytes)) = read else {
            let is_short = bytes.len() < MAX_COMPACT_HEAD_BYTES;
            return if is_short { Ok(Read::Needed(bytes.len() + 1)) } else { Err(INVALID) };
        };
        let sequence_id = u32::try_from(sequence_id).map_err(|_| INVALID)?;
        let (fixed, name_bytes) = (cursor.position(), name_length(name_bytes)?);
        let Some(name) = cursor.take(name_bytes) else {
            return Ok(Read::Needed(fixed.saturating_add(name_bytes)));
        };
        let len = cursor.position();
        checked(Self { kind, name, sequence_id, encoding: Encoding::Compact, len, has_version: true })
    }

    /// What is there of the name must be one.
    fn needed(before: usize, name_bytes: usize, bytes: &[u8]) -> Result<Read<Self>, ParseError> {
        let name = bytes.get(before..).unwrap_or_default();
        let name = name.get(..name_bytes).unwrap_or(name);
        if !name.iter().all(|byte| is_name_byte(*byte)) {
            return Err(INVALID);
        }
        // Behind an old name stands the type.
        let behind = if before == 4 { 5 } else { 4 };
        Ok(Read::Needed(before.saturating_add(name_bytes).saturating_add(behind)))
    }
}

fn checked(head: Head<'_>) -> Result<Read<Head<'_>>, ParseError> {
    let is_name = head.name.iter().all(|byte| is_name_byte(*byte));
    if is_name { Ok(Read::Ready(head)) } else { Err(INVALID) }
}

fn name_length(len: u64) -> Result<usize, ParseError> {
    let len = usize::try_from(len).ok().filter(|len| (1..=MAX_NAME_BYTES).contains(len));
    len.ok_or(ParseError::new(4, ParseErrorReason::InvalidLength))
}

/// Whether a method's name may have this byte; a multiplexed one has a colon, names of some languages have more.
pub(super) const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'.' | b'-' | b'/' | b'$')
}

/// A number of seven bits per byte, the lowest first. None if it does not end, or ends after 64 bits.
pub(super) fn varint(cursor: &mut Cursor<'_>) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..70).step_by(7) {
        let byte = cursor.u8()?;
        number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or_default();
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn text<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let len = usize::try_from(varint(cursor)?).ok()?;
    cursor.take(len)
}

/// The info headers that hold keys and values.
const KEY_VALUE_INFO: u64 = 1;
const ZLIB_TRANSFORM: u64 = 1;
const MAX_TRANSFORMS: u64 = 8;
/// How many info headers are looked at.
const MAX_INFOS: usize = 64;
/// Two bytes and two numbers of at most ten.
const MAX_COMPACT_HEAD_BYTES: usize = 22;
