//! The client's first messages, which have a length but no type.

use crate::{Cursor, ParseError, ParseErrorReason};

use super::wire::text;

/// The longest start message; the server's own limit.
const MAX_STARTUP_BYTES: usize = 10_000;
/// The protocol's major version.
const MAJOR: u16 = 3;
/// Codes in the place of the version.
const CANCEL: u32 = 80_877_102;
const TLS: u32 = 80_877_103;
const GSS: u32 = 80_877_104;

/// A message without a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Startup<'a> {
    /// Starts the conversation, with the parameters' bytes.
    Start { parameters: &'a [u8] },
    /// Asks for encryption; the answer is one byte.
    Encrypt,
    /// Asks to cancel what another connection runs; never answered.
    Cancel,
}

/// Reads the message at the start of `bytes`, with its length. None: more bytes are needed.
pub(super) fn startup(bytes: &[u8]) -> Result<Option<(Startup<'_>, usize)>, ParseError> {
    let invalid_length = ParseError::new(0, ParseErrorReason::InvalidLength);
    if !bytes.iter().zip([0, 0]).all(|(byte, expected)| *byte == expected) {
        return Err(invalid_length);
    }
    let mut cursor = Cursor::new(bytes);
    let Some(len) = cursor.u32_be() else { return Ok(None) };
    let len = usize::try_from(len).ok().filter(|len| (8..=MAX_STARTUP_BYTES).contains(len));
    let len = len.ok_or(invalid_length)?;
    let Some(code) = cursor.u32_be() else { return Ok(None) };
    let parameters = bytes.get(8..len.min(bytes.len())).unwrap_or_default();
    let startup = match (code, len) {
        (TLS | GSS, 8) => Startup::Encrypt,
        (CANCEL, 16..=268) => Startup::Cancel,
        (version, 9..) if version >> 16 == u32::from(MAJOR) && version & 0xFFFF <= 9_999 => {
            Startup::Start { parameters }
        }
        _ => return Err(ParseError::new(4, ParseErrorReason::InvalidValue)),
    };
    Ok(Some((startup, len)))
}

/// The value of a parameter.
pub(super) fn parameter<'a>(parameters: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut cursor = Cursor::new(parameters);
    while !cursor.rest().is_empty() {
        let (key, value) = (text(&mut cursor), text(&mut cursor));
        if key == name {
            return Some(value);
        }
    }
    None
}

/// Whether these can be parameters: names and values of printable characters.
pub(super) fn is_sane(parameters: &[u8]) -> bool {
    parameters.first().is_some_and(u8::is_ascii_alphabetic)
        && parameters.iter().all(|&byte| byte == 0 || (byte >= b' ' && byte != 0x7F))
}
