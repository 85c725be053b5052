//! Follows an AMQP 0-9-1 connection: which method answers which, and which message is settled by what.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use df_core::Direction;

use crate::{
    ConnectionConfig, Input, Message, ParseError, ParseErrorReason, Parsed, Response, ResponseStatus,
};

use super::super::parser::too_few;
use super::arguments::Arguments;
use super::channels::{Channels, Consumer};
use super::methods::{
    CANCEL, CHANNEL_CLOSE_OK, CHANNEL_OPEN, CONFIRM_SELECT, CONNECTION_CLOSE, CONNECTION_CLOSE_OK, CONSUME,
    CONSUME_OK, DELIVER, GET, GET_EMPTY, Method, OPEN, PUBLISH, QUEUE_DECLARE_OK, REJECT, RETURN, Role,
    SECURE_OK, START, START_OK,
};
use super::pending::{Due, Pending, Tags, Unsettled};
use super::properties::Properties;
use super::records::{self, Peers, add_properties, answer, echo, refusal, settlement};
use super::wire::{FRAME_END, FrameHead, FrameKind, HEAD_BYTES};

/// One connection.
#[derive(Debug)]
pub(in super::super) struct Conversation {
    config: Arc<ConnectionConfig>,
    peers: Peers,
    channels: Channels,
    pending: Pending,
    /// Messages whose properties or body are still to come, per direction and channel.
    unfinished: [BTreeMap<u16, Unfinished>; 2],
    /// What the last frame gave.
    finished: VecDeque<Message>,
    /// The number of the next message.
    next_number: u64,
}

/// A message of which some frames were seen.
#[derive(Debug)]
struct Unfinished {
    message: Message,
    /// How much of the body is to come; none before the properties.
    body_left: Option<u64>,
    bytes: u64,
}

/// A method as it was read.
struct Said<'a> {
    direction: Direction,
    channel: u16,
    method: &'static Method,
    arguments: Arguments<'a>,
    frame_bytes: u64,
}

impl Conversation {
    pub(in super::super) fn new(config: &Arc<ConnectionConfig>) -> Self {
        Self {
            config: Arc::clone(config),
            peers: Peers { system: "amqp", vhost: None },
            channels: Channels::default(),
            pending: Pending::default(),
            unfinished: [BTreeMap::new(), BTreeMap::new()],
            finished: VecDeque::new(),
            next_number: 0,
        }
    }

    /// The client has sent its protocol header: the server answers with `Connection.Start`.
    pub(in super::super) fn handle_header(&mut self, request: crate::Request) -> Message {
        let number = self.number();
        self.pending.insert_request(Due {
            direction: Direction::ToServer,
            channel: 0,
            method: HEADER,
            number,
        });
        Message::request(request).with_id(number)
    }

    /// The server speaks another version: gives the number of the client's header.
    pub(in super::super) fn refuse_header(&mut self) -> Option<u64> {
        self.pending.take_request(Direction::ToClient, 0, &[HEADER]).map(|due| due.number)
    }

    /// Reads the frame at the start of the input.
    pub(in super::super) fn parse(
        &mut self,
        direction: Direction,
        input: Input<'_>,
    ) -> Result<Parsed, ParseError> {
        let bytes = input.bytes;
        if bytes.len() < HEAD_BYTES {
            return Ok(too_few(input, HEAD_BYTES));
        }
        let head = FrameHead::parse(bytes).ok_or(ParseError::new(0, ParseErrorReason::InvalidValue))?;
        let consumed = head.frame_bytes();
        if head.kind == FrameKind::Body {
            self.handle_body(direction, &head);
            return Ok(self.parsed(consumed, None));
        }
        let needed = consumed.min(MAX_HEAD_BYTES).min(self.config.max_buffered_bytes).max(HEAD_BYTES);
        if bytes.len() < needed && !input.is_final() {
            return Ok(Parsed::Incomplete { needed });
        }
        let frame = bytes.get(..needed).unwrap_or(bytes);
        if frame.len() == consumed && frame.last() != Some(&FRAME_END) {
            return Err(ParseError::new(HEAD_BYTES, ParseErrorReason::InvalidLength));
        }
        let payload = head.payload(frame);
        match head.kind {
            FrameKind::Method => self.handle_method(direction, &head, payload),
            FrameKind::Header => {
                self.handle_properties(direction, &head, payload);
                Ok(self.parsed(consumed, None))
            }
            FrameKind::Body | FrameKind::Heartbeat => Ok(Parsed::Skipped { consumed }),
        }
    }

