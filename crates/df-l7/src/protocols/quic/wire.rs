//! The part of a QUIC packet's long header that is not encrypted (RFC 8999 §5.1, RFC 9000 §17.2).

use std::borrow::Cow;

use df_core::{Direction, Transport};

use crate::{Cursor, Detection};

/// ```text
/// | 1 | 1 | type 2 | 4 bits | version 4 bytes | len 1 + destination id | len 1 + source id | by type ...
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LongHeader<'a> {
    pub(super) kind: Kind,
    pub(super) version: u32,
    pub(super) destination: &'a [u8],
    pub(super) source: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Initial,
    /// Early data of a connection that was known before.
    ZeroRoundTrip,
    Handshake,
    Retry,
    VersionNegotiation,
}

impl<'a> LongHeader<'a> {
    /// Reads the header at the start of a datagram. None if it has a short one, or none of this protocol.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let first = cursor.u8().filter(|first| first & 0x80 != 0)?;
        let version = cursor.u32_be()?;
        let [destination, source] = [identifier(&mut cursor)?, identifier(&mut cursor)?];
        let kind = kind(first, version)?;
        let is_sound = match kind {
            Kind::Initial => initial_is_sound(&mut cursor),
            Kind::VersionNegotiation => !cursor.rest().is_empty() && cursor.rest().len().is_multiple_of(4),
            Kind::ZeroRoundTrip | Kind::Handshake | Kind::Retry => true,
        };
        is_sound.then_some(Self { kind, version, destination, source })
    }
}

fn kind(first: u8, version: u32) -> Option<Kind> {
    if version == 0 {
        return Some(Kind::VersionNegotiation);
    }
    let kinds = [Kind::Initial, Kind::ZeroRoundTrip, Kind::Handshake, Kind::Retry];
    let number = usize::from(first >> 4 & 3);
    // Version 2 has other numbers, so that devices in between learn not to trust them.
    let number = if version == VERSION_2 { number.wrapping_add(3) & 3 } else { number };
    version_name(version)?;
    (first & 0x40 != 0).then(|| kinds.get(number).copied()).flatten()
}

fn identifier<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let len = cursor.u8().filter(|&len| len <= MAX_IDENTIFIER_BYTES)?;
    cursor.take(usize::from(len))
}

/// Whether token and length could be what they should: at least a packet number and the least that can be encrypted.
fn initial_is_sound(cursor: &mut Cursor<'_>) -> bool {
    let token = variable_length(cursor).and_then(|len| usize::try_from(len).ok());
    let Some(token) = token.filter(|&len| len <= MAX_TOKEN_BYTES) else { return false };
    if cursor.take(token).is_none() {
        return true;
    }
    variable_length(cursor).is_none_or(|len| (MIN_PROTECTED_BYTES..=MAX_DATAGRAM_BYTES).contains(&len))
}

/// A number whose first two bits say how many bytes it has (RFC 9000 §16).
fn variable_length(cursor: &mut Cursor<'_>) -> Option<u64> {
    let first = cursor.u8()?;
    let more = cursor.take((1_usize << (first >> 6)).saturating_sub(1))?;
    Some(more.iter().fold(u64::from(first & 0x3f), |sum, &byte| sum << 8 | u64::from(byte)))
}

/// The name of a version; none for what never was one.
pub(super) fn version_name(version: u32) -> Option<Cow<'static, str>> {
    Some(match version {
        1 => Cow::Borrowed("1"),
        VERSION_2 => Cow::Borrowed("2"),
        0xff00_0017..=0xff00_00ff => Cow::Owned(format!("draft-{}", version & 0xff)),
        0xface_b001..=0xface_b00f => Cow::Owned(format!("mvfst-{}", version & 0xff)),
        _ => return google_name(version),
    })
}

/// Google's versions with a header of this form: a letter and three digits.
fn google_name(version: u32) -> Option<Cow<'static, str>> {
    let [letter, digits @ ..] = version.to_be_bytes();
    let is_name = matches!(letter, b'Q' | b'T') && digits.iter().all(u8::is_ascii_digit);
    let number = digits.iter().fold(0_u32, |sum, digit| sum * 10 + u32::from(digit & 0xf));
    (is_name && number >= 46).then(|| Cow::Owned(format!("{}{number:03}", char::from(letter))))
}

/// Says whether a datagram begins a connection, or answers that.
pub(super) fn detect(_: Transport, _: Direction, bytes: &[u8]) -> Detection {
    match LongHeader::read(bytes) {
        Some(header) if header.kind == Kind::Initial => Detection::CERTAIN,
        Some(header) if header.kind == Kind::Handshake => Detection::WEAK,
        _ => Detection::NoMatch,
    }
}

const VERSION_2: u32 = 0x6b33_43cf;
const MAX_IDENTIFIER_BYTES: u8 = 20;
const MAX_TOKEN_BYTES: usize = 2_048;
/// A packet number of one byte, and what header protection needs behind it (RFC 9001 §5.4.2).
const MIN_PROTECTED_BYTES: u64 = 20;
const MAX_DATAGRAM_BYTES: u64 = 65_527;
