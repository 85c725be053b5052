//! From the clock of the kernel's programs to Unix time.

use df_core::Timestamp;
#[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
use rustix::time::ClockId;

/// How far `CLOCK_MONOTONIC`, which the programs read, is behind Unix time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClockOffset {
    unix_minus_monotonic_ns: u64,
}

impl ClockOffset {
    /// An offset in nanoseconds.
    pub const fn from_nanos(unix_minus_monotonic_ns: u64) -> Self {
        Self { unix_minus_monotonic_ns }
    }

    /// Reads both clocks.
    #[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
    pub fn now() -> Self {
        let before = nanos(ClockId::Monotonic);
        let unix = nanos(ClockId::Realtime);
        let after = nanos(ClockId::Monotonic);
        Self::from_nanos(unix.saturating_sub(before.midpoint(after)))
    }

    /// The Unix time of a moment on `CLOCK_MONOTONIC`.
    pub const fn unix(self, monotonic_ns: u64) -> Timestamp {
        Timestamp::from_nanos(monotonic_ns.saturating_add(self.unix_minus_monotonic_ns))
    }
}

/// The time of day.
#[cfg(all(feature = "profile", any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
pub(crate) fn unix_now() -> Timestamp {
    Timestamp::from_nanos(nanos(ClockId::Realtime))
}

/// Now, on the clock of the kernel's programs.
#[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
pub(crate) fn monotonic_ns() -> u64 {
    nanos(ClockId::Monotonic)
}

#[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
fn nanos(clock: ClockId) -> u64 {
    let time = rustix::time::clock_gettime(clock);
    let [seconds, rest] = [time.tv_sec, time.tv_nsec].map(|part| u64::try_from(part).unwrap_or(0));
    Timestamp::from_parts(seconds, u32::try_from(rest).unwrap_or(0)).as_nanos()
}

#[cfg(all(test, any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;

    #[test]
    fn the_monotonic_clock_leads_to_unix_time() {
        let unix_ns = ClockOffset::now().unix(nanos(ClockId::Monotonic)).as_nanos();
        let expected = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        assert!(u128::from(unix_ns).abs_diff(expected.as_nanos()) < 1_000_000_000, "{unix_ns} {expected:?}");
    }
}
