//! The command line: commands, options and their help.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Shows what this machine's network already sees: requests, flows, spans and metrics, with no change to any program.
///
/// Without a command it observes this host live: its packets, which needs CAP_NET_RAW, and its processes, which needs
/// CAP_BPF and CAP_PERFMON (root has all). `replay` reads capture files and needs no privileges.
#[derive(Debug, Parser)]
#[command(name = "df-agent", version, args_conflicts_with_subcommands = true, max_term_width = 110)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) run: RunArguments,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Observe this host live until Ctrl-C (the default command).
    Run(RunArguments),
    /// Read pcap and pcapng files with the same engine; the same input prints the same bytes.
    Replay(ReplayArguments),
    /// Show what this kernel and these privileges allow, what is missing and how to get it.
    Doctor(DoctorArguments),
    /// Print the effective configuration as YAML, every key with its meaning and default.
    Config(ConfigArguments),
}

/// Options of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// Configuration file (YAML; `df-agent config` prints every key).
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Interface to capture on, or `any`; may be given several times [default: any].
    #[arg(long = "interface", short, value_name = "NAME")]
    pub(crate) interfaces: Vec<String>,
    /// Capture only packets that this tcpdump expression matches; it runs in the kernel. Processes are not filtered.
    #[arg(long, value_name = "EXPR")]
    pub(crate) filter: Option<String>,
    /// Capture no packets.
    #[arg(long)]
    pub(crate) no_packets: bool,
    /// Do not observe processes: use no eBPF.
    #[arg(long)]
    pub(crate) no_ebpf: bool,
    /// Observe only this process, and no packets, which do not tell their process.
    #[arg(long, value_name = "PID")]
    pub(crate) pid: Option<u32>,
    /// Observe only processes whose name or command line matches, and no packets.
    #[arg(long, value_name = "REGEX", conflicts_with = "pid")]
    pub(crate) process: Option<String>,
    /// Stop after this long, for example `30s` or `5m`.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) duration: Option<Duration>,
    /// Parsing threads; packets are shared out by flow [default: one per core, less one].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) workers: Option<u16>,
    /// Report every flow this often while it lasts, besides its final record.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) flow_interval: Option<Duration>,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
}

/// Options of `replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    /// Capture files, read one after the other; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Configuration file (YAML; `df-agent config` prints every key).
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Report every flow this often while it lasts, besides its final record.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) flow_interval: Option<Duration>,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
}

/// Where results go. Without any of these: a table on standard output and a summary at the end. When `run` exports with OTLP,
/// the table is for terminals only.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArguments {
    /// Print records, one JSON object per line.
    #[arg(long)]
    pub(crate) json: bool,
    /// Kinds of record to print; implies --json [default: exchange,flow,span].
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    pub(crate) records: Vec<RecordKind>,
    /// Write to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Export with OTLP: gRPC for port 4317 and `grpc://`, HTTP otherwise. `OTEL_EXPORTER_OTLP_*` are honoured too.
    #[arg(long, value_name = "URL")]
    pub(crate) otlp: Option<String>,
    /// Write OTLP JSON lines to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) otlp_file: Option<PathBuf>,
    /// Parse no application protocol: account for flows only.
    #[arg(long)]
    pub(crate) no_l7: bool,
    /// Show SQL literals, Redis arguments and URL queries as they are.
    #[arg(long)]
    pub(crate) raw: bool,
}

/// A kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RecordKind {
    /// A request with its response.
    Exchange,
    /// The account of a flow.
    Flow,
    /// A span.
    Span,
    /// A metric.
    Metric,
}

/// Options of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// File with the BTF of exactly the running kernel, for one that does not tell it.
    #[arg(long, value_name = "FILE")]
    pub(crate) btf: Option<PathBuf>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `config`.
#[derive(Debug, Args)]
pub(crate) struct ConfigArguments {
    /// Apply this file's values to the defaults before printing.
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    pub(crate) config: Option<PathBuf>,
    /// Only say whether this file is valid: exit 0 if it is, 2 if not.
    #[arg(long, value_name = "FILE")]
    pub(crate) check: Option<PathBuf>,
}
