//! Tells the confirmations of subscriptions apart: one command, one confirmation per channel.

use std::collections::VecDeque;

/// The subscription commands of one connection that are not confirmed yet.
#[derive(Debug)]
pub(super) struct Subscriptions {
    asked: VecDeque<Asked>,
    max_asked: usize,
    /// The kind whose first confirmation came, and how many more are to come.
    confirming: Option<(Kind, u64)>,
    has_subscribed: bool,
}

/// What a confirmation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Confirmation {
    /// The response to a command.
    First,
    /// One more of a command that was answered.
    Further,
    /// Of no command that was seen.
    Unasked,
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    kind: Kind,
    channels: u64,
    request_number: u64,
}

/// `SUBSCRIBE`, `PSUBSCRIBE`, `SSUBSCRIBE` and their opposites: the first letter that differs, and the sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    variant: u8,
    is_end: bool,
}

impl Subscriptions {
    pub(super) const fn new(max_asked: usize) -> Self {
        Self { asked: VecDeque::new(), max_asked, confirming: None, has_subscribed: false }
    }

    /// A command was sent, as the connection's request with this number.
    pub(super) fn ask(&mut self, name: &str, channels: u64, request_number: u64) {
        let Some(kind) = Kind::from_name(name.as_bytes()) else { return };
        self.has_subscribed = true;
        if self.asked.len() >= self.max_asked {
            self.asked.pop_front();
        }
        self.asked.push_back(Asked { kind, channels, request_number });
    }

    /// A confirmation came.
    pub(super) fn confirm(&mut self, word: &[u8]) -> Confirmation {
        let Some(kind) = Kind::from_name(word) else { return Confirmation::Unasked };
        if let Some((confirming, remaining)) = &mut self.confirming
            && *confirming == kind
            && *remaining > 0
        {
            *remaining -= 1;
            return Confirmation::Further;
        }
        match self.asked.front() {
            Some(asked) if asked.kind == kind => {
                // Without channels, an end concerns every channel: their number is unknown here.
                let more = if asked.channels == 0 { 0 } else { asked.channels - 1 };
                self.confirming = Some((kind, more));
                self.asked.pop_front();
                Confirmation::First
            }
            _ if kind.is_end && self.confirming.is_some_and(|(confirming, _)| confirming == kind) => {
                Confirmation::Further
            }
            _ => Confirmation::Unasked,
        }
    }

    /// The request with this number was answered with an error.
    pub(super) fn refused(&mut self, request_number: u64) {
        self.asked.retain(|asked| asked.request_number != request_number);
    }

    /// What was asked may have been confirmed unseen.
    pub(super) fn forget_asked(&mut self) {
        self.asked.clear();
        self.confirming = None;
    }

    /// Nothing is subscribed any more.
    pub(super) fn clear(&mut self) {
        self.forget_asked();
        self.has_subscribed = false;
    }

    /// Whether messages to subscribers may come.
    pub(super) const fn has_subscribed(&self) -> bool {
        self.has_subscribed
    }
}

impl Kind {
    fn from_name(name: &[u8]) -> Option<Self> {
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        let (variant, is_end) = match () {
            () if is("SUBSCRIBE") => (b'c', false),
            () if is("PSUBSCRIBE") => (b'p', false),
            () if is("SSUBSCRIBE") => (b's', false),
            () if is("UNSUBSCRIBE") => (b'c', true),
            () if is("PUNSUBSCRIBE") => (b'p', true),
            () if is("SUNSUBSCRIBE") => (b's', true),
            () => return None,
        };
        Some(Self { variant, is_end })
    }
}
