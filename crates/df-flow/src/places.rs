//! Finds places by hash, in a table that never has to be made anew as a whole.

/// Places of flows by their hash. It consists of many small tables, each of which grows by itself: a table of a million
/// flows that grew at once would hold up a packet for tens of milliseconds.
#[derive(Debug)]
pub(crate) struct Places {
    parts: Vec<Part>,
}

/// A table of buckets. A place is in the bucket that its hash tells, or in one of the next where that was full.
#[derive(Debug, Default)]
struct Part {
    /// As many as a power of two, or none.
    buckets: Vec<Bucket>,
    len: usize,
}

/// A line of the processor's cache, so that one access to memory tells where nearly every flow is.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
struct Bucket {
    /// The part of each place's hash that tells it from most others without looking at the flow.
    hashes: [u32; PLACES],
    numbers: [u32; PLACES],
    /// How many places went on to a later bucket because this one was full.
    passed: u32,
}

impl Places {
    pub(crate) fn new() -> Self {
        Self { parts: (0..PARTS).map(|_| Part::default()).collect() }
    }

    /// The place under `hash` that `is_wanted` accepts.
    #[inline]
    pub(crate) fn find(&self, hash: u64, mut is_wanted: impl FnMut(usize) -> bool) -> Option<usize> {
        let wanted = short(hash);
        for bucket in self.part(hash).sequence(wanted) {
            for (hash, number) in bucket.places() {
                if hash == wanted && number != NO_PLACE && is_wanted(number as usize) {
                    return Some(number as usize);
                }
            }
        }
        None
    }

    /// Reads a little of the bucket in which the place under `hash` should be.
    #[inline]
    pub(crate) fn read_a_little(&self, hash: u64) -> u32 {
        self.part(hash).sequence(short(hash)).next().map_or(0, |bucket| bucket.passed)
    }

    /// Every place under `hash`.
    pub(crate) fn all(&self, hash: u64) -> impl Iterator<Item = usize> {
        let wanted = short(hash);
        self.part(hash)
            .sequence(wanted)
            .flat_map(Bucket::places)
            .filter(move |(hash, number)| *hash == wanted && *number != NO_PLACE)
            .map(|(_, number)| number as usize)
    }

    pub(crate) fn insert(&mut self, hash: u64, place: usize) {
        let (Some(part), Ok(number)) = (self.parts.get_mut(part_of(hash)), u32::try_from(place)) else {
            return;
        };
        if part.len >= part.buckets.len() * MAX_PLACES_PER_BUCKET {
            part.grow();
        }
        part.insert(short(hash), number);
    }

    pub(crate) fn remove(&mut self, hash: u64, place: usize) {
        if let (Some(part), Ok(number)) = (self.parts.get_mut(part_of(hash)), u32::try_from(place)) {
            part.remove(short(hash), number);
        }
    }

    /// Bytes that one place takes when the table has just grown.
    pub(crate) const fn max_bytes_per_place() -> usize {
        size_of::<Bucket>() * 2 / MAX_PLACES_PER_BUCKET
    }

    #[inline]
    fn part(&self, hash: u64) -> &Part {
        &self.parts[part_of(hash)]
    }
}

impl Part {
    /// The buckets in which a place with this hash may be, in order.
    #[inline]
    fn sequence(&self, hash: u32) -> impl Iterator<Item = &Bucket> {
        let (mut at, mut left) = (self.home(hash), self.buckets.len());
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let bucket = self.buckets.get(at)?;
            at = self.after(at);
            if bucket.passed == 0 {
                left = 0;
            }
            Some(bucket)
        })
    }

    fn grow(&mut self) {
        let doubled = vec![Bucket::EMPTY; (self.buckets.len() * 2).max(1)];
        self.len = 0;
        for bucket in std::mem::replace(&mut self.buckets, doubled) {
            for (hash, number) in bucket.places() {
                if number != NO_PLACE {
                    self.insert(hash, number);
                }
            }
        }
    }

    fn insert(&mut self, hash: u32, number: u32) {
        let mut at = self.home(hash);
        while let Some(bucket) = self.buckets.get_mut(at) {
            if let Some(free) = bucket.find(NO_PLACE) {
                bucket.hashes[free] = hash;
                bucket.numbers[free] = number;
                self.len += 1;
                return;
            }
            bucket.passed += 1;
            at = self.after(at);
        }
    }

    fn remove(&mut self, hash: u32, number: u32) {
        let is_here = |bucket: &Bucket| bucket.find(number);
        let Some(steps) = self.sequence(hash).position(|bucket| is_here(bucket).is_some()) else { return };
        let mut at = self.home(hash);
        for step in 0..=steps {
            let Some(bucket) = self.buckets.get_mut(at) else { return };
            if step < steps {
                bucket.passed -= 1;
            } else if let Some(place) = bucket.find(number) {
                bucket.numbers[place] = NO_PLACE;
                self.len -= 1;
            }
            at = self.after(at);
        }
    }

    #[inline]
    const fn home(&self, hash: u32) -> usize {
        hash as usize & self.buckets.len().wrapping_sub(1)
    }

    #[inline]
    const fn after(&self, bucket: usize) -> usize {
        (bucket + 1) & self.buckets.len().wrapping_sub(1)
    }
}

impl Bucket {
    const EMPTY: Self = Self { hashes: [0; PLACES], numbers: [NO_PLACE; PLACES], passed: 0 };

    /// What is in it, by reference: it is not copied.
    #[inline]
    fn places(&self) -> impl Iterator<Item = (u32, u32)> {
        self.hashes.iter().copied().zip(self.numbers.iter().copied())
    }

    fn find(&self, number: u32) -> Option<usize> {
        self.numbers.iter().position(|one| *one == number)
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
const fn short(hash: u64) -> u32 {
    hash as u32
}

#[allow(clippy::cast_possible_truncation, reason = "the number of parts is small")]
const fn part_of(hash: u64) -> usize {
    (hash >> (u64::BITS - PART_BITS)) as usize
}

const PART_BITS: u32 = 6;
const PARTS: usize = 1 << PART_BITS;
/// As many as a bucket has room for.
const PLACES: usize = 7;
/// With more of them on the average too many would be in a later bucket than their own.
const MAX_PLACES_PER_BUCKET: usize = 5;
/// Of no flow: see [`Arena`](crate::arena::Arena).
const NO_PLACE: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_bucket_is_a_line() {
        assert_eq!(size_of::<Bucket>(), 64);
    }

    #[test]
    fn finds_what_is_there_whatever_came_and_went() {
        let (mut places, mut expected) = (Places::new(), HashMap::new());
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        for _ in 0..40_000 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            // Few parts and few buckets in each, so that many are full.
            let (number, hash) =
                (random % 3_000, (random % 3_000).wrapping_mul(0x9e37_79b9_7f4a_7c15) & !0x7c);
            let place = usize::try_from(number).unwrap();
            if expected.remove(&place).is_some() {
                places.remove(hash, place);
            } else {
                expected.insert(place, hash);
                places.insert(hash, place);
            }
        }
        for place in 0..3_000 {
            let hash = (place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) & !0x7c;
            let wanted = expected.contains_key(&place).then_some(place);
            assert_eq!(places.find(hash, |found| found == place), wanted);
            assert_eq!(places.all(hash).find(|found| *found == place), wanted);
        }
        for (place, hash) in expected {
            places.remove(hash, place);
        }
        let are_empty = |part: &Part| part.len == 0 && part.buckets.iter().all(|bucket| bucket.passed == 0);
        assert!(places.parts.iter().all(are_empty), "nothing is left behind");
    }
}
