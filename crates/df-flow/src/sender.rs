//! One end of a flow, by what it sent so far: what every packet compares and counts.

use crate::assembler::distance;
use crate::counters::Counters;

/// One end of a flow: half a line of the processor's cache.
#[derive(Debug, Default)]
pub(crate) struct Sender {
    /// What it sent since the last record.
    pub(crate) counters: Counters,
    /// The sequence number after the last byte it sent.
    pub(crate) next: u32,
    /// What it acknowledged last.
    pub(crate) acknowledged: u32,
    /// The most that it has acknowledged, in resets too.
    most_acknowledged: u32,
    pub(crate) window: u16,
    /// The shift that it offered for its window, plus two; 1 if its SYN offered none, 0 without a SYN.
    pub(crate) scale: u8,
    marks: u8,
}

/// Something of an end that was seen or was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It has sent a packet.
    Sent = 1,
    /// Its next sequence number is known.
    Next = 1 << 1,
    /// It has acknowledged something, other than in a reset.
    Acknowledged = 1 << 2,
    /// It has acknowledged something, be it in a reset.
    AcknowledgedMost = 1 << 3,
    /// It has sent a FIN.
    Fin = 1 << 4,
    /// It has sent a FIN that was no reset.
    PlainFin = 1 << 5,
    /// Its newest packet carried data, and was no probe.
    DataLast = 1 << 6,
    /// The acknowledgment of its data may be waited for.
    Timed = 1 << 7,
}

impl Sender {
    #[inline]
    pub(crate) const fn has(&self, mark: Mark) -> bool {
        self.marks & mark as u8 != 0
    }

    #[inline]
    pub(crate) const fn set(&mut self, mark: Mark, is_so: bool) {
        self.marks = if is_so { self.marks | mark as u8 } else { self.marks & !(mark as u8) };
    }

    /// It has everything before `acknowledgment_number`.
    pub(crate) const fn acknowledge(&mut self, acknowledgment_number: u32) {
        if !self.has(Mark::AcknowledgedMost) || distance(self.most_acknowledged, acknowledgment_number) > 0 {
            self.set(Mark::AcknowledgedMost, true);
            self.most_acknowledged = acknowledgment_number;
        }
    }

    /// Before which sequence number it has everything, if it has said so.
    pub(crate) fn most_acknowledged(&self) -> Option<u32> {
        self.has(Mark::AcknowledgedMost).then_some(self.most_acknowledged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ends_are_a_line() {
        assert_eq!(size_of::<[Sender; 2]>(), 64);
    }
}
