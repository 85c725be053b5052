//! Finds observations by what they may have in common.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::CallKeys;
use super::key::Key;

/// The numbers of observations by each of their keys.
#[derive(Debug, Default)]
pub(crate) struct Index {
    numbers: HashMap<Key, Numbers>,
}

/// At least one number, and rarely more.
#[derive(Debug)]
struct Numbers {
    first: u64,
    others: Vec<u64>,
}

impl Index {
    /// Adds an observation, but not under keys that too many have already. False when it is found under none.
    pub(crate) fn add(&mut self, keys: &CallKeys, number: u64) -> bool {
        let mut keys_added = 0;
        let mut keys_full = 0;
        for key in keys.shared() {
            match self.numbers.entry(key) {
                Entry::Vacant(entry) => {
                    entry.insert(Numbers { first: number, others: Vec::new() });
                    keys_added += 1;
                }
                Entry::Occupied(mut entry) if entry.get().others.len() < MAX_OTHERS => {
                    entry.get_mut().others.push(number);
                    keys_added += 1;
                }
                Entry::Occupied(_) => keys_full += 1,
            }
        }
        keys_added > 0 || keys_full == 0
    }

    /// Removes an observation.
    pub(crate) fn remove(&mut self, keys: &CallKeys, number: u64) {
        for key in keys.shared() {
            let Entry::Occupied(mut entry) = self.numbers.entry(key) else { continue };
            let numbers = entry.get_mut();
            numbers.others.retain(|other| *other != number);
            if numbers.first != number {
                continue;
            }
            if numbers.others.is_empty() {
                entry.remove();
            } else {
                numbers.first = numbers.others.swap_remove(0);
            }
        }
    }

    /// Whether no other observation has one of these keys.
    pub(crate) fn is_alone(&self, keys: &CallKeys) -> bool {
        keys.shared().all(|key| self.telling(key).is_none_or(|numbers| numbers.others.is_empty()))
    }

    /// Whether nothing is in it.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The observations that have one of these keys, each at least once.
    pub(crate) fn alike(&self, keys: &CallKeys) -> impl Iterator<Item = u64> {
        let found = keys.shared().filter_map(|key| self.telling(key));
        found.flat_map(|numbers| std::iter::once(numbers.first).chain(numbers.others.iter().copied()))
    }

    /// What is found under a key. A response's number that very many have was not chosen by their systems but
    /// rewritten, and tells nothing.
    fn telling(&self, key: Key) -> Option<&Numbers> {
        let numbers = self.numbers.get(&key)?;
        let is_telling = matches!(key, Key::Request(_)) || numbers.others.len() < MAX_OTHERS;
        is_telling.then_some(numbers)
    }
}

/// How many further observations are kept for one key: more interfaces than a packet passes on one host, and few
/// enough that comparing each with each stays cheap whatever comes over the wire.
const MAX_OTHERS: usize = 31;
