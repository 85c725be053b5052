//! The header of a Bolt message, and how to know it.
//!
//! ```text
//! version 1   1 | type: 1 byte | command: 2 | version: 1 | id: 4 | codec: 1 | ...
//! version 2   2 | 1 | type: 1 byte | command: 2 | version: 1 | id: 4 | codec: 1 | switches: 1 | ...
//! request     ... timeout: 4 | class length: 2 | header length: 2 | content length: 4
//! response    ... status: 2 | class length: 2 | header length: 2 | content length: 4
//! then class, header, content, and in version 2 a checksum if switch 1 is set; all numbers big-endian
//! ```

use df_core::{Direction, Transport};

use crate::{Cursor, Detection};

/// What stands before class, fields and content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) version: u8,
    pub(super) kind: Kind,
    pub(super) is_heartbeat: bool,
    pub(super) id: u32,
    pub(super) status: u16,
    pub(super) class_len: usize,
    pub(super) fields_len: usize,
    content_len: usize,
    /// How many bytes all this takes.
    pub(super) len: usize,
    checksum_len: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Response,
    Request,
    OneWay,
}

impl Header {
    /// Reads a header; none if there are too few bytes or they are no header.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let version = cursor.u8().filter(|version| matches!(version, 1 | 2))?;
        if version == 2 {
            cursor.u8().filter(|minor| matches!(minor, 1 | 2))?;
        }
        let kind = match cursor.u8()? {
            0 => Kind::Response,
            1 => Kind::Request,
            2 => Kind::OneWay,
            _ => return None,
        };
        let command = cursor.u16_be()?;
        cursor.u8().filter(|command_version| *command_version == 1)?;
        let id = cursor.u32_be()?;
        cursor.u8().filter(|codec| *codec <= MAX_CODEC)?;
        let switches = if version == 2 { cursor.u8().filter(|switches| *switches <= 1)? } else { 0 };
        let status = if kind == Kind::Response { cursor.u16_be()? } else { 0 };
        let _timeout = if kind == Kind::Response { 0 } else { cursor.u32_be()? };
        let (class_len, fields_len) = (usize::from(cursor.u16_be()?), usize::from(cursor.u16_be()?));
        let content_len = usize::try_from(cursor.u32_be()?).ok().filter(|len| *len <= MAX_CONTENT_BYTES)?;
        let (is_heartbeat, agrees) =
            (command == HEARTBEAT, command == if kind == Kind::Response { 2 } else { 1 });
        (is_heartbeat || agrees).then_some(Self {
            version,
            kind,
            is_heartbeat,
            id,
            status,
            class_len,
            fields_len,
            content_len,
            len: cursor.position(),
            checksum_len: if switches == 1 { 4 } else { 0 },
        })
    }

    /// The length of the message.
    pub(super) const fn message_len(&self) -> usize {
        self.len + self.class_len + self.fields_len + self.content_len + self.checksum_len
    }
}

/// Says whether these bytes are this protocol's. Certain with a Java class of a sensible name behind the header; a heartbeat
/// has none and is weak.
pub(super) fn detect(_: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    let Some(header) = Header::read(bytes) else {
        let is_cut = bytes.len() < MAX_HEADER_BYTES && may_become_header(bytes);
        return if is_cut { Detection::NeedMore } else { Detection::NoMatch };
    };
    let is_expected = (header.kind == Kind::Response) == (direction == Direction::ToClient);
    let class = bytes.get(header.len..).unwrap_or_default();
    let class = class.get(..header.class_len).unwrap_or(class);
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'$');
    if !class.iter().all(is_name) {
        return Detection::NoMatch;
    }
    match (class.contains(&b'.'), header.is_heartbeat && header.class_len == 0, is_expected) {
        (true, _, true) => Detection::CERTAIN,
        (true, _, false) => Detection::CERTAIN_REVERSED,
        (false, true, true) => Detection::WEAK,
        (false, true, false) => Detection::WEAK_REVERSED,
        (false, false, _) if class.len() < header.class_len => Detection::NeedMore,
        (false, false, _) => Detection::NoMatch,
    }
}

/// Whether fewer bytes than a header are the beginning of one.
fn may_become_header(bytes: &[u8]) -> bool {
    let rest = match bytes {
        [1, rest @ ..] | [2, 1 | 2, rest @ ..] => rest,
        [2] => return true,
        _ => return false,
    };
    let is_kind = rest.first().is_none_or(|kind| *kind <= 2);
    let is_command = rest.get(1).is_none_or(|high| *high == 0) && rest.get(2).is_none_or(|low| *low <= 2);
    let is_codec = rest.get(8).is_none_or(|codec| *codec <= MAX_CODEC);
    is_kind && is_command && rest.get(3).is_none_or(|version| *version == 1) && is_codec
}

/// The name of a status (`ResponseStatus` of sofa-bolt).
pub(super) const fn status_name(status: u16) -> Option<&'static str> {
    Some(match status {
        0 => "SUCCESS",
        1 => "ERROR",
        2 => "SERVER_EXCEPTION",
        3 => "UNKNOWN",
        4 => "SERVER_THREADPOOL_BUSY",
        5 => "ERROR_COMM",
        6 => "NO_PROCESSOR",
        7 => "TIMEOUT",
        8 => "CLIENT_SEND_ERROR",
        9 => "CODEC_EXCEPTION",
        16 => "CONNECTION_CLOSED",
        17 => "SERVER_SERIAL_EXCEPTION",
        18 => "SERVER_DESERIAL_EXCEPTION",
        _ => return None,
    })
}

const HEARTBEAT: u16 = 0;
/// Hessian is 1, Protobuf 11, JSON 12 and so on.
const MAX_CODEC: u8 = 32;
/// The header of a request in version 2.
pub(super) const MAX_HEADER_BYTES: usize = 24;
const MAX_CONTENT_BYTES: usize = 1 << 30;
