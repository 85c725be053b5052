//! Says whether bytes are Kafka's.

use df_core::{Direction, Transport};

use crate::Detection;

use super::api::{API_VERSIONS, Api, PRODUCE};
use super::schema::{Meaning, Value, Walk, walk};
use super::wire::{MIN_REQUEST_HEAD_BYTES, RESPONSE_HEAD_BYTES, RequestHead, correlation_id, frame_bytes};

/// Says whether these bytes are this protocol's.
///
/// A request is certain if its client has a name and its body is what the key and version promise. A response tells
/// nothing but a number: it is worth waiting for the next request, no more.
pub(super) fn detect(_transport: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    let (certain, weak) = match direction {
        Direction::ToServer => (Detection::CERTAIN, Detection::WEAK),
        Direction::ToClient => (Detection::CERTAIN_REVERSED, Detection::WEAK_REVERSED),
    };
    match request(bytes) {
        Verdict::Certain => certain,
        Verdict::Likely => weak,
        Verdict::NeedMore => Detection::NeedMore,
        Verdict::No if is_whole_responses(bytes) => Detection::NeedMore,
        Verdict::No => Detection::NoMatch,
    }
}

/// Whether a request can start here, in the middle of a conversation.
pub(super) fn is_request_start(bytes: &[u8]) -> bool {
    matches!(request(bytes), Verdict::Certain | Verdict::Likely)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Certain,
    Likely,
    NeedMore,
    No,
}

fn request(bytes: &[u8]) -> Verdict {
    // Requests of 16 MiB and more are none that a connection begins with.
    if bytes.first().is_some_and(|first| *first != 0) {
        return Verdict::No;
    }
    let Some(frame_bytes) = frame_bytes(bytes) else {
        return if bytes.len() < 4 { Verdict::NeedMore } else { Verdict::No };
    };
    if frame_bytes < MIN_REQUEST_HEAD_BYTES {
        return Verdict::No;
    }
    let frame = bytes.get(..frame_bytes).unwrap_or(bytes);
    let is_whole = frame.len() == frame_bytes;
    let head = match RequestHead::parse(frame) {
        Ok(head) => head,
        Err(Walk::Short) if !is_whole => return early(bytes),
        Err(_) => return Verdict::No,
    };
    let Some(api) = head.api.filter(|api| head.version <= api.latest) else { return Verdict::No };
    let Some(bodies) = api.bodies else { return Verdict::Likely };
    let is_named = head.client_id.is_some_and(|client_id| !client_id.is_empty());
    let is_old_librdkafka = (head.key, head.version) == (API_VERSIONS, 0) && head.body == [0; 4];
    // Frames of HTTP/2 look like the front of a Produce with a name.
    let mut evidence = Evidence { is_for: head.key != PRODUCE, is_against: false };
    let walked =
        walk(head.body, bodies.request, head.format(), &mut |meaning, value| evidence.handle(meaning, value));
    if evidence.is_against {
        return Verdict::No;
    }
    match walked {
        Walk::Complete { left: 0 } | Walk::Enough if is_whole && is_named => Verdict::Certain,
        Walk::Complete { left: 0 } | Walk::Enough if is_whole => Verdict::Likely,
        // librdkafka before 1.0 asked for an empty list of versions.
        Walk::Complete { .. } if is_old_librdkafka && is_named => Verdict::Certain,
        Walk::Short if !is_whole && is_named && evidence.is_for => Verdict::Certain,
        Walk::Short if !is_whole => Verdict::NeedMore,
        _ => Verdict::No,
    }
}

/// What the fields of a body say for and against it.
#[derive(Debug)]
struct Evidence {
    is_for: bool,
    is_against: bool,
}

impl Evidence {
    fn handle(&mut self, meaning: Meaning, value: Value<'_>) {
        match (meaning, value) {
            (Meaning::Topic, Value::Text(name)) => {
                let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
                let is_name = !name.is_empty() && name.len() <= 249 && name.bytes().all(is_legal);
                self.is_for |= is_name;
                // A topic may be named by its identifier, and then has an empty name.
                self.is_against |= !is_name && !name.is_empty();
            }
            (Meaning::Acknowledgments, Value::Number(acknowledgments)) => {
                self.is_against |= !(-1..=1).contains(&acknowledgments);
            }
            (Meaning::Group, Value::Text(_)) => self.is_for = true,
            (Meaning::TopicId, Value::Id(id)) => self.is_for |= id != [0; 16],
            _ => {}
        }
    }
}

/// What can be said before the head is complete.
fn early(bytes: &[u8]) -> Verdict {
    let is_possible = match bytes.get(4..8) {
        Some(&[0, key, 0, version]) => {
            Api::of_key(i16::from(key)).is_some_and(|api| i16::from(version) <= api.latest)
        }
        Some(_) => false,
        None => bytes.get(4).is_none_or(|first| *first == 0),
    };
    if is_possible { Verdict::NeedMore } else { Verdict::No }
}

/// Whether the bytes are nothing but whole responses.
fn is_whole_responses(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    for _ in 0..MAX_RESPONSES {
        let is_plausible =
            rest.first() == Some(&0) && correlation_id(rest).is_some_and(|id| i32::try_from(id).is_ok());
        let next = frame_bytes(rest)
            .filter(|len| is_plausible && *len >= RESPONSE_HEAD_BYTES)
            .and_then(|len| rest.get(len..));
        match next {
            Some([]) => return true,
            Some(behind) => rest = behind,
            None => return false,
        }
    }
    false
}

/// How many responses in a row are looked at.
const MAX_RESPONSES: usize = 64;