    /// What the last frame gave, if it gave more than one message.
    pub(in super::super) fn poll_message(&mut self) -> Option<Message> {
        self.finished.pop_front()
    }

    /// A message whose body will not be seen to its end.
    pub(in super::super) fn interrupt(&mut self, direction: Direction) -> Option<Message> {
        let (_, unfinished) = self.unfinished[direction.index()].pop_first()?;
        Some(unfinished.message.with_length(unfinished.bytes))
    }

    pub(in super::super) fn handle_gap(&mut self, direction: Direction) {
        match direction {
            Direction::ToServer => self.channels.forget_counts(),
            Direction::ToClient => self.pending.forget_requests(),
        }
    }

    /// One message ends with the frame, or several do, or one begins.
    fn parsed(&mut self, consumed: usize, started: Option<u64>) -> Parsed {
        match (started, self.finished.len()) {
            (Some(id), _) => Parsed::Started { consumed, id },
            (None, 1) => match self.finished.pop_front() {
                Some(message) => Parsed::Message { consumed, message },
                None => Parsed::Skipped { consumed },
            },
            (None, _) => Parsed::Skipped { consumed },
        }
    }

    fn handle_method(
        &mut self,
        direction: Direction,
        head: &FrameHead,
        payload: &[u8],
    ) -> Result<Parsed, ParseError> {
        let consumed = head.frame_bytes();
        let Some((class, number, rest)) = split_method(payload) else {
            return Ok(Parsed::Skipped { consumed });
        };
        let method = Method::find(class, number).filter(|method| method.is_said(direction));
        let method = method.ok_or(ParseError::new(HEAD_BYTES, ParseErrorReason::InvalidValue))?;
        let said = Said {
            direction,
            channel: head.channel,
            method,
            arguments: Arguments::read(method, rest),
            frame_bytes: consumed as u64,
        };
        self.finish_unfinished(direction, head.channel);
        let started = if method.has_content() { Some(self.handle_content(&said)) } else { None };
        if started.is_none() {
            self.handle_plain(&said);
        }
        Ok(self.parsed(consumed, started))
    }

    /// A method without properties and body.
    fn handle_plain(&mut self, said: &Said<'_>) {
        match said.method.role {
            Role::Request(no_wait) => self.handle_request(said, no_wait),
            Role::Answer(_) | Role::LoginAnswer => self.handle_answer(said),
            Role::Close if said.direction == Direction::ToClient => self.handle_refusal(said),
            Role::Close => self.handle_request(said, 0),
            Role::Settlement => self.handle_settlement(said),
            Role::OneWay => self.push_one_way(said),
        }
    }

    fn handle_request(&mut self, said: &Said<'_>, no_wait: u8) {
        match said.method.key() {
            OPEN => self.peers.vhost = said.arguments.vhost.map(|vhost| self.cut(vhost)),
            CHANNEL_OPEN => self.forget_channel(said.channel),
            CONFIRM_SELECT => self.channels.entry(said.channel).next_publish = Some(1),
            CONSUME => self.handle_consume(said),
            CANCEL => {
                self.channels.remove_consumer(said.channel, said.arguments.consumer_tag.unwrap_or_default());
            }
            _ => {}
        }
        let is_ignored = said.direction == Direction::ToServer && self.channels.is_closed(said.channel);
        if said.arguments.has_flag(no_wait) || is_ignored {
            return self.push_one_way(said);
        }
        let number = self.number();
        self.pending.insert_request(Due {
            direction: said.direction,
            channel: said.channel,
            method: said.method.key(),
            number,
        });
        let request = self.request(said);
        self.finished.push_back(Message::request(request).with_id(number));
    }

