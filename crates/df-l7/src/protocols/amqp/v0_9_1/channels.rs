//! What is known of the channels of a connection: counting of messages, consumers, the queue declared last.

use std::collections::{BTreeMap, HashMap};

/// The channels of a connection.
#[derive(Debug, Default)]
pub(super) struct Channels {
    channels: BTreeMap<u16, Channel>,
    consumers: usize,
}

/// What is known of a channel.
#[derive(Debug, Default)]
pub(super) struct Channel {
    /// The tag of the next message published, once the server confirms.
    pub(super) next_publish: Option<u64>,
    /// Whether the client was seen to settle what it got.
    pub(super) has_settled: bool,
    /// What an empty name of a queue stands for.
    pub(super) last_queue: Vec<u8>,
    /// A consumer without a tag waits for the server to give it one.
    pub(super) nameless_consumer: Option<Consumer>,
    /// The server has closed it, and hears nothing until the client says that it knows.
    pub(super) is_closed: bool,
    consumers: HashMap<Vec<u8>, Consumer>,
}

/// Who gets messages.
#[derive(Debug, Clone)]
pub(super) struct Consumer {
    pub(super) queue: Vec<u8>,
    /// Whether its messages are settled by being sent.
    pub(super) is_without_ack: bool,
}

impl Channels {
    pub(super) fn find(&self, number: u16) -> Option<&Channel> {
        self.channels.get(&number)
    }

    /// Whether the server hears nothing on a channel: it has closed it, or the connection.
    pub(super) fn is_closed(&self, number: u16) -> bool {
        [number, 0].iter().any(|number| self.find(*number).is_some_and(|channel| channel.is_closed))
    }

    /// The channel, remembered from now on. Of too many, another is forgotten.
    pub(super) fn entry(&mut self, number: u16) -> &mut Channel {
        if self.channels.len() >= MAX_CHANNELS && !self.channels.contains_key(&number) {
            let forgotten = self.channels.pop_first();
            self.consumers -= forgotten.map_or(0, |(_, channel)| channel.consumers.len());
        }
        self.channels.entry(number).or_default()
    }

    pub(super) fn remove(&mut self, number: u16) {
        let removed = self.channels.remove(&number);
        self.consumers -= removed.map_or(0, |channel| channel.consumers.len());
    }

    pub(super) fn insert_consumer(&mut self, number: u16, tag: &[u8], consumer: Consumer) {
        if self.consumers < MAX_CONSUMERS
            && self.entry(number).consumers.insert(tag.to_vec(), consumer).is_none()
        {
            self.consumers += 1;
        }
    }

    pub(super) fn remove_consumer(&mut self, number: u16, tag: &[u8]) {
        let channel = self.channels.get_mut(&number);
        if channel.and_then(|channel| channel.consumers.remove(tag)).is_some() {
            self.consumers -= 1;
        }
    }

    /// Bytes of the client were lost: how many messages it has published is not known any more.
    pub(super) fn forget_counts(&mut self) {
        for channel in self.channels.values_mut() {
            channel.next_publish = None;
        }
    }
}

impl Channel {
    pub(super) fn consumer(&self, tag: &[u8]) -> Option<&Consumer> {
        self.consumers.get(tag)
    }
}

/// How many channels of one connection are remembered.
const MAX_CHANNELS: usize = 1_024;
/// How many consumers of one connection are remembered, on all channels together.
const MAX_CONSUMERS: usize = 1_024;
