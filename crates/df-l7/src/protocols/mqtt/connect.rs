//! Reads `CONNECT` up to its secrets.

use crate::Cursor;

use super::properties::{AUTHENTICATION_METHOD, Properties};
use super::wire::{Version, counted, text};

/// What a client says of itself. User name and password are not read.
#[derive(Debug)]
pub(super) struct Connect<'a> {
    pub(super) version: Version,
    flags: u8,
    pub(super) keep_alive_seconds: u16,
    pub(super) properties: Option<Properties<'a>>,
    pub(super) client_id: Option<&'a str>,
    pub(super) will_topic: Option<&'a str>,
}

/// What the front of the body says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Front {
    /// Name, level and flags are those of this version.
    Of(Version),
    /// They are so far.
    Beginning,
    /// They are not.
    Stranger,
}

impl<'a> Connect<'a> {
    /// The packet with this body, as far as it is there. None if it is not there up to the time to keep alive.
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        let Front::Of(version) = front(body) else { return None };
        let mut cursor = Cursor::new(body);
        counted(&mut cursor)?;
        cursor.u8()?;
        let flags = cursor.u8()?;
        let keep_alive_seconds = cursor.u16_be()?;
        let mut connect =
            Self { version, flags, keep_alive_seconds, properties: None, client_id: None, will_topic: None };
        let _ = connect.read_payload(&mut cursor);
        Some(connect)
    }

    pub(super) const fn is_clean(&self) -> bool {
        self.flags & CLEAN != 0
    }

    /// The quality of service of the will and whether it is to be retained, if there is one.
    pub(super) fn will(&self) -> Option<(u8, bool)> {
        (self.flags & WILL != 0).then_some(((self.flags & WILL_QOS) >> 3, self.flags & WILL_RETAIN != 0))
    }

    pub(super) fn authentication_method(&self) -> Option<&'a str> {
        self.properties.as_ref()?.text(AUTHENTICATION_METHOD)
    }

    fn read_payload(&mut self, cursor: &mut Cursor<'a>) -> Option<()> {
        let is_five = self.version == Version::V5;
        if is_five {
            self.properties = Some(Properties::read(cursor)?);
        }
        self.client_id = Some(text(cursor)?);
        if self.will().is_some() {
            if is_five {
                Properties::read(cursor)?;
            }
            self.will_topic = Some(text(cursor)?);
        }
        Some(())
    }
}

/// What the front of a `CONNECT` says: the protocol's name, its level and the flags.
pub(super) fn front(body: &[u8]) -> Front {
    for (name, level, version) in VERSIONS {
        let head = body.get(..name.len()).unwrap_or(body);
        if !name.starts_with(head) {
            continue;
        }
        let mut rest = body.get(name.len()..).unwrap_or_default().iter().copied();
        // A bridge between brokers says so in the highest bit.
        match rest.next() {
            None => return Front::Beginning,
            Some(said) if said & !BRIDGE == level => {}
            Some(_) => continue,
        }
        return match rest.next() {
            None => Front::Beginning,
            Some(flags) if !are_flags(flags) => Front::Stranger,
            Some(_) if rest.len() < KEEP_ALIVE_BYTES => Front::Beginning,
            Some(_) => Front::Of(version),
        };
    }
    Front::Stranger
}

/// Whether flags contradict neither the specification nor each other.
const fn are_flags(flags: u8) -> bool {
    let has_will = flags & WILL != 0;
    let is_will_right =
        if has_will { flags & WILL_QOS != WILL_QOS } else { flags & (WILL_QOS | WILL_RETAIN) == 0 };
    flags & RESERVED == 0 && is_will_right
}

const VERSIONS: [(&[u8], u8, Version); 3] =
    [(b"\0\x04MQTT", 4, Version::V311), (b"\0\x04MQTT", 5, Version::V5), (b"\0\x06MQIsdp", 3, Version::V31)];
const BRIDGE: u8 = 0x80;
const RESERVED: u8 = 0x01;
const CLEAN: u8 = 0x02;
const WILL: u8 = 0x04;
const WILL_QOS: u8 = 0x18;
const WILL_RETAIN: u8 = 0x20;
const KEEP_ALIVE_BYTES: usize = 2;
