//! What is known of the links and the numbers of a connection: which link a handle stands for, which channels are one.

use std::collections::BTreeMap;

use df_core::Direction;

/// A link, as one of its ends attached it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Link {
    /// Tells it from the other links between the same ends.
    pub(super) name: Vec<u8>,
    /// Where its messages come from or go to: the address at the other end of who wants to send or receive.
    pub(super) address: Option<Vec<u8>>,
    /// The address was made up for this link.
    pub(super) is_anonymous: bool,
}

/// The links of a connection, each end's by channel and handle.
#[derive(Debug, Default)]
pub(super) struct Links {
    handles: [BTreeMap<(u16, u32), Link>; 2],
    /// The client's channel for each of the server's.
    channels: BTreeMap<u16, u16>,
}

impl Links {
    /// Remembers it. Of too many, another is forgotten.
    pub(super) fn attach(&mut self, direction: Direction, channel: u16, handle: u32, link: Link) {
        let handles = &mut self.handles[direction.index()];
        if handles.len() >= MAX_LINKS && !handles.contains_key(&(channel, handle)) {
            handles.pop_first();
        }
        handles.insert((channel, handle), link);
    }

    pub(super) fn detach(&mut self, direction: Direction, channel: u16, handle: u32) {
        self.handles[direction.index()].remove(&(channel, handle));
    }

    pub(super) fn find(&self, direction: Direction, channel: u16, handle: u32) -> Option<&Link> {
        self.handles[direction.index()].get(&(channel, handle))
    }

    /// The channels of the two ends are one.
    pub(super) fn join(&mut self, server_channel: u16, client_channel: u16) {
        if self.channels.len() >= MAX_CHANNELS && !self.channels.contains_key(&server_channel) {
            self.channels.pop_first();
        }
        self.channels.insert(server_channel, client_channel);
    }

    /// The client's channel, by which both are known here. Where nobody said so, both ends use the same number, unless that is
    /// known to belong to another one: then nothing is.
    pub(super) fn conversation_of(&self, direction: Direction, channel: u16) -> u32 {
        if direction == Direction::ToServer {
            return channel.into();
        }
        match self.channels.get(&channel) {
            Some(client_channel) => u32::from(*client_channel),
            None if self.channels.values().any(|taken| *taken == channel) => UNKNOWN_CHANNEL,
            None => channel.into(),
        }
    }

    /// One end's channel is another from now on, or has ended.
    pub(super) fn forget_channel(&mut self, direction: Direction, channel: u16) {
        self.handles[direction.index()].retain(|key, _| key.0 != channel);
        if direction == Direction::ToClient {
            self.channels.remove(&channel);
        }
    }

    /// Frames were lost: a handle may be another link's by now.
    pub(super) fn forget_handles(&mut self, direction: Direction) {
        self.handles[direction.index()].clear();
    }
}

/// How many links of one end are remembered.
const MAX_LINKS: usize = 1_024;
/// How many channels of the server are remembered that it was asked for.
const MAX_CHANNELS: usize = 1_024;
/// No client has a channel of this number.
const UNKNOWN_CHANNEL: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut links = Links::default();
        for number in 0..5_000_u16 {
            links.attach(Direction::ToServer, number, 7, Link::default());
            links.join(number, number);
        }
        assert_eq!(links.handles[0].len().max(links.handles[1].len()), MAX_LINKS);
        assert_eq!(links.channels.len(), MAX_CHANNELS);
        assert!(links.find(Direction::ToServer, 4_999, 7).is_some());
        links.forget_handles(Direction::ToServer);
        assert!(links.find(Direction::ToServer, 4_999, 7).is_none());
    }
}
