//! DNS messages as they are on the wire (RFC 1035 §4), borrowed and without meaning; and what tells DNS from others.

use df_core::{Direction, Transport};

use super::name::{NETBIOS_LABEL_BYTES, Name};
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
    /// How long the message is; more than there are bytes if it was cut.
    len: usize,
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

    /// Whether the reserved bit is clear, and only a response has an error.
    const fn has_plausible_flags(flags: u16) -> bool {
        let (is_response, code) = (flags & 0x8000 != 0, flags & 0xf);
        code <= 11 && (is_response || code == 0) && flags & 0x0040 == 0
    }

    const fn has_assigned_operation(flags: u16) -> bool {
        matches!(flags >> 11 & 0xf, 0..=2 | 4..=6)
    }

    /// Whether names are asked for that belong to an answer, instead of the other way round (RFC 1035 §6.4).
    const fn is_inverse_query(&self) -> bool {
        self.opcode() == 1 && self.questions == 0 && self.answers > 0
    }

    /// Whether the header makes sense if one of its counts was damaged.
    fn is_nearly_plausible(&self) -> bool {
        let records = [self.answers, self.authorities, self.additionals];
        let sane_records = records.iter().filter(|count| **count <= MAX_RECORDS).count();
        let has_sane_questions = (1..=MAX_QUESTIONS).contains(&self.questions);
        Self::has_plausible_flags(self.flags)
            && Self::has_assigned_operation(self.flags)
            && sane_records + usize::from(has_sane_questions) >= records.len()
    }

    /// Whether the header makes sense for a message of `len` bytes.
    fn is_plausible(&self, len: usize) -> bool {
        let has_question = (1..=MAX_QUESTIONS).contains(&self.questions);
        // Without a question only an error or a multicast announcement can be told from other protocols.
        let has_reason = self.response_code() != 0 || (self.id == 0 && self.is_authoritative());
        let is_bare_response = self.questions == 0 && self.is_response() && has_reason;
        let least = HEADER_BYTES + usize::from(self.questions) * MIN_QUESTION_BYTES;
        let records = [self.answers, self.authorities, self.additionals];
        Self::has_plausible_flags(self.flags)
            && (has_question || is_bare_response || self.is_inverse_query())
            && least <= len
            && records.iter().all(|count| *count <= MAX_RECORDS)
    }
}

impl<'a> Message<'a> {
    /// Reads the header. `bytes` start with it: over TCP the length before it is taken off.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes.get(..HEADER_BYTES)?);
        let header = Header {
            id: cursor.u16_be()?,
            flags: cursor.u16_be()?,
            questions: cursor.u16_be()?,
            answers: cursor.u16_be()?,
            authorities: cursor.u16_be()?,
            additionals: cursor.u16_be()?,
        };
        Some(Self { header, bytes, len: bytes.len() })
    }

    /// Whether the first name begins with visible ASCII for the most part, as far as its first label is there.
    fn starts_with_text(&self) -> bool {
        match self.bytes.get(HEADER_BYTES..) {
            Some([length @ 1..=63, rest @ ..]) => {
                let label = rest.get(..usize::from(*length)).unwrap_or(rest);
                let strange = label.iter().filter(|byte| !byte.is_ascii_graphic()).count();
                strange <= label.len() / 4
            }
            _ => false,
        }
    }

    /// Whether the first name is of the NetBIOS name service, whose messages look like these.
    pub(super) fn is_netbios(&self) -> bool {
        // Their first byte tells nearly all other names, of which then no more is read.
        self.bytes.get(HEADER_BYTES).is_some_and(|length| usize::from(*length) == NETBIOS_LABEL_BYTES)
            && Name::read(self.bytes, HEADER_BYTES).is_some_and(|(name, _)| name.is_netbios())
    }

    fn is_whole(&self) -> bool {
        self.bytes.len() == self.len
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
        let mut cursor = Cursor::new(self.bytes.get(position..position + RECORD_FIELD_BYTES)?);
        let (kind, class, ttl) = (cursor.u16_be()?, cursor.u16_be()?, cursor.u32_be()?);
        let data_start = position + RECORD_FIELD_BYTES;
        let data_end = data_start + usize::from(cursor.u16_be()?);
        if data_end > self.bytes.len() {
            return None;
        }
        self.position = data_end;
        Some(Record { name, kind, class, ttl, message: self.bytes, data_start, data_end })
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
    /// More bytes will tell.
    Prefix,
    None,
}

