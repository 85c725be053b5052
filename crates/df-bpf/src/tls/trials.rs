//! Programs that do not bear hooks: their processes are ended by a signal soon after.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use super::processes::FileId;

/// Which processes run a program that was hooked, or that began, a short while ago.
///
/// A program that checks its own code finds a breakpoint in it and ends itself, at its start or as soon as it looks. Nobody can
/// tell from outside why a process died; so every death by a signal of a program's own making counts, and the program is
/// left alone from then on.
#[derive(Debug, Default)]
pub(super) struct Trials {
    processes: HashMap<u32, Trial>,
    /// When those were last thrown out whose trial is over.
    swept_at: Option<Instant>,
}

/// A process that is new, or whose program is hooked anew.
#[derive(Debug)]
struct Trial {
    began: Instant,
    /// The name of its program as it was started.
    name: Option<OsString>,
    /// The program, once it was looked at and hooked.
    program: Option<FileId>,
}

/// Which program a process ran that died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Victim {
    Program(FileId),
    /// It was not looked at before it died.
    Name(OsString),
}

impl Trials {
    /// A process runs a new program.
    pub(super) fn begin(&mut self, pid: u32, path: &Path, now: Instant) {
        let name = path.file_name().map(OsString::from);
        self.insert(pid, Trial { began: now, name, program: None });
    }

    /// A process runs a program that is hooked since `hooked_at`.
    pub(super) fn note(&mut self, pid: u32, program: FileId, hooked_at: Instant, now: Instant) {
        if let Some(trial) = self.processes.get_mut(&pid) {
            trial.program = Some(program);
        } else if now.duration_since(hooked_at) < DURATION {
            self.insert(pid, Trial { began: now, name: None, program: Some(program) });
        }
    }

    /// A process ended with this status, as `wait` gives it. Gives its program, if hooks may be what killed it.
    pub(super) fn end(&mut self, pid: u32, status: u32, now: Instant) -> Option<Victim> {
        let trial = self.processes.remove(&pid)?;
        if !is_own_fault(status) || now.duration_since(trial.began) >= DURATION {
            return None;
        }
        trial.program.map(Victim::Program).or(trial.name.map(Victim::Name))
    }

    fn insert(&mut self, pid: u32, trial: Trial) {
        let now = trial.began;
        let is_due = |at: Instant| now.duration_since(at) >= MIN_SWEEP_INTERVAL;
        if self.processes.len() >= MAX_PROCESSES && self.swept_at.is_none_or(is_due) {
            self.swept_at = Some(now);
            self.processes.retain(|_, trial| now.duration_since(trial.began) < DURATION);
        }
        if self.processes.len() < MAX_PROCESSES {
            self.processes.insert(pid, trial);
        }
    }
}

/// Whether a process was ended by a signal that nobody else sends: `SIGILL`, `SIGTRAP`, `SIGABRT`, `SIGBUS`, `SIGSEGV`, `SIGSYS`.
const fn is_own_fault(status: u32) -> bool {
    matches!(status & 0x7f, 4..=7 | 11 | 31)
}

/// How long a program is on trial.
const DURATION: Duration = Duration::from_secs(10);
const MAX_PROCESSES: usize = 4_096;
const MIN_SWEEP_INTERVAL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: FileId = FileId { device: 1, inode: 2, size_bytes: 3, modified_ns: 4 };
    const SIGTRAP: u32 = 5;

    #[test]
    fn only_programs_that_die_of_themselves_and_soon_are_told() {
        let mut trials = Trials::default();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        trials.begin(1, Path::new("/opt/a"), start);
        trials.begin(2, Path::new("/opt/a"), start);
        trials.begin(3, Path::new("/opt/a"), start);
        trials.note(1, FILE, start, after(1));
        assert_eq!(trials.end(1, SIGTRAP | 0x80, after(9)), Some(Victim::Program(FILE)), "with a core");
        assert_eq!(trials.end(1, SIGTRAP, after(9)), None, "once");
        assert_eq!(trials.end(2, 5 << 8, after(9)), None, "an exit code");
        assert_eq!(trials.end(3, SIGTRAP, after(9)), Some(Victim::Name("a".into())));
        trials.begin(4, Path::new("/opt/a"), start);
        assert_eq!(trials.end(4, SIGTRAP, after(11)), None, "it lived with its hooks");
        trials.note(5, FILE, start, after(9));
        trials.note(6, FILE, start, after(11));
        assert_eq!(
            trials.end(5, SIGTRAP, after(12)),
            Some(Victim::Program(FILE)),
            "it is older than the hooks"
        );
        assert_eq!(trials.end(6, SIGTRAP, after(12)), None);
    }

    #[test]
    fn there_is_room_for_so_many() {
        let mut trials = Trials::default();
        let start = Instant::now();
        for pid in 0..10_000 {
            trials.begin(pid, Path::new("a"), start);
        }
        assert_eq!(trials.processes.len(), MAX_PROCESSES);
        trials.begin(1, Path::new("a"), start + DURATION);
        assert_eq!(trials.processes.len(), 1);
    }
}
