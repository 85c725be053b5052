//! Where a socket table sends what it makes of events.

use df_core::{Chunk, Timestamp};

use super::ConversationEnds;

/// Receives what a [`SocketTable`](super::SocketTable) makes of events. `S` is whatever the caller keeps per conversation.
pub trait SocketSink<S> {
    /// A conversation begins: makes its state.
    fn opened(&mut self, ends: &ConversationEnds) -> S;

    /// The plain text of a socket begins: makes its state. `outside` is the state of what travelled on the same socket so far,
    /// which may have been in clear at first.
    fn opened_inside(&mut self, ends: &ConversationEnds, outside: &mut S) -> S {
        let _ = outside;
        self.opened(ends)
    }

    /// The next bytes of one direction, in order. The task of `ends` moved them.
    fn chunk(&mut self, ends: &ConversationEnds, state: &mut S, chunk: Chunk<'_>);

    /// When the state wants [`timed_out`](Self::timed_out) to be called. Asked after each chunk.
    fn deadline(&self, state: &S) -> Option<Timestamp> {
        let _ = state;
        None
    }

    /// The state's deadline has passed.
    fn timed_out(&mut self, ends: &ConversationEnds, state: &mut S, now: Timestamp) {
        let _ = (ends, state, now);
    }

    /// The socket was closed, or the conversation was silent for too long: no bytes will follow.
    fn ended(&mut self, ends: &ConversationEnds, state: S);
}
