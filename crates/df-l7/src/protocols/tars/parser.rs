//! Reads Tars packets.

use std::sync::Arc;

use df_core::{Direction, Transport};

use super::packet::{self, detect, packet_len};
use crate::{ConnectionConfig, Content, Detection, Input, ParseError, ParseErrorReason, Parsed, Parser, rpc};

/// Reads Tars packets.
#[derive(Debug)]
pub struct TarsParser {
    config: Arc<ConnectionConfig>,
}

impl TarsParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>) -> Self {
        Self { config: Arc::clone(config) }
    }
}

impl Parser for TarsParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let Some(consumed) = packet_len(input.bytes) else {
            if input.bytes.len() < LENGTH_BYTES && !input.is_final() {
                return Ok(Parsed::Incomplete { needed: LENGTH_BYTES });
            }
            return Err(ParseError::new(0, ParseErrorReason::InvalidLength));
        };
        let bytes = match rpc::frame(input, consumed, MAX_READ_BYTES) {
            Ok(bytes) => bytes,
            Err(needed) => return Ok(Parsed::Incomplete { needed }),
        };
        let wanted = consumed.min(MAX_READ_BYTES);
        Ok(match packet::message(bytes, direction, &self.config) {
            Some(message) if may_be_given(&message.content, input, wanted) => {
                Parsed::Message { consumed, message }
            }
            None if bytes.len() == consumed => {
                return Err(ParseError::new(4, ParseErrorReason::InvalidValue));
            }
            _ => Parsed::Skipped { consumed },
        })
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        matches!(detect(Transport::Tcp, direction, bytes), Detection::Match(found) if !found.reversed)
    }
}

/// Of a packet that was lost in part nothing is known of how it went.
fn may_be_given(content: &Content, input: Input<'_>, wanted: usize) -> bool {
    match content {
        Content::Request(request) | Content::OneWay(request) => {
            rpc::may_be_given(&request.content, input, wanted)
        }
        Content::Response(_) => {
            input.bytes.len() >= wanted || !matches!(input.ending, crate::Ending::Lost(_))
        }
    }
}

const LENGTH_BYTES: usize = 4;
/// How much of a packet is looked at: context and status stand behind the arguments.
const MAX_READ_BYTES: usize = 32 << 10;
