//! Follows `+OK` and `-ERR`, which a client that asked for them (`verbose`) gets for each of its operations, in order.

use std::collections::VecDeque;

use crate::{Message, Request};

/// The operations of one connection that were not confirmed yet.
#[derive(Debug)]
pub(super) struct Confirmations {
    /// Whether the client has asked for confirmations, once that is known.
    is_verbose: Option<bool>,
    expected: VecDeque<Confirmation>,
    /// Operations since the beginning while it was not known.
    unconfirmed: usize,
    max_expected: usize,
}

/// What is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Confirmation {
    /// `CONNECT`.
    OfConnect,
    /// An operation whose response this is.
    InOrder,
    /// A request with this number, whose response is its reply, unless it is refused.
    OfRequest(u64),
    /// A reply to the server's request.
    OfReply,
    /// An operation that was given away before confirmations were known to come.
    OfUnseen,
}

impl Confirmations {
    pub(super) const fn new(max_expected: usize) -> Self {
        Self { is_verbose: None, expected: VecDeque::new(), unconfirmed: 0, max_expected }
    }

    /// The client connects, and says whether it wants confirmations.
    pub(super) fn begin(&mut self, is_verbose: bool) {
        self.forget();
        self.is_verbose = Some(is_verbose);
        self.expect(Confirmation::OfConnect);
    }

    /// An operation that only a confirmation answers.
    pub(super) fn expect_for(&mut self, request: Request) -> Message {
        self.expect(Confirmation::InOrder);
        if self.is_verbose == Some(true) { Message::request(request) } else { Message::one_way(request) }
    }

    /// An operation was sent.
    pub(super) fn expect(&mut self, confirmation: Confirmation) {
        match self.is_verbose {
            Some(true) => {
                if self.expected.len() >= self.max_expected {
                    self.expected.pop_front();
                }
                self.expected.push_back(confirmation);
            }
            Some(false) => {}
            None => self.unconfirmed = self.unconfirmed.saturating_add(1).min(self.max_expected),
        }
    }

    /// `+OK`. None if nobody knows of what.
    pub(super) fn confirm(&mut self) -> Option<Confirmation> {
        if self.is_verbose != Some(true) {
            self.is_verbose = Some(true);
            let unseen = std::mem::take(&mut self.unconfirmed).saturating_sub(1);
            self.expected.extend(std::iter::repeat_n(Confirmation::OfUnseen, unseen));
            return None;
        }
        self.expected.pop_front()
    }

    /// `-ERR` in place of `+OK`.
    pub(super) fn refuse(&mut self) -> Option<Confirmation> {
        self.expected.pop_front()
    }

    /// What was confirmed in a gap is unknown.
    pub(super) fn forget(&mut self) {
        self.expected.clear();
        self.unconfirmed = 0;
    }
}
