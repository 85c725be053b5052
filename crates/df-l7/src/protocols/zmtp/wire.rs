//! Reads greetings, frames and commands.
//!
//! ```text
//! greeting: ff, 8 bytes, 7f, version (2), mechanism (20), as-server (1), 31 bytes
//! frame:    flags (1: more 1, long 2, command 4), size (1, or 8 if long), body
//! command:  name (1 + n), data -- of READY and INITIATE: (name 1 + n, value 4 + n)*
//! ```

use df_core::{Direction, Transport};

use crate::{Cursor, Detection};

/// The bytes of a greeting.
pub(super) const GREETING_BYTES: usize = 64;
/// What begins a greeting.
pub(super) const SIGNATURE: [u8; 10] = [0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f];
/// The longest head of a frame.
pub(super) const MAX_HEAD_BYTES: usize = 9;

/// What a greeting says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Greeting<'a> {
    pub(super) major: u8,
    pub(super) minor: u8,
    /// `NULL`, `PLAIN`, `CURVE`.
    pub(super) mechanism: &'a str,
}

impl<'a> Greeting<'a> {
    /// Reads a greeting; none if it is cut or is no greeting.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes.get(..GREETING_BYTES)?);
        cursor.take(SIGNATURE.len()).filter(|signature| is_signature(signature))?;
        let (major, minor) = (cursor.u8()?, cursor.u8()?);
        let mechanism = cursor.take(20)?.split(|byte| *byte == 0).next()?;
        let mechanism = std::str::from_utf8(mechanism).ok()?;
        Some(Self { major, minor, mechanism })
    }
}

/// Whether these bytes, which may be cut, can be a signature: those between its ends mean something to older versions.
pub(super) fn is_signature(bytes: &[u8]) -> bool {
    bytes.first() == Some(&0xff) && bytes.get(9).is_none_or(|last| *last == 0x7f)
}

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHead {
    pub(super) has_more: bool,
    pub(super) is_command: bool,
    pub(super) head_bytes: usize,
    pub(super) body_bytes: usize,
}

impl FrameHead {
    /// Reads a head: `Ok(None)` if it is cut, an error if there is no such head.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<Self>, NoFrame> {
        let mut cursor = Cursor::new(bytes);
        let Some(flags) = cursor.u8() else { return Ok(None) };
        if !matches!(flags, 0..=4 | 6) {
            return Err(NoFrame);
        }
        let size = if flags & LONG == 0 {
            cursor.u8().map(u64::from)
        } else {
            cursor.array().map(u64::from_be_bytes)
        };
        let Some(size) = size else { return Ok(None) };
        let body_bytes = usize::try_from(size).ok().filter(|size| *size <= MAX_BODY_BYTES).ok_or(NoFrame)?;
        let (has_more, is_command) = (flags & MORE != 0, flags & COMMAND != 0);
        Ok(Some(Self { has_more, is_command, head_bytes: cursor.position(), body_bytes }))
    }

    /// Head and body.
    pub(super) const fn frame_bytes(self) -> usize {
        self.head_bytes.saturating_add(self.body_bytes)
    }
}

/// The bytes are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoFrame;

/// The name of a command and what follows it.
pub(super) fn command(body: &[u8]) -> Option<(&str, &[u8])> {
    let mut cursor = Cursor::new(body);
    let len = usize::from(cursor.u8()?);
    let name = std::str::from_utf8(cursor.take(len)?).ok()?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
    is_name.then_some((name, cursor.rest()))
}

/// The value of a property of READY or INITIATE.
pub(super) fn property<'a>(data: &'a [u8], wanted: &str) -> Option<&'a str> {
    let mut cursor = Cursor::new(data);
    loop {
        let len = usize::from(cursor.u8()?);
        let name = cursor.take(len)?;
        let len = usize::try_from(cursor.u32_be()?).ok()?;
        let value = cursor.take(len)?;
        if name.eq_ignore_ascii_case(wanted.as_bytes()) {
            return std::str::from_utf8(value).ok();
        }
    }
}

/// Says whether these bytes are this protocol's: the signature of a greeting, or a command that tells a socket's type.
pub(super) fn detect(_transport: Transport, _direction: Direction, bytes: &[u8]) -> Detection {
    if SIGNATURE.starts_with(bytes) && bytes.len() < SIGNATURE.len() {
        return Detection::NeedMore;
    }
    // Version 2 has its revision next, version 3 its number; a peer may wait for the other's before it goes on.
    if bytes.starts_with(&SIGNATURE) && bytes.get(SIGNATURE.len()).is_none_or(|version| *version == 3) {
        return Detection::CERTAIN;
    }
    match leading_command(bytes) {
        Some(("READY", data)) if property(data, "Socket-Type").is_some() => Detection::CERTAIN,
        _ => Detection::NoMatch,
    }
}

/// The command that the bytes begin with, if it is there as a whole.
fn leading_command(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let head = FrameHead::parse(bytes).ok()??;
    let body = bytes.get(head.head_bytes..head.frame_bytes()).filter(|_| head.is_command)?;
    command(body)
}

/// Whether the bytes begin with a whole command.
pub(super) fn is_command(bytes: &[u8]) -> bool {
    leading_command(bytes).is_some()
}

/// Whether the bytes are nothing but whole frames, none of them an empty message.
pub(super) fn is_whole_frames(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    for _ in 0..MAX_FRAMES {
        let Ok(Some(head)) = FrameHead::parse(rest) else { return false };
        if head.body_bytes == 0 && !head.has_more {
            return false;
        }
        match rest.get(head.frame_bytes()..) {
            Some([]) => return true,
            Some(behind) => rest = behind,
            None => return false,
        }
    }
    true
}

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;
/// Larger frames are possible, but nobody sends them.
const MAX_BODY_BYTES: usize = 1 << 40;
/// How many frames in a row are looked at.
const MAX_FRAMES: usize = 64;
