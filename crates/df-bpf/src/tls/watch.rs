//! Hooks what running processes use: attaches to a file once, whoever runs it, and detaches when nobody does any more.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::TlsConfig;
use super::binary::{Binary, Hook, InspectError, Library, inspect_file};
use super::processes::{self, Candidate, FileId};
use super::trials::{Trials, Victim};

/// Puts hooks into files: the kernel behind a loader.
pub trait AttachHook {
    /// What takes the hook away again.
    type Link;

    /// Hooks an instruction of a file, for all processes.
    ///
    /// # Errors
    ///
    /// Why the kernel refused, in one line.
    fn attach(&mut self, binary: &Binary, hook: Hook, path: &Path) -> Result<Self::Link, String>;

    /// A process uses a file that is hooked.
    fn note_process(&mut self, pid: u32, library: Library) {
        let _ = (pid, library);
    }

    /// Takes a hook away.
    fn detach(&mut self, link: Self::Link);
}

/// A file that is hooked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttachedBinary {
    /// Its path, as the process in which it was found sees it.
    pub path: PathBuf,
    /// Whose TLS it has.
    pub library: Library,
    /// How many hooks it has.
    pub hooks: usize,
    /// Whether they give the plain text of TLS; in other Go programs they only tell which goroutine works for which.
    pub has_tls: bool,
    /// The process in which it was found.
    pub found_in_pid: u32,
}

/// A file that has TLS, or may have it, and is not hooked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusedBinary {
    /// Its path, as the process in which it was found sees it.
    pub path: PathBuf,
    /// Why, in one line.
    pub reason: String,
}

/// What is hooked, what is not and why, and what was done so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TlsReport {
    /// Files that are hooked.
    pub attached: Vec<AttachedBinary>,
    /// Files that have TLS, or may have it, and are not hooked.
    pub refused: Vec<RefusedBinary>,
    /// What was done so far.
    pub stats: TlsStats,
}

/// What was done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TlsStats {
    /// Processes looked at; those that look again count again.
    pub checked_processes: u64,
    /// Files inspected.
    pub inspected_files: u64,
    /// Files hooked.
    pub attached_binaries: u64,
    /// Files let go.
    pub detached_binaries: u64,
    /// Files with TLS that could not be hooked.
    pub refused_binaries: u64,
    /// Programs let go because a process that ran them died by a signal soon after.
    pub withdrawn_binaries: u64,
    /// Files not hooked for now because a limit was reached.
    pub deferred_binaries: u64,
    /// Processes not looked at because too many waited.
    pub dropped_processes: u64,
}

/// Knows which files are hooked and which processes to look at next.
#[derive(Debug)]
pub struct TlsWatch<Link> {
    config: TlsConfig,
    files: HashMap<FileId, Known<Link>>,
    /// Processes to look at, in order of time; for each delay one queue.
    waiting: [VecDeque<(Instant, u32)>; QUEUES],
    trials: Trials,
    sweep_at: Option<Instant>,
    second_began: Option<Instant>,
    changes_in_second: u32,
    stats: TlsStats,
}

/// A new process maps its libraries after it began, and some load TLS when they first need it.
const DELAYS: [Duration; QUEUES - 2] =
    [Duration::from_millis(5), Duration::from_millis(100), Duration::from_secs(1), Duration::from_secs(5)];
/// When a process is looked at again whose program could not be hooked for want of room.
const RETRY_DELAY: Duration = Duration::from_secs(2);
const QUEUES: usize = 6;
const SWEEP_QUEUE: usize = QUEUES - 2;
const RETRY_QUEUE: usize = QUEUES - 1;

#[derive(Debug)]
struct Known<Link> {
    path: PathBuf,
    seen_at: Instant,
    state: State<Link>,
}

#[derive(Debug)]
enum State<Link> {
    Attached {
        library: Library,
        has_tls: bool,
        is_program: bool,
        links: Vec<Link>,
        pid: u32,
        since: Instant,
    },
    Refused(String),
    /// There is nothing to hook.
    Uninteresting,
}

impl<Link> TlsWatch<Link> {
    /// A watch that has not looked at anything yet: its first poll looks at all processes.
    pub fn new(config: TlsConfig) -> Self {
        Self {
            config,
            files: HashMap::new(),
            waiting: Default::default(),
            trials: Trials::default(),
            sweep_at: None,
            second_began: None,
            changes_in_second: 0,
            stats: TlsStats::default(),
        }
    }

    /// A process began to run the program at a path: it is looked at now and a few times later.
    pub fn handle_exec(&mut self, pid: u32, path: &Path, now: Instant) {
        self.trials.begin(pid, path, now);
        for (queue, delay) in DELAYS.iter().enumerate() {
            self.wait(queue, now + *delay, pid);
        }
    }

