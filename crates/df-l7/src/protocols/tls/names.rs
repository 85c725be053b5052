//! The names of protocol versions and alerts.

use std::borrow::Cow;

/// The version as its community writes it: `TLSv1.2`, `SSLv3`. None for what never was a version.
pub(super) fn version_name(code: u16) -> Option<Cow<'static, str>> {
    Some(Cow::Borrowed(match code {
        0x0002 => "SSLv2",
        0x0300 => "SSLv3",
        0x0301 => "TLSv1.0",
        0x0302 => "TLSv1.1",
        0x0303 => "TLSv1.2",
        0x0304 => "TLSv1.3",
        _ => {
            let draft = draft_number(code)?;
            return Some(Cow::Owned(format!("TLSv1.3-draft{draft}")));
        }
    }))
}

/// The number of the draft of TLS 1.3 that a version code stands for.
pub(super) const fn draft_number(code: u16) -> Option<u16> {
    match code {
        0x7f00..=0x7fff => Some(code & 0xff),
        // Facebook's experiments on top of the drafts of these numbers.
        0xfb17 => Some(23),
        0xfb1a => Some(26),
        _ => None,
    }
}

/// Whether everything behind the `ServerHello` is encrypted in this version.
pub(super) const fn hides_handshake(version: u16) -> bool {
    version == 0x0304 || draft_number(version).is_some()
}

/// The version as the conventions want it: protocol name and number.
pub(super) fn conventional_version(code: u16) -> Option<(&'static str, &'static str)> {
    Some(match code {
        0x0002 => ("ssl", "2"),
        0x0300 => ("ssl", "3"),
        0x0301 => ("tls", "1.0"),
        0x0302 => ("tls", "1.1"),
        0x0303 => ("tls", "1.2"),
        _ if hides_handshake(code) => ("tls", "1.3"),
        _ => return None,
    })
}

/// The alert's name in the specification's words (RFC 8446 §6, RFC 5246 §7.2).
pub(super) fn alert_name(description: u8) -> Cow<'static, str> {
    Cow::Borrowed(match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        52 => "too_many_cids_requested",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        117 => "general_error",
        120 => "no_application_protocol",
        121 => "ech_required",
        other => return Cow::Owned(other.to_string()),
    })
}
