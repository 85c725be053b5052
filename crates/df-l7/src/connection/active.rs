//! A connection whose protocol is known: drives its parser over the bytes and its matcher over the messages.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use df_core::{Chunk, Direction, Timestamp, Transport};

use super::ConnectionStats;
use super::started::StartedMessages;
use crate::matching::{Finished, InProgress, Matcher};
use crate::stream::{Mark, Stream};
use crate::{
    ConnectionConfig, Content, Ending, Exchange, ExchangeKind, Input, Message, Observed, Parsed, Parser,
    Protocol, ProtocolRow, Recovery,
};

/// A parser with the bytes it has not used yet and the messages that wait for their other half.
pub(crate) struct Active {
    row: &'static ProtocolRow,
    parser: Box<dyn Parser>,
    streams: [Stream; 2],
    started: StartedMessages,
    matcher: Matcher,
    /// When the newest bytes were seen.
    latest: Timestamp,
    errors_in_a_row: u8,
    has_given_up: bool,
}

/// What the connection lends for one input.
pub(crate) struct Outputs<'a> {
    pub(crate) exchanges: &'a mut VecDeque<Exchange>,
    pub(crate) stats: &'a mut ConnectionStats,
    pub(crate) config: &'a ConnectionConfig,
    pub(crate) is_reversed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ParserState {
    Reading,
    Ended,
    GaveUp,
}

/// How far one call of the parser came.
enum Step {
    /// It consumed this many bytes, perhaps more than there are.
    Consumed(usize),
    /// It wants more bytes.
    Waiting(usize),
    /// The rest of the bytes at hand is of no use.
    Dropped,
}

impl Active {
    pub(crate) fn new(
        row: &'static ProtocolRow,
        config: &Arc<ConnectionConfig>,
        transport: Transport,
    ) -> Self {
        Self::with_parser(row, (row.parser)(config, transport))
    }

    fn with_parser(row: &'static ProtocolRow, parser: Box<dyn Parser>) -> Self {
        Self {
            row,
            parser,
            streams: [Stream::default(), Stream::default()],
            started: StartedMessages::default(),
            matcher: Matcher::default(),
            latest: Timestamp::ZERO,
            errors_in_a_row: 0,
            has_given_up: false,
        }
    }

    /// What goes on inside of TLS, to which the protocol has left the connection.
    pub(crate) fn inside_tls(&mut self) -> Option<Self> {
        Some(Self::with_parser(self.row, self.parser.inside_tls()?))
    }

