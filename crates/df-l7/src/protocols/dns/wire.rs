//! DNS messages as they are on the wire (RFC 1035 §4), borrowed and without meaning; and what tells DNS from others.

use df_core::{Direction, Transport};

use super::name::Name;
use super::registry::{TYPE_OPT, is_class};
use crate::{Cursor, Detection};

/// ```text
///  0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15
/// |                      ID                       |
/// |QR|  Opcode   |AA|TC|RD|RA| Z|AD|CD|   RCODE   |
/// |   questions, answers, authority, additional   |  16 bits each
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) id: u16,
    flags: u16,
    pub(super) questions: u16,
    pub(super) answers: u16,
    authorities: u16,
    additionals: u16,
}

/// A message whose header was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) header: Header,
    bytes: &'a [u8],
}

/// An entry of the question section.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) name: Name<'a>,
    pub(super) kind: u16,
    pub(super) class: u16,
}

/// A resource record of any section.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) name: Name<'a>,
    pub(super) kind: u16,
    pub(super) class: u16,
    pub(super) ttl: u32,
    message: &'a [u8],
    data_start: usize,
    data_end: usize,
}

/// The sections of a message, read one entry after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sections<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Header {
    pub(super) const fn is_response(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    #[allow(clippy::cast_possible_truncation, reason = "four bits")]
    pub(super) const fn opcode(&self) -> u8 {
        (self.flags >> 11 & 0xf) as u8
    }

    pub(super) const fn is_authoritative(&self) -> bool {
        self.flags & 0x0400 != 0
    }

    pub(super) const fn is_recursion_desired(&self) -> bool {
        self.flags & 0x0100 != 0
    }

    /// The response code without the extension that an OPT record may hold.
    pub(super) const fn response_code(&self) -> u16 {
        self.flags & 0xf
    }

    /// How many records follow the answers.
    pub(super) fn other_records(&self) -> usize {
        usize::from(self.authorities) + usize::from(self.additionals)
    }

    /// Whether the header makes sense for a message of `len` bytes.
    fn is_plausible(&self, len: usize) -> bool {
        let is_assigned = matches!(self.opcode(), 0..=2 | 4..=6);
        let has_valid_code = self.response_code() <= 11 && (self.is_response() || self.response_code() == 0);
        let is_reserved_bit_clear = self.flags & 0x0040 == 0;
        let has_question = (1..=MAX_QUESTIONS).contains(&self.questions);
        // Without a question only an error or a multicast announcement can be told from other protocols.
        let has_reason = self.response_code() != 0 || (self.id == 0 && self.is_authoritative());
        let is_bare_response = self.questions == 0 && self.is_response() && has_reason;
        let least = HEADER_BYTES + usize::from(self.questions) * MIN_QUESTION_BYTES;
        let records = [self.answers, self.authorities, self.additionals];
        is_assigned
            && has_valid_code
            && is_reserved_bit_clear
            && (has_question || is_bare_response)
            && least <= len
            && records.iter().all(|count| *count <= MAX_RECORDS)
    }
}

impl<'a> Message<'a> {
    /// Reads the header. `bytes` start with it: over TCP the length before it is taken off.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let header = Header {
            id: cursor.u16_be()?,
            flags: cursor.u16_be()?,
            questions: cursor.u16_be()?,
            answers: cursor.u16_be()?,
            authorities: cursor.u16_be()?,
            additionals: cursor.u16_be()?,
        };
        Some(Self { header, bytes })
    }

    pub(super) const fn sections(&self) -> Sections<'a> {
        Sections { bytes: self.bytes, position: HEADER_BYTES }
    }
}

impl<'a> Sections<'a> {
    /// The next question; does not move if it is cut or malformed.
    pub(super) fn question(&mut self) -> Option<Question<'a>> {
        let (name, position) = Name::read(self.bytes, self.position)?;
        let mut cursor = Cursor::new(self.bytes.get(position..)?);
        let question = Question { name, kind: cursor.u16_be()?, class: cursor.u16_be()? };
        self.position = position + cursor.position();
        Some(question)
    }

    /// The next record; does not move if it is cut or malformed.
    pub(super) fn record(&mut self) -> Option<Record<'a>> {
        let (name, position) = Name::read(self.bytes, self.position)?;
        let mut cursor = Cursor::new(self.bytes.get(position..)?);
        let (kind, class, ttl) = (cursor.u16_be()?, cursor.u16_be()?, cursor.u32_be()?);
        let data_len = usize::from(cursor.u16_be()?);
        let data_start = position + cursor.position();
        cursor.take(data_len)?;
        self.position = data_start + data_len;
        Some(Record { name, kind, class, ttl, message: self.bytes, data_start, data_end: self.position })
    }

    fn is_at_end(&self) -> bool {
        self.position == self.bytes.len()
    }
}

