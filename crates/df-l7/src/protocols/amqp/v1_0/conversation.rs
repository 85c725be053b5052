//! Follows an AMQP 1.0 connection: which performative answers which, and which message had which outcome.

use std::collections::VecDeque;
use std::sync::Arc;

use df_core::Direction;

use crate::{
    ConnectionConfig, Input, Message, ParseError, ParseErrorReason, Parsed, Request, Response, ResponseStatus,
};

use super::super::parser::too_few;
use super::super::wire::Layer;
use super::links::{Link, Links};
use super::pending::{Asked, Due, DueState, Pending};
use super::performative::{Kind, Node, Performative};
use super::records::{self, Peers, Subject, agreement};
use super::transfers::Transfers;
use super::value::Value;
use super::wire::{FrameHead, HEAD_BYTES};

mod endings;
mod messages;

/// One connection.
#[derive(Debug)]
pub(in super::super) struct Conversation {
    config: Arc<ConnectionConfig>,
    peers: Peers,
    links: Links,
    pending: Pending,
    transfers: Transfers,
    /// What the server said before it was asked, as it may: the client's own then asks for nothing.
    ahead: Vec<Asked>,
    /// Whether all that the client has said was seen.
    has_seen_client: bool,
    /// What the last frame gave.
    finished: VecDeque<Message>,
    /// The number of the next message.
    next_number: u64,
}

/// A performative as it was read.
struct Said<'a> {
    direction: Direction,
    /// As its sender counts.
    own_channel: u16,
    /// The client's, by which both are known.
    channel: u32,
    performative: Performative<'a>,
    frame_bytes: u64,
    payload_bytes: u64,
    /// Whether all of the frame was there.
    is_whole: bool,
}

impl Conversation {
    pub(in super::super) fn new(config: &Arc<ConnectionConfig>) -> Self {
        Self {
            config: Arc::clone(config),
            peers: Peers::new(super::super::UNKNOWN_SYSTEM),
            links: Links::default(),
            pending: Pending::default(),
            transfers: Transfers::default(),
            ahead: Vec::new(),
            has_seen_client: false,
            finished: VecDeque::new(),
            next_number: 0,
        }
    }

    /// The client has sent a protocol header.
    pub(in super::super) fn handle_header(&mut self, request: Request, layer: Layer) -> Message {
        self.has_seen_client = true;
        let asked = Asked::Header(layer);
        if self.is_answered_ahead(asked) {
            return Message::one_way(request).with_id(self.number());
        }
        let number = self.insert_due(Direction::ToServer, asked, 0, None);
        Message::request(request).with_id(number)
    }

    /// The server has answered with its own; none if that is no answer.
    pub(in super::super) fn handle_offer(&mut self, layer: Layer) -> Option<Message> {
        if let Some(due) = self.pending.take_request(Direction::ToClient, Asked::Header(layer), 0) {
            return Some(Message::response(agreement()).with_id(due.number));
        }
        let Some(number) = self.refuse_header() else {
            self.note_ahead(Asked::Header(layer));
            return None;
        };
        let response = Response {
            status: ResponseStatus::ClientError,
            code: Some("1.0".into()),
            exception: Some(format!("another layer is wanted: {}", layer.name())),
            ..Response::default()
        };
        Some(Message::response(response).with_id(number))
    }

    /// The server speaks another version: gives the number of the client's header.
    pub(in super::super) fn refuse_header(&mut self) -> Option<u64> {
        self.pending.take_header(Direction::ToClient).map(|due| due.number)
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
        let consumed = head.bytes;
        let needed = consumed.min(MAX_HEAD_BYTES).min(self.config.max_buffered_bytes).max(HEAD_BYTES);
        if bytes.len() < needed && !input.is_final() {
            return Ok(Parsed::Incomplete { needed });
        }
        if head.is_empty() {
            return Ok(Parsed::Skipped { consumed });
        }
        let frame = bytes.get(..needed).unwrap_or(bytes);
        let is_whole = frame.len() == consumed;
        let Some(performative) = Performative::read(head.body(frame)) else {
            if is_whole {
                return Err(ParseError::new(head.body_offset, ParseErrorReason::InvalidValue));
            }
            return Ok(Parsed::Skipped { consumed });
        };
        let kind = performative.kind;
        if kind.is_sasl() != head.is_sasl || kind.sender().is_some_and(|sender| sender != direction) {
            return Err(ParseError::new(head.body_offset, ParseErrorReason::UnexpectedMessage));
        }
        let said = Said {
            direction,
            own_channel: head.channel,
            channel: self.links.conversation_of(direction, head.channel),
            frame_bytes: consumed as u64,
            payload_bytes: consumed.saturating_sub(head.body_offset + performative.bytes) as u64,
            performative,
            is_whole,
        };
        Ok(self.handle(&said))
    }

