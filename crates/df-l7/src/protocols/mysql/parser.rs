//! Reads MySQL's and MariaDB's messages.

use std::sync::Arc;

use df_core::{Direction, Transport};

use super::conversation::{Conversation, Secrecy};
use super::detect;
use crate::{ConnectionConfig, Input, Message, ParseError, Parsed, Parser};

/// Reads MySQL's and MariaDB's messages: the login and every command with its whole response.
///
/// Rows are counted and passed over; nothing of them is kept. Memory: the prepared statements (at most 1,024 and
/// 512 KiB) and the commands whose response is due (at most 256).
#[derive(Debug)]
pub struct MysqlParser {
    conversation: Conversation,
}

impl MysqlParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        Self { conversation: Conversation::new(config) }
    }
}

impl Parser for MysqlParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        if self.conversation.secrecy == Secrecy::Zstandard {
            return Ok(Parsed::Skipped { consumed: usize::MAX });
        }
        match direction {
            Direction::ToServer => self.conversation.read_client(input),
            Direction::ToClient => self.conversation.read_server(input),
        }
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        match direction {
            Direction::ToServer => detect::is_client_start(bytes),
            Direction::ToClient => detect::is_server_start(bytes),
        }
    }

    fn on_gap(&mut self, direction: Direction) -> crate::Recovery {
        match direction {
            Direction::ToServer => self.conversation.on_client_gap(),
            Direction::ToClient => self.conversation.on_server_gap(),
        }
        crate::Recovery::Resynchronize
    }

    fn interrupt(&mut self, direction: Direction) -> Option<Message> {
        match direction {
            Direction::ToServer => None,
            Direction::ToClient => self.conversation.interrupt_response(),
        }
    }

    fn has_ended(&self) -> bool {
        self.conversation.secrecy == Secrecy::Tls
    }
}
