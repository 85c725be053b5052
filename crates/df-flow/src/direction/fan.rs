//! How many flows an endpoint takes part in: servers have many peers at one port, clients have one.

use std::collections::{HashMap, VecDeque};

use df_core::Endpoint;

/// The endpoints of flows whose direction is doubtful, with how many such flows each had. The oldest is forgotten first.
#[derive(Debug, Default)]
pub(super) struct Fans {
    flows: HashMap<Endpoint, u32, std::hash::BuildHasherDefault<std::hash::DefaultHasher>>,
    order: VecDeque<Endpoint>,
}

impl Fans {
    /// An endpoint takes part in one more flow.
    pub(super) fn note(&mut self, endpoint: Endpoint) {
        let flows = self.flows.entry(endpoint).or_insert(0);
        *flows = flows.saturating_add(1);
        if *flows > 1 {
            return;
        }
        self.order.push_back(endpoint);
        if self.order.len() > MAX_ENDPOINTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.flows.remove(&oldest);
        }
    }

    /// Whether `one` has several peers and `other` a single one; none if neither or both have.
    pub(super) fn has_more_peers(&self, one: Endpoint, other: Endpoint) -> Option<bool> {
        let has_many = |endpoint| self.flows.get(&endpoint).is_some_and(|flows| *flows > 1);
        let (one, other) = (has_many(one), has_many(other));
        (one != other).then_some(one)
    }
}

const MAX_ENDPOINTS: usize = 8_192;
