//! SCTP associations (RFC 9260), in the states of a connection: they open, close and break much as TCP does.

use df_core::{Direction, SctpChunks, Timestamp};

use super::TcpLife;
use super::state::Event;
use crate::sender::Mark;

impl TcpLife<'_> {
    /// Takes the chunks of an SCTP packet.
    pub(crate) fn handle_chunks(&mut self, direction: Direction, chunks: SctpChunks, timestamp: Timestamp) {
        if chunks.contains(SctpChunks::ABORT) {
            self.history.delays.handle_reset();
            self.standing.reset_by.get_or_insert(direction);
            return;
        }
        let event = event_of(chunks);
        if event == Event::Fin {
            self.senders[direction.index()].set(Mark::Fin, true);
        }
        if chunks.contains(SctpChunks::DATA) {
            self.standing.has_data = true;
            self.history.delays.take_turn(direction, timestamp);
        }
        if self.standing.reset_by.is_none() {
            self.standing.state = self.standing.state.after(direction, event, self.has_fin(), true);
        }
    }
}

/// What the chunks are in TCP's words. Each end closes with a chunk of its own: SHUTDOWN, then SHUTDOWN ACK.
const fn event_of(chunks: SctpChunks) -> Event {
    if chunks.contains(SctpChunks::INIT) {
        Event::Syn
    } else if chunks.contains(SctpChunks::INIT_ACK) {
        Event::SynAck
    } else if chunks.contains(SctpChunks::SHUTDOWN) || chunks.contains(SctpChunks::SHUTDOWN_ACK) {
        Event::Fin
    } else {
        Event::Ack
    }
}
