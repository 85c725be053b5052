//! The server's requests: deliveries that name a subject for the reply.
//!
//! Who subscribes may answer, or only listen. A subscription for which the client has answered once is expected to
//! answer; of the others one delivery at a time is tried as a request that need not be answered.

use super::awaited::Awaited;

/// The deliveries of one connection that wait for a reply, by its subject.
#[derive(Debug)]
pub(super) struct Served {
    waiting: Awaited<Delivery>,
    /// The reply subject of the delivery that is tried.
    tried: Option<Box<[u8]>>,
}

#[derive(Debug)]
struct Delivery {
    subscription: Box<[u8]>,
    /// Whether the delivery was given as a request.
    is_request: bool,
    /// Whether it came for several subscriptions: any of them may answer.
    is_contested: bool,
}

/// What a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A request.
    Request,
    /// A request that may stay unanswered.
    Trial,
    /// Nobody is expected to answer.
    Delivery,
}

/// What a publication to a reply subject is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The subscription for which the client answers, if it can be told.
    pub(super) subscription: Option<Box<[u8]>>,
    /// Whether it is the response to a request.
    pub(super) is_response: bool,
}

impl Served {
    pub(super) fn new(max_waiting: usize) -> Self {
        Self { waiting: Awaited::new(max_waiting), tried: None }
    }

    /// Something that wants a reply is delivered.
    pub(super) fn deliver(&mut self, reply: &[u8], subscription: &[u8], has_answered: bool) -> Role {
        if let Some(earlier) = self.waiting.find_mut(reply) {
            earlier.is_contested |= *earlier.subscription != *subscription;
            return Role::Delivery;
        }
        let role = match (has_answered, &self.tried) {
            (true, _) => Role::Request,
            (false, None) => Role::Trial,
            (false, Some(_)) => Role::Delivery,
        };
        if role == Role::Trial {
            self.tried = Some(reply.into());
        }
        let is_request = role != Role::Delivery;
        self.waiting
            .insert(reply, Delivery { subscription: subscription.into(), is_request, is_contested: false });
        role
    }

    /// The client publishes to `subject`.
    pub(super) fn answer(&mut self, subject: &[u8]) -> Option<Answer> {
        let delivery = self.waiting.take(subject)?;
        if self.tried.as_deref() == Some(subject) {
            self.tried = None;
        }
        let subscription = (!delivery.is_contested).then_some(delivery.subscription);
        Some(Answer { subscription, is_response: delivery.is_request })
    }

    /// Another request is answered: what was tried is taken for unanswered.
    pub(super) fn end_trial(&mut self) {
        if let Some(delivery) = self.tried.take().and_then(|reply| self.waiting.find_mut(&reply)) {
            delivery.is_request = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(subscription: &[u8]) -> Answer {
        Answer { subscription: Some(subscription.into()), is_response: true }
    }

    #[test]
    fn who_has_answered_is_expected_to_answer() {
        let mut served = Served::new(10);
        assert_eq!(served.deliver(b"r1", b"1", false), Role::Trial);
        assert_eq!(served.deliver(b"r2", b"1", false), Role::Delivery);
        let unpaired = Answer { subscription: Some(b"1"[..].into()), is_response: false };
        assert_eq!(served.answer(b"r2"), Some(unpaired));
        assert_eq!(served.deliver(b"r3", b"1", true), Role::Request);
        assert_eq!(served.answer(b"r1"), Some(response(b"1")));
        assert_eq!(served.answer(b"r3"), Some(response(b"1")));
        assert_eq!(served.answer(b"r3"), None);
    }

    #[test]
    fn a_trial_ends_with_the_next_answer() {
        let mut served = Served::new(10);
        assert_eq!(served.deliver(b"r1", b"1", false), Role::Trial);
        served.end_trial();
        assert_eq!(served.deliver(b"r2", b"1", false), Role::Trial);
        assert!(served.answer(b"r1").is_some_and(|answer| !answer.is_response));
    }

    #[test]
    fn nobody_learns_from_what_several_may_have_answered() {
        let mut served = Served::new(10);
        assert_eq!(served.deliver(b"r1", b"1", false), Role::Trial);
        assert_eq!(served.deliver(b"r1", b"2", false), Role::Delivery);
        assert_eq!(served.answer(b"r1"), Some(Answer { subscription: None, is_response: true }));
    }
}
