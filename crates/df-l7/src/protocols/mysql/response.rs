//! The server's half of the conversation: how a command went, packet by packet, without keeping any row.

use std::borrow::Cow;

use super::command::{self, Answer};
use super::conversation::{Conversation, Secrecy, body_of, incomplete};
use super::wire::{
    Capabilities, EOF, ERROR, Failure, Greeting, HEADER_BYTES, Header, LOCAL_INFILE, MAX_PACKET_BYTES, OK,
    STATUS_CURSOR_EXISTS, STATUS_MORE_RESULTS, STATUS_NO_BACKSLASH_ESCAPES, Success, read_length,
};
use crate::sql::Dialect;
use crate::{Cursor, Input, Message, ParseError, ParseErrorReason, Parsed, Response, ResponseStatus};

/// Where in a response the server is.
#[derive(Debug, Default)]
pub(super) struct Reading {
    stage: Stage,
    next_sequence_id: u8,
    /// Whether the next packet is the rest of a packet of the greatest length.
    continues: bool,
    affected_rows: Option<u64>,
    returned_rows: Option<u64>,
}

/// What the next packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    /// The first one of a response.
    #[default]
    Idle,
    /// The first one of another result in the same response.
    NextResult,
    /// A column definition.
    Columns { left: u64 },
    /// The EOF behind the column definitions, or the first row.
    BehindColumns,
    /// A row, or the end of rows.
    Rows,
    /// A definition of a prepared statement's parameter or column.
    Definitions { left: u32 },
    /// A column definition of COM_FIELD_LIST, or the end of them.
    Fields,
    /// What became of a file that the client sends.
    LocalInfile,
    /// Any, without end.
    Stream,
}

/// What a packet means for the response.
enum Step {
    /// It belongs to the response, which goes on.
    Part,
    /// It belongs to no response.
    Skipped,
    /// The response ends with it.
    Message(Message),
}

type Outcome = Result<Step, ParseError>;

impl Reading {
    pub(super) fn is_local_infile(&self) -> bool {
        self.stage == Stage::LocalInfile
    }

    /// A command ends a stream without end.
    pub(super) fn end_stream(&mut self) {
        if self.stage == Stage::Stream {
            self.stage = Stage::Idle;
        }
    }

    fn count_row(&mut self) {
        self.returned_rows = Some(self.returned_rows.unwrap_or_default().saturating_add(1));
    }
}

impl Conversation {
    /// Reads packets of the server, up to the end of a response.
    pub(super) fn read_server(&mut self, input: Input<'_>) -> Result<Parsed, ParseError> {
        if self.reading.stage == Stage::Rows && !self.reading.continues {
            let consumed = self.skip_rows(input.bytes);
            if consumed > 0 {
                return Ok(Parsed::Part { consumed });
            }
        }
        let Some(header) = Header::read(input.bytes) else { return incomplete(input, HEADER_BYTES) };
        let wanted = self.wanted_bytes(header, input.bytes.get(HEADER_BYTES).copied());
        let Some(body) = body_of(input, wanted) else {
            return Ok(Parsed::Incomplete { needed: HEADER_BYTES + wanted });
        };
        let consumed = header.total_bytes();
        let step = self.read_packet(header, body)?;
        Ok(match step {
            Step::Part => Parsed::Part { consumed },
            Step::Skipped => Parsed::Skipped { consumed },
            Step::Message(message) => Parsed::Message { consumed, message },
        })
    }

    /// Passes over rows: only their first byte matters. Gives how many bytes they take, perhaps more than there are.
    fn skip_rows(&mut self, bytes: &[u8]) -> usize {
        let is_numbered = self.is_numbered();
        let mut position = 0_usize;
        while let Some([low, middle, high, sequence_id, first, ..]) = bytes.get(position..) {
            let len = usize::from(*low) | usize::from(*middle) << 8 | usize::from(*high) << 16;
            let is_in_order = !is_numbered || *sequence_id == self.reading.next_sequence_id;
            if *first >= EOF || !(1..MAX_PACKET_BYTES).contains(&len) || !is_in_order {
                break;
            }
            self.reading.count_row();
            self.reading.next_sequence_id = sequence_id.wrapping_add(1);
            position = position.saturating_add(HEADER_BYTES + len);
        }
        position
    }

    pub(super) fn on_server_gap(&mut self) {
        self.reading.continues = false;
        self.may_have_missed_response = !self.expected.is_empty();
    }

    /// The response that was being read ends early: it had begun, so the command was being carried out.
    pub(super) fn interrupt_response(&mut self) -> Option<Message> {
        let has_begun = !matches!(self.reading.stage, Stage::Idle | Stage::Stream);
        self.reading.continues = false;
        self.may_have_missed_response |= !self.expected.is_empty();
        let message = has_begun.then(|| self.succeed());
        // Clients send a command once they have the response to the one before: only the newest can still wait.
        while self.expected.len() > 1 {
            self.expected.pop_front();
        }
        message
    }

