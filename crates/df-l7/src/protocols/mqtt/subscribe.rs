//! Reads `SUBSCRIBE` and `UNSUBSCRIBE`, and the codes that answer them.

use crate::Cursor;

use super::properties::Properties;
use super::reasons::is_known;
use super::wire::{Head, Kind, Version, text};

/// What is subscribed to, or no more.
#[derive(Debug)]
pub(super) struct Filters<'a> {
    /// The first of them with their options, which are nothing where a subscription ends.
    pub(super) shown: Vec<(&'a str, u8)>,
    pub(super) properties: Option<Properties<'a>>,
    /// The version that the layout shows, if it was not known before.
    pub(super) version: Version,
}

/// The codes of an answer.
#[derive(Debug)]
pub(super) struct Answers<'a> {
    pub(super) codes: &'a [u8],
    pub(super) properties: Option<Properties<'a>>,
    pub(super) version: Version,
}

impl<'a> Filters<'a> {
    /// What stands behind the packet identifier. None unless it is all there and, where the version is not known, fits
    /// just one.
    pub(super) fn read(head: &Head, bytes: &'a [u8], version: Version) -> Option<Self> {
        match version {
            Version::V5 => Self::read_as(head.kind, bytes, Version::V5),
            Version::Unknown => {
                let three = Self::read_as(head.kind, bytes, Version::Three);
                let five = Self::read_as(head.kind, bytes, Version::V5);
                if three.is_some() { three.filter(|_| five.is_none()) } else { five }
            }
            _ => Self::read_as(head.kind, bytes, version),
        }
    }

    fn read_as(kind: Kind, bytes: &'a [u8], version: Version) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let is_five = version == Version::V5;
        let properties = if is_five { Some(Properties::read_whole(&mut cursor)?) } else { None };
        let mut shown = Vec::new();
        while !cursor.rest().is_empty() || shown.is_empty() {
            let filter = text(&mut cursor).filter(|filter| !filter.is_empty())?;
            let options = if kind == Kind::Subscribe { cursor.u8()? } else { 0 };
            let is_right = if is_five { is_options(options) } else { options <= MAX_QOS };
            if !is_right {
                return None;
            }
            if shown.len() < MAX_SHOWN_FILTERS {
                shown.push((filter, options));
            }
        }
        Some(Self { shown, properties, version })
    }
}

impl<'a> Answers<'a> {
    /// What stands behind the packet identifier of an answer. None if it contradicts the version, or fits several that
    /// differ in what was refused.
    pub(super) fn read(head: &Head, bytes: &'a [u8], version: Version) -> Option<Self> {
        match version {
            Version::V5 => Self::read_five(bytes),
            Version::Unknown => {
                match (Self::read_three(head.kind, bytes, Version::Three), Self::read_five(bytes)) {
                    (Some(three), Some(five)) => {
                        let is_same = three.highest() == five.highest();
                        is_same.then_some(Self { version: Version::Unknown, ..five })
                    }
                    (one, other) => one.or(other),
                }
            }
            _ => Self::read_three(head.kind, bytes, version),
        }
    }

    pub(super) fn highest(&self) -> Option<u8> {
        self.codes.iter().copied().max()
    }

    fn read_three(kind: Kind, bytes: &'a [u8], version: Version) -> Option<Self> {
        let is_right = match kind {
            Kind::SubscribeAck => {
                !bytes.is_empty() && bytes.iter().all(|code| *code <= MAX_QOS || *code == FAILURE)
            }
            _ => bytes.is_empty(),
        };
        is_right.then_some(Self { codes: bytes, properties: None, version })
    }

    fn read_five(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let properties = Properties::read_whole(&mut cursor)?;
        let codes = cursor.rest();
        let is_right = !codes.is_empty() && codes.iter().all(|code| is_known(*code));
        is_right.then_some(Self { codes, properties: Some(properties), version: Version::V5 })
    }
}

/// Whether version 5 has such options of a subscription: no reserved bit, no reserved quality, no reserved handling.
const fn is_options(options: u8) -> bool {
    options & 0xc0 == 0 && options & 0x03 <= MAX_QOS && options & 0x30 != 0x30
}

const MAX_QOS: u8 = 2;
const FAILURE: u8 = 0x80;
/// How many filters of one packet are shown.
const MAX_SHOWN_FILTERS: usize = 32;
