//! MySQL packets as they are on the wire.
//!
//! ```text
//! | length: 3 bytes, little endian | sequence id: 1 byte | body |
//! ```

use crate::Cursor;

/// The length of a packet's header.
pub(super) const HEADER_BYTES: usize = 4;
/// A packet of this length is continued by the next one.
pub(super) const MAX_PACKET_BYTES: usize = 0xff_ffff;

/// The first byte of packets that say how a command went.
pub(super) const OK: u8 = 0x00;
pub(super) const LOCAL_INFILE: u8 = 0xfb;
pub(super) const EOF: u8 = 0xfe;
pub(super) const ERROR: u8 = 0xff;

/// Flags of the server's status, in OK and EOF packets.
pub(super) const STATUS_IN_TRANSACTION: u16 = 0x0001;
pub(super) const STATUS_AUTOCOMMIT: u16 = 0x0002;
pub(super) const STATUS_MORE_RESULTS: u16 = 0x0008;
pub(super) const STATUS_CURSOR_EXISTS: u16 = 0x0040;
pub(super) const STATUS_NO_BACKSLASH_ESCAPES: u16 = 0x0200;
const STATUS_STATE_CHANGED: u16 = 0x4000;

/// What client and server can do: both must have said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Capabilities {
    pub(super) flags: u32,
    /// MariaDB's own, of which the other side knows nothing.
    pub(super) mariadb_flags: u32,
}

impl Capabilities {
    pub(super) const CONNECT_WITH_DATABASE: u32 = 1 << 3;
    pub(super) const COMPRESS: u32 = 1 << 5;
    pub(super) const PROTOCOL_41: u32 = 1 << 9;
    pub(super) const SSL: u32 = 1 << 11;
    pub(super) const SECURE_CONNECTION: u32 = 1 << 15;
    pub(super) const PLUGIN_AUTH_LENGTH: u32 = 1 << 21;
    pub(super) const SESSION_TRACK: u32 = 1 << 23;
    pub(super) const DEPRECATE_EOF: u32 = 1 << 24;
    pub(super) const OPTIONAL_METADATA: u32 = 1 << 25;
    pub(super) const ZSTD: u32 = 1 << 26;
    pub(super) const QUERY_ATTRIBUTES: u32 = 1 << 27;
    pub(super) const MARIADB_CACHE_METADATA: u32 = 1 << 4;
    /// Set by MySQL and absent in MariaDB, whose extended capabilities then follow.
    const LONG_PASSWORD: u32 = 1;

    pub(super) const fn has(self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    pub(super) const fn both(self, other: Self) -> Self {
        Self { flags: self.flags & other.flags, mariadb_flags: self.mariadb_flags & other.mariadb_flags }
    }
}

/// A packet's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) len: usize,
    pub(super) sequence_id: u8,
}

impl Header {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        match *bytes {
            [low, middle, high, sequence_id, ..] => {
                let len = usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
                Some(Self { len, sequence_id })
            }
            _ => None,
        }
    }

    /// With the header itself.
    pub(super) const fn total_bytes(self) -> usize {
        HEADER_BYTES + self.len
    }
}

/// A length-encoded integer. `None` also for the bytes that are none: NULL and an error's mark.
pub(super) fn read_length(cursor: &mut Cursor<'_>) -> Option<u64> {
    match cursor.u8()? {
        small @ 0..=0xfa => Some(u64::from(small)),
        0xfc => cursor.u16_le().map(u64::from),
        0xfd => cursor.u24_le().map(u64::from),
        0xfe => cursor.u64_le(),
        0xfb | 0xff => None,
    }
}

/// A length-encoded string.
pub(super) fn read_string<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let len = read_length(cursor)?;
    cursor.take(usize::try_from(len).ok()?)
}

/// The server's first packet, protocol version 10.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Greeting<'a> {
    pub(super) version: &'a [u8],
    pub(super) capabilities: Capabilities,
    pub(super) status: u16,
}

