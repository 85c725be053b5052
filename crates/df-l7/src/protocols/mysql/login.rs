//! The client's half of the login: its capabilities and the database it wants.

use super::wire::{Capabilities, read_string};
use crate::Cursor;

/// A client's handshake response, or the request for TLS that comes instead of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Login<'a> {
    pub(super) capabilities: Capabilities,
    pub(super) database: Option<&'a [u8]>,
    /// TLS starts behind this packet.
    pub(super) is_tls_request: bool,
}

impl<'a> Login<'a> {
    /// Reads a handshake response of any version. The fields behind a cut are absent.
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        let low = cursor.u16_le()?;
        if u32::from(low) & Capabilities::PROTOCOL_41 == 0 {
            return Self::read_old(u32::from(low), cursor, body.len());
        }
        let flags = u32::from(low) | u32::from(cursor.u16_le()?) << 16;
        let _max_packet = cursor.u32_le()?;
        let _charset = cursor.u8()?;
        if cursor.take(19)?.iter().any(|byte| *byte != 0) {
            return None;
        }
        let mariadb_flags = cursor.u32_le()?;
        let capabilities = Capabilities { flags, mariadb_flags };
        if capabilities.has(Capabilities::SSL) && cursor.rest().is_empty() {
            return Some(Self { capabilities, database: None, is_tls_request: true });
        }
        let user = cursor.take_until(0)?;
        if user.iter().any(u8::is_ascii_control) {
            return None;
        }
        let database = read_secret(&mut cursor, capabilities)
            .filter(|()| capabilities.has(Capabilities::CONNECT_WITH_DATABASE))
            .and_then(|()| cursor.take_until(0));
        Some(Self { capabilities, database: database.filter(|name| !name.is_empty()), is_tls_request: false })
    }

    /// As clients before 4.1 send it.
    fn read_old(flags: u32, mut cursor: Cursor<'a>, len: usize) -> Option<Self> {
        let capabilities = Capabilities { flags, mariadb_flags: 0 };
        let _max_packet = cursor.u24_le()?;
        if capabilities.has(Capabilities::SSL) && len == OLD_TLS_REQUEST_BYTES {
            return Some(Self { capabilities, database: None, is_tls_request: true });
        }
        let user = cursor.take_until(0)?;
        if user.iter().any(u8::is_ascii_control) {
            return None;
        }
        let wants_database = capabilities.has(Capabilities::CONNECT_WITH_DATABASE);
        let database = cursor.take_until(0).filter(|_| wants_database).map(|_| cursor.rest());
        let database = database.map(|rest| rest.split(|byte| *byte == 0).next().unwrap_or_default());
        Some(Self { capabilities, database: database.filter(|name| !name.is_empty()), is_tls_request: false })
    }
}

/// The database that a COM_CHANGE_USER asks for. `body` starts behind the command's byte.
pub(super) fn changed_database(body: &[u8], capabilities: Option<Capabilities>) -> Option<&[u8]> {
    let mut cursor = Cursor::new(body);
    cursor.take_until(0)?;
    let is_secure = capabilities.is_none_or(|known| known.has(Capabilities::SECURE_CONNECTION));
    if is_secure {
        let len = cursor.u8()?;
        cursor.take(usize::from(len))?;
    } else {
        cursor.take_until(0)?;
    }
    cursor.take_until(0).filter(|name| !name.is_empty())
}

fn read_secret(cursor: &mut Cursor<'_>, capabilities: Capabilities) -> Option<()> {
    if capabilities.has(Capabilities::PLUGIN_AUTH_LENGTH) {
        return read_string(cursor).map(drop);
    }
    if capabilities.has(Capabilities::SECURE_CONNECTION) {
        let len = cursor.u8()?;
        return cursor.take(usize::from(len)).map(drop);
    }
    cursor.take_until(0).map(drop)
}

const OLD_TLS_REQUEST_BYTES: usize = 5;