    fn handle_consume(&mut self, said: &Said<'_>) {
        let queue = said.arguments.queue.unwrap_or_default();
        let channel = self.channels.entry(said.channel);
        let queue = if queue.is_empty() { channel.last_queue.clone() } else { queue.to_vec() };
        let consumer = Consumer { queue, is_without_ack: said.arguments.has_flag(NO_ACK) };
        match said.arguments.consumer_tag {
            Some(tag) if !tag.is_empty() => self.channels.insert_consumer(said.channel, tag, consumer),
            _ => channel.nameless_consumer = Some(consumer),
        }
    }

    fn handle_answer(&mut self, said: &Said<'_>) {
        let (class, number) = said.method.key();
        let login = [START_OK, SECURE_OK];
        let methods = match said.method.role {
            Role::Answer(request) => &[(class, request)][..],
            _ => &login[..],
        };
        let asked = self.pending.take_request(said.direction, said.channel, methods);
        let mut response = answer(said.method, &said.arguments, &self.config);
        match (class, number) {
            START => {
                let table = said.arguments.peer.unwrap_or_default();
                response.result = self.peers.learn(table, self.config.max_attribute_bytes);
            }
            CONSUME_OK => {
                let consumer = self.channels.entry(said.channel).nameless_consumer.take();
                if let Some((tag, consumer)) = said.arguments.consumer_tag.zip(consumer) {
                    self.channels.insert_consumer(said.channel, tag, consumer);
                }
            }
            QUEUE_DECLARE_OK => {
                let queue = said.arguments.queue.unwrap_or_default().to_vec();
                self.channels.entry(said.channel).last_queue = queue;
            }
            GET_EMPTY => response.result = Some("empty".to_owned()),
            CHANNEL_CLOSE_OK => self.forget_channel(said.channel),
            _ => {}
        }
        let is_own = matches!((class, number), CHANNEL_CLOSE_OK | CONNECTION_CLOSE_OK);
        if asked.is_none() && is_own && said.direction == Direction::ToServer {
            // What the server has closed was told by then.
            return;
        }
        if asked.is_none() {
            let method = methods.first().and_then(|(class, number)| Method::find(*class, *number));
            response.echoed_request =
                method.map(|method| Box::new(echo(method, said.channel, &self.peers, &self.config)));
        }
        let number = asked.map_or_else(|| self.number(), |due| due.number);
        self.finished.push_back(Message::response(response).with_id(number));
    }

    /// The server closes a channel or the connection: nothing that was asked there will be answered otherwise.
    fn handle_refusal(&mut self, said: &Said<'_>) {
        let channel = (said.method.key() != CONNECTION_CLOSE).then_some(said.channel);
        let response = refusal(&said.arguments, &self.config);
        let requests = self.pending.take_requests(channel);
        let messages = self.pending.take_published(channel);
        let numbers = requests.iter().map(|due| due.number);
        let numbers = numbers.chain(messages.iter().map(|message| message.number));
        let answers = numbers.map(|number| Message::response(response.clone()).with_id(number));
        let before = self.finished.len();
        self.finished.extend(answers);
        if self.finished.len() == before {
            let request = echo(said.method, said.channel, &self.peers, &self.config);
            self.push_unasked(Response { echoed_request: Some(Box::new(request)), ..response });
        }
        if let Some(channel) = channel {
            self.forget_channel(channel);
        }
        self.channels.entry(said.channel).is_closed = true;
    }

