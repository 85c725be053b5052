//! Reads ZMTP messages.

use std::borrow::Cow;
use std::sync::Arc;

use df_core::{Direction, Transport};

use crate::sql::cut_text;
use crate::{
    Attributes, ConnectionConfig, Input, Message, ParseError, ParseErrorReason, Parsed, Parser, Recovery,
    Request, Response, ResponseStatus,
};

use super::wire::{
    FrameHead, GREETING_BYTES, Greeting, MAX_HEAD_BYTES, SIGNATURE, command, is_command, is_signature,
    is_whole_frames, property,
};

/// Reads ZMTP messages.
#[derive(Debug)]
pub struct ZmtpParser {
    config: Arc<ConnectionConfig>,
    sides: [Side; 2],
    /// Commands of the client's handshake that wait for an answer.
    unanswered: u8,
}

/// What one end said of itself, and the message that it is sending.
#[derive(Debug, Default)]
struct Side {
    version: Option<Cow<'static, str>>,
    mechanism: Option<String>,
    socket_type: Option<String>,
    /// Whether its greeting or a command was seen.
    is_begun: bool,
    /// Whether it speaks a version whose frames are others.
    is_older: bool,
    parts: u32,
    body_bytes: u64,
    topic: Option<String>,
}

impl ZmtpParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        Self { config: Arc::clone(config), sides: [Side::default(), Side::default()], unanswered: 0 }
    }

    fn parse_greeting(&mut self, direction: Direction, input: Input<'_>) -> Parsed {
        if input.bytes.len() < GREETING_BYTES && !input.is_final() {
            return Parsed::Incomplete { needed: GREETING_BYTES };
        }
        let side = &mut self.sides[direction.index()];
        if let Some(greeting) = Greeting::parse(input.bytes) {
            side.is_begun = true;
            side.is_older = greeting.major < 3;
            side.version = Some(match (greeting.major, greeting.minor) {
                (3, 0) => Cow::Borrowed("3.0"),
                (3, 1) => Cow::Borrowed("3.1"),
                (major, minor) => Cow::Owned(format!("{major}.{minor}")),
            });
            side.mechanism = Some(greeting.mechanism.to_owned());
        }
        Parsed::Skipped { consumed: GREETING_BYTES }
    }

    fn parse_frame(
        &mut self,
        direction: Direction,
        input: Input<'_>,
        head: FrameHead,
    ) -> Result<Parsed, ParseError> {
        let consumed = head.frame_bytes();
        let side = &self.sides[direction.index()];
        let is_read = head.is_command || side.parts == 0;
        let needed = if is_read && head.body_bytes <= MAX_READ_BYTES { consumed } else { head.head_bytes };
        if input.bytes.len() < needed && !input.is_final() {
            return Ok(Parsed::Incomplete { needed });
        }
        let body = input.bytes.get(head.head_bytes..needed).unwrap_or_default();
        if head.is_command {
            let message = command(body).map(|(name, data)| self.command(direction, name, data));
            self.sides[direction.index()].is_begun |= message.is_some();
            return match message {
                Some(Some(message)) => Ok(Parsed::Message { consumed, message }),
                Some(None) => Ok(Parsed::Skipped { consumed }),
                None if body.len() < head.body_bytes => Ok(Parsed::Skipped { consumed }),
                None => Err(ParseError::new(head.head_bytes, ParseErrorReason::InvalidValue)),
            };
        }
        Ok(self.message_part(direction, head, body))
    }

    fn message_part(&mut self, direction: Direction, head: FrameHead, body: &[u8]) -> Parsed {
        let consumed = head.frame_bytes();
        if let Some(kind) = self.old_subscription(direction, head, body) {
            let topic = body.get(1..).and_then(|topic| self.topic(topic));
            return Parsed::Message {
                consumed,
                message: Message::one_way(self.request(direction, kind, topic)),
            };
        }
        let topic = if head.has_more { self.topic(body) } else { None };
        let side = &mut self.sides[direction.index()];
        if side.parts == 0 && matches!(side.socket_type.as_deref(), Some("PUB" | "XPUB")) {
            side.topic = topic;
        }
        side.parts = side.parts.saturating_add(1);
        side.body_bytes = side.body_bytes.saturating_add(u64::try_from(head.body_bytes).unwrap_or(u64::MAX));
        if head.has_more {
            return Parsed::Part { consumed };
        }
        Parsed::Message { consumed, message: self.message(direction) }
    }

    /// The message whose last part was read.
    fn message(&mut self, direction: Direction) -> Message {
        let side = &mut self.sides[direction.index()];
        let (parts, body_bytes) = (std::mem::take(&mut side.parts), std::mem::take(&mut side.body_bytes));
        let topic = side.topic.take();
        let [client, server] = &self.sides;
        let asks =
            client.socket_type.as_deref() == Some("REQ") && server.socket_type.as_deref() == Some("REP");
        let all_bytes = i64::try_from(body_bytes).unwrap_or(i64::MAX);
        if asks && direction == Direction::ToClient {
            let mut response = Response { status: ResponseStatus::Ok, ..Response::default() };
            response.attributes.push("df.zmtp.response.parts", parts);
            return Message::response(response);
        }
        let mut request = self.request(direction, "MESSAGE", topic);
        request.attributes.push("messaging.message.body.size", all_bytes);
        request.attributes.push("df.zmtp.parts", parts);
        if asks { Message::request(request) } else { Message::one_way(request) }
    }

    /// The message of a command; none for what keeps the connection alive.
    fn command(&mut self, direction: Direction, name: &str, data: &[u8]) -> Option<Message> {
        if matches!(name, "PING" | "PONG") {
            return None;
        }
        if let Some(socket_type) = property(data, "Socket-Type").filter(|_| tells_properties(name)) {
            let socket_type = self.cut(socket_type.as_bytes());
            self.sides[direction.index()].socket_type = Some(socket_type);
        }
        let is_first = direction == Direction::ToServer;
        if is_first && matches!(name, "HELLO" | "INITIATE") {
            self.unanswered = self.unanswered.saturating_add(1);
            return Some(Message::request(self.request(direction, name, None)));
        }
        if !is_first && self.unanswered > 0 && matches!(name, "WELCOME" | "READY" | "ERROR") {
            self.unanswered -= 1;
            let mut response = Response { status: ResponseStatus::Ok, ..Response::default() };
            if name == "ERROR" {
                response.status = ResponseStatus::ClientError;
                response.code = Some(Cow::Borrowed("ERROR"));
                response.exception = self.reason(data);
            }
            return Some(Message::response(response));
        }
        let topic = if matches!(name, "SUBSCRIBE" | "CANCEL") { self.topic(data) } else { None };
        let mut request = self.request(direction, name, topic);
        if name == "ERROR" {
            request.resource = self.reason(data);
        }
        Some(Message::one_way(request))
    }

    fn request(&self, direction: Direction, kind: &str, topic: Option<String>) -> Request {
        let side = &self.sides[direction.index()];
        let kind: Cow<'static, str> = match KINDS.iter().find(|known| **known == kind) {
            Some(known) => Cow::Borrowed(known),
            None => Cow::Owned(kind.to_owned()),
        };
        let is_message = kind == "MESSAGE";
        let operation = if is_message { Cow::Borrowed("send") } else { kind.clone() };
        let mut attributes = Attributes::with_capacity(8);
        attributes.push("messaging.system", "zeromq");
        attributes.push("messaging.operation.name", operation.clone());
        if is_message {
            attributes.push("messaging.operation.type", "send");
        }
        if let Some(topic) = &topic {
            attributes.push("messaging.destination.name", topic.clone());
        }
        if let Some(socket_type) = &side.socket_type {
            attributes.push("df.zmtp.socket_type", socket_type.clone());
        }
        if let Some(mechanism) = side.mechanism.as_ref().filter(|_| !is_message) {
            attributes.push("df.zmtp.mechanism", mechanism.clone());
        }
        Request {
            kind,
            version: side.version.clone(),
            resource: topic.clone(),
            endpoint: topic.clone(),
            operation,
            target: topic,
            attributes,
            ..Request::default()
        }
    }

    /// Before version 3.1 a subscription is a message.
    fn old_subscription(&self, direction: Direction, head: FrameHead, body: &[u8]) -> Option<&'static str> {
        let side = &self.sides[direction.index()];
        let may_be = side.parts == 0
            && !head.has_more
            && matches!(side.socket_type.as_deref(), Some("SUB" | "XSUB"))
            && body.len() == head.body_bytes;
        match body.first() {
            Some(1) if may_be => Some("SUBSCRIBE"),
            Some(0) if may_be => Some("CANCEL"),
            _ => None,
        }
    }

    /// A topic, if it is text.
    fn topic(&self, bytes: &[u8]) -> Option<String> {
        let text = std::str::from_utf8(bytes).ok()?;
        let is_topic =
            !text.is_empty() && text.len() <= MAX_TOPIC_BYTES && !text.chars().any(char::is_control);
        is_topic.then(|| self.cut(bytes))
    }

    /// The reason of an error.
    fn reason(&self, data: &[u8]) -> Option<String> {
        let (len, text) = data.split_first()?;
        let text = text.get(..usize::from(*len)).unwrap_or(text);
        (!text.is_empty()).then(|| self.cut(text))
    }

    fn cut(&self, text: &[u8]) -> String {
        cut_text(text, self.config.max_attribute_bytes)
    }
}

