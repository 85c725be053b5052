//! Which request a message of the server belongs to.
//!
//! The server answers every message of the client in order, and says with `ReadyForQuery` when it has done a simple
//! query or all up to a `Sync`. After an error in the extended protocol it answers nothing up to the next `Sync`. A *unit*
//! is what becomes one exchange: a simple query, or the messages of the extended protocol up to their `Execute`.

use std::collections::VecDeque;

/// What the server still has to answer on one connection.
#[derive(Debug)]
pub(super) struct Pipeline {
    steps: VecDeque<Step>,
    max_steps: usize,
    last_unit: u64,
    /// The unit whose messages the client is sending.
    sending: Option<u64>,
    /// The unit whose first response messages were read.
    responding: Option<u64>,
    /// The unit whose last messages are missing.
    cut: Option<u64>,
    /// Whether the server ignores what comes until a `Sync`.
    is_skipping: bool,
    /// Whether bytes of the server were lost: what waits may have been answered.
    is_uncertain: bool,
}

/// What an answer is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Startup,
    Query,
    FunctionCall,
    Sync,
    Parse,
    Bind,
    Describe,
    Close,
    Execute,
}

impl Expected {
    /// Whether its last answer is `ReadyForQuery`.
    const fn ends_ready(self) -> bool {
        matches!(self, Self::Startup | Self::Query | Self::FunctionCall | Self::Sync)
    }
}

#[derive(Debug, Clone, Copy)]
struct Step {
    expected: Expected,
    unit: Option<u64>,
    ends_unit: bool,
}

/// What a message of the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The last of the response to this unit.
    Last(u64),
    /// Part of a response.
    Part,
    /// Of no response.
    Nothing,
}

impl Pipeline {
    pub(super) const fn new(max_pending: usize) -> Self {
        Self {
            steps: VecDeque::new(),
            max_steps: max_pending.saturating_mul(4),
            last_unit: 0,
            sending: None,
            responding: None,
            cut: None,
            is_skipping: false,
            is_uncertain: false,
        }
    }

    /// The client sent a message that is a unit of its own. Gives the unit.
    pub(super) fn send_whole(&mut self, expected: Expected) -> u64 {
        let unit = self.new_unit();
        self.push(expected, Some(unit), true);
        unit
    }

    /// The client sent a message that starts a unit or continues it.
    pub(super) fn send_part(&mut self, expected: Expected) {
        let unit = match self.sending {
            Some(unit) => unit,
            None => self.new_unit(),
        };
        self.sending = Some(unit);
        self.push(expected, Some(unit), false);
    }

    /// The client sent a message that starts no unit, but may stand in one.
    pub(super) fn send_aside(&mut self, expected: Expected) {
        self.push(expected, self.sending, false);
    }

    /// The client sent `Execute`. Gives the unit that ends with it.
    pub(super) fn send_execute(&mut self) -> u64 {
        let unit = match self.sending.take() {
            Some(unit) => unit,
            None => self.new_unit(),
        };
        self.push(Expected::Execute, Some(unit), true);
        unit
    }

    /// The client wants answers to what it sent. Gives the unit that ends here without `Execute`, if one does.
    pub(super) fn end_unit(&mut self) -> Option<u64> {
        let unit = self.sending.take()?;
        if let Some(step) = self.steps.iter_mut().rev().find(|step| step.unit == Some(unit)) {
            step.ends_unit = true;
        }
        Some(unit)
    }

    /// The client sent `Sync`.
    pub(super) fn send_sync(&mut self) {
        self.is_skipping = false;
        self.push(Expected::Sync, None, false);
    }

    /// Whether the client is in the middle of a unit.
    pub(super) const fn is_sending(&self) -> bool {
        self.sending.is_some()
    }

    /// What the server answers next.
    pub(super) fn expected(&self) -> Option<Expected> {
        self.steps.front().map(|step| step.expected)
    }

    /// The server sent one of the messages that stand between the first and the last of a response.
    pub(super) fn receive_content(&mut self) -> Answer {
        match self.steps.front() {
            Some(Step { expected: Expected::Sync, .. } | Step { unit: None, .. }) => Answer::Nothing,
            Some(Step { unit: Some(unit), .. }) => self.begin(*unit),
            None => {
                let unit = self.responding.or(self.cut).unwrap_or_else(|| self.new_unit());
                self.begin(unit)
            }
        }
    }

    /// The server sent the message that ends a step.
    pub(super) fn receive_end(&mut self, expected: Expected) -> Answer {
        let Some(place) = self.place_of(expected) else {
            return if self.steps.is_empty() && expected == Expected::Execute {
                self.end_orphan()
            } else {
                Answer::Nothing
            };
        };
        self.steps.drain(..place);
        match self.steps.pop_front() {
            Some(Step { unit: Some(unit), ends_unit: true, .. }) => self.end(unit),
            Some(Step { unit: Some(unit), .. }) => self.begin(unit),
            _ => Answer::Nothing,
        }
    }

