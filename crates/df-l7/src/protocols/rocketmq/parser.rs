//! Reads RocketMQ messages.

use std::borrow::Cow;
use std::sync::Arc;

use df_core::{Direction, Transport};

use crate::sql::cut_text;
use crate::{
    Attributes, ConnectionConfig, Input, Message, ParseError, ParseErrorReason, Parsed, Parser, Request,
    Response, ResponseStatus,
};

use super::codes;
use super::detect::is_frame_start;
use super::messages::{Pulled, context_of};
use super::wire::{Frame, Header, LENGTH_BYTES, PREFIX_BYTES, frame_bytes, properties};

/// Reads RocketMQ messages.
#[derive(Debug)]
pub struct RocketmqParser {
    config: Arc<ConnectionConfig>,
}

impl RocketmqParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        Self { config: Arc::clone(config) }
    }

    /// The message of a frame; none for what answers the server.
    fn message(&self, direction: Direction, frame: &Frame<'_>, body_len: usize) -> Option<Message> {
        let header = Header::parse(frame)?;
        let is_cut = frame.header.len() < frame.header_len;
        let id = u64::from(header.opaque);
        match direction {
            Direction::ToClient if header.is_response() => {
                Some(Message::response(self.response(&header, frame.body, body_len)).with_id(id))
            }
            Direction::ToServer if !header.is_response() && !header.is_one_way() => {
                Some(Message::request(self.request(&header, is_cut)).with_id(id))
            }
            _ if !header.is_response() => Some(Message::one_way(self.request(&header, is_cut)).with_id(id)),
            _ => None,
        }
    }

    fn request(&self, header: &Header<'_>, is_cut: bool) -> Request {
        let kind = codes::request_name(header.code);
        let is_send = codes::SENDS.contains(&header.code);
        let (operation, operation_type) = codes::operation(header.code)
            .map_or((kind.clone(), None), |(name, kind)| (name.into(), Some(kind)));
        // The short names are those of SEND_MESSAGE_V2 and its kin, whatever they mean elsewhere.
        let [topic, group, queue]: [&[&str]; 3] = if codes::has_short_names(header.code) {
            [&["b"], &["a"], &["e"]]
        } else {
            [&["topic"], &["consumerGroup", "group", "producerGroup"], &["queueId"]]
        };
        let [topic, group, queue] = [topic, group, queue].map(|names| header.find(names));
        let topic = topic.map(|topic| self.cut(topic));
        let group = group.map(|group| self.cut(group));
        let mut attributes = Attributes::with_capacity(8);
        attributes.push("messaging.system", "rocketmq");
        attributes.push("messaging.operation.name", operation.clone());
        if let Some(operation_type) = operation_type {
            attributes.push("messaging.operation.type", operation_type);
        }
        if let Some(topic) = &topic {
            attributes.push("messaging.destination.name", topic.clone());
        }
        if let Some(queue) = queue.filter(|queue| !queue.starts_with('-')) {
            attributes.push("messaging.destination.partition.id", self.cut(queue));
        }
        if let Some(group) = group.as_ref().filter(|_| !is_send && header.find(&["producerGroup"]).is_none())
        {
            attributes.push("messaging.consumer.group.name", group.clone());
        }
        let mut request = Request {
            kind,
            version: (header.version > 0).then(|| Cow::Owned(header.version.to_string())),
            // The topic may be in what was cut: then the group does not stand for it.
            resource: topic.clone().or(group.filter(|_| !is_cut)),
            endpoint: topic.clone(),
            operation,
            target: topic,
            attributes,
            ..Request::default()
        };
        if let Some(text) = header.find(&["properties", "i"]).filter(|_| is_send) {
            self.read_properties(text, &mut request);
        }
        request
    }

    /// What the properties of a message sent tell.
    fn read_properties(&self, text: &str, request: &mut Request) {
        for (name, value) in properties(text) {
            match name {
                "UNIQ_KEY" => request.attributes.push("messaging.message.id", self.cut(value)),
                "TAGS" => request.attributes.push("messaging.rocketmq.message.tag", self.cut(value)),
                "KEYS" => {
                    let keys: Vec<String> =
                        value.split_whitespace().take(MAX_KEYS).map(|key| self.cut(key)).collect();
                    request.attributes.push("messaging.rocketmq.message.keys", keys);
                }
                _ => {}
            }
        }
        request.context = context_of(text, &self.config.context).map(Box::new);
    }

    fn response(&self, header: &Header<'_>, body: &[u8], body_len: usize) -> Response {
        let status = codes::status(header.code);
        let mut response = Response { status, ..Response::default() };
        if header.code != 0 {
            response.code = Some(codes::response_name(header.code));
        }
        if status != ResponseStatus::Ok {
            response.exception = header.remark.as_deref().map(|remark| self.cut(remark));
        }
        // Only responses to pulls say where to go on.
        if header.code == 0 && header.find(&["nextBeginOffset"]).is_some() && body_len > 0 {
            let pulled = Pulled::read(body, body_len, &self.config.context);
            if let Some(count) = pulled.count {
                response.attributes.push("messaging.batch.message_count", count);
            }
            let context = pulled.context.unwrap_or_default();
            for (key, id) in [("trace_id", context.trace_id), ("span_id", context.span_id)] {
                if let Some(id) = id {
                    response.attributes.push(format!("df.messaging.message.{key}"), id);
                }
            }
        }
        response
    }

    fn cut(&self, text: &str) -> String {
        cut_text(text.as_bytes(), self.config.max_attribute_bytes)
    }
}

impl Parser for RocketmqParser {
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
        if bytes.len() < PREFIX_BYTES {
            return Ok(Parsed::Skipped { consumed });
        }
        let seen = bytes.get(..needed).unwrap_or(bytes);
        let frame =
            Frame::parse(seen).ok_or(ParseError::new(LENGTH_BYTES, ParseErrorReason::InvalidLength))?;
        let body_len = consumed.saturating_sub(PREFIX_BYTES).saturating_sub(frame.header_len);
        match self.message(direction, &frame, body_len) {
            Some(message) => Ok(Parsed::Message { consumed, message }),
            None if frame.header.len() < frame.header_len || Header::parse(&frame).is_some() => {
                Ok(Parsed::Skipped { consumed })
            }
            None => Err(ParseError::new(PREFIX_BYTES, ParseErrorReason::InvalidValue)),
        }
    }

    fn is_message_start(&self, _: Direction, bytes: &[u8]) -> bool {
        is_frame_start(bytes)
    }
}

/// How much of a frame is looked at, at most; the rest is passed over.
const MAX_HEAD_BYTES: usize = 16_384;
/// How many keys of a message are shown.
const MAX_KEYS: usize = 16;
