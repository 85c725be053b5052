//! Reads MQTT packets and keeps what one says about those after it: version, client, aliases, identifiers in use.

use std::borrow::Cow;
use std::sync::Arc;

use df_core::{Direction, Transport};

use crate::sql::cut_text;
use crate::{
    Attributes, ConnectionConfig, Cursor, Input, Message, ParseError, ParseErrorReason, Parsed, Parser,
    Recovery, Request, Response, ResponseStatus,
};

use super::connect::Connect;
use super::detect::is_packet_start;
use super::packet_ids::PacketIds;
use super::properties::{Properties, REASON_STRING};
use super::publish::{Publish, needed_bytes};
use super::request::{describe_connect, describe_filters, describe_publish, set_topic};
use super::response::{acknowledgment, connection, returned, subscription};
use super::subscribe::{Answers, Filters};
use super::topics::{TopicAliases, is_topic};
use super::wire::{Head, HeadError, Kind, Sender, Version};

/// Reads MQTT packets.
#[derive(Debug)]
pub struct MqttParser {
    config: Arc<ConnectionConfig>,
    version: Version,
    /// Whether the client said so, and no packet just looked like it.
    is_version_told: bool,
    client_id: Option<String>,
    /// Which way the client's packets go.
    client: Direction,
    /// What either end has said, by the direction in which its packets go.
    sides: [Side; 2],
    is_authenticating_anew: bool,
    /// How many numbers were given to packets that are answered.
    numbers: u64,
}

#[derive(Debug, Default)]
struct Side {
    aliases: TopicAliases,
    packet_ids: PacketIds,
}

/// A packet as far as it is looked at.
#[derive(Debug, Clone, Copy)]
struct Packet<'a> {
    head: Head,
    body: &'a [u8],
}

