//! A clock that never goes back, driven by the times of packets.

use df_core::Timestamp;

/// Turns the times of packets, which may be out of order or set back, into one that only goes forward.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock {
    newest: Timestamp,
    elapsed_ns: u64,
    has_begun: bool,
}

impl Clock {
    /// Takes the time of a packet. Gives the nanoseconds since the first.
    pub(crate) fn advance(&mut self, timestamp: Timestamp) -> u64 {
        let (now, newest) = (timestamp.as_nanos(), self.newest.as_nanos());
        if !self.has_begun {
            self.has_begun = true;
            self.newest = timestamp;
        } else if now > newest {
            self.elapsed_ns = self.elapsed_ns.saturating_add(now - newest);
            self.newest = timestamp;
        } else if newest - now > SET_BACK_NS {
            self.newest = timestamp;
        }
        self.elapsed_ns
    }

    /// The newest time of a packet.
    pub(crate) const fn now(&self) -> Timestamp {
        self.newest
    }

    /// The nanoseconds since the first packet.
    pub(crate) const fn elapsed_ns(&self) -> u64 {
        self.elapsed_ns
    }

    /// The nanoseconds from the first packet until `moment`.
    pub(crate) fn elapsed_at(&self, moment: Timestamp) -> u64 {
        self.elapsed_ns.saturating_add(moment.as_nanos().saturating_sub(self.newest.as_nanos()))
    }
}

/// Packets older than this were not overtaken: the capture's clock was set back.
const SET_BACK_NS: u64 = 60_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_on_after_the_capture_was_set_back() {
        let mut clock = Clock::default();
        let at = |seconds| Timestamp::from_parts(seconds, 0);
        assert_eq!(clock.advance(at(1_000)), 0);
        assert_eq!(clock.advance(at(1_002)), 2_000_000_000);
        assert_eq!(clock.advance(at(1_001)), 2_000_000_000);
        assert_eq!(clock.advance(at(5)), 2_000_000_000);
        assert_eq!(clock.advance(at(6)), 3_000_000_000);
        assert_eq!(clock.elapsed_at(at(8)), 5_000_000_000);
    }
}
