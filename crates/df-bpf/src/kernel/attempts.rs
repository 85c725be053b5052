//! One attempt for each feature of the kernel: it does what the probes do, in small, and undoes it.

use std::fs::{self, File};
use std::path::Path;

use aya::maps::MapData;
use aya::programs::perf_event::{PerfEventConfig, PerfEventScope, SamplePolicy, SoftwareEvent};
use aya::programs::uprobe::UProbeScope;
use aya::programs::{
    BtfTracePoint, CgroupAttachMode, CgroupSockAddr, FEntry, KProbe, PerfEvent, ProgramError, RawTracePoint,
    TracePoint, UProbe,
};
use aya::sys::is_helper_supported;
use aya::{Btf, Ebpf, EbpfLoader, Endianness};

use super::KernelFeature;
use crate::cgroup;
use crate::error::{AttachError, is_not_permitted};
use crate::loader::aya::attach_error;
use crate::privileges::{Refused, TracefsError, remedy, tracefs};
use crate::tls::all_pids;

/// Every feature, tried.
pub(super) fn all(btf_path: Option<&Path>) -> Vec<KernelFeature> {
    let types = btf_path.map(|path| {
        let is_available = Btf::parse_file(path, Endianness::default()).is_ok();
        let what = if is_available { "was read" } else { "has no BTF" };
        let detail = format!("{} {what}", path.display());
        let remedy = if is_available { String::new() } else { BTF_FILE.to_owned() };
        KernelFeature { name: ATTEMPTS[0].name, is_available, is_needed: true, detail, remedy }
    });
    let tried = ATTEMPTS.iter().skip(usize::from(types.is_some())).map(Attempt::run);
    types.into_iter().chain(tried).collect()
}

/// Whether it is sure that the kernel has none.
pub(super) fn lacks_ring_buffers() -> bool {
    matches!(ring_buffer(), Err(Failure::Other(_)))
}

/// The name of the feature.
pub(super) const RING_BUFFER: &str = "ring buffer";

struct Attempt {
    name: &'static str,
    is_needed: bool,
    /// What was done when it works.
    done: &'static str,
    try_it: fn() -> Result<(), Failure>,
    /// What the kernel must have for it.
    needs: &'static str,
}

/// Why something does not work.
enum Failure {
    NotPermitted(String),
    NoTracefs,
    /// In the kernel's or the loader's words.
    Other(String),
}

impl Attempt {
    fn run(&self) -> KernelFeature {
        let result = (self.try_it)();
        let is_available = result.is_ok();
        let (detail, remedy) = match result {
            Ok(()) => (self.done.to_owned(), String::new()),
            Err(Failure::NotPermitted(remedy)) => ("not permitted".to_owned(), remedy),
            Err(Failure::NoTracefs) => ("tracefs is not mounted".to_owned(), MOUNT_TRACEFS.to_owned()),
            Err(Failure::Other(reason)) => (reason, format!("needs {}", self.needs)),
        };
        KernelFeature { name: self.name, is_available, is_needed: self.is_needed, detail, remedy }
    }
}

const BTF_FILE: &str = "a kernel with CONFIG_DEBUG_INFO_BTF, or a file with the BTF of exactly this kernel";

