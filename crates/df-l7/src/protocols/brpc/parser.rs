//! Reads the frames of `baidu_std`.

use std::sync::Arc;

use df_core::{Direction, Transport};

use super::meta;
use super::wire::{HEADER_BYTES, Header, detect};
use crate::{ConnectionConfig, Content, Detection, Input, ParseError, ParseErrorReason, Parsed, Parser, rpc};

/// Reads the frames of bRPC.
#[derive(Debug)]
pub struct BrpcParser {
    config: Arc<ConnectionConfig>,
}

impl BrpcParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>) -> Self {
        Self { config: Arc::clone(config) }
    }
}

impl Parser for BrpcParser {
    fn parse(&mut self, _direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let Some(header) = Header::read(input.bytes) else {
            if input.bytes.len() < HEADER_BYTES && !input.is_final() {
                return Ok(Parsed::Incomplete { needed: HEADER_BYTES });
            }
            return Err(ParseError::new(0, ParseErrorReason::InvalidValue));
        };
        let consumed = header.frame_len;
        if header.is_stream {
            return Ok(Parsed::Skipped { consumed });
        }
        let wanted = HEADER_BYTES + header.meta_len.min(MAX_META_BYTES);
        let frame = match rpc::frame(input, consumed, wanted) {
            Ok(frame) => frame,
            Err(needed) => return Ok(Parsed::Incomplete { needed }),
        };
        let is_cut = frame.len() < wanted;
        Ok(match meta::message(frame.get(HEADER_BYTES..).unwrap_or_default(), &self.config) {
            // The identifier is among the last fields.
            Some(message) if !is_cut && may_be_given(&message.content, input, wanted) => {
                Parsed::Message { consumed, message }
            }
            _ => Parsed::Skipped { consumed },
        })
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        matches!(detect(Transport::Tcp, direction, bytes), Detection::Match(_))
    }
}

fn may_be_given(content: &Content, input: Input<'_>, wanted: usize) -> bool {
    match content {
        Content::Request(request) | Content::OneWay(request) => {
            rpc::may_be_given(&request.content, input, wanted)
        }
        Content::Response(_) => true,
    }
}

/// How much of the meta data is looked at.
const MAX_META_BYTES: usize = 16 << 10;
