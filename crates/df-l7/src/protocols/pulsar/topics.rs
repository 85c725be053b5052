//! Which topics the producers and consumers of one connection are about.

use std::collections::HashMap;

/// A producer's or consumer's topic.
#[derive(Debug, Clone, Default)]
pub(super) struct Destination {
    pub(super) topic: String,
    pub(super) subscription: Option<String>,
}

/// Producers or consumers by their number.
#[derive(Debug, Default)]
pub(super) struct Destinations(HashMap<u64, Destination>);

impl Destinations {
    /// Remembers one. Of too many those known stay.
    pub(super) fn insert(&mut self, number: u64, destination: Destination) {
        if self.0.len() < MAX_DESTINATIONS || self.0.contains_key(&number) {
            self.0.insert(number, destination);
        }
    }

    pub(super) fn find(&self, number: u64) -> Option<&Destination> {
        self.0.get(&number)
    }

    pub(super) fn remove(&mut self, number: u64) {
        self.0.remove(&number);
    }
}

/// The partition that a topic's name ends with.
pub(super) fn partition(topic: &str) -> Option<&str> {
    let (_, number) = topic.rsplit_once("-partition-")?;
    (!number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())).then_some(number)
}

/// How many producers, and how many consumers, of one connection are remembered.
const MAX_DESTINATIONS: usize = 1_024;