    /// The flags say how the server reads backslashes.
    pub(super) fn handle_server_status(&mut self, status: u16) {
        let is_plain = status & STATUS_NO_BACKSLASH_ESCAPES != 0;
        self.dialect = if is_plain { Dialect::MysqlPlainBackslash } else { Dialect::Mysql };
    }

    /// How much of a packet must be seen to understand it.
    fn wanted_bytes(&self, header: Header, first: Option<u8>) -> usize {
        let is_meaningful =
            matches!(self.reading.stage, Stage::Idle | Stage::NextResult | Stage::LocalInfile)
                || first.is_some_and(|first| first >= EOF);
        let limit = if self.reading.continues || self.reading.stage == Stage::Stream {
            0
        } else if is_meaningful {
            MAX_SEEN_BYTES.min(self.config.max_buffered_bytes.saturating_sub(HEADER_BYTES)).max(1)
        } else {
            1
        };
        header.len.min(limit)
    }

    fn read_packet(&mut self, header: Header, body: &[u8]) -> Outcome {
        let continues = std::mem::replace(&mut self.reading.continues, header.len == MAX_PACKET_BYTES);
        self.check_sequence(header)?;
        self.reading.next_sequence_id = header.sequence_id.wrapping_add(1);
        if continues {
            return Ok(Step::Part);
        }
        let first = body.first().copied();
        let packet = Packet { header, first, body };
        if first == Some(ERROR)
            && let Some(failure) = Failure::read(body)
            && self.reading.stage != Stage::Stream
        {
            return Ok(self.handle_failure(&failure));
        }
        match self.reading.stage {
            Stage::Idle => self.read_first(&packet),
            Stage::NextResult => self.read_result(&packet),
            Stage::Columns { left } => {
                self.reading.stage = match left.saturating_sub(1) {
                    0 => Stage::BehindColumns,
                    left => Stage::Columns { left },
                };
                Ok(Step::Part)
            }
            Stage::BehindColumns => Ok(self.read_behind_columns(&packet)),
            Stage::Rows => Ok(self.read_row(&packet)),
            Stage::Definitions { left } => Ok(self.read_definition(&packet, left)),
            Stage::Fields if first == Some(EOF) => Ok(self.end_result(&packet)),
            Stage::Fields => Ok(Step::Part),
            Stage::LocalInfile => Ok(self.end_result(&packet)),
            Stage::Stream => Ok(Step::Skipped),
        }
    }

    /// Within compressed frames servers number packets as they like: MariaDB goes on with the number of the frame.
    fn is_numbered(&self) -> bool {
        self.secrecy == Secrecy::Plain
    }

    /// Packets of a response are numbered. A number 1 in the middle starts another response.
    fn check_sequence(&mut self, header: Header) -> Result<(), ParseError> {
        let is_checked = self.is_numbered()
            && !matches!(self.reading.stage, Stage::Idle | Stage::LocalInfile | Stage::Stream);
        if !is_checked || header.sequence_id == self.reading.next_sequence_id {
            return Ok(());
        }
        if header.sequence_id != 1 || self.expected.len() < 2 {
            return Err(ParseError::new(3, ParseErrorReason::UnexpectedMessage));
        }
        self.expected.pop_front();
        self.reading = Reading::default();
        Ok(())
    }

    fn read_first(&mut self, packet: &Packet<'_>) -> Outcome {
        if let Some(greeting) = Greeting::read(packet.body).filter(|_| packet.header.sequence_id == 0) {
            self.handle_greeting(&greeting);
            return Ok(Step::Skipped);
        }
        let is_end = packet.is_end();
        match self.expected.front().map(|expected| expected.command.answer) {
            Some(Answer::Results) => self.read_result(packet),
            Some(Answer::Simple) if packet.first == Some(OK) || is_end => Ok(self.end_result(packet)),
            Some(Answer::Login) => match packet.first {
                Some(OK) => Ok(self.end_result(packet)),
                Some(EOF | AUTHENTICATION_MORE) => Ok(Step::Skipped),
                _ => Err(unexpected()),
            },
            Some(Answer::Text) => Ok(self.end(Success::default())),
            Some(Answer::Prepared) if packet.first == Some(OK) => Ok(self.read_prepared(packet)),
            Some(Answer::Fields) if packet.first == Some(EOF) => Ok(self.end_result(packet)),
            Some(Answer::Fields) => Ok(self.part(Stage::Fields)),
            Some(Answer::Rows) => {
                self.reading.stage = Stage::Rows;
                self.reading.returned_rows = Some(0);
                Ok(self.read_row(packet))
            }
            Some(Answer::Stream) if packet.first == Some(OK) => {
                let step = self.end(Success::default());
                self.reading.stage = Stage::Stream;
                Ok(step)
            }
            None if packet.header.sequence_id == 1 => self.read_result(packet),
            None if is_end => Ok(Step::Skipped),
            _ => Err(unexpected()),
        }
    }