    /// What the last frame gave, if it gave more than one message.
    pub(in super::super) fn poll_message(&mut self) -> Option<Message> {
        self.finished.pop_front()
    }

    /// A message whose last frames will not be seen.
    pub(in super::super) fn interrupt(&mut self, direction: Direction) -> Option<Message> {
        self.transfers.pop_first(direction)
    }

    pub(in super::super) fn handle_gap(&mut self, direction: Direction) {
        self.has_seen_client &= direction == Direction::ToClient;
        self.links.forget_handles(direction);
        self.pending.forget_requests(direction);
    }

    fn handle(&mut self, said: &Said<'_>) -> Parsed {
        let consumed = usize::try_from(said.frame_bytes).unwrap_or(usize::MAX);
        let mut started = None;
        match said.performative.kind {
            Kind::SaslInit => self.handle_login(said),
            Kind::SaslOutcome => {
                self.push_answer(
                    said,
                    Asked::Performative(Kind::SaslInit),
                    records::login(&said.performative),
                );
            }
            Kind::Open => self.handle_open(said),
            Kind::Begin => self.handle_begin(said),
            Kind::Attach => self.handle_attach(said),
            Kind::Transfer => started = self.handle_transfer(said),
            Kind::Disposition => self.handle_disposition(said),
            Kind::Detach => self.handle_detach(said),
            Kind::End | Kind::Close => self.handle_ending(said),
            Kind::Flow | Kind::SaslMechanisms | Kind::SaslChallenge | Kind::SaslResponse => {}
        }
        match (started, self.finished.len()) {
            (Some(id), _) => Parsed::Started { consumed, id },
            (None, 1) => match self.finished.pop_front() {
                Some(message) => Parsed::Message { consumed, message },
                None => Parsed::Skipped { consumed },
            },
            (None, _) => Parsed::Skipped { consumed },
        }
    }

    fn handle_login(&mut self, said: &Said<'_>) {
        let mut request = self.request(said, None);
        if let Some(mechanism) = said.performative.field(0).text() {
            let mechanism = crate::sql::cut_text(mechanism, self.config.max_attribute_bytes);
            request.attributes.push("df.amqp.sasl.mechanism", mechanism);
        }
        self.push_request(said, request, 0, None);
    }

    /// Both ends open the connection; the server's is the answer.
    fn handle_open(&mut self, said: &Said<'_>) {
        let max_bytes = self.config.max_attribute_bytes;
        if said.direction == Direction::ToServer {
            self.peers.learn_client(&said.performative, max_bytes);
            let request = self.request(said, None);
            if self.is_answered_ahead(Asked::Performative(Kind::Open)) {
                let number = self.number();
                return self.finished.push_back(Message::one_way(request).with_id(number));
            }
            return self.push_request(said, request, 0, None);
        }
        let result = self.peers.learn_server(&said.performative, max_bytes);
        self.push_answer(said, Asked::Performative(Kind::Open), Response { result, ..agreement() });
    }

    /// Both ends begin a session, each on a channel of its own number; who answers names that of the other.
    fn handle_begin(&mut self, said: &Said<'_>) {
        self.links.forget_channel(said.direction, said.own_channel);
        let remote = said.performative.number(0).and_then(|channel| u16::try_from(channel).ok());
        let Some(remote) = remote else {
            if said.direction == Direction::ToServer {
                let _ = self.pending.take_deliveries(None, Some(said.channel), None);
            }
            let request = self.request(said, None);
            return self.push_request(said, request, said.own_channel.into(), None);
        };
        let (server_channel, client_channel) = match said.direction {
            Direction::ToClient => (said.own_channel, remote),
            Direction::ToServer => (remote, said.own_channel),
        };
        self.links.join(server_channel, client_channel);
        let joined = Said { channel: remote.into(), performative: said.performative, ..*said };
        self.push_answer(&joined, Asked::Performative(Kind::Begin), agreement());
    }