/// Says whether these bytes are DNS.
pub(crate) fn detect(transport: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    if transport == Transport::Tcp && is_tcp_prefix(bytes) {
        return Detection::NeedMore;
    }
    let Some(message) = judged_message(transport, bytes) else {
        return Detection::NoMatch;
    };
    let likeness = likeness(transport, &message);
    let is_reversed =
        message.header.is_response() == (direction == Direction::ToServer) && !is_announcement(&message);
    match (likeness, is_reversed) {
        (Likeness::Certain, false) => Detection::CERTAIN,
        (Likeness::Certain, true) => Detection::CERTAIN_REVERSED,
        (Likeness::Weak, false) => Detection::WEAK,
        (Likeness::Weak, true) => Detection::WEAK_REVERSED,
        (Likeness::Prefix, _) => Detection::NeedMore,
        (Likeness::None, _) => Detection::NoMatch,
    }
}

/// Whether a message starts here.
pub(super) fn is_message_start(transport: Transport, bytes: &[u8]) -> bool {
    let message = judged_message(transport, bytes);
    message.is_some_and(|message| likeness(transport, &message) == Likeness::Certain)
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

/// The first message, as far as it is there. Over TCP more bytes may come: then its length is known.
fn judged_message(transport: Transport, bytes: &[u8]) -> Option<Message<'_>> {
    if transport != Transport::Tcp {
        return Message::read(bytes);
    }
    let len = length_prefix(bytes).filter(|len| *len >= HEADER_BYTES)?;
    let rest = bytes.get(LENGTH_BYTES..)?;
    Message::read(rest.get(..len).unwrap_or(rest)).map(|message| Message { len, ..message })
}

/// Whether bytes that are too few to be judged can begin a message over TCP.
fn is_tcp_prefix(bytes: &[u8]) -> bool {
    let mut cursor = Cursor::new(bytes);
    let has_room = |len: u16| usize::from(len) >= MIN_MESSAGE_BYTES;
    let is_flags = |flags: u16| Header::has_plausible_flags(flags) && Header::has_assigned_operation(flags);
    let is_count = |count: u16| count <= MAX_QUESTIONS;
    bytes.len() < MIN_TCP_BYTES
        && cursor.u16_be().is_none_or(has_room)
        && cursor.u16_be().is_none_or(|_id| true)
        && cursor.u16_be().is_none_or(is_flags)
        && cursor.u16_be().is_none_or(is_count)
}

fn likeness(transport: Transport, message: &Message<'_>) -> Likeness {
    let header = &message.header;
    if message.is_netbios() {
        return Likeness::None;
    }
    let mut is_plausible = header.is_plausible(message.len);
    let is_assigned = Header::has_assigned_operation(header.flags);
    if is_plausible && message.is_whole() && has_whole_sections(message) {
        // A datagram in good order for an operation that nobody knows is still likely to be one.
        return match (is_assigned, transport) {
            (true, _) => Likeness::Certain,
            (false, Transport::Tcp) => Likeness::None,
            (false, _) => Likeness::Weak,
        };
    }
    is_plausible &= is_assigned;
    let first = message.sections().question();
    let is_question = first.is_some_and(|question| question.kind != 0 && is_class(question.class));
    let has_name = header.questions > 0 && message.starts_with_text();
    let is_error = header.questions == 0 && message.bytes.len() == HEADER_BYTES;
    match transport {
        // Once a message is whole it leaves no room for doubt: there is a length in front, and nothing is damaged.
        Transport::Tcp if !is_plausible || message.is_whole() => Likeness::None,
        Transport::Tcp if is_question => Likeness::Weak,
        Transport::Tcp if first.is_none() && has_name => Likeness::Prefix,
        Transport::Tcp => Likeness::None,
        // Datagrams are cut by the capture and damaged on the way: a name is reason enough to look at the next one.
        _ if has_name && header.is_nearly_plausible() => Likeness::Weak,
        _ if is_error && is_plausible => Likeness::Weak,
        _ => Likeness::None,
    }
}

/// Whether all sections can be read and fill the message exactly.
fn has_whole_sections(message: &Message<'_>) -> bool {
    let header = &message.header;
    let mut sections = message.sections();
    for _ in 0..header.questions {
        match sections.question() {
            Some(question) if question.kind != 0 && is_class(question.class) => {}
            _ => return false,
        }
    }
    for _ in 0..usize::from(header.answers) + header.other_records() {
        match sections.record() {
            Some(record) if record.name.is_netbios() => return false,
            Some(record) if is_class(record.class) || record.kind == TYPE_OPT => {}
            _ => return false,
        }
    }
    (header.questions > 0 || is_announcement(message) || header.is_inverse_query()) && sections.is_at_end()
}

/// The size of a header.
pub(super) const HEADER_BYTES: usize = 12;
/// The size of the length before a message over TCP.
pub(super) const LENGTH_BYTES: usize = 2;
/// What stands between a record's name and its data: type, class, time to live and the data's length.
const RECORD_FIELD_BYTES: usize = 10;
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
