//! Finds flows by their ends alone: the other direction may be in another VLAN or virtual network.

use hashbrown::HashTable;

/// Flows by their ends. Empty, and then without memory, where no packet has a VLAN tag or virtual network.
#[derive(Debug, Default)]
pub(crate) struct EndsIndex {
    flows: HashTable<Place>,
    is_in_use: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    hash: u64,
    slot: usize,
}

impl EndsIndex {
    /// VLANs or virtual networks are in use from now on.
    pub(crate) const fn enable(&mut self) {
        self.is_in_use = true;
    }

    pub(crate) const fn is_in_use(&self) -> bool {
        self.is_in_use
    }

    /// Notes a new flow under the hash of its ends, unless many have the same ones.
    pub(crate) fn insert(&mut self, hash: u64, slot: usize) {
        if self.candidates(hash).count() < MAX_CANDIDATES {
            self.flows.insert_unique(hash, Place { hash, slot }, |place| place.hash);
        }
    }

    pub(crate) fn remove(&mut self, hash: u64, slot: usize) {
        if let Ok(entry) = self.flows.find_entry(hash, |place| *place == Place { hash, slot }) {
            entry.remove();
        }
    }

    /// The slots of the flows noted under `hash`.
    pub(crate) fn candidates(&self, hash: u64) -> impl Iterator<Item = usize> {
        self.flows.iter_hash(hash).filter(move |place| place.hash == hash).map(|place| place.slot)
    }
}

/// How many flows between the same ends are told apart.
const MAX_CANDIDATES: usize = 8;
