//! Follows a conversation with a mail server.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use df_core::{Direction, Transport};

use super::text::{enhanced_code, resource, without_names};
use super::wire::{self, Command, MAX_LINE_BYTES, MailEnd, ReplyLine};
use crate::{
    ConnectionConfig, Input, Message, ParseError, ParseErrorReason, Parsed, Parser, Recovery, Request,
    Response, ResponseStatus,
};

/// Reads commands and replies; of mails nothing is kept.
#[derive(Debug)]
pub struct SmtpParser {
    config: Arc<ConnectionConfig>,
    /// How much of an unfinished line was searched for its end, per direction.
    searched: [usize; 2],
    client: ClientSends,
    /// The commands that were not replied to yet, at most `max_pending_requests`.
    asked: VecDeque<Option<&'static str>>,
    /// How the server calls itself.
    server_name: Option<String>,
    reply: Option<Reply>,
    has_greeted: bool,
    has_ended: bool,
}

/// What the client's next bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClientSends {
    Commands,
    /// A mail, unless the server refuses it before it comes.
    MailIfAccepted,
    Mail {
        is_line_start: bool,
    },
    /// One line that answers a challenge: a secret.
    Secret,
}

/// A reply of several lines of which the first was read.
#[derive(Debug)]
struct Reply {
    code: u16,
    text: String,
    enhanced_code: Option<Cow<'static, str>>,
}

impl SmtpParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        Self {
            config: Arc::clone(config),
            searched: [0, 0],
            client: ClientSends::Commands,
            asked: VecDeque::new(),
            server_name: None,
            reply: None,
            has_greeted: false,
            has_ended: false,
        }
    }

    fn parse_client(&mut self, input: Input<'_>) -> Result<Parsed, ParseError> {
        if self.client == ClientSends::MailIfAccepted {
            self.client = ClientSends::Mail { is_line_start: true };
        }
        if let ClientSends::Mail { is_line_start } = self.client {
            return Ok(self.parse_mail(input, is_line_start));
        }
        let (line, consumed) = match self.line(Direction::ToServer, input)? {
            Ok(found) => found,
            Err(waiting) => return Ok(waiting),
        };
        if self.client == ClientSends::Secret {
            self.client = ClientSends::Commands;
            return Ok(Parsed::Skipped { consumed });
        }
        if line.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return Err(ParseError::new(0, ParseErrorReason::InvalidValue));
        }
        let command = Command::read(line);
        let mut consumed = consumed;
        match command.verb {
            Some("DATA") => self.client = ClientSends::MailIfAccepted,
            Some("BDAT") => consumed = consumed.saturating_add(command.chunk_bytes().unwrap_or_default()),
            _ => {}
        }
        if self.asked.len() >= self.config.max_pending_requests {
            self.asked.pop_front();
        }
        self.asked.push_back(command.verb);
        self.has_greeted = true;
        Ok(Parsed::Message { consumed, message: Message::request(self.request(&command)) })
    }

    fn parse_mail(&mut self, input: Input<'_>, is_line_start: bool) -> Parsed {
        match wire::mail_end(input.bytes, is_line_start) {
            MailEnd::At(consumed) => {
                self.client = ClientSends::Commands;
                Parsed::Skipped { consumed }
            }
            MailEnd::Behind(consumed) if consumed > 0 => {
                self.client = ClientSends::Mail { is_line_start: false };
                Parsed::Skipped { consumed }
            }
            MailEnd::Behind(_) if input.is_final() => Parsed::Skipped { consumed: input.bytes.len() },
            MailEnd::Behind(_) => Parsed::Incomplete { needed: input.bytes.len().saturating_add(1) },
        }
    }

    fn parse_server(&mut self, input: Input<'_>) -> Result<Parsed, ParseError> {
        let (line, consumed) = match self.line(Direction::ToClient, input)? {
            Ok(found) => found,
            Err(waiting) => return Ok(waiting),
        };
        let line = ReplyLine::read(line).ok_or(ParseError::new(0, ParseErrorReason::InvalidValue))?;
        let max_bytes = self.config.max_attribute_bytes;
        let reply = self.reply.get_or_insert_with(|| Reply {
            code: line.code,
            text: without_names(line.text, max_bytes),
            enhanced_code: enhanced_code(line.text),
        });
        if !line.is_last && line.code == reply.code {
            return Ok(Parsed::Part { consumed });
        }
        let response = self.reply.take().and_then(|reply| self.response(reply));
        Ok(match response {
            Some(response) => Parsed::Message { consumed, message: Message::response(response) },
            None => Parsed::Skipped { consumed },
        })
    }

    /// The next line without its end and how many bytes it takes, or what to answer when it is not there yet.
    fn line<'a>(
        &mut self,
        direction: Direction,
        input: Input<'a>,
    ) -> Result<Result<(&'a [u8], usize), Parsed>, ParseError> {
        let searched = std::mem::take(&mut self.searched[direction.index()]).min(input.bytes.len());
        if let Some(found) = wire::line(input.bytes, searched) {
            return Ok(Ok(found));
        }
        if input.is_final() {
            return Ok(Ok((input.bytes, input.bytes.len())));
        }
        if input.bytes.len() >= MAX_LINE_BYTES {
            return Err(ParseError::new(MAX_LINE_BYTES, ParseErrorReason::LimitExceeded));
        }
        self.searched[direction.index()] = input.bytes.len();
        Ok(Err(Parsed::Incomplete { needed: input.bytes.len().saturating_add(1) }))
    }

    fn request(&self, command: &Command<'_>) -> Request {
        let verb = command.verb.unwrap_or("OTHER");
        Request {
            kind: Cow::Borrowed(verb),
            operation: Cow::Borrowed(verb),
            domain: self.server_name.clone(),
            resource: resource(command, self.config.max_resource_bytes),
            endpoint: Some(verb.to_owned()),
            ..Request::default()
        }
    }

    /// What a reply says; none for one that is followed by another to the same command, and for a friendly greeting.
    fn response(&mut self, reply: Reply) -> Option<Response> {
        if !self.has_greeted && self.asked.is_empty() {
            self.has_greeted = true;
            if reply.code == 220 {
                self.server_name =
                    reply.text.split(' ').next().map(str::to_owned).filter(|name| !name.is_empty());
                return None;
            }
        }
        let asked = self.asked.front().copied().flatten();
        match (asked, reply.code) {
            (Some("DATA"), 354) => {
                if self.client == ClientSends::MailIfAccepted {
                    self.client = ClientSends::Mail { is_line_start: true };
                }
                return None;
            }
            (Some("AUTH"), 334) => {
                self.client = ClientSends::Secret;
                return None;
            }
            (Some("DATA"), _) if self.client == ClientSends::MailIfAccepted => {
                self.client = ClientSends::Commands;
            }
            (Some("STARTTLS"), 220) => self.has_ended = true,
            _ => {}
        }
        self.asked.pop_front();
        Some(reply.into_response())
    }
}

