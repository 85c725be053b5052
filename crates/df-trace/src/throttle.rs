//! Bounds how many spans go on per second, whole traces at a time.

use std::time::Duration;

use df_core::Timestamp;

use crate::TraceId;

/// Lets so many spans a second through, and says which: all of a trace or none, whoever observes it.
///
/// Above the bound the trace identifier decides, by its last 56 bits, as in OpenTelemetry's consistent probability
/// sampling: what one agent keeps of a trace every other one keeps too that has to leave out no more. The share that is
/// kept follows the rate of the last second; a rate that rises faster is cut at the bound, without regard to traces, until
/// the second is over.
///
/// ```
/// use df_core::Timestamp;
/// use df_trace::{Throttle, TraceId};
///
/// let mut throttle = Throttle::new(100);
/// let id = |number: u128| TraceId::from_bytes((number << 20 | 1).to_be_bytes()).expect("not zero");
/// throttle.handle_timeout(Timestamp::from_nanos(0));
/// let admitted = (0..1_000).filter(|number| throttle.admits(id(*number))).count();
/// assert_eq!((admitted, throttle.refused()), (100, 900));
/// ```
#[derive(Debug, Clone)]
pub struct Throttle {
    max_per_second: u32,
    window_start: Timestamp,
    offered: u64,
    admitted: u32,
    /// Of [`RANDOMNESS`] values those below are refused.
    rejection_threshold: u64,
    refused: u64,
}

impl Throttle {
    /// A bound of so many spans a second; 0 is none.
    pub const fn new(max_per_second: u32) -> Self {
        Self {
            max_per_second,
            window_start: Timestamp::ZERO,
            offered: 0,
            admitted: 0,
            rejection_threshold: 0,
            refused: 0,
        }
    }

    /// Tells what time it is; several times a second.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        let elapsed = now.since(self.window_start);
        // A clock that was set back begins anew.
        if now >= self.window_start && elapsed < SECOND {
            return;
        }
        let elapsed = elapsed.max(SECOND);
        let offered_per_second = u128::from(self.offered) * SECOND.as_nanos() / elapsed.as_nanos();
        let kept = u128::from(RANDOMNESS) * u128::from(self.max_per_second) / offered_per_second.max(1);
        self.rejection_threshold = RANDOMNESS.saturating_sub(u64::try_from(kept).unwrap_or(RANDOMNESS));
        self.window_start = now;
        self.offered = 0;
        self.admitted = 0;
    }

    /// Whether a span of this trace may go on.
    pub fn admits(&mut self, trace_id: TraceId) -> bool {
        self.offered += 1;
        if self.max_per_second == 0 {
            return true;
        }
        let is_admitted =
            self.admitted < self.max_per_second && randomness(trace_id) >= self.rejection_threshold;
        self.admitted += u32::from(is_admitted);
        self.refused += u64::from(!is_admitted);
        is_admitted
    }

    /// How many spans were refused.
    pub const fn refused(&self) -> u64 {
        self.refused
    }
}

/// What is random in a trace identifier: its last 56 bits (W3C Trace Context Level 2 §3.2.2.3).
fn randomness(trace_id: TraceId) -> u64 {
    let number = u128::from_be_bytes(trace_id.to_bytes()) % u128::from(RANDOMNESS);
    u64::try_from(number).unwrap_or(0)
}

/// How many values 56 bits have.
const RANDOMNESS: u64 = 1 << 56;
const SECOND: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{Digest, Purpose};

    fn ids(count: u64) -> impl Iterator<Item = TraceId> {
        (0..count).map(|number| TraceId::from_hash(Digest::new(Purpose::Trace).word(number).finish()))
    }

    fn second(number: u64) -> Timestamp {
        Timestamp::from_parts(1_700_000_000 + number, 0)
    }

    #[test]
    fn below_the_bound_everything_goes_on() {
        let mut throttle = Throttle::new(1_000);
        for number in 0..5 {
            throttle.handle_timeout(second(number));
            assert_eq!(ids(1_000).filter(|id| throttle.admits(*id)).count(), 1_000);
        }
        assert_eq!(throttle.refused(), 0);
    }

    #[test]
    fn the_bound_holds_and_traces_stay_whole() {
        let (mut client, mut server) = (Throttle::new(1_000), Throttle::new(1_000));
        for throttle in [&mut client, &mut server] {
            throttle.handle_timeout(second(0));
            assert_eq!(ids(20_000).filter(|id| throttle.admits(*id)).count(), 1_000);
            throttle.handle_timeout(second(1));
        }
        let kept: Vec<TraceId> = ids(20_000).filter(|id| client.admits(*id)).collect();
        let order: Vec<TraceId> = ids(20_000).collect();
        let seen_backwards = order.iter().rev().filter(|id| server.admits(**id)).count();
        assert!((900..=1_000).contains(&kept.len()), "{}", kept.len());
        assert_eq!(seen_backwards, kept.len());
        assert!(kept.iter().all(|id| randomness(*id) >= client.rejection_threshold));
    }

    #[test]
    fn what_is_left_out_follows_the_rate() {
        let mut throttle = Throttle::new(1_000);
        for (number, offered) in [2_000, 2_000, 500, 500].into_iter().enumerate() {
            throttle.handle_timeout(second(number as u64));
            let admitted = ids(offered).filter(|id| throttle.admits(*id)).count();
            assert!(admitted <= 1_000 && (number != 3 || admitted == 500), "{number}: {admitted}");
        }
    }

    #[test]
    fn none_is_no_bound() {
        let mut throttle = Throttle::new(0);
        assert_eq!(ids(50_000).filter(|id| throttle.admits(*id)).count(), 50_000);
        throttle.handle_timeout(second(1));
        assert_eq!(ids(50_000).filter(|id| throttle.admits(*id)).count(), 50_000);
    }
}
