//! When a request that failed is tried again.

use std::time::Duration;

/// The schedule of retries: exponential, with jitter, obeying the receiver.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct RetryConfig {
    /// The wait after the first failure, before jitter; default 1 s. Each further wait is one and a half times the wait
    /// before.
    pub initial_delay: Duration,
    /// The longest wait, before jitter; default 10 s. A receiver that comes back is noticed within it.
    pub max_delay: Duration,
    /// After how long a request is given up and its telemetry dropped; default never. The queue's bounds hold either way.
    pub max_elapsed: Option<Duration>,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self { initial_delay: Duration::from_secs(1), max_delay: Duration::from_secs(10), max_elapsed: None }
    }
}

impl RetryConfig {
    /// Sets the first and the longest wait.
    pub const fn with_delays(mut self, initial_delay: Duration, max_delay: Duration) -> Self {
        self.initial_delay = initial_delay;
        self.max_delay = max_delay;
        self
    }

    /// Sets after how long a request is given up.
    pub const fn with_max_elapsed(mut self, max_elapsed: Option<Duration>) -> Self {
        self.max_elapsed = max_elapsed;
        self
    }
}

/// The retries of one request.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    config: RetryConfig,
    delay: Duration,
}

impl Backoff {
    pub(crate) fn new(config: RetryConfig) -> Self {
        // Whatever is configured, growing and jittering it cannot overflow.
        let config = RetryConfig { max_delay: config.max_delay.min(LONGEST_DELAY), ..config };
        Self { config, delay: config.initial_delay.min(config.max_delay) }
    }

    /// How long to wait after another failure; none to give up. `elapsed` is the time since the first attempt,
    /// `retry_after` what the receiver asks for, `random` a number from 0 to 1: the wait is half to one and a half times
    /// the schedule's, and never less than the receiver asks for.
    pub(crate) fn next_delay(
        &mut self,
        elapsed: Duration,
        retry_after: Option<Duration>,
        random: f64,
    ) -> Option<Duration> {
        let jittered = self.delay.mul_f64(0.5 + random.clamp(0.0, 1.0));
        self.delay = self.delay.mul_f64(GROWTH).min(self.config.max_delay);
        let asked = retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
        let delay = jittered.max(asked);
        match self.config.max_elapsed {
            Some(limit) if elapsed.saturating_add(delay) > limit => None,
            _ => Some(delay),
        }
    }
}

const GROWTH: f64 = 1.5;
/// No schedule waits longer than a day.
const LONGEST_DELAY: Duration = Duration::from_secs(86_400);
/// A receiver that asks for more, by mistake or malice, is asked again after this.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff() -> Backoff {
        Backoff::new(RetryConfig::default().with_delays(Duration::from_secs(1), Duration::from_secs(4)))
    }

    #[test]
    fn waits_grow_to_the_longest_and_stay() {
        let mut backoff = backoff();
        let delays = (0..6).map(|_| backoff.next_delay(Duration::ZERO, None, 0.5).unwrap().as_millis());
        assert_eq!(delays.collect::<Vec<_>>(), [1_000, 1_500, 2_250, 3_375, 4_000, 4_000]);
    }

    #[test]
    fn jitter_is_half_of_the_wait_up_or_down() {
        for (random, milliseconds) in [(0.0, 500), (1.0, 1_500), (-7.0, 500), (7.0, 1_500)] {
            let delay = backoff().next_delay(Duration::ZERO, None, random).unwrap();
            assert_eq!(delay.as_millis(), milliseconds, "{random}");
        }
    }

    #[test]
    fn the_receiver_is_obeyed_within_reason() {
        for (asked, seconds) in [(0, 1), (30, 30), (1_000_000, 600)] {
            let asked = Some(Duration::from_secs(asked));
            assert_eq!(backoff().next_delay(Duration::ZERO, asked, 0.5).unwrap().as_secs(), seconds);
        }
    }

    #[test]
    fn a_senseless_schedule_is_cut_to_a_day() {
        let config = RetryConfig::default().with_delays(Duration::MAX, Duration::MAX);
        let mut backoff = Backoff::new(config);
        for _ in 0..2 {
            let delay = backoff.next_delay(Duration::MAX, Some(Duration::MAX), 0.5).unwrap();
            assert_eq!(delay, Duration::from_secs(86_400));
        }
    }

    #[test]
    fn nothing_is_given_up_unless_configured() {
        let day = Duration::from_secs(86_400);
        assert!(backoff().next_delay(day, None, 0.5).is_some());
        let config = RetryConfig::default().with_max_elapsed(Some(Duration::from_secs(60)));
        assert!(Backoff::new(config).next_delay(Duration::from_secs(58), None, 0.5).is_some());
        assert!(Backoff::new(config).next_delay(Duration::from_millis(59_500), None, 0.5).is_none());
    }
}
