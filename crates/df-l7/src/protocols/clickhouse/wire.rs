//! The notations of the native protocol: numbers of seven bits per byte, strings, and the revisions that added fields.

use crate::Cursor;

/// The longest text that is waited for; longer ones are no part of what is read.
pub(super) const MAX_TEXT_BYTES: usize = 48 * 1_024;

/// Revisions that matter, by what they added (`ProtocolDefines.h`).
pub(super) mod revision {
    pub(in super::super) const CLIENT_QUOTA_KEY: u64 = 54_060;
    pub(in super::super) const SERVER_TIME_ZONE: u64 = 54_058;
    pub(in super::super) const SERVER_DISPLAY_NAME: u64 = 54_372;
    pub(in super::super) const VERSION_PATCH: u64 = 54_401;
    pub(in super::super) const WRITE_PROGRESS: u64 = 54_420;
    pub(in super::super) const SETTINGS_AS_TEXT: u64 = 54_429;
    pub(in super::super) const INTERSERVER_SECRET: u64 = 54_441;
    pub(in super::super) const OPEN_TELEMETRY: u64 = 54_442;
    pub(in super::super) const DISTRIBUTED_DEPTH: u64 = 54_448;
    pub(in super::super) const INITIAL_TIME: u64 = 54_449;
    pub(in super::super) const PARALLEL_REPLICAS: u64 = 54_453;
    pub(in super::super) const CUSTOM_SERIALIZATION: u64 = 54_454;
    pub(in super::super) const ADDENDUM: u64 = 54_458;
    pub(in super::super) const PROGRESS_ELAPSED: u64 = 54_460;
    pub(in super::super) const PASSWORD_RULES: u64 = 54_461;
    pub(in super::super) const NONCE: u64 = 54_462;
    pub(in super::super) const PROGRESS_TOTAL_BYTES: u64 = 54_463;
}

/// A number of seven bits per byte, the lowest first.
pub(super) fn varint(cursor: &mut Cursor<'_>) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..70).step_by(7) {
        let byte = cursor.u8()?;
        number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or_default();
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// A string.
pub(super) fn text<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let len = usize::try_from(varint(cursor)?).ok()?;
    cursor.take(len)
}

/// Whether a revision is one that servers have had.
pub(super) const fn is_revision(number: u64) -> bool {
    number >= 50_000 && number < 56_000
}
