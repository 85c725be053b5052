//! How many connections are left out, told to the threads that leave them out.

use std::sync::{Mutex, PoisonError};

/// The notice of each thread that leaves out connections.
#[derive(Debug)]
pub(super) struct Notices {
    pub(super) parsing: Vec<Notice>,
    pub(super) captures: Vec<Notice>,
    pub(super) processes: Notice,
}

impl Notices {
    /// Notices for so many parsing threads and capture threads, and for one that observes processes.
    pub(super) fn new(parsing: usize, captures: usize) -> Self {
        let new = |threads| std::iter::repeat_with(Notice::default).take(threads).collect();
        Self { parsing: new(parsing), captures: new(captures), processes: Notice::default() }
    }

    /// Tells every thread how many of 256 connections are left out from now on; those with flow tables first, since they wait for
    /// what the kernel is about to let through no more.
    pub(super) fn tell(&self, connections: u16) {
        let tables_first = self.parsing.iter().chain(&self.captures).chain([&self.processes]);
        tables_first.for_each(|notice| notice.tell(connections));
    }
}

/// What one thread is told by the one that looks after the budget, until it takes it up.
#[derive(Debug, Default)]
pub(super) struct Notice(Mutex<Option<LeftOut>>);

/// How many of 256 connections are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) now: u16,
    /// The most that others may have left out since the thread was told last.
    pub(super) most: u16,
}

impl Notice {
    /// Tells how many are left out from now on.
    fn tell(&self, connections: u16) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let most = told.map_or(connections, |earlier| earlier.most.max(connections));
        *told = Some(LeftOut { now: connections, most });
    }

    /// What was told since the last time, if anything.
    pub(super) fn take(&self) -> Option<LeftOut> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_was_busy_hears_of_the_most_too() {
        let notice = Notice::default();
        assert_eq!(notice.take(), None);
        for connections in [3, 200, 0] {
            notice.tell(connections);
        }
        assert_eq!(notice.take(), Some(LeftOut { now: 0, most: 200 }));
        notice.tell(5);
        assert_eq!(notice.take(), Some(LeftOut { now: 5, most: 5 }));
        assert_eq!(notice.take(), None);
    }
}