    /// Both ends attach a link, each with a handle of its own; the name says that it is the same.
    fn handle_attach(&mut self, said: &Said<'_>) {
        let performative = &said.performative;
        let Some((name, handle)) = performative.field(0).text().zip(performative.handle()) else { return };
        let is_receiver = performative.field(2).is_true();
        let [source, target] = [5, 6].map(|place| performative.field(place));
        let sender = if is_receiver { said.direction.reversed() } else { said.direction };
        let node = Node::read(if sender == Direction::ToServer { target } else { source });
        let mut link = Link {
            name: name.to_vec(),
            address: node.and_then(|node| node.address).map(<[u8]>::to_vec),
            is_anonymous: node.is_some_and(|node| node.is_dynamic),
        };
        let asked = self.pending.find_link_request(said.direction, Kind::Attach, said.channel, Some(name));
        let Some(due) = asked else {
            self.links.attach(said.direction, said.own_channel, handle, link.clone());
            let request = self.request(said, Some(&link));
            if said.direction == Direction::ToClient && !self.has_seen_client {
                // As likely as not the client has asked for it, and that was not seen.
                let echoed_request = Some(Box::new(request));
                return self.push_unasked(Response { echoed_request, ..agreement() });
            }
            return self.push_request(said, request, said.channel, Some(link));
        };
        let wanted = if is_receiver { target } else { source };
        if wanted == Value::Null && said.is_whole {
            due.state = DueState::Refused;
            return self.links.attach(said.direction, said.own_channel, handle, link);
        }
        let made_up =
            link.address.clone().filter(|_| due.link.as_ref().is_some_and(|link| link.is_anonymous));
        if let Some(asked) = &due.link {
            link.address = link.address.or_else(|| asked.address.clone());
            link.is_anonymous |= asked.is_anonymous;
        }
        self.links.attach(said.direction, said.own_channel, handle, link);
        let mut response = agreement();
        if let Some(address) = made_up {
            let address = crate::sql::cut_text(&address, self.config.max_attribute_bytes);
            response.attributes.push("messaging.destination.name", address);
        }
        let due = self.pending.take_link_request(said.direction, Kind::Attach, said.channel, Some(name));
        self.finished.extend(due.map(|due| Message::response(response).with_id(due.number)));
    }

    fn push_request(&mut self, said: &Said<'_>, request: Request, channel: u32, link: Option<Link>) {
        let asked = Asked::Performative(said.performative.kind);
        let number = self.insert_due(said.direction, asked, channel, link);
        self.finished.push_back(Message::request(request).with_id(number));
    }

    /// The answer to the oldest request of this kind; of one that was not seen it repeats what can be told.
    fn push_answer(&mut self, said: &Said<'_>, asked: Asked, mut response: Response) {
        let is_on_channel = matches!(asked, Asked::Performative(Kind::Begin));
        let channel = if is_on_channel { said.channel } else { 0 };
        if let Some(due) = self.pending.take_request(said.direction, asked, channel) {
            return self.push_responses(&[due.number], &response);
        }
        let Asked::Performative(kind) = asked else { return };
        if kind == Kind::Open {
            self.note_ahead(asked);
        }
        let subject = Subject { kind, direction: said.direction.reversed(), ..subject(said, None) };
        response.echoed_request = Some(Box::new(records::request(&subject, &self.peers, &self.config)));
        self.push_unasked(response);
    }

    fn note_ahead(&mut self, asked: Asked) {
        if self.ahead.len() < MAX_AHEAD && !self.ahead.contains(&asked) {
            self.ahead.push(asked);
        }
    }

    fn is_answered_ahead(&mut self, asked: Asked) -> bool {
        let place = self.ahead.iter().position(|said| *said == asked);
        place.is_some_and(|place| self.ahead.remove(place) == asked)
    }

    /// The answer to what was not seen.
    fn push_unasked(&mut self, response: Response) {
        let version = response.echoed_request.as_ref().and_then(|request| request.version.clone());
        let number = self.number();
        self.push_responses(&[number], &Response { version, ..response });
    }

    fn push_responses(&mut self, numbers: &[u64], response: &Response) {
        let responses = numbers.iter().map(|number| Message::response(response.clone()).with_id(*number));
        self.finished.extend(responses);
    }

    fn insert_due(&mut self, direction: Direction, asked: Asked, channel: u32, link: Option<Link>) -> u64 {
        let number = self.number();
        let state = DueState::Open;
        self.pending.insert_request(Due { direction, asked, channel, link, number, state });
        number
    }

    fn request(&self, said: &Said<'_>, link: Option<&Link>) -> Request {
        records::request(&subject(said, link), &self.peers, &self.config)
    }

    fn number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number = number.wrapping_add(1);
        number
    }
}

fn subject<'a>(said: &Said<'_>, link: Option<&'a Link>) -> Subject<'a> {
    Subject {
        kind: said.performative.kind,
        direction: said.direction,
        channel: said.own_channel,
        link_name: link.map(|link| link.name.as_slice()),
        address: link.and_then(|link| link.address.as_deref()),
        is_anonymous: link.is_some_and(|link| link.is_anonymous),
    }
}

/// How much of a frame is looked at, at most; the rest is passed over.
const MAX_HEAD_BYTES: usize = 16_384;
/// How much a server says unasked, at most: two headers and an `open`.
const MAX_AHEAD: usize = 3;