impl MqttParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        Self {
            config: Arc::clone(config),
            version: Version::Unknown,
            is_version_told: false,
            client_id: None,
            client: Direction::ToServer,
            sides: [Side::default(), Side::default()],
            is_authenticating_anew: false,
            numbers: 0,
        }
    }

    /// The message of a packet; none for what tells nothing.
    fn message(&mut self, direction: Direction, packet: Packet<'_>) -> Result<Option<Message>, ParseError> {
        match packet.head.kind.sender() {
            Sender::Client => self.client = direction,
            Sender::Server => self.client = direction.reversed(),
            Sender::Either => {}
        }
        let head = packet.head;
        Ok(match head.kind {
            Kind::Connect => Some(self.connect(direction, packet.body)),
            Kind::ConnectAck => Some(self.connect_ack(packet)),
            Kind::Publish => self.publish(direction, packet)?,
            Kind::PublishAck | Kind::PublishReceived => self.publish_ack(direction, packet),
            Kind::Subscribe | Kind::Unsubscribe => self.subscribe(direction, packet),
            Kind::SubscribeAck | Kind::UnsubscribeAck => self.subscribe_ack(direction, packet),
            Kind::PublishRelease | Kind::PublishComplete => {
                self.learn(if head.body_bytes > PACKET_ID_BYTES { Version::V5 } else { Version::Unknown });
                None
            }
            Kind::PingRequest => Some(Message::request(self.request(head.kind, direction))),
            Kind::PingResponse => {
                Some(Message::response(Response { status: ResponseStatus::Ok, ..Response::default() }))
            }
            Kind::Disconnect => Some(Message::one_way(self.disconnect(direction, packet))),
            Kind::Authenticate => Some(self.authenticate(direction, packet)),
        })
    }

    fn connect(&mut self, direction: Direction, body: &[u8]) -> Message {
        for side in &mut self.sides {
            side.aliases.clear();
            side.packet_ids.clear();
        }
        self.is_authenticating_anew = false;
        (self.version, self.is_version_told, self.client_id) = (Version::Unknown, false, None);
        let connect = Connect::read(body);
        if let Some(connect) = &connect {
            (self.version, self.is_version_told) = (connect.version, true);
            self.client_id =
                connect.client_id.filter(|client_id| !client_id.is_empty()).map(|text| self.cut(text));
        }
        let mut request = self.request(Kind::Connect, direction);
        if let Some(connect) = connect {
            describe_connect(&connect, &self.config, &mut request);
        }
        Message::request(request).with_id(CONNECTING)
    }

    fn connect_ack(&mut self, packet: Packet<'_>) -> Message {
        // Servers that know no version 5 refuse it as version 3 does.
        let is_five = packet.head.body_bytes > RETURN_CODE_BYTES;
        self.learn(if is_five { Version::V5 } else { Version::Three });
        let (response, client_id) =
            if is_five { connection(packet.body, &self.config) } else { (returned(packet.body), None) };
        if client_id.is_some() {
            self.client_id = client_id;
        }
        Message::response(response).with_id(CONNECTING)
    }

    fn publish(&mut self, direction: Direction, packet: Packet<'_>) -> Result<Option<Message>, ParseError> {
        let Packet { head, body } = packet;
        let publish = Publish::read(&head, body, self.version);
        if !self.is_right(&publish, packet.is_whole()) {
            return Err(ParseError::new(head.prefix_bytes, ParseErrorReason::InvalidValue));
        }
        if publish.topic.is_some_and(<[u8]>::is_empty) && publish.alias().is_some() {
            self.learn(Version::V5);
        }
        let topic = self.topic(direction, &publish);
        let packet_id = publish.packet_id.filter(|packet_id| *packet_id != 0);
        let side = &mut self.sides[direction.index()];
        if head.is_duplicate() && packet_id.is_some_and(|packet_id| side.packet_ids.is_open(packet_id)) {
            return Ok(None);
        }
        if head.qos() > 0 && packet_id.is_none() {
            return Ok(None);
        }
        let mut request = self.request(head.kind, direction);
        describe_publish(&head, &publish, &self.config, &mut request);
        set_topic(&mut request, topic);
        let Some(packet_id) = packet_id else { return Ok(Some(Message::one_way(request))) };
        Ok(Some(self.ask(direction, packet_id, request)))
    }

    /// The topic of a message, after what it changes of the aliases.
    fn topic(&mut self, direction: Direction, publish: &Publish<'_>) -> Option<String> {
        let topic = publish.topic.and_then(|topic| std::str::from_utf8(topic).ok());
        let topic = topic.map(|topic| cut_text(topic.as_bytes(), self.config.max_attribute_bytes));
        if self.version == Version::V5 && !publish.has_whole_properties() {
            self.forget_aliases(direction);
        }
        let aliases = &mut self.sides[direction.index()].aliases;
        match (topic.filter(|topic| !topic.is_empty()), publish.alias()) {
            (Some(topic), Some(alias)) => {
                aliases.insert(alias, topic.clone());
                Some(topic)
            }
            (None, Some(alias)) if publish.topic.is_some() => aliases.find(alias).map(str::to_owned),
            (topic, _) => topic,
        }
    }

    fn publish_ack(&mut self, direction: Direction, packet: Packet<'_>) -> Option<Message> {
        let (packet_id, rest) = packet.split_id()?;
        if packet.head.body_bytes > PACKET_ID_BYTES {
            self.learn(Version::V5);
        }
        let is_code_cut = rest.is_empty() && !packet.is_whole();
        let response = if is_code_cut { Response::default() } else { self.acknowledged(rest) };
        let number = self.answered(direction, packet_id);
        Some(Message::response(response).with_id(number))
    }

    fn subscribe(&mut self, direction: Direction, packet: Packet<'_>) -> Option<Message> {
        let (packet_id, rest) = packet.split_id()?;
        let version = self.version;
        let filters = packet.is_whole().then(|| Filters::read(&packet.head, rest, version)).flatten();
        if let Some(filters) = &filters {
            self.learn(filters.version);
        }
        if packet.head.is_duplicate() && self.sides[direction.index()].packet_ids.is_open(packet_id) {
            return None;
        }
        let mut request = self.request(packet.head.kind, direction);
        if let Some(filters) = &filters {
            describe_filters(packet.head.kind, filters, &self.config, &mut request);
        }
        Some(self.ask(direction, packet_id, request))
    }

    fn subscribe_ack(&mut self, direction: Direction, packet: Packet<'_>) -> Option<Message> {
        let (packet_id, rest) = packet.split_id()?;
        let version = self.version;
        let codes = packet.is_whole().then(|| Answers::read(&packet.head, rest, version)).flatten();
        if let Some(codes) = &codes {
            self.learn(codes.version);
        }
        let number = self.answered(direction, packet_id);
        Some(Message::response(subscription(codes.as_ref(), &self.config)).with_id(number))
    }

    fn disconnect(&mut self, direction: Direction, packet: Packet<'_>) -> Request {
        if packet.head.body_bytes > 0 {
            self.learn(Version::V5);
        }
        self.is_authenticating_anew = false;
        let mut request = self.request(packet.head.kind, direction);
        let mut cursor = Cursor::new(packet.body);
        let silent_code = (self.version == Version::V5 && packet.is_whole()).then_some(0);
        if let Some(code) = cursor.u8().or(silent_code) {
            request.attributes.push("df.mqtt.reason_code", u16::from(code));
        }
        let reason = Properties::read(&mut cursor).and_then(|properties| properties.text(REASON_STRING));
        if let Some(reason) = reason {
            request.attributes.push("df.mqtt.reason_string", self.cut(reason));
        }
        request
    }

    fn authenticate(&mut self, direction: Direction, packet: Packet<'_>) -> Message {
        self.learn(Version::V5);
        let code = packet.body.first().copied().or(packet.is_whole().then_some(0));
        let is_client = direction == self.client;
        if self.is_authenticating_anew && !is_client && code == Some(0) {
            self.is_authenticating_anew = false;
            return Message::response(self.acknowledged(packet.body)).with_id(AUTHENTICATING);
        }
        let mut request = self.request(packet.head.kind, direction);
        if let Some(code) = code {
            request.attributes.push("df.mqtt.reason_code", u16::from(code));
        }
        if is_client && code == Some(AUTHENTICATE_ANEW) {
            self.is_authenticating_anew = true;
            return Message::request(request).with_id(AUTHENTICATING);
        }
        Message::one_way(request)
    }

    fn acknowledged(&self, bytes: &[u8]) -> Response {
        acknowledgment(bytes, self.version, &self.config)
    }

    /// A request with what all of them have.
    fn request(&self, kind: Kind, direction: Direction) -> Request {
        let is_from_server = direction != self.client;
        let (operation, operation_type) = match (kind, is_from_server) {
            (Kind::Publish, false) => (kind.operation(), Some("send")),
            (Kind::Publish, true) => ("receive", Some("receive")),
            _ => (kind.operation(), None),
        };
        let mut attributes = Attributes::with_capacity(10);
        attributes.push("messaging.system", "mqtt");
        attributes.push("messaging.operation.name", operation);
        if let Some(operation_type) = operation_type {
            attributes.push("messaging.operation.type", operation_type);
        }
        if let Some(client_id) = &self.client_id {
            attributes.push("messaging.client.id", client_id.clone());
        }
        if is_from_server {
            attributes.push("df.mqtt.is_from_server", true);
        }
        Request {
            kind: Cow::Borrowed(kind.name()),
            version: self.version.text().map(Cow::Borrowed),
            operation: Cow::Borrowed(operation),
            attributes,
            ..Request::default()
        }
    }

    fn ask(&mut self, direction: Direction, packet_id: u16, mut request: Request) -> Message {
        request.attributes.push("df.mqtt.packet_id", packet_id);
        self.numbers = self.numbers.saturating_add(1);
        let number = self.sides[direction.index()].packet_ids.ask(packet_id, self.numbers);
        Message::request(request).with_id(number)
    }

    /// The number of the packet that this one, of the other direction, answers.
    fn answered(&mut self, direction: Direction, packet_id: u16) -> u64 {
        self.numbers = self.numbers.saturating_add(1);
        self.sides[direction.reversed().index()].packet_ids.answer(packet_id, self.numbers)
    }

    /// A packet shows the version, unless it is known better.
    fn learn(&mut self, version: Version) {
        if self.version == Version::Unknown {
            self.version = version;
        }
    }

    /// What is not read may give an alias another meaning.
    fn forget_aliases(&mut self, direction: Direction) {
        self.sides[direction.index()].aliases.clear();
    }

    fn read(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let bytes = input.bytes;
        let head = match Head::read(bytes) {
            Ok(head) => head,
            Err(HeadError::Incomplete) if !input.is_final() => {
                return Ok(Parsed::Incomplete { needed: bytes.len().saturating_add(1) });
            }
            Err(HeadError::Incomplete) => return Ok(Parsed::Skipped { consumed: bytes.len() }),
            Err(HeadError::Unreadable) => return Err(ParseError::new(0, ParseErrorReason::InvalidValue)),
        };
        let needed = self.needed(&head, bytes)?;
        if bytes.len() < needed && !input.is_final() {
            return Ok(Parsed::Incomplete { needed });
        }
        let body = head.body(bytes.get(..needed).unwrap_or(bytes));
        let consumed = head.packet_bytes();
        Ok(match self.message(direction, Packet { head, body })? {
            Some(message) => Parsed::Message { consumed, message },
            None => Parsed::Skipped { consumed },
        })
    }

    /// How much of a packet is to be looked at.
    fn needed(&self, head: &Head, bytes: &[u8]) -> Result<usize, ParseError> {
        let body_bytes = match head.kind {
            Kind::Publish => needed_bytes(head, head.body(bytes), self.version)
                .ok_or(ParseError::new(head.prefix_bytes, ParseErrorReason::InvalidLength))?,
            _ => head.body_bytes,
        };
        let limit = MAX_HEAD_BYTES.min(self.config.max_buffered_bytes).min(head.packet_bytes());
        Ok(head.prefix_bytes.saturating_add(body_bytes).min(limit))
    }

    /// Whether this is a message, and one of the version that packets before looked like.
    fn is_right(&self, publish: &Publish<'_>, is_body_there: bool) -> bool {
        let is_topic_right = match publish.topic {
            Some([]) if self.version.is_three() => false,
            Some([]) if self.version == Version::Unknown => match publish.properties {
                Some(_) => publish.has_whole_properties() && publish.alias().is_some(),
                None => !is_body_there,
            },
            Some([]) | None => true,
            Some(topic) => is_topic(topic),
        };
        let are_properties_there = publish.properties.is_some() || is_body_there;
        let is_doubtful = self.version == Version::V5 && !self.is_version_told && are_properties_there;
        is_topic_right && (!is_doubtful || publish.has_whole_properties())
    }

    fn cut(&self, text: &str) -> String {
        cut_text(text.as_bytes(), self.config.max_attribute_bytes)
    }
}

