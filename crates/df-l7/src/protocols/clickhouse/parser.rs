//! Follows the packets of a connection: one query at a time, with blocks of data in either direction.

use std::sync::Arc;

use df_core::{Direction, Transport};

use crate::sql::cut_text;
use crate::{
    ConnectionConfig, Cursor, Input, Message, ParseError, ParseErrorReason, Parsed, Parser, Recovery,
};

use super::block::{Block, Step};
use super::detect::is_packet_start;
use super::request::{ClientHello, Query, plain};
use super::response;
use super::wire::{MAX_TEXT_BYTES, revision, text};

/// Reads ClickHouse's native protocol.
#[derive(Debug)]
pub struct ClickHouseParser {
    config: Arc<ConnectionConfig>,
    client_revision: Option<u64>,
    /// What both ends speak, once both hellos were seen.
    revision: Option<u64>,
    database: Option<String>,
    /// Whether the blocks of the query at hand are compressed.
    is_compressed: bool,
    /// The blocks being walked over, per direction.
    blocks: [Option<Block>; 2],
    /// The rows that the server has counted for the query at hand.
    rows: Option<u64>,
    /// Whether the client's hello has a second part that was not seen yet.
    awaits_addendum: bool,
    /// Whether a query was seen and its answer's end not.
    is_asked: bool,
}

/// A packet, as far as it is there.
#[allow(clippy::large_enum_variant, reason = "moved once")]
enum Packet {
    Message(Message),
    /// It goes on, or says nothing.
    Part,
    /// A block of data follows.
    Data {
        is_compressed: bool,
    },
}

