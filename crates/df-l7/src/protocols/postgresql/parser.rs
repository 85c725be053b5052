//! Reads Postgresql messages.

use std::borrow::Cow;
use std::sync::Arc;

use df_core::{Direction, Transport};

use crate::sql::{Dialect, Statement, cut_text};
use crate::{
    ConnectionConfig, Cursor, Input, Message, ParseError, ParseErrorReason, Parsed, Parser, Recovery,
    Request, Response, ResponseStatus,
};

use super::failure::Failure;
use super::pipeline::{Answer, Expected, Pipeline};
use super::startup::{Startup, parameter, startup};
use super::statements::{MAX_NAME_BYTES, Statements};
use super::wire::{Frame, HEADER_BYTES, frame, is_sane, text};

/// How much of an SQL text is looked at.
const MAX_SQL_BYTES: usize = 32 * 1024;
/// How much of an error is looked at.
const MAX_ERROR_BYTES: usize = 8 * 1024;
/// How much of a command tag or of a setting is looked at.
const MAX_WORD_BYTES: usize = 512;
/// The longest `response_result`: the tags of a query of several statements.
const MAX_RESULT_BYTES: usize = 256;

/// Reads Postgresql messages.
#[derive(Debug)]
pub struct PostgresqlParser {
    config: Arc<ConnectionConfig>,
    pipeline: Pipeline,
    statements: Statements,
    /// The text that the client's present unit prepares or binds.
    sending: Option<Arc<Statement>>,
    /// Whether the client's present unit prepares.
    is_preparing: bool,
    response: PartialResponse,
    dialect: Dialect,
    namespace: Option<String>,
    server_version: Option<String>,
    awaits_encryption: bool,
    is_encrypted: bool,
}

/// What the messages of a response have told so far.
#[derive(Debug, Default)]
struct PartialResponse {
    tags: String,
    returned_rows: Option<i64>,
    failure: Option<Failure>,
}

