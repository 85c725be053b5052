//! What observing may cost: while the agent takes more of the processors than it may, connections are left out.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::summary::Dropped;

/// How much the agent has taken, and how many connections are left out for that.
///
/// Short bursts pass: what was not taken for a while may be taken later.
#[derive(Debug)]
pub(super) struct Budget {
    /// Processors that may be taken for long.
    max_processors: f64,
    /// Processor seconds that may be taken at once.
    credit: f64,
    /// Of the last seconds, the newest counting most: processor seconds taken, and seconds in which everything would have been told,
    /// one in which half of it was counting half.
    recent: [f64; 2],
    /// So many of [`ALL`] connections are told.
    told: u16,
    /// How many looks in a row found what had found no room.
    losing_looks: u32,
    counted: Counted,
    looked_at: Instant,
    /// For how long any connections were left out, up to the last look.
    leaving_out: Duration,
}

/// What had happened when this was looked at last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Counted {
    processor_time: Duration,
    dropped: u64,
}

impl Budget {
    /// The whole process may take so many thousandths of a processor; 0 is a twentieth of what the host has, and one at most.
    pub(super) fn new(max_millicpus: u32) -> Self {
        let host = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        #[allow(clippy::cast_precision_loss, reason = "hosts have fewer processors than that")]
        let automatic = (host as f64 / 20.0).min(1.0);
        let configured = f64::from(max_millicpus) / 1_000.0;
        Self {
            max_processors: if max_millicpus == 0 { automatic } else { configured },
            credit: BURST_SECONDS,
            recent: [0.0; 2],
            told: ALL,
            losing_looks: 0,
            counted: Counted { processor_time: processor_time(), ..Counted::default() },
            looked_at: Instant::now(),
            leaving_out: Duration::ZERO,
        }
    }

    /// Looks at what was taken since the last time: how many of 256 connections are to be left out from now on, if that changes.
    /// `dropped` is how many packets and records found no room since the agent began.
    pub(super) fn look(&mut self, dropped: u64) -> Option<u16> {
        let counted = Counted { processor_time: processor_time(), dropped };
        let elapsed = self.looked_at.elapsed();
        self.looked_at = Instant::now();
        let told_before = self.told;
        self.settle(counted, elapsed);
        if self.told == told_before {
            return None;
        }
        if told_before == ALL && self.is_losing() {
            tracing::warn!(
                "packets or records find no room, since this agent does not get the processor: connections are left out"
            );
        } else if told_before == ALL {
            tracing::warn!(
                "observing takes more than {:.3} processors (global.limits.max_millicpus): \
                 connections are left out until it takes less",
                self.max_processors
            );
        } else if self.told == ALL {
            tracing::info!("no connections are left out any more");
        }
        Some(ALL - self.told)
    }

    /// For how long connections were left out until now, in whole seconds: how many packets that were nobody knows.
    pub(super) fn seconds_left_out(&self) -> Dropped {
        let since_look = if self.told < ALL { self.looked_at.elapsed() } else { Duration::ZERO };
        let leaving_out = self.leaving_out + since_look;
        Dropped {
            stage: "budget",
            reason: "seconds in which connections were left out since the agent took too much (global.limits.max_millicpus)",
            count: leaving_out.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX),
        }
    }

    const fn is_losing(&self) -> bool {
        self.losing_looks >= MAX_LOSING_LOOKS
    }

    fn settle(&mut self, counted: Counted, elapsed: Duration) {
        let before = std::mem::replace(&mut self.counted, counted);
        let seconds = elapsed.as_secs_f64();
        let used = counted.processor_time.saturating_sub(before.processor_time).as_secs_f64();
        let allowed = self.max_processors * seconds;
        self.credit = (self.credit + allowed - used).clamp(-allowed, BURST_SECONDS);
        let told = seconds * self.share_told();
        for (recent, now) in self.recent.iter_mut().zip([used, told]) {
            *recent = *recent * FADING + now;
        }
        self.losing_looks = if counted.dropped > before.dropped { self.losing_looks + 1 } else { 0 };
        if self.told < ALL {
            self.leaving_out += elapsed;
        } else if self.credit > 0.0 && !self.is_losing() {
            return;
        }
        let [recently_used, recently_told] = self.recent;
        // The processors that telling everything would take.
        let everything = recently_used / recently_told.max(f64::MIN_POSITIVE);
        let mut share = self.max_processors / everything.max(f64::MIN_POSITIVE);
        if self.is_losing() {
            share = share.min(self.share_told() / 2.0);
        }
        // Fewer at once, more little by little.
        let most = f64::from(self.told).mul_add(GROWTH, 1.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between the two bounds")]
        let told = (share * f64::from(ALL)).min(most).clamp(f64::from(FEWEST), f64::from(ALL)) as u16;
        self.told = told;
    }

    fn share_told(&self) -> f64 {
        f64::from(self.told) / f64::from(ALL)
    }
}

