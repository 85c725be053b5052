//! The quiet commands of one connection that may still be answered: the server answers them only in some cases.

use std::collections::VecDeque;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

/// What a quiet command's answer must bear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    /// The opcode of a binary command; the second letter of a meta command.
    pub(super) kind: u8,
    /// A fingerprint of the opaque, if there is one.
    pub(super) opaque: Option<u64>,
    /// A fingerprint of the key, if the answer repeats it.
    pub(super) key: Option<u64>,
}

/// Quiet commands in the order in which they were sent.
#[derive(Debug)]
pub(super) struct QuietCommands {
    pending: VecDeque<Pending>,
    /// The number of the last quiet command.
    last_number: u64,
    /// How many commands that are always answered were sent.
    asked: u64,
    /// How many of them were answered.
    answered: u64,
    max_pending: usize,
}

#[derive(Debug)]
struct Pending {
    number: u64,
    /// How many commands that are always answered were sent before it.
    asked_before: u64,
    token: Token,
}

impl QuietCommands {
    pub(super) const fn new(max_pending: usize) -> Self {
        Self { pending: VecDeque::new(), last_number: 0, asked: 0, answered: 0, max_pending }
    }

    /// A quiet command was sent: gives the identifier by which it pairs.
    pub(super) fn push(&mut self, token: Token) -> u64 {
        if self.pending.len() >= self.max_pending.max(1) {
            self.pending.pop_front();
        }
        self.last_number = self.last_number.wrapping_add(1);
        self.pending.push_back(Pending { number: self.last_number, asked_before: self.asked, token });
        identifier(self.last_number)
    }

    /// A command that is always answered was sent.
    pub(super) const fn ask(&mut self) {
        self.asked = self.asked.saturating_add(1);
    }

    /// A command that is always answered was answered, and so the quiet ones before it were not.
    pub(super) fn answer(&mut self) {
        self.answered = self.answered.saturating_add(1).min(self.asked);
        let answered = self.answered;
        while self.pending.front().is_some_and(|pending| pending.asked_before < answered) {
            self.pending.pop_front();
        }
    }

    /// The identifier of the quiet command that an answer belongs to, which `is_answer` recognises by its token. The
    /// commands before it stayed without answer.
    pub(super) fn take(&mut self, is_answer: impl Fn(&Token) -> bool) -> Option<u64> {
        let place = self.pending.iter().position(|pending| is_answer(&pending.token))?;
        self.pending.drain(..place);
        self.pending.pop_front().map(|pending| identifier(pending.number))
    }

    /// As [`take`](Self::take), for answers that bear no token: only if it is the turn of a quiet command.
    pub(super) fn take_next(&mut self, is_answer: impl Fn(&Token) -> bool) -> Option<u64> {
        let answered = self.answered;
        let is_its_turn = self.pending.front().is_some_and(|pending| pending.asked_before <= answered);
        let is_before = |pending: &Pending| pending.asked_before <= answered;
        let reachable = self.pending.iter().take_while(|pending| is_before(pending));
        let found = reachable.map(|pending| &pending.token).any(&is_answer);
        (is_its_turn && found).then(|| self.take(is_answer)).flatten()
    }

    /// What was asked and answered in a gap is unknown.
    pub(super) fn forget(&mut self) {
        self.pending.clear();
        self.answered = self.asked;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }
}

/// A fingerprint of an opaque or a key.
pub(super) fn fingerprint(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// Identifiers of quiet commands are apart from those that messages carry.
const fn identifier(number: u64) -> u64 {
    number | 1 << 63
}
