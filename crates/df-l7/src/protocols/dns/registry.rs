//! The numbers that DNS assigns and their names (IANA, Domain Name System Parameters).

use std::borrow::Cow;

use crate::ResponseStatus;

/// The name of a record or query type; the number itself if it is not one that clients commonly ask for.
pub(super) fn type_name(number: u16) -> Cow<'static, str> {
    let known = TYPES.iter().find(|(known, _)| *known == number);
    known.map_or_else(|| Cow::Owned(number.to_string()), |(_, name)| Cow::Borrowed(*name))
}

/// The name of a response code, extended ones included; the number itself if it has none.
pub(super) fn response_code_name(number: u16) -> Cow<'static, str> {
    let known = RESPONSE_CODES.iter().find(|(known, _)| *known == number);
    known.map_or_else(|| Cow::Owned(number.to_string()), |(_, name)| Cow::Borrowed(*name))
}

/// Who is at fault: a malformed question and a name that does not exist are the client's doing.
pub(super) fn response_status(code: u16) -> ResponseStatus {
    match code {
        0 => ResponseStatus::Ok,
        1 | 3 => ResponseStatus::ClientError,
        _ => ResponseStatus::ServerError,
    }
}

/// The name of an operation other than a standard query.
pub(super) fn operation_name(opcode: u8) -> Option<&'static str> {
    match opcode {
        1 => Some("IQUERY"),
        2 => Some("STATUS"),
        4 => Some("NOTIFY"),
        5 => Some("UPDATE"),
        6 => Some("DSO"),
        _ => None,
    }
}

/// Whether a class is one of those assigned, the top bit aside: multicast DNS puts flags there.
pub(super) fn is_class(class: u16) -> bool {
    matches!(class & 0x7fff, 1 | 3 | 4 | 254 | 255)
}

pub(super) const TYPE_A: u16 = 1;
pub(super) const TYPE_NS: u16 = 2;
pub(super) const TYPE_CNAME: u16 = 5;
pub(super) const TYPE_SOA: u16 = 6;
pub(super) const TYPE_PTR: u16 = 12;
pub(super) const TYPE_MX: u16 = 15;
pub(super) const TYPE_TXT: u16 = 16;
pub(super) const TYPE_AAAA: u16 = 28;
pub(super) const TYPE_SRV: u16 = 33;
pub(super) const TYPE_DNAME: u16 = 39;
pub(super) const TYPE_OPT: u16 = 41;
pub(super) const TYPE_SVCB: u16 = 64;
pub(super) const TYPE_HTTPS: u16 = 65;

/// Most common first.
const TYPES: &[(u16, &str)] = &[
    (TYPE_A, "A"),
    (TYPE_AAAA, "AAAA"),
    (TYPE_HTTPS, "HTTPS"),
    (TYPE_PTR, "PTR"),
    (TYPE_SRV, "SRV"),
    (TYPE_TXT, "TXT"),
    (TYPE_MX, "MX"),
    (TYPE_NS, "NS"),
    (TYPE_SOA, "SOA"),
    (TYPE_CNAME, "CNAME"),
    (TYPE_SVCB, "SVCB"),
    (43, "DS"),
    (48, "DNSKEY"),
    (35, "NAPTR"),
    (257, "CAA"),
    (255, "ANY"),
    (252, "AXFR"),
    (251, "IXFR"),
    (10, "NULL"),
    (13, "HINFO"),
    (24, "SIG"),
    (25, "KEY"),
    (TYPE_OPT, "OPT"),
    (46, "RRSIG"),
    (47, "NSEC"),
    (52, "TLSA"),
    (249, "TKEY"),
    (250, "TSIG"),
];

const RESPONSE_CODES: &[(u16, &str)] = &[
    (0, "NOERROR"),
    (3, "NXDOMAIN"),
    (2, "SERVFAIL"),
    (5, "REFUSED"),
    (1, "FORMERR"),
    (4, "NOTIMP"),
    (6, "YXDOMAIN"),
    (7, "YXRRSET"),
    (8, "NXRRSET"),
    (9, "NOTAUTH"),
    (10, "NOTZONE"),
    (11, "DSOTYPENI"),
    (16, "BADVERS"),
    (17, "BADKEY"),
    (18, "BADTIME"),
    (19, "BADMODE"),
    (20, "BADNAME"),
    (21, "BADALG"),
    (22, "BADTRUNC"),
    (23, "BADCOOKIE"),
];
