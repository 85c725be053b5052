//! Reads frames and their heads.
//!
//! ```text
//! +-------------+--------------------------------------------------------------------------------+------+
//! | length (i32)| request:  key (i16), version (i16), correlation (i32), client id, tagged fields | body |
//! |             | response: correlation (i32), tagged fields                                      | body |
//! +-------------+--------------------------------------------------------------------------------+------+
//! ```

use crate::Cursor;

use super::api::{API_VERSIONS, Api, CONTROLLED_SHUTDOWN};
use super::schema::{Format, Walk, skip_tags};

/// The bytes of the length in front of every frame.
pub(super) const LENGTH_BYTES: usize = 4;
/// What a broker takes by default is 100 MiB (`socket.request.max.bytes`); what it sends is of the same order.
const MAX_FRAME_BYTES: usize = 256 * 1024 * 1024;
/// The longest client id that makes sense; brokers do not limit it.
const MAX_CLIENT_ID_BYTES: usize = 512;
/// Length, correlation.
pub(super) const RESPONSE_HEAD_BYTES: usize = 8;
/// Length, key, version, correlation.
pub(super) const MIN_REQUEST_HEAD_BYTES: usize = 12;

/// How long the frame at the start of `bytes` is with its length; none if it has not got its length, or no such length.
pub(super) fn frame_bytes(bytes: &[u8]) -> Option<usize> {
    let length = usize::try_from(Cursor::new(bytes).u32_be()?).ok()?;
    (length <= MAX_FRAME_BYTES).then(|| length.saturating_add(LENGTH_BYTES))
}

/// The head of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestHead<'a> {
    pub(super) key: i16,
    pub(super) version: i16,
    pub(super) correlation_id: u32,
    pub(super) client_id: Option<&'a str>,
    /// What is known of the key.
    pub(super) api: Option<&'static Api>,
    /// What follows the head, as far as it is there.
    pub(super) body: &'a [u8],
}

impl<'a> RequestHead<'a> {
    /// Reads the head of the request in `frame`, which may be cut.
    pub(super) fn parse(frame: &'a [u8]) -> Result<Self, Walk> {
        let mut cursor = Cursor::new(frame);
        cursor.take(LENGTH_BYTES).ok_or(Walk::Short)?;
        let key = cursor.u16_be().ok_or(Walk::Short)?.cast_signed();
        let version = cursor.u16_be().ok_or(Walk::Short)?.cast_signed();
        if !(0..=MAX_KEY).contains(&key) || !(0..=MAX_VERSION).contains(&version) {
            return Err(Walk::Invalid);
        }
        let correlation_id = cursor.u32_be().ok_or(Walk::Short)?;
        let api = Api::of_key(key);
        let client_id =
            if (key, version) == (CONTROLLED_SHUTDOWN, 0) { None } else { client_id(&mut cursor)? };
        if api.is_some_and(|api| api.is_flexible(version)) {
            skip_tags(&mut cursor)?;
        }
        Ok(Self { key, version, correlation_id, client_id, api, body: cursor.rest() })
    }

    /// How the body is encoded.
    pub(super) fn format(&self) -> Format {
        Format {
            version: self.version,
            is_flexible: self.api.is_some_and(|api| api.is_flexible(self.version)),
        }
    }
}

/// The client's own name, or null.
fn client_id<'a>(cursor: &mut Cursor<'a>) -> Result<Option<&'a str>, Walk> {
    let length = cursor.u16_be().ok_or(Walk::Short)?.cast_signed();
    if length == -1 {
        return Ok(None);
    }
    let length = usize::try_from(length).ok().filter(|length| *length <= MAX_CLIENT_ID_BYTES);
    let bytes = cursor.take(length.ok_or(Walk::Invalid)?).ok_or(Walk::Short)?;
    let text = std::str::from_utf8(bytes).map_err(|_| Walk::Invalid)?;
    if text.chars().any(char::is_control) { Err(Walk::Invalid) } else { Ok(Some(text)) }
}

/// What the head of a response says.
pub(super) fn correlation_id(frame: &[u8]) -> Option<u32> {
    let mut cursor = Cursor::new(frame);
    cursor.take(LENGTH_BYTES)?;
    cursor.u32_be()
}

/// The body of a response to a request with this key, as far as it is there.
pub(super) fn response_body(frame: &[u8], key: i16, format: Format) -> Result<&[u8], Walk> {
    let mut cursor = Cursor::new(frame);
    cursor.take(RESPONSE_HEAD_BYTES).ok_or(Walk::Short)?;
    // A client must understand this response before it knows what the broker understands.
    if format.is_flexible && key != API_VERSIONS {
        skip_tags(&mut cursor)?;
    }
    Ok(cursor.rest())
}

/// Keys and versions beyond these are no request of any broker to come.
const MAX_KEY: i16 = 255;
const MAX_VERSION: i16 = 63;
