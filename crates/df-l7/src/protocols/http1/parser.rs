//! Reads Http1 messages.

use std::sync::Arc;

use df_core::{Direction, Transport};

use crate::{ConnectionConfig, Input, ParseError, ParseErrorReason, Parsed, Parser};

/// Reads Http1 messages.
#[derive(Debug)]
pub struct Http1Parser {}

impl Http1Parser {
    /// A parser for one connection.
    pub fn new(_config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        Self {}
    }
}

impl Parser for Http1Parser {
    fn parse(&mut self, _direction: Direction, _input: Input<'_>) -> Result<Parsed, ParseError> {
        Err(ParseError::new(0, ParseErrorReason::InvalidValue))
    }

    fn is_message_start(&self, _direction: Direction, _bytes: &[u8]) -> bool {
        false
    }
}
