//! The names of operations, results and extensions.

use std::borrow::Cow;

/// An operation or a kind of response, by its tag (RFC 4511 §4.2 and on).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// It is answered, if it has an answer at all.
    Request { name: &'static str, is_answered: bool },
    /// It answers a request, and is the last of its answers unless entries or references.
    Response { is_last: bool },
}

/// What a message's operation is; none for what is no operation.
pub(super) const fn operation(tag: u8) -> Option<Operation> {
    let (name, is_answered) = match tag {
        0x60 => ("BIND", true),
        0x42 => ("UNBIND", false),
        0x63 => ("SEARCH", true),
        0x66 => ("MODIFY", true),
        0x68 => ("ADD", true),
        0x4a => ("DELETE", true),
        0x6c => ("MODIFY_DN", true),
        0x6e => ("COMPARE", true),
        0x50 => ("ABANDON", false),
        0x77 => ("EXTENDED", true),
        0x64 | 0x73 | 0x79 => return Some(Operation::Response { is_last: false }),
        0x61 | 0x65 | 0x67 | 0x69 | 0x6b | 0x6d | 0x6f | 0x78 => {
            return Some(Operation::Response { is_last: true });
        }
        _ => return None,
    };
    Some(Operation::Request { name, is_answered })
}

/// The name of a result (RFC 4511 §4.1.9).
pub(super) fn result_name(code: i64) -> Cow<'static, str> {
    Cow::Borrowed(match code {
        0 => "success",
        1 => "operationsError",
        2 => "protocolError",
        3 => "timeLimitExceeded",
        4 => "sizeLimitExceeded",
        5 => "compareFalse",
        6 => "compareTrue",
        7 => "authMethodNotSupported",
        8 => "strongerAuthRequired",
        10 => "referral",
        11 => "adminLimitExceeded",
        12 => "unavailableCriticalExtension",
        13 => "confidentialityRequired",
        14 => "saslBindInProgress",
        16 => "noSuchAttribute",
        17 => "undefinedAttributeType",
        18 => "inappropriateMatching",
        19 => "constraintViolation",
        20 => "attributeOrValueExists",
        21 => "invalidAttributeSyntax",
        32 => "noSuchObject",
        33 => "aliasProblem",
        34 => "invalidDNSyntax",
        36 => "aliasDereferencingProblem",
        48 => "inappropriateAuthentication",
        49 => "invalidCredentials",
        50 => "insufficientAccessRights",
        51 => "busy",
        52 => "unavailable",
        53 => "unwillingToPerform",
        54 => "loopDetect",
        64 => "namingViolation",
        65 => "objectClassViolation",
        66 => "notAllowedOnNonLeaf",
        67 => "notAllowedOnRDN",
        68 => "entryAlreadyExists",
        69 => "objectClassModsProhibited",
        71 => "affectsMultipleDSAs",
        80 => "other",
        118 => "canceled",
        119 => "noSuchOperation",
        other => return Cow::Owned(other.to_string()),
    })
}

/// Whether a result says that the request was done, or a part of it.
pub(super) const fn is_success(code: i64) -> bool {
    matches!(code, 0 | 5 | 6 | 10 | 14)
}

/// Whether a result is the server's fault.
pub(super) const fn is_server_error(code: i64) -> bool {
    matches!(code, 1 | 3 | 11 | 51 | 52 | 54 | 80)
}

/// The name of an extended operation by its object identifier.
pub(super) fn extension_name(identifier: &[u8]) -> Option<&'static str> {
    EXTENSIONS.iter().find(|(known, _)| *known == identifier).map(|(_, name)| *name)
}

/// Whether the identifier of an operation that has a name begins like this.
pub(super) fn begins_extension(identifier: &[u8]) -> bool {
    EXTENSIONS.iter().any(|(known, _)| known.starts_with(identifier))
}

const EXTENSIONS: [(&[u8], &str); 4] = [
    (START_TLS, "StartTLS"),
    (b"1.3.6.1.4.1.4203.1.11.1", "PasswordModify"),
    (b"1.3.6.1.4.1.4203.1.11.3", "WhoAmI"),
    (b"1.3.6.1.1.8", "Cancel"),
];

/// The scope of a search.
pub(super) const fn scope_name(scope: i64) -> Option<&'static str> {
    Some(match scope {
        0 => "base",
        1 => "one",
        2 => "sub",
        3 => "children",
        _ => return None,
    })
}

pub(super) const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";
