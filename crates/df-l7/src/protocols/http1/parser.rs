//! Follows the messages of an HTTP/1 connection: where each begins and how its body is framed (RFC 9112 §6).

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use df_core::{Direction, Timestamp, Transport};

use super::body::{Expects, OpenBody, Progress};
use super::wire::{self, Head, StartLine};
use crate::ai::{self, BodyReader, Call};
use crate::http::{self, ContentLength, Framing, RequestLine, StatusLine};
use crate::{ConnectionConfig, Input, Message, ParseError, ParseErrorReason, Parsed, Parser, Recovery};

/// Reads the HTTP/1 messages of one connection.
///
/// A body of announced length is never looked at: the message is given as soon as its head is complete. A body of
/// unknown length is counted piece by piece, and the message is given at its end.
#[derive(Debug)]
pub struct Http1Parser {
    config: Arc<ConnectionConfig>,
    sides: [Side; 2],
    /// What was asked and not answered, oldest first: it decides whether the response has a body.
    asked: VecDeque<Asked>,
    has_ended: bool,
}

/// What is being read in one direction.
#[derive(Debug, Default)]
struct Side {
    /// None between messages and within a head.
    body: Option<OpenBody>,
    /// How many bytes of an incomplete head are known to hold no end.
    scanned_bytes: usize,
}

/// What matters of a request for its response's framing.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    Head,
    Connect,
    /// A call of an AI service, and when it began.
    Call(Box<(Call, Timestamp)>),
    Other,
}

