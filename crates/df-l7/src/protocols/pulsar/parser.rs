//! Reads Pulsar messages.

use std::borrow::Cow;
use std::sync::Arc;

use df_core::{Direction, Transport};

use crate::sql::cut_text;
use crate::{
    Attributes, ConnectionConfig, Cursor, Input, Message, ParseError, ParseErrorReason, Parsed, Parser,
    Request, Response, ResponseStatus,
};

use super::commands::{
    ACK, CLOSE_CONSUMER, CLOSE_PRODUCER, CONNECT, MESSAGE, PING, PONG, PRODUCER, Role, SEND, SEND_ERROR,
    SEND_RECEIPT, SUBSCRIBE, error_name, error_status,
};
use super::metadata::Metadata;
use super::topics::{Destination, Destinations, partition};
use super::wire::{Frame, LENGTH_BYTES, PREFIX_BYTES, Value, field, frame_bytes, is_frame_start};

/// Reads Pulsar messages.
#[derive(Debug)]
pub struct PulsarParser {
    config: Arc<ConnectionConfig>,
    producers: Destinations,
    consumers: Destinations,
    /// The protocol version that the client connected with.
    version: Option<u64>,
}

/// The fields of a command that tell something.
#[derive(Debug, Default, Clone, Copy)]
struct Told<'a> {
    request_id: Option<u64>,
    topic: Option<&'a str>,
    subscription: Option<&'a str>,
    producer: Option<u64>,
    consumer: Option<u64>,
    sequence: Option<u64>,
    error: Option<u64>,
    message: Option<&'a str>,
    /// Field 4 of CONNECT.
    version: Option<u64>,
}

impl PulsarParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        Self {
            config: Arc::clone(config),
            producers: Destinations::default(),
            consumers: Destinations::default(),
            version: None,
        }
    }

    /// The message of a frame; none for what answers the server.
    fn message(&mut self, direction: Direction, frame: &Frame<'_>) -> Option<Message> {
        let told = Told::read(frame);
        match (frame.command.role, direction) {
            (Role::Response, Direction::ToClient) => {
                let response = self.response(&told);
                Some(Message::response(response).with_id(correlation(frame.command.number(), &told)))
            }
            (Role::Response, Direction::ToServer) => None,
            (Role::Request, Direction::ToServer)
                if frame.command.number() != ACK || told.request_id.is_some() =>
            {
                let request = self.request(frame, &told);
                Some(Message::request(request).with_id(correlation(frame.command.number(), &told)))
            }
            _ => Some(Message::one_way(self.request(frame, &told))),
        }
    }

    fn request(&mut self, frame: &Frame<'_>, told: &Told<'_>) -> Request {
        let number = frame.command.number();
        if number == CONNECT {
            self.version = told.version;
        }
        let destination = self.destination(number, told);
        let kind = Cow::Borrowed(frame.command.name);
        let (operation, operation_type) = match number {
            SEND => (Cow::Borrowed("send"), Some("send")),
            MESSAGE => (Cow::Borrowed("receive"), Some("receive")),
            ACK => (Cow::Borrowed("ack"), Some("settle")),
            _ => (kind.clone(), None),
        };
        let mut attributes = Attributes::with_capacity(8);
        attributes.push("messaging.system", "pulsar");
        attributes.push("messaging.operation.name", operation.clone());
        if let Some(operation_type) = operation_type {
            attributes.push("messaging.operation.type", operation_type);
        }
        let Destination { topic, subscription } = destination;
        let topic = Some(topic).filter(|topic| !topic.is_empty());
        if let Some(topic) = &topic {
            attributes.push("messaging.destination.name", topic.clone());
            if let Some(partition) = partition(topic) {
                attributes.push("messaging.destination.partition.id", partition.to_owned());
            }
        }
        if let Some(subscription) = subscription {
            attributes.push("messaging.destination.subscription.name", subscription);
        }
        push_numbers(&mut attributes, told);
        let mut request = Request {
            kind,
            version: self.version.map(|version| Cow::Owned(version.to_string())),
            resource: topic.clone(),
            endpoint: topic.clone(),
            operation,
            target: topic,
            attributes,
            ..Request::default()
        };
        if let Some(metadata) =
            Some(frame.rest).filter(|_| operation_type.is_some()).and_then(|rest| self.metadata(rest))
        {
            if let Some(count) = metadata.batch_count.and_then(|count| i64::try_from(count).ok()) {
                request.attributes.push("messaging.batch.message_count", count);
            }
            request.context = metadata.context.map(Box::new);
        }
        request
    }

    fn metadata(&self, rest: &[u8]) -> Option<Metadata> {
        Metadata::read(rest, &self.config.context)
    }

    /// What the command is about, after what it changes of the connection.
    fn destination(&mut self, number: u64, told: &Told<'_>) -> Destination {
        if let Some(topic) = told.topic {
            let subscription = told.subscription.map(|subscription| self.cut(subscription));
            let destination = Destination { topic: self.cut(topic), subscription };
            match (number, told.producer, told.consumer) {
                (PRODUCER, Some(producer), _) => self.producers.insert(producer, destination.clone()),
                (SUBSCRIBE, _, Some(consumer)) => self.consumers.insert(consumer, destination.clone()),
                _ => {}
            }
            return destination;
        }
        let producer = told.producer.and_then(|producer| self.producers.find(producer));
        let consumer = told.consumer.and_then(|consumer| self.consumers.find(consumer));
        let destination = producer.or(consumer).cloned().unwrap_or_default();
        match (number, told.producer, told.consumer) {
            (CLOSE_PRODUCER, Some(producer), _) => self.producers.remove(producer),
            (CLOSE_CONSUMER, _, Some(consumer)) => self.consumers.remove(consumer),
            _ => {}
        }
        destination
    }

    fn response(&self, told: &Told<'_>) -> Response {
        let Some(error) = told.error.filter(|error| *error != 0 || told.message.is_some()) else {
            return Response { status: ResponseStatus::Ok, ..Response::default() };
        };
        Response {
            status: error_status(error),
            code: Some(error_name(error)),
            exception: told.message.map(|message| self.cut(message)),
            ..Response::default()
        }
    }

    fn cut(&self, text: &str) -> String {
        cut_text(text.as_bytes(), self.config.max_attribute_bytes)
    }
}

