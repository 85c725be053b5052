//! Flows by place: those in use as they are, those that have been silent for a while in as few bytes as they need.

use crate::arena::Arena;
use crate::far::Far;
use crate::flow::Flow;
use crate::near::Near;

/// The flows of a table. The near part of each is always there; [`get_mut`](Self::get_mut) and [`remove`](Self::remove)
/// wake a flow that rests.
#[derive(Debug)]
pub(crate) struct FlowStore<S> {
    flows: Arena<Stored<S>>,
    resting: usize,
}

/// Two lines of the processor's cache, which it likes to fetch as a pair.
#[derive(Debug)]
#[repr(C, align(128))]
struct Stored<S> {
    near: Near,
    rest: Rest<S>,
}

/// The rest of a flow.
#[derive(Debug)]
enum Rest<S> {
    Awake(Box<Far<S>>),
    Resting(Box<Resting<S>>),
}

/// The far part of a flow that rests, as postcard writes it, numbers in as many bytes as they need.
#[derive(Debug)]
struct Resting<S> {
    id: u64,
    found_ns: u64,
    state: S,
    packed: Box<[u8]>,
}

impl<S> FlowStore<S> {
    pub(crate) const fn new() -> Self {
        Self { flows: Arena::new(), resting: 0 }
    }

    pub(crate) const fn len(&self) -> usize {
        self.flows.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// Gives the place, or nothing where no more flows can be told apart.
    pub(crate) fn insert(&mut self, near: Near, far: Far<S>) -> Option<usize> {
        self.flows.insert(Stored { near, rest: Rest::Awake(Box::new(far)) }).ok()
    }

    /// The near part of a flow, awake or not.
    #[inline]
    pub(crate) fn near(&self, place: usize) -> Option<&Near> {
        self.flows.get(place).map(|stored| &stored.near)
    }

    /// The far part of a flow that is awake.
    #[inline]
    pub(crate) fn far(&self, place: usize) -> Option<&Far<S>> {
        match &self.flows.get(place)?.rest {
            Rest::Awake(far) => Some(far),
            Rest::Resting(_) => None,
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, place: usize) -> Option<Flow<'_, S>> {
        if self.resting > 0 {
            self.wake(place);
        }
        let Stored { near, rest } = self.flows.get_mut(place)?;
        match rest {
            Rest::Awake(far) => Some(Flow { near, far }),
            Rest::Resting(_) => None,
        }
    }

    pub(crate) fn remove(&mut self, place: usize) -> Option<(Near, Far<S>)> {
        self.wake(place);
        let Stored { near, rest } = self.flows.remove(place)?;
        match rest {
            Rest::Awake(far) => Some((near, *far)),
            Rest::Resting(_) => None,
        }
    }

    /// Every flow's id and place.
    pub(crate) fn ids(&self) -> impl Iterator<Item = (u64, usize)> {
        self.flows.iter().map(|(place, stored)| (stored.rest.appointment().0, place))
    }

    /// A flow's id, and when the wheel will find it, without waking it.
    pub(crate) fn appointment(&self, place: usize) -> Option<(u64, u64)> {
        Some(self.flows.get(place)?.rest.appointment())
    }

    /// Packs a flow that is awake. It stays as it is where that is not possible.
    pub(crate) fn rest(&mut self, place: usize) {
        let resting = &mut self.resting;
        self.flows.change(place, |Stored { near, rest }| {
            let Rest::Awake(far) = rest else { return Some(Stored { near, rest }) };
            let (far, state) = far.with_state(());
            let rest = match far.packed() {
                Ok(packed) => {
                    *resting += 1;
                    let (id, found_ns) = (far.id, far.found_ns);
                    Rest::Resting(Box::new(Resting { id, found_ns, state, packed }))
                }
                Err(_) => Rest::Awake(Box::new(far.with_state(state).0)),
            };
            Some(Stored { near, rest })
        });
    }

    /// Makes sure that a flow is awake.
    fn wake(&mut self, place: usize) {
        if !matches!(self.flows.get(place), Some(Stored { rest: Rest::Resting(_), .. })) {
            return;
        }
        self.resting -= 1;
        self.flows.change(place, |Stored { near, rest }| {
            let Rest::Resting(resting) = rest else { return Some(Stored { near, rest }) };
            let Resting { state, packed, .. } = *resting;
            let far = Far::unpacked(&packed);
            debug_assert!(far.is_ok(), "what was packed is unpacked");
            let rest = Rest::Awake(Box::new(far.ok()?.with_state(state).0));
            Some(Stored { near, rest })
        });
    }

    /// Bytes that one flow takes while it is awake, beside what its state holds elsewhere.
    pub(crate) const fn bytes_per_flow() -> usize {
        Arena::<Stored<S>>::bytes_per_value() + size_of::<Far<S>>()
    }
}

impl<S> Rest<S> {
    fn appointment(&self) -> (u64, u64) {
        match self {
            Self::Awake(far) => (far.id, far.found_ns),
            Self::Resting(resting) => (resting.id, resting.found_ns),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_packet_needs_is_in_two_lines() {
        assert_eq!(Arena::<Stored<()>>::bytes_per_value(), 128);
    }
}