impl Reply {
    fn into_response(self) -> Response {
        let status = match self.code {
            400..=499 => ResponseStatus::ServerError,
            500.. => ResponseStatus::ClientError,
            _ => ResponseStatus::Ok,
        };
        let mut response =
            Response { status, code: Some(Cow::Owned(self.code.to_string())), ..Response::default() };
        response.exception = (status.is_error() && !self.text.is_empty()).then_some(self.text);
        if let Some(code) = self.enhanced_code {
            response.attributes.push("df.smtp.enhanced_status_code", code);
        }
        response
    }
}

impl Parser for SmtpParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        match direction {
            Direction::ToServer => self.parse_client(input),
            Direction::ToClient => self.parse_server(input),
        }
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        let is_in_mail = direction == Direction::ToServer && matches!(self.client, ClientSends::Mail { .. });
        is_in_mail || wire::is_line_start(direction, bytes)
    }

    fn on_gap(&mut self, direction: Direction) -> Recovery {
        self.searched[direction.index()] = 0;
        match (direction, self.client) {
            // A mail goes on behind what is missing of it, wherever in a line.
            (Direction::ToServer, ClientSends::Mail { .. } | ClientSends::MailIfAccepted) => {
                self.client = ClientSends::Mail { is_line_start: false };
            }
            (Direction::ToServer, ClientSends::Secret) => self.client = ClientSends::Commands,
            (Direction::ToServer, ClientSends::Commands) => {}
            (Direction::ToClient, _) => {
                self.reply = None;
                // What was replied in the gap is unknown.
                self.asked.clear();
            }
        }
        self.has_greeted = true;
        Recovery::Resynchronize
    }

    fn interrupt(&mut self, direction: Direction) -> Option<Message> {
        let reply = if direction == Direction::ToClient { self.reply.take() } else { None };
        reply.and_then(|reply| self.response(reply)).map(Message::response)
    }

    fn has_ended(&self) -> bool {
        self.has_ended
    }
}
