//! Follows the frames of an HTTP/2 connection: header blocks, bodies, and how streams end.

use std::collections::VecDeque;
use std::sync::Arc;

use df_core::{Direction, Timestamp};

use super::block::{BlockHead, OpenBlock, wire_bytes};
use super::detect;
use super::hpack::{Decoder, FieldList};
use super::streams::Streams;
use super::wire::{self, FRAME_HEADER_BYTES, FrameHeader, PREFACE};
use crate::{ConnectionConfig, Input, Message, ParseError, ParseErrorReason, Parsed, Parser, Recovery};

mod messages;

use messages::Outcome;

/// Reads the exchanges of one HTTP/2 connection, gRPC calls among them.
///
/// DATA is skipped by its length; of gRPC only the prefixes of messages are looked at.
#[derive(Debug)]
pub struct Http2Parser {
    config: Arc<ConnectionConfig>,
    sides: [Side; 2],
    streams: Streams,
    /// The fields of the newest header block.
    fields: FieldList,
    /// Whether a call of gRPC was seen: nothing else shares a connection with it.
    carries_grpc: bool,
    /// When the bytes at hand were seen.
    seen_at: Timestamp,
    /// Messages that ended with others, or by something that is no message.
    ended: VecDeque<(Direction, Message)>,
}

/// What is being read in one direction.
#[derive(Debug, Default)]
struct Side {
    decoder: Decoder,
    block: Option<Box<OpenBlock>>,
    data: Option<OpenData>,
    /// Whether bytes were lost just now, which does not end the streams.
    is_behind_gap: bool,
}

/// A DATA frame whose payload is looked at.
#[derive(Debug, Clone, Copy)]
struct OpenData {
    stream: u32,
    remaining: usize,
    padding: usize,
    ends_stream: bool,
}

