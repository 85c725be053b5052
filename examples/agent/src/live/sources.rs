//! What a run observes: packets of interfaces, and processes.

use df_bpf::LoadError;
use df_capture::{AfPacket, AfPacketConfig, CaptureError};
use regex::Regex;

use super::processes::Processes;
use crate::Failure;
use crate::arguments::RunArguments;
use crate::config::Configuration;

/// What a run observes.
pub(super) struct Sources {
    /// None where no packets are wanted, or none can be had.
    pub(super) packets: Vec<AfPacket>,
    pub(super) processes: Option<Processes>,
}

impl Sources {
    /// Opens what is asked for. Where one of two ways to observe cannot be had, the other goes on.
    pub(super) fn open(configuration: &Configuration, arguments: &RunArguments) -> Result<Self, Failure> {
        let wanted = Wanted::of(configuration, arguments)?;
        let processes = wanted.processes.then(|| open_processes(configuration, arguments)).transpose()?;
        let packets = wanted.packets.then(|| open_packets(configuration));
        match (packets, processes) {
            (None, None) => Err(Failure::usage(NOTHING)),
            (None, Some(processes)) => {
                let processes = processes.map_err(Failure::running)?;
                Ok(Self { packets: Vec::new(), processes: Some(processes) })
            }
            (Some(packets), None) => Ok(Self { packets: packets.map_err(as_failure)?, processes: None }),
            (Some(Ok(packets)), Some(processes)) => {
                let unseen = |error: &LoadError| tracing::warn!("processes are not observed: {error}");
                Ok(Self { packets, processes: processes.inspect_err(unseen).ok() })
            }
            (Some(Err(error)), Some(Ok(processes))) if !is_wrong(&error) => {
                tracing::warn!("packets are not captured: {error}");
                Ok(Self { packets: Vec::new(), processes: Some(processes) })
            }
            (Some(Err(error)), Some(_)) => Err(as_failure(error)),
        }
    }

    /// What is observed, in words.
    pub(super) fn describe(&self, interfaces: &[String]) -> String {
        let packets = format!("packets of {}", interfaces.join(", "));
        match (self.packets.is_empty(), self.processes.is_some()) {
            (false, true) => format!("{packets} and processes"),
            (false, false) => packets,
            (true, _) => "processes".to_owned(),
        }
    }
}

/// Which ways to observe are asked for.
struct Wanted {
    packets: bool,
    processes: bool,
}

impl Wanted {
    fn of(configuration: &Configuration, arguments: &RunArguments) -> Result<Self, Failure> {
        // Packets do not tell their process.
        let is_choice = arguments.pid.is_some() || arguments.process.is_some();
        let packets = !arguments.no_packets && !is_choice;
        let processes = !configuration.ebpf.is_disabled && configuration.parsing.has_requests;
        match (packets, processes) {
            (false, false) if is_choice => Err(Failure::usage(CHOICE_NEEDS_EBPF)),
            (false, false) => Err(Failure::usage(NOTHING)),
            _ => Ok(Self { packets, processes }),
        }
    }
}

fn open_processes(
    configuration: &Configuration,
    arguments: &RunArguments,
) -> Result<Result<Processes, LoadError>, Failure> {
    let name = arguments.process.as_deref().map(Regex::new).transpose();
    let name = name.map_err(|error| Failure::usage(format!("--process: {error}")))?;
    match Processes::open(&configuration.ebpf, arguments.pid, name) {
        Err(error @ LoadError::Config { .. }) => Err(Failure::usage(error)),
        Err(error @ LoadError::NoBtf { .. }) => {
            tracing::warn!("a file with the BTF of this kernel is named by inputs.ebpf.tunning.btf_path");
            Ok(Err(error))
        }
        opened => Ok(opened),
    }
}

/// One socket per named interface, or one for all, times the number of rings.
fn open_packets(configuration: &Configuration) -> Result<Vec<AfPacket>, CaptureError> {
    let interfaces = &configuration.capture.interfaces;
    let is_any = interfaces.is_empty() || interfaces.iter().any(|name| name == "any");
    let names = if is_any { vec![None] } else { interfaces.iter().map(Some).collect() };
    let rings = configuration.capture.rings.max(1);
    let open = |(name, group): (Option<&String>, u16)| {
        let mut config = AfPacketConfig::default();
        config.interface = name.cloned();
        config.filter = Some(configuration.capture.filter.clone()).filter(|filter| !filter.is_empty());
        config.block_count = configuration.capture.ring_blocks;
        config.snap_len = configuration.snap_len();
        config.fanout_group = (rings > 1).then_some(group);
        AfPacket::open(&config)
    };
    let groups = (fanout_group()..=u16::MAX).chain(0..);
    let each = names.into_iter().zip(groups);
    each.flat_map(|source| (0..rings).map(move |_| source)).map(open).collect()
}

/// A number for the first group of rings that other processes do not use: groups are known to the whole host.
#[allow(clippy::cast_possible_truncation, reason = "any number does, as long as processes differ")]
fn fanout_group() -> u16 {
    std::process::id() as u16
}

/// A wrong name, filter or value is the caller's; everything else is the machine's.
fn as_failure(error: CaptureError) -> Failure {
    if is_wrong(&error) { Failure::usage(error) } else { Failure::running(error) }
}

const fn is_wrong(error: &CaptureError) -> bool {
    matches!(
        error,
        CaptureError::UnknownInterface { .. } | CaptureError::Filter { .. } | CaptureError::Config { .. }
    )
}

const NOTHING: &str = "nothing is left to observe: neither packets nor processes";
const CHOICE_NEEDS_EBPF: &str = "--pid and --process need eBPF, and application protocols to look for";
