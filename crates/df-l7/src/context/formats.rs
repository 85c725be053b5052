//! The formats in which a trace context is written.

use super::{MAX_IDENTIFIER_BYTES, identifier, is_same_name, url_decoded};

/// The format that a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// W3C Trace Context: `version-traceid-parentid-flags`.
    W3c,
    /// Zipkin's single header: `traceid-spanid[-sampled[-parentspanid]]`.
    B3Single,
    /// Zipkin's `x-b3-traceid`, with its companions.
    B3Multi,
    /// SkyWalking 8: `sample-BASE64(trace)-BASE64(segment)-span-...`.
    SkyWalking,
    /// Jaeger: `traceid:spanid:parentspanid:flags`.
    Jaeger,
    /// Some other name, whose value is the trace id.
    Verbatim,
}

/// The ids in one value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) trace_id: String,
    pub(super) span_id: Option<String>,
    pub(super) sampled: Option<bool>,
}

impl Format {
    /// The format that values under this name have.
    pub(super) fn of_name(name: &[u8]) -> Self {
        let known = KNOWN_NAMES.iter().find(|(known, _)| is_same_name(known, name));
        known.map_or(Self::Verbatim, |(_, format)| *format)
    }

    /// Reads a value. None if it is malformed or says that there is no trace.
    pub(super) fn parse(self, value: &str) -> Option<Ids> {
        if value.len() > MAX_VALUE_BYTES {
            return None;
        }
        match self {
            Self::W3c => w3c(value),
            Self::B3Single => b3_single(value),
            Self::B3Multi => is_hexadecimal(value, &[16, 32]).then(|| Ids::of_trace(value.to_owned())),
            Self::SkyWalking => sky_walking(value),
            Self::Jaeger => jaeger(&url_decoded(value)),
            Self::Verbatim => identifier(value.as_bytes()).map(Ids::of_trace),
        }
    }
}

impl Ids {
    fn of_trace(trace_id: String) -> Self {
        Self { trace_id, span_id: None, sampled: None }
    }
}

/// Whether `text` is hexadecimal, as long as one of `lengths`, and not zero.
pub(super) fn is_hexadecimal(text: &str, lengths: &[usize]) -> bool {
    lengths.contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        && text.bytes().any(|byte| byte != b'0')
}

/// Zipkin's sampling state.
pub(super) fn b3_sampled(text: &str) -> Option<bool> {
    match text {
        "1" | "d" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

/// W3C Trace Context §3.2: versions above 00 may have more fields, version ff is forbidden, digits are lower-case and
/// neither id may be zero.
fn w3c(value: &str) -> Option<Ids> {
    let mut fields = value.split('-');
    let (version, trace_id, span_id, flags) =
        (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let is_digits = |text: &str, len| text.len() == len && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_valid = is_digits(version, 2)
        && version != "ff"
        && is_hexadecimal(trace_id, &[32])
        && is_hexadecimal(span_id, &[16])
        && is_digits(flags, 2)
        && !value.bytes().any(|byte| byte.is_ascii_uppercase())
        && (version != "00" || fields.next().is_none());
    if !is_valid {
        return None;
    }
    let flags = u8::from_str_radix(flags, 16).ok()?;
    Some(Ids {
        trace_id: trace_id.to_owned(),
        span_id: Some(span_id.to_owned()),
        sampled: Some(flags & 1 == 1),
    })
}

fn b3_single(value: &str) -> Option<Ids> {
    let mut fields = value.split('-');
    let (trace_id, span_id) = (fields.next()?, fields.next()?);
    if !is_hexadecimal(trace_id, &[16, 32]) || !is_hexadecimal(span_id, &[16]) {
        return None;
    }
    let sampled = fields.next().and_then(b3_sampled);
    Some(Ids { trace_id: trace_id.to_owned(), span_id: Some(span_id.to_owned()), sampled })
}

fn sky_walking(value: &str) -> Option<Ids> {
    let mut fields = value.split('-');
    let (sample, trace, segment, span) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    if !(1..=MAX_SPAN_DIGITS).contains(&span.len()) || !span.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let span_id = base64_text(segment).map(|segment| format!("{segment}-{span}"));
    Some(Ids { trace_id: base64_text(trace)?, span_id, sampled: b3_sampled(sample) })
}

fn jaeger(value: &str) -> Option<Ids> {
    let mut fields = value.split(':');
    let (trace_id, span_id, _parent, flags) =
        (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let is_id = |id: &str, max| (1..=max).contains(&id.len()) && is_hexadecimal(id, &[id.len()]);
    if !is_id(trace_id, 32) || !is_id(span_id, 16) {
        return None;
    }
    let sampled = u8::from_str_radix(flags, 16).ok().map(|flags| flags & 1 == 1);
    Some(Ids { trace_id: trace_id.to_owned(), span_id: Some(span_id.to_owned()), sampled })
}

/// Decodes base64 (RFC 4648 §4, padding optional) whose content is an identifier.
fn base64_text(text: &str) -> Option<String> {
    let digits = text.trim_end_matches('=');
    if digits.is_empty() || digits.len() % 4 == 1 || digits.len() > MAX_IDENTIFIER_BYTES * 4 / 3 {
        return None;
    }
    let mut decoded = Vec::with_capacity(digits.len() * 3 / 4);
    let (mut bits, mut bit_count) = (0_u32, 0_u32);
    for digit in digits.bytes() {
        bits = (bits & 0x3f) << 6 | u32::from(base64_digit(digit)?);
        bit_count += 6;
        if bit_count >= 8 {
            bit_count -= 8;
            decoded.push(u8::try_from(bits >> bit_count & 0xff).ok()?);
        }
    }
    identifier(&decoded)
}

fn base64_digit(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

const KNOWN_NAMES: &[(&[u8], Format)] = &[
    (b"traceparent", Format::W3c),
    (b"b3", Format::B3Single),
    (b"x-b3-traceid", Format::B3Multi),
    (b"sw8", Format::SkyWalking),
    (b"uber-trace-id", Format::Jaeger),
];

/// SkyWalking numbers the spans of a segment with 32 bits.
const MAX_SPAN_DIGITS: usize = 10;
/// The longest value that is looked at: a `sw8` value carries names and addresses besides the ids.
const MAX_VALUE_BYTES: usize = 4_096;
