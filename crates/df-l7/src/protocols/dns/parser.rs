//! What DNS messages mean: queries, responses, and what multicast DNS sends to nobody in particular.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use df_core::{Direction, Transport};

use super::answers::Answers;
use super::name::Name;
use super::registry::{operation_name, response_code_name, response_status, type_name};
use super::wire::{self, LENGTH_BYTES, Sections};
use crate::{
    Attributes, ConnectionConfig, Input, Message, ParseError, ParseErrorReason, Parsed, Parser, Request,
    Response,
};

/// Reads the DNS messages of one connection, or of one pair of UDP endpoints.
#[derive(Debug)]
pub struct DnsParser {
    config: Arc<ConnectionConfig>,
    transport: Transport,
    /// The ids of queries that were not answered yet, oldest first.
    asked: VecDeque<u16>,
    /// The id of a zone transfer whose first message was given: the others belong to it.
    transfer: Option<u16>,
}

/// What a message is about. The name becomes text only where it is told.
struct Subject<'a> {
    name: Option<Name<'a>>,
    kind: Cow<'static, str>,
    operation: Cow<'static, str>,
}

impl DnsParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>, transport: Transport) -> Self {
        Self { config: Arc::clone(config), transport, asked: VecDeque::new(), transfer: None }
    }

    fn parse_message(&mut self, bytes: &[u8], consumed: usize) -> Result<Parsed, ParseError> {
        let Some(message) = wire::Message::read(bytes) else {
            return Err(ParseError::new(bytes.len(), ParseErrorReason::UnexpectedEnd));
        };
        let header = message.header;
        if self.transport == Transport::Tcp && header.opcode() > MAX_OPCODE {
            return Err(ParseError::new(2, ParseErrorReason::InvalidValue));
        }
        let mut sections = message.sections();
        let id = u64::from(header.id);
        if wire::is_announcement(&message) {
            let subject = Subject::of_record(sections);
            return Ok(Parsed::Message { consumed, message: Message::one_way(subject.into_request()) });
        }
        if message.is_netbios() {
            return Err(ParseError::new(wire::HEADER_BYTES, ParseErrorReason::InvalidValue));
        }
        let subject = Subject::of_question(&mut sections, &header);
        if !header.is_response() {
            if is_multicast_query(&header, subject.name) {
                return Ok(Parsed::Message { consumed, message: Message::one_way(subject.into_request()) });
            }
            self.remember(header.id);
            return Ok(Parsed::Message {
                consumed,
                message: Message::request(subject.into_request()).with_id(id),
            });
        }
        if self.transport == Transport::Tcp && self.transfer == Some(header.id) {
            return Ok(Parsed::Skipped { consumed });
        }
        let response = self.response(&header, sections, subject);
        Ok(Parsed::Message { consumed, message: Message::response(response).with_id(id) })
    }

    fn response(&mut self, header: &wire::Header, sections: Sections<'_>, subject: Subject<'_>) -> Response {
        let was_asked = self.forget(header.id);
        let is_transfer = matches!(&*subject.kind, "AXFR" | "IXFR");
        self.transfer = is_transfer.then_some(header.id);
        let answers = Answers::read(header, sections, self.config.max_attribute_bytes);
        let code = answers.extended_code << 4 | header.response_code();
        let has_addresses = !answers.addresses.is_empty();
        let mut attributes = Attributes::with_capacity(usize::from(has_addresses));
        if has_addresses {
            attributes.push("dns.answers", answers.addresses);
        }
        Response {
            status: response_status(code),
            code: Some(response_code_name(code)),
            result: Some(answers.text).filter(|text| !text.is_empty()),
            echoed_request: (!was_asked).then(|| Box::new(subject.into_request())),
            attributes,
            ..Response::default()
        }
    }

    fn remember(&mut self, id: u16) {
        if self.transfer == Some(id) {
            self.transfer = None;
        }
        if self.asked.len() >= self.config.max_pending_requests {
            self.asked.pop_front();
        }
        self.asked.push_back(id);
    }

    /// Whether the query with this id was seen.
    fn forget(&mut self, id: u16) -> bool {
        let place = self.asked.iter().position(|asked| *asked == id);
        place.is_some_and(|place| self.asked.remove(place).is_some())
    }
}

