//! Reads OpenWire messages.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use df_core::{Direction, Transport};

use crate::sql::cut_text;
use crate::{
    Attributes, ConnectionConfig, Input, Message, ParseError, ParseErrorReason, Parsed, Parser, Recovery,
    Request, Response, ResponseStatus,
};

use super::commands::{
    Before, CONNECTION_INFO, EXCEPTION_RESPONSE, KEEP_ALIVE_INFO, WIRE_FORMAT_INFO, before_destination,
    is_response, name, operation,
};
use super::reader::Reader;
use super::wire::{Base, LENGTH_BYTES, PREFIX_BYTES, WireFormat, command, frame_bytes, is_frame_start};

/// Reads OpenWire messages.
#[derive(Debug)]
pub struct OpenwireParser {
    config: Arc<ConnectionConfig>,
    sides: [Side; 2],
    /// The id of the `ConnectionInfo` that was not answered yet: a refusal does not repeat it.
    connecting: Option<u32>,
}

/// What one end said of itself, and the destinations that it has numbered.
#[derive(Debug, Default)]
struct Side {
    format: Option<WireFormat>,
    cache: HashMap<u16, Destination>,
}

#[derive(Debug, Clone)]
struct Destination {
    kind: u8,
    name: String,
}

impl OpenwireParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        Self { config: Arc::clone(config), sides: [Side::default(), Side::default()], connecting: None }
    }

    /// The message of a command; none for what tells nothing.
    fn message(&mut self, direction: Direction, kind: u8, body: &[u8]) -> Option<Message> {
        if kind == WIRE_FORMAT_INFO {
            self.sides[direction.index()].format = WireFormat::parse(body);
            return Some(Message::one_way(self.request(direction, kind, None)));
        }
        let mut reader = Reader::new(body)?;
        let base = Base::read(&mut reader)?;
        if is_response(kind) {
            return (direction == Direction::ToClient).then(|| self.response(kind, &mut reader)).flatten();
        }
        if kind == KEEP_ALIVE_INFO && !base.wants_answer {
            return None;
        }
        let destination =
            before_destination(kind).and_then(|before| self.destination(direction, before, &mut reader));
        let request = self.request(direction, kind, destination);
        let id = u64::from(base.id);
        if base.wants_answer && direction == Direction::ToServer {
            if kind == CONNECTION_INFO {
                self.connecting = Some(base.id);
            }
            return Some(Message::request(request).with_id(id));
        }
        Some(Message::one_way(request).with_id(id))
    }

    fn request(&self, direction: Direction, kind: u8, destination: Option<Destination>) -> Request {
        let kind_name = name(kind).unwrap_or_default();
        let (operation, operation_type) =
            operation(kind).map_or((kind_name, None), |(name, kind)| (name, Some(kind)));
        let mut attributes = Attributes::with_capacity(6);
        attributes.push("messaging.system", "activemq");
        attributes.push("messaging.operation.name", operation);
        if let Some(operation_type) = operation_type {
            attributes.push("messaging.operation.type", operation_type);
        }
        if let Some(destination) = &destination {
            attributes.push("messaging.destination.name", destination.name.clone());
            if destination.kind >= TEMPORARY_QUEUE {
                attributes.push("messaging.destination.temporary", true);
            }
            let is_queue = matches!(destination.kind, QUEUE | TEMPORARY_QUEUE);
            attributes.push("df.openwire.destination.type", if is_queue { "queue" } else { "topic" });
        }
        let destination = destination.map(|destination| destination.name);
        let format = self.sides[direction.index()].format;
        Request {
            kind: Cow::Borrowed(kind_name),
            version: format.map(|format| Cow::Owned(format.version.to_string())),
            resource: destination.clone(),
            endpoint: destination.clone(),
            operation: Cow::Borrowed(operation),
            target: destination,
            attributes,
            ..Request::default()
        }
    }

    fn response(&mut self, kind: u8, reader: &mut Reader<'_>) -> Option<Message> {
        let mut id = reader.u32()?;
        let connecting = self.connecting.filter(|connecting| *connecting == id || id == 0);
        if let Some(connecting) = connecting {
            (id, self.connecting) = (connecting, None);
        }
        let mut response = Response { status: ResponseStatus::Ok, ..Response::default() };
        if kind == EXCEPTION_RESPONSE {
            response.status = ResponseStatus::ServerError;
            let _ = self.read_exception(reader, &mut response);
        }
        Some(Message::response(response).with_id(u64::from(id)))
    }

    fn read_exception(&self, reader: &mut Reader<'_>, response: &mut Response) -> Option<()> {
        if !reader.boolean()? {
            return None;
        }
        let class = reader.text()?.0?;
        let class = self.cut(class);
        if CLIENT_ERRORS.iter().any(|error| class.ends_with(error)) {
            response.status = ResponseStatus::ClientError;
        }
        response.code = Some(Cow::Owned(class));
        response.exception = reader.text()?.0.map(|text| self.cut(text));
        Some(())
    }

    /// The destination of a command.
    fn destination(
        &mut self,
        direction: Direction,
        before: &[Before],
        reader: &mut Reader<'_>,
    ) -> Option<Destination> {
        for field in before {
            match field {
                Before::Boolean => {
                    reader.boolean()?;
                }
                Before::Identifier(numbers) => self.skip_identifier(*numbers, reader)?,
            }
        }
        let number = match self.cached(reader)? {
            Cached::Known(number) => return self.sides[direction.index()].cache.get(&number).cloned(),
            Cached::New(number) => Some(number),
            Cached::Never => None,
        };
        if !reader.boolean()? {
            return None;
        }
        let kind = reader.u8().filter(|kind| (QUEUE..=TEMPORARY_TOPIC).contains(kind))?;
        let name = self.cut(reader.text()?.0?);
        let destination = Destination { kind, name };
        let cache = &mut self.sides[direction.index()].cache;
        if let Some(number) = number.filter(|number| cache.len() < MAX_CACHED || cache.contains_key(number)) {
            cache.insert(number, destination.clone());
        }
        Some(destination)
    }

    fn skip_identifier(&self, numbers: u8, reader: &mut Reader<'_>) -> Option<()> {
        if matches!(self.cached(reader)?, Cached::Known(_)) || !reader.boolean()? {
            return Some(());
        }
        reader.u8()?;
        reader.text()?;
        for _ in 0..numbers {
            reader.skip_long()?;
        }
        Some(())
    }

    /// Whether a value that may be cached stands here, or its number. Both ends must want it.
    fn cached(&self, reader: &mut Reader<'_>) -> Option<Cached> {
        let is_wanted = |side: &Side| side.format.is_some_and(|format| format.has_cache);
        if !self.sides.iter().all(is_wanted) {
            return Some(Cached::Never);
        }
        let is_new = reader.boolean()?;
        let number = reader.u16()?;
        Some(if is_new { Cached::New(number) } else { Cached::Known(number) })
    }

    fn cut(&self, text: &[u8]) -> String {
        cut_text(text, self.config.max_attribute_bytes)
    }
}

