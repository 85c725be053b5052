//! What is still to be answered on a connection: requests by their channel and method, messages by their tags.

use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;

use df_core::Direction;

/// A request that wants an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    pub(super) direction: Direction,
    pub(super) channel: u16,
    pub(super) method: (u16, u16),
    pub(super) number: u64,
}

/// A message whose settlement is awaited.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unsettled {
    pub(super) number: u64,
    /// Tells where the message was sent.
    pub(super) destination: u64,
    /// Whether it has come back, which says all: the settlement then says nothing more.
    pub(super) is_returned: bool,
}

/// Whose tags count the messages of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tags {
    /// The client's messages, which the server confirms.
    Published,
    /// The server's, which the client acknowledges.
    Delivered,
}

/// What is still to be answered.
#[derive(Debug, Default)]
pub(super) struct Pending {
    requests: VecDeque<Due>,
    messages: BTreeMap<(u16, Tags, u64), Unsettled>,
}

impl Pending {
    pub(super) fn insert_request(&mut self, due: Due) {
        if self.requests.len() >= MAX_DUE_REQUESTS {
            self.requests.pop_front();
        }
        self.requests.push_back(due);
    }

    /// The oldest request of the channel whose method is one of these and that went the other way than its answer.
    pub(super) fn take_request(
        &mut self,
        answer: Direction,
        channel: u16,
        methods: &[(u16, u16)],
    ) -> Option<Due> {
        let is_asked =
            |due: &Due| due.channel == channel && due.direction != answer && methods.contains(&due.method);
        let place = self.requests.iter().position(is_asked)?;
        self.requests.remove(place)
    }

    /// Every request of the client on this channel, or on all: none of them will be answered otherwise.
    pub(super) fn take_requests(&mut self, channel: Option<u16>) -> Vec<Due> {
        let is_taken = |due: &Due| {
            due.direction == Direction::ToServer && channel.is_none_or(|channel| due.channel == channel)
        };
        let taken = self.requests.iter().filter(|due| is_taken(due)).copied().collect();
        self.requests.retain(|due| !is_taken(due));
        taken
    }

    /// Bytes that may have answered them were lost.
    pub(super) fn forget_requests(&mut self) {
        self.requests.clear();
    }

    pub(super) fn insert_message(
        &mut self,
        channel: u16,
        tags: Tags,
        tag: u64,
        message: Unsettled,
        max_pending: usize,
    ) {
        if self.messages.len() >= max_pending.max(1) {
            self.messages.pop_first();
        }
        self.messages.insert((channel, tags, tag), message);
    }

    /// Settles one message, or all up to it, and gives those that were awaited to `settled`.
    pub(super) fn settle(
        &mut self,
        channel: u16,
        tags: Tags,
        settled_tags: RangeInclusive<u64>,
    ) -> Vec<Unsettled> {
        let (first, last) = ((channel, tags, *settled_tags.start()), (channel, tags, *settled_tags.end()));
        let mut settled = Vec::new();
        while let Some(key) = self.messages.range(first..=last).next().map(|(key, _)| *key) {
            settled.extend(self.messages.remove(&key));
        }
        settled
    }

    /// The oldest message published there that has not come back.
    pub(super) fn take_returned(&mut self, channel: u16, destination: u64) -> Option<u64> {
        let range = (channel, Tags::Published, 0)..=(channel, Tags::Published, u64::MAX);
        let is_it = |message: &&mut Unsettled| message.destination == destination && !message.is_returned;
        let message = self.messages.range_mut(range).map(|(_, message)| message).find(is_it)?;
        message.is_returned = true;
        Some(message.number)
    }

    /// Every message that the server has not confirmed, on this channel or on all: it never will.
    pub(super) fn take_published(&mut self, channel: Option<u16>) -> Vec<Unsettled> {
        let channels = channel.map_or(0..=u16::MAX, |channel| channel..=channel);
        let is_taken = |key: &(u16, Tags, u64)| key.1 == Tags::Published && channels.contains(&key.0);
        let taken = self.messages.iter().filter(|(key, _)| is_taken(key)).map(|(_, message)| *message);
        let taken = taken.filter(|message| !message.is_returned).collect();
        self.messages.retain(|key, _| !is_taken(key));
        taken
    }

    /// The channel is closed: its tags mean nothing any more.
    pub(super) fn close_channel(&mut self, channel: u16) {
        self.requests.retain(|due| due.channel != channel);
        self.messages.retain(|key, _| key.0 != channel);
    }
}

/// How many requests of one connection are remembered until their answer.
const MAX_DUE_REQUESTS: usize = 256;
