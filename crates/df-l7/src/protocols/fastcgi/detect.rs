//! Says whether bytes are FastCGI records.

use df_core::{Direction, Transport};

use crate::Detection;

use super::wire::{HEADER_BYTES, Header, RecordType};

/// The length of a record that begins a request.
const BEGIN_BYTES: usize = 16;
/// How much of a response's first field is looked at.
const MAX_FIELD_NAME_BYTES: usize = 64;

/// Says whether these bytes are this protocol's: a record that begins a request is certain, its 16 bytes are nearly all
/// fixed; so is output that begins with a field. The end of a request is weak.
pub(super) fn detect(_: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    if !bytes.starts_with(&[1]) {
        return Detection::NoMatch;
    }
    let (certain_request, certain_response, weak_response) = match direction {
        Direction::ToServer => (Detection::CERTAIN, Detection::CERTAIN_REVERSED, Detection::WEAK_REVERSED),
        Direction::ToClient => (Detection::CERTAIN_REVERSED, Detection::CERTAIN, Detection::WEAK),
    };
    match verdict(bytes) {
        Verdict::Request => certain_request,
        Verdict::Response => certain_response,
        Verdict::End => weak_response,
        Verdict::NeedMore => Detection::NeedMore,
        Verdict::No => Detection::NoMatch,
    }
}

/// Whether a record can start here, in the middle of a conversation.
pub(super) fn is_record_start(direction: Direction, bytes: &[u8]) -> bool {
    match direction {
        Direction::ToServer => verdict(bytes) == Verdict::Request,
        Direction::ToClient => matches!(verdict(bytes), Verdict::Response | Verdict::End),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Request,
    Response,
    End,
    NeedMore,
    No,
}

fn verdict(bytes: &[u8]) -> Verdict {
    match bytes.get(1) {
        None => Verdict::NeedMore,
        Some(1) => begin_request(bytes),
        Some(3) => end_request(bytes),
        Some(6) => output(bytes),
        Some(_) => Verdict::No,
    }
}

/// `01 01 id(2) 0008 padding 00 role(2) flags 00 00 00 00 00`, and then another record of the same request.
fn begin_request(bytes: &[u8]) -> Verdict {
    let fits = |place: usize, allowed: std::ops::RangeInclusive<u8>| {
        bytes.get(place).is_none_or(|byte| allowed.contains(byte))
    };
    let has_fixed = fits(4, 0..=0) && fits(5, 8..=8) && fits(6, 0..=0) && fits(7, 0..=0);
    let has_role = fits(8, 0..=0) && fits(9, 1..=3) && fits(10, 0..=1);
    let has_zeros = (11..BEGIN_BYTES).all(|place| fits(place, 0..=0));
    let has_id = bytes.get(2..4).is_none_or(|id| id != [0, 0]);
    let goes_on = fits(BEGIN_BYTES, 1..=1)
        && bytes.get(BEGIN_BYTES + 1).is_none_or(|kind| matches!(kind, 1 | 2 | 4 | 5 | 8));
    if !(has_fixed && has_role && has_zeros && has_id && goes_on) {
        return Verdict::No;
    }
    if bytes.len() < BEGIN_BYTES { Verdict::NeedMore } else { Verdict::Request }
}

/// `01 03 id(2) 0008 padding 00 application-status(4) protocol-status 00 00 00`.
fn end_request(bytes: &[u8]) -> Verdict {
    let header = match Header::parse(bytes) {
        Ok(Some(header)) => header,
        Ok(None) => return Verdict::NeedMore,
        Err(_) => return Verdict::No,
    };
    let is_end = header.content_bytes == 8 && header.request_id > 0 && bytes.get(7) == Some(&0);
    let ends_well = bytes.get(12).is_none_or(|status| *status <= 3);
    if !is_end || !ends_well || bytes.get(13..16).is_some_and(|reserved| reserved != [0; 3]) {
        return Verdict::No;
    }
    if bytes.len() < BEGIN_BYTES { Verdict::NeedMore } else { Verdict::End }
}

/// A record of output that begins with a field: `Content-type: text/html`.
fn output(bytes: &[u8]) -> Verdict {
    let header = match Header::parse(bytes) {
        Ok(Some(header)) => header,
        Ok(None) => return Verdict::NeedMore,
        Err(_) => return Verdict::No,
    };
    let is_output = header.kind == RecordType::Stdout && header.request_id > 0 && bytes.get(7) == Some(&0);
    if !is_output || header.content_bytes < 4 {
        return Verdict::No;
    }
    let text = bytes.get(HEADER_BYTES..).unwrap_or_default();
    let name = text.get(..MAX_FIELD_NAME_BYTES).unwrap_or(text);
    let colon = memchr::memchr(b':', name);
    let name = name.get(..colon.unwrap_or(name.len())).unwrap_or_default();
    let is_name = name.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match colon {
        Some(3..) if is_name => Verdict::Response,
        None if is_name && text.len() < MAX_FIELD_NAME_BYTES => Verdict::NeedMore,
        _ => Verdict::No,
    }
}
