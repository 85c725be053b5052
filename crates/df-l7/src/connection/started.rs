//! The messages of one connection that have begun among others and will be completed later.

use df_core::Direction;

use crate::Correlation;
use crate::stream::Mark;

/// Where interleaved messages began, oldest first. Takes no memory until a protocol interleaves messages.
#[derive(Debug, Default)]
pub(crate) struct StartedMessages(Vec<StartedMessage>);

#[derive(Debug)]
struct StartedMessage {
    direction: Direction,
    id: u64,
    first_byte: Mark,
}

impl StartedMessages {
    /// Remembers the first byte of a message. Of too many the oldest is forgotten.
    pub(crate) fn insert(&mut self, direction: Direction, id: u64, first_byte: Mark, max_messages: usize) {
        if self.0.iter().any(|started| started.direction == direction && started.id == id) {
            return;
        }
        if self.0.len() >= max_messages.max(1) {
            self.0.remove(0);
        }
        self.0.push(StartedMessage { direction, id, first_byte });
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first byte of the message that is complete now.
    pub(crate) fn take(&mut self, direction: Direction, correlation: Correlation) -> Option<Mark> {
        let Correlation::Id(id) = correlation else { return None };
        let is_it = |started: &StartedMessage| started.direction == direction && started.id == id;
        let place = self.0.iter().position(is_it)?;
        Some(self.0.remove(place).first_byte)
    }
}
