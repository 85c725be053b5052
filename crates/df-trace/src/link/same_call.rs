//! The rules by which two observations are of the same call.

use std::time::Duration;

use df_core::Timestamp;
use df_l7::{Exchange, Observed};

use super::Observation;
use crate::TraceConfig;

/// The rules for one set of observations that are alike.
pub(super) struct Rules {
    max_network_delay: Duration,
    allows_translation: bool,
}

impl Rules {
    /// Addresses may have been translated only where each place saw one candidate.
    pub(super) fn new(alike: &[&Observation], config: &TraceConfig) -> Self {
        let allows_translation = alike.iter().all(|observation| !observation.is_ambiguous);
        Self { max_network_delay: config.max_network_delay, allows_translation }
    }

    /// Whether an observation belongs to a call: it contradicts none of those that do and is connected to one.
    pub(super) fn admits(&self, call: &[&Observation], candidate: &Observation) -> bool {
        call.iter().all(|member| self.agree(member, candidate))
            && call.iter().any(|member| self.are_connected(member, candidate))
    }

    fn agree(&self, first: &Observation, second: &Observation) -> bool {
        first.place.port() != second.place.port()
            && first.exchange.protocol == second.exchange.protocol
            && equal_if_known(first.exchange.request_id, second.exchange.request_id)
            && self.messages_agree(first.exchange.request.as_deref(), second.exchange.request.as_deref())
            && self.messages_agree(first.exchange.response.as_deref(), second.exchange.response.as_deref())
    }

    fn messages_agree<T>(&self, first: Option<&Observed<T>>, second: Option<&Observed<T>>) -> bool {
        let (Some(first), Some(second)) = (first, second) else { return true };
        equal_if_known(first.sequence_number, second.sequence_number)
            && distance(first.start, second.start) <= self.max_network_delay
    }

    fn are_connected(&self, first: &Observation, second: &Observation) -> bool {
        let share_response = first.keys.share_response_number(&second.keys);
        first.keys.share_request(&second.keys)
            || share_response && first.place.ends() == second.place.ends()
            || share_response && self.allows_translation && is_translated(first, second)
    }
}

/// Whether two observations with the same response number are of one call although their ends differ.
fn is_translated(first: &Observation, second: &Observation) -> bool {
    content(&first.exchange).is_some_and(|known| Some(known) == content(&second.exchange))
        && first.place.shares_an_end(&second.place)
        && (contains(&first.exchange, &second.exchange) || contains(&second.exchange, &first.exchange))
}

/// Both sequence numbers and both lengths.
fn content(exchange: &Exchange) -> Option<[u64; 4]> {
    let (request, response) = (exchange.request.as_ref()?, exchange.response.as_ref()?);
    let numbers = (request.sequence_number?, response.sequence_number?);
    Some([u64::from(numbers.0), u64::from(numbers.1), request.length, response.length])
}

fn contains(outer: &Exchange, inner: &Exchange) -> bool {
    outer.start() <= inner.start() && outer.end() >= inner.end()
}

fn equal_if_known<T: PartialEq + Copy>(first: Option<T>, second: Option<T>) -> bool {
    first.is_none() || second.is_none() || first == second
}

fn distance(first: Timestamp, second: Timestamp) -> Duration {
    first.since(second).max(second.since(first))
}
