//! Loading, attaching and reading, as one value.

use std::ffi::OsStr;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::net::SendFlags;
use rustix::thread::CapabilitySet;

use crate::attachment::attach;
use crate::error::LoadError;
use crate::loader::{self, LinkId, Loader, Settings};
use crate::missed::missed_runs;
use crate::paths::UnixPaths;
use crate::payload::{PayloadLimits, most_bytes};
#[cfg(feature = "profile")]
use crate::privileges::SYMBOLIZING;
use crate::privileges::{HOOKING, keep_only, works_without};
#[cfg(feature = "profile")]
use crate::profile::{Profile, ProfileTaker};
use crate::report::ProbeReport;
use crate::rings::Rings;
use crate::stats::{ProbeStats, ProcessorStats};
use crate::tls::{LoaderHooks, TlsConfig, TlsReport, TlsWatch};
use crate::{
    ClockOffset, Event, HookKind, Hooks, PortFilter, ProbeConfig, ProcessChange, ProcessFilter, ProgramSet,
    decode_event,
};

/// Programs in the kernel that tell what processes do with sockets.
///
/// They only read. Everything is detached when this is dropped, or when the process ends in any way.
pub struct Probes {
    loader: Box<dyn Loader + Send>,
    rings: Rings,
    report: ProbeReport,
    tls: Option<TlsWatch<LinkId>>,
    payload_limits: PayloadLimits,
    paths: UnixPaths,
    record: Vec<u8>,
    clock: ClockOffset,
    clock_read_at: Instant,
    flush_interval: Duration,
    /// When the rings were last read to their ends; None: there may be more at once.
    emptied_at: Option<Instant>,
    #[cfg(feature = "profile")]
    profile: Option<ProfileTaker>,
    events: u64,
    malformed_records: u64,
}

impl Probes {
    /// Loads the programs and attaches as many of them as this kernel lets: [`report`](Self::report) says which.
    pub fn load(config: &ProbeConfig) -> Result<Self, LoadError> {
        check(config)?;
        let mark = new_mark();
        let program_set = config.program_set.unwrap_or_else(loader::best_program_set);
        check_unix_sockets(config, program_set)?;
        let settings = settings(config, program_set, mark);
        let mut loader = loader::load(config.loader, program_set, OBJECT, &settings)?;
        // The reduced programs leave that to the reader.
        if program_set == ProgramSet::Whole {
            for (port, bytes) in &config.port_payload_bytes {
                loader.insert("port_payloads", u32::from(*port), *bytes)?;
            }
        }
        let rings = Rings::new(loader.as_ref())?;
        #[cfg_attr(not(feature = "profile"), allow(unused_mut, reason = "a profile adds a hook"))]
        let mut report = attach(loader.as_mut(), (program_set, config.hooks), config.unix_sockets)?;
        #[cfg(feature = "profile")]
        let profile = config
            .profile
            .as_ref()
            .map(|profile| ProfileTaker::attach(profile, loader.as_mut(), &mut report));
        if own_pid().is_none() {
            show_mark(mark);
        }
        Ok(Self {
            loader,
            rings,
            report,
            tls: hooked_tls(config, program_set).map(TlsWatch::new),
            payload_limits: PayloadLimits::new(config),
            paths: UnixPaths::new(config.max_sockets),
            record: Vec::new(),
            clock: ClockOffset::now(),
            clock_read_at: Instant::now(),
            #[cfg(feature = "profile")]
            profile,
            flush_interval: config.flush_interval,
            emptied_at: None,
            events: 0,
            malformed_records: 0,
        })
    }