    fn read_result(&mut self, packet: &Packet<'_>) -> Outcome {
        let len = packet.header.len;
        match packet.first {
            Some(OK) if len >= MIN_OK_BYTES || packet.body.len() < len => Ok(self.end_result(packet)),
            Some(EOF) if packet.is_end() => Ok(self.end_result(packet)),
            Some(LOCAL_INFILE) => Ok(self.part(Stage::LocalInfile)),
            Some(_) if len <= MAX_COUNT_BYTES => {
                let Some((left, has_definitions)) = self.read_column_count(packet.body) else {
                    return Err(unexpected());
                };
                self.reading.returned_rows.get_or_insert(0);
                let stage = if has_definitions { Stage::Columns { left } } else { Stage::BehindColumns };
                Ok(self.part(stage))
            }
            _ => Err(unexpected()),
        }
    }

    /// How many columns a result has, and whether their definitions follow.
    fn read_column_count(&self, body: &[u8]) -> Option<(u64, bool)> {
        let capabilities = self.capabilities.unwrap_or_default();
        let mut cursor = Cursor::new(body);
        if capabilities.has(Capabilities::OPTIONAL_METADATA) && !self.server.is_mariadb {
            let has_definitions = cursor.u8()? != 0;
            return read_length(&mut cursor).map(|count| (count, has_definitions));
        }
        let count = read_length(&mut cursor).filter(|count| (1..=MAX_COLUMNS).contains(count))?;
        let has_flag =
            self.server.is_mariadb && capabilities.mariadb_flags & Capabilities::MARIADB_CACHE_METADATA != 0;
        let has_definitions = !has_flag || cursor.u8() != Some(0);
        cursor.rest().is_empty().then_some((count, has_definitions))
    }

    /// An EOF here says that the server does send them; anything else that it does not.
    fn read_behind_columns(&mut self, packet: &Packet<'_>) -> Step {
        if packet.first != Some(EOF) {
            self.omits_eof = Some(true);
            self.reading.stage = Stage::Rows;
            return self.read_row(packet);
        }
        if packet.header.len > MAX_PLAIN_EOF_BYTES {
            self.omits_eof = Some(true);
            return self.end_result(packet);
        }
        self.omits_eof = Some(false);
        if Success::read(packet.body, false).status & STATUS_CURSOR_EXISTS != 0 {
            return self.end_result(packet);
        }
        self.part(Stage::Rows)
    }

    fn read_row(&mut self, packet: &Packet<'_>) -> Step {
        let is_long_end = self.omits_eof == Some(true) && packet.first == Some(EOF);
        if packet.is_end() || is_long_end && packet.header.len < MAX_PACKET_BYTES {
            return self.end_result(packet);
        }
        self.reading.count_row();
        Step::Part
    }

    /// ```text
    /// | 0 | statement id: 4 | columns: 2 | parameters: 2 | 0 | warnings: 2 | definitions follow: 1, optional |
    /// ```
    fn read_prepared(&mut self, packet: &Packet<'_>) -> Step {
        let mut cursor = Cursor::new(packet.body.get(1..).unwrap_or_default());
        let (Some(id), Some(columns), Some(parameters)) = (cursor.u32_le(), cursor.u16_le(), cursor.u16_le())
        else {
            return self.end(Success::default());
        };
        if let Some(statement) = self.expected.front_mut().and_then(|expected| expected.prepared.take()) {
            self.statements.insert(id, statement);
        }
        let is_optional = self.capabilities.is_some_and(|known| known.has(Capabilities::OPTIONAL_METADATA));
        let has_definitions = !is_optional || self.server.is_mariadb || packet.body.get(12) != Some(&0);
        let left = u32::from(columns) + u32::from(parameters);
        if left == 0 || !has_definitions {
            return self.end(Success::default());
        }
        self.reading.stage = Stage::Definitions { left };
        Step::Part
    }

    fn read_definition(&mut self, packet: &Packet<'_>, left: u32) -> Step {
        if packet.is_end() {
            self.omits_eof = Some(false);
            return if left == 0 { self.end(Success::default()) } else { Step::Part };
        }
        let left = left.saturating_sub(1);
        if left == 0 && self.omits_eof != Some(false) {
            return self.end(Success::default());
        }
        self.part(Stage::Definitions { left })
    }

    fn part(&mut self, stage: Stage) -> Step {
        self.reading.stage = stage;
        Step::Part
    }

