//! Return codes of version 3 and reason codes of version 5: names, and who is at fault.

use crate::ResponseStatus;

/// What a code says in `CONNACK` of version 3.
pub(super) const fn return_code(code: u8) -> (ResponseStatus, &'static str) {
    match code {
        0 => (ResponseStatus::Ok, ""),
        1 => (ResponseStatus::ClientError, "Unacceptable protocol version"),
        2 => (ResponseStatus::ClientError, "Identifier rejected"),
        3 => (ResponseStatus::ServerError, "Server unavailable"),
        4 => (ResponseStatus::ClientError, "Bad user name or password"),
        5 => (ResponseStatus::ClientError, "Not authorized"),
        _ => (ResponseStatus::Unknown, ""),
    }
}

/// Who is at fault by a code of version 5, or by one of an acknowledgment of any version.
pub(super) const fn status(code: u8) -> ResponseStatus {
    match code {
        0..0x80 => ResponseStatus::Ok,
        0x80 | 0x83 | 0x88 | 0x89 | 0x8b | 0x9c | 0x9d => ResponseStatus::ServerError,
        _ => ResponseStatus::ClientError,
    }
}

/// The specification's name of an error of version 5.
pub(super) fn error_name(code: u8) -> Option<&'static str> {
    let place = usize::from(code.checked_sub(0x80)?);
    ERRORS.get(place).copied().filter(|name| !name.is_empty())
}

/// Whether version 5 has this code, success included.
pub(super) fn is_known(code: u8) -> bool {
    matches!(code, 0x00..=0x02 | 0x04 | 0x10 | 0x11 | 0x18 | 0x19) || error_name(code).is_some()
}

static ERRORS: &[&str] = &[
    "Unspecified error",
    "Malformed Packet",
    "Protocol Error",
    "Implementation specific error",
    "Unsupported Protocol Version",
    "Client Identifier not valid",
    "Bad User Name or Password",
    "Not authorized",
    "Server unavailable",
    "Server busy",
    "Banned",
    "Server shutting down",
    "Bad authentication method",
    "Keep Alive timeout",
    "Session taken over",
    "Topic Filter invalid",
    "Topic Name invalid",
    "Packet Identifier in use",
    "Packet Identifier not found",
    "Receive Maximum exceeded",
    "Topic Alias invalid",
    "Packet too large",
    "Message rate too high",
    "Quota exceeded",
    "Administrative action",
    "Payload format invalid",
    "Retain not supported",
    "QoS not supported",
    "Use another server",
    "Server moved",
    "Shared Subscriptions not supported",
    "Connection rate exceeded",
    "Maximum connect time",
    "Subscription Identifiers not supported",
    "Wildcard Subscriptions not supported",
];
