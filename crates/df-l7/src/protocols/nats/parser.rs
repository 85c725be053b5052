//! Reads NATS messages.

use std::collections::VecDeque;
use std::sync::Arc;

use df_core::{Direction, Transport};

use crate::{
    ConnectionConfig, Content as MessageContent, Input, Message, ParseError, ParseErrorReason, Parsed,
    Parser, Recovery, Response, ResponseStatus,
};

use super::awaited::{Awaited, identify};
use super::confirmations::{Confirmation, Confirmations};
use super::detect;
use super::errors::{Refusal, jetstream_error};
use super::headers::Headers;
use super::records::{Records, mark_server};
use super::served::{Role, Served};
use super::subjects;
use super::subscriptions::Subscriptions;
use super::wire::{Carried, Line, MAX_LINE_BYTES, json_flag, line};

/// Reads NATS messages.
#[derive(Debug)]
pub struct NatsParser {
    records: Records,
    /// How much of an unfinished line was searched for its end, per direction.
    searched: [usize; 2],
    subscriptions: Subscriptions,
    confirmations: Confirmations,
    /// The client's requests by the subject of their reply, with what they were published to.
    asked: Awaited<Box<[u8]>>,
    served: Served,
    /// Whether the client has connected and nothing shows yet that it may.
    is_connecting: bool,
    /// How many pings that the client sent with its `CONNECT` were not answered yet.
    connecting_pings: usize,
    /// How many pings of the server were seen, and how many answers.
    server_pings: [u64; 2],
    /// How many errors answered nothing that was seen.
    strays: u64,
    /// Messages of a line that is two: at most two.
    outbox: VecDeque<(Direction, Message)>,
    has_ended: bool,
}

