//! Reads memcached's messages of any protocol and pairs quiet commands with their answers.

use std::sync::Arc;

use df_core::{Direction, Transport};

use crate::{
    ConnectionConfig, Ending, Input, Message, ParseError, ParseErrorReason, Parsed, Parser, Recovery,
    Request, Response,
};

use super::binary::{self, STAT, binary_request, binary_response, quiet_token};
use super::detect::{is_command_start, is_reply_start};
use super::quiet::{Owner, QuietCommands};
use super::reply::{Line, MetaReply, ReplyReader};
use super::request::{self, Reply, TextRequest};
use super::wire::{FRAME_BYTES, Frame, Header, line, words};

/// Reads memcached's messages.
#[derive(Debug)]
pub struct MemcachedParser {
    config: Arc<ConnectionConfig>,
    is_datagram: bool,
    replies: ReplyReader,
    quiet: QuietCommands,
    /// How many bytes of the line at the start of the input are known to have no line feed, per direction.
    scanned: [usize; 2],
    /// Whether the rest of a line too long to be kept is to be skipped, per direction.
    is_skipping_line: [bool; 2],
}

/// A reply of the text protocol, or the part of it that was there.
enum TextReply {
    Part { consumed: usize },
    Whole { consumed: usize, response: Response, is_quiet: Option<u64> },
}

impl MemcachedParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>, transport: Transport) -> Self {
        Self {
            config: Arc::clone(config),
            is_datagram: transport == Transport::Udp,
            replies: ReplyReader::default(),
            quiet: QuietCommands::new(config.max_pending_requests),
            scanned: [0; 2],
            is_skipping_line: [false; 2],
        }
    }

    fn parse_stream(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        match (input.bytes.first(), direction) {
            (Some(0x80), Direction::ToServer) | (Some(0x81), Direction::ToClient) => {
                self.parse_binary(direction, input)
            }
            _ => self.parse_text(direction, input),
        }
    }

    fn parse_text(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let scanned = std::mem::take(&mut self.scanned[direction.index()]).min(input.bytes.len());
        let Some((text, line_bytes)) = line(input.bytes, scanned) else {
            return self.unfinished_line(direction, input);
        };
        if std::mem::take(&mut self.is_skipping_line[direction.index()]) || text.is_empty() {
            return Ok(Parsed::Skipped { consumed: line_bytes });
        }
        match direction {
            Direction::ToServer => {
                let TextRequest { request, consumed, reply } = request::read(text, line_bytes, &self.config)?;
                Ok(Parsed::Message { consumed, message: self.asked(request, reply) })
            }
            Direction::ToClient => Ok(match self.text_reply(text, line_bytes)? {
                TextReply::Part { consumed } => Parsed::Part { consumed },
                TextReply::Whole { consumed, response, is_quiet } => {
                    Parsed::Message { consumed, message: answer(response, is_quiet) }
                }
            }),
        }
    }

    /// The line has no end yet, or never will.
    fn unfinished_line(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let is_skipping = self.is_skipping_line[direction.index()];
        let consumed = input.bytes.len();
        if !is_skipping && !may_begin_line(direction, input.bytes) {
            return Err(ParseError::new(0, ParseErrorReason::InvalidValue));
        }
        if !input.is_final() {
            if is_skipping {
                return Ok(Parsed::Skipped { consumed });
            }
            self.scanned[direction.index()] = consumed;
            return Ok(Parsed::Incomplete { needed: consumed.saturating_add(1) });
        }
        self.is_skipping_line[direction.index()] = input.ending == Ending::Full;
        let is_named = memchr::memchr(b' ', input.bytes).is_some();
        if is_skipping || !is_named || direction == Direction::ToClient {
            return Ok(Parsed::Skipped { consumed });
        }
        let TextRequest { request, reply, .. } = request::read(input.bytes, consumed, &self.config)?;
        Ok(Parsed::Message { consumed, message: self.asked(request, reply) })
    }

    fn asked(&mut self, mut request: Request, reply: Reply) -> Message {
        match reply {
            Reply::Never => Message::one_way(request),
            Reply::Always | Reply::Meta => {
                self.quiet.ask(reply == Reply::Meta);
                Message::request(request)
            }
            Reply::Quiet(token) => {
                request.may_be_unanswered = true;
                Message::request(request).with_id(self.quiet.push(token))
            }
        }
    }

    fn text_reply(&mut self, text: &[u8], line_bytes: usize) -> Result<TextReply, ParseError> {
        Ok(match self.replies.read(text, line_bytes, &self.config)? {
            Line::Part { consumed } => TextReply::Part { consumed },
            Line::End { consumed, response, meta } => {
                let is_quiet = meta.and_then(|meta| self.quiet_answer(meta));
                if is_quiet.is_none() {
                    self.quiet.answer();
                }
                TextReply::Whole { consumed, response, is_quiet }
            }
        })
    }

    /// The identifier of the quiet command that a reply belongs to, if it belongs to one.
    fn quiet_answer(&mut self, reply: MetaReply<'_>) -> Option<u64> {
        if self.quiet.is_empty() {
            return None;
        }
        if reply.bears_token() {
            return self.quiet.take(|token| reply.answers(token));
        }
        match self.quiet.owner(!reply.is_error(), |token| reply.answers(token)) {
            Owner::InOrder => None,
            Owner::Id(id) => Some(id),
        }
    }

    fn parse_binary(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let header = match binary::ready(input, &self.config)? {
            binary::Progress::Ready(header) => header,
            binary::Progress::Needed(needed) if !input.is_final() => {
                return Ok(Parsed::Incomplete { needed });
            }
            binary::Progress::Needed(_) => return Ok(Parsed::Skipped { consumed: input.bytes.len() }),
        };
        let consumed = header.message_bytes();
        if direction == Direction::ToClient && header.opcode == STAT && header.key_bytes > 0 {
            return Ok(Parsed::Part { consumed });
        }
        let message = match direction {
            Direction::ToServer => self.binary_command(&header, input.bytes),
            Direction::ToClient => self.binary_answer(&header, input.bytes),
        };
        Ok(Parsed::Message { consumed, message })
    }

    fn binary_command(&mut self, header: &Header, bytes: &[u8]) -> Message {
        let request = binary_request(header, bytes, &self.config);
        match quiet_token(header, bytes) {
            Some(token) => self.asked(request, Reply::Quiet(token)),
            None => self.asked(request, Reply::Always).with_id(identifier(header)),
        }
    }

    fn binary_answer(&mut self, header: &Header, bytes: &[u8]) -> Message {
        let response = Message::response(binary_response(header, bytes, &self.config));
        if !binary::is_quiet(header.opcode) {
            self.quiet.answer();
            return response.with_id(identifier(header));
        }
        match self.quiet.take(|token| binary::answers(header, bytes, token)) {
            Some(id) => response.with_id(id),
            None => response.with_id(identifier(header)),
        }
    }

    /// Reads a datagram: the first message in it, of which only the first datagram counts.
    fn parse_datagram(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let frame = Frame::parse(input.bytes).ok_or(ParseError::new(0, ParseErrorReason::InvalidValue))?;
        let consumed = input.bytes.len();
        let content = input.bytes.get(FRAME_BYTES..).filter(|content| !content.is_empty());
        let Some(bytes) = content.filter(|_| frame.number == 0) else {
            return Ok(Parsed::Skipped { consumed });
        };
        let mut position = 0_usize;
        while let Some(rest) = bytes.get(position..).filter(|rest| !rest.is_empty()) {
            match self.parse_stream(direction, Input::new(rest).with_ending(input.ending))? {
                Parsed::Message { message, .. } => {
                    return Ok(Parsed::Message { consumed, message: in_datagram(message, frame) });
                }
                Parsed::Part { consumed } | Parsed::Skipped { consumed } => {
                    position = position.saturating_add(consumed.max(1));
                }
                Parsed::Started { .. } | Parsed::Incomplete { .. } => break,
            }
        }
        Ok(match self.interrupt(direction) {
            Some(message) => Parsed::Message { consumed, message: in_datagram(message, frame) },
            None => Parsed::Skipped { consumed },
        })
    }
}