const ATTEMPTS: &[Attempt] = &[
    Attempt {
        name: "BTF",
        is_needed: true,
        done: "/sys/kernel/btf/vmlinux was read",
        try_it: btf,
        needs: BTF_FILE,
    },
    Attempt {
        name: RING_BUFFER,
        is_needed: false,
        done: "a ring was made",
        try_it: ring_buffer,
        needs: "Linux 5.8 or newer; without it the reduced programs are loaded: no TLS, no goroutines, no profiles",
    },
    Attempt {
        name: "reading kernel memory",
        is_needed: true,
        done: "a program that does was accepted",
        try_it: kernel_memory,
        needs: "a kernel that is not locked down to confidentiality",
    },
    Attempt {
        name: "hooks of system calls",
        is_needed: true,
        done: "at least one of the five kinds below works",
        try_it: any_kind,
        needs: "one of the five kinds below",
    },
    Attempt {
        name: "tracepoints of sockets",
        is_needed: false,
        done: "tp_btf/sock_recv_length was hooked",
        try_it: socket_tracepoint,
        needs: "Linux 6.3 or newer, with BTF",
    },
    Attempt {
        name: "root of the control groups",
        is_needed: false,
        done: "cgroup/recvmsg4 was hooked",
        try_it: cgroup_root,
        needs: "the host's own cgroup2, mounted; without it other hooks tell from whom datagrams are",
    },
    Attempt {
        name: "tracefs",
        is_needed: false,
        done: "it is mounted and can be read",
        try_it: readable_tracefs,
        needs: "a kernel with CONFIG_FTRACE",
    },
    Attempt {
        name: "system call tracepoints",
        is_needed: false,
        done: "syscalls:sys_enter_shutdown was hooked",
        try_it: tracepoint,
        needs: "a kernel with CONFIG_FTRACE_SYSCALLS",
    },
    Attempt {
        name: "raw tracepoints",
        is_needed: false,
        done: "sched_process_exit was hooked",
        try_it: raw_tracepoint,
        needs: "Linux 4.17 or newer",
    },
    Attempt {
        name: "typed raw tracepoints",
        is_needed: false,
        done: "tp_btf/sys_exit was hooked",
        try_it: typed_tracepoint,
        needs: "Linux 5.5 or newer, with BTF",
    },
    Attempt {
        name: "function entries (fentry)",
        is_needed: false,
        done: "bpf_fentry_test1 was hooked",
        try_it: function_entry,
        needs: "Linux 5.5 or newer on x86_64, 6.0 on aarch64, with BTF and CONFIG_DYNAMIC_FTRACE",
    },
    Attempt {
        name: "kprobes",
        is_needed: false,
        done: "tcp_close was hooked",
        try_it: kprobe,
        needs: "a kernel with CONFIG_KPROBE_EVENTS",
    },
    Attempt {
        name: "uprobes",
        is_needed: false,
        done: "a function of this program was hooked",
        try_it: uprobe,
        needs: "a kernel with CONFIG_UPROBE_EVENTS",
    },
    Attempt {
        name: "other processes' files",
        is_needed: false,
        done: "the programs of most processes can be opened",
        try_it: process_files,
        needs: "/proc without hidepid",
    },
    Attempt {
        name: "profiling by perf events",
        is_needed: false,
        done: "a processor's clock was hooked",
        try_it: sampling,
        needs: "a kernel with CONFIG_PERF_EVENTS",
    },
];

fn btf() -> Result<(), Failure> {
    Btf::from_sys_fs().map(|_| ()).map_err(failure)
}

fn ring_buffer() -> Result<(), Failure> {
    const RINGBUF: u32 = 27;
    let definition = aya_obj::Map::new_from_params(RINGBUF, 0, 0, 1 << 16, 0);
    MapData::create(definition, "df_probe", None).map(|_| ()).map_err(failure)
}

fn kernel_memory() -> Result<(), Failure> {
    use aya::programs::ProgramType;
    use aya::sys::BpfHelper;

    // The second is what there was before 5.5.
    for helper in [BpfHelper::BPF_FUNC_probe_read_kernel, BpfHelper::BPF_FUNC_probe_read] {
        if is_helper_supported(ProgramType::TracePoint, helper).map_err(failure)? {
            return Ok(());
        }
    }
    Err(Failure::Other("programs may not read it".to_owned()))
}

/// Whether one works; else why the first does not.
fn any_kind() -> Result<(), Failure> {
    let kinds = [socket_tracepoint, tracepoint, function_entry, typed_tracepoint, kprobe];
    let mut failures = kinds.into_iter().map_while(|try_it| try_it().err());
    let failures: Vec<Failure> = failures.by_ref().collect();
    let is_permitted = |failure: &Failure| !matches!(failure, Failure::NotPermitted(_));
    match failures {
        some if some.len() < kinds.len() => Ok(()),
        all if all.iter().all(is_permitted) => Err(Failure::Other("none works".to_owned())),
        all => all.into_iter().find(|failure| !is_permitted(failure)).map_or(Ok(()), Err),
    }
}

fn readable_tracefs() -> Result<(), Failure> {
    match tracefs() {
        Ok(_) => Ok(()),
        Err(TracefsError::NotMounted) => Err(Failure::NoTracefs),
        Err(TracefsError::NotReadable) => Err(Failure::NotPermitted(remedy(Refused::Tracefs))),
    }
}

fn tracepoint() -> Result<(), Failure> {
    readable_tracefs()?;
    attempt("on_tracepoint", |program: &mut TracePoint| {
        program.load()?;
        program.attach("syscalls", "sys_enter_shutdown").map(|_| ())
    })
}

fn raw_tracepoint() -> Result<(), Failure> {
    attempt("on_raw_tracepoint", |program: &mut RawTracePoint| {
        program.load()?;
        program.attach("sched_process_exit").map(|_| ())
    })
}

fn typed_tracepoint() -> Result<(), Failure> {
    at_typed_tracepoint("on_typed_tracepoint", "sys_exit")
}

fn socket_tracepoint() -> Result<(), Failure> {
    at_typed_tracepoint("on_received", "sock_recv_length")
}

fn at_typed_tracepoint(program: &str, name: &str) -> Result<(), Failure> {
    let btf = Btf::from_sys_fs().map_err(failure)?;
    attempt(program, |program: &mut BtfTracePoint| {
        program.load(name, &btf)?;
        program.attach().map(|_| ())
    })
}

