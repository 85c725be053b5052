//! What a MySQL client and server have agreed on, and the client's half of what they say.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use df_core::Direction;

use super::command::{self, Answer, Command};
use super::login::{Login, changed_database};
use super::query_attributes::{self, AttributedQuery};
use super::response::Reading;
use super::statements::Statements;
use super::wire::{Capabilities, Greeting, HEADER_BYTES, Header, MAX_PACKET_BYTES};
use crate::sql::{Dialect, Statement, cut_text};
use crate::{ConnectionConfig, Input, Message, ParseError, ParseErrorReason, Parsed, Request};

/// Both directions of one connection, without compression.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) config: Arc<ConnectionConfig>,
    pub(super) server: Server,
    /// What both sides can do; unknown when the login was not seen.
    pub(super) capabilities: Option<Capabilities>,
    /// Whether EOF packets are left out; learned from the packets when the login was not seen.
    pub(super) omits_eof: Option<bool>,
    pub(super) database: Option<String>,
    pub(super) dialect: Dialect,
    pub(super) statements: Statements,
    /// The newest statement sent for preparation, which MariaDB clients execute before they know its number.
    last_prepared: Option<Arc<Statement>>,
    /// The commands whose response is due, oldest first.
    pub(super) expected: VecDeque<Expected>,
    pub(super) reading: Reading,
    pub(super) secrecy: Secrecy,
    next_id: u64,
    is_login_due: bool,
    client_continues: bool,
    /// Whether bytes of the server were lost since the last command.
    pub(super) may_have_missed_response: bool,
}

/// What the server said of itself; nothing when the greeting was not seen.
#[derive(Debug, Default)]
pub(super) struct Server {
    pub(super) version: Option<String>,
    pub(super) is_mariadb: bool,
    pub(super) capabilities: Option<Capabilities>,
}

/// A command whose response is due.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) id: u64,
    pub(super) command: &'static Command,
    /// The default database once the command has succeeded.
    pub(super) database: Option<String>,
    /// The statement to remember under the number that the response gives.
    pub(super) prepared: Option<Arc<Statement>>,
}

/// How the bytes behind the login are wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Secrecy {
    #[default]
    Plain,
    /// TLS, which is another protocol.
    Tls,
    Zlib,
    /// Zstandard, which is not read.
    Zstandard,
}

impl Conversation {
    pub(super) fn new(config: &Arc<ConnectionConfig>) -> Self {
        Self {
            config: Arc::clone(config),
            server: Server::default(),
            capabilities: None,
            omits_eof: None,
            database: None,
            dialect: Dialect::Mysql,
            statements: Statements::default(),
            last_prepared: None,
            expected: VecDeque::new(),
            reading: Reading::default(),
            secrecy: Secrecy::Plain,
            next_id: 0,
            is_login_due: false,
            client_continues: false,
            may_have_missed_response: false,
        }
    }

    pub(super) fn read(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        match direction {
            Direction::ToServer => self.read_client(input),
            Direction::ToClient => self.read_server(input),
        }
    }

    pub(super) fn on_gap(&mut self, direction: Direction) {
        match direction {
            Direction::ToServer => {
                self.client_continues = false;
                self.is_login_due = false;
            }
            Direction::ToClient => self.on_server_gap(),
        }
    }

    pub(super) fn interrupt(&mut self, direction: Direction) -> Option<Message> {
        match direction {
            Direction::ToServer => None,
            Direction::ToClient => self.interrupt_response(),
        }
    }

    /// Reads a packet of the client.
    fn read_client(&mut self, input: Input<'_>) -> Result<Parsed, ParseError> {
        let Some(header) = Header::read(input.bytes) else { return incomplete(input, HEADER_BYTES) };
        let shown = header.len.min(self.max_text_bytes());
        let Some(body) = body_of(input, shown) else {
            return Ok(Parsed::Incomplete { needed: HEADER_BYTES + shown });
        };
        let consumed = header.total_bytes();
        if std::mem::replace(&mut self.client_continues, header.len == MAX_PACKET_BYTES) {
            return Ok(Parsed::Skipped { consumed });
        }
        if header.sequence_id == 0 {
            let message = self.read_command(header, body)?;
            return Ok(Parsed::Message { consumed, message });
        }
        if let Some(login) = self.expects_login().then(|| Login::read(body)).flatten() {
            return Ok(self.handle_login(&login, consumed));
        }
        let is_answer = self.reading.is_local_infile()
            || self.expected.front().is_some_and(|expected| expected.command.answer == Answer::Login);
        if is_answer {
            return Ok(Parsed::Skipped { consumed });
        }
        Err(ParseError::new(3, ParseErrorReason::UnexpectedMessage))
    }

