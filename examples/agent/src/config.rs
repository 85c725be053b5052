//! The agent's configuration: one tree of settings, read from YAML and printed back as YAML.

mod document;
mod ebpf;
mod settings;
mod value;

use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use df_capture::{AfPacketConfig, DecoderConfig};
use df_flow::FlowConfig;
use df_l7::{ConnectionConfig, Obfuscation};
use df_trace::TraceConfig;

use crate::arguments::{OutputArguments, RunArguments};

pub(crate) use document::DocumentError;
pub(crate) use ebpf::EbpfSettings;
pub(crate) use settings::{print, read};

/// Everything that can be configured. The defaults of the library parts are the libraries' own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Configuration {
    pub(crate) limits: LimitSettings,
    pub(crate) capture: CaptureSettings,
    pub(crate) ebpf: EbpfSettings,
    pub(crate) decoder: DecoderConfig,
    pub(crate) parsing: ParsingSettings,
    pub(crate) flow: FlowConfig,
    pub(crate) connection: ConnectionConfig,
    pub(crate) trace: TraceConfig,
    pub(crate) export: ExportSettings,
}

/// What the whole agent may cost.
#[derive(Debug, Clone, Default)]
pub(crate) struct LimitSettings {
    /// What it may take of the processors before connections are left out, in thousandths of one; 0 is automatic.
    pub(crate) max_millicpus: u32,
}

/// Where packets come from.
#[derive(Debug, Clone)]
pub(crate) struct CaptureSettings {
    pub(crate) interfaces: Vec<String>,
    pub(crate) filter: String,
    pub(crate) max_packet_bytes: u32,
    pub(crate) ring_blocks: usize,
    /// Rings per interface, each with a thread.
    pub(crate) rings: u16,
    /// The processors on which capture threads run, in turn; empty is any.
    pub(crate) cpus: Vec<u16>,
}

impl Default for CaptureSettings {
    fn default() -> Self {
        let socket = AfPacketConfig::default();
        Self {
            interfaces: vec!["any".to_owned()],
            filter: String::new(),
            max_packet_bytes: socket.snap_len,
            ring_blocks: socket.block_count,
            rings: 1,
            cpus: Vec::new(),
        }
    }
}

impl CaptureSettings {
    /// The processor of each capture thread.
    pub(crate) fn processors(&self) -> impl Iterator<Item = Option<u16>> {
        self.cpus.iter().map(|processor| Some(*processor)).chain(self.cpus.is_empty().then_some(None)).cycle()
    }
}

/// How parsing is spread over threads.
#[derive(Debug, Clone)]
pub(crate) struct ParsingSettings {
    /// 0 is one per core, less one for capture.
    pub(crate) workers: u16,
    pub(crate) max_queued_batches: usize,
    pub(crate) verdict_expiry: Duration,
    /// How often a flow that goes on is logged; none is only at its end.
    pub(crate) flow_log_interval: Option<Duration>,
    /// Whether metrics are made of flows.
    pub(crate) is_metered: bool,
    pub(crate) max_verdicts: usize,
    /// Whether application protocols are parsed.
    pub(crate) has_requests: bool,
}

impl Default for ParsingSettings {
    fn default() -> Self {
        Self {
            workers: 0,
            max_queued_batches: 256,
            verdict_expiry: Duration::from_secs(60),
            flow_log_interval: None,
            is_metered: false,
            max_verdicts: 8_192,
            has_requests: true,
        }
    }
}

/// What leaves as OTLP.
#[derive(Debug, Clone)]
pub(crate) struct ExportSettings {
    pub(crate) has_exchange_logs: bool,
    pub(crate) max_spans_per_second: u32,
    pub(crate) metrics_interval: Duration,
    pub(crate) shutdown_timeout: Duration,
}

impl Default for ExportSettings {
    fn default() -> Self {
        Self {
            has_exchange_logs: false,
            max_spans_per_second: 10_000,
            metrics_interval: Duration::from_secs(60),
            shutdown_timeout: Duration::from_secs(10),
        }
    }
}

impl ParsingSettings {
    /// How many parsing threads to start.
    pub(crate) fn worker_count(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        match self.workers {
            0 => cores.saturating_sub(1).max(1),
            workers => usize::from(workers),
        }
    }
}

impl Configuration {
    /// What connections are parsed with; none where only flows are accounted for.
    pub(crate) fn connections(&self) -> Option<Arc<ConnectionConfig>> {
        self.parsing.has_requests.then(|| Arc::new(self.connection.clone()))
    }

    /// The most bytes captured of a packet: without protocols to parse, enough for every header, tunnels included.
    pub(crate) fn snap_len(&self) -> u32 {
        let wanted = self.capture.max_packet_bytes;
        if self.parsing.has_requests { wanted } else { wanted.min(HEADER_BYTES) }
    }

    /// The defaults, overridden by `file` if there is one.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, ConfigurationError> {
        let mut configuration = Self::default();
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .map_err(|source| ConfigurationError::Unreadable { path: path.to_owned(), source })?;
            read(&text, &mut configuration)
                .map_err(|source| ConfigurationError::Invalid { path: path.to_owned(), source })?;
        }
        Ok(configuration)
    }

    /// Takes over what the command line says of parsing; it wins over the file.
    pub(crate) fn apply(&mut self, arguments: &OutputArguments, flow_interval: Option<Duration>) {
        if arguments.raw {
            self.connection.obfuscation = Obfuscation::NONE;
        }
        if arguments.no_l7 {
            self.parsing.has_requests = false;
        }
        if flow_interval.is_some() {
            self.parsing.flow_log_interval = flow_interval;
        }
    }

    /// Has flows reported as often as somebody wants to know: for their log, and for metrics if there are any.
    pub(crate) fn report_flows(&mut self, is_metered: bool) {
        self.parsing.is_metered = is_metered;
        let metrics = is_metered.then_some(self.export.metrics_interval);
        self.flow.record_interval = self.parsing.flow_log_interval.into_iter().chain(metrics).min();
    }

    /// Takes over what the command line says of capture and of processes.
    pub(crate) fn apply_run(&mut self, arguments: &RunArguments) {
        if !arguments.interfaces.is_empty() {
            self.capture.interfaces.clone_from(&arguments.interfaces);
        }
        if let Some(filter) = &arguments.filter {
            self.capture.filter.clone_from(filter);
        }
        self.ebpf.is_disabled |= arguments.no_ebpf;
        self.parsing.workers = arguments.workers.unwrap_or(self.parsing.workers);
        // Whoever sends the packets must not be able to choose flows that collide.
        self.flow.hash_seed = RandomState::new().hash_one(());
    }
}

/// Link header and tags, three IP headers with options, two tunnels' headers, TCP with options.
const HEADER_BYTES: u32 = 384;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigurationError {
    #[error("cannot read configuration file {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("configuration file {}, {source}", path.display())]
    Invalid { path: PathBuf, source: DocumentError },
}