/// What all threads of this process have taken of the processors.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// What connections are counted in, as the kernel does.
const ALL: u16 = 256;
/// Something is told always.
const FEWEST: u16 = 2;
/// Processor seconds that may be taken at once by an agent that took little before.
const BURST_SECONDS: f64 = 3.0;
/// A single burst that finds no room is no flood.
const MAX_LOSING_LOOKS: u32 = 2;
/// What a second counts one second later.
const FADING: f64 = 0.5;
const GROWTH: f64 = 1.25;

#[cfg(test)]
mod tests {
    use super::*;

    /// A host where telling everything takes so many processors; gives what is told of [`ALL`] at the end.
    fn told_after(seconds: u32, budget: &mut Budget, everything: f64) -> u16 {
        for _ in 0..seconds {
            let mut counted = budget.counted;
            counted.processor_time += Duration::from_secs_f64(everything * budget.share_told());
            budget.settle(counted, Duration::from_secs(1));
        }
        budget.told
    }

    #[test]
    fn a_flood_is_told_in_part_a_burst_and_what_is_cheap_whole() {
        let mut budget = Budget::new(200);
        assert_eq!(told_after(60, &mut budget, 0.15), ALL, "0.15 of 0.2 processors");
        assert_eq!(told_after(2, &mut budget, 1.5), ALL, "3 processor seconds may be taken at once");
        assert_eq!(budget.seconds_left_out().count, 0);
        // 0.2 of 1.5 processors, nearly so from the first second on.
        for seconds in [1, 20] {
            let told = told_after(seconds, &mut budget, 1.5);
            assert!((30..=40).contains(&told), "{told}");
        }
        assert_eq!(told_after(20, &mut budget, 0.15), ALL);
        assert!((20..=40).contains(&budget.seconds_left_out().count), "{budget:?}");
    }

    #[test]
    fn connections_come_back_little_by_little() {
        let mut budget = Budget::new(200);
        told_after(20, &mut budget, 1.5);
        let mut before = budget.told;
        while before < ALL {
            let told = told_after(1, &mut budget, 0.0);
            assert!(told >= before && f64::from(told) <= f64::from(before) * GROWTH + 1.0, "{before} {told}");
            before = told;
        }
    }

    #[test]
    fn something_is_told_however_little_may_be_taken() {
        let mut budget = Budget::new(1);
        assert_eq!(told_after(20, &mut budget, 5.0), FEWEST);
        assert!(told_after(20, &mut budget, 0.0) > FEWEST);
    }

    #[test]
    fn what_finds_no_room_is_too_much() {
        let mut budget = Budget::new(200);
        for (dropped, told) in [(1, ALL), (2, ALL / 2), (3, ALL / 4), (3, ALL / 4 + ALL / 16 + 1)] {
            budget.settle(Counted { dropped, ..budget.counted }, Duration::from_secs(1));
            assert_eq!(budget.told, told);
        }
    }
}