    /// The server sent `ReadyForQuery`.
    pub(super) fn receive_ready(&mut self) -> Answer {
        self.is_uncertain = false;
        let mut answer = Answer::Nothing;
        while let Some(step) = self.steps.pop_front() {
            if step.expected.ends_ready() {
                answer = step.unit.map_or(Answer::Nothing, Answer::Last);
                break;
            }
        }
        let begun = self.responding.take();
        self.cut = None;
        match (answer, begun) {
            (Answer::Nothing, Some(unit)) => Answer::Last(unit),
            (answer, _) => answer,
        }
    }

    /// The server sent an error that does not end the connection.
    pub(super) fn receive_error(&mut self) -> Answer {
        match self.steps.front().copied() {
            None => self.end_orphan(),
            Some(Step { expected: Expected::Query | Expected::FunctionCall, .. }) => self.receive_content(),
            Some(Step { expected: Expected::Startup, .. }) => self.receive_end(Expected::Startup),
            Some(Step { expected: Expected::Sync, .. }) => {
                let unit = self.new_unit();
                self.end(unit)
            }
            Some(_) => self.fail_until_sync(),
        }
    }

    /// The server sent an error and ends the connection.
    pub(super) fn receive_fatal(&mut self) -> Answer {
        let unit = self.steps.iter().find_map(|step| step.unit);
        self.steps.clear();
        match unit {
            Some(unit) => self.end(unit),
            None => self.end_orphan(),
        }
    }

    /// The server turned the connection into a stream of copied data in both directions: this is the response.
    pub(super) fn receive_stream(&mut self) -> Answer {
        let Some(step) = self.steps.front_mut() else { return Answer::Nothing };
        step.expected = Expected::Sync;
        match step.unit.take() {
            Some(unit) => self.end(unit),
            None => Answer::Nothing,
        }
    }

    /// Bytes of the client are missing. What it was sending stays as it is.
    pub(super) fn lose_requests(&mut self) {
        self.cut = self.sending;
        self.is_skipping = false;
    }

    /// Bytes of the server are missing.
    pub(super) fn lose_responses(&mut self) {
        self.is_skipping = false;
        if self.steps.iter().filter(|step| step.expected.ends_ready()).count() > 1 {
            self.steps.clear();
        }
        self.is_uncertain = true;
    }

    /// The unit whose response was read in part, which then is no longer waited for.
    pub(super) fn interrupt_response(&mut self) -> Option<u64> {
        let unit = self.responding.take()?;
        for step in &mut self.steps {
            if step.unit == Some(unit) {
                step.unit = None;
            }
        }
        Some(unit)
    }

    fn new_unit(&mut self) -> u64 {
        self.last_unit = self.last_unit.wrapping_add(1);
        self.last_unit
    }

    fn push(&mut self, expected: Expected, unit: Option<u64>, ends_unit: bool) {
        // A client that goes on has its answers, even if they were not seen.
        if std::mem::take(&mut self.is_uncertain) || self.steps.len() >= self.max_steps {
            self.steps.clear();
        }
        if !self.is_skipping {
            self.steps.push_back(Step { expected, unit, ends_unit });
        }
    }

    fn begin(&mut self, unit: u64) -> Answer {
        self.responding = Some(unit);
        Answer::Part
    }

    fn end(&mut self, unit: u64) -> Answer {
        self.responding = None;
        Answer::Last(unit)
    }

    /// The end of a response to what was not seen, or not all of it.
    fn end_orphan(&mut self) -> Answer {
        let unit = self.responding.or(self.cut).unwrap_or_else(|| self.new_unit());
        self.cut = None;
        self.end(unit)
    }

    /// The first step that waits for this, before the next `ReadyForQuery`.
    fn place_of(&self, expected: Expected) -> Option<usize> {
        let place =
            self.steps.iter().position(|step| step.expected == expected || step.expected.ends_ready())?;
        (self.steps.get(place)?.expected == expected).then_some(place)
    }

    /// The server answers nothing more up to the next `Sync`. The first unit gets the error.
    fn fail_until_sync(&mut self) -> Answer {
        let mut failed = None;
        let mut has_sync = false;
        while let Some(step) = self.steps.front() {
            if step.expected == Expected::Sync {
                has_sync = true;
                break;
            }
            failed = failed.or(step.unit);
            self.steps.pop_front();
        }
        self.is_skipping = !has_sync;
        let unit = failed.or(self.sending).unwrap_or_else(|| self.new_unit());
        self.end(unit)
    }
}