impl<'a> Told<'a> {
    fn read(frame: &Frame<'a>) -> Self {
        let mut told = Self::default();
        let fields = frame.command.fields;
        let mut cursor = Cursor::new(frame.body);
        while let Some((number, value)) = field(&mut cursor) {
            match value {
                Value::Number(value) if number == fields.request_id => told.request_id = Some(value),
                Value::Number(value) if number == fields.producer => told.producer = Some(value),
                Value::Number(value) if number == fields.consumer => told.consumer = Some(value),
                Value::Number(value) if number == fields.sequence => told.sequence = Some(value),
                Value::Number(value) if number == fields.error => told.error = Some(value),
                Value::Number(value) if frame.command.number() == CONNECT && number == 4 => {
                    told.version = Some(value);
                }
                Value::Bytes(bytes) => {
                    let text = std::str::from_utf8(bytes).ok();
                    if number == fields.topic {
                        told.topic = text;
                    } else if number == fields.subscription {
                        told.subscription = text;
                    } else if number == fields.message {
                        told.message = text;
                    }
                }
                Value::Number(_) | Value::Fixed => {}
            }
        }
        told
    }
}

/// The numbers by which a command and its answer name each other.
fn push_numbers(attributes: &mut Attributes, told: &Told<'_>) {
    let numbers = [
        ("df.pulsar.request_id", told.request_id),
        ("df.pulsar.producer_id", told.producer),
        ("df.pulsar.consumer_id", told.consumer),
        ("df.pulsar.sequence_id", told.sequence),
    ];
    for (key, number) in numbers {
        if let Some(number) = number.and_then(|number| i64::try_from(number).ok()) {
            attributes.push(key, number);
        }
    }
}

/// What pairs a command with its answer: one space of numbers for requests, one for messages sent, one each for what
/// has no number.
fn correlation(number: u64, told: &Told<'_>) -> u64 {
    match number {
        SEND | SEND_RECEIPT | SEND_ERROR => {
            let producer = told.producer.unwrap_or_default().wrapping_mul(PRODUCER_STRIDE);
            producer.wrapping_add(told.sequence.unwrap_or_default()) | SENT
        }
        _ if number < SUBSCRIBE => CONNECTING,
        PING | PONG => PROBING,
        _ => told.request_id.unwrap_or_default() & !(SENT | OTHER),
    }
}

impl Parser for PulsarParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let bytes = input.bytes;
        if bytes.len() < PREFIX_BYTES && !input.is_final() {
            return Ok(Parsed::Incomplete { needed: PREFIX_BYTES });
        }
        if bytes.len() < LENGTH_BYTES {
            return Ok(Parsed::Skipped { consumed: bytes.len() });
        }
        let consumed = frame_bytes(bytes).ok_or(ParseError::new(0, ParseErrorReason::InvalidLength))?;
        let needed = consumed.min(MAX_HEAD_BYTES).min(self.config.max_buffered_bytes);
        if bytes.len() < needed && !input.is_final() {
            return Ok(Parsed::Incomplete { needed });
        }
        let seen = bytes.get(..needed).unwrap_or(bytes);
        let Some(frame) = Frame::parse(seen) else {
            // Commands of versions to come, and what was cut before it told anything.
            let is_plausible = seen.len() < PREFIX_BYTES + 3
                || seen.get(PREFIX_BYTES) == Some(&8) && seen.get(4) == Some(&0);
            let skipped = is_plausible.then_some(Parsed::Skipped { consumed });
            return skipped.ok_or(ParseError::new(LENGTH_BYTES, ParseErrorReason::InvalidValue));
        };
        Ok(match self.message(direction, &frame) {
            Some(message) => Parsed::Message { consumed, message },
            None => Parsed::Skipped { consumed },
        })
    }

    fn is_message_start(&self, _: Direction, bytes: &[u8]) -> bool {
        is_frame_start(bytes)
    }
}

const SENT: u64 = 1 << 63;
const OTHER: u64 = 1 << 62;
const CONNECTING: u64 = OTHER;
const PROBING: u64 = OTHER | 1;
/// Keeps the messages of different producers apart.
const PRODUCER_STRIDE: u64 = 1 << 40;
/// How much of a frame is looked at, at most; the rest is passed over.
const MAX_HEAD_BYTES: usize = 16_384;
