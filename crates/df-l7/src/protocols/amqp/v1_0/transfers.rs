//! Messages of which some frames were seen: each link sends one at a time, and links interleave.

use std::collections::BTreeMap;

use df_core::Direction;

use crate::{Message, Request};

use super::records::push_number;

/// One end's link.
#[derive(Debug, Clone, Copy)]
pub(super) struct LinkKey {
    pub(super) direction: Direction,
    pub(super) channel: u16,
    pub(super) handle: u32,
}

/// What a `transfer` says of its message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delivery {
    /// Frames behind the first may leave it out.
    pub(super) id: Option<u32>,
    pub(super) is_settled: bool,
    pub(super) has_more: bool,
    pub(super) is_aborted: bool,
    pub(super) frame_bytes: u64,
    pub(super) payload_bytes: u64,
}

/// Messages that are not complete.
#[derive(Debug, Default)]
pub(super) struct Transfers {
    unfinished: [BTreeMap<(u16, u32), Unfinished>; 2],
}

#[derive(Debug)]
struct Unfinished {
    request: Request,
    number: u64,
    delivery_id: u32,
    is_settled: bool,
    is_aborted: bool,
    frame_bytes: u64,
    payload_bytes: u64,
}

/// What a frame was to the messages begun before it.
#[derive(Debug, Default)]
pub(super) struct Resumed {
    /// Whether it was a part of one.
    pub(super) is_taken: bool,
    /// The one that has ended with it, or before it.
    pub(super) ended: Option<Ended>,
}

/// A message that has ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) message: Message,
    pub(super) delivery_id: u32,
    /// Nobody will say what became of it.
    pub(super) is_settled: bool,
}

impl Transfers {
    /// Adds the frame to the message that the link is sending, if it is a part of that.
    pub(super) fn resume(&mut self, key: LinkKey, delivery: &Delivery) -> Resumed {
        let unfinished = &mut self.unfinished[key.direction.index()];
        let Some(message) = unfinished.get_mut(&(key.channel, key.handle)) else { return Resumed::default() };
        let is_taken = delivery.id.is_none_or(|id| id == message.delivery_id);
        if is_taken {
            message.add(delivery);
        }
        if is_taken && delivery.has_more && !delivery.is_aborted {
            return Resumed { is_taken, ended: None };
        }
        let ended = unfinished.remove(&(key.channel, key.handle)).map(|message| message.into_ended(is_taken));
        Resumed { is_taken, ended }
    }

    /// The first frame of a message. Gives the message if it is the last too, or one that must be forgotten for it.
    pub(super) fn begin(
        &mut self,
        key: LinkKey,
        delivery_id: u32,
        delivery: &Delivery,
        request: Request,
        number: u64,
    ) -> Option<Message> {
        let mut message = Unfinished {
            request,
            number,
            delivery_id,
            is_settled: false,
            is_aborted: false,
            frame_bytes: 0,
            payload_bytes: 0,
        };
        message.add(delivery);
        if !delivery.has_more || delivery.is_aborted {
            return Some(message.into_ended(true).message);
        }
        let unfinished = &mut self.unfinished[key.direction.index()];
        let forgotten = if unfinished.len() >= MAX_UNFINISHED { unfinished.pop_first() } else { None };
        unfinished.insert((key.channel, key.handle), message);
        forgotten.map(|(_, message)| message.into_ended(false).message)
    }

    /// A message whose end will not be seen.
    pub(super) fn pop_first(&mut self, direction: Direction) -> Option<Message> {
        let (_, unfinished) = self.unfinished[direction.index()].pop_first()?;
        Some(unfinished.into_ended(false).message)
    }
}

impl Unfinished {
    fn add(&mut self, delivery: &Delivery) {
        self.frame_bytes = self.frame_bytes.saturating_add(delivery.frame_bytes);
        self.payload_bytes = self.payload_bytes.saturating_add(delivery.payload_bytes);
        self.is_settled |= delivery.is_settled;
        self.is_aborted |= delivery.is_aborted;
    }

    fn into_ended(mut self, is_complete: bool) -> Ended {
        let attributes = &mut self.request.attributes;
        if is_complete && !self.is_aborted {
            push_number(attributes, "messaging.message.envelope.size", Some(self.payload_bytes));
        }
        if self.is_aborted {
            attributes.push("df.amqp.aborted", true);
        }
        let is_settled = self.is_settled || self.is_aborted;
        let content =
            if is_settled { Message::one_way(self.request) } else { Message::request(self.request) };
        let message = content.with_id(self.number).with_length(self.frame_bytes);
        Ended { message, delivery_id: self.delivery_id, is_settled }
    }
}

/// How many messages of one direction may be unfinished at once, each on its own link.
const MAX_UNFINISHED: usize = 256;