    /// A process ended with a status as `wait` gives it. A program that dies of its hooks, as those do that check their own
    /// code, is left alone from now on.
    pub fn handle_exit<A: AttachHook<Link = Link>>(
        &mut self,
        (pid, status): (u32, u32),
        now: Instant,
        attacher: &mut A,
    ) {
        let Some(victim) = self.trials.end(pid, status, now) else { return };
        for (_, known) in self.files.iter_mut().filter(|(id, known)| known.is_hit_by(&victim, id)) {
            let signal = status & 0x7f;
            let reason = format!("left alone: a process that ran it was ended by signal {signal} soon after");
            let reason = State::Refused(reason);
            if let State::Attached { links, .. } = std::mem::replace(&mut known.state, reason) {
                detach_all(links, attacher);
                self.stats.detached_binaries += 1;
                self.stats.withdrawn_binaries += 1;
            }
        }
    }

    /// Looks at processes whose time has come, attaches to what they use and lets go what nobody uses.
    pub fn poll<A: AttachHook<Link = Link>>(&mut self, now: Instant, attacher: &mut A) {
        if self.sweep_at.is_none_or(|at| at <= now) {
            self.sweep_at = Some(now + self.config.sweep_interval);
            self.detach_unused(now, attacher);
            processes::all_pids().for_each(|pid| self.wait(SWEEP_QUEUE, now, pid));
        }
        let begin = Instant::now();
        for _ in 0..self.config.max_processes_per_poll {
            let Some(pid) = self.next_due(now) else { break };
            self.check(pid, now, attacher);
            // Whoever polls reads the rings too, and they fill up meanwhile.
            if begin.elapsed() >= self.config.max_poll_duration {
                break;
            }
        }
    }

    /// Lets everything go.
    pub fn detach_all<A: AttachHook<Link = Link>>(&mut self, attacher: &mut A) {
        for (_, known) in self.files.drain() {
            self.stats.detached_binaries += u64::from(known.is_attached());
            known.detach(attacher);
        }
    }

    /// When [`poll`](Self::poll) has something to do next.
    pub fn next_poll_at(&self) -> Option<Instant> {
        let queued = self.waiting.iter().filter_map(|queue| queue.front()).map(|(at, _)| *at);
        queued.chain(self.sweep_at).min()
    }