    fn handle_settlement(&mut self, said: &Said<'_>) {
        let tags = match said.direction {
            Direction::ToClient => Tags::Published,
            Direction::ToServer => Tags::Delivered,
        };
        if tags == Tags::Delivered {
            self.channels.entry(said.channel).has_settled = true;
        }
        let Some(tag) = said.arguments.delivery_tag else { return };
        let is_multiple = said.method.key() != REJECT && said.arguments.has_flag(1);
        let range = match (is_multiple, tag) {
            (true, 0) => 0..=u64::MAX,
            (true, last) => 0..=last,
            (false, tag) => tag..=tag,
        };
        let settled = self.pending.settle(said.channel, tags, range);
        if settled.is_empty() {
            return self.push_one_way(said);
        }
        let response = settlement(said.method, &said.arguments, tags == Tags::Published);
        for message in settled.iter().filter(|message| !message.is_returned) {
            self.finished.push_back(Message::response(response.clone()).with_id(message.number));
        }
    }

    /// A method that properties and a body follow; gives the number of the message.
    fn handle_content(&mut self, said: &Said<'_>) -> u64 {
        let message = match said.method.key() {
            PUBLISH => self.published(said),
            DELIVER => self.delivered(said),
            RETURN => self.returned(said),
            _ => self.fetched(said),
        };
        let crate::Correlation::Id(number) = message.correlation else { return 0 };
        let unfinished = &mut self.unfinished[said.direction.index()];
        if unfinished.len() >= MAX_UNFINISHED {
            self.finished.extend(unfinished.pop_first().map(|(_, oldest)| oldest.into_message()));
        }
        unfinished.insert(said.channel, Unfinished { message, body_left: None, bytes: said.frame_bytes });
        number
    }

    fn published(&mut self, said: &Said<'_>) -> Message {
        let number = self.number();
        let mut request = self.request(said);
        let counted = self.channels.find(said.channel).and_then(|channel| channel.next_publish);
        let Some(tag) = counted else { return Message::one_way(request).with_id(number) };
        self.channels.entry(said.channel).next_publish = Some(tag.saturating_add(1));
        if let Ok(tag) = i64::try_from(tag) {
            request.attributes.push("messaging.rabbitmq.message.delivery_tag", tag);
        }
        let destination = destination_of(&said.arguments);
        let message = Unsettled { number, destination, is_returned: false };
        let max_pending = self.config.max_pending_requests;
        self.pending.insert_message(said.channel, Tags::Published, tag, message, max_pending);
        Message::request(request).with_id(number)
    }

    fn delivered(&mut self, said: &Said<'_>) -> Message {
        let number = self.number();
        let channel = self.channels.find(said.channel);
        let tag = said.arguments.consumer_tag.unwrap_or_default();
        let consumer = channel.and_then(|channel| channel.consumer(tag));
        let has_settled = channel.is_some_and(|channel| channel.has_settled);
        let is_awaited = consumer.map_or(has_settled, |consumer| !consumer.is_without_ack);
        let queue = consumer.map(|consumer| consumer.queue.as_slice()).filter(|queue| !queue.is_empty());
        let arguments = Arguments { queue, ..said.arguments };
        let request = records::request(said.method, said.channel, &arguments, &self.peers, &self.config);
        match said.arguments.delivery_tag.filter(|_| is_awaited) {
            Some(tag) => {
                let message = Unsettled { number, destination: 0, is_returned: false };
                let max_pending = self.config.max_pending_requests;
                self.pending.insert_message(said.channel, Tags::Delivered, tag, message, max_pending);
                Message::request(request).with_id(number)
            }
            None => Message::one_way(request).with_id(number),
        }
    }

    /// A message that comes back says how it went with the one that was published.
    fn returned(&mut self, said: &Said<'_>) -> Message {
        let destination = destination_of(&said.arguments);
        let mut response = refusal(&said.arguments, &self.config);
        if response.status == ResponseStatus::Ok {
            response.status = ResponseStatus::ClientError;
        }
        if let Some(number) = self.pending.take_returned(said.channel, destination) {
            return Message::response(response).with_id(number);
        }
        let published = Method::find(PUBLISH.0, PUBLISH.1).unwrap_or(said.method);
        let request = records::request(published, said.channel, &said.arguments, &self.peers, &self.config);
        response.echoed_request = Some(Box::new(request));
        let number = self.number();
        Message::response(response).with_id(number)
    }

