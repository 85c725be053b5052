//! What of an X.509 certificate (RFC 5280 §4.1) is told: whose it is, who says so, and how long it holds.

use crate::ber::{Elements, tag};
use crate::sql::cut_text;

/// The names and dates of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Certificate {
    /// The issuer's distinguished name, most specific part first.
    pub(super) issuer: String,
    /// The subject's distinguished name.
    pub(super) subject: String,
    /// When it begins to hold, as ISO 8601 in UTC.
    pub(super) not_before: Option<String>,
    /// When it ends to hold.
    pub(super) not_after: Option<String>,
    /// The DNS names it is for beside the subject.
    pub(super) alternative_names: Vec<String>,
}

impl Certificate {
    /// Reads a certificate, or as much of it as there is. None if not even the issuer can be read.
    ///
    /// ```text
    /// Certificate { tbsCertificate { [0] version?, serialNumber, signature, issuer, validity, subject, key, ..., [3] extensions? } ... }
    /// ```
    pub(super) fn read(bytes: &[u8], max_text_bytes: usize) -> Option<Self> {
        let whole = Elements::new(bytes).expect(tag::SEQUENCE)?;
        let mut fields = Elements::new(Elements::new(whole).expect(tag::SEQUENCE)?);
        let _version = fields.next_if(VERSION);
        fields.expect(tag::INTEGER)?;
        fields.expect(tag::SEQUENCE)?;
        let issuer = distinguished_name(fields.expect(tag::SEQUENCE)?, max_text_bytes);
        let mut dates = Elements::new(fields.expect(tag::SEQUENCE).unwrap_or_default());
        let [not_before, not_after] = [date(&mut dates), date(&mut dates)];
        let subject = fields.expect(tag::SEQUENCE).map(|name| distinguished_name(name, max_text_bytes));
        let extensions = fields.find(|field| field.tag == EXTENSIONS).map(|field| field.content);
        let alternative_names = alternative_names(extensions.unwrap_or_default(), max_text_bytes);
        Some(Self { issuer, subject: subject.unwrap_or_default(), not_before, not_after, alternative_names })
    }
}

/// The name as text (RFC 4514): the parts that have a usual short name, last one first.
fn distinguished_name(name: &[u8], max_bytes: usize) -> String {
    let mut parts = Vec::new();
    for set in Elements::new(name).filter(|part| part.tag == tag::SET).take(MAX_NAME_PARTS) {
        let mut pair = Elements::new(Elements::new(set.content).expect(tag::SEQUENCE).unwrap_or_default());
        let kind = pair.expect(tag::OBJECT_IDENTIFIER).and_then(part_name);
        if let (Some(kind), Some(value)) = (kind, pair.next()) {
            parts.push(format!("{kind}={}", text(value.tag, value.content, max_bytes)));
        }
    }
    parts.reverse();
    cut_text(parts.join(", ").as_bytes(), max_bytes)
}

/// The short name of a part of a distinguished name, by its object identifier (RFC 4514 §3).
fn part_name(identifier: &[u8]) -> Option<&'static str> {
    Some(match identifier {
        [0x55, 4, 3] => "CN",
        [0x55, 4, 5] => "SERIALNUMBER",
        [0x55, 4, 6] => "C",
        [0x55, 4, 7] => "L",
        [0x55, 4, 8] => "ST",
        [0x55, 4, 9] => "STREET",
        [0x55, 4, 10] => "O",
        [0x55, 4, 11] => "OU",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25] => "DC",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1] => "UID",
        _ => return None,
    })
}

fn text(tag: u8, content: &[u8], max_bytes: usize) -> String {
    if tag == tag::BMP_STRING {
        let kept = content.get(..max_bytes).unwrap_or(content);
        let units =
            kept.chunks_exact(2).map(|unit| unit.iter().fold(0, |sum, &byte| sum << 8 | u16::from(byte)));
        return char::decode_utf16(units).map(|read| read.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    }
    cut_text(content, max_bytes)
}

/// The next date: `YYMMDDhhmm[ss]Z` or `YYYYMMDDhhmm[ss]Z` (RFC 5280 §4.1.2.5) as `YYYY-MM-DDThh:mm:ssZ`.
fn date(dates: &mut Elements<'_>) -> Option<String> {
    let element = dates.next()?;
    let digits = element.content.strip_suffix(b"Z")?;
    let digits = digits.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(digits).ok())??;
    let (century, rest) = match element.tag {
        // Two digits stand for the years 1950 to 2049.
        tag::UTC_TIME => (if digits.as_bytes().first() < Some(&b'5') { "20" } else { "19" }, digits),
        tag::GENERALIZED_TIME => (digits.get(..2)?, digits.get(2..)?),
        _ => return None,
    };
    let part = |from: usize| rest.get(from..from.checked_add(2)?);
    let [year, month, day] = [part(0)?, part(2)?, part(4)?];
    let [hour, minute, second] = [part(6)?, part(8)?, part(10).unwrap_or("00")];
    Some(format!("{century}{year}-{month}-{day}T{hour}:{minute}:{second}Z"))
}

/// The DNS names of the extension `subjectAltName` (RFC 5280 §4.2.1.6).
fn alternative_names(extensions: &[u8], max_text_bytes: usize) -> Vec<String> {
    let list = Elements::new(extensions).expect(tag::SEQUENCE).unwrap_or_default();
    let mut names = Vec::new();
    for extension in Elements::new(list) {
        let mut fields = Elements::new(extension.content);
        if fields.expect(tag::OBJECT_IDENTIFIER) != Some(&[0x55, 0x1d, 0x11]) {
            continue;
        }
        let value = fields.find(|field| field.tag == tag::OCTET_STRING).map(|field| field.content);
        let general_names = value.and_then(|value| Elements::new(value).expect(tag::SEQUENCE));
        for name in Elements::new(general_names.unwrap_or_default()).filter(|name| name.tag == DNS_NAME) {
            if names.len() < MAX_ALTERNATIVE_NAMES {
                names.push(text(name.tag, name.content, max_text_bytes));
            }
        }
    }
    names
}

const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const DNS_NAME: u8 = 0x82;
/// The most parts of a distinguished name that are read.
const MAX_NAME_PARTS: usize = 32;
/// The most alternative names that are told.
const MAX_ALTERNATIVE_NAMES: usize = 16;
