//! Finds flows by their ends alone: the other direction may be in another VLAN or virtual network.

use crate::places::Places;

/// Flows by their ends. Empty, and then without memory, where no packet has a VLAN tag or virtual network.
#[derive(Debug, Default)]
pub(crate) struct EndsIndex {
    flows: Option<Places>,
}

impl EndsIndex {
    /// VLANs or virtual networks are in use from now on.
    pub(crate) fn enable(&mut self) {
        self.flows.get_or_insert_with(Places::new);
    }

    pub(crate) const fn is_in_use(&self) -> bool {
        self.flows.is_some()
    }

    /// Notes a new flow under the hash of its ends, unless many have the same ones.
    pub(crate) fn insert(&mut self, hash: u64, slot: usize) {
        if let Some(flows) = &mut self.flows
            && flows.all(hash).count() < MAX_CANDIDATES
        {
            flows.insert(hash, slot);
        }
    }

    pub(crate) fn remove(&mut self, hash: u64, slot: usize) {
        if let Some(flows) = &mut self.flows {
            flows.remove(hash, slot);
        }
    }

    /// The slots of the flows noted under `hash`.
    pub(crate) fn candidates(&self, hash: u64) -> impl Iterator<Item = usize> {
        self.flows.iter().flat_map(move |flows| flows.all(hash))
    }
}

/// How many flows between the same ends are told apart.
const MAX_CANDIDATES: usize = 8;
