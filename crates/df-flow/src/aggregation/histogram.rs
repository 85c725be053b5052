//! Distributions of delays over fixed buckets, so that any two of them add up.

use crate::Delay;

/// The upper bounds of the buckets in nanoseconds, each inclusive: from loopback to a stalled service. The last bucket,
/// above 10 s, has none.
pub const DELAY_BOUNDS_NS: [u64; 19] = [
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// How delays are distributed. Takes memory with its first delay.
///
/// Of one or two delays every figure is exact. Of more in one record ([`Delay`]) count, sum and longest are, and the buckets
/// take the longest for itself and the others at their mean: shorter records are more exact.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DelayHistogram {
    /// How many delays.
    pub count: u64,
    /// Their sum in nanoseconds.
    pub sum_ns: u64,
    /// The longest, in nanoseconds.
    pub longest_ns: u64,
    buckets: Option<Box<[u64; BUCKETS]>>,
}

const BUCKETS: usize = DELAY_BOUNDS_NS.len() + 1;

impl DelayHistogram {
    /// Adds one delay, in nanoseconds.
    pub fn add(&mut self, delay_ns: u64) {
        self.add_alike(delay_ns, 1);
        self.longest_ns = self.longest_ns.max(delay_ns);
        self.sum_ns = self.sum_ns.saturating_add(delay_ns);
    }

    /// Adds the delays of a record.
    pub fn add_delays(&mut self, delays: &Delay) {
        if delays.count == 0 {
            return;
        }
        let others = u64::from(delays.count) - 1;
        self.add_alike(delays.longest_ns, 1);
        if let Some(mean_ns) = delays.sum_ns.saturating_sub(delays.longest_ns).checked_div(others) {
            self.add_alike(mean_ns, others);
        }
        self.longest_ns = self.longest_ns.max(delays.longest_ns);
        self.sum_ns = self.sum_ns.saturating_add(delays.sum_ns);
    }

    /// Adds what another histogram holds.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
        self.longest_ns = self.longest_ns.max(other.longest_ns);
        if let Some(others) = &other.buckets {
            let buckets = self.buckets.get_or_insert_default();
            buckets.iter_mut().zip(others.iter()).for_each(|(count, other)| *count += other);
        }
    }

    /// Delays per bucket of [`DELAY_BOUNDS_NS`], the last above them all; they add up to `count`.
    pub fn buckets(&self) -> [u64; BUCKETS] {
        self.buckets.as_deref().copied().unwrap_or_default()
    }

    fn add_alike(&mut self, delay_ns: u64, count: u64) {
        let place = DELAY_BOUNDS_NS.partition_point(|bound| *bound < delay_ns);
        if let Some(bucket) = self.buckets.get_or_insert_default().get_mut(place) {
            *bucket += count;
        }
        self.count += count;
    }
}
