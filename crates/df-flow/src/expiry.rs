//! Finds flows whose time has come, without any work per packet.

/// A wheel of seconds. A flow is put where its deadline is; whether the deadline still holds is asked when it comes.
#[derive(Debug)]
pub(crate) struct Wheel {
    buckets: Vec<Vec<Entry>>,
    /// The second that was turned to last.
    current: u64,
    /// The flows of that second that were not given yet.
    found: std::vec::IntoIter<Entry>,
}

/// A flow in the wheel. The end of its id tells it from a later flow at the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    slot: u32,
    id: u32,
}

impl Entry {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "places have 32 bits, and ids of one place differ in their end"
    )]
    pub(crate) const fn new(slot: usize, id: u64) -> Self {
        Self { slot: slot as u32, id: id as u32 }
    }

    pub(crate) const fn slot(self) -> usize {
        self.slot as usize
    }

    /// Whether it is the entry of the flow with this id.
    #[allow(clippy::cast_possible_truncation, reason = "the end of the id is compared")]
    pub(crate) const fn is_of(self, id: u64) -> bool {
        self.id == id as u32
    }
}

impl Wheel {
    pub(crate) fn new() -> Self {
        Self { buckets: vec![Vec::new(); BUCKETS], current: 0, found: Vec::new().into_iter() }
    }

    /// Puts a flow where it will be found once `deadline_ns` has passed, or earlier if that is far away.
    pub(crate) fn insert(&mut self, entry: Entry, deadline_ns: u64) {
        let ahead = second_after(deadline_ns).saturating_sub(self.current).clamp(1, BUCKETS as u64 - 1);
        let place = bucket_of(self.current.saturating_add(ahead));
        if let Some(bucket) = self.buckets.get_mut(place) {
            bucket.push(entry);
        }
    }

    /// Turns towards `now_ns` and gives the next flow that is found on the way.
    pub(crate) fn next_found(&mut self, now_ns: u64) -> Option<Entry> {
        let now = now_ns / NANOS_PER_SECOND;
        loop {
            if let Some(entry) = self.found.next() {
                return Some(entry);
            }
            if now.saturating_sub(self.current) > BUCKETS as u64 {
                self.current = now - BUCKETS as u64;
            }
            if self.current >= now {
                return None;
            }
            self.current += 1;
            let bucket = self.buckets.get_mut(bucket_of(self.current))?;
            self.found = std::mem::take(bucket).into_iter();
        }
    }

    /// Whether there may be flows to find.
    #[inline]
    pub(crate) fn is_due(&self, now_ns: u64) -> bool {
        now_ns / NANOS_PER_SECOND > self.current || self.is_behind()
    }

    /// Whether flows that were found are not given yet.
    #[inline]
    pub(crate) fn is_behind(&self) -> bool {
        !self.found.as_slice().is_empty()
    }

    /// Takes out the flow that is found next.
    pub(crate) fn take_next(&mut self) -> Option<Entry> {
        if let Some(entry) = self.found.next() {
            return Some(entry);
        }
        let next = (1..=BUCKETS as u64).map(|ahead| bucket_of(self.current.saturating_add(ahead)));
        for place in next {
            if let Some(entry) = self.buckets.get_mut(place).and_then(Vec::pop) {
                return Some(entry);
            }
        }
        None
    }
}

/// Whether a flow that is to be found at `deadline_ns` has its turn in the second of `now_ns` or before.
pub(crate) const fn is_passed(deadline_ns: u64, now_ns: u64) -> bool {
    second_after(deadline_ns) <= now_ns / NANOS_PER_SECOND
}

const fn second_after(deadline_ns: u64) -> u64 {
    (deadline_ns / NANOS_PER_SECOND).saturating_add(1)
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
        let entry = Entry::new(1, 7);
        wheel.insert(entry, 2_500_000_000);
        assert_eq!(wheel.next_found(2_900_000_000), None);
        assert!(is_passed(2_500_000_000, 3_000_000_000) && !is_passed(2_500_000_000, 2_999_999_999));
        assert_eq!(wheel.next_found(3_000_000_000), Some(entry));
        assert_eq!(wheel.next_found(4_000_000_000), None);
    }

    #[test]
    fn a_leap_of_years_finds_everything_and_takes_no_time() {
        let mut wheel = Wheel::new();
        wheel.insert(Entry::new(1, 1), 5_000_000_000);
        wheel.insert(Entry::new(2, 2), 400_000_000_000);
        let mut found = Vec::new();
        while let Some(entry) = wheel.next_found(u64::MAX / 2) {
            found.push(entry.slot());
        }
        found.sort_unstable();
        assert_eq!(found, [1, 2]);
    }
}
