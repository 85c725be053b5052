//! Reads Bolt messages.

use std::sync::Arc;

use df_core::{Direction, Transport};

use super::call;
use super::wire::{Header, Kind, MAX_HEADER_BYTES, detect};
use crate::{ConnectionConfig, Detection, Input, Message, ParseError, ParseErrorReason, Parsed, Parser, rpc};

/// Reads the Bolt messages of SOFARPC.
#[derive(Debug)]
pub struct SofarpcParser {
    config: Arc<ConnectionConfig>,
}

impl SofarpcParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>) -> Self {
        Self { config: Arc::clone(config) }
    }
}

impl Parser for SofarpcParser {
    fn parse(&mut self, _direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let Some(header) = Header::read(input.bytes) else {
            if input.bytes.len() < MAX_HEADER_BYTES && !input.is_final() {
                return Ok(Parsed::Incomplete { needed: input.bytes.len() + 1 });
            }
            return Err(ParseError::new(0, ParseErrorReason::InvalidValue));
        };
        let consumed = header.message_len();
        if header.is_heartbeat {
            return Ok(Parsed::Skipped { consumed });
        }
        let wanted = header.len + header.class_len + header.fields_len + MAX_CONTENT_BYTES;
        let message = match rpc::frame(input, consumed, wanted) {
            Ok(message) => message,
            Err(needed) => return Ok(Parsed::Incomplete { needed }),
        };
        let message = match header.kind {
            Kind::Response => Message::response(call::response(&header, message, &self.config)),
            kind => {
                let request = call::request(&header, message, &self.config);
                if !rpc::may_be_given(&request, input, consumed.min(wanted)) {
                    return Ok(Parsed::Skipped { consumed });
                }
                if kind == Kind::OneWay { Message::one_way(request) } else { Message::request(request) }
            }
        };
        Ok(Parsed::Message { consumed, message: message.with_id(u64::from(header.id)) })
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        matches!(detect(Transport::Tcp, direction, bytes), Detection::Match(_))
    }
}

/// How much of a content is looked at.
const MAX_CONTENT_BYTES: usize = 2 << 10;
