//! Reads Redis messages.

use std::sync::Arc;

use df_core::{Direction, Transport};

use crate::{ConnectionConfig, Input, ParseError, ParseErrorReason, Parsed, Parser};

/// Reads Redis messages.
#[derive(Debug)]
pub struct RedisParser {}

impl RedisParser {
    /// A parser for one connection.
    pub fn new(_config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        Self {}
    }
}

impl Parser for RedisParser {
    fn parse(&mut self, _direction: Direction, _input: Input<'_>) -> Result<Parsed, ParseError> {
        Err(ParseError::new(0, ParseErrorReason::InvalidValue))
    }

    fn is_message_start(&self, _direction: Direction, _bytes: &[u8]) -> bool {
        false
    }
}
