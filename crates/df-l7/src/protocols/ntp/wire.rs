//! NTP packets as they are on the wire (RFC 5905 §7.3, RFC 9327 §2), and what tells them from others.

use df_core::{Direction, Transport};

use crate::{Cursor, Detection};

/// What a datagram is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packet {
    Time(Time),
    Control(Control),
    Private(Private),
}

/// ```text
/// | leap 2 bits, version 3, mode 3 | stratum 1 | poll 1 | precision 1 | root delay 4 | root dispersion 4 | reference id 4 |
/// | reference time 8 | origin time 8 | receive time 8 | transmit time 8 | extensions, authentication ...
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time {
    pub(super) leap: u8,
    pub(super) version: u8,
    pub(super) mode: Mode,
    pub(super) stratum: u8,
    pub(super) reference_id: [u8; 4],
    pub(super) origin: u64,
    pub(super) transmit: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    SymmetricActive,
    SymmetricPassive,
    Client,
    Server,
    Broadcast,
}

/// ```text
/// | version and mode 6 | response, error, more, operation 5 bits | sequence 2 | status 2 | association 2 | offset 2 | count 2 |
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Control {
    pub(super) version: u8,
    pub(super) is_response: bool,
    pub(super) is_error: bool,
    pub(super) operation: u8,
    pub(super) sequence: u16,
    pub(super) status: u16,
    pub(super) offset: u16,
}

/// ```text
/// | response, more, version, mode 7 | sequence 7 bits | implementation 1 | code 1 | error 4 bits, items 12 | zero 4, size 12 |
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Private {
    pub(super) version: u8,
    pub(super) is_response: bool,
    pub(super) sequence: u8,
    pub(super) error: u8,
}

impl Packet {
    /// Reads a datagram whose fields all make sense.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let first = *bytes.first()?;
        match first & 7 {
            6 => Control::read(bytes).map(Self::Control),
            7 => Private::read(bytes).map(Self::Private),
            _ => Time::read(bytes).map(Self::Time),
        }
    }

    /// Who sends this; none for what either side sends.
    fn sender(&self) -> Option<Direction> {
        let is_response = match self {
            Self::Control(control) => control.is_response,
            Self::Private(private) => private.is_response,
            Self::Time(time) => match time.mode {
                Mode::Client => false,
                Mode::Server => true,
                Mode::SymmetricActive | Mode::SymmetricPassive | Mode::Broadcast => return None,
            },
        };
        Some(if is_response { Direction::ToClient } else { Direction::ToServer })
    }
}

impl Time {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let [first, stratum, poll, precision] = cursor.array()?;
        let [delay, dispersion] = [cursor.u32_be()?, cursor.u32_be()?];
        let reference_id = cursor.array()?;
        let [_reference, origin, _receive, transmit] =
            [time(&mut cursor)?, time(&mut cursor)?, time(&mut cursor)?, time(&mut cursor)?];
        let mode = match first & 7 {
            1 => Mode::SymmetricActive,
            2 => Mode::SymmetricPassive,
            3 => Mode::Client,
            4 => Mode::Server,
            5 => Mode::Broadcast,
            _ => return None,
        };
        let version = version(first)?;
        let precision = precision.cast_signed();
        let is_sound = stratum <= MAX_STRATUM
            && poll <= MAX_POLL
            && (precision <= 0 || mode == Mode::Client)
            && precision > MIN_PRECISION
            && delay < MAX_SHORT_TIME
            && dispersion < MAX_SHORT_TIME
            && bytes.len().is_multiple_of(4);
        is_sound.then_some(Self { leap: first >> 6, version, mode, stratum, reference_id, origin, transmit })
    }
}

impl Control {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let [first, second] = cursor.array()?;
        let [sequence, status, _association, offset, count] =
            [cursor.u16_be()?, cursor.u16_be()?, cursor.u16_be()?, cursor.u16_be()?, cursor.u16_be()?];
        let version = version(first)?;
        let len = usize::from(count);
        let rest = cursor.rest().len();
        // Padded to four bytes, or to eight and an authenticator of one of two lengths.
        let is_padded = rest == len || rest == len.next_multiple_of(4);
        let is_authentic =
            AUTHENTICATOR_BYTES.map(|bytes| len.next_multiple_of(8).saturating_add(bytes)).contains(&rest);
        let is_sound = first >> 6 == 0 && version >= 2 && (is_padded || is_authentic);
        is_sound.then_some(Self {
            version,
            is_response: second & 0x80 != 0,
            is_error: second & 0x40 != 0,
            operation: second & 0x1f,
            sequence,
            status,
            offset,
        })
    }
}

impl Private {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let [first, sequence, implementation, code] = cursor.array()?;
        let [items, size] = [cursor.u16_be()?, cursor.u16_be()?];
        let version = version(first)?;
        let is_response = first & 0x80 != 0;
        let error = items >> 12;
        let content = usize::from(items & 0xfff).saturating_mul(usize::from(size & 0xfff));
        // ntpd and its tools never send another version than 2.
        let is_sound = version == 2
            && matches!(implementation, 2 | 3)
            && code <= MAX_PRIVATE_CODE
            && size >> 12 == 0
            && content <= cursor.rest().len()
            && (is_response || error == 0);
        let error = u8::try_from(error).ok()?;
        is_sound.then_some(Self { version, is_response, sequence: sequence & 0x7f, error })
    }
}

fn version(first: u8) -> Option<u8> {
    Some(first >> 3 & 7).filter(|version| (1..=4).contains(version))
}

fn time(cursor: &mut Cursor<'_>) -> Option<u64> {
    cursor.array().map(u64::from_be_bytes)
}

/// Says whether a datagram could be one of these; the port or an answer must agree.
pub(super) fn detect(_: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    match Packet::read(bytes).map(|packet| packet.sender()) {
        Some(Some(sender)) if sender != direction => Detection::WEAK_REVERSED,
        Some(_) => Detection::WEAK,
        None => Detection::NoMatch,
    }
}

/// Stratum 16 says that a server has no time.
pub(super) const MAX_STRATUM: u8 = 16;
/// A poll every 2^17 seconds is the slowest.
const MAX_POLL: u8 = 17;
/// A clock that is precise to 2^-40 seconds is there only on paper.
const MIN_PRECISION: i8 = -40;
/// 16 seconds, as a number of 2^-16 seconds: who is further off is not synchronised.
const MAX_SHORT_TIME: u32 = 16 << 16;
const MAX_PRIVATE_CODE: u8 = 46;
/// A key's number and an MD5 or SHA-1 digest.
const AUTHENTICATOR_BYTES: [usize; 2] = [20, 24];
