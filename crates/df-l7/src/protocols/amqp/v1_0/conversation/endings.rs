//! The end of links, sessions and connections of AMQP 1.0, asked for or not.

use df_core::Direction;

use crate::Response;

use super::super::links::Link;
use super::super::pending::{Asked, Due, DueState};
use super::super::performative::{Failure, Kind};
use super::super::records::{add_failure, agreement, refusal};
use super::{Conversation, Said};

impl Conversation {
    /// A link ends; if it was refused, or if messages wait there, that is their answer.
    pub(super) fn handle_detach(&mut self, said: &Said<'_>) {
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
    pub(super) fn handle_ending(&mut self, said: &Said<'_>) {
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
        if said.direction == Direction::ToClient && !self.has_seen_client {
            // The client's own request may be among what was not seen, and this its answer.
            let echoed_request = Some(Box::new(request));
            return self.push_unasked(Response { echoed_request, ..agreement() });
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
}
