//! Follows the requests of a FastCGI connection, several at a time, record by record.

use std::borrow::Cow;
use std::sync::Arc;

use df_core::{Direction, Transport};

use crate::sql::cut_text;
use crate::{
    AttributeValue, ConnectionConfig, Input, Message, ParseError, ParseErrorReason, Parsed, Parser, Request,
    Response, ResponseStatus,
};

use super::detect::is_record_start;
use super::head;
use super::open::{Open, OpenRequest, OpenRequests, OpenResponse};
use super::wire::{EndRequest, HEADER_BYTES, Header, RecordType};

/// Reads FastCGI records.
#[derive(Debug)]
pub struct FastCgiParser {
    config: Arc<ConnectionConfig>,
    open: OpenRequests,
}

impl FastCgiParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        let open = OpenRequests::new(config.max_pending_requests, config.max_buffered_bytes);
        Self { config: Arc::clone(config), open }
    }

    fn parse_record(&mut self, header: Header, content: &[u8]) -> Parsed {
        let consumed = header.record_bytes();
        let id = header.request_id;
        match header.kind {
            RecordType::BeginRequest => self.begin(id, content, consumed),
            RecordType::Params => self.parameters(id, content, &header),
            RecordType::Stdin => self.input(id, &header),
            RecordType::AbortRequest | RecordType::Data => {
                if let Some(request) = self.open.find(id).and_then(|open| open.request.as_mut()) {
                    request.length = request.length.saturating_add(consumed as u64);
                }
                Parsed::Skipped { consumed }
            }
            RecordType::Stdout => self.answer(id, consumed, |response| response.push_output(content)),
            RecordType::Stderr => self.answer(id, consumed, |response| response.push_errors(content)),
            RecordType::EndRequest => self.end(id, content, consumed),
            RecordType::GetValues => Parsed::Message { consumed, message: management_request() },
            RecordType::GetValuesResult | RecordType::UnknownType => {
                let message = management_response(header.kind == RecordType::UnknownType);
                Parsed::Message { consumed, message }
            }
        }
    }

    fn begin(&mut self, id: u16, content: &[u8], consumed: usize) -> Parsed {
        // An authorizer gets parameters only.
        let has_no_input = content.get(..2) == Some(&[0, 2]);
        let request = OpenRequest { has_no_input, length: consumed as u64, ..OpenRequest::default() };
        Parsed::Started { consumed, id: self.open.begin(id, request) }
    }

    fn parameters(&mut self, id: u16, content: &[u8], header: &Header) -> Parsed {
        let consumed = header.record_bytes();
        self.open.keep_parameters(id, content);
        let Some(open) = self.open.find(id) else { return Parsed::Skipped { consumed } };
        let Some(request) = &mut open.request else { return Parsed::Skipped { consumed } };
        request.length = request.length.saturating_add(consumed as u64);
        if header.content_bytes > 0 || !request.has_no_input {
            return Parsed::Skipped { consumed };
        }
        self.give_request(id, consumed)
    }

    fn input(&mut self, id: u16, header: &Header) -> Parsed {
        let consumed = header.record_bytes();
        let request = self.open.find(id).and_then(|open| open.request.as_mut());
        let Some(request) = request else { return Parsed::Skipped { consumed } };
        request.length = request.length.saturating_add(consumed as u64);
        if header.content_bytes > 0 {
            return Parsed::Skipped { consumed };
        }
        self.give_request(id, consumed)
    }

    fn give_request(&mut self, id: u16, consumed: usize) -> Parsed {
        let config = &self.config;
        let open = self.open.find(id);
        let is_answered = open.as_ref().is_some_and(|open| open.is_answered);
        let message = open.and_then(|open| request_of(open, config));
        if is_answered {
            self.open.remove(id);
        }
        match message {
            Some(message) => Parsed::Message { consumed, message },
            None => Parsed::Skipped { consumed },
        }
    }

    /// A record of a response that goes on.
    fn answer(&mut self, id: u16, consumed: usize, take: impl FnOnce(&mut OpenResponse)) -> Parsed {
        let open = self.open.find_or_insert(id).filter(|open| !open.is_answered);
        let Some(open) = open else { return Parsed::Skipped { consumed } };
        let correlation = open.correlation;
        let is_first = open.response.is_none();
        let response = open.response.get_or_insert_default();
        response.length = response.length.saturating_add(consumed as u64);
        take(response);
        if is_first { Parsed::Started { consumed, id: correlation } } else { Parsed::Skipped { consumed } }
    }

    fn end(&mut self, id: u16, content: &[u8], consumed: usize) -> Parsed {
        let (mut response, mut correlation) = (OpenResponse::default(), u64::from(id));
        if let Some(mut open) = self.open.remove(id) {
            if open.is_answered {
                return Parsed::Skipped { consumed };
            }
            correlation = open.correlation;
            response = open.response.take().unwrap_or_default();
            if open.request.is_some() {
                // It was answered before its end was seen.
                self.open.insert(Open { is_answered: true, ..open });
            }
        }
        response.length = response.length.saturating_add(consumed as u64);
        let ended = EndRequest::parse(content).unwrap_or_default();
        Parsed::Message { consumed, message: response_of(&response, ended, correlation, &self.config) }
    }
}