enum Cached {
    Never,
    New(u16),
    Known(u16),
}

impl Parser for OpenwireParser {
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
        let frame = bytes.get(..needed).unwrap_or(bytes);
        let Some((kind, body)) = command(frame) else {
            let skipped = (frame.len() < PREFIX_BYTES).then_some(Parsed::Skipped { consumed });
            return skipped.ok_or(ParseError::new(LENGTH_BYTES, ParseErrorReason::InvalidValue));
        };
        Ok(match self.message(direction, kind, body) {
            Some(message) => Parsed::Message { consumed, message },
            None => Parsed::Skipped { consumed },
        })
    }

    fn is_message_start(&self, _: Direction, bytes: &[u8]) -> bool {
        is_frame_start(bytes)
    }

    fn on_gap(&mut self, direction: Direction) -> Recovery {
        // What was numbered in the gap may have taken another's number.
        self.sides[direction.index()].cache.clear();
        Recovery::Resynchronize
    }
}

const QUEUE: u8 = 100;
const TEMPORARY_QUEUE: u8 = 102;
const TEMPORARY_TOPIC: u8 = 103;
/// Exceptions that who asked is to blame for.
const CLIENT_ERRORS: [&str; 5] = [
    "SecurityException",
    "InvalidDestinationException",
    "InvalidSelectorException",
    "InvalidClientIDException",
    "IllegalStateException",
];
/// How many destinations of one direction are remembered by their number.
const MAX_CACHED: usize = 1_024;
/// How much of a frame is looked at, at most; the rest is passed over.
const MAX_HEAD_BYTES: usize = 4_096;
