//! Tells the uses of a packet identifier apart: clients use one again as soon as it was answered.

use std::collections::VecDeque;

/// The packets of one end that wait for their answer.
#[derive(Debug, Default)]
pub(super) struct PacketIds(VecDeque<Open>);

#[derive(Debug, Clone, Copy)]
struct Open {
    packet_id: u16,
    number: u64,
    /// Whether the answer was captured before the packet.
    is_answered: bool,
}

impl PacketIds {
    /// Whether a packet with this identifier waits for its answer.
    pub(super) fn is_open(&self, packet_id: u16) -> bool {
        self.0.iter().any(|open| open.packet_id == packet_id && !open.is_answered)
    }

    /// A packet was sent. Gives the number by which it and its answer are paired; `fresh` if it is the first of the two.
    pub(super) fn ask(&mut self, packet_id: u16, fresh: u64) -> u64 {
        let number = match self.take(packet_id) {
            Some(open) if open.is_answered => open.number,
            // What was asked before with this identifier has had its answer unseen.
            _ => fresh,
        };
        self.insert(Open { packet_id, number, is_answered: false });
        number
    }

    /// An answer was sent. Gives the number of what it answers.
    pub(super) fn answer(&mut self, packet_id: u16, fresh: u64) -> u64 {
        if let Some(open) = self.take(packet_id).filter(|open| !open.is_answered) {
            return open.number;
        }
        self.insert(Open { packet_id, number: fresh, is_answered: true });
        fresh
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn take(&mut self, packet_id: u16) -> Option<Open> {
        let place = self.0.iter().position(|open| open.packet_id == packet_id)?;
        self.0.remove(place)
    }

    /// Of too many the oldest is forgotten.
    fn insert(&mut self, open: Open) {
        if self.0.len() >= MAX_OPEN_PACKETS {
            self.0.pop_front();
        }
        self.0.push_back(open);
    }
}

/// How many packets of one end are remembered.
const MAX_OPEN_PACKETS: usize = 1_024;
