//! Reads Dns messages.

use std::sync::Arc;

use df_core::{Direction, Transport};

use crate::{ConnectionConfig, Input, ParseError, ParseErrorReason, Parsed, Parser};

/// Reads Dns messages.
#[derive(Debug)]
pub struct DnsParser {}

impl DnsParser {
    /// A parser for one connection.
    pub fn new(_config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        Self {}
    }
}

impl Parser for DnsParser {
    fn parse(&mut self, _direction: Direction, _input: Input<'_>) -> Result<Parsed, ParseError> {
        Err(ParseError::new(0, ParseErrorReason::InvalidValue))
    }

    fn is_message_start(&self, _direction: Direction, _bytes: &[u8]) -> bool {
        false
    }
}
