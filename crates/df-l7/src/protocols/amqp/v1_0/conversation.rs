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
use super::performative::{Failure, Kind, Node, Outcome, Performative};
use super::records::{self, Peers, Subject, add_failure, agreement, refusal};
use super::sections::Sections;
use super::transfers::{Delivery, LinkKey, Transfers};
use super::value::Value;
use super::wire::{FrameHead, HEAD_BYTES};

/// One connection.
#[derive(Debug)]
pub(in super::super) struct Conversation {
    config: Arc<ConnectionConfig>,
    peers: Peers,
    links: Links,
    pending: Pending,
    transfers: Transfers,
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
    channel: u16,
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
            finished: VecDeque::new(),
            next_number: 0,
        }
    }

    /// The client has sent a protocol header.
    pub(in super::super) fn handle_header(&mut self, request: Request, layer: Layer) -> Message {
        let number = self.insert_due(Direction::ToServer, Asked::Header(layer), 0, None);
        Message::request(request).with_id(number)
    }

    /// The server has answered with its own; none if that is no answer.
    pub(in super::super) fn handle_offer(&mut self, layer: Layer) -> Option<Message> {
        if let Some(due) = self.pending.take_request(Direction::ToClient, Asked::Header(layer), 0) {
            return Some(Message::response(agreement()).with_id(due.number));
        }
        let number = self.refuse_header()?;
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
                let _ = self.pending.take_deliveries(None, Some(said.own_channel), None);
            }
            let request = self.request(said, None);
            return self.push_request(said, request, said.own_channel, None);
        };
        let (server_channel, client_channel) = match said.direction {
            Direction::ToClient => (said.own_channel, remote),
            Direction::ToServer => (remote, said.own_channel),
        };
        self.links.join(server_channel, client_channel);
        let joined = Said { channel: remote, performative: said.performative, ..*said };
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

    /// A message, or a part of one; gives its number if more parts follow the first.
    fn handle_transfer(&mut self, said: &Said<'_>) -> Option<u64> {
        let performative = &said.performative;
        let key =
            LinkKey { direction: said.direction, channel: said.own_channel, handle: performative.handle()? };
        let delivery = Delivery {
            id: performative.number(1),
            is_settled: performative.field(4).is_true(),
            has_more: performative.field(5).is_true(),
            is_aborted: performative.field(9).is_true(),
            frame_bytes: said.frame_bytes,
            payload_bytes: said.payload_bytes,
        };
        let continued = self.transfers.resume(key, &delivery);
        if let Some(ended) = continued.ended {
            if ended.is_settled {
                let id = ended.delivery_id;
                let _ = self.pending.settle(said.direction, said.channel, id, id);
            }
            self.finished.push_back(ended.message);
        }
        let id = delivery.id.filter(|_| !continued.is_taken)?;
        let request = self.message_request(said, key);
        let number = self.number();
        if !delivery.is_settled {
            let name = self.links.find(key.direction, key.channel, key.handle).map(|link| link.name.clone());
            let max_pending = self.config.max_pending_requests;
            self.pending.insert_delivery(said.direction, said.channel, id, (number, name), max_pending);
        }
        let begun = self.transfers.begin(key, id, &delivery, request, number);
        self.finished.extend(begun);
        delivery.has_more.then_some(number)
    }

    fn message_request(&self, said: &Said<'_>, key: LinkKey) -> Request {
        let sections = Sections::read(said.performative.payload, &self.config.context);
        let link = self.links.find(key.direction, key.channel, key.handle);
        let address = link.and_then(|link| link.address.as_deref()).or(sections.to);
        let subject = Subject {
            kind: Kind::Transfer,
            direction: said.direction,
            channel: said.own_channel,
            link_name: link.map(|link| link.name.as_slice()),
            address,
            is_anonymous: link.is_some_and(|link| link.is_anonymous),
        };
        let mut request = records::request(&subject, &self.peers, &self.config);
        records::add_sections(&mut request, sections, &self.config);
        request
    }

    /// Who receives says what became of messages. What a sender says of its own is that it has heard it.
    fn handle_disposition(&mut self, said: &Said<'_>) {
        let performative = &said.performative;
        let Some(first) = performative.number(1).filter(|_| performative.field(0).is_true()) else { return };
        let last = performative.number(2).unwrap_or(first);
        let Some(outcome) = Outcome::read(performative.field(4), performative.field(3).is_true()) else {
            return;
        };
        let sender = said.direction.reversed();
        let settled = self.pending.settle(sender, said.channel, first, last);
        let response = records::settlement(outcome, sender, &self.config);
        self.push_responses(&settled, &response);
    }

    fn handle_detach(&mut self, said: &Said<'_>) {
        let Some(handle) = said.performative.handle() else { return };
        let link = self.links.find(said.direction, said.own_channel, handle).cloned();
        self.links.detach(said.direction, said.own_channel, handle);
        let name = link.as_ref().map(|link| link.name.as_slice());
        let failure = said.performative.error();
        if let Some(due) = self.pending.take_refused(said.direction, said.channel, name) {
            self.push_responses(&[due.number], &refusal(failure, &self.config));
            return self.insert_told(said, link);
        }
        let asked = self.pending.take_link_request(said.direction, Kind::Detach, said.channel, name);
        if let Some(due) = asked {
            return self.push_end(&due, failure);
        }
        let sender = said.direction.reversed();
        let waiting = match (failure, name) {
            (Some(_), Some(name)) => {
                self.pending.take_deliveries(Some(sender), Some(said.channel), Some(name))
            }
            _ => Vec::new(),
        };
        self.handle_unasked_end(said, link, &waiting, failure);
    }

    /// A session ends, or the connection does.
    fn handle_ending(&mut self, said: &Said<'_>) {
        let kind = said.performative.kind;
        let failure = said.performative.error();
        let is_connection = kind == Kind::Close;
        let channel = if is_connection { 0 } else { said.channel };
        if !is_connection {
            self.links.forget_channel(said.direction, said.own_channel);
        }
        if let Some(due) = self.pending.take_request(said.direction, Asked::Performative(kind), channel) {
            return self.push_end(&due, failure);
        }
        let mut waiting = Vec::new();
        if failure.is_some() {
            let channel = (!is_connection).then_some(said.channel);
            let sender = said.direction.reversed();
            waiting = self.pending.take_requests(said.direction, channel);
            waiting.extend(self.pending.take_deliveries(Some(sender), channel, None));
        }
        self.handle_unasked_end(said, None, &waiting, failure);
    }

    /// Nobody asked for this end. If it has a reason, that is the answer to all that waits there.
    fn handle_unasked_end(
        &mut self,
        said: &Said<'_>,
        link: Option<Link>,
        waiting: &[u64],
        failure: Option<Failure<'_>>,
    ) {
        let mut request = self.request(said, link.as_ref());
        if !waiting.is_empty() {
            self.push_responses(waiting, &refusal(failure, &self.config));
            return self.insert_told(said, link);
        }
        if let (Some(_), Direction::ToClient) = (failure, said.direction) {
            let echoed_request = Some(Box::new(request));
            self.push_unasked(Response { echoed_request, ..refusal(failure, &self.config) });
            return self.insert_told(said, link);
        }
        if let Some(failure) = failure {
            add_failure(&mut request, failure, &self.config);
        }
        let channel = if said.performative.kind == Kind::Close { 0 } else { said.channel };
        self.push_request(said, request, channel, link);
    }

    /// The answer to who asked for an end, unless what it said then was all.
    fn push_end(&mut self, due: &Due, failure: Option<Failure<'_>>) {
        if due.state == DueState::Told {
            return;
        }
        let response = match failure {
            Some(_) => refusal(failure, &self.config),
            None => agreement(),
        };
        self.push_responses(&[due.number], &response);
    }

    /// The other end will say that it knows, which is no answer to anything.
    fn insert_told(&mut self, said: &Said<'_>, link: Option<Link>) {
        let kind = said.performative.kind;
        let channel = if kind == Kind::Close { 0 } else { said.channel };
        let number = self.number();
        let asked = Asked::Performative(kind);
        let (direction, state) = (said.direction, DueState::Told);
        self.pending.insert_request(Due { direction, asked, channel, link, number, state });
    }

    fn push_request(&mut self, said: &Said<'_>, request: Request, channel: u16, link: Option<Link>) {
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
        let subject = Subject { kind, direction: said.direction.reversed(), ..subject(said, None) };
        response.echoed_request = Some(Box::new(records::request(&subject, &self.peers, &self.config)));
        self.push_unasked(response);
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

    fn insert_due(&mut self, direction: Direction, asked: Asked, channel: u16, link: Option<Link>) -> u64 {
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
