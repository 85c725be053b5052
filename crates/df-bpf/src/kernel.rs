//! What this kernel and these privileges allow, found out by trying.

mod attempts;

use std::fmt;
use std::fs;
use std::path::Path;

use crate::ProgramSet;
use crate::privileges::{Capability, lockdown, useful_capabilities};

/// What this kernel and the privileges of the calling thread allow.
///
/// ```no_run
/// let kernel = df_bpf::Kernel::probe();
/// for feature in kernel.features.iter().filter(|feature| !feature.is_available) {
///     println!("{}: {}: {}", feature.name, feature.detail, feature.remedy);
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kernel {
    /// What can be done, the needed things first. Nothing is told from the kernel's version.
    pub features: Vec<KernelFeature>,
    /// Which capabilities are held.
    pub capabilities: Vec<Capability>,
    /// Settings of the kernel that have a say, as it tells them; those that it does not tell are left out.
    pub settings: Vec<KernelSetting>,
}

/// Something that the probes use or could use.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KernelFeature {
    /// What it is, such as `system call tracepoints`. Names stay the same between releases.
    pub name: &'static str,
    /// Whether it worked when it was tried.
    pub is_available: bool,
    /// Whether [`Probes::load`](crate::Probes::load) fails without it.
    pub is_needed: bool,
    /// What was tried, or what came of it.
    pub detail: String,
    /// What to do about it; empty when there is nothing to do.
    pub remedy: String,
}

/// A setting of the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KernelSetting {
    /// Its name, such as `kernel.perf_event_paranoid`.
    pub name: &'static str,
    /// Its value.
    pub value: String,
}

impl Kernel {
    /// Tries everything, with the BTF that the kernel tells: makes small maps, hangs up programs that do nothing, and takes all of it down again. Takes some
    /// hundred milliseconds, most of them for reading the kernel's types.
    pub fn probe() -> Self {
        Self::probe_with_btf(None)
    }

    /// The same, with the BTF of a file: [`ProbeConfig::btf_path`](crate::ProbeConfig::btf_path).
    pub fn probe_with_btf(path: Option<&Path>) -> Self {
        Self { features: attempts::all(path), capabilities: useful_capabilities(), settings: settings() }
    }

    /// A feature by its name.
    pub fn feature(&self, name: &str) -> Option<&KernelFeature> {
        self.features.iter().find(|feature| feature.name == name)
    }

    /// Which programs [`Probes::load`](crate::Probes::load) would take if it is not told; None: it fails.
    pub fn program_set(&self) -> Option<ProgramSet> {
        let is_whole = self.feature(attempts::RING_BUFFER).is_some_and(|feature| feature.is_available);
        let program_set = if is_whole { ProgramSet::Whole } else { ProgramSet::Reduced };
        self.is_sufficient().then_some(program_set)
    }

    /// Whether everything that is needed is there.
    pub fn is_sufficient(&self) -> bool {
        self.features.iter().all(|feature| feature.is_available || !feature.is_needed)
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for feature in &self.features {
            let state = if feature.is_available { "yes" } else { "no" };
            write!(formatter, "{:28} {state:3} {}", feature.name, feature.detail)?;
            let colon = if feature.remedy.is_empty() { "" } else { ": " };
            writeln!(formatter, "{colon}{}", feature.remedy)?;
        }
        for capability in &self.capabilities {
            let state = if capability.is_held { "yes" } else { "no" };
            writeln!(formatter, "{:28} {state:3} {}", capability.name, capability.purpose)?;
        }
        for setting in &self.settings {
            writeln!(formatter, "{:32} {}", setting.name, setting.value)?;
        }
        Ok(())
    }
}

/// Whether it is sure that there are none, not only that they may not be made.
pub(crate) fn lacks_ring_buffers() -> bool {
    attempts::lacks_ring_buffers()
}

fn settings() -> Vec<KernelSetting> {
    let read = |(name, path): &(&'static str, &str)| {
        let value = fs::read_to_string(path).ok()?.trim().to_owned();
        Some(KernelSetting { name, value })
    };
    let mut settings: Vec<KernelSetting> = SETTINGS.iter().filter_map(read).collect();
    settings.extend(lockdown().map(|value| KernelSetting { name: "lockdown", value }));
    let locked = rustix::process::getrlimit(rustix::process::Resource::Memlock).current;
    let value = locked.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
    settings.push(KernelSetting { name: "locked memory limit (bytes)", value });
    settings
}

const SETTINGS: &[(&str, &str)] = &[
    ("kernel.osrelease", "/proc/sys/kernel/osrelease"),
    ("kernel.unprivileged_bpf_disabled", "/proc/sys/kernel/unprivileged_bpf_disabled"),
    ("kernel.perf_event_paranoid", "/proc/sys/kernel/perf_event_paranoid"),
    ("kernel.kptr_restrict", "/proc/sys/kernel/kptr_restrict"),
    ("net.core.bpf_jit_enable", "/proc/sys/net/core/bpf_jit_enable"),
];