impl Parser for ZmtpParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let bytes = input.bytes;
        let side = &self.sides[direction.index()];
        if side.is_older {
            return Ok(Parsed::Skipped { consumed: bytes.len() });
        }
        if side.version.is_none() && is_signature(bytes) {
            return Ok(self.parse_greeting(direction, input));
        }
        match FrameHead::parse(bytes) {
            Ok(Some(head)) if head.is_command || side.is_begun => self.parse_frame(direction, input, head),
            Ok(Some(_)) => Err(ParseError::new(0, ParseErrorReason::UnexpectedMessage)),
            Ok(None) if input.is_final() => Ok(Parsed::Skipped { consumed: bytes.len() }),
            Ok(None) if bytes.len() < 2 => Ok(Parsed::Incomplete { needed: 2 }),
            Ok(None) => Ok(Parsed::Incomplete { needed: MAX_HEAD_BYTES }),
            Err(_) => Err(ParseError::new(0, ParseErrorReason::InvalidValue)),
        }
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        // Within a greeting everything looks like frames: it ends with zeros.
        let is_begun = self.sides[direction.index()].is_begun;
        bytes.starts_with(&SIGNATURE) || is_command(bytes) || is_begun && is_whole_frames(bytes)
    }

    fn on_gap(&mut self, direction: Direction) -> Recovery {
        let side = &mut self.sides[direction.index()];
        (side.parts, side.body_bytes, side.topic) = (0, 0, None);
        Recovery::Resynchronize
    }
}

fn tells_properties(name: &str) -> bool {
    matches!(name, "READY" | "INITIATE")
}

/// Commands, and what everything else is.
const KINDS: [&str; 9] =
    ["MESSAGE", "READY", "HELLO", "WELCOME", "INITIATE", "ERROR", "SUBSCRIBE", "CANCEL", "LEAVE"];
/// The longest topic that is shown.
const MAX_TOPIC_BYTES: usize = 255;
/// The longest command or first part that is read; longer ones are passed over.
const MAX_READ_BYTES: usize = 1_024;
