//! Reads MongoDB messages.

use std::sync::Arc;

use df_core::Direction;

use super::detect::{self, Verdict};
use super::reading::{Facts, Reading, Step};
use super::wire::{
    COMPRESSION_BYTES, Compression, Compressor, FLAG_MORE_TO_COME, HEADER_BYTES, Header, Opcode,
};
use crate::decompress::{self, Head};
use crate::{ConnectionConfig, Ending, Input, Message, ParseError, ParseErrorReason, Parsed, Parser};

/// Reads MongoDB messages.
#[derive(Debug)]
pub struct MongodbParser {
    config: Arc<ConnectionConfig>,
    /// The message of each direction that is being read.
    readings: [Option<Box<Reading>>; 2],
    /// A reply in several messages, of which the last is still to come.
    stream: Option<Stream>,
    server_version: Option<String>,
}

/// A reply in several messages.
#[derive(Debug, Clone, Copy)]
struct Stream {
    /// The request, which the first message names, and those behind it with some servers.
    request: u32,
    /// The last message, which the next one names.
    last_reply: u32,
}

impl MongodbParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>) -> Self {
        Self { config: Arc::clone(config), readings: [None, None], stream: None, server_version: None }
    }

    fn parse_start(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let malformed = ParseError::new(0, ParseErrorReason::InvalidValue);
        match detect::verdict(input.bytes) {
            Verdict::NeedMore if !input.is_final() => {
                return Ok(Parsed::Incomplete { needed: HEADER_BYTES.max(input.bytes.len() + 1) });
            }
            Verdict::No => return Err(malformed),
            Verdict::NeedMore | Verdict::Likely | Verdict::Yes => {}
        }
        let header = Header::read(input.bytes).ok_or(malformed)?;
        if header.opcode == Opcode::Compressed {
            return self.parse_compressed(header, direction, input);
        }
        let reading = Box::new(Reading::new(header, direction == Direction::ToServer));
        Ok(self.read_on(reading, direction, input, HEADER_BYTES))
    }

    /// Reads on in a message of which `skipped` bytes of the input are known.
    fn read_on(
        &mut self,
        mut reading: Box<Reading>,
        direction: Direction,
        input: Input<'_>,
        skipped: usize,
    ) -> Parsed {
        let bytes = input.bytes.get(skipped..).unwrap_or_default();
        match reading.read(bytes, &self.config) {
            Step::Done { consumed } => self.finish(*reading, consumed.saturating_add(skipped)),
            Step::Waiting { consumed, .. } if input.is_final() => {
                let consumed = consumed.saturating_add(skipped).saturating_add(reading.left());
                self.finish_cut(*reading, consumed, input.ending)
            }
            Step::Waiting { consumed, needed } => {
                let read = consumed.saturating_add(skipped);
                let is_kept = read <= MAX_KEPT_BYTES;
                reading.ahead = if is_kept { read } else { usize::from(read == input.bytes.len()) };
                let consumed = if is_kept { 0 } else { read - reading.ahead };
                let needed = needed.saturating_add(reading.ahead).max(input.bytes.len() + 1);
                let is_passed_over = self.stream.is_some_and(|stream| stream.has(&reading.header));
                self.readings[direction.index()] = Some(reading);
                match consumed {
                    0 => Parsed::Incomplete { needed },
                    _ if is_passed_over => Parsed::Skipped { consumed },
                    _ => Parsed::Part { consumed },
                }
            }
        }
    }

    /// A compressed message is read once it is there, or as much of it as can be kept.
    fn parse_compressed(
        &mut self,
        header: Header,
        direction: Direction,
        input: Input<'_>,
    ) -> Result<Parsed, ParseError> {
        if input.bytes.len() < header.message_len && !input.is_final() {
            return Ok(Parsed::Incomplete { needed: header.message_len });
        }
        let message = input.bytes.get(..header.message_len).unwrap_or(input.bytes);
        let body = message.get(HEADER_BYTES..).unwrap_or_default();
        let malformed = ParseError::new(HEADER_BYTES, ParseErrorReason::InvalidValue);
        let compression = match Compression::read(body) {
            Some(compression) => compression,
            None if body.len() >= COMPRESSION_BYTES => return Err(malformed),
            None => return Ok(Parsed::Skipped { consumed: header.message_len }),
        };
        let plain = compression.unwrap(body.get(COMPRESSION_BYTES..).unwrap_or_default());
        let message_len = compression.plain_len.saturating_add(HEADER_BYTES);
        let inner = Header { opcode: compression.opcode, message_len, ..header };
        let mut reading = Reading::new(inner, direction == Direction::ToServer);
        // Whatever is missing will not come.
        let _ = reading.read(&plain, &self.config);
        let is_cut = message.len() < header.message_len;
        Ok(if is_cut {
            self.finish_cut(reading, header.message_len, input.ending)
        } else {
            self.finish(reading, header.message_len)
        })
    }

    /// Makes the message of what is known.
    fn finish(&mut self, reading: Reading, consumed: usize) -> Parsed {
        match self.message(reading) {
            Some(message) => Parsed::Message { consumed, message },
            None => Parsed::Skipped { consumed },
        }
    }

    /// Makes the message of what is known of one that is not all there. Of what was lost on the way, unlike what was never
    /// captured, a part is no message unless it tells what was asked or how it went.
    fn finish_cut(&mut self, reading: Reading, consumed: usize, ending: Ending) -> Parsed {
        if matches!(ending, Ending::Lost(_)) && !reading.is_telling() {
            return Parsed::Skipped { consumed };
        }
        self.finish(reading, consumed)
    }

    /// The message of what is known; none for the further replies to a request, if they do not fail.
    fn message(&mut self, reading: Reading) -> Option<Message> {
        let Reading { header, flags, facts, .. } = reading;
        let has_more_to_come = flags & FLAG_MORE_TO_COME != 0;
        match facts {
            Facts::Request(facts) => {
                let request = facts.into_request(self.server_version.clone());
                let is_one_way = has_more_to_come || header.opcode.is_one_way();
                let make = if is_one_way { Message::one_way } else { Message::request };
                Some(make(request).with_id(u64::from(header.request_id)))
            }
            Facts::Reply(facts) => {
                let stream = self.stream.filter(|stream| stream.has(&header));
                let is_passed_over = stream.is_some() && !facts.is_failure();
                let request = stream.map_or(header.response_to, |stream| stream.request);
                self.stream = has_more_to_come.then_some(Stream { request, last_reply: header.request_id });
                if facts.version.is_some() {
                    self.server_version.clone_from(&facts.version);
                }
                let response = Message::response(facts.into_response());
                (!is_passed_over).then(|| response.with_id(u64::from(request)))
            }
        }
    }
}

