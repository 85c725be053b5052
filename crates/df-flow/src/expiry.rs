//! Finds flows whose time has come, without any work per packet.

/// A wheel of seconds. A flow is put where its deadline is; whether the deadline still holds is asked when it comes.
#[derive(Debug)]
pub(crate) struct Wheel {
    buckets: Vec<Vec<Entry>>,
    /// The second that was turned to last.
    current: u64,
}

/// A flow in the wheel. The id tells it from a later flow at the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) slot: usize,
    pub(crate) id: u64,
}

impl Wheel {
    pub(crate) fn new() -> Self {
        Self { buckets: vec![Vec::new(); BUCKETS], current: 0 }
    }

    /// Puts a flow where it will be found once `deadline_ns` has passed, or earlier if that is far away.
    pub(crate) fn insert(&mut self, entry: Entry, deadline_ns: u64) {
        let second = (deadline_ns / NANOS_PER_SECOND).saturating_add(1);
        let ahead = second.saturating_sub(self.current).clamp(1, BUCKETS as u64 - 1);
        let place = bucket_of(self.current.saturating_add(ahead));
        if let Some(bucket) = self.buckets.get_mut(place) {
            bucket.push(entry);
        }
    }

    /// Turns to `now_ns`. Gives one second's flows at a time; call it until it gives none.
    pub(crate) fn turn(&mut self, now_ns: u64) -> Option<Vec<Entry>> {
        let now = now_ns / NANOS_PER_SECOND;
        if now.saturating_sub(self.current) > BUCKETS as u64 {
            self.current = now - BUCKETS as u64;
        }
        while self.current < now {
            self.current += 1;
            let bucket = self.buckets.get_mut(bucket_of(self.current))?;
            if !bucket.is_empty() {
                return Some(std::mem::take(bucket));
            }
        }
        None
    }

    /// Whether the time has moved on by a second since the last turn.
    pub(crate) const fn is_due(&self, now_ns: u64) -> bool {
        now_ns / NANOS_PER_SECOND > self.current
    }

    /// Takes out the flow that is found next.
    pub(crate) fn take_next(&mut self) -> Option<Entry> {
        let next = (1..=BUCKETS as u64).map(|ahead| bucket_of(self.current.saturating_add(ahead)));
        for place in next {
            if let Some(entry) = self.buckets.get_mut(place).and_then(Vec::pop) {
                return Some(entry);
            }
        }
        None
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the remainder is below the number of buckets")]
const fn bucket_of(second: u64) -> usize {
    (second % BUCKETS as u64) as usize
}

const BUCKETS: usize = 512;
const NANOS_PER_SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_each_flow_once_its_second_has_passed() {
        let mut wheel = Wheel::new();
        let entry = Entry { slot: 1, id: 7 };
        wheel.insert(entry, 2_500_000_000);
        assert_eq!(wheel.turn(2_900_000_000), None);
        assert_eq!(wheel.turn(3_000_000_000), Some(vec![entry]));
        assert_eq!(wheel.turn(4_000_000_000), None);
    }

    #[test]
    fn a_leap_of_years_finds_everything_and_takes_no_time() {
        let mut wheel = Wheel::new();
        wheel.insert(Entry { slot: 1, id: 1 }, 5_000_000_000);
        wheel.insert(Entry { slot: 2, id: 2 }, 400_000_000_000);
        let mut found = Vec::new();
        while let Some(entries) = wheel.turn(u64::MAX / 2) {
            found.extend(entries.iter().map(|entry| entry.slot));
        }
        found.sort_unstable();
        assert_eq!(found, [1, 2]);
    }
}
