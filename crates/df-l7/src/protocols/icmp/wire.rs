//! An ICMP echo message from its first byte, of either version of IP.

use df_core::{Direction, Transport};

use crate::{Cursor, Detection};

/// ```text
/// | type 1 | code 1, zero | checksum 2 | identifier 2 | sequence number 2 | data ...
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Echo {
    pub(super) is_reply: bool,
    pub(super) identifier: u16,
    pub(super) sequence_number: u16,
}

impl Echo {
    /// Reads an echo message; none if it is another one.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let is_reply = match (cursor.u8()?, cursor.u8()?) {
            (8 | 128, 0) => false,
            (0 | 129, 0) => true,
            _ => return None,
        };
        let _checksum = cursor.u16_be()?;
        Some(Self { is_reply, identifier: cursor.u16_be()?, sequence_number: cursor.u16_be()? })
    }

    /// Both numbers as one.
    pub(super) fn id(self) -> u64 {
        u64::from(self.identifier) << 16 | u64::from(self.sequence_number)
    }
}

/// Says whether a message is an echo, and who asks.
pub(super) fn detect(_: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    match Echo::read(bytes) {
        Some(echo) if echo.is_reply == (direction == Direction::ToClient) => Detection::CERTAIN,
        Some(_) => Detection::CERTAIN_REVERSED,
        None => Detection::NoMatch,
    }
}
