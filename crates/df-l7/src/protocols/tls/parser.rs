//! Follows a handshake through the records of both directions, as long as they are in clear.

use std::sync::Arc;

use df_core::{Direction, Timestamp, Transport};

use super::client;
use super::detect;
use super::handshake::{self, Fragment, HandshakeReader};
use super::names::draft_number;
use super::server::{Failure, Flight, Progress, Sender};
use super::wire::{
    self, ClientHello, RECORD_HEADER_BYTES, RecordHeader, ServerHello, handshake_kind, record,
};
use crate::{
    ConnectionConfig, Input, Message, ParseError, ParseErrorReason, Parsed, Parser, Request, Response,
};

/// Reads the handshake of one connection. What comes behind it is passed over, however much is missing of it.
#[derive(Debug)]
pub struct TlsParser {
    max_text_bytes: usize,
    readers: [HandshakeReader; 2],
    /// Per direction: whether nothing that follows can be read, or need be.
    is_over: [bool; 2],
    /// Whether the client's hello was seen.
    has_asked: bool,
    /// When the client's hello began, and when the newest record of the server did.
    asked_at: Option<Timestamp>,
    answered_at: Timestamp,
    /// The server's answer so far.
    flight: Option<Box<Flight>>,
}

/// What the handshake messages of one record amount to.
#[derive(Debug, Default)]
struct Told {
    request: Option<Request>,
    is_answered: bool,
    /// Whether a message makes no sense in clear: it is encrypted, or no handshake message at all.
    is_encrypted: bool,
}

