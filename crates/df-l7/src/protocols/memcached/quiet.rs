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

/// Whose answer it is that bears no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// The command that is always answered and has waited longest.
    InOrder,
    /// The command with this identifier; nobody's, if several quiet commands may be meant.
    Id(u64),
}

/// Quiet commands, and those behind them that are always answered, in the order in which they were sent.
#[derive(Debug)]
pub(super) struct QuietCommands {
    pending: VecDeque<Pending>,
    /// How many commands that are always answered wait before all of these.
    before: u64,
    /// The number of the last identifier.
    last_number: u64,
    max_pending: usize,
}

#[derive(Debug)]
enum Pending {
    Quiet { number: u64, token: Token },
    Answered { is_meta: bool },
}

impl QuietCommands {
    pub(super) const fn new(max_pending: usize) -> Self {
        Self { pending: VecDeque::new(), before: 0, last_number: 0, max_pending }
    }

    /// A quiet command was sent: gives the identifier by which it pairs.
    pub(super) fn push(&mut self, token: Token) -> u64 {
        let number = self.next_number();
        self.insert(Pending::Quiet { number, token });
        identifier(number)
    }

    /// A command that is always answered was sent.
    pub(super) fn ask(&mut self, is_meta: bool) {
        if self.pending.is_empty() {
            self.before = self.before.saturating_add(1);
        } else {
            self.insert(Pending::Answered { is_meta });
        }
    }

    /// A command that is always answered was answered, and so the quiet ones before it were not.
    pub(super) fn answer(&mut self) {
        if self.before > 0 {
            self.before -= 1;
            return;
        }
        while matches!(self.pending.pop_front(), Some(Pending::Quiet { .. })) {}
    }

    /// The identifier of the quiet command that an answer belongs to, which `is_answer` recognises by its token. The
    /// commands before it stayed without answer.
    pub(super) fn take(&mut self, is_answer: impl Fn(&Token) -> bool) -> Option<u64> {
        let place = self.pending.iter().position(|pending| is_candidate(pending, &is_answer))?;
        self.before = 0;
        self.pending.drain(..place);
        match self.pending.pop_front() {
            Some(Pending::Quiet { number, .. }) => Some(identifier(number)),
            _ => None,
        }
    }

    /// Whose turn it is to get an answer that bears no token. `is_meta` says that only a meta command can be answered so.
    pub(super) fn owner(&mut self, is_meta: bool, is_answer: impl Fn(&Token) -> bool) -> Owner {
        if self.before > 0 {
            return Owner::InOrder;
        }
        let mut candidates = 0_usize;
        for pending in &self.pending {
            match pending {
                Pending::Quiet { .. } => candidates += usize::from(is_candidate(pending, &is_answer)),
                Pending::Answered { is_meta: is_asked_meta } if *is_asked_meta || !is_meta => {
                    return Owner::InOrder;
                }
                Pending::Answered { .. } => break,
            }
        }
        match candidates {
            0 => Owner::InOrder,
            1 => self.take(is_answer).map_or(Owner::InOrder, Owner::Id),
            _ => Owner::Id(identifier(self.next_number())),
        }
    }

    /// What was asked and answered in a gap is unknown.
    pub(super) fn forget(&mut self) {
        self.pending.clear();
        self.before = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    fn insert(&mut self, pending: Pending) {
        if self.pending.len() >= self.max_pending.max(1) {
            self.pending.pop_front();
        }
        self.pending.push_back(pending);
    }

    const fn next_number(&mut self) -> u64 {
        self.last_number = self.last_number.wrapping_add(1);
        self.last_number
    }
}

fn is_candidate(pending: &Pending, is_answer: impl Fn(&Token) -> bool) -> bool {
    matches!(pending, Pending::Quiet { token, .. } if is_answer(token))
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
