//! One probe per way to observe. Each looks at the machine itself, not at what its kernel version promises.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::capabilities::{Capabilities, Capability};
use super::{Finding, State};

/// Runs every probe.
pub(super) fn run() -> Vec<Finding> {
    let capabilities = Capabilities::of_this_process();
    let tracefs = tracefs();
    vec![
        packets(capabilities),
        syscall_tracepoints(capabilities, tracefs.as_deref()),
        kprobe(capabilities, tracefs.as_deref()),
        fentry(capabilities, tracefs.as_deref()),
        openssl_uprobe(capabilities),
        go_uprobe(capabilities),
        profiling(capabilities),
        ring_buffer(capabilities),
        btf(),
    ]
}

/// Opens the very socket that capture uses.
fn packets(capabilities: Capabilities) -> Finding {
    let opened = socket_with(AddressFamily::PACKET, SocketType::RAW, SocketFlags::CLOEXEC, None);
    let (state, detail, remedy) = match opened {
        Ok(_) => (State::Ready, "a packet socket opens".to_owned(), String::new()),
        Err(Errno::PERM | Errno::ACCESS) => {
            let held = if capabilities.has(Capability::NetRaw) { "held, yet" } else { "not held:" };
            let detail = format!("CAP_NET_RAW {held} the packet socket was refused");
            (State::Missing, detail, "run as root, or `setcap cap_net_raw+ep` on the binary".to_owned())
        }
        Err(errno) => {
            let remedy = "a kernel with CONFIG_PACKET, outside a sandbox that hides it".to_owned();
            (State::Missing, format!("no packet socket: {errno}"), remedy)
        }
    };
    Finding { name: "AF_PACKET", state, detail, remedy }
}

fn syscall_tracepoints(capabilities: Capabilities, tracefs: Option<&Path>) -> Finding {
    let tracepoint = tracefs.map(|root| root.join("events/syscalls/sys_enter_read/id"));
    let found = tracepoint.is_some_and(|path| readable(&path));
    let missing = "no tracepoint syscalls/sys_enter_read can be read in tracefs";
    traced(
        "syscall tracepoints",
        capabilities,
        found,
        "syscalls/sys_enter_read can be read",
        missing,
        TRACEFS,
    )
}

fn kprobe(capabilities: Capabilities, tracefs: Option<&Path>) -> Finding {
    let found = readable(Path::new("/sys/bus/event_source/devices/kprobe/type"))
        || tracefs.is_some_and(|root| writable(&root.join("kprobe_events")));
    let remedy = "a kernel with CONFIG_KPROBE_EVENTS";
    traced("kprobe", capabilities, found, "the kernel offers kprobes", "the kernel offers no kprobes", remedy)
}

fn fentry(capabilities: Capabilities, tracefs: Option<&Path>) -> Finding {
    let has_trampolines = tracefs.is_some_and(|root| readable(&root.join("available_filter_functions")));
    let found = has_trampolines && readable(Path::new(BTF_FILE));
    let missing = "needs kernel BTF and function tracing, one of which is not there";
    let remedy = "a kernel with CONFIG_DEBUG_INFO_BTF and CONFIG_DYNAMIC_FTRACE; tracefs mounted";
    traced("fentry", capabilities, found, "kernel BTF and function tracing are there", missing, remedy)
}

fn openssl_uprobe(capabilities: Capabilities) -> Finding {
    let library = libssl();
    let detail = library
        .as_ref()
        .map_or_else(String::new, |path| format!("uprobes offered, {} found", path.display()));
    let (missing, remedy) = match (has_uprobes(), &library) {
        (false, _) => ("the kernel offers no uprobes", UPROBES),
        (true, _) => ("uprobes offered, but no libssl.so in the usual places", "install the OpenSSL library"),
    };
    traced("OpenSSL uprobe", capabilities, has_uprobes() && library.is_some(), &detail, missing, remedy)
}

