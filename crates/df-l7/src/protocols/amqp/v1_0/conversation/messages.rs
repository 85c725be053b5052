//! Messages of AMQP 1.0 and what became of them.

use crate::Request;

use super::super::performative::{Kind, Outcome};
use super::super::records::{self, Subject};
use super::super::sections::Sections;
use super::super::transfers::{Delivery, LinkKey};
use super::{Conversation, Said};

impl Conversation {
    /// A message, or a part of one; gives its number if more parts follow the first.
    pub(super) fn handle_transfer(&mut self, said: &Said<'_>) -> Option<u64> {
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
        if !delivery.is_settled && !delivery.is_aborted {
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
    pub(super) fn handle_disposition(&mut self, said: &Said<'_>) {
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
}
