//! How long each end takes: to acknowledge, to answer, to ask again.

use std::time::Duration;

use df_core::{Direction, Timestamp};

use crate::assembler::distance;
use crate::{Delay, Delays as Record};

/// The delays of a connection or of a flow of datagrams, and what is being timed.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Delays {
    /// The data of each end that waits for its acknowledgment.
    waiting: [Waiting; 2],
    turn: Turn,
    /// What was measured. None, and then without memory, until something was.
    measured: Option<Box<Record>>,
}

/// Data whose acknowledgment is timed; none while `since` is zero.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
struct Waiting {
    since: Timestamp,
    /// The sequence number that acknowledges it.
    end: u32,
}

impl Waiting {
    const NONE: Self = Self { since: Timestamp::ZERO, end: 0 };
}

/// Who has the word.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
enum Turn {
    /// It cannot be told, or what would be measured is spoilt.
    #[default]
    Unknown,
    /// Nobody has said anything since the handshake ended.
    Begun(Timestamp),
    /// One end has sent data, last at this time.
    Spoken(Direction, Timestamp),
}

impl Delays {
    /// The handshake is over.
    pub(super) const fn handle_established(&mut self, timestamp: Timestamp) {
        self.turn = Turn::Begun(timestamp);
    }

    /// New data of one end, to be acknowledged with `end`.
    pub(super) fn handle_data(&mut self, direction: Direction, timestamp: Timestamp, end: u32) {
        self.waiting[direction.index()] = Waiting { since: timestamp, end };
        self.take_turn(direction, timestamp);
    }

    /// A datagram, which nobody acknowledges.
    pub(crate) fn take_turn(&mut self, direction: Direction, timestamp: Timestamp) {
        match (self.turn, direction) {
            (Turn::Spoken(Direction::ToServer, since), Direction::ToClient) => {
                self.measure(timestamp.since(since), MAX_TURN, |measured| &mut measured.art);
            }
            (Turn::Spoken(Direction::ToClient, since) | Turn::Begun(since), Direction::ToServer) => {
                self.measure(timestamp.since(since), MAX_TURN, |measured| &mut measured.cit);
            }
            _ => {}
        }
        self.turn = Turn::Spoken(direction, timestamp);
    }

    /// An echo request, or the reply to the newest one.
    pub(super) fn handle_echo(&mut self, direction: Direction, timestamp: Timestamp) {
        if let (Turn::Spoken(Direction::ToServer, since), Direction::ToClient) = (self.turn, direction) {
            self.measure(timestamp.since(since), MAX_ACKNOWLEDGMENT, |measured| &mut measured.srt);
            self.turn = Turn::Unknown;
        } else if direction == Direction::ToServer {
            self.turn = Turn::Spoken(direction, timestamp);
        }
    }

    /// Data came again: which of both was acknowledged, or answered, cannot be told (Karn's rule, RFC 6298 §3).
    pub(super) const fn handle_retransmission(&mut self, direction: Direction) {
        self.waiting[direction.index()] = Waiting::NONE;
        self.turn = Turn::Unknown;
    }

    /// A packet of one end acknowledges the other's data. Only a packet without data measures: an acknowledgment that
    /// travels with data waited for the application. Gives whether the data still waits.
    pub(super) fn handle_acknowledgment(
        &mut self,
        direction: Direction,
        timestamp: Timestamp,
        acknowledgment_number: u32,
        is_pure: bool,
    ) -> bool {
        let waiting = &mut self.waiting[direction.reversed().index()];
        let Waiting { since, end } = *waiting;
        if since == Timestamp::ZERO {
            return false;
        }
        if distance(end, acknowledgment_number) < 0 {
            return true;
        }
        *waiting = Waiting::NONE;
        if is_pure {
            let delay = timestamp.since(since);
            self.measure(delay, MAX_ACKNOWLEDGMENT, |measured| match direction {
                Direction::ToClient => &mut measured.srt,
                Direction::ToServer => &mut measured.srt_client,
            });
        }
        false
    }

    /// Reads something of itself, so that it is in the processor's cache when a packet needs it.
    #[inline]
    pub(crate) fn read_a_little(&self) -> u64 {
        let measured = self.measured.as_deref().map_or(0, |measured| measured.srt.count ^ measured.cit.count);
        u64::from(measured) ^ self.waiting[0].since.as_nanos()
    }

    /// Nothing more will be acknowledged or answered.
    pub(super) const fn handle_reset(&mut self) {
        self.waiting = [Waiting::NONE; 2];
        self.turn = Turn::Unknown;
    }

    /// What was measured since this was asked last.
    pub(crate) fn take(&mut self) -> Record {
        self.measured.take().map_or_else(Record::default, |measured| *measured)
    }

    fn measure(&mut self, delay: Duration, limit: Duration, which: impl FnOnce(&mut Record) -> &mut Delay) {
        if delay <= limit {
            which(self.measured.get_or_insert_with(Box::default)).add(delay);
        }
    }
}

/// The longest time to an acknowledgment that counts; after more, something else was acknowledged.
const MAX_ACKNOWLEDGMENT: Duration = Duration::from_secs(10);
/// The longest time to an answer or to the next question that counts; after more, nobody was waited for.
const MAX_TURN: Duration = Duration::from_secs(30);
