//! The subscriptions of one connection.

use std::collections::HashMap;

use super::subjects;

/// The subscriptions of one connection, by the number that the client gave them.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    known: HashMap<Box<[u8]>, Subscription>,
    /// Whether these are all there are.
    is_complete: bool,
}

/// What is known of a subscription.
#[derive(Debug, Default, Clone)]
pub(super) struct Subscription {
    pub(super) subject: Option<Box<[u8]>>,
    pub(super) queue: Option<Box<[u8]>>,
    /// Whether the client has replied to something that was delivered for it.
    pub(super) has_answered: bool,
    /// After how many more deliveries it ends.
    remaining: Option<usize>,
}

impl Subscriptions {
    /// The client connects: it has none.
    pub(super) fn begin(&mut self) {
        self.known.clear();
        self.is_complete = true;
    }

    /// Some may have come or gone unseen.
    pub(super) const fn note_loss(&mut self) {
        self.is_complete = false;
    }

    pub(super) fn insert(&mut self, id: &[u8], subject: &[u8], queue: Option<&[u8]>) {
        if let Some(place) = self.place(id) {
            *place = Subscription {
                subject: Some(subject.into()),
                queue: queue.map(Box::from),
                ..Subscription::default()
            };
        }
    }

    /// The subscription ends: now, or after so many deliveries counted from its beginning.
    pub(super) fn end(&mut self, id: &[u8], deliveries: Option<usize>) {
        match (deliveries.filter(|deliveries| *deliveries > 0), self.known.get_mut(id)) {
            (Some(deliveries), Some(known)) => known.remaining = Some(deliveries),
            _ => {
                self.known.remove(id);
            }
        }
    }

    pub(super) fn find(&self, id: &[u8]) -> Option<&Subscription> {
        self.known.get(id)
    }

    /// Something is delivered for the subscription: gives what is known of it.
    pub(super) fn note_delivery(&mut self, id: &[u8]) -> Option<Subscription> {
        let known = self.known.get_mut(id)?;
        let found = known.clone();
        if let Some(remaining) = &mut known.remaining {
            *remaining = remaining.saturating_sub(1);
            if *remaining == 0 {
                self.known.remove(id);
            }
        }
        Some(found)
    }

    /// The client has replied to something that was delivered for the subscription.
    pub(super) fn note_answer(&mut self, id: &[u8]) {
        if let Some(place) = self.place(id) {
            place.has_answered = true;
        }
    }

    /// Whether some subscription takes what is published to `subject`, as far as anybody can tell.
    pub(super) fn may_take(&self, subject: &[u8]) -> bool {
        let takes = |known: &Subscription| {
            known.subject.as_deref().is_some_and(|pattern| subjects::matches(pattern, subject))
        };
        !self.is_complete || self.known.values().any(takes)
    }

    /// Room for a subscription; none for one too many.
    fn place(&mut self, id: &[u8]) -> Option<&mut Subscription> {
        if self.known.len() >= MAX_SUBSCRIPTIONS && !self.known.contains_key(id) {
            self.is_complete = false;
            return None;
        }
        Some(self.known.entry(id.into()).or_default())
    }
}

/// How many subscriptions of one connection are known at a time.
const MAX_SUBSCRIPTIONS: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_subscriptions_take_replies() {
        let mut subscriptions = Subscriptions::default();
        assert!(subscriptions.may_take(b"a"), "joined in mid-connection");
        subscriptions.begin();
        assert!(!subscriptions.may_take(b"_INBOX.a.b"));
        subscriptions.insert(b"1", b"_INBOX.a.*", None);
        assert!(subscriptions.may_take(b"_INBOX.a.b"));
        subscriptions.end(b"1", Some(2));
        subscriptions.note_delivery(b"1");
        assert!(subscriptions.may_take(b"_INBOX.a.b"));
        subscriptions.note_delivery(b"1");
        assert!(!subscriptions.may_take(b"_INBOX.a.b"));
    }

    #[test]
    fn of_too_many_some_are_not_known() {
        let mut subscriptions = Subscriptions::default();
        subscriptions.begin();
        for number in 0..=MAX_SUBSCRIPTIONS {
            subscriptions.insert(number.to_string().as_bytes(), b"a", None);
        }
        assert_eq!(subscriptions.known.len(), MAX_SUBSCRIPTIONS);
        assert!(subscriptions.may_take(b"b"));
    }
}