impl PostgresqlParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        Self {
            config: Arc::clone(config),
            pipeline: Pipeline::new(config.max_pending_requests),
            statements: Statements::default(),
            sending: None,
            is_preparing: false,
            response: PartialResponse::default(),
            dialect: Dialect::Postgresql,
            namespace: None,
            server_version: None,
            awaits_encryption: false,
            is_encrypted: false,
        }
    }

    fn parse_request(&mut self, input: Input<'_>) -> Result<Parsed, ParseError> {
        if input.bytes.first() == Some(&0) {
            return self.parse_startup(input);
        }
        let Some(frame) = frame(Direction::ToServer, input.bytes)? else {
            return Ok(missing(input, HEADER_BYTES));
        };
        let wanted = match frame.tag {
            b'Q' | b'P' => HEADER_BYTES + MAX_SQL_BYTES,
            b'B' | b'E' | b'D' | b'C' => HEADER_BYTES + 2 * MAX_NAME_BYTES,
            _ => HEADER_BYTES,
        };
        let wanted = wanted.min(frame.total_bytes);
        if input.bytes.len() < wanted && !input.is_final() {
            return Ok(Parsed::Incomplete { needed: wanted });
        }
        if !is_sane(Direction::ToServer, &frame) {
            return Err(ParseError::new(HEADER_BYTES, ParseErrorReason::InvalidValue));
        }
        Ok(self.request(&frame))
    }

    fn parse_startup(&mut self, input: Input<'_>) -> Result<Parsed, ParseError> {
        let Some((startup, len)) = startup(input.bytes)? else { return Ok(missing(input, 8)) };
        if input.bytes.len() < len && !input.is_final() {
            return Ok(Parsed::Incomplete { needed: len });
        }
        Ok(match startup {
            Startup::Encrypt => {
                self.awaits_encryption = true;
                Parsed::Skipped { consumed: len }
            }
            Startup::Cancel => {
                Parsed::Message { consumed: len, message: Message::one_way(self.plain_request("CANCEL")) }
            }
            Startup::Start { parameters } => {
                let database = parameter(parameters, b"database").or_else(|| parameter(parameters, b"user"));
                let max_bytes = self.config.max_attribute_bytes;
                self.namespace = database.map(|database| cut_text(database, max_bytes));
                let unit = self.pipeline.send_whole(Expected::Startup);
                Parsed::Message {
                    consumed: len,
                    message: Message::request(self.plain_request("STARTUP")).with_id(unit),
                }
            }
        })
    }

    /// What a message of the client is.
    fn request(&mut self, frame: &Frame<'_>) -> Parsed {
        let consumed = frame.total_bytes;
        match frame.tag {
            b'Q' => {
                let statement =
                    Statement::read(text(&mut Cursor::new(frame.body)), self.dialect, &self.config);
                let unit = self.pipeline.send_whole(Expected::Query);
                Parsed::Message { consumed, message: self.statement_request("QUERY", Some(statement), unit) }
            }
            b'F' => {
                let unit = self.pipeline.send_whole(Expected::FunctionCall);
                let request = self.plain_request("FUNCTION_CALL");
                Parsed::Message { consumed, message: Message::request(request).with_id(unit) }
            }
            b'P' => self.prepare(frame),
            b'B' => self.bind(frame),
            b'E' => self.execute(frame),
            b'D' => self.part_or_aside(Expected::Describe, consumed),
            b'C' => self.close(frame),
            b'S' | b'H' => self.synchronize(frame),
            _ => Parsed::Skipped { consumed },
        }
    }

    fn prepare(&mut self, frame: &Frame<'_>) -> Parsed {
        let mut cursor = Cursor::new(frame.body);
        let (name, sql) = (text(&mut cursor), text(&mut cursor));
        let statement = Arc::new(Statement::read(sql, self.dialect, &self.config));
        self.statements.prepare(name, Arc::clone(&statement));
        self.sending = Some(statement);
        self.is_preparing = true;
        self.pipeline.send_part(Expected::Parse);
        Parsed::Part { consumed: frame.total_bytes }
    }

    fn bind(&mut self, frame: &Frame<'_>) -> Parsed {
        let mut cursor = Cursor::new(frame.body);
        let (portal, name) = (text(&mut cursor), text(&mut cursor));
        self.statements.bind(portal, name);
        self.sending = self.statements.statement(name);
        self.pipeline.send_part(Expected::Bind);
        Parsed::Part { consumed: frame.total_bytes }
    }

    fn execute(&mut self, frame: &Frame<'_>) -> Parsed {
        let statement = self.statements.portal(text(&mut Cursor::new(frame.body)));
        let unit = self.pipeline.send_execute();
        self.sending = None;
        self.is_preparing = false;
        let statement = statement.map(|statement| Statement::clone(&statement));
        Parsed::Message {
            consumed: frame.total_bytes,
            message: self.statement_request("EXECUTE", statement, unit),
        }
    }

    fn close(&mut self, frame: &Frame<'_>) -> Parsed {
        let mut cursor = Cursor::new(frame.body);
        let kind = cursor.u8();
        let name = text(&mut cursor);
        if kind == Some(b'S') {
            self.statements.close_statement(name);
        } else {
            self.statements.close_portal(name);
        }
        self.part_or_aside(Expected::Close, frame.total_bytes)
    }

    fn part_or_aside(&mut self, expected: Expected, consumed: usize) -> Parsed {
        self.pipeline.send_aside(expected);
        if self.pipeline.is_sending() { Parsed::Part { consumed } } else { Parsed::Skipped { consumed } }
    }

    /// `Sync` or `Flush`.
    fn synchronize(&mut self, frame: &Frame<'_>) -> Parsed {
        let consumed = frame.total_bytes;
        let message = self.end_unit();
        if frame.tag == b'S' {
            self.pipeline.send_sync();
        }
        match message {
            Some(message) => Parsed::Message { consumed, message },
            None => Parsed::Skipped { consumed },
        }
    }

    /// The request of a unit that ends without `Execute`.
    fn end_unit(&mut self) -> Option<Message> {
        let unit = self.pipeline.end_unit()?;
        let kind = if std::mem::take(&mut self.is_preparing) { "PARSE" } else { "BIND" };
        let statement = self.sending.take().map(|statement| Statement::clone(&statement));
        Some(self.statement_request(kind, statement, unit))
    }

    fn statement_request(&self, kind: &'static str, statement: Option<Statement>, unit: u64) -> Message {
        let mut request = statement.unwrap_or_default().into_request(kind, &self.config);
        self.complete(&mut request);
        Message::request(request).with_id(unit)
    }

    fn plain_request(&self, kind: &'static str) -> Request {
        let mut request =
            Request { kind: Cow::Borrowed(kind), operation: Cow::Borrowed(kind), ..Request::default() };
        self.complete(&mut request);
        request
    }

    fn complete(&self, request: &mut Request) {
        request.version = self.server_version.clone().map(Cow::Owned);
        request.attributes.push("db.system.name", "postgresql");
        if let Some(namespace) = &self.namespace {
            request.attributes.push("db.namespace", namespace.clone());
        }
    }

    fn parse_response(&mut self, input: Input<'_>) -> Result<Parsed, ParseError> {
        if self.awaits_encryption
            && let Some(b'S' | b'G' | b'N') = input.bytes.first()
        {
            self.awaits_encryption = false;
            self.is_encrypted = input.bytes.first() != Some(&b'N');
            return Ok(Parsed::Skipped { consumed: 1 });
        }
        let Some(frame) = frame(Direction::ToClient, input.bytes)? else {
            return Ok(missing(input, HEADER_BYTES));
        };
        let wanted = match frame.tag {
            b'E' => HEADER_BYTES + MAX_ERROR_BYTES,
            b'C' | b'S' => HEADER_BYTES + MAX_WORD_BYTES,
            _ => HEADER_BYTES,
        };
        let wanted = wanted.min(frame.total_bytes);
        if input.bytes.len() < wanted && !input.is_final() {
            return Ok(Parsed::Incomplete { needed: wanted });
        }
        Ok(match self.answer(&frame) {
            Answer::Last(unit) => {
                Parsed::Message { consumed: frame.total_bytes, message: self.take_response(unit) }
            }
            Answer::Part => Parsed::Part { consumed: with_more_rows(&frame, input.bytes) },
            Answer::Nothing => Parsed::Skipped { consumed: frame.total_bytes },
        })
    }

    /// What a message of the server is.
    fn answer(&mut self, frame: &Frame<'_>) -> Answer {
        match frame.tag {
            b'1' => self.pipeline.receive_end(Expected::Parse),
            b'2' => self.pipeline.receive_end(Expected::Bind),
            b'3' => self.pipeline.receive_end(Expected::Close),
            b'n' => self.pipeline.receive_end(Expected::Describe),
            b'T' if self.pipeline.expected() == Some(Expected::Describe) => {
                self.pipeline.receive_end(Expected::Describe)
            }
            b'C' | b'I' | b's' => self.complete_command(frame),
            b'Z' => self.pipeline.receive_ready(),
            b'E' => self.fail(frame),
            b'W' => self.pipeline.receive_stream(),
            b'S' => {
                self.set_parameter(frame.body);
                Answer::Nothing
            }
            b'N' | b'A' | b'K' | b'v' => Answer::Nothing,
            _ => self.pipeline.receive_content(),
        }
    }

    fn complete_command(&mut self, frame: &Frame<'_>) -> Answer {
        if frame.tag == b'C' {
            self.response.add_tag(text(&mut Cursor::new(frame.body)));
        }
        let answer = match self.pipeline.expected() {
            Some(Expected::Query) => self.pipeline.receive_content(),
            _ => self.pipeline.receive_end(Expected::Execute),
        };
        self.forget_if_nothing(answer)
    }

    fn fail(&mut self, frame: &Frame<'_>) -> Answer {
        let failure = Failure::read(frame.body, self.config.max_attribute_bytes);
        let is_fatal = failure.is_fatal;
        self.response.failure = Some(failure);
        let answer = if is_fatal { self.pipeline.receive_fatal() } else { self.pipeline.receive_error() };
        self.forget_if_nothing(answer)
    }

    /// What belongs to no response must not show in the next one.
    fn forget_if_nothing(&mut self, answer: Answer) -> Answer {
        if answer == Answer::Nothing {
            self.response = PartialResponse::default();
        }
        answer
    }

    fn set_parameter(&mut self, body: &[u8]) {
        let mut cursor = Cursor::new(body);
        let (name, value) = (text(&mut cursor), text(&mut cursor));
        match name {
            b"server_version" => {
                let version = value.split(|&byte| byte == b' ').next().unwrap_or_default();
                self.server_version = Some(cut_text(version, 64));
            }
            b"standard_conforming_strings" if value == b"off" => self.dialect = Dialect::PostgresqlBackslash,
            b"standard_conforming_strings" => self.dialect = Dialect::Postgresql,
            _ => {}
        }
    }

    /// The response that was read in parts.
    fn take_response(&mut self, unit: u64) -> Message {
        let partial = std::mem::take(&mut self.response);
        let mut response = Response { status: ResponseStatus::Ok, ..Response::default() };
        response.version = self.server_version.clone().map(Cow::Owned);
        response.result = Some(partial.tags).filter(|tags| !tags.is_empty());
        if let Some(rows) = partial.returned_rows {
            response.attributes.push("db.response.returned_rows", rows);
        }
        if let Some(failure) = partial.failure {
            response.status = failure.status();
            response.attributes.push("db.response.status_code", failure.code.clone());
            response.exception = Some(failure.text(self.config.obfuscation));
            response.code = Some(Cow::Owned(failure.code));
        }
        Message::response(response).with_id(unit)
    }
}