    /// What is hooked now.
    pub fn attached(&self) -> impl Iterator<Item = AttachedBinary> + '_ {
        self.files.values().filter_map(|known| match &known.state {
            State::Attached { library, has_tls, links, pid, .. } => Some(AttachedBinary {
                path: known.path.clone(),
                library: *library,
                hooks: links.len(),
                has_tls: *has_tls,
                found_in_pid: *pid,
            }),
            State::Refused(_) | State::Uninteresting => None,
        })
    }

    /// What could not be hooked, and why.
    pub fn refused(&self) -> impl Iterator<Item = RefusedBinary> + '_ {
        self.files.values().filter_map(|known| match &known.state {
            State::Refused(reason) => {
                Some(RefusedBinary { path: known.path.clone(), reason: reason.clone() })
            }
            State::Attached { .. } | State::Uninteresting => None,
        })
    }

    /// All of that in one value.
    pub fn report(&self) -> TlsReport {
        TlsReport {
            attached: self.attached().collect(),
            refused: self.refused().collect(),
            stats: self.stats,
        }
    }

    /// What was done so far.
    pub const fn stats(&self) -> TlsStats {
        self.stats
    }

    fn wait(&mut self, queue: usize, at: Instant, pid: u32) {
        let waiting: usize = self.waiting.iter().map(VecDeque::len).sum();
        match self.waiting.get_mut(queue) {
            Some(queue) if waiting < self.config.max_waiting_processes => queue.push_back((at, pid)),
            _ => self.stats.dropped_processes += 1,
        }
    }

    fn next_due(&mut self, now: Instant) -> Option<u32> {
        let due = |queue: &&mut VecDeque<(Instant, u32)>| queue.front().is_some_and(|(at, _)| *at <= now);
        self.waiting.iter_mut().find(due)?.pop_front().map(|(_, pid)| pid)
    }

    fn check<A: AttachHook<Link = Link>>(&mut self, pid: u32, now: Instant, attacher: &mut A) {
        self.stats.checked_processes += 1;
        let mut is_deferred = false;
        for candidate in processes::candidates(pid) {
            let (id, is_own) = (candidate.id, candidate.is_program);
            if let Some(known) = self.files.get_mut(&id) {
                known.seen_at = now;
            } else if self.has_room(now) {
                self.meet(candidate, now, attacher);
            } else {
                self.stats.deferred_binaries += 1;
                is_deferred = true;
            }
            if let Some(Known { state: State::Attached { library, since, .. }, .. }) = self.files.get(&id) {
                attacher.note_process(pid, *library);
                if is_own {
                    self.trials.note(pid, id, *since, now);
                }
            }
        }
        if is_deferred {
            self.wait(RETRY_QUEUE, now + RETRY_DELAY, pid);
        }
    }

    /// A file that was not known.
    fn meet<A: AttachHook<Link = Link>>(&mut self, candidate: Candidate, now: Instant, attacher: &mut A) {
        let state = self.attach(&candidate, now, attacher);
        self.files.insert(candidate.id, Known { path: candidate.path, seen_at: now, state });
    }

    fn attach<A: AttachHook<Link = Link>>(
        &mut self,
        candidate: &Candidate,
        now: Instant,
        attacher: &mut A,
    ) -> State<Link> {
        let path = candidate.path.to_string_lossy();
        if self.config.excluded_paths.iter().any(|excluded| path.contains(excluded)) {
            return State::Refused("left alone by configuration".to_owned());
        }
        self.stats.inspected_files += 1;
        let binary = match inspect_file(&candidate.file, &self.config.inspect) {
            Ok(binary) => binary,
            Err(InspectError::NoTls) => return State::Uninteresting,
            Err(error) => {
                self.stats.refused_binaries += 1;
                return State::Refused(error.to_string());
            }
        };
        self.changes_in_second = self.changes_in_second.saturating_add(1);
        match attach_all(&binary, &candidate.file, attacher) {
            Ok(links) => {
                self.stats.attached_binaries += 1;
                State::Attached {
                    library: binary.library,
                    has_tls: binary.has_tls(),
                    is_program: candidate.is_program,
                    links,
                    pid: candidate.pid,
                    since: now,
                }
            }
            Err(reason) => {
                self.stats.refused_binaries += 1;
                State::Refused(reason)
            }
        }
    }

    fn has_room(&mut self, now: Instant) -> bool {
        let attached = self.files.values().filter(|known| known.is_attached()).count();
        if self.files.len() >= self.config.max_remembered_files.saturating_add(attached) {
            // What is used will be met again; what is hooked stays.
            self.files.retain(|_, known| known.is_attached());
        }
        attached < self.config.max_binaries && self.may_change(now)
    }

    fn may_change(&mut self, now: Instant) -> bool {
        if self.second_began.is_none_or(|began| now.duration_since(began) >= Duration::from_secs(1)) {
            self.second_began = Some(now);
            self.changes_in_second = 0;
        }
        self.changes_in_second < self.config.max_changes_per_second
    }

    fn detach_unused<A: AttachHook<Link = Link>>(&mut self, now: Instant, attacher: &mut A) {
        let idle = self.config.idle_timeout.max(self.config.sweep_interval * 2);
        let is_unused = |known: &Known<Link>| now.duration_since(known.seen_at) >= idle;
        let unused: Vec<FileId> =
            self.files.iter().filter(|(_, known)| is_unused(known)).map(|(id, _)| *id).collect();
        for id in unused {
            if !self.may_change(now) {
                break;
            }
            let Some(known) = self.files.remove(&id) else { continue };
            if known.is_attached() {
                self.changes_in_second = self.changes_in_second.saturating_add(1);
                self.stats.detached_binaries += 1;
            }
            known.detach(attacher);
        }
    }
}

impl<Link> Known<Link> {
    const fn is_attached(&self) -> bool {
        matches!(self.state, State::Attached { .. })
    }

    /// Whether it is the program of a process that died.
    fn is_hit_by(&self, victim: &Victim, id: &FileId) -> bool {
        let State::Attached { is_program: true, .. } = self.state else { return false };
        match victim {
            Victim::Program(program) => program == id,
            Victim::Name(name) => self.path.file_name() == Some(name),
        }
    }

    fn detach<A: AttachHook<Link = Link>>(self, attacher: &mut A) {
        if let State::Attached { links, .. } = self.state {
            detach_all(links, attacher);
        }
    }
}

/// Attaches all hooks or none. Returns come before entries, so that no call is seen to begin that is not seen to end.
fn attach_all<A: AttachHook>(binary: &Binary, file: &File, attacher: &mut A) -> Result<Vec<A::Link>, String> {
    // The file that was inspected, whatever its path leads to by now.
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let mut links = Vec::with_capacity(binary.hooks.len());
    for hook in binary.hooks.iter().rev() {
        match attacher.attach(binary, *hook, &path) {
            Ok(link) => links.push(link),
            Err(reason) => {
                detach_all(links, attacher);
                return Err(format!("{}: {reason}", hook.function.symbol()));
            }
        }
    }
    Ok(links)
}

fn detach_all<A: AttachHook>(links: Vec<A::Link>, attacher: &mut A) {
    for link in links {
        attacher.detach(link);
    }
}

#[cfg(test)]
mod tests;
