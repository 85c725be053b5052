//! Reads Redis messages.

use std::borrow::Cow;
use std::sync::Arc;

use df_core::{Direction, Transport};

use crate::{
    ConnectionConfig, Input, Message, ParseError, Parsed, Parser, Recovery, Request, Response, ResponseStatus,
};

use super::command::{Command, ReplyMode};
use super::detect::{is_command_start, is_reply_start};
use super::reply::{Reply, ReplyReader, is_server_error};
use super::request::{Progress, RequestReader};
use super::subscription::{Confirmation, Subscriptions};

/// Reads Redis messages.
#[derive(Debug)]
pub struct RedisParser {
    config: Arc<ConnectionConfig>,
    requests: RequestReader,
    replies: ReplyReader,
    subscriptions: Subscriptions,
    /// How many commands that are answered were seen.
    requested: u64,
    /// How many of them were answered.
    answered: u64,
    /// The index of the selected database.
    namespace: Option<String>,
    /// What the client asked to hear of its commands.
    silence: Silence,
    /// Whether the client asked to see every command of the server.
    is_monitoring: bool,
    replication: Replication,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Silence {
    None,
    /// `CLIENT REPLY SKIP`: the next command is not answered.
    Next,
    /// `CLIENT REPLY OFF`: no command is, until `CLIENT REPLY ON`.
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Replication {
    None,
    /// `PSYNC` was the request with this number.
    Asked(u64),
    /// The connection carries a copy of the data, then commands that nobody answers.
    Streaming,
}

impl RedisParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        Self {
            config: Arc::clone(config),
            requests: RequestReader::default(),
            replies: ReplyReader::default(),
            subscriptions: Subscriptions::new(config.max_pending_requests),
            requested: 0,
            answered: 0,
            namespace: None,
            silence: Silence::None,
            is_monitoring: false,
            replication: Replication::None,
        }
    }

    fn parse_request(&mut self, input: Input<'_>) -> Result<Parsed, ParseError> {
        Ok(match self.requests.read(input, &self.config)? {
            Progress::Done { consumed, value } => Parsed::Message { consumed, message: self.request(value) },
            Progress::Part { consumed } => Parsed::Part { consumed },
            Progress::Skipped { consumed } => Parsed::Skipped { consumed },
            Progress::Incomplete { needed } => Parsed::Incomplete { needed },
        })
    }

    fn parse_reply(&mut self, input: Input<'_>) -> Result<Parsed, ParseError> {
        Ok(match self.replies.read(input, self.subscriptions.has_subscribed())? {
            Progress::Done { consumed, value } => match self.reply(&value) {
                Some(message) => Parsed::Message { consumed, message },
                None => Parsed::Skipped { consumed },
            },
            Progress::Part { consumed } => Parsed::Part { consumed },
            Progress::Skipped { consumed } => Parsed::Skipped { consumed },
            Progress::Incomplete { needed } => Parsed::Incomplete { needed },
        })
    }

    /// The message of a command, after what it changes of the connection.
    fn request(&mut self, command: Command) -> Message {
        if self.is_unanswered(&command) {
            return Message::one_way(command.into_request(self.namespace.as_deref()));
        }
        self.requested = self.requested.saturating_add(1);
        match command.name() {
            "SELECT" => self.namespace = Some(command.word().to_owned()),
            "MONITOR" => self.is_monitoring = true,
            "PSYNC" => self.replication = Replication::Asked(self.requested),
            "RESET" => self.reset(),
            name if name.ends_with("SUBSCRIBE") => {
                self.subscriptions.ask(name, command.operands(), self.requested);
            }
            _ => {}
        }
        Message::request(command.into_request(self.namespace.as_deref()))
    }

    /// Whether the server will not answer this command, because the client asked so before or with it.
    fn is_unanswered(&mut self, command: &Command) -> bool {
        let before = self.silence;
        self.silence = match (before, command.reply_mode()) {
            (_, ReplyMode::Off) => Silence::All,
            (Silence::None | Silence::Next, ReplyMode::Skip) => Silence::Next,
            (Silence::All, ReplyMode::On) | (Silence::Next, _) => Silence::None,
            (silence, _) => silence,
        };
        if command.name() == "SYNC" {
            self.replication = Replication::Streaming;
            return true;
        }
        match command.reply_mode() {
            ReplyMode::On => false,
            ReplyMode::Off | ReplyMode::Skip => true,
            ReplyMode::None => before != Silence::None,
        }
    }

    fn reset(&mut self) {
        self.namespace = None;
        self.is_monitoring = false;
        self.subscriptions.clear();
    }