impl NatsParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        let max_pending = config.max_pending_requests;
        Self {
            records: Records::new(config),
            searched: [0, 0],
            subscriptions: Subscriptions::default(),
            confirmations: Confirmations::new(max_pending),
            asked: Awaited::new(max_pending),
            served: Served::new(max_pending),
            is_connecting: false,
            connecting_pings: 0,
            server_pings: [0, 0],
            strays: 0,
            outbox: VecDeque::new(),
            has_ended: false,
        }
    }

    /// The message of a client's line; none for what only answers.
    fn client_message(&mut self, line: &Line<'_>, content: Content<'_>) -> Option<Message> {
        match line {
            Line::Connect(object) => {
                let is_verbose = json_flag(object, "verbose");
                self.subscriptions.begin();
                self.is_connecting = true;
                self.confirmations.begin(is_verbose);
                Some(Message::request(self.records.connect(object)).with_id(connecting()))
            }
            Line::Ping if self.is_connecting => {
                self.connecting_pings = self.connecting_pings.saturating_add(1);
                None
            }
            Line::Ping => Some(Message::request(self.records.ping(Direction::ToServer))),
            Line::Pong => {
                let [asked, answered] = &mut self.server_pings;
                let number = (*answered < *asked).then_some(*answered)?;
                *answered = answered.wrapping_add(1);
                Some(Message::response(done()).with_id(server_ping(number)))
            }
            Line::Subscribe { subject, queue, id } => {
                self.subscriptions.insert(id, subject, *queue);
                let request = self.records.subscribe(subject, *queue);
                Some(self.confirmations.expect_for(request))
            }
            Line::Unsubscribe { id, deliveries } => {
                let known = self.subscriptions.find(id);
                let subject = known.and_then(|known| known.subject.as_deref());
                let request =
                    self.records.unsubscribe(subject, known.and_then(|known| known.queue.as_deref()));
                self.subscriptions.end(id, *deliveries);
                Some(self.confirmations.expect_for(request))
            }
            Line::Publish(carried) => Some(self.publication(carried, content)),
            _ => None,
        }
    }

    /// A reply to the server's request, a request of the client's own, or a publication.
    fn publication(&mut self, carried: &Carried<'_>, content: Content<'_>) -> Message {
        let answer = self.served.answer(carried.subject);
        if let Some(subscription) = answer.as_ref().and_then(|answer| answer.subscription.as_deref()) {
            self.subscriptions.note_answer(subscription);
        }
        if answer.is_some_and(|answer| answer.is_response) {
            let id = identify(carried.subject, true);
            self.confirmations.expect(Confirmation::OfReply);
            return Message::response(content.headers.into_response()).with_id(id);
        }
        let request = self.records.publish(carried, content.headers);
        let reply = carried.reply.filter(|reply| self.subscriptions.may_take(reply));
        let Some(reply) = reply else { return self.confirmations.expect_for(request) };
        let id = identify(reply, false);
        self.asked.insert(reply, carried.subject.into());
        self.confirmations.expect(Confirmation::OfRequest(id));
        Message::request(request).with_id(id)
    }

    /// The message of a server's line; none for what says nothing by itself.
    fn server_message(&mut self, line: &Line<'_>, content: Content<'_>) -> Option<Message> {
        match line {
            Line::Greeting(object) => {
                self.records.read_greeting(object);
                // Whoever may encrypt now says so by its first byte.
                self.has_ended = json_flag(object, "tls_required") || json_flag(object, "tls_available");
                None
            }
            Line::Confirmed => match self.confirmations.confirm()? {
                Confirmation::InOrder => Some(Message::response(done())),
                Confirmation::OfConnect => {
                    self.is_connecting = false;
                    Some(Message::response(done()).with_id(connecting()))
                }
                Confirmation::OfRequest(_) | Confirmation::OfReply | Confirmation::OfUnseen => None,
            },
            Line::Refused(text) => Some(self.refusal(text)),
            Line::Ping => {
                let [asked, _] = &mut self.server_pings;
                let id = server_ping(*asked);
                *asked = asked.wrapping_add(1);
                Some(Message::request(self.records.ping(Direction::ToClient)).with_id(id))
            }
            Line::Pong if self.connecting_pings > 0 => {
                self.connecting_pings = self.connecting_pings.saturating_sub(1);
                None
            }
            Line::Pong => Some(Message::response(done())),
            Line::Deliver(carried) => Some(self.delivery(carried, content)),
            _ => None,
        }
    }

    /// A reply to the client's request, a request of the server, or a delivery.
    fn delivery(&mut self, carried: &Carried<'_>, content: Content<'_>) -> Message {
        let id = carried.subscription;
        let asked = self.answered_by(carried).map(|reply| identify(&reply, false));
        let known = self.subscriptions.note_delivery(id);
        if let Some(asked) = asked {
            let error = jetstream_error(content.payload, self.records.config().max_attribute_bytes);
            let response = error.unwrap_or_else(|| content.headers.into_response());
            return Message::response(response).with_id(asked);
        }
        let queue = known.as_ref().and_then(|known| known.queue.as_deref());
        let mut request = self.records.deliver(carried, content.headers, queue);
        let reply = carried.reply.filter(|reply| !subjects::is_acknowledgment(reply));
        let Some(reply) = reply else { return Message::one_way(request) };
        mark_server(Direction::ToClient, &mut request);
        let role = self.served.deliver(reply, id, known.is_some_and(|known| known.has_answered));
        request.may_be_unanswered = role == Role::Trial;
        match role {
            Role::Request | Role::Trial => Message::request(request).with_id(identify(reply, true)),
            Role::Delivery => Message::one_way(request),
        }
    }

    /// The reply subject of the client's request that a delivery answers. JetStream delivers messages under the subjects
    /// that they were published to, for a subscription to the reply subject.
    fn answered_by(&mut self, carried: &Carried<'_>) -> Option<Box<[u8]>> {
        if self.asked.take(carried.subject).is_some() {
            return Some(carried.subject.into());
        }
        let pattern = self.subscriptions.find(carried.subscription)?.subject.as_deref()?;
        if subjects::matches(pattern, carried.subject) {
            return None;
        }
        let reply: Box<[u8]> = self.asked.find_only(|reply, _| subjects::matches(pattern, reply))?.into();
        self.asked.take(&reply);
        Some(reply)
    }

    /// The error as the outcome of what it refuses, or by itself.
    fn refusal(&mut self, text: &[u8]) -> Message {
        let text = String::from_utf8_lossy(text);
        let refusal = Refusal { text: &text };
        let mut response = refusal.response(self.records.config().max_attribute_bytes);
        let confirmation = if refusal.is_unasked() { None } else { self.confirmations.refuse() };
        match confirmation {
            Some(Confirmation::InOrder) => return Message::response(response),
            Some(Confirmation::OfRequest(id)) => return Message::response(response).with_id(id),
            Some(Confirmation::OfConnect | Confirmation::OfReply | Confirmation::OfUnseen) | None => {}
        }
        if std::mem::take(&mut self.is_connecting) {
            return Message::response(response).with_id(connecting());
        }
        let refused = refusal.refused();
        let published = refused.filter(|(verb, _)| *verb == "PUB").map(|(_, subject)| subject.as_bytes());
        let reply = published
            .and_then(|published| self.asked.find_only(|_, subject| &**subject == published))
            .map(Box::<[u8]>::from);
        if let Some(reply) = reply {
            self.asked.take(&reply);
            return Message::response(response).with_id(identify(&reply, false));
        }
        response.echoed_request =
            refused.map(|(verb, subject)| Box::new(self.records.refused(verb, subject)));
        self.strays = self.strays.wrapping_add(1);
        Message::response(response).with_id(identify(&self.strays.to_be_bytes(), true))
    }

    /// How many bytes behind the line are looked at: the headers, and the beginning of a reply, in which JetStream tells
    /// its errors.
    fn wanted_bytes(&self, carried: &Carried<'_>) -> usize {
        let payload_bytes = if self.asked.contains(carried.subject) { MAX_ERROR_BYTES } else { 0 };
        let wanted = carried.header_bytes.min(MAX_HEADER_BYTES);
        let all = wanted.saturating_add(carried.payload_bytes().min(payload_bytes));
        all.min(self.records.config().max_buffered_bytes.saturating_sub(MAX_LINE_BYTES))
    }

    /// The next line and how many bytes it takes, or what to answer when it is not there.
    fn line<'a>(
        &mut self,
        direction: Direction,
        input: Input<'a>,
    ) -> Result<Result<(&'a [u8], usize), Parsed>, ParseError> {
        let searched = std::mem::take(&mut self.searched[direction.index()]).min(input.bytes.len());
        if let Some(found) = line(input.bytes, searched) {
            return Ok(Ok(found));
        }
        if input.is_final() {
            // A line that was cut may have lost the end of a subject.
            return Ok(Err(Parsed::Skipped { consumed: input.bytes.len() }));
        }
        if input.bytes.len() >= MAX_LINE_BYTES {
            return Err(ParseError::new(MAX_LINE_BYTES, ParseErrorReason::LimitExceeded));
        }
        self.searched[direction.index()] = input.bytes.len();
        Ok(Err(Parsed::Incomplete { needed: input.bytes.len().saturating_add(1) }))
    }

    /// Gives the message of a line. With the first thing that a server says to a client that connects, that is done too.
    fn give(
        &mut self,
        direction: Direction,
        consumed: usize,
        line: &Line<'_>,
        message: Option<Message>,
    ) -> Parsed {
        if message.as_ref().is_some_and(|message| matches!(message.content, MessageContent::Response(_))) {
            self.served.end_trial();
        }
        let shows_connection = matches!(line, Line::Pong | Line::Deliver(_));
        if direction == Direction::ToClient && shows_connection && std::mem::take(&mut self.is_connecting) {
            self.outbox.push_back((direction, Message::response(done()).with_id(connecting())));
            self.outbox.extend(message.map(|message| (direction, message)));
            return Parsed::Skipped { consumed };
        }
        match message {
            Some(message) => Parsed::Message { consumed, message },
            None => Parsed::Skipped { consumed },
        }
    }
}

