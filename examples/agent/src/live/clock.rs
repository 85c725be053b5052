//! Time: the wall clock, which captured packets are stamped with, and what is to be done every so often.

use std::time::{Duration, Instant, SystemTime};

use df_core::Timestamp;

/// Now.
pub(super) fn now() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_parts(elapsed.as_secs(), elapsed.subsec_nanos())
}

/// Something to be done every so often.
#[derive(Debug)]
pub(super) struct Regularly {
    interval: Duration,
    done_at: Instant,
}

impl Regularly {
    /// Due for the first time after `interval`.
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, done_at: Instant::now() }
    }

    /// Whether it is to be done now.
    pub(super) fn is_due(&mut self) -> bool {
        let is_due = self.done_at.elapsed() >= self.interval;
        if is_due {
            self.done_at = Instant::now();
        }
        is_due
    }
}
