//! LDAP messages as they are on the wire (RFC 4511 §4.1.1), and what tells them from others.

use df_core::{Direction, Transport};

use super::names::{Operation, operation};
use crate::Detection;
use crate::ber::{self, Element, Elements, Header, HeaderError, tag};

/// `SEQUENCE { messageID INTEGER, protocolOp CHOICE, [0] controls OPTIONAL }`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) id: u32,
    pub(super) operation: Operation,
    pub(super) tag: u8,
    /// What the operation holds; less than announced if it was cut.
    pub(super) content: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads the content of a message, or as much of it as there is.
    pub(super) fn read(content: &'a [u8]) -> Option<Self> {
        let mut fields = Elements::new(content);
        let id = fields.expect(tag::INTEGER).and_then(ber::integer)?;
        let Element { tag, content } = fields.next()?;
        Some(Self { id: u32::try_from(id).ok()?, operation: operation(tag)?, tag, content })
    }
}

/// The header of the message at the start of `bytes`, if one can start like this.
pub(super) fn header(bytes: &[u8]) -> Result<Header, HeaderError> {
    let header = Header::read(bytes)?;
    let is_sound = header.tag == tag::SEQUENCE
        && (MIN_MESSAGE_BYTES..=MAX_MESSAGE_BYTES).contains(&header.content_bytes);
    if is_sound { Ok(header) } else { Err(HeaderError::Unreadable) }
}

/// Says whether these bytes are LDAP's. A bind, a search and their answers are certain: so many fields must agree.
pub(super) fn detect(_: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    if bytes.first() != Some(&tag::SEQUENCE) {
        return Detection::NoMatch;
    }
    let header = match header(bytes) {
        Ok(header) => header,
        Err(HeaderError::Incomplete) => return Detection::NeedMore,
        Err(HeaderError::Unreadable) => return Detection::NoMatch,
    };
    let rest = bytes.get(header.prefix_bytes..).unwrap_or_default();
    let content = rest.get(..header.content_bytes).unwrap_or(rest);
    if content.len() < header.content_bytes.min(MAX_FRONT_BYTES) {
        return if is_front(content) { Detection::NeedMore } else { Detection::NoMatch };
    }
    let is_cut = content.len() < header.content_bytes;
    let Some(message) = Message::read(content) else { return Detection::NoMatch };
    if !is_nested(content, header.content_bytes) {
        return Detection::NoMatch;
    }
    let sender = match message.operation {
        Operation::Request { .. } => Direction::ToServer,
        Operation::Response { .. } => Direction::ToClient,
    };
    let is_reversed = sender != direction;
    match (is_certain(&message, is_cut), is_reversed) {
        (None, _) => Detection::NoMatch,
        (Some(true), false) => Detection::CERTAIN,
        (Some(true), true) => Detection::CERTAIN_REVERSED,
        (Some(false), false) => Detection::WEAK,
        (Some(false), true) => Detection::WEAK_REVERSED,
    }
}

/// Whether the operation, and controls behind it, fill the message.
fn is_nested(content: &[u8], content_bytes: usize) -> bool {
    let Ok(id) = Header::read(content) else { return false };
    let behind = content.get(id.total_bytes()..).unwrap_or_default();
    let Ok(operation) = Header::read(behind) else { return false };
    let end = id.total_bytes().saturating_add(operation.total_bytes());
    end == content_bytes || (end < content_bytes && content.get(end).is_none_or(|&tag| tag == CONTROLS))
}

/// Whether what there is of a content could be the front of one.
fn is_front(content: &[u8]) -> bool {
    let len = content.get(1).copied().unwrap_or(1);
    let place = usize::from(len).saturating_add(2);
    content.first().is_none_or(|&first| first == tag::INTEGER)
        && (1..=5).contains(&len)
        && content.get(place).is_none_or(|&tag| operation(tag).is_some())
}

/// None: the fields contradict the operation. Else whether nothing else can look like this. Of a message that is cut, fields
/// may be missing behind the first.
fn is_certain(message: &Message<'_>, is_cut: bool) -> Option<bool> {
    let mut fields = Elements::new(message.content);
    let mut follow = |tags: &[u8]| tags.iter().all(|&tag| fields.next_if(tag).is_some() || is_cut);
    match message.tag {
        0x60 => {
            let version = fields.expect(tag::INTEGER).and_then(ber::integer)?;
            matches!(version, 2 | 3).then_some(())?;
            fields.expect(tag::OCTET_STRING)?;
            fields.next().is_none_or(|proof| matches!(proof.tag, 0x80 | 0xa3 | 0x89..=0x8b)).then_some(true)
        }
        0x63 => follow(&[tag::OCTET_STRING, tag::ENUMERATED, tag::ENUMERATED]).then_some(true),
        0x61 | 0x65 | 0x67 | 0x69 | 0x6b | 0x6d | 0x6f | 0x78 => {
            fields.expect(tag::ENUMERATED)?;
            let mut follow = |tag| fields.next_if(tag).is_some() || is_cut;
            (follow(tag::OCTET_STRING) && follow(tag::OCTET_STRING)).then_some(true)
        }
        0x64 => follow(&[tag::OCTET_STRING, tag::SEQUENCE]).then_some(true),
        0x42 => message.content.is_empty().then_some(false),
        0x66 | 0x68 | 0x6c | 0x6e => follow(&[tag::OCTET_STRING]).then_some(false),
        0x77 => follow(&[0x80]).then_some(false),
        _ => Some(false),
    }
}

/// An identifier and an empty operation.
const MIN_MESSAGE_BYTES: usize = 5;
/// No server takes longer ones.
const MAX_MESSAGE_BYTES: usize = 1 << 28;
/// An identifier of five bytes and the header of an operation.
const MAX_FRONT_BYTES: usize = 64;
const CONTROLS: u8 = 0xa0;