impl Stream {
    /// Whether this message belongs to it.
    const fn has(self, header: &Header) -> bool {
        !header.is_request() && (header.response_to == self.last_reply || header.response_to == self.request)
    }
}

impl Parser for MongodbParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        match self.readings[direction.index()].take() {
            Some(reading) => {
                let skipped = reading.ahead;
                Ok(self.read_on(reading, direction, input, skipped))
            }
            None => self.parse_start(direction, input),
        }
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        detect::is_start(direction, bytes)
    }

    fn interrupt(&mut self, direction: Direction) -> Option<Message> {
        let reading = self.readings[direction.index()].take()?;
        if reading.is_telling() { self.message(*reading) } else { None }
    }
}

impl Compression {
    /// The first bytes of the message without its header.
    fn unwrap(self, compressed: &[u8]) -> Vec<u8> {
        let max_bytes = self.plain_len.min(MAX_PLAIN_BYTES);
        let head = match self.compressor {
            Compressor::None => return compressed.to_vec(),
            Compressor::Snappy => decompress::snappy(compressed, max_bytes),
            Compressor::Zlib => decompress::zlib(compressed, max_bytes),
            Compressor::Zstd => decompress::zstd(compressed, max_bytes),
        };
        head.map(|Head { bytes, .. }| bytes).unwrap_or_default()
    }
}

/// Of messages up to this length nothing is consumed before their end: should it not come, it is known why.
const MAX_KEPT_BYTES: usize = 4 << 10;
/// The most plain bytes of one compressed message that are looked at.
const MAX_PLAIN_BYTES: usize = 256 << 10;