    pub(crate) const fn row(&self) -> &'static ProtocolRow {
        self.row
    }

    /// Where each direction stands, if nothing else is to be remembered of the connection.
    pub(crate) fn offsets_at_rest(&self) -> Option<[Option<u64>; 2]> {
        let is_at_rest = self.parser.is_fresh()
            && self.started.is_empty()
            && self.matcher.is_empty()
            && self.streams.iter().all(Stream::is_at_rest)
            && self.errors_in_a_row == 0
            && self.state() == ParserState::Reading;
        is_at_rest.then(|| [self.streams[0].begun_offset(), self.streams[1].begun_offset()])
    }

    /// Goes on where each direction stood.
    pub(crate) fn resume_at(&mut self, offsets: [Option<u64>; 2]) {
        self.streams = offsets.map(|offset| offset.map_or_else(Stream::default, Stream::at));
    }

    pub(crate) fn set_searching(&mut self, searching: [bool; 2]) {
        for (stream, is_searching) in self.streams.iter_mut().zip(searching) {
            stream.is_searching = is_searching;
        }
    }

    pub(crate) fn protocol(&self) -> Protocol {
        self.row.protocol
    }

    pub(crate) fn state(&self) -> ParserState {
        if self.has_given_up {
            ParserState::GaveUp
        } else if self.parser.has_ended() {
            ParserState::Ended
        } else {
            ParserState::Reading
        }
    }

    pub(crate) fn buffered_bytes(&self) -> u64 {
        self.streams.iter().map(|stream| stream.buffered_len() as u64).sum()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Timestamp> {
        self.matcher.poll_timeout(self.row.timeout, self.response_in_progress())
    }

    /// Takes the next bytes of a stream. Gives those behind the point at which the protocol left the connection.
    pub(crate) fn handle_chunk<'a>(
        &mut self,
        chunk: &Chunk<'a>,
        outputs: &mut Outputs<'_>,
    ) -> Option<Chunk<'a>> {
        let direction = chunk.direction;
        self.latest = chunk.timestamp;
        let (lost, chunk) = self.stream(direction).accept(chunk);
        if lost > 0 {
            self.handle_missing(direction, Ending::Lost(lost), lost, outputs);
        }
        let chunk = self.stream(direction).skip_front(&chunk);
        let rest = self.handle_bytes(&chunk, outputs);
        let missing = chunk.missing() as u64;
        if missing > 0 && self.state() == ParserState::Reading {
            self.handle_missing(direction, Ending::Truncated(missing), missing, outputs);
        }
        rest
    }

    /// Takes one datagram: it holds whole messages, or what the capture left of them.
    pub(crate) fn handle_datagram(&mut self, chunk: &Chunk<'_>, outputs: &mut Outputs<'_>) {
        let ending =
            if chunk.missing() > 0 { Ending::Truncated(chunk.missing() as u64) } else { Ending::Closed };
        let mark = Mark::of(chunk);
        self.latest = chunk.timestamp;
        let mut position = 0_usize;
        while let Some(bytes) = chunk.bytes.get(position..).filter(|bytes| !bytes.is_empty()) {
            let input = Input::new(bytes).with_ending(ending);
            let at = Mark { offset: mark.offset.saturating_add(position as u64), ..mark };
            match self.step(chunk.direction, input, at, outputs) {
                Step::Consumed(consumed) => position = position.saturating_add(consumed),
                Step::Waiting(_) | Step::Dropped => {
                    outputs.stats.bytes_dropped += bytes.len() as u64;
                    break;
                }
            }
        }
        let stream = self.stream(chunk.direction);
        stream.message_start = None;
        stream.is_searching = false;
    }

    pub(crate) fn handle_timeout(&mut self, now: Timestamp, outputs: &mut Outputs<'_>) {
        let (timeout, in_progress) = (self.row.timeout, self.response_in_progress());
        self.matcher.handle_timeout(now, timeout, in_progress, &mut outputs.finished(self.row));
    }

    pub(crate) fn handle_close(&mut self, outputs: &mut Outputs<'_>) {
        for direction in Direction::BOTH {
            self.finish_buffer(direction, Ending::Closed, outputs);
            let end = self.stream(direction).offset();
            self.interrupt(direction, end, outputs);
        }
        self.matcher.handle_close(&mut outputs.finished(self.row));
    }

    /// Parses the buffered bytes with those of the chunk behind them; keeps what is not used yet.
    fn handle_bytes<'a>(&mut self, chunk: &Chunk<'a>, outputs: &mut Outputs<'_>) -> Option<Chunk<'a>> {
        let direction = chunk.direction;
        let mut mark = Mark::of(chunk);
        let mut bytes = chunk.bytes;
        if self.stream(direction).buffered_len() == 0 && !bytes.is_empty() {
            let consumed = self.run(direction, bytes, mark, outputs);
            let used = consumed.min(bytes.len());
            self.stream(direction).consume_unbuffered(consumed, bytes.len());
            bytes = bytes.get(used..).unwrap_or_default();
            let stream = self.stream(direction);
            mark = stream.locate(stream.offset(), mark);
        }
        while !bytes.is_empty() && self.state() == ParserState::Reading {
            let limit = outputs.config.max_buffered_bytes;
            let kept = self.stream(direction).buffer(bytes, mark, limit);
            bytes = bytes.get(kept..).unwrap_or_default();
            self.run_buffer(direction, Ending::Open, mark, outputs);
            if !bytes.is_empty() && self.stream(direction).buffered_len() >= limit {
                self.run_buffer(direction, Ending::Full, mark, outputs);
            }
            let end = self.stream(direction).end_offset();
            mark = self.stream(direction).locate(end, mark);
            let tail = Chunk::new(direction, mark.timestamp, end, bytes);
            bytes = self.stream(direction).skip_front(&tail).bytes;
        }
        let unread = bytes.len().saturating_add(self.give_back(direction)).min(chunk.bytes.len());
        let rest = chunk.bytes.get(chunk.bytes.len() - unread..).unwrap_or_default();
        (!rest.is_empty()).then(|| rest_of(chunk, rest))
    }

    /// Where the protocol has left the connection, lets go of what was buffered behind its last byte. Gives how many bytes
    /// that were, all of them of the newest chunk.
    fn give_back(&mut self, direction: Direction) -> usize {
        if self.state() != ParserState::Ended {
            return 0;
        }
        let stream = self.stream(direction);
        let unread = stream.buffered_len();
        stream.consume_buffered(unread);
        unread
    }

    /// Parses the buffered bytes if there are enough of them.
    fn run_buffer(&mut self, direction: Direction, ending: Ending, mark: Mark, outputs: &mut Outputs<'_>) {
        let stream = self.stream(direction);
        if stream.buffered_len() == 0 || (ending == Ending::Open && stream.buffered_len() < stream.needed) {
            return;
        }
        let buffer = self.stream(direction).take_buffer();
        let consumed = self.run_with(direction, Input::new(&buffer).with_ending(ending), mark, outputs);
        let stream = self.stream(direction);
        stream.restore(buffer);
        stream.consume_buffered(consumed);
    }

    /// The buffered bytes are the last before something is missing, or at all.
    fn finish_buffer(&mut self, direction: Direction, ending: Ending, outputs: &mut Outputs<'_>) {
        if let Some(mark) = self.stream(direction).last_mark() {
            self.run_buffer(direction, ending, mark, outputs);
        }
    }

    fn handle_missing(
        &mut self,
        direction: Direction,
        ending: Ending,
        missing: u64,
        outputs: &mut Outputs<'_>,
    ) {
        self.finish_buffer(direction, ending, outputs);
        if self.stream(direction).skip_missing(missing) == 0 {
            return;
        }
        outputs.stats.gaps = outputs.stats.gaps.saturating_add(1);
        let recovery = self.parser.on_gap(direction);
        let end = self.stream(direction).offset();
        self.interrupt(direction, end, outputs);
        self.lose(direction, outputs);
        self.stream(direction).is_searching = true;
        self.has_given_up |= recovery == Recovery::GiveUp;
    }

    fn run(&mut self, direction: Direction, bytes: &[u8], mark: Mark, outputs: &mut Outputs<'_>) -> usize {
        self.run_with(direction, Input::new(bytes), mark, outputs)
    }

    /// Has the parser read message after message. Gives how many bytes it consumed, perhaps more than there are.
    fn run_with(
        &mut self,
        direction: Direction,
        input: Input<'_>,
        mark: Mark,
        outputs: &mut Outputs<'_>,
    ) -> usize {
        let base = self.stream(direction).offset();
        let mut position = 0_usize;
        while let Some(bytes) = input.bytes.get(position..).filter(|bytes| !bytes.is_empty()) {
            let offset = base.saturating_add(position as u64);
            let at = self.stream(direction).locate(offset, mark);
            let at = Mark { offset, ..at };
            let step = self.step(direction, Input { bytes, ..input }, at, outputs);
            match step {
                Step::Consumed(consumed) => position = position.saturating_add(consumed),
                Step::Waiting(needed) if !input.is_final() => {
                    self.stream(direction).needed = needed;
                    return position;
                }
                Step::Waiting(_) | Step::Dropped => {
                    return self.drop_rest(direction, input.bytes.len(), bytes.len(), outputs);
                }
            }
            if self.parser.has_ended() {
                break;
            }
        }
        self.stream(direction).needed = 0;
        position
    }

    fn drop_rest(
        &mut self,
        direction: Direction,
        all: usize,
        rest: usize,
        outputs: &mut Outputs<'_>,
    ) -> usize {
        self.stream(direction).needed = 0;
        outputs.stats.bytes_dropped += rest as u64;
        all
    }

    /// Calls the parser once.
    fn step(&mut self, direction: Direction, input: Input<'_>, at: Mark, outputs: &mut Outputs<'_>) -> Step {
        if self.stream(direction).is_searching {
            if !self.parser.is_message_start(direction, input.bytes) {
                self.lose(direction, outputs);
                return Step::Dropped;
            }
            self.stream(direction).is_searching = false;
        }
        match self.parser.parse(direction, Input { timestamp: at.timestamp, ..input }) {
            Ok(Parsed::Message { consumed, message }) => {
                let consumed = consumed.max(1);
                self.errors_in_a_row = 0;
                self.handle_message(direction, message, at, consumed, outputs);
                Step::Consumed(consumed)
            }
            Ok(Parsed::Part { consumed }) => {
                self.stream(direction).message_start.get_or_insert(at);
                Step::Consumed(consumed.max(1))
            }
            Ok(Parsed::Started { consumed, id }) => {
                self.started.insert(direction, id, at, outputs.config.max_pending_requests);
                if direction == Direction::ToClient {
                    self.matcher.handle_response_started(id);
                }
                self.poll_messages(at, consumed, outputs);
                Step::Consumed(consumed.max(1))
            }
            Ok(Parsed::Skipped { consumed }) => {
                self.poll_messages(at, consumed, outputs);
                Step::Consumed(consumed.max(1))
            }
            Ok(Parsed::Incomplete { needed }) if !input.is_final() => Step::Waiting(needed),
            Ok(Parsed::Incomplete { .. }) | Err(_) => {
                self.handle_error(direction, at, outputs);
                Step::Dropped
            }
        }
    }

    /// Takes the messages that ended by the `consumed` bytes at `at`.
    fn poll_messages(&mut self, at: Mark, consumed: usize, outputs: &mut Outputs<'_>) {
        while let Some((direction, message)) = self.parser.poll_message() {
            self.handle_message(direction, message, at, consumed, outputs);
        }
    }

    /// The bytes at `at` are not what they should be: the message in progress ends before them.
    fn handle_error(&mut self, direction: Direction, at: Mark, outputs: &mut Outputs<'_>) {
        outputs.stats.parse_errors = outputs.stats.parse_errors.saturating_add(1);
        self.errors_in_a_row = self.errors_in_a_row.saturating_add(1);
        self.has_given_up |= self.errors_in_a_row >= MAX_ERRORS_IN_A_ROW;
        self.interrupt(direction, at.offset, outputs);
        self.lose(direction, outputs);
        self.stream(direction).is_searching = true;
    }

    /// Bytes are dropped unread: what they answered will not be answered again.
    fn lose(&mut self, direction: Direction, outputs: &mut Outputs<'_>) {
        let until = self.latest;
        self.matcher.handle_gap(direction, until, &mut outputs.finished(self.row));
    }

    /// Reports the messages in progress as far as they are known; they end at the offset `end`.
    fn interrupt(&mut self, direction: Direction, end: u64, outputs: &mut Outputs<'_>) {
        for _ in 0..=outputs.config.max_pending_requests {
            let Some(message) = self.parser.interrupt(direction) else { break };
            let started = self.started.take(direction, message.correlation);
            let start = started.or(self.stream(direction).message_start);
            if let Some(start) = start {
                let end = Mark { offset: end.max(start.offset), ..start };
                self.stream(direction).message_start = Some(start);
                self.handle_message(direction, message, end, 0, outputs);
            }
        }
        self.stream(direction).message_start = None;
    }

    /// Stamps a message whose last `consumed` bytes start at `at`, and looks for its other half.
    fn handle_message(
        &mut self,
        direction: Direction,
        message: Message,
        at: Mark,
        consumed: usize,
        outputs: &mut Outputs<'_>,
    ) {
        let started = self.started.take(direction, message.correlation);
        let start = started.or_else(|| self.stream(direction).message_start.take()).unwrap_or(at);
        let end = at.offset.saturating_add(consumed as u64);
        let length = message.length.unwrap_or(end.saturating_sub(start.offset));
        let stamp = Stamp { start, end: self.latest, length };
        outputs.stats.messages = outputs.stats.messages.saturating_add(1);
        let max_pending = outputs.config.max_pending_requests;
        let before = outputs.exchanges.len();
        let correlation = message.correlation;
        let mut finished = outputs.finished(self.row);
        match message.content {
            Content::Request(mut request) => {
                stamp.mark(&mut request);
                self.matcher.handle_request(correlation, request, max_pending, &mut finished);
            }
            Content::Response(mut response) => {
                stamp.mark(&mut response);
                self.matcher.handle_response(correlation, response, max_pending, &mut finished);
            }
            Content::OneWay(mut request) => {
                stamp.mark(&mut request);
                finished.push(correlation, ExchangeKind::OneWay(direction), Some(request), None);
            }
        }
        let made = u32::try_from(outputs.exchanges.len() - before).unwrap_or(u32::MAX);
        outputs.stats.exchanges = outputs.stats.exchanges.saturating_add(made);
    }

    /// Whether the parser has seen the beginning of a response and not yet its end.
    fn response_in_progress(&self) -> InProgress {
        let [_, to_client] = &self.streams;
        if to_client.message_start.is_some() { InProgress::Response } else { InProgress::Nothing }
    }

    fn stream(&mut self, direction: Direction) -> &mut Stream {
        match direction {
            Direction::ToServer => &mut self.streams[0],
            Direction::ToClient => &mut self.streams[1],
        }
    }
}