impl Http2Parser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>) -> Self {
        Self {
            config: Arc::clone(config),
            sides: [Side::default(), Side::default()],
            streams: Streams::default(),
            fields: FieldList::default(),
            carries_grpc: false,
            seen_at: Timestamp::ZERO,
            ended: VecDeque::new(),
        }
    }

    fn parse_frame(
        &mut self,
        direction: Direction,
        header: FrameHeader,
        input: Input<'_>,
    ) -> Result<Parsed, ParseError> {
        let available = input.bytes.len();
        if header.kind == wire::DATA {
            return self.parse_data_head(direction, header, input);
        }
        let is_read = matches!(
            header.kind,
            wire::HEADERS | wire::PUSH_PROMISE | wire::CONTINUATION | wire::RST_STREAM | wire::GOAWAY
        );
        if is_read && available < header.len() && !input.is_final() {
            return Ok(Parsed::Incomplete { needed: header.len() });
        }
        let payload = input.bytes.get(FRAME_HEADER_BYTES..available.min(header.len())).unwrap_or_default();
        match header.kind {
            wire::HEADERS | wire::PUSH_PROMISE => return self.parse_block(direction, header, payload),
            wire::CONTINUATION => return self.parse_continuation(direction, header, payload),
            wire::RST_STREAM => self.handle_reset(direction, header.stream, payload),
            wire::GOAWAY => self.handle_go_away(direction, payload),
            _ => {}
        }
        Ok(Parsed::Skipped { consumed: header.len() })
    }

    fn parse_block(
        &mut self,
        direction: Direction,
        header: FrameHeader,
        payload: &[u8],
    ) -> Result<Parsed, ParseError> {
        let consumed = header.len();
        let is_cut = payload.len() < header.payload_len;
        let is_whole = header.has(wire::END_HEADERS) || is_cut;
        let side = self.side(direction);
        if side.block.take().is_some() {
            side.decoder.forget();
        }
        let Some((fragment, promised)) = wire::header_block(header, payload) else {
            side.decoder.forget();
            return if is_cut {
                Ok(Parsed::Skipped { consumed })
            } else {
                Err(ParseError::new(FRAME_HEADER_BYTES, ParseErrorReason::InvalidLength))
            };
        };
        let head = BlockHead::new(header, promised, is_cut);
        if is_whole {
            let outcome = self.finish_block(direction, head, fragment)?;
            return Ok(parsed(outcome, consumed, head.id()));
        }
        let block = OpenBlock { head, bytes: fragment.to_vec() };
        side.block = Some(Box::new(block));
        Ok(Parsed::Started { consumed, id: u64::from(head.id()) })
    }

    fn parse_continuation(
        &mut self,
        direction: Direction,
        header: FrameHeader,
        payload: &[u8],
    ) -> Result<Parsed, ParseError> {
        let consumed = header.len();
        let max_bytes = self.config.max_buffered_bytes;
        let side = self.side(direction);
        let open = side.block.take().filter(|block| block.head.stream == header.stream);
        let Some(mut block) = open else {
            // The front of this block was missed, and with it what it added to the table.
            side.decoder.forget();
            return Ok(Parsed::Skipped { consumed });
        };
        block.extend(header, payload, max_bytes);
        if !header.has(wire::END_HEADERS) && !block.head.is_cut {
            side.block = Some(block);
            return Ok(Parsed::Skipped { consumed });
        }
        let outcome = self.finish_block(direction, block.head, &block.bytes)?;
        Ok(parsed(outcome, consumed, block.head.id()))
    }

    /// A header block is there as far as it ever will be.
    fn finish_block(
        &mut self,
        direction: Direction,
        head: BlockHead,
        block: &[u8],
    ) -> Result<Outcome, ParseError> {
        let [to_server, to_client] = &mut self.sides;
        let decoder = match direction {
            Direction::ToServer => &mut to_server.decoder,
            Direction::ToClient => &mut to_client.decoder,
        };
        let read = decoder.decode(block, &mut self.fields);
        if head.is_cut {
            decoder.forget();
        } else if read.is_err() && self.fields.is_empty() {
            return Err(ParseError::new(FRAME_HEADER_BYTES, ParseErrorReason::InvalidValue));
        }
        Ok(match (head.promised, direction) {
            (Some(_), Direction::ToClient) => self.handle_promise(head),
            (Some(_), Direction::ToServer) => Outcome::Nothing,
            (None, Direction::ToServer) => self.handle_request(head),
            (None, Direction::ToClient) => self.handle_response(head),
        })
    }

    fn parse_data_head(
        &mut self,
        direction: Direction,
        header: FrameHeader,
        input: Input<'_>,
    ) -> Result<Parsed, ParseError> {
        let is_padded = header.has(wire::PADDED) && header.payload_len > 0;
        let head_len = FRAME_HEADER_BYTES + usize::from(is_padded);
        if input.bytes.len() < head_len && !input.is_final() {
            return Ok(Parsed::Incomplete { needed: head_len });
        }
        let padding = if is_padded { input.bytes.get(FRAME_HEADER_BYTES).copied().unwrap_or(0) } else { 0 };
        let padding = usize::from(padding);
        let invalid = ParseError::new(FRAME_HEADER_BYTES, ParseErrorReason::InvalidLength);
        let body_len = header.len().checked_sub(head_len + padding).ok_or(invalid)?;
        let ends_stream = header.has(wire::END_STREAM);
        let Some(stream) = self.streams.find(header.stream) else {
            return Ok(Parsed::Skipped { consumed: header.len() });
        };
        if direction == Direction::ToClient {
            stream.response_bytes = stream.response_bytes.saturating_add(wire_bytes(header));
        }
        let is_grpc = stream.is_grpc;
        let sent = stream.sent_mut(direction);
        let is_read = (is_grpc || sent.reader.is_some()) && body_len > 0;
        sent.body_bytes = sent.body_bytes.saturating_add(u64::try_from(body_len).unwrap_or(u64::MAX));
        if is_read {
            let data = OpenData { stream: header.stream, remaining: body_len, padding, ends_stream };
            self.side(direction).data = Some(data);
            return Ok(Parsed::Skipped { consumed: head_len });
        }
        Ok(self.finish_data(direction, header.stream, ends_stream, header.len()))
    }

    fn parse_data(&mut self, direction: Direction, mut data: OpenData, input: Input<'_>) -> Parsed {
        let mut taken = data.remaining;
        if let Some(stream) = self.streams.find(data.stream) {
            let sent = stream.sent_mut(direction);
            taken = sent.read(input.bytes, data.remaining, self.seen_at).clamp(1, data.remaining);
            if input.is_final() && taken >= input.bytes.len() && taken < data.remaining {
                // What is missing may hold prefixes; the frame's end is known all the same.
                sent.lose();
                taken = data.remaining;
            }
        }
        data.remaining -= taken;
        if data.remaining > 0 {
            self.side(direction).data = Some(data);
            return Parsed::Skipped { consumed: taken };
        }
        self.finish_data(direction, data.stream, data.ends_stream, taken.saturating_add(data.padding))
    }

    fn finish_data(&mut self, direction: Direction, id: u32, ends_stream: bool, consumed: usize) -> Parsed {
        let outcome = if ends_stream { self.end_body(direction, id) } else { Outcome::Nothing };
        parsed(outcome, consumed, id)
    }

    /// Whether bytes in mid-connection begin with a frame.
    fn is_frame_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        let Some(header) = FrameHeader::read(bytes).filter(|header| header.is_strict()) else { return false };
        let is_plausible = match header.kind {
            wire::DATA => self.streams.contains(header.stream),
            wire::CONTINUATION => false,
            wire::HEADERS => {
                let payload = bytes.get(FRAME_HEADER_BYTES..).unwrap_or_default();
                self.streams.contains(header.stream) || detect::is_sender(direction, header, payload)
            }
            _ => true,
        };
        let behind = bytes.get(header.len()..).and_then(FrameHeader::read);
        is_plausible && behind.is_none_or(FrameHeader::is_strict)
    }

    fn side(&mut self, direction: Direction) -> &mut Side {
        let [to_server, to_client] = &mut self.sides;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }
}

