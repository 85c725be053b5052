//! Socket events in, ordered chunks out.

mod config;
mod conversation;
mod sink;
mod stats;
mod stretch;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use df_core::{Socket, SocketActivity, SocketData, SocketEvent, Task, Timestamp};

use crate::arena::Arena;
use crate::clock::Clock;
use crate::expiry::{Entry, Wheel};

pub use config::SocketConfig;
pub use conversation::{ConversationEnds, LocalEnd};
pub use sink::SocketSink;
pub use stats::SocketStats;

use conversation::{Conversation, Key, Lane};

/// Keeps one conversation per socket, its plain text apart, and one per peer of a socket for datagrams; puts the bytes of
/// each direction in order and gives them to a [`SocketSink`] as the [`Chunk`](df_core::Chunk)s that a
/// [`FlowTable`](crate::FlowTable) makes of packets. `S` is whatever the caller keeps per conversation.
#[derive(Debug)]
pub struct SocketTable<S> {
    config: SocketConfig,
    conversations: Arena<Conversation<S>>,
    places: HashMap<Key, usize>,
    wheel: Wheel,
    clock: Clock,
    opened: u64,
    held_bytes: usize,
    stats: SocketStats,
}

impl<S> SocketTable<S> {
    /// An empty table.
    pub fn new(config: SocketConfig) -> Self {
        Self {
            config,
            conversations: Arena::new(),
            places: HashMap::new(),
            wheel: Wheel::new(),
            clock: Clock::default(),
            opened: 0,
            held_bytes: 0,
            stats: SocketStats::default(),
        }
    }

    /// Takes what was seen of a socket.
    pub fn handle_event(&mut self, event: &SocketEvent<'_>, sink: &mut impl SocketSink<S>) {
        self.stats.events += 1;
        self.clock.advance(event.timestamp);
        match event.activity {
            SocketActivity::Data(data) => self.handle_data(event, &data, sink),
            SocketActivity::Closed => self.handle_closed(&event.socket, sink),
            // The kernel tells a socket's role with each of its events.
            _ => {}
        }
        self.turn_wheel(sink);
    }

    /// Tells the time, so that silent conversations end and deadlines pass although nothing happens.
    pub fn handle_timeout(&mut self, now: Timestamp, sink: &mut impl SocketSink<S>) {
        self.clock.advance(now);
        self.turn_wheel(sink);
    }

    /// Ends all conversations, oldest place first.
    pub fn finish(&mut self, sink: &mut impl SocketSink<S>) {
        let places: Vec<usize> = self.conversations.iter().map(|(place, _)| place).collect();
        for place in places {
            self.end(place, sink);
        }
    }

    /// What became of the input.
    pub const fn stats(&self) -> SocketStats {
        self.stats
    }

    /// Conversations in the table.
    pub const fn len(&self) -> usize {
        self.conversations.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.conversations.is_empty()
    }