impl ClickHouseParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        Self {
            config: Arc::clone(config),
            client_revision: None,
            revision: None,
            database: None,
            is_compressed: false,
            blocks: [None, None],
            rows: None,
            awaits_addendum: false,
            is_asked: false,
        }
    }

    fn walk(
        &mut self,
        direction: Direction,
        mut block: Block,
        input: Input<'_>,
    ) -> Result<Parsed, ParseError> {
        let mut position = 0_usize;
        loop {
            let rest = input.bytes.get(position..).unwrap_or_default();
            let is_behind = rest.is_empty() && position > 0;
            let step = if is_behind { Step::Needed(1) } else { block.step(rest) };
            match step {
                Step::Consumed(len) => position = position.saturating_add(len),
                Step::Done if position > 0 => return Ok(part(direction, position)),
                Step::Done => return self.packet(direction, input),
                Step::Needed(needed) if position == 0 => {
                    self.blocks[direction.index()] = Some(block);
                    return Ok(missing(input, needed));
                }
                Step::Needed(_) => {
                    self.blocks[direction.index()] = Some(block);
                    return Ok(part(direction, position));
                }
                Step::Lost => return Err(ParseError::new(position, ParseErrorReason::InvalidValue)),
            }
        }
    }

    fn packet(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let mut cursor = Cursor::new(input.bytes);
        let number = cursor.u8().unwrap_or_default();
        let read = match direction {
            Direction::ToServer => self.client_packet(number, &mut cursor),
            Direction::ToClient => self.server_packet(number, &mut cursor),
        };
        let read = read.map_err(|reason| ParseError::new(0, reason))?;
        let consumed = cursor.position();
        match read {
            Some(Packet::Message(message)) => Ok(Parsed::Message { consumed, message }),
            Some(Packet::Part) => Ok(part(direction, consumed)),
            Some(Packet::Data { is_compressed }) => {
                let revision = self.revision.unwrap_or(ASSUMED_REVISION);
                self.blocks[direction.index()] = Some(Block::new(is_compressed, revision, direction));
                Ok(part(direction, consumed))
            }
            None if input.bytes.len() > MAX_TEXT_BYTES => {
                Err(ParseError::new(0, ParseErrorReason::LimitExceeded))
            }
            None => Ok(missing(input, input.bytes.len().saturating_add(1))),
        }
    }

    /// Reads a packet of the client. None: more bytes are needed.
    fn client_packet(
        &mut self,
        number: u8,
        cursor: &mut Cursor<'_>,
    ) -> Result<Option<Packet>, ParseErrorReason> {
        if std::mem::take(&mut self.awaits_addendum) {
            // The second part of the hello is a quota key, which is hardly ever there.
            if number == 0 {
                return Ok(Some(Packet::Part));
            }
        }
        Ok(match number {
            0 => {
                let Some(hello) = ClientHello::read(cursor) else { return Ok(None) };
                self.client_revision = Some(hello.revision);
                let database = cut_text(hello.database, self.config.max_attribute_bytes);
                self.database = Some(database).filter(|database| !database.is_empty());
                Some(Packet::Message(Message::request(plain("HELLO", self.database.as_deref()))))
            }
            1 => {
                let Some(query) = Query::read(cursor, self.revision) else { return Ok(None) };
                self.revision.get_or_insert(query.revision);
                (self.is_compressed, self.is_asked, self.rows) = (query.is_compressed, true, None);
                let request = query.into_request(self.database.as_deref(), &self.config);
                Some(Packet::Message(Message::request(request)))
            }
            2 | 7 => text(cursor).map(|_table| Packet::Data { is_compressed: self.is_compressed }),
            3 => Some(Packet::Part),
            4 => Some(Packet::Message(Message::request(plain("PING", self.database.as_deref())))),
            _ => return Err(ParseErrorReason::InvalidValue),
        })
    }

    /// Reads a packet of the server. None: more bytes are needed.
    fn server_packet(
        &mut self,
        number: u8,
        cursor: &mut Cursor<'_>,
    ) -> Result<Option<Packet>, ParseErrorReason> {
        let revision = self.revision.unwrap_or(ASSUMED_REVISION);
        Ok(match number {
            0 => {
                let Some(revision) = response::hello(cursor, self.client_revision) else { return Ok(None) };
                self.revision = Some(revision);
                self.awaits_addendum = revision >= revision::ADDENDUM;
                Some(Packet::Message(Message::response(response::success(None))))
            }
            1 | 7 | 8 => text(cursor).map(|_table| Packet::Data { is_compressed: self.is_compressed }),
            10 | 14 => text(cursor).map(|_table| Packet::Data { is_compressed: false }),
            2 => response::exception(cursor, &self.config).map(|response| {
                self.is_asked = false;
                Packet::Message(Message::response(response))
            }),
            3 => response::skip_progress(cursor, revision).map(|()| Packet::Part),
            4 => Some(Packet::Message(Message::response(response::success(None)))),
            5 => {
                self.is_asked = false;
                Some(Packet::Message(Message::response(response::success(self.rows.take()))))
            }
            6 => response::profile_rows(cursor, revision).map(|rows| {
                self.rows = Some(rows);
                Packet::Part
            }),
            11 => text(cursor).and_then(|_name| text(cursor)).map(|_columns| Packet::Part),
            _ => return Err(ParseErrorReason::InvalidValue),
        })
    }
}

impl Parser for ClickHouseParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        match self.blocks[direction.index()].take() {
            Some(block) => self.walk(direction, block, input),
            None => self.packet(direction, input),
        }
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        is_packet_start(direction, bytes, self.revision) || (self.is_asked && is_end(direction, bytes))
    }

    fn on_gap(&mut self, direction: Direction) -> Recovery {
        self.blocks[direction.index()] = None;
        Recovery::Resynchronize
    }

    fn interrupt(&mut self, direction: Direction) -> Option<Message> {
        self.blocks[direction.index()] = None;
        None
    }
}

/// The end of an answer whose middle was lost: one byte by itself.
fn is_end(direction: Direction, bytes: &[u8]) -> bool {
    direction == Direction::ToClient && bytes == [5]
}

/// A server's packets are parts of its answer; a client's data belongs to the query before it.
fn part(direction: Direction, consumed: usize) -> Parsed {
    match direction {
        Direction::ToServer => Parsed::Skipped { consumed },
        Direction::ToClient => Parsed::Part { consumed },
    }
}

/// More bytes are needed; of a final input, which has none, nothing can be made.
fn missing(input: Input<'_>, needed: usize) -> Parsed {
    if input.is_final() {
        return Parsed::Skipped { consumed: input.bytes.len() };
    }
    Parsed::Incomplete { needed }
}

/// What a server speaks whose hello was not seen, nor a query.
const ASSUMED_REVISION: u64 = 54_460;