/// What stands behind a line, as far as it is looked at.
#[derive(Debug, Default)]
struct Content<'a> {
    headers: Headers,
    payload: &'a [u8],
}

impl<'a> Content<'a> {
    fn read(carried: &Carried<'_>, behind: &'a [u8], config: &ConnectionConfig) -> Self {
        let block = behind.get(..carried.header_bytes.min(MAX_HEADER_BYTES)).unwrap_or(behind);
        let payload = behind.get(carried.header_bytes..).unwrap_or_default();
        let payload = payload.get(..carried.payload_bytes().min(MAX_ERROR_BYTES)).unwrap_or(payload);
        Self { headers: Headers::read(block, config), payload }
    }
}

impl Parser for NatsParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let (text, line_bytes) = match self.line(direction, input)? {
            Ok(found) => found,
            Err(waiting) => return Ok(waiting),
        };
        let invalid = ParseError::new(0, ParseErrorReason::InvalidValue);
        let line = Line::parse(text).ok_or(invalid)?;
        if line.is_from_server().is_some_and(|is_server| is_server != (direction == Direction::ToClient)) {
            return Err(ParseError::new(0, ParseErrorReason::UnexpectedMessage));
        }
        let behind = input.bytes.get(line_bytes..).unwrap_or_default();
        let mut content = Content::default();
        let mut consumed = line_bytes;
        if let Some(carried) = line.carried() {
            let needed = line_bytes.saturating_add(self.wanted_bytes(&carried));
            if input.bytes.len() < needed && !input.is_final() {
                return Ok(Parsed::Incomplete { needed });
            }
            if !carried.agrees_with(behind) {
                return Err(ParseError::new(line_bytes, ParseErrorReason::InvalidLength));
            }
            content = Content::read(&carried, behind, self.records.config());
            consumed = line_bytes.saturating_add(carried.frame_bytes());
        }
        let message = match direction {
            Direction::ToServer => self.client_message(&line, content),
            Direction::ToClient => self.server_message(&line, content),
        };
        Ok(self.give(direction, consumed, &line, message))
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        detect::is_message_start(direction, bytes)
    }

    fn on_gap(&mut self, direction: Direction) -> Recovery {
        self.searched[direction.index()] = 0;
        match direction {
            Direction::ToServer => {
                self.subscriptions.note_loss();
                let [asked, answered] = &mut self.server_pings;
                *answered = *asked;
            }
            Direction::ToClient => {}
        }
        self.confirmations.forget();
        Recovery::Resynchronize
    }

    fn poll_message(&mut self) -> Option<(Direction, Message)> {
        self.outbox.pop_front()
    }

    fn has_ended(&self) -> bool {
        self.has_ended
    }
}

fn done() -> Response {
    Response { status: ResponseStatus::Ok, ..Response::default() }
}

/// The number of `CONNECT`: no reply has an empty subject.
fn connecting() -> u64 {
    identify(&[], false)
}

fn server_ping(number: u64) -> u64 {
    identify(&[], true).wrapping_add(number)
}

/// How much of a header block is looked at.
const MAX_HEADER_BYTES: usize = 8_192;
/// How much of a reply is looked at for an error of JetStream.
const MAX_ERROR_BYTES: usize = 512;
