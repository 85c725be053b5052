//! Finds places by hash, in a table that never has to be made anew as a whole.

use hashbrown::HashTable;

/// Places of flows by their hash. It consists of many small tables, each of which grows by itself: a table of a million
/// flows that grew at once would hold up a packet for tens of milliseconds.
#[derive(Debug)]
pub(crate) struct Places {
    parts: Vec<HashTable<Place>>,
}

/// A place with the part of its hash that tells it from most others without looking at the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    hash: u32,
    number: u32,
}

impl Places {
    pub(crate) fn new() -> Self {
        Self { parts: (0..PARTS).map(|_| HashTable::new()).collect() }
    }

    /// The place under `hash` that `is_wanted` accepts.
    #[inline]
    pub(crate) fn find(&self, hash: u64, mut is_wanted: impl FnMut(usize) -> bool) -> Option<usize> {
        let wanted = short(hash);
        let found = self
            .parts
            .get(part_of(hash))?
            .find(spread(wanted), |place| place.hash == wanted && is_wanted(place.number as usize));
        found.map(|place| place.number as usize)
    }

    /// Every place under `hash`.
    pub(crate) fn all(&self, hash: u64) -> impl Iterator<Item = usize> {
        let wanted = short(hash);
        let part = self.parts.get(part_of(hash));
        part.into_iter()
            .flat_map(move |part| part.iter_hash(spread(wanted)))
            .filter(move |place| place.hash == wanted)
            .map(|place| place.number as usize)
    }

    pub(crate) fn insert(&mut self, hash: u64, place: usize) {
        let (Some(part), Ok(number)) = (self.parts.get_mut(part_of(hash)), u32::try_from(place)) else {
            return;
        };
        part.insert_unique(spread(short(hash)), Place { hash: short(hash), number }, |place| {
            spread(place.hash)
        });
    }

    pub(crate) fn remove(&mut self, hash: u64, place: usize) {
        let (Some(part), Ok(number)) = (self.parts.get_mut(part_of(hash)), u32::try_from(place)) else {
            return;
        };
        if let Ok(entry) = part.find_entry(spread(short(hash)), |place| place.number == number) {
            entry.remove();
        }
    }

    /// Bytes that one place takes when the table has just grown.
    pub(crate) const fn max_bytes_per_place() -> usize {
        (size_of::<Place>() + 1) * 16 / 7
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

/// The table takes a place's bucket from the lowest bits of a hash and its tag from the highest.
const fn spread(hash: u32) -> u64 {
    (hash as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

const PART_BITS: u32 = 6;
const PARTS: usize = 1 << PART_BITS;