    fn handle_data(&mut self, event: &SocketEvent<'_>, data: &SocketData<'_>, sink: &mut impl SocketSink<S>) {
        self.stats.payload_bytes += data.original_len as u64;
        let lane = Lane::of(&event.socket, data);
        let key = Key { socket: event.socket.id, lane };
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None => match self.open(key, &event.socket, event.task, data, sink) {
                Some(place) => place,
                None => return,
            },
        };
        let Some(conversation) = self.conversations.get_mut(place) else { return };
        let held_before = conversation.held_bytes();
        conversation.handle_data(event, data, &self.config, &mut self.stats, sink);
        self.held_bytes = (self.held_bytes + conversation.held_bytes()).saturating_sub(held_before);
        if self.held_bytes > self.config.max_total_out_of_order_bytes {
            let held = conversation.held_bytes();
            conversation.give_up_holes(&mut self.stats, sink);
            self.held_bytes = self.held_bytes.saturating_sub(held);
        }
        self.appoint(place, sink);
    }

    /// The socket was closed: what is still missing will not come.
    fn handle_closed(&mut self, socket: &Socket, sink: &mut impl SocketSink<S>) {
        for lane in Lane::all_of(socket) {
            let key = Key { socket: socket.id, lane };
            if let Some(place) = self.places.get(&key).copied() {
                self.end(place, sink);
            }
        }
    }

    fn open(
        &mut self,
        key: Key,
        socket: &Socket,
        task: Task,
        data: &SocketData<'_>,
        sink: &mut impl SocketSink<S>,
    ) -> Option<usize> {
        if self.conversations.len() >= self.config.max_conversations.max(1) {
            self.evict(sink);
        }
        let ends = ConversationEnds::new(socket, task, data);
        let state = match self.outside_of(key) {
            Some(outside) => sink.opened_inside(&ends, outside),
            None => sink.opened(&ends),
        };
        let conversation = Conversation::new(key, ends, self.opened, state);
        let place = self.conversations.insert(conversation).ok()?;
        self.opened += 1;
        self.stats.conversations_opened += 1;
        self.places.insert(key, place);
        Some(place)
    }

    /// The state of what travels where this is the plain text inside.
    fn outside_of(&mut self, key: Key) -> Option<&mut S> {
        let outside = Key { lane: Lane::Stream, ..key };
        let place = self.places.get(&outside).filter(|_| key.lane == Lane::Plaintext)?;
        self.conversations.get_mut(*place).map(Conversation::state)
    }

    /// Ends the conversation whose appointment is next.
    fn evict(&mut self, sink: &mut impl SocketSink<S>) {
        while let Some(entry) = self.wheel.take_next() {
            if self.is_current(entry) {
                self.stats.conversations_evicted += 1;
                return self.end(entry.slot(), sink);
            }
        }
    }

    fn is_current(&self, entry: Entry) -> bool {
        self.conversations.get(entry.slot()).is_some_and(|found| entry.is_of(found.number))
    }

    /// Sees to it that the wheel finds the conversation at its next deadline.
    fn appoint(&mut self, place: usize, sink: &impl SocketSink<S>) {
        let Some(conversation) = self.conversations.get_mut(place) else { return };
        let deadline_ns = self.clock.elapsed_at(conversation.next_deadline(&self.config, sink));
        if conversation.found_ns.is_none_or(|found_ns| deadline_ns < found_ns) {
            conversation.found_ns = Some(deadline_ns);
            self.wheel.insert(Entry::new(place, conversation.number), deadline_ns);
        }
    }

    fn turn_wheel(&mut self, sink: &mut impl SocketSink<S>) {
        let now_ns = self.clock.elapsed_ns();
        if !self.wheel.is_due(now_ns) {
            return;
        }
        while let Some(entry) = self.wheel.next_found(now_ns) {
            if self.is_current(entry) {
                self.attend(entry.slot(), sink);
            }
        }
    }

    /// The wheel found a conversation: does what is due.
    fn attend(&mut self, place: usize, sink: &mut impl SocketSink<S>) {
        let now = self.clock.now();
        let Some(conversation) = self.conversations.get_mut(place) else { return };
        conversation.found_ns = None;
        let held_before = conversation.held_bytes();
        conversation.handle_timeout(now, &self.config, &mut self.stats, sink);
        self.held_bytes = (self.held_bytes + conversation.held_bytes()).saturating_sub(held_before);
        if conversation.idle_deadline(&self.config) <= now {
            return self.end(place, sink);
        }
        self.appoint(place, sink);
    }

    fn end(&mut self, place: usize, sink: &mut impl SocketSink<S>) {
        let Some(mut conversation) = self.conversations.remove(place) else { return };
        self.places.remove(&conversation.key);
        self.held_bytes = self.held_bytes.saturating_sub(conversation.held_bytes());
        conversation.give_up_holes(&mut self.stats, sink);
        self.stats.conversations_ended += 1;
        conversation.end(sink);
    }
}