impl Parser for FastCgiParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let Some(header) = Header::parse(input.bytes)? else {
            return Ok(missing(input, HEADER_BYTES));
        };
        if header.kind.is_of_client() != (direction == Direction::ToServer) {
            return Err(ParseError::new(1, ParseErrorReason::UnexpectedMessage));
        }
        let is_looked_at = match header.kind {
            RecordType::Stdin | RecordType::Data | RecordType::GetValues | RecordType::AbortRequest => false,
            RecordType::Stdout => self
                .open
                .find(header.request_id)
                .and_then(|open| open.response.as_ref())
                .is_none_or(|response| !response.has_fields),
            _ => true,
        };
        let wanted = HEADER_BYTES.saturating_add(if is_looked_at { header.content_bytes } else { 0 });
        if input.bytes.len() < wanted && !input.is_final() {
            return Ok(Parsed::Incomplete { needed: wanted });
        }
        Ok(self.parse_record(header, header.content(input.bytes)))
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        is_record_start(direction, bytes)
    }

    fn interrupt(&mut self, direction: Direction) -> Option<Message> {
        let config = &self.config;
        match direction {
            Direction::ToServer => self.open.iter_mut().find_map(|open| request_of(open, config)),
            Direction::ToClient => {
                let is_begun = |open: &&mut Open| open.response.is_some();
                let open = self.open.iter_mut().find(is_begun)?;
                let response = open.response.take()?;
                open.is_answered = true;
                Some(response_of(&response, EndRequest::default(), open.correlation, config))
            }
        }
    }
}

/// The message of a request that has ended, or of which no more will be seen.
fn request_of(open: &mut Open, config: &Arc<ConnectionConfig>) -> Option<Message> {
    let request = open.request.take()?;
    let mut content = head::request(&request.parameters, config);
    content.attributes.push("df.fastcgi.request_id", open.request_id);
    let message = Message::request(content);
    Some(message.with_id(open.correlation).with_length(request.length))
}

fn response_of(
    open: &OpenResponse,
    ended: EndRequest,
    correlation: u64,
    config: &Arc<ConnectionConfig>,
) -> Message {
    let mut response =
        if open.fields.is_empty() { Response::default() } else { head::response(&open.fields, config) };
    if !open.has_fields && !head::tells_status(&open.fields) {
        // The status that is assumed where none is told may be in what was lost.
        (response.status, response.code) = (ResponseStatus::Unknown, None);
    }
    if let Some(code) = refusal(ended.protocol_status) {
        response.status = ResponseStatus::ServerError;
        response.code = Some(Cow::Borrowed(code));
    }
    if ended.application_status != 0 {
        response.attributes.push("df.fastcgi.application_status", ended.application_status);
        if response.code.is_none() {
            response.status = ResponseStatus::ServerError;
        }
    }
    if response.status.is_error() {
        let line = open.errors.split(|&byte| byte == b'\n').find(|line| !line.trim_ascii().is_empty());
        response.exception = line.map(|line| cut_text(line.trim_ascii(), config.max_attribute_bytes));
    }
    if let Some(bytes) = i64::try_from(open.error_bytes).ok().filter(|bytes| *bytes > 0) {
        response.attributes.push("df.fastcgi.stderr.size", AttributeValue::Integer(bytes));
    }
    Message::response(response).with_id(correlation).with_length(open.length)
}

/// The name of a protocol status that says that nothing was done.
const fn refusal(protocol_status: u8) -> Option<&'static str> {
    match protocol_status {
        1 => Some("CANT_MPX_CONN"),
        2 => Some("OVERLOADED"),
        3 => Some("UNKNOWN_ROLE"),
        _ => None,
    }
}

fn management_request() -> Message {
    let kind = Cow::Borrowed("GET_VALUES");
    Message::request(Request { operation: kind.clone(), kind, ..Request::default() }).with_id(0)
}

fn management_response(is_unknown: bool) -> Message {
    let status = if is_unknown { ResponseStatus::ServerError } else { ResponseStatus::Ok };
    let code = is_unknown.then_some(Cow::Borrowed("UNKNOWN_TYPE"));
    Message::response(Response { status, code, ..Response::default() }).with_id(0)
}

/// More bytes are needed; of a final input, which has none, nothing can be made.
fn missing(input: Input<'_>, needed: usize) -> Parsed {
    if input.is_final() {
        return Parsed::Skipped { consumed: input.bytes.len() };
    }
    Parsed::Incomplete { needed }
}
