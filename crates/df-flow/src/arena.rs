//! Keeps flows at places that never move, in memory that grows piece by piece.

/// Values by place. It grows by one chunk at a time, so that no packet pays for moving what came before it.
#[derive(Debug)]
pub(crate) struct Arena<T> {
    chunks: Vec<Vec<Slot<T>>>,
    /// The place that was freed last.
    free: u32,
    len: usize,
}

#[derive(Debug)]
enum Slot<T> {
    Taken(T),
    /// The place that was freed before this one.
    Free(u32),
}

impl<T> Arena<T> {
    pub(crate) const fn new() -> Self {
        Self { chunks: Vec::new(), free: NO_PLACE, len: 0 }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    pub(crate) fn get(&self, place: usize) -> Option<&T> {
        match self.chunks.get(place / CHUNK)?.get(place % CHUNK)? {
            Slot::Taken(value) => Some(value),
            Slot::Free(_) => None,
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        match self.slot_mut(place)? {
            Slot::Taken(value) => Some(value),
            Slot::Free(_) => None,
        }
    }

    /// Puts a value where one was freed, or behind all others. Gives its place, or the value where 2^32 are taken.
    pub(crate) fn insert(&mut self, value: T) -> Result<usize, T> {
        let place = self.free as usize;
        if let Some(slot) = self.slot_mut(place)
            && let Slot::Free(next) = *slot
        {
            *slot = Slot::Taken(value);
            self.free = next;
            self.len += 1;
            return Ok(place);
        }
        self.push(value)
    }

    /// Takes a value out.
    pub(crate) fn remove(&mut self, place: usize) -> Option<T> {
        let free = self.free;
        let (slot, number) = (self.slot_mut(place)?, u32::try_from(place).ok()?);
        if matches!(slot, Slot::Free(_)) {
            return None;
        }
        let Slot::Taken(value) = std::mem::replace(slot, Slot::Free(free)) else { return None };
        self.free = number;
        self.len -= 1;
        Some(value)
    }

    /// Makes another value of one, in the same place; of nothing it frees the place.
    pub(crate) fn change(&mut self, place: usize, make: impl FnOnce(T) -> Option<T>) {
        let free = self.free;
        let Some(slot) = self.slot_mut(place) else { return };
        let value = match std::mem::replace(slot, Slot::Free(free)) {
            Slot::Taken(value) => make(value),
            is_free @ Slot::Free(_) => {
                *slot = is_free;
                return;
            }
        };
        if let Some(value) = value {
            *slot = Slot::Taken(value);
        } else {
            self.free = u32::try_from(place).unwrap_or(free);
            self.len -= 1;
        }
    }

    /// Every value with its place.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.chunks.iter().flatten().enumerate().filter_map(|(place, slot)| match slot {
            Slot::Taken(value) => Some((place, value)),
            Slot::Free(_) => None,
        })
    }

    /// Bytes that one value takes.
    pub(crate) const fn bytes_per_value() -> usize {
        size_of::<Slot<T>>()
    }

    fn push(&mut self, value: T) -> Result<usize, T> {
        // Without free places every chunk but the last is full.
        if self.chunks.last().is_none_or(|chunk| chunk.len() >= CHUNK) {
            if self.chunks.len() >= MAX_CHUNKS {
                return Err(value);
            }
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let before = self.chunks.len().saturating_sub(1) * CHUNK;
        let Some(chunk) = self.chunks.last_mut() else { return Err(value) };
        chunk.push(Slot::Taken(value));
        self.len += 1;
        Ok(before + chunk.len() - 1)
    }

    #[inline]
    fn slot_mut(&mut self, place: usize) -> Option<&mut Slot<T>> {
        self.chunks.get_mut(place / CHUNK)?.get_mut(place % CHUNK)
    }
}

const CHUNK: usize = 4_096;
/// So that every place fits 32 bits and none is [`NO_PLACE`].
const MAX_CHUNKS: usize = (u32::MAX as usize) / CHUNK;
const NO_PLACE: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_used_again_and_values_stay_where_they_are() {
        let mut arena = Arena::new();
        let places: Vec<usize> = (0..1_000_u32).filter_map(|value| arena.insert(value).ok()).collect();
        assert_eq!((arena.len(), places[999]), (1_000, 999));
        assert_eq!((arena.remove(3), arena.remove(3), arena.remove(700)), (Some(3), None, Some(700)));
        assert_eq!((arena.get(3), arena.get(4), arena.get(5_000)), (None, Some(&4), None));
        assert_eq!(arena.iter().count(), 998);
        assert_eq!((arena.insert(7), arena.insert(8), arena.insert(9)), (Ok(700), Ok(3), Ok(1_000)));
        assert_eq!(arena.get_mut(700).map(|value| *value), Some(7));
    }
}