    /// The message of a reply; none for what answers nothing and tells nothing.
    fn reply(&mut self, reply: &Reply) -> Option<Message> {
        if self.is_monitoring
            && reply.kind == b'+'
            && reply.text.starts_with(|first: char| first.is_ascii_digit())
        {
            return None;
        }
        if reply.is_list() && self.may_be_pushed(reply) {
            match published(reply.word()) {
                Some(kind) => return Some(one_way(kind)),
                None if reply.word().ends_with(b"subscribe") => {
                    match self.subscriptions.confirm(reply.word()) {
                        Confirmation::First => {}
                        Confirmation::Further => return None,
                        Confirmation::Unasked => return Some(one_way("SUBSCRIPTION")),
                    }
                }
                None if reply.kind == b'>' => return Some(one_way("PUSH")),
                None => {}
            }
        }
        Some(self.answer(reply))
    }

    fn answer(&mut self, reply: &Reply) -> Message {
        if self.answered < self.requested {
            self.answered += 1;
        }
        if reply.is_error() {
            self.subscriptions.refused(self.answered);
        }
        if self.replication == Replication::Asked(self.answered) {
            let is_accepted = reply.text.starts_with("FULLRESYNC") || reply.text.starts_with("CONTINUE");
            self.replication = if is_accepted { Replication::Streaming } else { Replication::None };
        }
        Message::response(self.response(reply))
    }

    /// Whether a list may be a message to a subscriber: always by its type in version 3; in version 2 if the client
    /// has subscribed, or waits for nothing.
    const fn may_be_pushed(&self, reply: &Reply) -> bool {
        reply.kind == b'>' || self.subscriptions.has_subscribed() || self.answered >= self.requested
    }

    fn response(&self, reply: &Reply) -> Response {
        if !reply.is_error() {
            let result = (!reply.text.is_empty() && self.may_show(&reply.text)).then(|| reply.text.clone());
            return Response { status: ResponseStatus::Ok, result, ..Response::default() };
        }
        let code = reply.error_code();
        let is_server_error = is_server_error(&code);
        let status = if is_server_error { ResponseStatus::ServerError } else { ResponseStatus::ClientError };
        let mut response =
            Response { status, exception: Some(self.exception(&reply.text)), ..Response::default() };
        response.attributes.push("db.response.status_code", code.clone());
        response.code = Some(code);
        response
    }

    /// The error's text, without the arguments that the server repeats.
    fn exception(&self, text: &str) -> String {
        let end = if self.config.obfuscation.redis_arguments { text.find(", with args") } else { None };
        text.get(..end.unwrap_or(text.len())).unwrap_or(text).to_owned()
    }

    /// Whether a simple string is one of the server's own words.
    fn may_show(&self, text: &str) -> bool {
        !self.config.obfuscation.redis_arguments || text.bytes().all(|byte| byte.is_ascii_uppercase())
    }
}

impl Parser for RedisParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        if self.replication == Replication::Streaming {
            return Ok(Parsed::Skipped { consumed: input.bytes.len() });
        }
        match direction {
            Direction::ToServer => self.parse_request(input),
            Direction::ToClient => self.parse_reply(input),
        }
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        match direction {
            _ if self.replication == Replication::Streaming => true,
            Direction::ToServer => is_command_start(bytes),
            Direction::ToClient => is_reply_start(bytes),
        }
    }

    fn on_gap(&mut self, _direction: Direction) -> Recovery {
        // What was asked and what was answered in the gap is unknown.
        self.answered = self.requested;
        self.subscriptions.forget_asked();
        Recovery::Resynchronize
    }

    fn interrupt(&mut self, direction: Direction) -> Option<Message> {
        match direction {
            Direction::ToServer => self.requests.interrupt().map(|command| self.request(command)),
            Direction::ToClient => self.replies.interrupt().and_then(|reply| self.reply(&reply)),
        }
    }
}

/// The kind of message to subscribers that starts with this word.
fn published(word: &[u8]) -> Option<&'static str> {
    Some(match word {
        b"message" => "MESSAGE",
        b"pmessage" => "PMESSAGE",
        b"smessage" => "SMESSAGE",
        b"invalidate" => "INVALIDATE",
        _ => return None,
    })
}

fn one_way(kind: &'static str) -> Message {
    let mut request =
        Request { kind: Cow::Borrowed(kind), operation: Cow::Borrowed(kind), ..Request::default() };
    request.attributes.push("db.system.name", "redis");
    Message::one_way(request)
}