impl<'a> Packet<'a> {
    /// Whether the whole packet is there, and looked at.
    const fn is_whole(&self) -> bool {
        self.body.len() == self.head.body_bytes
    }

    /// The packet identifier and what stands behind it; none if there is none.
    fn split_id(&self) -> Option<(u16, &'a [u8])> {
        let mut cursor = Cursor::new(self.body);
        let packet_id = cursor.u16_be().filter(|packet_id| *packet_id != 0)?;
        Some((packet_id, cursor.rest()))
    }
}

impl Parser for MqttParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let parsed = self.read(direction, input);
        if parsed.is_err() {
            self.forget_aliases(direction);
            if !self.is_version_told {
                self.version = Version::Unknown;
            }
        }
        parsed
    }

    fn is_message_start(&self, _: Direction, bytes: &[u8]) -> bool {
        is_packet_start(bytes)
    }

    fn on_gap(&mut self, direction: Direction) -> Recovery {
        self.forget_aliases(direction);
        Recovery::Resynchronize
    }
}

const PACKET_ID_BYTES: usize = 2;
/// What `CONNACK` of version 3 has.
const RETURN_CODE_BYTES: usize = 2;
const AUTHENTICATE_ANEW: u8 = 0x19;
/// What has no packet identifier is paired by what it is. Heartbeats are paired in order.
const CONNECTING: u64 = 1 << 62;
const AUTHENTICATING: u64 = 1 << 63;
/// How much of a packet is looked at, at most; the rest is passed over.
const MAX_HEAD_BYTES: usize = 16_384;