impl Parser for DnsParser {
    fn parse(&mut self, _direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let bytes = input.bytes;
        if self.transport != Transport::Tcp {
            return self.parse_message(bytes, bytes.len());
        }
        let Some(len) = wire::length_prefix(bytes) else {
            if input.is_final() {
                return Err(ParseError::new(bytes.len(), ParseErrorReason::UnexpectedEnd));
            }
            return Ok(Parsed::Incomplete { needed: LENGTH_BYTES });
        };
        if len < wire::HEADER_BYTES {
            return Err(ParseError::new(0, ParseErrorReason::InvalidLength));
        }
        let end = LENGTH_BYTES + len;
        if bytes.len() < end && !input.is_final() {
            return Ok(Parsed::Incomplete { needed: end });
        }
        let message = bytes.get(LENGTH_BYTES..end).or_else(|| bytes.get(LENGTH_BYTES..)).unwrap_or_default();
        self.parse_message(message, end)
    }

    fn is_message_start(&self, _direction: Direction, bytes: &[u8]) -> bool {
        wire::is_message_start(self.transport, bytes)
    }

    fn is_fresh(&self) -> bool {
        self.asked.is_empty() && self.transfer.is_none()
    }
}

impl<'a> Subject<'a> {
    /// Reads the question section; the first question counts.
    fn of_question(sections: &mut Sections<'a>, header: &wire::Header) -> Self {
        let first = (header.questions > 0).then(|| sections.question()).flatten();
        for _ in 1..header.questions {
            if sections.question().is_none() {
                break;
            }
        }
        let kind = first.map_or(Cow::Borrowed(""), |question| type_name(question.kind));
        let operation = operation_name(header.opcode()).map_or_else(|| kind.clone(), Cow::Borrowed);
        Self { name: first.map(|question| question.name), kind, operation }
    }

    /// What an announcement announces: its first record.
    fn of_record(mut sections: Sections<'a>) -> Self {
        let first = sections.record();
        let kind = first.map_or(Cow::Borrowed(""), |record| type_name(record.kind));
        let name = first.map(|record| record.name);
        Self { name, kind, operation: Cow::Borrowed("ANNOUNCE") }
    }

    fn into_request(self) -> Request {
        let name = self.name.and_then(|name| name.text());
        let mut attributes = Attributes::with_capacity(usize::from(name.is_some()));
        if let Some(name) = &name {
            attributes.push("dns.question.name", name.clone());
        }
        Request {
            kind: self.kind,
            domain: name.clone(),
            resource: name.clone(),
            // Resolvers vary the case of names to recognise forged answers.
            endpoint: name.as_ref().map(|name| name.to_ascii_lowercase()),
            operation: self.operation,
            target: name,
            attributes,
            ..Request::default()
        }
    }
}

/// Whether a query is multicast DNS's (RFC 6762 §18): no id, no recursion, and a name that is looked for nearby. Its
/// answers go to everybody, not back to where it came from.
fn is_multicast_query(header: &wire::Header, name: Option<Name<'_>>) -> bool {
    let is_nearby = |name: String| {
        let last = name.rsplit('.').next().unwrap_or_default();
        last.eq_ignore_ascii_case("local") || last.eq_ignore_ascii_case("arpa")
    };
    header.id == 0
        && !header.is_recursion_desired()
        && name.and_then(|name| name.text()).is_some_and(is_nearby)
}

/// The highest operation code in use: DNS Stateful Operations.
const MAX_OPCODE: u8 = 6;

#[cfg(test)]
mod tests;
