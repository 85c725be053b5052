//! What waits for a message to some subject, the oldest forgotten first.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Things by the subject that they wait for, at most as many as its owner allows.
#[derive(Debug)]
pub(super) struct Awaited<T> {
    waiting: HashMap<Box<[u8]>, (u64, T)>,
    /// Subjects with the number of their insertion, oldest first; those that came are still among them.
    order: VecDeque<(Box<[u8]>, u64)>,
    inserted: u64,
    max_waiting: usize,
}

impl<T> Awaited<T> {
    pub(super) fn new(max_waiting: usize) -> Self {
        Self { waiting: HashMap::new(), order: VecDeque::new(), inserted: 0, max_waiting }
    }

    /// Waits for a message to `subject`.
    pub(super) fn insert(&mut self, subject: &[u8], waiting: T) {
        self.inserted = self.inserted.wrapping_add(1);
        self.waiting.insert(subject.into(), (self.inserted, waiting));
        self.order.push_back((subject.into(), self.inserted));
        if self.order.len() <= self.max_waiting {
            return;
        }
        if let Some((oldest, number)) = self.order.pop_front()
            && self.waiting.get(&oldest).is_some_and(|(inserted, _)| *inserted == number)
        {
            self.waiting.remove(&oldest);
        }
    }

    /// Whether something waits for a message to `subject`.
    pub(super) fn contains(&self, subject: &[u8]) -> bool {
        self.waiting.contains_key(subject)
    }

    /// What waits for a message to `subject`.
    pub(super) fn find_mut(&mut self, subject: &[u8]) -> Option<&mut T> {
        self.waiting.get_mut(subject).map(|(_, waiting)| waiting)
    }

    /// A message to `subject` came: what waited for it.
    pub(super) fn take(&mut self, subject: &[u8]) -> Option<T> {
        let (_, waiting) = self.waiting.remove(subject)?;
        if self.waiting.is_empty() {
            self.order.clear();
        }
        Some(waiting)
    }

    /// The subject of the only thing that is waited for and that `is_meant`.
    pub(super) fn find_only(&self, is_meant: impl Fn(&[u8], &T) -> bool) -> Option<&[u8]> {
        let mut found = self.waiting.iter().filter(|(subject, (_, waiting))| is_meant(subject, waiting));
        let (subject, _) = found.next()?;
        found.next().is_none().then_some(&**subject)
    }
}

/// The number under which a request and the reply to `subject` find each other.
pub(super) fn identify(subject: &[u8], is_from_server: bool) -> u64 {
    let mut hasher = DefaultHasher::new();
    (subject, is_from_server).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first() {
        let mut awaited = Awaited::new(2);
        awaited.insert(b"a", 1);
        awaited.insert(b"b", 2);
        awaited.insert(b"c", 3);
        assert_eq!([awaited.take(b"a"), awaited.take(b"b"), awaited.take(b"c")], [None, Some(2), Some(3)]);
        assert!(awaited.order.is_empty());
    }

    #[test]
    fn what_waits_anew_is_not_forgotten_with_its_first_time() {
        let mut awaited = Awaited::new(2);
        awaited.insert(b"a", 1);
        awaited.insert(b"a", 2);
        awaited.insert(b"b", 3);
        assert_eq!(awaited.find_only(|subject, _| subject == b"a"), Some(&b"a"[..]));
        assert_eq!(awaited.find_only(|_, _| true), None);
        assert_eq!(awaited.take(b"a"), Some(2));
    }
}
