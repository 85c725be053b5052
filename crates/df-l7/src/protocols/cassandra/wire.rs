//! Frames of the native protocol and the notations of their bodies (§2, §3).
//!
//! ```text
//! 0         1      2         4       5        9
//! version   flags  stream    opcode  length   body
//! 3..5; a response has the highest bit set
//! ```

use crate::{Cursor, ParseError, ParseErrorReason};

/// The length of a frame's header.
pub(super) const HEADER_BYTES: usize = 9;
/// The largest body that servers can be configured for is 256 MiB.
const MAX_BODY_BYTES: u32 = 256 * 1_024 * 1_024;

const COMPRESSED: u8 = 0x01;
const TRACING: u8 = 0x02;
const CUSTOM_PAYLOAD: u8 = 0x04;
const WARNINGS: u8 = 0x08;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opcode {
    Error,
    Startup,
    Ready,
    Authenticate,
    Options,
    Supported,
    Query,
    Result,
    Prepare,
    Execute,
    Register,
    Event,
    Batch,
    AuthChallenge,
    AuthResponse,
    AuthSuccess,
}

impl Opcode {
    const fn of(number: u8) -> Option<Self> {
        Some(match number {
            0x00 => Self::Error,
            0x01 => Self::Startup,
            0x02 => Self::Ready,
            0x03 => Self::Authenticate,
            0x05 => Self::Options,
            0x06 => Self::Supported,
            0x07 => Self::Query,
            0x08 => Self::Result,
            0x09 => Self::Prepare,
            0x0a => Self::Execute,
            0x0b => Self::Register,
            0x0c => Self::Event,
            0x0d => Self::Batch,
            0x0e => Self::AuthChallenge,
            0x0f => Self::AuthResponse,
            0x10 => Self::AuthSuccess,
            _ => return None,
        })
    }

    pub(super) const fn is_request(self) -> bool {
        matches!(
            self,
            Self::Startup
                | Self::Options
                | Self::Query
                | Self::Prepare
                | Self::Execute
                | Self::Register
                | Self::Batch
                | Self::AuthResponse
        )
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Startup => "STARTUP",
            Self::Ready => "READY",
            Self::Authenticate => "AUTHENTICATE",
            Self::Options => "OPTIONS",
            Self::Supported => "SUPPORTED",
            Self::Query => "QUERY",
            Self::Result => "RESULT",
            Self::Prepare => "PREPARE",
            Self::Execute => "EXECUTE",
            Self::Register => "REGISTER",
            Self::Event => "EVENT",
            Self::Batch => "BATCH",
            Self::AuthChallenge => "AUTH_CHALLENGE",
            Self::AuthResponse => "AUTH_RESPONSE",
            Self::AuthSuccess => "AUTH_SUCCESS",
        }
    }
}

/// A frame's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// 3 to 5.
    pub(super) version: u8,
    pub(super) is_response: bool,
    flags: u8,
    pub(super) stream: u16,
    pub(super) opcode: Opcode,
    pub(super) body_bytes: usize,
}

impl Header {
    /// Reads the header at the start of `bytes`; none if it is not complete.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<Self>, ParseError> {
        let invalid = |offset| ParseError::new(offset, ParseErrorReason::InvalidValue);
        let mut cursor = Cursor::new(bytes);
        let Some(version) = cursor.u8() else { return Ok(None) };
        if !(3..=5).contains(&(version & 0x7f)) {
            return Err(invalid(0));
        }
        let rest =
            cursor.u8().and_then(|flags| Some((flags, cursor.u16_be()?, cursor.u8()?, cursor.u32_be()?)));
        let Some((flags, stream, opcode, length)) = rest else { return Ok(None) };
        let is_response = version & 0x80 != 0;
        let opcode = Opcode::of(opcode).filter(|opcode| opcode.is_request() != is_response);
        let opcode = opcode.ok_or(invalid(4))?;
        if flags & 0xe0 != 0 || (!is_response && stream >= 0x8000) {
            return Err(invalid(1));
        }
        if length > MAX_BODY_BYTES {
            return Err(ParseError::new(5, ParseErrorReason::InvalidLength));
        }
        let body_bytes = usize::try_from(length).unwrap_or(usize::MAX);
        Ok(Some(Self { version: version & 0x7f, is_response, flags, stream, opcode, body_bytes }))
    }

    pub(super) const fn frame_bytes(&self) -> usize {
        HEADER_BYTES.saturating_add(self.body_bytes)
    }

    pub(super) const fn is_compressed(&self) -> bool {
        self.flags & COMPRESSED != 0
    }

    /// Passes over what flags put before the body proper. None if it is cut.
    pub(super) fn skip_extras(&self, cursor: &mut Cursor<'_>) -> Option<()> {
        if self.is_response && self.flags & TRACING != 0 {
            cursor.take(16)?;
        }
        if self.is_response && self.flags & WARNINGS != 0 {
            for _ in 0..cursor.u16_be()? {
                short_text(cursor)?;
            }
        }
        if self.flags & CUSTOM_PAYLOAD != 0 {
            for _ in 0..cursor.u16_be()? {
                short_text(cursor)?;
                skip_bytes(cursor)?;
            }
        }
        Some(())
    }
}

/// A `[string]`, or `[short bytes]`.
pub(super) fn short_text<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let len = usize::from(cursor.u16_be()?);
    cursor.take(len)
}

/// A `[long string]`, or what is there of it; whether it is whole.
pub(super) fn long_text<'a>(cursor: &mut Cursor<'a>) -> Option<(&'a [u8], bool)> {
    let len = usize::try_from(cursor.u32_be()?).ok()?;
    match cursor.take(len) {
        Some(text) => Some((text, true)),
        None => Some((cursor.rest(), false)),
    }
}

/// Passes over `[bytes]`, of which a negative length is null.
pub(super) fn skip_bytes(cursor: &mut Cursor<'_>) -> Option<()> {
    let len = cursor.u32_be()?;
    if len < 0x8000_0000 {
        cursor.take(usize::try_from(len).ok()?)?;
    }
    Some(())
}
