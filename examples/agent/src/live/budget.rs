//! What observing processes may cost: while the agent takes more of the processors than it may, connections are left out.

use std::time::{Duration, Instant};

use df_bpf::ProbeStats;
use rustix::time::{ClockId, clock_gettime};

/// How much the agent has taken, and how many connections are left out for that.
///
/// Short bursts pass: what was not taken for a while may be taken later.
#[derive(Debug)]
pub(super) struct Budget {
    /// Processors that may be taken for long.
    max_processors: f64,
    /// Processor seconds that may be taken at once.
    credit: f64,
    /// Of the last seconds, the newest counting most: processor seconds taken, and records told.
    recent: [f64; 2],
    /// So many of [`ALL`] connections are told.
    told: u16,
    /// How many looks in a row found records that had found no room.
    losing_looks: u32,
    counted: Counted,
    looked_at: Instant,
}

/// What had happened when this was looked at last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Counted {
    processor_time: Duration,
    records: u64,
    left_out: u64,
    dropped: u64,
}

impl Budget {
    /// The whole process may take so many thousandths of a processor; 0 is a tenth of what the host has, and one at most.
    pub(super) fn new(max_millicpus: u32) -> Self {
        let host = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        #[allow(clippy::cast_precision_loss, reason = "hosts have fewer processors than that")]
        let automatic = (host as f64 / 10.0).min(1.0);
        let configured = f64::from(max_millicpus) / 1_000.0;
        Self {
            max_processors: if max_millicpus == 0 { automatic } else { configured },
            credit: BURST_SECONDS,
            recent: [0.0; 2],
            told: ALL,
            losing_looks: 0,
            counted: Counted { processor_time: processor_time(), ..Counted::default() },
            looked_at: Instant::now(),
        }
    }

    /// Looks at what was taken since the last time: how many of 256 connections are to be left out from now on, if that changes.
    pub(super) fn look(&mut self, stats: &ProbeStats) -> Option<u16> {
        let sum = |count: fn(&df_bpf::ProcessorStats) -> u64| stats.processors.iter().map(count).sum::<u64>();
        let counted = Counted {
            processor_time: processor_time(),
            records: sum(|processor| processor.records),
            left_out: sum(|processor| processor.left_out_records),
            dropped: sum(|processor| processor.dropped_records),
        };
        let elapsed = self.looked_at.elapsed();
        self.looked_at = Instant::now();
        let told_before = self.told;
        self.settle(counted, elapsed);
        if self.told == told_before {
            return None;
        }
        if told_before == ALL && self.is_losing() {
            tracing::warn!(
                "records of processes find no room, since this agent does not get the processor: connections are left out"
            );
        } else if told_before == ALL {
            tracing::warn!(
                "observing takes more than {:.2} processors (global.limits.max_millicpus): \
                 connections of processes are left out until it takes less",
                self.max_processors
            );
        } else if self.told == ALL {
            tracing::info!("no connections of processes are left out any more");
        }
        Some(ALL - self.told)
    }

    const fn is_losing(&self) -> bool {
        self.losing_looks >= MAX_LOSING_LOOKS
    }

    #[allow(clippy::cast_precision_loss, reason = "counts of one second")]
    fn settle(&mut self, counted: Counted, elapsed: Duration) {
        let before = std::mem::replace(&mut self.counted, counted);
        let used = counted.processor_time.saturating_sub(before.processor_time).as_secs_f64();
        let records = counted.records.saturating_sub(before.records) as f64;
        let offered = records + counted.left_out.saturating_sub(before.left_out) as f64;
        let allowed = self.max_processors * elapsed.as_secs_f64();
        self.credit = (self.credit + allowed - used).clamp(-allowed, BURST_SECONDS);
        for (recent, now) in self.recent.iter_mut().zip([used, records]) {
            *recent = *recent * FADING + now;
        }
        self.losing_looks = if counted.dropped > before.dropped { self.losing_looks + 1 } else { 0 };
        if self.credit > 0.0 && self.told == ALL && !self.is_losing() {
            return;
        }
        let [recently_used, recently_told] = self.recent;
        let cost = if recently_told > 0.0 { recently_used / recently_told } else { f64::INFINITY };
        let mut share = allowed / (cost * offered).max(f64::MIN_POSITIVE);
        if self.is_losing() {
            share = share.min(f64::from(self.told) / f64::from(ALL) / 2.0);
        }
        // Fewer at once, more little by little.
        let most = f64::from(self.told).mul_add(GROWTH, 1.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between the two bounds")]
        let told = (share * f64::from(ALL)).min(most).clamp(f64::from(FEWEST), f64::from(ALL)) as u16;
        self.told = told;
    }
}

/// What all threads of this process have taken of the processors.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// What connections are counted in, as the programs do.
const ALL: u16 = 256;
/// Something is told always.
const FEWEST: u16 = 2;
/// Processor seconds that may be taken at once by an agent that took little before.
const BURST_SECONDS: f64 = 3.0;
/// A single burst that finds no room is no flood.
const MAX_LOSING_LOOKS: u32 = 2;
const FADING: f64 = 0.8;
const GROWTH: f64 = 1.25;

#[cfg(test)]
mod tests {
    use super::*;

    /// A host whose processes make so many records per second, each of which costs the agent as much; gives what is told of
    /// [`ALL`] at the end.
    fn told_after(seconds: u64, budget: &mut Budget, offered: u64, cost: Duration) -> u16 {
        for _ in 0..seconds {
            let told = offered * u64::from(budget.told) / u64::from(ALL);
            let mut counted = budget.counted;
            counted.processor_time += cost * u32::try_from(told).unwrap();
            counted.records += told;
            counted.left_out += offered - told;
            budget.settle(counted, Duration::from_secs(1));
        }
        budget.told
    }

    #[test]
    fn a_flood_is_told_in_part_a_burst_and_what_is_cheap_whole() {
        let cost = Duration::from_micros(5);
        let mut budget = Budget::new(200);
        assert_eq!(told_after(60, &mut budget, 30_000, cost), ALL, "0.15 of 0.2 processors");
        assert_eq!(
            told_after(2, &mut budget, 300_000, cost),
            ALL,
            "3 processor seconds may be taken at once"
        );
        // 0.2 of 1.5 processors.
        let told = told_after(20, &mut budget, 300_000, cost);
        assert!((30..=35).contains(&told), "{told}");
        assert_eq!(told_after(20, &mut budget, 30_000, cost), ALL);
    }

    #[test]
    fn something_is_told_however_little_may_be_taken() {
        let mut budget = Budget::new(1);
        assert_eq!(told_after(20, &mut budget, 1_000_000, Duration::from_micros(5)), FEWEST);
        assert_eq!(told_after(1, &mut budget, 0, Duration::ZERO), FEWEST + 1);
    }

    #[test]
    fn records_that_find_no_room_are_too_many() {
        let mut budget = Budget::new(200);
        for (dropped, told) in [(1, ALL), (2, ALL / 2), (3, ALL / 4), (3, ALL / 4 + ALL / 16 + 1)] {
            let counted = Counted { records: 10, dropped, ..budget.counted };
            budget.settle(counted, Duration::from_secs(1));
            assert_eq!(budget.told, told);
        }
    }
}