impl<'a> Record<'a> {
    /// The record's data.
    pub(super) fn data(&self) -> &'a [u8] {
        self.message.get(self.data_start..self.data_end).unwrap_or_default()
    }

    /// The name that stands `offset` bytes into the data.
    pub(super) fn name_in_data(&self, offset: usize) -> Option<Name<'a>> {
        let (name, end) = Name::read(self.message, self.data_start.checked_add(offset)?)?;
        (end <= self.data_end).then_some(name)
    }
}

/// How sure it is that bytes are a DNS message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Likeness {
    Certain,
    Weak,
    None,
}

/// Says whether these bytes are DNS.
pub(crate) fn detect(transport: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    let bytes = if transport == Transport::Tcp {
        match tcp_message(bytes) {
            Some(message) => message,
            None if bytes.len() < MIN_TCP_BYTES
                && length_prefix(bytes).is_none_or(|len| len >= MIN_MESSAGE_BYTES) =>
            {
                return Detection::NeedMore;
            }
            None => return Detection::NoMatch,
        }
    } else {
        bytes
    };
    let Some(message) = Message::read(bytes) else {
        return Detection::NoMatch;
    };
    let is_reversed =
        message.header.is_response() == (direction == Direction::ToServer) && !is_announcement(&message);
    match (likeness(&message), is_reversed) {
        (Likeness::Certain, false) => Detection::CERTAIN,
        (Likeness::Certain, true) => Detection::CERTAIN_REVERSED,
        (Likeness::Weak, false) => Detection::WEAK,
        (Likeness::Weak, true) => Detection::WEAK_REVERSED,
        (Likeness::None, _) => Detection::NoMatch,
    }
}

/// Whether a message starts here.
pub(super) fn is_message_start(transport: Transport, bytes: &[u8]) -> bool {
    let bytes = if transport == Transport::Tcp { tcp_message(bytes) } else { Some(bytes) };
    bytes.and_then(Message::read).is_some_and(|message| likeness(&message) == Likeness::Certain)
}

/// Whether this is what multicast DNS sends to nobody in particular (RFC 6762 §6): answers to no question.
pub(super) fn is_announcement(message: &Message<'_>) -> bool {
    let header = &message.header;
    header.is_response() && header.id == 0 && header.questions == 0 && header.is_authoritative()
}

/// The length that stands before a message over TCP (RFC 1035 §4.2.2).
pub(super) fn length_prefix(bytes: &[u8]) -> Option<usize> {
    Cursor::new(bytes).u16_be().map(usize::from)
}

/// As much of the first message as is there, if there is enough of it to be judged.
fn tcp_message(bytes: &[u8]) -> Option<&[u8]> {
    let len = length_prefix(bytes)?;
    let message = bytes.get(LENGTH_BYTES..).unwrap_or_default();
    let message = message.get(..len).unwrap_or(message);
    let is_enough = len >= MIN_MESSAGE_BYTES && (message.len() == len || message.len() >= MIN_MESSAGE_BYTES);
    is_enough.then_some(message)
}

fn likeness(message: &Message<'_>) -> Likeness {
    let header = &message.header;
    if !header.is_plausible(message.bytes.len()) {
        return Likeness::None;
    }
    let mut sections = message.sections();
    for _ in 0..header.questions {
        match sections.question() {
            Some(question) if question.name.is_netbios() => return Likeness::None,
            Some(question) if question.kind != 0 && is_class(question.class) => {}
            _ => return Likeness::Weak,
        }
    }
    for _ in 0..usize::from(header.answers) + header.other_records() {
        match sections.record() {
            Some(record) if record.name.is_netbios() => return Likeness::None,
            Some(record) if is_class(record.class) || record.kind == TYPE_OPT => {}
            _ => return Likeness::Weak,
        }
    }
    let has_proof = header.questions > 0 || is_announcement(message);
    if has_proof && sections.is_at_end() { Likeness::Certain } else { Likeness::Weak }
}

/// The size of a header.
pub(super) const HEADER_BYTES: usize = 12;
/// The size of the length before a message over TCP.
pub(super) const LENGTH_BYTES: usize = 2;
/// The root name, type and class.
const MIN_QUESTION_BYTES: usize = 5;
/// A header and a question for the root.
const MIN_MESSAGE_BYTES: usize = HEADER_BYTES + MIN_QUESTION_BYTES;
const MIN_TCP_BYTES: usize = LENGTH_BYTES + MIN_MESSAGE_BYTES;
/// More questions than this are not believed; multicast DNS asks for several at once.
const MAX_QUESTIONS: u16 = 32;
/// More records in one section than this are not believed when DNS is looked for.
const MAX_RECORDS: u16 = 512;

#[cfg(test)]
mod tests;
