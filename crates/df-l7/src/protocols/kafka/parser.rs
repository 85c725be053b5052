//! Reads Kafka messages.

use std::collections::VecDeque;
use std::sync::Arc;

use df_core::{Direction, Transport};

use crate::{
    ConnectionConfig, Input, Message, ParseError, ParseErrorReason, Parsed, Parser, Response, ResponseStatus,
};

use super::api::{METADATA, PRODUCE, SASL_HANDSHAKE};
use super::detect::is_request_start;
use super::request::RequestBody;
use super::response::{self, Pending};
use super::schema::Walk;
use super::topics::TopicNames;
use super::wire::{LENGTH_BYTES, RESPONSE_HEAD_BYTES, RequestHead, correlation_id, frame_bytes};

/// Reads Kafka messages.
#[derive(Debug)]
pub struct KafkaParser {
    config: Arc<ConnectionConfig>,
    /// Requests that wait for their response, oldest first.
    pending: VecDeque<Pending>,
    topic_names: TopicNames,
    /// The newest request's number.
    newest_id: Option<u32>,
    /// Whether frames may be bare tokens of a login: their number is not said.
    has_bare_tokens: bool,
}

impl KafkaParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        Self {
            config: Arc::clone(config),
            pending: VecDeque::new(),
            topic_names: TopicNames::default(),
            newest_id: None,
            has_bare_tokens: false,
        }
    }

    fn parse_request(&mut self, frame: &[u8], frame_bytes: usize) -> Result<Parsed, ParseError> {
        let consumed = frame_bytes;
        let head = match RequestHead::parse(frame) {
            Ok(head) => head,
            Err(_) if self.has_bare_tokens => return Ok(Parsed::Skipped { consumed }),
            // What was captured ends within the head.
            Err(Walk::Short) if frame.len() < frame_bytes => return Ok(Parsed::Skipped { consumed }),
            Err(_) => return Err(ParseError::new(LENGTH_BYTES, ParseErrorReason::InvalidValue)),
        };
        self.has_bare_tokens = (head.key, head.version) == (SASL_HANDSHAKE, 0);
        self.newest_id = Some(head.correlation_id);
        let body = RequestBody::read(&head, &self.topic_names, &self.config);
        let id = u64::from(head.correlation_id);
        let has_topics = !body.topics.is_empty();
        let is_answered = body.is_answered || head.key != PRODUCE;
        let request = body.into_request(&head);
        if !is_answered {
            return Ok(Parsed::Message { consumed, message: Message::one_way(request).with_id(id) });
        }
        if self.pending.len() >= self.config.max_pending_requests.max(1) {
            self.pending.pop_front();
        }
        let (key, version) = (head.key, head.version);
        self.pending.push_back(Pending { correlation_id: head.correlation_id, key, version, has_topics });
        Ok(Parsed::Message { consumed, message: Message::request(request).with_id(id) })
    }

    fn parse_response(&mut self, frame: &[u8], frame_bytes: usize) -> Parsed {
        let consumed = frame_bytes;
        let Some(id) = correlation_id(frame) else { return Parsed::Skipped { consumed } };
        let Some(pending) = self.take_pending(id) else {
            if self.has_bare_tokens || !self.may_be_early(id) {
                return Parsed::Skipped { consumed };
            }
            let response = Response { status: ResponseStatus::Unknown, ..Response::default() };
            return Parsed::Message { consumed, message: Message::response(response).with_id(u64::from(id)) };
        };
        let response = response::read(frame, &pending, &mut self.topic_names, &self.config);
        Parsed::Message { consumed, message: Message::response(response).with_id(u64::from(id)) }
    }

    /// The request that a response answers. Brokers answer in order: what was asked before has lost its response.
    fn take_pending(&mut self, id: u32) -> Option<Pending> {
        let place = self.place_of(id)?;
        self.pending.drain(..=place).next_back()
    }

    /// Whether a response may answer a request that was captured late: clients count their requests. The response to a
    /// request that was not captured tells nothing but its number.
    fn may_be_early(&self, id: u32) -> bool {
        self.newest_id.is_some_and(|newest| (1..=MAX_AHEAD).contains(&id.wrapping_sub(newest)))
    }

    fn place_of(&self, id: u32) -> Option<usize> {
        self.pending.iter().position(|pending| pending.correlation_id == id)
    }

    /// How much of a frame is looked at.
    fn head_bytes(&self, direction: Direction, frame: &[u8]) -> usize {
        let tells_names = direction == Direction::ToClient
            && correlation_id(frame)
                .and_then(|id| self.place_of(id))
                .and_then(|place| self.pending.get(place))
                .is_some_and(|pending| pending.key == METADATA);
        let max_bytes = if tells_names { MAX_METADATA_BYTES } else { MAX_HEAD_BYTES };
        max_bytes.min(self.config.max_buffered_bytes)
    }
}

impl Parser for KafkaParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let bytes = input.bytes;
        if bytes.len() < LENGTH_BYTES {
            return Ok(if input.is_final() {
                Parsed::Skipped { consumed: bytes.len() }
            } else {
                Parsed::Incomplete { needed: LENGTH_BYTES }
            });
        }
        let frame_bytes = frame_bytes(bytes).ok_or(ParseError::new(0, ParseErrorReason::InvalidLength))?;
        if frame_bytes < RESPONSE_HEAD_BYTES {
            let token = self.has_bare_tokens.then_some(Parsed::Skipped { consumed: frame_bytes });
            return token.ok_or(ParseError::new(0, ParseErrorReason::InvalidLength));
        }
        if bytes.len() < RESPONSE_HEAD_BYTES && !input.is_final() {
            return Ok(Parsed::Incomplete { needed: RESPONSE_HEAD_BYTES });
        }
        let needed = frame_bytes.min(self.head_bytes(direction, bytes));
        if bytes.len() < needed && !input.is_final() {
            return Ok(Parsed::Incomplete { needed });
        }
        let frame = bytes.get(..needed).unwrap_or(bytes);
        match direction {
            Direction::ToServer => self.parse_request(frame, frame_bytes),
            Direction::ToClient => Ok(self.parse_response(frame, frame_bytes)),
        }
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        match direction {
            Direction::ToServer => is_request_start(bytes),
            Direction::ToClient => {
                frame_bytes(bytes).is_some_and(|len| len >= RESPONSE_HEAD_BYTES)
                    && correlation_id(bytes).is_some_and(|id| self.place_of(id).is_some())
            }
        }
    }
}

/// How much of a message is looked at, at most; the rest is passed over.
const MAX_HEAD_BYTES: usize = 16_384;
/// The same of a response to a Metadata request, which tells the names of topics.
const MAX_METADATA_BYTES: usize = 65_536;
/// How far responses can be ahead of the requests that they answer.
const MAX_AHEAD: u32 = 16;