impl Parser for MemcachedParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        if self.is_datagram {
            return self.parse_datagram(direction, input);
        }
        self.parse_stream(direction, input)
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        match direction {
            _ if self.is_datagram => Frame::parse(bytes).is_some(),
            Direction::ToServer => is_command_start(bytes),
            Direction::ToClient => is_reply_start(bytes),
        }
    }

    fn on_gap(&mut self, direction: Direction) -> Recovery {
        self.scanned[direction.index()] = 0;
        self.is_skipping_line[direction.index()] = false;
        self.quiet.forget();
        Recovery::Resynchronize
    }

    fn interrupt(&mut self, direction: Direction) -> Option<Message> {
        if direction == Direction::ToServer {
            return None;
        }
        let response = self.replies.interrupt()?;
        self.quiet.answer();
        Some(Message::response(response))
    }
}

fn answer(response: Response, quiet: Option<u64>) -> Message {
    let message = Message::response(response);
    match quiet {
        Some(id) => message.with_id(id),
        None => message,
    }
}

/// Datagrams pair by the request id of their frame.
fn in_datagram(mut message: Message, frame: Frame) -> Message {
    if let crate::Content::Request(request) = &mut message.content {
        request.content.attributes.push("df.memcached.udp.request_id", frame.request_id);
    }
    message.with_id(u64::from(frame.request_id) | 1 << 62)
}

/// Binary messages pair by opcode and opaque: clients that wait for each answer give all the same opaque.
fn identifier(header: &Header) -> u64 {
    u64::from(header.opcode) << 32 | u64::from(header.opaque)
}

/// Whether a line can begin like this.
fn may_begin_line(direction: Direction, bytes: &[u8]) -> bool {
    let window = bytes.get(..MAX_WORD_BYTES).unwrap_or(bytes);
    let has_blank = memchr::memchr(b' ', window).is_some();
    let word = words(window).next().unwrap_or_default().trim_ascii_end();
    match direction {
        Direction::ToServer if has_blank => super::command::named(word).is_some(),
        Direction::ToServer => super::command::any_starts_with(word),
        Direction::ToClient => word.iter().all(u8::is_ascii_graphic),
    }
}

/// No command's name is longer, with the blank behind it.
const MAX_WORD_BYTES: usize = super::command::MAX_NAME_BYTES + 1;