    /// The server's first packet starts everything anew.
    pub(super) fn handle_greeting(&mut self, greeting: &Greeting<'_>) {
        let config = Arc::clone(&self.config);
        *self = Self { next_id: self.next_id, ..Self::new(&config) };
        self.server = Server {
            version: Some(greeting.version_text()),
            is_mariadb: greeting.is_mariadb(),
            capabilities: Some(greeting.capabilities),
        };
        self.is_login_due = true;
        self.handle_server_status(greeting.status);
    }

    fn expects_login(&self) -> bool {
        self.is_login_due || self.capabilities.is_none() && self.expected.is_empty()
    }

    fn handle_login(&mut self, login: &Login<'_>, consumed: usize) -> Parsed {
        if login.is_tls_request {
            self.secrecy = Secrecy::Tls;
            return Parsed::Skipped { consumed };
        }
        self.is_login_due = false;
        let capabilities = match self.server.capabilities {
            Some(server) => server.both(login.capabilities),
            None => login.capabilities,
        };
        self.capabilities = Some(capabilities);
        self.omits_eof = Some(capabilities.has(Capabilities::DEPRECATE_EOF));
        self.database = login.database.map(|name| self.attribute_text(name));
        let request = self.request(&command::LOGIN);
        let message = self.expect(&command::LOGIN, request, None, None);
        Parsed::Message { consumed, message }
    }

    fn read_command(&mut self, header: Header, body: &[u8]) -> Result<Message, ParseError> {
        let command = body.first().and_then(|code| Command::from_code(*code));
        let Some(command) = command.filter(|command| command.accepts_len(header.len)) else {
            return Err(ParseError::new(HEADER_BYTES, ParseErrorReason::InvalidValue));
        };
        self.is_login_due = false;
        if std::mem::take(&mut self.may_have_missed_response) {
            self.expected.clear();
        }
        self.reading.end_stream();
        let arguments = body.get(1..).unwrap_or_default();
        Ok(match command.code {
            command::QUERY => self.query(command, arguments),
            command::PREPARE => self.prepare(command, arguments),
            command::EXECUTE | command::BULK_EXECUTE | command::FETCH | command::RESET_STATEMENT => {
                let request = self.execution(command, arguments);
                self.expect(command, request, None, None)
            }
            command::INIT_DATABASE => {
                let database = Some(self.attribute_text(arguments));
                let request = self.request(command);
                self.expect(command, request, database, None)
            }
            command::CHANGE_USER => {
                let database = changed_database(arguments, self.capabilities);
                let database = database.map(|name| self.attribute_text(name));
                let request = self.request(command);
                self.statements.clear();
                self.expect(command, request, database, None)
            }
            command::CLOSE => {
                let request = self.execution(command, arguments);
                self.statements.remove(statement_id(arguments).unwrap_or_default());
                Message::one_way(request)
            }
            _ if command.answer == Answer::None => Message::one_way(self.request(command)),
            _ => {
                let request = self.request(command);
                self.expect(command, request, None, None)
            }
        })
    }

    fn query(&mut self, command: &'static Command, arguments: &[u8]) -> Message {
        let Some(query) = self.query_text(arguments) else {
            let request = self.request(command);
            return self.expect(command, request, None, None);
        };
        let mut statement = Statement::read(query.text, self.dialect, &self.config);
        if let Some(context) = query.context {
            statement.context = Some(Box::new(context));
        }
        let database = statement.target.clone().filter(|_| statement.operation == "USE");
        let request = self.statement_request(command, statement);
        self.expect(command, request, database, None)
    }