    /// An OK packet or one in its place: the end of a result, and of the response unless more results follow.
    fn end_result(&mut self, packet: &Packet<'_>) -> Step {
        let has_tracking = self.capabilities.is_some_and(|known| known.has(Capabilities::SESSION_TRACK));
        let success = Success::read(packet.body, has_tracking);
        self.handle_server_status(success.status);
        if let Some(rows) = success.affected_rows.filter(|_| packet.first == Some(OK)) {
            self.reading.affected_rows =
                Some(self.reading.affected_rows.unwrap_or_default().saturating_add(rows));
        }
        if success.status & STATUS_MORE_RESULTS != 0 {
            return self.part(Stage::NextResult);
        }
        self.end(success)
    }

    fn end(&mut self, success: Success<'_>) -> Step {
        let message = self.succeed();
        if let Some(schema) = success.schema {
            self.database = Some(self.attribute_text(schema));
        }
        Step::Message(message)
    }

    /// The command that was answered has succeeded.
    fn succeed(&mut self) -> Message {
        let reading = std::mem::take(&mut self.reading);
        self.reading.next_sequence_id = reading.next_sequence_id;
        let mut response = Response { status: ResponseStatus::Ok, ..Response::default() };
        if let Some(rows) = reading.returned_rows {
            let rows = i64::try_from(rows).unwrap_or(i64::MAX);
            response.attributes.push("db.response.returned_rows", rows);
        }
        let expected = self.expected.pop_front();
        let answer = expected.as_ref().map(|expected| expected.command.answer);
        if let Some(rows) = reading.affected_rows.filter(|_| matches!(answer, None | Some(Answer::Results))) {
            response.result = Some(format!("affected_rows={rows}"));
        }
        let Some(expected) = expected else { return Message::response(response) };
        if answer == Some(Answer::Login) {
            self.handle_logged_in();
        }
        if expected.database.is_some() {
            self.database = expected.database;
        }
        Message::response(response).with_id(expected.id)
    }

    fn handle_logged_in(&mut self) {
        let Some(capabilities) = self.capabilities.filter(|_| self.secrecy == Secrecy::Plain) else { return };
        if capabilities.has(Capabilities::COMPRESS) {
            self.secrecy = Secrecy::Zlib;
        } else if capabilities.has(Capabilities::ZSTD) {
            self.secrecy = Secrecy::Zstandard;
        }
    }

    fn handle_failure(&mut self, failure: &Failure<'_>) -> Step {
        if failure.is_progress_report() {
            return Step::Skipped;
        }
        self.reading = Reading { next_sequence_id: self.reading.next_sequence_id, ..Reading::default() };
        let code = failure.code.to_string();
        let refused = self.is_refused().then(|| Box::new(self.request(&command::LOGIN)));
        let mut response = Response {
            status: failure.status(),
            code: Some(Cow::Owned(code.clone())),
            exception: Some(self.attribute_text(&failure.text(self.config.obfuscation))),
            echoed_request: refused,
            ..Response::default()
        };
        response.attributes.push("db.response.status_code", code);
        let message = Message::response(response);
        Step::Message(match self.expected.pop_front() {
            Some(expected) => message.with_id(expected.id),
            None => message,
        })
    }

    /// Whether the packet at hand comes instead of a greeting: the client may not even log in.
    fn is_refused(&self) -> bool {
        self.has_just_begun() && self.reading.next_sequence_id == 1
    }
}

/// A packet, as far as it is seen.
struct Packet<'a> {
    header: Header,
    first: Option<u8>,
    body: &'a [u8],
}

impl Packet<'_> {
    /// Whether it is an EOF packet, or an OK packet in its place that is as short.
    fn is_end(&self) -> bool {
        self.first == Some(EOF) && self.header.len < MAX_EOF_BYTES
    }
}

const fn unexpected() -> ParseError {
    ParseError::new(HEADER_BYTES, ParseErrorReason::UnexpectedMessage)
}

/// During a login: the authentication needs another round.
const AUTHENTICATION_MORE: u8 = 0x01;
/// Longer packets that start like an EOF are rows, where EOF packets are in use.
const MAX_EOF_BYTES: usize = 9;
/// The length of an EOF packet; OK packets in its place are longer.
const MAX_PLAIN_EOF_BYTES: usize = 5;
/// An OK packet's shortest form; before MySQL 4.1 it had neither status nor warnings.
const MIN_OK_BYTES: usize = 3;
/// The longest number of columns, with the flag that may follow it.
const MAX_COUNT_BYTES: usize = 10;
/// MySQL's limit is 4,096 columns in a table; views and joins reach further.
const MAX_COLUMNS: u64 = 65_535;
/// The most bytes of an OK or error packet that are looked at.
const MAX_SEEN_BYTES: usize = 2_048;