impl TlsParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        Self {
            max_text_bytes: config.max_attribute_bytes,
            readers: <[HandshakeReader; 2]>::default(),
            is_over: [false, false],
            has_asked: false,
            asked_at: None,
            answered_at: Timestamp::ZERO,
            flight: None,
        }
    }

    /// Keeps the time of a record that begins, as far as a handshake goes by it.
    fn note_time(&mut self, direction: Direction, seen_at: Timestamp) {
        match direction {
            Direction::ToServer if !self.has_asked && !self.reader(direction).has_begun() => {
                self.asked_at = Some(seen_at).filter(|time| *time != Timestamp::ZERO);
            }
            Direction::ToServer => {}
            Direction::ToClient => self.answered_at = seen_at,
        }
    }

    fn parse_handshake(&mut self, direction: Direction, input: Input<'_>, header: RecordHeader) -> Parsed {
        let consumed = header.total_bytes();
        if input.bytes.len() < consumed && !input.is_final() {
            return Parsed::Incomplete { needed: consumed };
        }
        let missing = consumed.saturating_sub(input.bytes.len());
        let bytes = input.bytes.get(..consumed).unwrap_or(input.bytes);
        let bytes = bytes.get(RECORD_HEADER_BYTES..).unwrap_or_default();
        let told = self.read(direction, |reader, tell| reader.read(Fragment { bytes, missing }, tell));
        self.conclude(direction, told, consumed)
    }

    /// What is to be done about a record, after what its messages amount to.
    fn conclude(&mut self, direction: Direction, told: Told, consumed: usize) -> Parsed {
        if told.is_encrypted {
            self.end(direction);
        }
        if let Some(request) = told.request {
            return Parsed::Message { consumed, message: Message::request(request) };
        }
        if direction == Direction::ToClient
            && (told.is_answered || told.is_encrypted)
            && let Some(response) = self.answer(Progress::Encrypted)
        {
            return Parsed::Message { consumed, message: Message::response(response) };
        }
        let is_part = match direction {
            Direction::ToServer => !self.has_asked && self.reader(direction).has_begun(),
            Direction::ToClient => self.flight.is_some() || self.reader(direction).has_begun(),
        };
        if is_part {
            return Parsed::Part { consumed };
        }
        let is_over = self.is_over[direction.index()];
        Parsed::Skipped { consumed: if is_over { usize::MAX } else { consumed } }
    }

    /// Lets the reader of a direction tell its messages.
    fn read(
        &mut self,
        direction: Direction,
        read: impl FnOnce(&mut HandshakeReader, &mut dyn FnMut(handshake::Message<'_>)),
    ) -> Told {
        let mut reader = std::mem::take(self.reader(direction));
        let mut told = Told::default();
        read(&mut reader, &mut |message| self.handle_handshake(direction, message, &mut told));
        *self.reader(direction) = reader;
        told
    }

    fn handle_handshake(&mut self, direction: Direction, message: handshake::Message<'_>, told: &mut Told) {
        let handshake::Message { kind, body } = message;
        if told.is_encrypted || told.is_answered {
            return;
        }
        match (direction, kind) {
            (Direction::ToServer, handshake_kind::CLIENT_HELLO) => self.handle_client_hello(body, told),
            (Direction::ToClient, handshake_kind::SERVER_HELLO) => match ServerHello::read(body) {
                Some(hello) if is_version(hello.version) => {
                    let max_text_bytes = self.max_text_bytes;
                    told.is_answered = self.flight().handle_hello(&hello, max_text_bytes);
                }
                Some(_) => told.is_encrypted = true,
                None => {}
            },
            (Direction::ToClient, handshake_kind::HELLO_RETRY_REQUEST) => self.flight().ask_again(),
            (Direction::ToClient, handshake_kind::CERTIFICATE) => {
                let max_text_bytes = self.max_text_bytes;
                self.flight().handle_certificate(Sender::Server, body, max_text_bytes);
            }
            (Direction::ToServer, handshake_kind::CERTIFICATE) => {
                if let Some(flight) = &mut self.flight {
                    flight.handle_certificate(Sender::Client, body, self.max_text_bytes);
                }
            }
            (Direction::ToClient, handshake_kind::SERVER_KEY_EXCHANGE) => {
                self.flight().handle_key_exchange(body);
            }
            (Direction::ToClient, handshake_kind::SERVER_HELLO_DONE) => self.flight().handle_hello_done(),
            (_, kind) => told.is_encrypted = !is_handshake_kind(kind),
        }
    }

    fn handle_client_hello(&mut self, body: &[u8], told: &mut Told) {
        let hello = ClientHello::read(body).filter(|hello| is_version(hello.version));
        told.is_encrypted = hello.is_none();
        // A second hello is the answer to a retry request.
        if let Some(hello) = hello.filter(|_| !self.has_asked) {
            self.has_asked = true;
            told.request = Some(client::request(&hello, self.max_text_bytes));
        }
    }

    /// An alert in clear has two bytes; what is longer is encrypted.
    fn parse_alert(&mut self, direction: Direction, input: Input<'_>, header: RecordHeader) -> Parsed {
        let consumed = header.total_bytes();
        if header.len != ALERT_BYTES {
            return self.parse_encrypted(direction, consumed);
        }
        let Some(&[level, description]) = input.bytes.get(RECORD_HEADER_BYTES..consumed) else {
            return if input.is_final() {
                self.parse_encrypted(direction, consumed)
            } else {
                Parsed::Incomplete { needed: consumed }
            };
        };
        let is_fatal = level == FATAL || description == CLOSE_NOTIFY;
        let is_expected = self.flight.is_some() || (direction == Direction::ToClient && self.has_asked);
        if !is_fatal || !is_expected {
            return self.conclude(direction, Told::default(), consumed);
        }
        self.end(direction);
        let sender = if direction == Direction::ToServer { Sender::Client } else { Sender::Server };
        self.flight().fail(Failure { sender, description });
        self.conclude(direction, Told { is_answered: true, ..Told::default() }, consumed)
    }

    /// From here on this direction is encrypted.
    fn parse_encrypted(&mut self, direction: Direction, consumed: usize) -> Parsed {
        self.conclude(direction, Told { is_encrypted: true, ..Told::default() }, consumed)
    }

    /// A hello in an SSL 2 record, which offers newer versions; the server answers in the newer form.
    fn parse_version_2(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let Some(len) = wire::short_record_len(input.bytes) else {
            return incomplete(input, 2);
        };
        let consumed = len.saturating_add(2);
        if input.bytes.len() < consumed && !input.is_final() {
            return Ok(Parsed::Incomplete { needed: consumed });
        }
        let hello = input.bytes.get(2..).and_then(ClientHello::read_version_2);
        let is_expected = direction == Direction::ToServer && !self.has_asked;
        let hello =
            hello.filter(|_| is_expected).ok_or(ParseError::new(0, ParseErrorReason::InvalidValue))?;
        self.has_asked = true;
        let message = Message::request(client::request(&hello, self.max_text_bytes));
        Ok(Parsed::Message { consumed, message })
    }

    /// The response, if an answer was seen; nothing of the server is read any more.
    fn answer(&mut self, progress: Progress) -> Option<Response> {
        let flight = self.flight.take()?;
        self.end(Direction::ToClient);
        // The end of a handshake alone tells nothing of what was agreed on.
        let flight = (flight.has_chosen() || self.has_asked).then_some(flight)?;
        let asked_at = self.asked_at.filter(|_| self.has_asked);
        Some(flight.into_response(progress, asked_at.map(|asked_at| self.answered_at.since(asked_at))))
    }

    fn end(&mut self, direction: Direction) {
        self.is_over[direction.index()] = true;
        self.reader(direction).forget();
    }

    fn awaits_second_hello(&self) -> bool {
        self.flight.as_ref().is_some_and(|flight| flight.is_retry())
    }

    fn flight(&mut self) -> &mut Flight {
        self.flight.get_or_insert_default()
    }

    fn reader(&mut self, direction: Direction) -> &mut HandshakeReader {
        match direction {
            Direction::ToServer => &mut self.readers[0],
            Direction::ToClient => &mut self.readers[1],
        }
    }
}

impl Parser for TlsParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        if self.is_over[direction.index()] {
            return Ok(Parsed::Skipped { consumed: usize::MAX });
        }
        self.note_time(direction, input.timestamp);
        if input.bytes.first().is_some_and(|first| first & 0x80 != 0) {
            return self.parse_version_2(direction, input);
        }
        let Some(header) = RecordHeader::read(input.bytes) else {
            return incomplete(input, RECORD_HEADER_BYTES);
        };
        if !header.is_plausible() {
            return Err(ParseError::new(0, ParseErrorReason::InvalidValue));
        }
        Ok(match header.kind {
            record::HANDSHAKE => self.parse_handshake(direction, input, header),
            record::ALERT => self.parse_alert(direction, input, header),
            record::HEARTBEAT => self.conclude(direction, Told::default(), header.total_bytes()),
            // Sent behind a retry request for the sake of devices in between (RFC 8446 appendix D.4).
            record::CHANGE_CIPHER_SPEC if direction == Direction::ToClient && self.awaits_second_hello() => {
                self.conclude(direction, Told::default(), header.total_bytes())
            }
            _ => self.parse_encrypted(direction, header.total_bytes()),
        })
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        self.is_over[direction.index()] || detect::is_record_start(direction, bytes)
    }

    fn interrupt(&mut self, direction: Direction) -> Option<Message> {
        let told = self.read(direction, |reader, tell| reader.interrupt(tell));
        self.reader(direction).forget();
        if let Some(request) = told.request {
            return Some(Message::request(request));
        }
        let progress = if told.is_answered { Progress::Encrypted } else { Progress::Unknown };
        let response = (direction == Direction::ToClient).then(|| self.answer(progress)).flatten();
        response.map(Message::response)
    }
}

fn incomplete(input: Input<'_>, needed: usize) -> Result<Parsed, ParseError> {
    if input.is_final() {
        return Err(ParseError::new(input.bytes.len(), ParseErrorReason::UnexpectedEnd));
    }
    Ok(Parsed::Incomplete { needed })
}

/// Whether a hello may name this version.
fn is_version(version: u16) -> bool {
    matches!(version, 0x0002 | 0x0300..=0x0304) || draft_number(version).is_some()
}

/// The kinds of handshake message of all versions (IANA), beside those that no one sends in clear.
const fn is_handshake_kind(kind: u8) -> bool {
    matches!(kind, 0..=6 | 8 | 11..=16 | 20..=25 | 67 | 203)
}

const ALERT_BYTES: usize = 2;
const FATAL: u8 = 2;
const CLOSE_NOTIFY: u8 = 0;
