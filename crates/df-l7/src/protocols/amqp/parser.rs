//! Reads AMQP: finds out the version and leaves the rest to who knows it.

use std::sync::Arc;

use df_core::{Direction, Transport};

use crate::{
    Attributes, ConnectionConfig, Input, Message, ParseError, ParseErrorReason, Parsed, Parser, Recovery,
    Request, Response, ResponseStatus,
};

use super::UNKNOWN_SYSTEM;
use super::detect::is_frame_start;
use super::wire::{Layer, PROTOCOL_HEADER_BYTES, ProtocolHeader, may_be_header};
use super::{v0_9_1, v1_0};

/// Reads AMQP.
#[derive(Debug)]
pub struct AmqpParser {
    config: Arc<ConnectionConfig>,
    version: Version,
    /// That of the bytes read last.
    direction: Direction,
    /// Both ends have agreed on TLS.
    is_left: bool,
}

/// What is spoken, as far as it is known.
#[derive(Debug)]
enum Version {
    Unknown,
    Classic(Box<v0_9_1::Conversation>),
    Modern(Box<v1_0::Conversation>),
}

impl AmqpParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        Self {
            config: Arc::clone(config),
            version: Version::Unknown,
            direction: Direction::ToServer,
            is_left: false,
        }
    }

    fn handle_header(&mut self, direction: Direction, header: ProtocolHeader) -> Option<Message> {
        if direction == Direction::ToClient {
            return self.handle_offer(header);
        }
        match header {
            ProtocolHeader::Classic { .. } | ProtocolHeader::Other { .. } => {
                let mut conversation = Box::new(v0_9_1::Conversation::new(&self.config));
                let message = conversation.handle_header(header_request(header));
                self.version = Version::Classic(conversation);
                Some(message)
            }
            ProtocolHeader::Modern(layer) => {
                // A login comes between two headers of one connection.
                if !matches!(self.version, Version::Modern(_)) {
                    self.version = Version::Modern(Box::new(v1_0::Conversation::new(&self.config)));
                }
                match &mut self.version {
                    Version::Modern(conversation) => {
                        Some(conversation.handle_header(header_request(header), layer))
                    }
                    _ => None,
                }
            }
        }
    }

    /// The server does not speak what it was asked to, and says what it speaks instead.
    fn handle_offer(&mut self, header: ProtocolHeader) -> Option<Message> {
        if let (Version::Unknown, ProtocolHeader::Modern(_)) = (&self.version, header) {
            self.version = Version::Modern(Box::new(v1_0::Conversation::new(&self.config)));
        }
        let number = match (&mut self.version, header) {
            (Version::Classic(conversation), _) => conversation.refuse_header(),
            (Version::Modern(conversation), ProtocolHeader::Modern(layer)) => {
                let answer = conversation.handle_offer(layer);
                self.is_left = layer == Layer::Tls && answer.is_some();
                return answer;
            }
            (Version::Modern(conversation), _) => conversation.refuse_header(),
            (Version::Unknown, _) => None,
        };
        let response = Response {
            status: ResponseStatus::ClientError,
            code: header.version().map(Into::into),
            exception: Some("another version is offered".to_owned()),
            ..Response::default()
        };
        number.map(|number| Message::response(response).with_id(number))
    }

    /// Frames of either version tell which one it is.
    fn version_of(&mut self, first: u8) -> &mut Version {
        if matches!(self.version, Version::Unknown) {
            self.version = match first {
                0 => Version::Modern(Box::new(v1_0::Conversation::new(&self.config))),
                _ => Version::Classic(Box::new(v0_9_1::Conversation::new(&self.config))),
            };
        }
        &mut self.version
    }
}

impl Parser for AmqpParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let bytes = input.bytes;
        self.direction = direction;
        if may_be_header(bytes) {
            if bytes.len() < PROTOCOL_HEADER_BYTES {
                return Ok(too_few(input, PROTOCOL_HEADER_BYTES));
            }
            let header =
                ProtocolHeader::parse(bytes).ok_or(ParseError::new(4, ParseErrorReason::InvalidValue))?;
            return Ok(match self.handle_header(direction, header) {
                Some(message) => Parsed::Message { consumed: PROTOCOL_HEADER_BYTES, message },
                None => Parsed::Skipped { consumed: PROTOCOL_HEADER_BYTES },
            });
        }
        match self.version_of(bytes.first().copied().unwrap_or_default()) {
            Version::Classic(conversation) => conversation.parse(direction, input),
            Version::Modern(conversation) => conversation.parse(direction, input),
            Version::Unknown => Err(ParseError::new(0, ParseErrorReason::InvalidValue)),
        }
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        is_frame_start(direction, bytes)
    }

    fn has_ended(&self) -> bool {
        self.is_left
    }

    fn on_gap(&mut self, direction: Direction) -> Recovery {
        match &mut self.version {
            Version::Classic(conversation) => conversation.handle_gap(direction),
            Version::Modern(conversation) => conversation.handle_gap(direction),
            Version::Unknown => {}
        }
        Recovery::Resynchronize
    }

    fn interrupt(&mut self, direction: Direction) -> Option<Message> {
        match &mut self.version {
            Version::Classic(conversation) => conversation.interrupt(direction),
            Version::Modern(conversation) => conversation.interrupt(direction),
            Version::Unknown => None,
        }
    }

    fn poll_message(&mut self) -> Option<(Direction, Message)> {
        let message = match &mut self.version {
            Version::Classic(conversation) => conversation.poll_message(),
            Version::Modern(conversation) => conversation.poll_message(),
            Version::Unknown => None,
        };
        message.map(|message| (self.direction, message))
    }
}

/// What there is does not tell what it is.
pub(super) fn too_few(input: Input<'_>, needed: usize) -> Parsed {
    if input.is_final() {
        return Parsed::Skipped { consumed: input.bytes.len() };
    }
    Parsed::Incomplete { needed }
}

/// The client says which protocol it wants to speak.
fn header_request(header: ProtocolHeader) -> Request {
    let mut attributes = Attributes::with_capacity(2);
    attributes.push("messaging.system", UNKNOWN_SYSTEM);
    attributes.push("messaging.operation.name", HEADER);
    Request {
        kind: HEADER.into(),
        version: header.version().map(Into::into),
        operation: HEADER.into(),
        attributes,
        ..Request::default()
    }
}

/// What a protocol header is called in records.
const HEADER: &str = "ProtocolHeader";