fn cgroup_root() -> Result<(), Failure> {
    let root = cgroup::root().ok_or_else(|| Failure::Other("it is not mounted here".to_owned()))?;
    let root = File::open(root).map_err(failure)?;
    let hooked = attempt("on_heard", |program: &mut CgroupSockAddr| {
        program.load()?;
        program.attach(root, CgroupAttachMode::Single).map(|_| ())
    });
    hooked.map_err(|failure| match failure {
        Failure::NotPermitted(_) => Failure::NotPermitted(remedy(Refused::Cgroup)),
        other => other,
    })
}

fn function_entry() -> Result<(), Failure> {
    let btf = Btf::from_sys_fs().map_err(failure)?;
    let hooked = attempt("on_function_entry", |program: &mut FEntry| {
        program.load("bpf_fentry_test1", &btf)?;
        program.attach().map(|_| ())
    });
    hooked.map_err(|failure| match failure {
        Failure::NotPermitted(_) => Failure::NotPermitted(remedy(Refused::FunctionEntry)),
        other => other,
    })
}

fn kprobe() -> Result<(), Failure> {
    attempt("on_kprobe", |program: &mut KProbe| {
        program.load()?;
        program.attach("tcp_close", 0).map(|_| ())
    })
}

fn uprobe() -> Result<(), Failure> {
    let place =
        own_function().ok_or_else(|| Failure::Other("/proc/self/maps tells no function".to_owned()))?;
    let hooked = attempt("on_uprobe", |program: &mut UProbe| {
        program.load()?;
        program.attach(place.1, &place.0, UProbeScope::AllProcesses).map(|_| ())
    });
    hooked.map_err(|failure| match failure {
        Failure::NotPermitted(_) => Failure::NotPermitted(remedy(Refused::Uprobe)),
        other => other,
    })
}

/// Processes of the machine's own, or with more privileges, may be out of reach for root too.
fn process_files() -> Result<(), Failure> {
    let programs = all_pids().map(|pid| fs::read_link(format!("/proc/{pid}/exe")));
    let (mut readable, mut refused) = (0_u32, 0_u32);
    for result in programs {
        match result {
            Ok(_) => readable += 1,
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => refused += 1,
            // Gone, or a thread of the kernel.
            Err(_) => (),
        }
    }
    if refused <= readable / 2 {
        return Ok(());
    }
    Err(Failure::NotPermitted(format!(
        "the programs of {refused} of {} processes cannot be opened: run as root, or with CAP_SYS_PTRACE",
        readable + refused
    )))
}

fn sampling() -> Result<(), Failure> {
    attempt("on_sample", |program: &mut PerfEvent| {
        program.load()?;
        let clock = PerfEventConfig::Software(SoftwareEvent::CpuClock);
        let scope = PerfEventScope::AllProcessesOneCpu { cpu: 0 };
        program.attach(clock, scope, SamplePolicy::Frequency(1), false).map(|_| ())
    })
}

/// Loads a program that does nothing and hangs it up; it comes down with the object.
fn attempt<P>(name: &str, hang_up: impl FnOnce(&mut P) -> Result<(), ProgramError>) -> Result<(), Failure>
where
    for<'a> &'a mut P: TryFrom<&'a mut aya::programs::Program, Error = ProgramError>,
{
    let mut object: Ebpf = EbpfLoader::new().load(OBJECT).map_err(failure)?;
    let program = object.program_mut(name).ok_or_else(|| Failure::Other("the object lacks it".to_owned()))?;
    let program: &mut P = program.try_into().map_err(failure)?;
    hang_up(program).map_err(|error| match attach_error(name, name, &error) {
        AttachError::NotPermitted { remedy } => Failure::NotPermitted(remedy),
        AttachError::NoHook { .. } => Failure::Other("this kernel has none".to_owned()),
        other => Failure::Other(other.to_string()),
    })
}

fn failure(error: impl std::error::Error + 'static) -> Failure {
    if is_not_permitted(&error) {
        return Failure::NotPermitted(remedy(Refused::Bpf));
    }
    Failure::Other(crate::error::whole_message(&error))
}

/// A file that this process runs, and where in it a function stands that nobody calls.
fn own_function() -> Option<(String, u64)> {
    let address = u64::try_from(never_called as fn() as usize).ok()?;
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        let (start, end) = (u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?);
        let offset = u64::from_str_radix(fields.nth(1)?, 16).ok()?;
        let path = fields.nth(2)?;
        (start..end).contains(&address).then(|| (path.to_owned(), address - start + offset))
    })
}

#[inline(never)]
fn never_called() {
    std::hint::black_box(0);
}

const MOUNT_TRACEFS: &str = "run `mount -t tracefs tracefs /sys/kernel/tracing`";

/// Programs that do nothing, the same for every architecture.
const OBJECT: &[u8] = aya::include_bytes_aligned!("../../objects/probe.bpf.o");
