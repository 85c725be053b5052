//! Operations and their results.

use std::borrow::Cow;
use std::sync::Arc;

use df_core::{Direction, Transport};

use super::filter;
use super::names::{
    Operation, START_TLS, begins_extension, extension_name, is_server_error, is_success, result_name,
    scope_name,
};
use super::wire::{self, Message as LdapMessage};
use crate::ber::{self, Elements, HeaderError, tag};
use crate::sql::cut_text;
use crate::{
    ConnectionConfig, Input, Message, ParseError, ParseErrorReason, Parsed, Parser, Recovery, Request,
    Response, ResponseStatus,
};

/// Reads the messages of one connection, or of one pair of UDP endpoints.
#[derive(Debug)]
pub struct LdapParser {
    config: Arc<ConnectionConfig>,
    transport: Transport,
    /// The searches of which something was found, with the number of entries; at most `max_pending_requests`.
    found: Vec<(u32, u64)>,
    /// The message that asks for encryption.
    asked_for_tls: Option<u32>,
    has_ended: bool,
}

impl LdapParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>, transport: Transport) -> Self {
        Self {
            config: Arc::clone(config),
            transport,
            found: Vec::new(),
            asked_for_tls: None,
            has_ended: false,
        }
    }

    fn parse_message(&mut self, message: &LdapMessage<'_>, consumed: usize) -> Parsed {
        let id = u64::from(message.id);
        match message.operation {
            Operation::Request { name, is_answered } => {
                let request = self.request(name, message);
                let request = if is_answered { Message::request(request) } else { Message::one_way(request) };
                Parsed::Message { consumed, message: request.with_id(id) }
            }
            Operation::Response { is_last: false } => self.find(message, consumed),
            Operation::Response { is_last: true } => {
                let response = self.response(message);
                Parsed::Message { consumed, message: Message::response(response).with_id(id) }
            }
        }
    }

    /// One of the answers to a search before its last.
    fn find(&mut self, message: &LdapMessage<'_>, consumed: usize) -> Parsed {
        let is_entry = u64::from(message.tag == ENTRY);
        if let Some((_, count)) = self.found.iter_mut().find(|(id, _)| *id == message.id) {
            *count = count.saturating_add(is_entry);
            return Parsed::Skipped { consumed };
        }
        if self.found.len() >= self.config.max_pending_requests.max(1) {
            self.found.remove(0);
        }
        self.found.push((message.id, is_entry));
        Parsed::Started { consumed, id: u64::from(message.id) }
    }

    fn request(&mut self, name: &'static str, message: &LdapMessage<'_>) -> Request {
        let max_bytes = self.config.max_resource_bytes;
        let mut fields = Elements::new(message.content);
        let mut request = Request {
            kind: Cow::Borrowed(name),
            operation: Cow::Borrowed(name),
            endpoint: Some(name.to_owned()),
            ..Request::default()
        };
        match name {
            "BIND" => {
                let version = fields.expect(tag::INTEGER).and_then(ber::integer);
                request.version = version.map(|version| Cow::Owned(version.to_string()));
                let proof = fields.find(|field| field.tag & 0xc0 == 0x80).map(|field| field.tag);
                request.resource = proof.map(|tag| if tag == SASL { "sasl" } else { "simple" }.to_owned());
            }
            "SEARCH" => {
                request.resource = fields.expect(tag::OCTET_STRING).map(|base| cut_text(base, max_bytes));
                let scope = fields.expect(tag::ENUMERATED).and_then(ber::integer).and_then(scope_name);
                request.endpoint = Some(format!("{name} {}", scope.unwrap_or_default()));
                // Dereferencing, size limit, time limit, types only.
                if let Some(filter) = fields.nth(4) {
                    let text = filter::text(&filter, self.config.max_attribute_bytes);
                    request.attributes.push("df.ldap.filter", text);
                }
            }
            "EXTENDED" => {
                let identifier = fields.expect(EXTENSION_NAME).unwrap_or_default();
                if identifier == START_TLS {
                    self.asked_for_tls = Some(message.id);
                }
                let shown = extension_name(identifier).map(str::to_owned);
                // One that was cut may be the beginning of one that has a name.
                let unnamed = || (!begins_extension(identifier)).then(|| cut_text(identifier, max_bytes));
                request.resource = shown.or_else(unnamed);
            }
            "DELETE" => request.resource = Some(cut_text(message.content, max_bytes)),
            "UNBIND" | "ABANDON" => {}
            _ => request.resource = fields.expect(tag::OCTET_STRING).map(|entry| cut_text(entry, max_bytes)),
        }
        request
    }

    fn response(&mut self, message: &LdapMessage<'_>) -> Response {
        let mut fields = Elements::new(message.content);
        let code = fields.expect(tag::ENUMERATED).and_then(ber::integer);
        let text = fields.nth(1).map(|text| text.content).filter(|text| !text.is_empty());
        let place = self.found.iter().position(|(id, _)| *id == message.id);
        let entries = place.map(|place| self.found.swap_remove(place).1);
        if self.asked_for_tls == Some(message.id) && self.transport == Transport::Tcp {
            self.asked_for_tls = None;
            self.has_ended = code == Some(0);
        }
        let status = match code {
            None => ResponseStatus::Unknown,
            Some(code) if is_success(code) => ResponseStatus::Ok,
            Some(code) if is_server_error(code) => ResponseStatus::ServerError,
            Some(_) => ResponseStatus::ClientError,
        };
        let is_search = message.tag == SEARCH_DONE && entries.is_some();
        Response {
            status,
            code: code.filter(|&code| code != 0).map(result_name),
            exception: text.map(|text| cut_text(text, self.config.max_attribute_bytes)),
            result: is_search.then(|| format!("{} entries", entries.unwrap_or_default())),
            ..Response::default()
        }
    }
}

impl Parser for LdapParser {
    fn parse(&mut self, _: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let header = match wire::header(input.bytes) {
            Ok(header) => header,
            Err(HeaderError::Incomplete) if !input.is_final() => {
                return Ok(Parsed::Incomplete { needed: input.bytes.len().saturating_add(1) });
            }
            Err(_) => return Err(ParseError::new(0, ParseErrorReason::InvalidValue)),
        };
        let consumed = header.total_bytes();
        if input.bytes.len() < consumed && !input.is_final() {
            return Ok(Parsed::Incomplete { needed: consumed });
        }
        let rest = input.bytes.get(header.prefix_bytes..).unwrap_or_default();
        let content = rest.get(..header.content_bytes).unwrap_or(rest);
        match LdapMessage::read(content) {
            Some(message) => Ok(self.parse_message(&message, consumed)),
            // What a kind of authentication wraps has neither number nor operation in clear.
            None if content.len() < header.content_bytes => Ok(Parsed::Skipped { consumed }),
            None => Err(ParseError::new(header.prefix_bytes, ParseErrorReason::InvalidValue)),
        }
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        use crate::Detection;
        matches!(wire::detect(self.transport, direction, bytes), Detection::Match(found) if !found.reversed)
    }

    fn on_gap(&mut self, direction: Direction) -> Recovery {
        if direction == Direction::ToClient {
            self.found.clear();
        }
        Recovery::Resynchronize
    }

    fn has_ended(&self) -> bool {
        self.has_ended
    }
}

const ENTRY: u8 = 0x64;
const SEARCH_DONE: u8 = 0x65;
const SASL: u8 = 0xa3;
const EXTENSION_NAME: u8 = 0x80;
