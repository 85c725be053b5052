//! Follows the frames of a connection, whole ones or those in segments.

use std::collections::VecDeque;
use std::sync::Arc;

use df_core::{Direction, Transport};

use crate::decompress::{lz4_block, snappy};
use crate::{ConnectionConfig, Input, Message, ParseError, ParseErrorReason, Parsed, Parser};

use super::detect::is_frame_start;
use super::request;
use super::response;
use super::segment::Segment;
use super::statements::{Prepared, Streams};
use super::wire::{HEADER_BYTES, Header, Opcode};

/// How much of a body is looked at.
const MAX_READ_BYTES: usize = 32_768;

/// Reads Cassandra's native protocol.
#[derive(Debug)]
pub struct CassandraParser {
    config: Arc<ConnectionConfig>,
    streams: Streams,
    prepared: Prepared,
    keyspace: Option<String>,
    compression: Option<Vec<u8>>,
    sides: [Side; 2],
}

/// What is known of one direction.
#[derive(Debug, Default)]
struct Side {
    /// Messages of a segment that were not given yet.
    queued: VecDeque<Message>,
    /// How many bytes of that segment were not consumed yet.
    unconsumed: usize,
    /// How many bytes of a frame that began in a segment are still to come in others.
    remaining: usize,
}

impl CassandraParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        Self {
            config: Arc::clone(config),
            streams: Streams::default(),
            prepared: Prepared::default(),
            keyspace: None,
            compression: None,
            sides: [Side::default(), Side::default()],
        }
    }

    fn parse_frame(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let Some(header) = Header::parse(input.bytes)? else { return Ok(missing(input, HEADER_BYTES)) };
        if header.is_response != (direction == Direction::ToClient) {
            return Err(ParseError::new(0, ParseErrorReason::UnexpectedMessage));
        }
        let wanted = HEADER_BYTES.saturating_add(header.body_bytes.min(MAX_READ_BYTES));
        if input.bytes.len() < wanted && !input.is_final() {
            return Ok(Parsed::Incomplete { needed: wanted });
        }
        let body = input.bytes.get(HEADER_BYTES..).unwrap_or_default();
        let body = body.get(..header.body_bytes).unwrap_or(body);
        let message = self.message(&header, body);
        Ok(Parsed::Message { consumed: header.frame_bytes(), message })
    }

    fn message(&mut self, header: &Header, body: &[u8]) -> Message {
        let plain = if header.is_compressed() { self.unwrapped(body) } else { None };
        let body = match &plain {
            Some(plain) => plain,
            None if header.is_compressed() => &[][..],
            None => body,
        };
        let body = body.get(..MAX_READ_BYTES).unwrap_or(body);
        if header.opcode == Opcode::Event {
            return Message::one_way(response::event(body));
        }
        if header.is_response { self.response(header, body) } else { self.request(header, body) }
    }

    fn request(&mut self, header: &Header, body: &[u8]) -> Message {
        let read = request::read(header, body, &self.prepared, self.keyspace.as_deref(), &self.config);
        if read.compression.is_some() {
            self.compression = read.compression;
        }
        let number = self.streams.ask(header.stream, read.preparing, self.config.max_pending_requests);
        Message::request(read.request).with_id(number)
    }

    fn response(&mut self, header: &Header, body: &[u8]) -> Message {
        let read = response::read(header, body, &self.config);
        let pending = self.streams.answer(header.stream);
        if read.keyspace.is_some() {
            self.keyspace = read.keyspace;
        }
        let number = match pending {
            Some(pending) => {
                if let (Some(id), Some(text)) = (read.prepared_id, pending.preparing) {
                    self.prepared.insert(&id, text);
                }
                pending.number
            }
            None => self.streams.next_number(),
        };
        Message::response(read.response).with_id(number)
    }

    /// The body of a compressed frame. In LZ4 its plain length stands before it.
    fn unwrapped(&self, body: &[u8]) -> Option<Vec<u8>> {
        let lz4 = || lz4_block(body.get(4..)?, MAX_READ_BYTES).map(|head| head.bytes);
        let snappy = || snappy(body, MAX_READ_BYTES).map(|head| head.bytes);
        match self.compression.as_deref() {
            Some(name) if name.eq_ignore_ascii_case(b"snappy") => snappy(),
            Some(_) => lz4(),
            None if body.starts_with(&[0]) => lz4(),
            None => snappy(),
        }
    }

    fn parse_segment(&mut self, direction: Direction, segment: Segment, input: Input<'_>) -> Parsed {
        let whole = segment.segment_bytes();
        if input.bytes.len() < whole && !input.is_final() {
            return Parsed::Incomplete { needed: whole };
        }
        let content = segment.content(input.bytes);
        let side = &mut self.sides[direction.index()];
        let skipped = side.remaining.min(segment.content_bytes());
        side.remaining -= skipped;
        let mut position = skipped;
        while let Some(rest) = content.get(position..).filter(|rest| !rest.is_empty()) {
            let Ok(Some(header)) = Header::parse(rest) else { break };
            if header.is_response != (direction == Direction::ToClient) {
                break;
            }
            let body = rest.get(HEADER_BYTES..).unwrap_or_default();
            let body = body.get(..header.body_bytes).unwrap_or(body);
            let message = self.message(&header, body).with_length(header.frame_bytes() as u64);
            self.sides[direction.index()].queued.push_back(message);
            position = position.saturating_add(header.frame_bytes());
        }
        let side = &mut self.sides[direction.index()];
        side.remaining = side.remaining.saturating_add(position.saturating_sub(segment.content_bytes()));
        if side.queued.is_empty() {
            return Parsed::Skipped { consumed: whole };
        }
        side.unconsumed = whole;
        self.next_queued(direction)
    }

    /// Gives the messages of a segment one by one: each consumes a byte of it, the last consumes the rest.
    fn next_queued(&mut self, direction: Direction) -> Parsed {
        let side = &mut self.sides[direction.index()];
        let Some(message) = side.queued.pop_front() else {
            return Parsed::Skipped { consumed: std::mem::take(&mut side.unconsumed).max(1) };
        };
        let is_last = side.queued.is_empty() || side.unconsumed <= 1;
        let consumed = if is_last { side.unconsumed } else { 1 };
        side.unconsumed = side.unconsumed.saturating_sub(consumed);
        Parsed::Message { consumed, message }
    }
}

impl Parser for CassandraParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        if !self.sides[direction.index()].queued.is_empty() {
            return Ok(self.next_queued(direction));
        }
        if let Some(segment) = Segment::parse(input.bytes) {
            return Ok(self.parse_segment(direction, segment, input));
        }
        match Header::parse(input.bytes) {
            Err(_) if input.bytes.len() < Segment::needed_bytes() => {
                Ok(missing(input, Segment::needed_bytes()))
            }
            _ => self.parse_frame(direction, input),
        }
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        is_frame_start(direction, bytes)
    }

    fn interrupt(&mut self, direction: Direction) -> Option<Message> {
        let side = &mut self.sides[direction.index()];
        side.remaining = 0;
        side.unconsumed = 0;
        side.queued.clear();
        None
    }
}

/// More bytes are needed; of a final input, which has none, nothing can be made.
fn missing(input: Input<'_>, needed: usize) -> Parsed {
    if input.is_final() || input.bytes.len() >= needed {
        return Parsed::Skipped { consumed: input.bytes.len() };
    }
    Parsed::Incomplete { needed }
}