    /// The text of a query. Whether attributes stand before it only the capabilities tell; in mid-stream, a text does
    /// not start like them.
    fn query_text<'a>(&self, arguments: &'a [u8]) -> Option<AttributedQuery<'a>> {
        // some clients count the end of their string
        let arguments = arguments.strip_suffix(&[0]).unwrap_or(arguments);
        let has_attributes = match self.capabilities {
            Some(known) => known.has(Capabilities::QUERY_ATTRIBUTES),
            None => arguments.first().is_some_and(|count| *count < b'\t') && arguments.get(1) == Some(&1),
        };
        if has_attributes {
            return query_attributes::split(arguments, &self.config.context);
        }
        Some(AttributedQuery { text: arguments, context: None })
    }

    fn prepare(&mut self, command: &'static Command, text: &[u8]) -> Message {
        let statement = Statement::read(text, self.dialect, &self.config);
        let prepared = Arc::new(statement.clone());
        self.last_prepared = Some(Arc::clone(&prepared));
        let request = self.statement_request(command, statement);
        self.expect(command, request, None, Some(prepared))
    }

    /// The request of a command that names a prepared statement by its number.
    fn execution(&self, command: &'static Command, arguments: &[u8]) -> Request {
        let known = match statement_id(arguments) {
            Some(LAST_PREPARED) => self.last_prepared.as_ref(),
            Some(id) => self.statements.find(id),
            None => None,
        };
        let is_execution = matches!(command.code, command::EXECUTE | command::BULK_EXECUTE);
        match known.filter(|_| is_execution) {
            Some(statement) => self.statement_request(command, Statement::clone(statement)),
            None => self.request(command),
        }
    }

    fn statement_request(&self, command: &'static Command, statement: Statement) -> Request {
        let mut request = statement.into_request(command.name, &self.config);
        self.describe(&mut request);
        request
    }

    /// Whether neither a greeting nor a command was seen.
    pub(super) const fn has_just_begun(&self) -> bool {
        self.next_id == 0 && self.server.version.is_none()
    }

    /// A request without text: the command's name stands for its operation.
    pub(super) fn request(&self, command: &'static Command) -> Request {
        let name = Cow::Borrowed(command.name);
        let mut request = Request { kind: name.clone(), operation: name, ..Request::default() };
        self.describe(&mut request);
        request
    }

    fn describe(&self, request: &mut Request) {
        request.version = self.server.version.clone().map(Cow::Owned);
        request.attributes.push("db.system.name", if self.server.is_mariadb { "mariadb" } else { "mysql" });
        if let Some(database) = &self.database {
            request.attributes.push("db.namespace", database.clone());
        }
    }

    /// A request, and its place among those whose response is due.
    fn expect(
        &mut self,
        command: &'static Command,
        request: Request,
        database: Option<String>,
        prepared: Option<Arc<Statement>>,
    ) -> Message {
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        if self.expected.len() >= self.config.max_pending_requests.clamp(1, MAX_EXPECTED) {
            self.expected.pop_front();
        }
        self.expected.push_back(Expected { id, command, database, prepared });
        Message::request(request).with_id(id)
    }

    pub(super) fn attribute_text(&self, text: &[u8]) -> String {
        cut_text(text, self.config.max_attribute_bytes)
    }

    /// How much of a text is looked at: a fixed amount, lest the outcome depend on how the bytes arrive.
    fn max_text_bytes(&self) -> usize {
        self.config.max_buffered_bytes.saturating_sub(HEADER_BYTES).clamp(1, MAX_TEXT_BYTES)
    }
}

/// As many bytes behind the header as are wanted, or what there is of them if no more will come.
pub(super) fn body_of(input: Input<'_>, wanted: usize) -> Option<&[u8]> {
    let rest = input.bytes.get(HEADER_BYTES..).unwrap_or_default();
    match rest.get(..wanted) {
        None if !input.is_final() => None,
        body => Some(body.unwrap_or(rest)),
    }
}

pub(super) fn incomplete(input: Input<'_>, needed: usize) -> Result<Parsed, ParseError> {
    if input.is_final() {
        return Err(ParseError::new(input.bytes.len(), ParseErrorReason::UnexpectedEnd));
    }
    Ok(Parsed::Incomplete { needed })
}

fn statement_id(arguments: &[u8]) -> Option<u32> {
    arguments.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

/// MariaDB: the statement prepared last.
const LAST_PREPARED: u32 = u32::MAX;
/// The most bytes of a statement that are read.
const MAX_TEXT_BYTES: usize = 32_768;
/// The most commands that may be on their way.
const MAX_EXPECTED: usize = 256;
