//! Quantiles of durations in constant memory.

use std::time::Duration;

/// Counts durations in buckets whose width grows with the duration: sixteen to each power of two, so that a quantile is
/// exact to within 6.25 percent, from nanoseconds to centuries.
#[derive(Debug, Clone)]
pub(crate) struct Quantiles {
    counts: Box<[u64; BUCKETS]>,
    total: u64,
}

impl Default for Quantiles {
    fn default() -> Self {
        Self { counts: Box::new([0; BUCKETS]), total: 0 }
    }
}

impl Quantiles {
    /// Counts one duration.
    pub(crate) fn record(&mut self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(nanoseconds)] += 1;
        self.total += 1;
    }

    /// The duration that `percent` of all do not exceed; none before the first one.
    pub(crate) fn quantile(&self, percent: u64) -> Option<Duration> {
        let rank = (self.total * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Some(Duration::from_nanos(middle(bucket)));
            }
        }
        None
    }
}

/// The bucket of a value: its highest bit and the four bits below it.
fn bucket(value: u64) -> usize {
    if value < FINE {
        return usize::try_from(value).unwrap_or_default();
    }
    let exponent = value.ilog2();
    let fraction = (value >> (exponent - FINE_BITS)) & (FINE - 1);
    let index = u64::from(exponent - FINE_BITS + 1) * FINE + fraction;
    usize::try_from(index).unwrap_or(BUCKETS - 1)
}

/// The value in the middle of a bucket.
fn middle(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < FINE {
        return bucket;
    }
    let shift = bucket / FINE - 1;
    let low = (FINE + bucket % FINE) << shift;
    low + ((1 << shift) >> 1)
}

const FINE_BITS: u32 = 4;
const FINE: u64 = 1 << FINE_BITS;
const BUCKETS: usize = (64 - FINE_BITS as usize + 1) << FINE_BITS;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_near_the_middle_of_its_bucket() {
        for value in (0..64).flat_map(|bit| [1_u64 << bit, (1 << bit) + (1 << bit) / 3, u64::MAX >> bit]) {
            let middle = middle(bucket(value));
            assert!(middle.abs_diff(value) <= value / 16, "{value} became {middle}");
        }
    }

    #[test]
    fn quantiles_of_a_hundred() {
        let mut quantiles = Quantiles::default();
        assert_eq!(quantiles.quantile(50), None);
        for milliseconds in 1..=100 {
            quantiles.record(Duration::from_millis(milliseconds));
        }
        let near = |percent, milliseconds: u64| {
            let found = quantiles.quantile(percent).unwrap().as_micros();
            assert!(found.abs_diff(u128::from(milliseconds) * 1_000) < 4_000, "{found}");
        };
        near(50, 50);
        near(99, 99);
    }
}
