//! The thread that observes processes: what they move through sockets and TLS libraries, as conversations.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Sender;
use df_bpf::tls::{Library, TlsReport};
use df_bpf::{Event as ProbeEvent, LoadError, ProbeStats, Probes, ProgramSet};
use df_core::Task;
use df_flow::{SocketStats, SocketTable};
use df_l7::ConnectionConfig;
use regex::Regex;

use super::clock::{self, Regularly};
use super::notice::Notice;
use super::parsing::{Event, Outbox};
use crate::config::{Configuration, EbpfSettings};
use crate::health::{HealthCounts, Share};
use crate::pipeline::{ParsingStats, Pipeline};
use crate::stop::Stop;

/// The probes, and whose events are wanted.
pub(super) struct Processes {
    probes: Probes,
    chosen: Chosen,
    announcer: Announcer,
}

/// What became of what the probes saw.
#[derive(Debug, Clone, Default)]
pub(super) struct ProcessStats {
    pub(super) probes: ProbeStats,
    pub(super) sockets: SocketStats,
    pub(super) parsing: ParsingStats,
}

impl Processes {
    /// Loads and attaches the probes, for one process or all.
    pub(super) fn open(
        settings: &EbpfSettings,
        pid: Option<u32>,
        name: Option<Regex>,
    ) -> Result<Self, LoadError> {
        let probes = Probes::load(&settings.probes(pid))?;
        if probes.report().program_set == ProgramSet::Reduced {
            tracing::warn!(
                "this kernel has no ring buffers: the reduced eBPF programs tell of system calls alone, not of TLS"
            );
        }
        for (hook, error) in probes.report().missing() {
            tracing::warn!("not attached: {hook}: {error}");
        }
        let chosen = Chosen { name, known: HashMap::new() };
        Ok(Self { probes, chosen, announcer: Announcer::default() })
    }

    /// Gives up what is not needed any more, for this thread and those that it starts.
    pub(super) fn drop_capabilities(&self) {
        if let Err(error) = self.probes.drop_capabilities() {
            tracing::warn!("capabilities are kept: {error}");
        }
    }

    /// Observes until told to stop, then ends every conversation.
    pub(super) fn run(
        mut self,
        events: Sender<Vec<Event>>,
        (configuration, connection): (&Configuration, Option<Arc<ConnectionConfig>>),
        notice: &Notice,
        (stop, health): (&Stop, &HealthCounts),
    ) -> ProcessStats {
        let mut sockets = SocketTable::new(configuration.ebpf.sockets.clone());
        let mut pipeline = Pipeline::new(connection, &configuration.parsing, Outbox::new(events));
        let (mut tell, mut told) = (Regularly::new(TELL_INTERVAL), HealthShares::default());
        while !stop.is_requested() {
            let Self { probes, chosen, .. } = &mut self;
            let polled = probes.poll(IDLE, |event| match event {
                ProbeEvent::Socket(event) if chosen.has(event.task) => {
                    sockets.handle_event(&event, &mut pipeline);
                }
                ProbeEvent::Process(event) => chosen.forget(event.task.pid),
                _ => {}
            });
            if let Err(error) = polled {
                tracing::error!("processes are no longer observed: {error}");
                break;
            }
            sockets.handle_timeout(clock::now(), &mut pipeline);
            pipeline.receiver().send();
            if tell.is_due() {
                told.tell(health, &self.probe_stats(), &sockets.stats());
                self.announcer.announce(self.probes.tls_report());
            }
            if let Some(left_out) = notice.take()
                && let Err(error) = self.probes.leave_out(left_out.now)
            {
                tracing::warn!("connections of processes cannot be left out: {error}");
            }
        }
        sockets.finish(&mut pipeline);
        pipeline.receiver().send();
        let (parsing, _) = pipeline.finish();
        ProcessStats { probes: self.probe_stats(), sockets: sockets.stats(), parsing }
    }

    fn probe_stats(&self) -> ProbeStats {
        self.probes.stats().unwrap_or_else(|error| {
            tracing::warn!("the counters of the probes cannot be read: {error}");
            ProbeStats::default()
        })
    }
}

/// Which processes a regular expression chooses, by name or command line.
struct Chosen {
    name: Option<Regex>,
    known: HashMap<u32, bool>,
}

impl Chosen {
    fn has(&mut self, task: Task) -> bool {
        let Some(name) = &self.name else { return true };
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        *self.known.entry(task.pid).or_insert_with(|| matches(name, task))
    }

    /// The process began, ended or runs another program.
    fn forget(&mut self, pid: u32) {
        self.known.remove(&pid);
    }
}

/// By its name or its command line; one that has ended already has only the name of its thread left.
fn matches(name: &Regex, task: Task) -> bool {
    let folder = format!("/proc/{}", task.pid);
    let own_name = std::fs::read_to_string(format!("{folder}/comm"));
    let own_name = own_name.unwrap_or_else(|_| task.command.as_text().into_owned());
    let command_line = std::fs::read(format!("{folder}/cmdline")).unwrap_or_default();
    let command_line = String::from_utf8_lossy(&command_line).replace('\0', " ");
    name.is_match(own_name.trim_end()) || name.is_match(command_line.trim_end())
}

/// Says once of each program and library whether its TLS is read.
#[derive(Default)]
struct Announcer {
    read: HashSet<PathBuf>,
    not_read: HashSet<PathBuf>,
}

impl Announcer {
    fn announce(&mut self, report: Option<TlsReport>) {
        let Some(report) = report else { return };
        for known in [&mut self.read, &mut self.not_read] {
            if known.len() >= MAX_KNOWN {
                known.clear();
            }
        }
        for file in report.attached.into_iter().filter(|file| file.has_tls) {
            if self.read.insert(file.path.clone()) {
                tracing::info!(
                    "reading the plain text of {} ({})",
                    file.path.display(),
                    library(file.library)
                );
            }
        }
        for file in report.refused {
            // One that was read may be left alone later.
            if self.not_read.insert(file.path.clone()) {
                tracing::warn!("not reading the plain text of {}: {}", file.path.display(), file.reason);
            }
        }
    }
}

const fn library(library: Library) -> &'static str {
    match library {
        Library::OpenSsl => "OpenSSL",
        Library::Go { .. } => "Go's crypto/tls",
        _ => "TLS",
    }
}

/// This thread's part in the health counts.
#[derive(Default)]
struct HealthShares {
    records: Share,
    records_dropped: Share,
    records_left_out: Share,
    conversations: Share,
    gaps: Share,
}

impl HealthShares {
    fn tell(&mut self, health: &HealthCounts, probes: &ProbeStats, sockets: &SocketStats) {
        let records = probes.processors.iter().map(|processor| processor.records).sum();
        self.records.add(&health.probe_records, records);
        self.records_dropped.add(&health.probe_records_dropped, probes.dropped_records());
        let left_out = probes.processors.iter().map(|processor| processor.left_out_records).sum();
        self.records_left_out.add(&health.probe_records_left_out, left_out);
        self.conversations.add(&health.conversations_opened, sockets.conversations_opened);
        self.gaps.add(&health.gaps, sockets.gaps);
    }
}

const IDLE: Duration = Duration::from_millis(100);
const TELL_INTERVAL: Duration = Duration::from_millis(500);
/// Processes of which is remembered whether they are chosen, and files that were told of.
const MAX_KNOWN: usize = 65_536;