impl<'a> Greeting<'a> {
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        if cursor.u8()? != GREETING_VERSION {
            return None;
        }
        let version = cursor.take_until(0)?;
        if version.len() > MAX_VERSION_BYTES || !version.first()?.is_ascii_digit() || !version.is_ascii() {
            return None;
        }
        cursor.take(4 + 8 + 1)?;
        let low = cursor.u16_le()?;
        let mut greeting = Self {
            version,
            capabilities: Capabilities { flags: u32::from(low), mariadb_flags: 0 },
            status: 0,
        };
        let _charset = cursor.u8();
        greeting.status = cursor.u16_le().unwrap_or_default();
        greeting.capabilities.flags |= u32::from(cursor.u16_le().unwrap_or_default()) << 16;
        if cursor.take(1 + 6).is_some() && !greeting.capabilities.has(Capabilities::LONG_PASSWORD) {
            greeting.capabilities.mariadb_flags = cursor.u32_le().unwrap_or_default();
        }
        Some(greeting)
    }

    /// The version as the community writes it. MariaDB puts `5.5.5-` in front for the sake of old replicas.
    pub(super) fn version_text(&self) -> String {
        let text = String::from_utf8_lossy(self.version);
        match text.strip_prefix("5.5.5-") {
            Some(rest) if text.contains("MariaDB") => rest.to_owned(),
            _ => text.into_owned(),
        }
    }

    pub(super) fn is_mariadb(&self) -> bool {
        memchr::memmem::find(self.version, b"MariaDB").is_some()
    }
}

/// An OK packet, or an EOF packet in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Success<'a> {
    /// Absent in EOF packets.
    pub(super) affected_rows: Option<u64>,
    pub(super) status: u16,
    /// The database that is now the default one.
    pub(super) schema: Option<&'a [u8]>,
}

impl<'a> Success<'a> {
    /// Reads what is there; a packet cut short gives fewer fields.
    pub(super) fn read(body: &'a [u8], has_tracking: bool) -> Self {
        let mut cursor = Cursor::new(body);
        let mut success = Self::default();
        if cursor.u8() == Some(EOF) && body.len() < 6 {
            success.status = cursor.u32_le().map_or(0, |words| (words >> 16) as u16);
            return success;
        }
        success.affected_rows = read_length(&mut cursor);
        let _last_insert_id = read_length(&mut cursor);
        success.status = cursor.u16_le().unwrap_or_default();
        let _warnings = cursor.u16_le();
        if has_tracking && success.status & STATUS_STATE_CHANGED != 0 {
            let _message = read_string(&mut cursor);
            success.schema = read_string(&mut cursor).and_then(tracked_schema);
        }
        success
    }
}

/// An error packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failure<'a> {
    pub(super) code: u16,
    /// Five letters or digits; absent before MySQL 4.1 and before the login.
    pub(super) sql_state: Option<&'a [u8]>,
    pub(super) message: &'a [u8],
}

impl<'a> Failure<'a> {
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        if cursor.u8()? != ERROR {
            return None;
        }
        let code = cursor.u16_le()?;
        let rest = cursor.rest();
        match rest.split_first() {
            Some((b'#', state)) if state.len() >= SQL_STATE_BYTES => {
                let (sql_state, message) = state.split_at(SQL_STATE_BYTES);
                Some(Self { code, sql_state: Some(sql_state), message })
            }
            _ => Some(Self { code, sql_state: None, message: rest }),
        }
    }

    /// Whether this is no error but MariaDB's report of how far a long statement has come.
    pub(super) const fn is_progress_report(&self) -> bool {
        self.code == 0xffff
    }
}

fn tracked_schema(changes: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(changes);
    while let Some(kind) = cursor.u8() {
        let change = read_string(&mut cursor)?;
        if kind == TRACKED_SCHEMA {
            return read_string(&mut Cursor::new(change));
        }
    }
    None
}

pub(super) const GREETING_VERSION: u8 = 0x0a;
const TRACKED_SCHEMA: u8 = 1;
const SQL_STATE_BYTES: usize = 5;
/// Longer versions are none.
pub(super) const MAX_VERSION_BYTES: usize = 100;
