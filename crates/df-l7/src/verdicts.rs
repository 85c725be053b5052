//! Remembers which protocol each server endpoint was found to speak.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use df_core::Timestamp;

use crate::Protocol;

/// The protocols of server endpoints, each with the time of its last proof.
///
/// A verdict is a hint for the endpoint's next connection ([`Connection::expect`](crate::Connection::expect)):
/// it stands in for the second proof of a weak match and proves nothing alone, so that an endpoint that changes its
/// protocol is found out by its first certain match. What `K` is, the caller decides: address and port, usually.
///
/// ```
/// use std::time::Duration;
/// use df_core::Timestamp;
/// use df_l7::{Protocol, Verdicts};
///
/// let mut verdicts = Verdicts::new(1_000, Duration::from_secs(60));
/// verdicts.remember(("10.0.0.1", 9000), Protocol::Redis, Timestamp::from_nanos(0));
/// assert_eq!(verdicts.expected(&("10.0.0.1", 9000), Timestamp::from_nanos(1)), Some(Protocol::Redis));
/// assert_eq!(verdicts.expected(&("10.0.0.1", 9000), Timestamp::from_nanos(61_000_000_000)), None);
/// ```
#[derive(Debug)]
pub struct Verdicts<K> {
    found: HashMap<K, Verdict>,
    /// In the order in which endpoints were first met.
    endpoints: VecDeque<K>,
    max_endpoints: usize,
    expiry: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Verdict {
    protocol: Protocol,
    proven_at: Timestamp,
}

impl<K: Hash + Eq + Clone> Verdicts<K> {
    /// Remembers at most `max_endpoints` endpoints, each for `expiry` after its last proof. Of more the one met first is
    /// forgotten.
    pub fn new(max_endpoints: usize, expiry: Duration) -> Self {
        Self { found: HashMap::new(), endpoints: VecDeque::new(), max_endpoints, expiry }
    }

    /// What the endpoint spoke when last heard, unless that is too long ago.
    pub fn expected(&self, endpoint: &K, now: Timestamp) -> Option<Protocol> {
        let verdict = self.found.get(endpoint)?;
        (now.since(verdict.proven_at) < self.expiry).then_some(verdict.protocol)
    }

    /// A connection to the endpoint was found to speak `protocol`.
    pub fn remember(&mut self, endpoint: K, protocol: Protocol, now: Timestamp) {
        let verdict = Verdict { protocol, proven_at: now };
        match self.found.entry(endpoint) {
            Entry::Occupied(mut known) => {
                known.insert(verdict);
                return;
            }
            Entry::Vacant(unknown) if self.max_endpoints > 0 => {
                self.endpoints.push_back(unknown.key().clone());
                unknown.insert(verdict);
            }
            Entry::Vacant(_) => {}
        }
        if self.endpoints.len() > self.max_endpoints
            && let Some(oldest) = self.endpoints.pop_front()
        {
            self.found.remove(&oldest);
        }
    }

    /// How many endpoints are remembered.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn a_verdict_lasts_as_long_as_it_is_proven_anew() {
        let mut verdicts = Verdicts::new(10, Duration::from_secs(60));
        verdicts.remember("a", Protocol::Redis, at(0));
        verdicts.remember("a", Protocol::Redis, at(50));
        assert_eq!(verdicts.expected(&"a", at(109)), Some(Protocol::Redis));
        assert_eq!(verdicts.expected(&"a", at(110)), None);
        assert_eq!(verdicts.expected(&"b", at(50)), None);
    }

    #[test]
    fn an_endpoint_may_change_its_protocol() {
        let mut verdicts = Verdicts::new(10, Duration::from_secs(60));
        verdicts.remember("a", Protocol::Redis, at(0));
        verdicts.remember("a", Protocol::Http1, at(1));
        assert_eq!((verdicts.expected(&"a", at(2)), verdicts.len()), (Some(Protocol::Http1), 1));
    }

    #[test]
    fn of_too_many_endpoints_the_one_met_first_is_forgotten() {
        let mut verdicts = Verdicts::new(2, Duration::from_secs(60));
        for endpoint in ["a", "b", "c"] {
            verdicts.remember(endpoint, Protocol::Dns, at(0));
        }
        assert_eq!((verdicts.expected(&"a", at(1)), verdicts.len()), (None, 2));
        assert_eq!(verdicts.expected(&"c", at(1)), Some(Protocol::Dns));
        let mut none = Verdicts::new(0, Duration::from_secs(60));
        none.remember("a", Protocol::Dns, at(0));
        assert!(none.is_empty());
    }
}