    /// Gives every event that is there to `handle`, nearly in order of time; waits for one for up to `timeout`.
    /// Returns how many there were. The rings are read once in [`flush_interval`](ProbeConfig::flush_interval), or when one of them fills.
    pub fn poll(&mut self, timeout: Duration, mut handle: impl FnMut(Event<'_>)) -> Result<usize, LoadError> {
        let begin = Instant::now();
        loop {
            if let Some(tls) = &mut self.tls {
                tls.poll(Instant::now(), &mut LoaderHooks(self.loader.as_mut()));
            }
            self.let_gather(timeout.saturating_sub(begin.elapsed()))?;
            let events = self.drain(&mut handle);
            if events > 0 || begin.elapsed() >= timeout {
                return Ok(events);
            }
        }
    }

    /// Waits until the rings were left alone for the flush interval, one of them asks to be read, or `timeout` has passed. A reader
    /// that comes for every record costs three times what it costs when they have gathered, and takes the processor from
    /// those that it observes each time.
    fn let_gather(&self, timeout: Duration) -> Result<(), LoadError> {
        let Some(emptied_at) = self.emptied_at else { return Ok(()) };
        let rest = self.flush_interval.saturating_sub(emptied_at.elapsed());
        self.rings.wait(rest.min(timeout))
    }

    /// Leaves out so many of 256 connections from now on, 0 to 256: for whoever cannot take all that is told. A connection is left out
    /// at both of its ends, and from one request to another: what began to be told is told to its end.
    ///
    /// # Errors
    ///
    /// [`LoadError::System`] when the programs cannot be told; before Linux 5.19 that takes `CAP_BPF`, as
    /// [`drop_capabilities`](Self::drop_capabilities) says.
    pub fn leave_out(&mut self, connections: u16) -> Result<(), LoadError> {
        self.loader.insert("left_out", 0, u32::from(connections))
    }

    /// What was attached, what was not, and why.
    pub const fn report(&self) -> &ProbeReport {
        &self.report
    }

    /// Which TLS libraries and programs are hooked, and which are not and why; None when that is turned off.
    pub fn tls_report(&self) -> Option<TlsReport> {
        self.tls.as_ref().map(TlsWatch::report)
    }

    /// What was counted, in the kernel and here.
    pub fn stats(&self) -> Result<ProbeStats, LoadError> {
        let counters = self.loader.counters()?;
        Ok(ProbeStats {
            processors: counters.iter().map(|values| ProcessorStats::from_counters(values)).collect(),
            missed_runs: missed_runs(&self.loader.programs()),
            events: self.events,
            malformed_records: self.malformed_records,
            lost_paths: self.paths.lost(),
        })
    }

    /// What processors were at since the last time this was called, or since the programs were loaded. The next profile
    /// begins where this one ends.
    ///
    /// # Errors
    ///
    /// [`LoadError::Config`] when [`ProbeConfig::profile`] did not ask for it. Where it did and the kernel does not let the
    /// clock be attached, [`report`](Self::report) says so, and profiles are empty.
    #[cfg(feature = "profile")]
    pub fn take_profile(&mut self) -> Result<Profile, LoadError> {
        let taker = self.profile.as_mut();
        let taker = taker.ok_or(LoadError::Config { field: "profile", what: "was not asked for" })?;
        taker.take(self.loader.as_mut())
    }

    /// Gives up, for the calling thread, every capability that is not needed from now on: all of them when TLS is not
    /// hooked, else all but those that hooking further libraries takes (`CAP_SYS_ADMIN`, `CAP_SYS_PTRACE`,
    /// `CAP_DAC_READ_SEARCH`, `CAP_DAC_OVERRIDE`). With a profile, those that reading the symbols of any process and of the
    /// kernel takes are kept (`CAP_SYS_PTRACE`, `CAP_DAC_READ_SEARCH`, `CAP_CHECKPOINT_RESTORE`, `CAP_SYSLOG`). What is attached stays attached.
    ///
    /// Capabilities are a thread's own: threads that were started before keep theirs, those that are started afterwards
    /// inherit what is left. It is called best before any other thread is started.
    ///
    /// # Errors
    ///
    /// [`LoadError::System`] when the kernel does not let them go.
    pub fn drop_capabilities(&self) -> Result<(), LoadError> {
        let failed = |error: rustix::io::Errno| LoadError::of("capset", io::Error::from(error));
        let mut kept = if self.tls.is_some() { HOOKING } else { CapabilitySet::empty() };
        #[cfg(feature = "profile")]
        if self.profile.is_some() {
            kept |= SYMBOLIZING;
        }
        // Before Linux 5.19 counters cannot be read without it where unprivileged eBPF is turned off.
        if !works_without(|| self.stats().is_ok()).map_err(failed)? {
            kept |= CapabilitySet::BPF;
        }
        keep_only(kept).map_err(failed)
    }

    fn drain(&mut self, handle: &mut impl FnMut(Event<'_>)) -> usize {
        if self.clock_read_at.elapsed() > CLOCK_INTERVAL {
            self.clock = ClockOffset::now();
            self.clock_read_at = Instant::now();
        }
        let mut events = 0;
        self.emptied_at = None;
        // A bound, so that a flood does not keep the caller from everything else.
        while events < MAX_EVENTS_PER_POLL {
            if !self.rings.next_record(self.loader.as_mut(), &mut self.record) {
                self.emptied_at = Some(Instant::now());
                break;
            }
            let Ok(event) = decode_event(&self.record, self.clock) else {
                self.malformed_records += 1;
                continue;
            };
            let Some(mut event) = self.paths.apply(event) else { continue };
            events += 1;
            self.payload_limits.apply(&mut event);
            note_process(&event, &mut self.tls, self.loader.as_mut());
            handle(event);
        }
        self.events += events as u64;
        events
    }
}

/// A process that runs a new program may use a TLS library that no other did; one that ends may have died of hooks.
fn note_process(event: &Event<'_>, tls: &mut Option<TlsWatch<LinkId>>, loader: &mut dyn Loader) {
    let (Event::Process(process), Some(tls)) = (event, tls) else { return };
    let (pid, now) = (process.task.pid, Instant::now());
    match process.change {
        ProcessChange::Executed { path } => tls.handle_exec(pid, Path::new(OsStr::from_bytes(path)), now),
        ProcessChange::Exited { status } => tls.handle_exit((pid, status), now, &mut LoaderHooks(loader)),
        ProcessChange::Started => (),
    }
}

fn check(config: &ProbeConfig) -> Result<(), LoadError> {
    if config.payload_bytes > MAX_PAYLOAD_BYTES {
        return Err(LoadError::Config { field: "payload_bytes", what: "at most 16384" });
    }
    if config.port_payload_bytes.len() > MAX_PAYLOAD_PORTS {
        return Err(LoadError::Config { field: "port_payload_bytes", what: "at most 1024 ports" });
    }
    if most_bytes(config).is_some_and(|most| most > MAX_PAYLOAD_BYTES) {
        return Err(LoadError::Config { field: "port_payload_bytes", what: "at most 16384" });
    }
    if config.ring_bytes < 4096 || !config.ring_bytes.is_power_of_two() {
        return Err(LoadError::Config { field: "ring_bytes", what: "must be a power of two from 4096" });
    }
    #[cfg(feature = "profile")]
    if let Some(profile) = &config.profile {
        crate::profile::check(profile)?;
    }
    Ok(())
}

/// What cannot be told is not left out without a word.
const fn check_unix_sockets(config: &ProbeConfig, program_set: ProgramSet) -> Result<(), LoadError> {
    let what = match (program_set, config.hooks) {
        _ if !config.unix_sockets => return Ok(()),
        (ProgramSet::Reduced, _) => {
            "the reduced programs, for kernels before 5.8, cannot tell of Unix sockets"
        }
        (_, Hooks::Only(HookKind::Socket)) => {
            "the hooks `sockets` do not tell when they are opened and closed"
        }
        _ => return Ok(()),
    };
    Err(LoadError::Config { field: "unix_sockets", what })
}

fn settings(config: &ProbeConfig, program_set: ProgramSet, mark: u32) -> Settings {
    let (process_filter, pids) = match &config.processes {
        ProcessFilter::All => (0, Vec::new()),
        ProcessFilter::Only(pids) => (1, pids.clone()),
        ProcessFilter::Except(pids) => (2, pids.clone()),
    };
    let (port_filter, ports) = match &config.ports {
        PortFilter::All => (0, Vec::new()),
        PortFilter::Only(ports) => (1, ports.iter().map(|port| u32::from(*port)).collect()),
        PortFilter::Except(ports) => (2, ports.iter().map(|port| u32::from(*port)).collect()),
    };
    let most_payload = most_bytes(config);
    let payload = match (program_set, most_payload) {
        // They know of no ports: what is too much is left out here.
        (ProgramSet::Reduced, Some(most)) => most,
        _ => config.payload_bytes,
    };
    let window = config.max_events_per_second.map_or(0, |events| (events / WINDOWS_PER_SECOND).max(1));
    let seed = RandomState::new().hash_one(std::process::id());
    Settings {
        constants: vec![
            ("df_payload_bytes", payload),
            ("df_most_payload_bytes", most_payload.unwrap_or(0)),
            ("df_unix_sockets", u32::from(config.unix_sockets)),
            ("df_own_pid", own_pid().unwrap_or(0)),
            ("df_own_mark", mark),
            ("df_pid_filter", process_filter),
            ("df_port_filter", port_filter),
            ("df_wakeup_bytes", config.ring_bytes / 4),
            ("df_max_events", window),
            ("df_max_payload_events", window / 2),
            ("df_seed", u32::try_from(seed & 0xffff_ffff).unwrap_or(0)),
        ],
        map_entries: vec![("threads", config.max_threads), ("sockets", config.max_sockets)],
        sets: vec![("pids", pids), ("ports", ports)],
        ring_bytes: config.ring_bytes,
        btf_path: config.btf_path.clone(),
    }
}

/// The reduced programs have none for functions of libraries.
fn hooked_tls(config: &ProbeConfig, program_set: ProgramSet) -> Option<TlsConfig> {
    config.tls.clone().filter(|_| program_set == ProgramSet::Whole)
}

/// The number of this process as the programs see it; None in a PID namespace, where it has another.
fn own_pid() -> Option<u32> {
    let namespace = std::fs::metadata("/proc/self/ns/pid").ok()?;
    (namespace.ino() == FIRST_PID_NAMESPACE).then(std::process::id)
}

/// A number that no other process asks for by accident. Its last bit is not set.
fn new_mark() -> u32 {
    let random = RandomState::new().hash_one("mark");
    u32::try_from(random & 0x3fff_fffe).unwrap_or(0) | 0x4000_0000
}

/// Tells the programs which process this is: by calls that only it makes, and that do nothing.
fn show_mark(mark: u32) {
    if let (Ok(nothing), Ok(bytes)) = (File::open("/dev/null"), usize::try_from(mark)) {
        // It is refused, since this file is not open for writing; the programs saw it by then.
        let _ = rustix::fs::sendfile(&nothing, &nothing, None, bytes);
    }
    // So is this one, since UDP has nothing out of band.
    if let Ok(socket) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)) {
        let _ = rustix::net::send(&socket, b"", SendFlags::from_bits_retain(mark) | SendFlags::OOB);
    }
}

/// The programs. They are the same for every kernel of an architecture.
#[cfg(target_arch = "x86_64")]
const OBJECT: &[u8] = include_bytes!("../objects/df_x86_64.bpf.o");
#[cfg(target_arch = "aarch64")]
const OBJECT: &[u8] = include_bytes!("../objects/df_aarch64.bpf.o");

/// `PROC_PID_INIT_INO`: the inode number of the host's own PID namespace.
const FIRST_PID_NAMESPACE: u64 = 0xefff_fffc;
const MAX_PAYLOAD_BYTES: u32 = 16_384;
const MAX_PAYLOAD_PORTS: usize = 1024;
const MAX_EVENTS_PER_POLL: usize = 65_536;
/// Windows of time in which the programs count events.
const WINDOWS_PER_SECOND: u32 = 100;
/// How often the offset of the clocks is read: the clock may be set.
const CLOCK_INTERVAL: Duration = Duration::from_secs(1);
