//! Which observations are one call seen several times, and in which order they stand from client to server.
//!
//! A call is recognised by what is equal wherever it is seen: its ends with the TCP sequence number of its request or
//! response, or with a datagram's identifier and question. Where an address was translated on the way, both sequence
//! numbers and both lengths must be equal, one end must have stayed, one observation must lie within the other in time,
//! and no second candidate may exist.

use std::collections::HashSet;

use df_core::Timestamp;
use df_l7::Exchange;

use crate::{Place, TraceConfig};

mod index;
mod key;
mod order;
mod same_call;

pub(crate) use index::Index;
pub(crate) use key::CallKeys;

/// An exchange, where it was seen and what it may have in common with others.
#[derive(Debug)]
pub(crate) struct Observation {
    /// Its number among all observations, in the order in which they came.
    pub(crate) number: u64,
    pub(crate) exchange: Exchange,
    pub(crate) place: Place,
    pub(crate) keys: CallKeys,
    /// Whether one place saw several that look like this one. It stays so when those have left.
    pub(crate) is_ambiguous: bool,
}

impl Observation {
    pub(crate) fn new(number: u64, exchange: Exchange, place: Place) -> Self {
        let keys = CallKeys::of(&exchange, &place.flow);
        Self { number, exchange, place, keys, is_ambiguous: false }
    }

    /// Whether both may be of one call. In captures whose sequence numbers were rewritten, many have the same number
    /// and nothing else.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        self.keys.share_request(&other.keys)
            || self.keys.share_response_number(&other.keys) && self.place.shares_an_end(&other.place)
    }

    /// An order of observations by time that is the same however they arrived.
    fn by_time(&self) -> impl Ord + use<> {
        (self.exchange.start(), self.exchange.end(), self.place.arbitrary_order(), self.keys)
    }
}

/// Whether one place saw two of these observations, so that what looks alike need not be one call.
pub(crate) fn is_ambiguous(alike: &[&Observation]) -> bool {
    let mut ports = HashSet::new();
    alike.iter().any(|observation| !ports.insert(observation.place.port()))
}

/// Of observations that have something in common with `first`, gives those of the same call, `first` among them, from
/// the client to the server. What it gives does not depend on the order of `alike`.
pub(crate) fn call_of<'a>(
    first: &'a Observation,
    mut alike: Vec<&'a Observation>,
    config: &TraceConfig,
) -> Vec<&'a Observation> {
    alike.sort_by_cached_key(|observation| observation.by_time());
    let rules = same_call::Rules::new(&alike, config);
    let mut calls: Vec<Vec<&Observation>> = Vec::new();
    for observation in alike {
        match calls.iter_mut().find(|call| rules.admits(call, observation)) {
            Some(call) => call.push(observation),
            None => calls.push(vec![observation]),
        }
    }
    let mut call = calls
        .into_iter()
        .find(|call| call.iter().any(|member| member.number == first.number))
        .unwrap_or_else(|| vec![first]);
    order::from_client_to_server(&mut call);
    call
}

/// When the last of an exchange was seen.
pub(crate) fn last_seen(exchange: &Exchange) -> Timestamp {
    let request = exchange.request.as_ref().map(|request| request.end);
    let response = exchange.response.as_ref().map(|response| response.end);
    request.max(response).unwrap_or(Timestamp::ZERO)
}

#[cfg(test)]
mod tests;
