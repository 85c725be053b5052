//! The rows of the table: packets, then what df-bpf finds out by trying.

use std::path::{Path, PathBuf};

use df_bpf::{Kernel, KernelFeature, ProgramSet};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::{Finding, State};

/// Tries everything.
pub(super) fn run(btf_path: Option<&Path>) -> Vec<Finding> {
    let kernel = Kernel::probe_with_btf(btf_path);
    let mut findings = vec![packets(&kernel), programs(&kernel)];
    findings.extend(kernel.features.iter().flat_map(rows));
    if kernel.program_set() == Some(ProgramSet::Reduced) {
        let unused = findings.iter_mut().filter(|finding| NOT_REDUCED.contains(&finding.name));
        unused.for_each(|finding| {
            finding.state = State::Missing;
            "the reduced programs do not use it".clone_into(&mut finding.detail);
            "Linux 5.8 or newer has all of them".clone_into(&mut finding.remedy);
        });
    }
    findings
}

/// Opens the very socket that capture uses.
fn packets(kernel: &Kernel) -> Finding {
    let opened = socket_with(AddressFamily::PACKET, SocketType::RAW, SocketFlags::CLOEXEC, None);
    let (state, detail, remedy) = match opened {
        Ok(_) => (State::Ready, "a packet socket opens".to_owned(), String::new()),
        Err(Errno::PERM | Errno::ACCESS) => {
            let is_root = kernel.capabilities.iter().all(|capability| capability.is_held);
            let why = if is_root { "although much is permitted" } else { "CAP_NET_RAW is not held" };
            let detail = format!("the packet socket was refused: {why}");
            (State::Missing, detail, "run as root, or `setcap cap_net_raw+ep` on the binary".to_owned())
        }
        Err(errno) => {
            let remedy = "a kernel with CONFIG_PACKET, outside a sandbox that hides it".to_owned();
            (State::Missing, format!("no packet socket: {errno}"), remedy)
        }
    };
    Finding { name: "AF_PACKET", state, detail, remedy }
}

/// Which of the programs would be loaded.
fn programs(kernel: &Kernel) -> Finding {
    let (state, detail, remedy) = match kernel.program_set() {
        Some(ProgramSet::Whole) => (State::Ready, "all of them can be loaded", String::new()),
        Some(ProgramSet::Reduced) => (State::Ready, REDUCED, "Linux 5.8 or newer has all of them".to_owned()),
        None => {
            let is_missing = |feature: &&KernelFeature| feature.is_needed && !feature.is_available;
            let missing: Vec<_> = kernel.features.iter().filter(is_missing).map(|one| one.name).collect();
            (State::Missing, "none can be loaded", format!("see below: {}", missing.join(", ")))
        }
    };
    Finding { name: "eBPF programs", state, detail: detail.to_owned(), remedy }
}

/// A feature under the names of the ways to observe that rest on it.
fn rows(feature: &KernelFeature) -> Vec<Finding> {
    match feature.name {
        "uprobes" => vec![openssl(feature), row("Go uprobe", feature, State::Ready)],
        "system call tracepoints" => vec![row("syscall tracepoints", feature, State::Ready)],
        "function entries (fentry)" => vec![row("fentry", feature, State::Ready)],
        "kprobes" => vec![row("kprobe", feature, State::Ready)],
        "profiling by perf events" => vec![row("perf profiling", feature, State::Offered)],
        "typed raw tracepoints" => vec![row("typed raw tracepoints", feature, State::Ready)],
        name => vec![row(name, feature, State::Ready)],
    }
}

/// A feature that is used (`ready`) or would be there to be used (`offered`).
fn row(name: &'static str, feature: &KernelFeature, available: State) -> Finding {
    let state = if feature.is_available { available } else { State::Missing };
    Finding { name, state, detail: feature.detail.clone(), remedy: feature.remedy.clone() }
}

fn openssl(feature: &KernelFeature) -> Finding {
    let mut finding = row("OpenSSL uprobe", feature, State::Ready);
    if feature.is_available {
        let found = libssl().map(|path| format!("{} is there", path.display()));
        let found =
            found.unwrap_or_else(|| "no libssl.so in the usual places, others are found as they run".into());
        finding.detail = format!("{}; {found}", finding.detail);
    }
    finding
}

/// The OpenSSL library where distributions keep it.
fn libssl() -> Option<PathBuf> {
    let triplet = format!("{}-linux-gnu", std::env::consts::ARCH);
    let folders =
        [format!("/usr/lib/{triplet}"), format!("/lib/{triplet}"), "/usr/lib64".into(), "/usr/lib".into()];
    folders
        .iter()
        .flat_map(|folder| ["libssl.so.3", "libssl.so.1.1"].map(|name| Path::new(folder).join(name)))
        .find(|path| path.exists())
}

/// Rows of what takes more than the reduced programs.
const NOT_REDUCED: &[&str] = &["OpenSSL uprobe", "Go uprobe"];

const REDUCED: &str = "only the reduced ones can be loaded, through perf buffers: system calls, connections and processes; \
                       no TLS, no goroutines, no profiles";
