//! Reads Dubbo messages.

use std::sync::Arc;

use df_core::Direction;

use super::wire::{HEADER_BYTES, Header, detect};
use super::{invocation, outcome};
use crate::{ConnectionConfig, Detection, Input, Message, ParseError, ParseErrorReason, Parsed, Parser, rpc};

/// Reads Dubbo messages.
#[derive(Debug)]
pub struct DubboParser {
    config: Arc<ConnectionConfig>,
}

impl DubboParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>) -> Self {
        Self { config: Arc::clone(config) }
    }
}

impl Parser for DubboParser {
    fn parse(&mut self, _direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let Some(header) = Header::read(input.bytes) else {
            if input.bytes.len() < HEADER_BYTES && !input.is_final() {
                return Ok(Parsed::Incomplete { needed: HEADER_BYTES });
            }
            return Err(ParseError::new(0, ParseErrorReason::InvalidValue));
        };
        let consumed = HEADER_BYTES.saturating_add(header.body_len);
        if header.is_event() {
            return Ok(Parsed::Skipped { consumed });
        }
        let wanted = if header.is_request() { MAX_REQUEST_BYTES } else { MAX_RESPONSE_BYTES };
        let needed = HEADER_BYTES + header.body_len.min(wanted);
        if input.bytes.len() < needed && !input.is_final() {
            return Ok(Parsed::Incomplete { needed });
        }
        let body = input.bytes.get(HEADER_BYTES..).unwrap_or_default();
        let body = body.get(..needed - HEADER_BYTES).unwrap_or(body);
        let message = if header.is_request() {
            let request = invocation::request(&header, body, &self.config);
            if !rpc::may_be_given(&request, input, needed) {
                return Ok(Parsed::Skipped { consumed });
            }
            if header.is_two_way() { Message::request(request) } else { Message::one_way(request) }
        } else {
            Message::response(outcome::response(&header, body, &self.config))
        };
        Ok(Parsed::Message { consumed, message: message.with_id(header.id) })
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        // Both ends may ask: a server calls back its client.
        let may_start = detect(df_core::Transport::Tcp, direction, bytes);
        matches!(may_start, Detection::Match(_))
    }
}

/// How much of a request's body is looked at: the attachments stand behind the arguments.
const MAX_REQUEST_BYTES: usize = 32 << 10;
/// How much of a response's body is looked at.
const MAX_RESPONSE_BYTES: usize = 4 << 10;
