//! Which capabilities this thread holds, and what to do about those that it lacks.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

/// A capability, whether it is held, and what it is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capability {
    /// Its name, such as `CAP_BPF`.
    pub name: &'static str,
    /// Whether the calling thread holds it, be it through one that includes it. Those that count in a user namespace
    /// alone, as root's of a rootless container, are not held.
    pub is_held: bool,
    /// What the probes do with it.
    pub purpose: &'static str,
}

/// The capabilities that probes can use, those that nothing works without first.
pub(crate) fn useful_capabilities() -> Vec<Capability> {
    let held = held();
    let state = |(name, sets, purpose): &(&'static str, CapabilitySet, &'static str)| Capability {
        name,
        is_held: held.intersects(*sets),
        purpose,
    };
    USEFUL.iter().map(state).collect()
}

/// Gives up, for this thread, every capability but these.
pub(crate) fn keep_only(kept: CapabilitySet) -> rustix::io::Result<()> {
    let mut sets = capabilities(None)?;
    sets.permitted &= kept;
    sets.effective &= kept;
    sets.inheritable &= kept;
    set_capabilities(None, sets)
}

/// Whether something works without any capability in effect; those of this thread are as before afterwards.
pub(crate) fn works_without(attempt: impl FnOnce() -> bool) -> rustix::io::Result<bool> {
    let before = capabilities(None)?;
    set_capabilities(None, CapabilitySets { effective: CapabilitySet::empty(), ..before })?;
    let works = attempt();
    set_capabilities(None, before)?;
    Ok(works)
}

/// What hooking further programs and libraries takes, and finding them.
pub(crate) const HOOKING: CapabilitySet = CapabilitySet::SYS_ADMIN
    .union(CapabilitySet::SYS_PTRACE)
    .union(CapabilitySet::DAC_READ_SEARCH)
    .union(CapabilitySet::DAC_OVERRIDE);

/// What reading the symbols of any process and of the kernel takes.
#[cfg(feature = "profile")]
pub(crate) const SYMBOLIZING: CapabilitySet = CapabilitySet::SYS_PTRACE
    .union(CapabilitySet::DAC_READ_SEARCH)
    .union(CapabilitySet::CHECKPOINT_RESTORE)
    .union(CapabilitySet::SYSLOG);

/// What was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Making a map, or loading or attaching a program.
    Bpf,
    /// Reading tracefs, where the tracepoints are.
    Tracefs,
    /// Hooking functions of programs and libraries.
    Uprobe,
    /// Hooking functions of the kernel by changing their code.
    FunctionEntry,
    /// Hooking control groups.
    Cgroup,
}

/// What to do about it.
pub(crate) fn remedy(refused: Refused) -> String {
    let needed: &[&str] = match refused {
        Refused::Bpf | Refused::FunctionEntry => &["CAP_BPF", "CAP_PERFMON"],
        Refused::Tracefs => &["CAP_BPF", "CAP_PERFMON", "CAP_DAC_READ_SEARCH"],
        Refused::Uprobe => &["CAP_SYS_ADMIN"],
        Refused::Cgroup => &["CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"],
    };
    let all = useful_capabilities();
    let is_missing = |name: &&&str| all.iter().any(|one| one.name == **name && !one.is_held);
    let missing: Vec<&str> = needed.iter().filter(is_missing).copied().collect();
    let are = if missing.len() == 1 { "is" } else { "are" };
    let names = missing.join(" and ");
    match refused {
        _ if is_in_user_namespace() => IN_USER_NAMESPACE.to_owned(),
        _ if missing.is_empty() => forbidden(refused, needed),
        Refused::Bpf | Refused::Tracefs | Refused::FunctionEntry => {
            let setcap = "setcap cap_bpf,cap_perfmon,cap_dac_read_search+ep";
            format!("{names} {are} missing: run as root, or `{setcap}` the program")
        }
        Refused::Uprobe | Refused::Cgroup => format!("{names} {are} missing: run as root"),
    }
}

/// How far the kernel is locked down: `none`, `integrity` or `confidentiality`; None where it does not tell.
pub(crate) fn lockdown() -> Option<String> {
    let modes = fs::read_to_string("/sys/kernel/security/lockdown").ok()?;
    let (_, rest) = modes.split_once('[')?;
    Some(rest.split_once(']')?.0.to_owned())
}

/// Where tracefs is mounted and can be read.
pub(crate) fn tracefs() -> Result<&'static Path, TracefsError> {
    let mut error = TracefsError::NotMounted;
    for place in ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"].map(Path::new) {
        match fs::metadata(place.join("events")) {
            Ok(_) => return Ok(place),
            Err(cause) if cause.kind() == std::io::ErrorKind::PermissionDenied => {
                error = TracefsError::NotReadable;
            }
            Err(_) => (),
        }
    }
    Err(error)
}

/// Why tracefs is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TracefsError {
    NotMounted,
    NotReadable,
}

fn held() -> CapabilitySet {
    if is_in_user_namespace() {
        return CapabilitySet::empty();
    }
    capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective)
}

fn is_in_user_namespace() -> bool {
    fs::metadata("/proc/self/ns/user").is_ok_and(|namespace| namespace.ino() != FIRST_USER_NAMESPACE)
}

/// All that is needed is held, and yet.
fn forbidden(refused: Refused, held: &[&str]) -> String {
    let are = if held.len() == 1 { "is" } else { "are" };
    let names = held.join(" and ");
    match (lockdown().as_deref(), refused) {
        (Some("confidentiality"), _) => {
            "the kernel is locked down (confidentiality): boot it with lockdown=integrity or none".to_owned()
        }
        (_, Refused::FunctionEntry) => format!(
            "though {names} {are} held: the kernel, a hypervisor that forbids changes of kernel code, a container, a \
             seccomp filter or a security module forbids it"
        ),
        _ => format!(
            "though {names} {are} held: the kernel, a container, a seccomp filter, a security module or, before Linux \
             5.11, `ulimit -l` forbids it"
        ),
    }
}

const IN_USER_NAMESPACE: &str = "this is a user namespace, as of a rootless container, whose root is nobody to the kernel: \
                                 run as root of the host";

/// `PROC_USER_INIT_INO`: the inode number of the host's own user namespace.
const FIRST_USER_NAMESPACE: u64 = 0xefff_fffd;

const USEFUL: [(&str, CapabilitySet, &str); 6] = [
    ("CAP_BPF", CapabilitySet::BPF.union(CapabilitySet::SYS_ADMIN), "loads programs and makes maps"),
    (
        "CAP_PERFMON",
        CapabilitySet::PERFMON.union(CapabilitySet::SYS_ADMIN),
        "attaches programs that read memory of the kernel and of processes",
    ),
    (
        "CAP_DAC_READ_SEARCH",
        CapabilitySet::DAC_READ_SEARCH.union(CapabilitySet::DAC_OVERRIDE),
        "reads tracefs, and programs and libraries of other users",
    ),
    (
        "CAP_NET_ADMIN",
        CapabilitySet::NET_ADMIN,
        "hears from whom datagrams are, without hooks that all calls pay for",
    ),
    ("CAP_SYS_ADMIN", CapabilitySet::SYS_ADMIN, "hooks functions of TLS libraries; includes the first two"),
    ("CAP_SYS_PTRACE", CapabilitySet::SYS_PTRACE, "finds the TLS libraries of other users' processes"),
];
