//! Reads MySQL's and MariaDB's messages.

use std::sync::Arc;

use df_core::{Direction, Transport};

use super::compressed::{Unwrapper, Wrapping, begins_compressed, is_frame_start, wrapping};
use super::conversation::{Conversation, Secrecy};
use super::detect;
use crate::{ConnectionConfig, Input, Message, ParseError, Parsed, Parser, Recovery};

/// Reads MySQL's and MariaDB's messages: the login and every command with its whole response.
///
/// Rows are counted and passed over; nothing of them is kept. Memory: the prepared statements (at most 1,024 and
/// 512 KiB) and the commands whose response is due (at most 256).
#[derive(Debug)]
pub struct MysqlParser {
    conversation: Conversation,
    compression: Option<Box<[Unwrapper; 2]>>,
    /// Whether anything was read yet.
    has_begun: bool,
    /// Whether what waits to be read begins as a compressed frame does.
    seems_framed: bool,
}

impl MysqlParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        Self {
            conversation: Conversation::new(config),
            compression: None,
            has_begun: false,
            seems_framed: false,
        }
    }

    /// The login tells whether what follows is compressed; in mid-stream only the bytes can. Gives how many are needed
    /// for that.
    fn prepare(&mut self, direction: Direction, input: Input<'_>) -> Option<usize> {
        if !self.has_begun {
            match wrapping(direction, input, self.seems_framed) {
                Wrapping::Unknown { needed } => {
                    self.seems_framed |= begins_compressed(input.bytes);
                    return Some(needed);
                }
                Wrapping::Framed => self.conversation.secrecy = Secrecy::Zlib,
                Wrapping::Plain => {}
            }
        }
        self.has_begun = true;
        match self.conversation.secrecy {
            Secrecy::Zlib => {
                self.compression.get_or_insert_default();
            }
            Secrecy::Plain | Secrecy::Tls | Secrecy::Zstandard => self.compression = None,
        }
        None
    }
}

impl Parser for MysqlParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        if self.conversation.secrecy == Secrecy::Zstandard {
            return Ok(Parsed::Skipped { consumed: usize::MAX });
        }
        if let Some(needed) = self.prepare(direction, input) {
            return Ok(Parsed::Incomplete { needed });
        }
        let unwrapper = self.compression.as_mut().and_then(|both| both.get_mut(direction.index()));
        match unwrapper {
            Some(unwrapper) => unwrapper.read(&mut self.conversation, direction, input),
            None => self.conversation.read(direction, input),
        }
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        match self.conversation.secrecy {
            Secrecy::Zlib => is_frame_start(direction, bytes),
            Secrecy::Plain | Secrecy::Tls | Secrecy::Zstandard => detect::is_start(direction, bytes),
        }
    }

    fn on_gap(&mut self, direction: Direction) -> Recovery {
        if let Some(unwrapper) = self.compression.as_mut().and_then(|both| both.get_mut(direction.index())) {
            unwrapper.on_gap();
        }
        self.conversation.on_gap(direction);
        Recovery::Resynchronize
    }

    fn interrupt(&mut self, direction: Direction) -> Option<Message> {
        self.conversation.interrupt(direction)
    }

    fn has_ended(&self) -> bool {
        self.conversation.secrecy == Secrecy::Tls
    }

    /// The greeting was in clear, and the login that answers it is not.
    fn inside_tls(&mut self) -> Option<Box<dyn Parser>> {
        let mut conversation = Conversation::new(&self.conversation.config);
        std::mem::swap(&mut conversation, &mut self.conversation);
        // This one is done with: it stays as it ended.
        self.conversation.secrecy = Secrecy::Tls;
        conversation.secrecy = Secrecy::Plain;
        Some(Box::new(Self { conversation, compression: None, has_begun: true, seems_framed: false }))
    }
}