impl Http1Parser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        Self {
            config: Arc::clone(config),
            sides: [Side::default(), Side::default()],
            asked: VecDeque::new(),
            has_ended: false,
        }
    }

    fn parse_head(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let blank = wire::leading_line_ends(input.bytes);
        if blank > 0 {
            return Ok(Parsed::Skipped { consumed: blank });
        }
        let side = self.side(direction);
        let scanned = std::mem::take(&mut side.scanned_bytes);
        let invalid = ParseError::new(0, ParseErrorReason::InvalidValue);
        if let Some(len) = wire::head_len(input.bytes, scanned) {
            let head = Head::read(input.bytes, len).ok_or(invalid)?;
            return self.parse_message(direction, &head, input);
        }
        if input.is_final() {
            let head = Head::read_cut(input.bytes).ok_or(invalid)?;
            return self.parse_cut_message(direction, &head);
        }
        if scanned < MAX_RECHECKED_BYTES && !wire::may_start_head(input.bytes) {
            return Err(invalid);
        }
        side.scanned_bytes = input.bytes.len();
        Ok(Parsed::Incomplete { needed: input.bytes.len() + 1 })
    }

    fn parse_message(
        &mut self,
        direction: Direction,
        head: &Head<'_>,
        input: Input<'_>,
    ) -> Result<Parsed, ParseError> {
        let consumed = head.len;
        let after = input.bytes.get(consumed..).unwrap_or_default();
        let status = match (direction, head.start) {
            (Direction::ToServer, StartLine::Request { .. }) => None,
            (Direction::ToClient, StartLine::Status { status, .. }) => Some(status),
            _ => return Err(ParseError::new(0, ParseErrorReason::UnexpectedMessage)),
        };
        if status.is_some_and(|status| matches!(status, 100 | 102..=199)) {
            return Ok(Parsed::Skipped { consumed });
        }
        let (message, framing, call) = self.message(head, input.timestamp);
        let Some(status) = status else {
            let max_content_bytes = self.config.max_gen_ai_content_bytes;
            let reader = call.map(|call| Box::new(BodyReader::of_request(call, max_content_bytes)));
            let body = OpenBody::new(Some(message), Expects::ChunkHeader).with_reader(reader);
            return Ok(self.with_body(direction, body, request_body(framing), consumed));
        };
        let asked = self.asked.pop_front();
        self.has_ended = status == 101 || (asked == Some(Asked::Connect) && (200..=299).contains(&status));
        let is_bodiless = self.has_ended
            || asked == Some(Asked::Head)
            || matches!(status, 204 | 304)
            // The request was not seen and may have been a HEAD: the next response right behind shows that it was.
            || (asked.is_none() && wire::is_message_start(Direction::ToClient, after));
        let body = if is_bodiless { Body::Known(0) } else { response_body(framing) };
        let reader = asked.and_then(Asked::into_call).and_then(|asked| {
            let (call, asked_at) = *asked;
            let max_content_bytes = self.config.max_gen_ai_content_bytes;
            BodyReader::of_response(call, Some(asked_at), head.fields.clone(), max_content_bytes)
        });
        if reader.is_none() && framing.is_event_stream && matches!(body, Body::Chunked | Body::UntilClose) {
            // A stream of events may go on for hours; its response must not wait for the end.
            let expects = if body == Body::Chunked { Expects::ChunkHeader } else { Expects::Anything };
            self.side(direction).body = Some(OpenBody::new(None, expects));
            return Ok(Parsed::Message { consumed, message });
        }
        let open = OpenBody::new(Some(message), Expects::ChunkHeader).with_reader(reader.map(Box::new));
        Ok(self.with_body(direction, open, body, consumed))
    }

    /// A message whose head was cut: where its body ends cannot be told.
    fn parse_cut_message(&mut self, direction: Direction, head: &Head<'_>) -> Result<Parsed, ParseError> {
        match (direction, head.start) {
            (Direction::ToServer, StartLine::Request { .. }) => {}
            (Direction::ToClient, StartLine::Status { status, .. }) if (100..=199).contains(&status) => {
                return Ok(Parsed::Skipped { consumed: head.len });
            }
            (Direction::ToClient, StartLine::Status { .. }) => {
                self.asked.pop_front();
            }
            _ => return Err(ParseError::new(0, ParseErrorReason::UnexpectedMessage)),
        }
        let (message, ..) = self.message(head, Timestamp::ZERO);
        Ok(Parsed::Message { consumed: head.len, message })
    }

    fn message(&mut self, head: &Head<'_>, seen_at: Timestamp) -> (Message, Framing, Option<Call>) {
        match head.start {
            StartLine::Request { method, target, minor_version } => {
                let call = ai::recognize(method, target, head.fields.clone());
                self.remember(method, call.clone().map(|call| (call, seen_at)));
                let line = RequestLine {
                    method: Some(method),
                    target: Some(target),
                    scheme: Some("http".into()),
                    authority: None,
                    version: minor_version.map(version),
                };
                let (request, framing) = http::request(line, &head.fields, &self.config);
                (Message::request(request), framing, call)
            }
            StartLine::Status { minor_version, status, reason } => {
                let line = StatusLine { status: Some(status), reason, version: minor_version.map(version) };
                let (response, framing) = http::response(line, &head.fields, &self.config);
                (Message::response(response), framing, None)
            }
        }
    }

    fn remember(&mut self, method: &[u8], call: Option<(Call, Timestamp)>) {
        if self.asked.len() >= self.config.max_pending_requests {
            self.asked.pop_front();
        }
        self.asked.push_back(match method {
            b"HEAD" => Asked::Head,
            b"CONNECT" => Asked::Connect,
            _ => call.map_or(Asked::Other, |call| Asked::Call(Box::new(call))),
        });
    }

    /// A message whose body follows: skipped if its length is known, followed if it is not or is looked at.
    fn with_body(&mut self, direction: Direction, open: OpenBody, body: Body, head_len: usize) -> Parsed {
        let expects = match body {
            Body::Known(bytes) if bytes > 0 && open.is_read() => Expects::Sized(bytes),
            Body::Known(bytes) => {
                let body_len = usize::try_from(bytes).unwrap_or(usize::MAX);
                let consumed = head_len.saturating_add(body_len);
                return match open.into_bare_message() {
                    Some(message) => Parsed::Message { consumed, message },
                    None => Parsed::Skipped { consumed },
                };
            }
            Body::Chunked => Expects::ChunkHeader,
            Body::UntilClose => Expects::Anything,
        };
        self.side(direction).body = Some(open.expecting(expects));
        Parsed::Part { consumed: head_len }
    }

    fn parse_body(&mut self, direction: Direction, input: Input<'_>) -> Option<Result<Parsed, ParseError>> {
        let body = self.side(direction).body.as_mut()?;
        let holds_message = body.holds_message();
        Some(match body.parse(input) {
            Progress::Incomplete { needed } => Ok(Parsed::Incomplete { needed }),
            Progress::Part { consumed } if holds_message => Ok(Parsed::Part { consumed }),
            Progress::Part { consumed } => Ok(Parsed::Skipped { consumed }),
            Progress::Complete { consumed } => match self.interrupt(direction) {
                Some(message) => Ok(Parsed::Message { consumed, message }),
                None => Ok(Parsed::Skipped { consumed }),
            },
            // The connection interrupts the message and looks for the next one.
            Progress::Broken => Err(ParseError::new(0, ParseErrorReason::InvalidLength)),
        })
    }

    fn side(&mut self, direction: Direction) -> &mut Side {
        let [to_server, to_client] = &mut self.sides;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }
}