    fn fetched(&mut self, said: &Said<'_>) -> Message {
        let mut response = answer(said.method, &said.arguments, &self.config);
        let asked = self.pending.take_request(said.direction, said.channel, &[GET]);
        if asked.is_none() {
            let request = Method::find(GET.0, GET.1);
            response.echoed_request =
                request.map(|method| Box::new(echo(method, said.channel, &self.peers, &self.config)));
        }
        let number = asked.map_or_else(|| self.number(), |due| due.number);
        Message::response(response).with_id(number)
    }

    fn handle_properties(&mut self, direction: Direction, head: &FrameHead, payload: &[u8]) {
        let unfinished = &mut self.unfinished[direction.index()];
        let Some(message) = unfinished.get_mut(&head.channel).filter(|message| message.body_left.is_none())
        else {
            return;
        };
        message.bytes = message.bytes.saturating_add(head.frame_bytes() as u64);
        let properties = Properties::read(payload, &self.config.context);
        let body_bytes = properties.as_ref().map_or(0, |properties| properties.body_bytes);
        if let Some(properties) = properties {
            add_properties(&mut message.message, properties, &self.config);
        }
        message.body_left = Some(body_bytes);
        if body_bytes == 0 {
            self.finish_unfinished(direction, head.channel);
        }
    }

    fn handle_body(&mut self, direction: Direction, head: &FrameHead) {
        let Some(message) = self.unfinished[direction.index()].get_mut(&head.channel) else { return };
        message.bytes = message.bytes.saturating_add(head.frame_bytes() as u64);
        let left = message.body_left.unwrap_or_default().saturating_sub(head.payload_bytes as u64);
        message.body_left = Some(left);
        if left == 0 {
            self.finish_unfinished(direction, head.channel);
        }
    }

    fn finish_unfinished(&mut self, direction: Direction, channel: u16) {
        let unfinished = self.unfinished[direction.index()].remove(&channel);
        self.finished.extend(unfinished.map(Unfinished::into_message));
    }

    fn forget_channel(&mut self, channel: u16) {
        self.channels.remove(channel);
        self.pending.close_channel(channel);
    }

    fn push_one_way(&mut self, said: &Said<'_>) {
        let request = self.request(said);
        let number = self.number();
        self.finished.push_back(Message::one_way(request).with_id(number));
    }

    fn push_unasked(&mut self, response: Response) {
        let number = self.number();
        self.finished.push_back(Message::response(response).with_id(number));
    }

    fn request(&self, said: &Said<'_>) -> crate::Request {
        records::request(said.method, said.channel, &said.arguments, &self.peers, &self.config)
    }

    fn number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number = number.wrapping_add(1);
        number
    }

    fn cut(&self, text: &[u8]) -> String {
        crate::sql::cut_text(text, self.config.max_attribute_bytes)
    }
}

impl Unfinished {
    fn into_message(self) -> Message {
        self.message.with_length(self.bytes)
    }
}

/// Class, number and arguments of a method.
fn split_method(payload: &[u8]) -> Option<(u16, u16, &[u8])> {
    let mut cursor = crate::Cursor::new(payload);
    Some((cursor.u16_be()?, cursor.u16_be()?, cursor.rest()))
}

/// A number for exchange and routing key, by which a message that comes back is known.
fn destination_of(arguments: &Arguments<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (arguments.exchange, arguments.routing_key).hash(&mut hasher);
    hasher.finish()
}

/// Stands for the client's protocol header, which `Connection.Start` answers.
const HEADER: (u16, u16) = (10, 0);
/// The flag of a consumer that does not acknowledge.
const NO_ACK: u8 = 2;
/// How much of a frame is looked at, at most; the rest is passed over.
const MAX_HEAD_BYTES: usize = 16_384;
/// How many messages of one direction may be unfinished at once, each on its own channel.
const MAX_UNFINISHED: usize = 256;