fn go_uprobe(capabilities: Capabilities) -> Finding {
    let missing = "the kernel offers no uprobes";
    traced("Go uprobe", capabilities, has_uprobes(), "uprobes offered", missing, UPROBES)
}

fn profiling(capabilities: Capabilities) -> Finding {
    let path = Path::new("/proc/sys/kernel/perf_event_paranoid");
    let level = std::fs::read_to_string(path).ok().and_then(|text| text.trim().parse::<i32>().ok());
    let privileged = capabilities.has(Capability::Perfmon) || capabilities.has(Capability::SysAdmin);
    let (state, detail, remedy) = match level {
        None => {
            (State::Missing, "the kernel has no perf events".to_owned(), "a kernel with CONFIG_PERF_EVENTS")
        }
        Some(level) if privileged || level <= 0 => {
            (State::Offered, format!("perf_event_paranoid is {level}, privileges suffice"), "")
        }
        Some(level) => {
            let detail = format!("perf_event_paranoid is {level} and CAP_PERFMON is not held");
            (State::Missing, detail, "run as root or with CAP_PERFMON")
        }
    };
    Finding { name: "perf profiling", state, detail, remedy: remedy.to_owned() }
}

/// The ring buffer map has no file of its own; its helper functions are in the list of kernel symbols.
fn ring_buffer(capabilities: Capabilities) -> Finding {
    let symbols = std::fs::read_to_string("/proc/kallsyms").unwrap_or_default();
    let found = symbols.lines().any(|line| line.ends_with(" bpf_ringbuf_reserve"));
    let missing = "the kernel's symbols show no BPF ring buffer";
    traced(
        "ring buffer",
        capabilities,
        found,
        "the kernel has BPF ring buffers",
        missing,
        "Linux 5.8 or later with CONFIG_BPF_SYSCALL",
    )
}

fn btf() -> Finding {
    let found = readable(Path::new(BTF_FILE));
    let (state, detail, remedy) = if found {
        (State::Offered, format!("{BTF_FILE} can be read"), String::new())
    } else {
        let remedy = "a kernel with CONFIG_DEBUG_INFO_BTF".to_owned();
        (State::Missing, format!("{BTF_FILE} cannot be read"), remedy)
    };
    Finding { name: "BTF", state, detail, remedy }
}

/// A finding about something that needs both the kernel's support and the right to trace.
fn traced(
    name: &'static str,
    capabilities: Capabilities,
    found: bool,
    detail: &str,
    missing: &str,
    remedy: &str,
) -> Finding {
    let (state, detail, remedy) = match (found, capabilities.may_trace()) {
        (true, true) => (State::Offered, detail.to_owned(), ""),
        (true, false) => (State::Missing, format!("{detail}, but privileges are missing"), PRIVILEGES),
        (false, true) => (State::Missing, missing.to_owned(), remedy),
        (false, false) => (State::Missing, format!("{missing}, and privileges are missing"), PRIVILEGES),
    };
    Finding { name, state, detail, remedy: remedy.to_owned() }
}

fn tracefs() -> Option<PathBuf> {
    ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"]
        .into_iter()
        .map(PathBuf::from)
        .find(|root| root.join("events").is_dir())
}

fn has_uprobes() -> bool {
    readable(Path::new("/sys/bus/event_source/devices/uprobe/type"))
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

fn readable(path: &Path) -> bool {
    File::open(path).is_ok()
}

fn writable(path: &Path) -> bool {
    OpenOptions::new().append(true).open(path).is_ok()
}

const BTF_FILE: &str = "/sys/kernel/btf/vmlinux";
const PRIVILEGES: &str = "run as root, or with CAP_BPF and CAP_PERFMON";
const TRACEFS: &str = "mount -t tracefs tracefs /sys/kernel/tracing; a kernel with CONFIG_FTRACE_SYSCALLS";
const UPROBES: &str = "a kernel with CONFIG_UPROBE_EVENTS";