impl Parser for Http1Parser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        match self.parse_body(direction, input) {
            Some(parsed) => parsed,
            None => self.parse_head(direction, input),
        }
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        wire::is_message_start(direction, bytes)
    }

    fn on_gap(&mut self, direction: Direction) -> Recovery {
        self.side(direction).scanned_bytes = 0;
        if self.side(direction).body.as_ref().is_some_and(|body| !body.holds_message()) {
            self.side(direction).body = None;
        }
        // A request or response may be among what is missing, and then the order is lost.
        self.asked.clear();
        Recovery::Resynchronize
    }

    fn interrupt(&mut self, direction: Direction) -> Option<Message> {
        let side = self.side(direction);
        side.scanned_bytes = 0;
        side.body.take().and_then(OpenBody::into_message)
    }

    fn has_ended(&self) -> bool {
        self.has_ended
    }

    fn is_fresh(&self) -> bool {
        let is_between = |side: &Side| side.body.is_none() && side.scanned_bytes == 0;
        self.asked.is_empty() && !self.has_ended && self.sides.iter().all(is_between)
    }
}

impl Asked {
    fn into_call(self) -> Option<Box<(Call, Timestamp)>> {
        match self {
            Self::Call(call) => Some(call),
            Self::Head | Self::Connect | Self::Other => None,
        }
    }
}

/// How a message's body is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    Known(u64),
    Chunked,
    UntilClose,
}

/// RFC 9112 §6.3 for requests. Of several lengths servers believe the first, if they go on at all; one that cannot be
/// read leaves the body to the search for the next message.
fn request_body(framing: Framing) -> Body {
    match framing.content_length {
        _ if framing.is_chunked => Body::Chunked,
        ContentLength::Bytes(bytes) | ContentLength::Conflicting(bytes) => Body::Known(bytes),
        ContentLength::Absent | ContentLength::Invalid => Body::Known(0),
    }
}

/// RFC 9112 §6.3 for responses that may have a body.
fn response_body(framing: Framing) -> Body {
    match framing.content_length {
        _ if framing.is_chunked => Body::Chunked,
        ContentLength::Bytes(bytes) => Body::Known(bytes),
        ContentLength::Absent | ContentLength::Conflicting(_) | ContentLength::Invalid => Body::UntilClose,
    }
}

fn version(minor: u8) -> Cow<'static, str> {
    match minor {
        1 => Cow::Borrowed("1.1"),
        0 => Cow::Borrowed("1.0"),
        minor => Cow::Owned(format!("1.{minor}")),
    }
}

/// Within so many bytes the start line of an incomplete head is judged anew each time.
const MAX_RECHECKED_BYTES: usize = 256;

#[cfg(test)]
mod tests;
