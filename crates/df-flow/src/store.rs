//! Flows by place: those in use as they are, those that have been silent for a while in as few bytes as they need.

use crate::arena::Arena;
use crate::flow::Flow;

/// The flows of a table. [`get_mut`](Self::get_mut) and [`remove`](Self::remove) wake a flow that rests.
#[derive(Debug)]
pub(crate) struct FlowStore<S> {
    flows: Arena<Stored<S>>,
    resting: usize,
}

#[derive(Debug)]
enum Stored<S> {
    Awake(Box<Flow<S>>),
    Resting(Box<Resting<S>>),
}

/// A flow that rests: its account as postcard writes it, numbers in as many bytes as they need.
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
    pub(crate) fn insert(&mut self, flow: Flow<S>) -> Option<usize> {
        self.flows.insert(Stored::Awake(Box::new(flow))).ok()
    }

    /// A flow that is awake.
    #[inline]
    pub(crate) fn get(&self, place: usize) -> Option<&Flow<S>> {
        match self.flows.get(place)? {
            Stored::Awake(flow) => Some(flow),
            Stored::Resting(_) => None,
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, place: usize) -> Option<&mut Flow<S>> {
        if self.resting > 0 {
            self.wake(place);
        }
        match self.flows.get_mut(place)? {
            Stored::Awake(flow) => Some(flow),
            Stored::Resting(_) => None,
        }
    }

    pub(crate) fn remove(&mut self, place: usize) -> Option<Flow<S>> {
        self.wake(place);
        match self.flows.remove(place)? {
            Stored::Awake(flow) => Some(*flow),
            Stored::Resting(_) => None,
        }
    }

    /// Every flow's id and place.
    pub(crate) fn ids(&self) -> impl Iterator<Item = (u64, usize)> {
        self.flows.iter().map(|(place, stored)| match stored {
            Stored::Awake(flow) => (flow.id, place),
            Stored::Resting(resting) => (resting.id, place),
        })
    }

    /// A flow's id, and when the wheel will find it, without waking it.
    pub(crate) fn appointment(&self, place: usize) -> Option<(u64, u64)> {
        Some(match self.flows.get(place)? {
            Stored::Awake(flow) => (flow.id, flow.found_ns),
            Stored::Resting(resting) => (resting.id, resting.found_ns),
        })
    }

    pub(crate) const fn has_resting(&self) -> bool {
        self.resting > 0
    }

    pub(crate) fn is_resting(&self, place: usize) -> bool {
        matches!(self.flows.get(place), Some(Stored::Resting(_)))
    }

    /// Packs a flow that is awake. It stays as it is where that is not possible.
    pub(crate) fn rest(&mut self, place: usize) {
        let resting = &mut self.resting;
        self.flows.change(place, |stored| {
            let Stored::Awake(flow) = stored else { return Some(stored) };
            let (flow, state) = flow.with_state(());
            Some(match flow.packed() {
                Ok(packed) => {
                    *resting += 1;
                    let (id, found_ns) = (flow.id, flow.found_ns);
                    Stored::Resting(Box::new(Resting { id, found_ns, state, packed }))
                }
                Err(_) => Stored::Awake(Box::new(flow.with_state(state).0)),
            })
        });
    }

    /// Makes sure that a flow is awake.
    pub(crate) fn wake(&mut self, place: usize) {
        if !self.is_resting(place) {
            return;
        }
        self.resting -= 1;
        self.flows.change(place, |stored| {
            let Stored::Resting(resting) = stored else { return Some(stored) };
            let Resting { state, packed, .. } = *resting;
            let flow = Flow::unpacked(&packed);
            debug_assert!(flow.is_ok(), "what was packed is unpacked");
            flow.ok().map(|flow| Stored::Awake(Box::new(flow.with_state(state).0)))
        });
    }

    /// Bytes that one flow takes while it is awake, beside what its state holds elsewhere.
    pub(crate) const fn bytes_per_flow() -> usize {
        Arena::<Stored<S>>::bytes_per_value() + size_of::<Flow<S>>()
    }
}
