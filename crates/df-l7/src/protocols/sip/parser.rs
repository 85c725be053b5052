//! Requests and their final responses.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use df_core::{Direction, Transport};

use super::wire::{self, Head, StartLine};
use crate::sql::cut_text;
use crate::{
    ConnectionConfig, Input, Message, ParseError, ParseErrorReason, Parsed, Parser, Request, Response,
    ResponseStatus,
};

/// Reads the messages of one connection, or of one pair of UDP endpoints.
#[derive(Debug)]
pub struct SipParser {
    config: Arc<ConnectionConfig>,
    transport: Transport,
    /// How much of an unfinished head was searched for its end, per direction.
    searched: [usize; 2],
    /// The newest requests, so that repetitions are known; at most [`MAX_REMEMBERED`].
    seen: VecDeque<Seen>,
}

/// What was seen of a request and its response.
#[derive(Debug)]
struct Seen {
    id: u64,
    is_asked: bool,
    is_answered: bool,
}

/// The two halves of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Request,
    Response,
}

impl SipParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>, transport: Transport) -> Self {
        Self { config: Arc::clone(config), transport, searched: [0, 0], seen: VecDeque::new() }
    }

    fn parse_head(
        &mut self,
        direction: Direction,
        input: Input<'_>,
        len: usize,
    ) -> Result<Parsed, ParseError> {
        let (line, fields) = wire::first_line(input.bytes.get(..len).unwrap_or(input.bytes));
        let start = StartLine::read(line).ok_or(ParseError::new(0, ParseErrorReason::InvalidValue))?;
        let head = Head::read(fields);
        let consumed = match self.transport {
            Transport::Tcp => len.saturating_add(head.body_bytes),
            _ => input.bytes.len(),
        };
        let message = match start {
            StartLine::Request { method, address } => {
                let id = identify(direction, &head, method.as_bytes());
                self.remember(id, Half::Request).then(|| {
                    let request = self.request(method, address, &head, direction);
                    let is_answered = method != "ACK";
                    let message =
                        if is_answered { Message::request(request) } else { Message::one_way(request) };
                    message.with_id(id)
                })
            }
            StartLine::Response { code: 100..=199, .. } => None,
            StartLine::Response { code, reason } => {
                let id = identify(direction.reversed(), &head, head.sequence.1);
                self.remember(id, Half::Response)
                    .then(|| Message::response(self.response(code, reason)).with_id(id))
            }
        };
        Ok(match message {
            Some(message) => Parsed::Message { consumed, message },
            None => Parsed::Skipped { consumed },
        })
    }

    /// Notes one half of an exchange. Gives whether it is no repetition.
    fn remember(&mut self, id: u64, half: Half) -> bool {
        let place = self.seen.iter().position(|seen| seen.id == id);
        if place.is_none() {
            if self.seen.len() >= MAX_REMEMBERED {
                self.seen.pop_front();
            }
            self.seen.push_back(Seen { id, is_asked: false, is_answered: false });
        }
        let place = place.unwrap_or(self.seen.len().saturating_sub(1));
        self.seen.get_mut(place).is_some_and(|seen| {
            let noted = match half {
                Half::Request => &mut seen.is_asked,
                Half::Response => &mut seen.is_answered,
            };
            !std::mem::replace(noted, true)
        })
    }

    fn request(
        &self,
        method: &'static str,
        address: &[u8],
        head: &Head<'_>,
        direction: Direction,
    ) -> Request {
        let (shown, host) = without_user(address);
        let max_bytes = self.config.max_attribute_bytes;
        let mut request = Request {
            kind: Cow::Borrowed(method),
            operation: Cow::Borrowed(method),
            endpoint: Some(method.to_owned()),
            version: Some(Cow::Borrowed("2.0")),
            domain: Some(cut_text(host, max_bytes)).filter(|host| !host.is_empty()),
            resource: Some(cut_text(&shown, self.config.max_resource_bytes)),
            ..Request::default()
        };
        if !head.call_id.is_empty() {
            request.attributes.push("df.sip.call_id", cut_text(head.call_id, max_bytes));
        }
        if !head.user_agent.is_empty() {
            request.attributes.push("user_agent.original", cut_text(head.user_agent, max_bytes));
        }
        if direction == Direction::ToClient {
            request.attributes.push("df.sip.is_from_server", true);
        }
        request
    }

    fn response(&self, code: u16, reason: &[u8]) -> Response {
        let status = match code {
            ..=399 => ResponseStatus::Ok,
            400..=499 => ResponseStatus::ClientError,
            _ => ResponseStatus::ServerError,
        };
        let exception = status.is_error().then(|| cut_text(reason, self.config.max_attribute_bytes));
        let code = Some(Cow::Owned(code.to_string()));
        Response { status, code, exception, ..Response::default() }
    }
}

impl Parser for SipParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        // What keeps a connection alive: line ends over TCP, zeros over UDP (RFC 5626 §3.5.1).
        let idle = input.bytes.iter().take_while(|&&byte| matches!(byte, b'\r' | b'\n' | 0)).count();
        if idle > 0 {
            return Ok(Parsed::Skipped { consumed: idle });
        }
        let searched = std::mem::take(&mut self.searched[direction.index()]);
        match wire::head_len(input.bytes, searched) {
            Some(len) => self.parse_head(direction, input, len),
            None if input.is_final() => self.parse_head(direction, input, input.bytes.len()),
            None => {
                self.searched[direction.index()] = input.bytes.len();
                Ok(Parsed::Incomplete { needed: input.bytes.len().saturating_add(1) })
            }
        }
    }

    fn is_message_start(&self, _: Direction, bytes: &[u8]) -> bool {
        wire::is_start(bytes)
    }
}

/// What a request and its responses have in common and no other request has. Either end counts for itself.
fn identify(asks: Direction, head: &Head<'_>, method: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (asks.index(), head.call_id, head.sequence.0, method).hash(&mut hasher);
    hasher.finish()
}

/// An address with `?` for its user, without parameters, and its host.
fn without_user(address: &[u8]) -> (Vec<u8>, &[u8]) {
    let end = address.iter().position(|byte| matches!(byte, b';' | b'?')).unwrap_or(address.len());
    let address = address.get(..end).unwrap_or(address);
    let colon = address.iter().position(|&byte| byte == b':').map_or(0, |colon| colon.saturating_add(1));
    let (scheme, rest) = address.split_at_checked(colon).unwrap_or((&[], address));
    let Some(at) = rest.iter().rposition(|&byte| byte == b'@') else {
        let host = if scheme == b"tel:" { &[][..] } else { rest };
        let shown = if scheme == b"tel:" { b"?" } else { rest };
        return ([scheme, shown].concat(), host);
    };
    let host = rest.get(at.saturating_add(1)..).unwrap_or_default();
    ([scheme, b"?@", host].concat(), host)
}

/// How many requests are remembered to know repetitions.
const MAX_REMEMBERED: usize = 128;