impl PartialResponse {
    fn add_tag(&mut self, tag: &[u8]) {
        if let Some(rows) =
            tag.strip_prefix(b"SELECT ").and_then(|rows| std::str::from_utf8(rows).ok()?.parse().ok())
        {
            let before = self.returned_rows.unwrap_or_default();
            self.returned_rows = Some(before.saturating_add(rows));
        }
        if self.tags.len() + tag.len() + 2 > MAX_RESULT_BYTES {
            return;
        }
        if !self.tags.is_empty() {
            self.tags.push_str(", ");
        }
        self.tags.push_str(&String::from_utf8_lossy(tag));
    }
}

impl Parser for PostgresqlParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        match direction {
            Direction::ToServer => self.parse_request(input),
            Direction::ToClient => self.parse_response(input),
        }
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        super::detect::is_message_start(direction, bytes)
    }

    fn on_gap(&mut self, direction: Direction) -> Recovery {
        match direction {
            Direction::ToServer => self.pipeline.lose_requests(),
            Direction::ToClient => self.pipeline.lose_responses(),
        }
        Recovery::Resynchronize
    }

    fn interrupt(&mut self, direction: Direction) -> Option<Message> {
        if direction == Direction::ToServer {
            return self.end_unit();
        }
        let unit = self.pipeline.interrupt_response()?;
        let mut message = self.take_response(unit);
        if let crate::Content::Response(response) = &mut message.content
            && response.content.status == ResponseStatus::Ok
            && response.content.result.is_none()
        {
            response.content.status = ResponseStatus::Unknown;
        }
        Some(message)
    }

    fn has_ended(&self) -> bool {
        self.is_encrypted
    }
}

/// How far to consume: this message, and of a row the rows behind it too.
fn with_more_rows(first: &Frame<'_>, bytes: &[u8]) -> usize {
    let mut consumed = first.total_bytes;
    if !matches!(first.tag, b'D' | b'd') {
        return consumed;
    }
    while let Some(rest) = bytes.get(consumed..)
        && rest.first() == Some(&first.tag)
        && let Ok(Some(next)) = frame(Direction::ToClient, rest)
    {
        consumed = consumed.saturating_add(next.total_bytes);
    }
    consumed
}

/// More bytes are needed; of a final input, which has none, nothing can be made.
fn missing(input: Input<'_>, needed: usize) -> Parsed {
    if input.is_final() {
        return Parsed::Skipped { consumed: input.bytes.len() };
    }
    Parsed::Incomplete { needed }
}