impl Parser for Http2Parser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        self.seen_at = input.timestamp;
        if let Some(data) = self.side(direction).data.take() {
            return Ok(self.parse_data(direction, data, input));
        }
        if direction == Direction::ToServer && input.bytes.first() == PREFACE.first() {
            return preface(input);
        }
        let Some(header) = FrameHeader::read(input.bytes) else {
            return Ok(too_short(input, FRAME_HEADER_BYTES));
        };
        if !header.is_sane() {
            return Err(ParseError::new(0, ParseErrorReason::InvalidValue));
        }
        self.parse_frame(direction, header, input)
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        let is_preface = direction == Direction::ToServer && bytes.starts_with(PREFACE);
        is_preface || self.is_frame_start(direction, bytes)
    }

    fn on_gap(&mut self, direction: Direction) -> Recovery {
        self.side(direction).is_behind_gap = true;
        for stream in self.streams.iter_mut() {
            stream.sent_mut(direction).lose();
        }
        Recovery::Resynchronize
    }

    fn interrupt(&mut self, direction: Direction) -> Option<Message> {
        let side = self.side(direction);
        side.data = None;
        if let Some(mut block) = side.block.take() {
            block.head.is_cut = true;
            if let Ok(Outcome::Message(message)) = self.finish_block(direction, block.head, &block.bytes) {
                return Some(message);
            }
        }
        let side = self.side(direction);
        side.decoder.forget();
        let ends_streams = !std::mem::take(&mut side.is_behind_gap) && direction == Direction::ToClient;
        if ends_streams { self.next_unfinished() } else { None }
    }

    fn poll_message(&mut self) -> Option<(Direction, Message)> {
        self.ended.pop_front()
    }
}

fn parsed(outcome: Outcome, consumed: usize, id: u32) -> Parsed {
    match outcome {
        Outcome::Message(message) => Parsed::Message { consumed, message },
        Outcome::Begun => Parsed::Started { consumed, id: u64::from(id) },
        Outcome::Nothing => Parsed::Skipped { consumed },
    }
}

fn preface(input: Input<'_>) -> Result<Parsed, ParseError> {
    let len = input.bytes.len().min(PREFACE.len());
    if input.bytes.get(..len) != PREFACE.get(..len) {
        return Err(ParseError::new(0, ParseErrorReason::InvalidValue));
    }
    if len < PREFACE.len() {
        return Ok(too_short(input, PREFACE.len()));
    }
    Ok(Parsed::Skipped { consumed: len })
}

fn too_short(input: Input<'_>, needed: usize) -> Parsed {
    if input.is_final() {
        Parsed::Skipped { consumed: input.bytes.len() }
    } else {
        Parsed::Incomplete { needed }
    }
}