impl fmt::Debug for Active {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Active").field("protocol", &self.row.protocol).finish_non_exhaustive()
    }
}

/// When and where a message was seen.
struct Stamp {
    start: Mark,
    end: Timestamp,
    length: u64,
}

impl Stamp {
    /// Notes on a message's content when and where it was seen.
    fn mark<T>(&self, observed: &mut Observed<T>) {
        observed.start = self.start.timestamp;
        observed.end = self.end.max(self.start.timestamp);
        observed.length = self.length;
        observed.sequence_number = self.start.sequence_number;
        observed.causal_id = self.start.causal_id;
    }
}

impl Outputs<'_> {
    fn finished(&mut self, row: &'static ProtocolRow) -> Finished<'_> {
        Finished { exchanges: self.exchanges, row, is_reversed: self.is_reversed }
    }
}

/// The end of `chunk` that holds just `bytes`.
pub(super) fn rest_of<'a>(chunk: &Chunk<'a>, bytes: &'a [u8]) -> Chunk<'a> {
    let front = chunk.bytes.len() - bytes.len();
    let mut rest = Chunk::new(chunk.direction, chunk.timestamp, chunk.offset + front as u64, bytes)
        .with_original_len(chunk.original_len.saturating_sub(front));
    let front = u32::try_from(front).unwrap_or_default();
    rest.sequence_number = chunk.sequence_number.map(|number| number.wrapping_add(front));
    rest.with_causal_id(chunk.causal_id)
}

/// After this many errors without a message between them the protocol was taken for another.
const MAX_ERRORS_IN_A_ROW: u8 = 8;
