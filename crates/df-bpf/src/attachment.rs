//! Which program hangs on which hook: system calls by the best kind of hook that works, and what is hooked beside them.

use crate::ProgramSet;
use crate::error::{AttachError, LoadError};
use crate::hooks::{HookKind, Hooks};
use crate::loader::{KernelHook, Loader};
use crate::privileges::{Refused, lockdown, remedy};
use crate::report::{CallReport, ProbeReport, Refusal};

mod sockets;

/// Attaches what leaves a call before what enters it: a call is told of only when both are there.
pub(crate) fn attach(
    loader: &mut dyn Loader,
    (program_set, hooks): (ProgramSet, Hooks),
    unix_sockets: bool,
) -> Result<ProbeReport, LoadError> {
    let mut report = ProbeReport { program_set, ..ProbeReport::default() };
    let hooks = match program_set {
        ProgramSet::Whole => hooks,
        ProgramSet::Reduced if hooks.kinds().any(|kind| kind == HookKind::Tracepoint) => {
            Hooks::Only(HookKind::Tracepoint)
        }
        ProgramSet::Reduced => {
            let what = "the reduced programs hang on tracepoints alone";
            return Err(LoadError::Config { field: "hooks", what });
        }
    };
    match program_set {
        ProgramSet::Whole => attach_raw_tracepoints(loader, &mut report),
        ProgramSet::Reduced => attach_tracepoints(loader, &mut report),
    }
    let mut open: Vec<&Call> = CALLS.iter().collect();
    for kind in hooks.kinds() {
        match kind {
            _ if open.is_empty() => break,
            HookKind::Socket if unix_sockets => report.refusals.push(sockets::not_for_unix()),
            HookKind::Socket => sockets::attach(loader, &mut open, &mut report)?,
            HookKind::EveryCall => attach_to_every_call(loader, &mut open, &mut report),
            _ => attach_kind(loader, kind, &mut open, &mut report),
        }
    }
    loader.forget_types();
    if open.len() == CALLS.len() {
        return Err(nothing_attached(&report));
    }
    for call in open {
        let reasons = report.reasons(Some(call.name));
        report.push(call.name, Err(AttachError::NoKind { reasons }));
        report.calls.push(CallReport { call: call.name, kind: None });
    }
    Ok(report)
}

fn attach_raw_tracepoints(loader: &mut dyn Loader, report: &mut ProbeReport) {
    loader.prepare(&RAW_TRACEPOINTS.map(|(program, _)| program));
    for (program, name) in RAW_TRACEPOINTS {
        report.push(name, loader.attach_raw_tracepoint(program, name));
    }
}

fn attach_tracepoints(loader: &mut dyn Loader, report: &mut ProbeReport) {
    for (program, category, name) in TRACEPOINTS {
        let hook = KernelHook::Tracepoint(category, name);
        report.push(hook.to_string(), loader.attach(program, hook));
    }
}

/// A kernel that is locked down refuses each kind in words of its own, none of which says why.
fn nothing_attached(report: &ProbeReport) -> LoadError {
    match lockdown().as_deref() {
        Some("confidentiality") => {
            LoadError::NotPermitted { call: "hooking system calls", remedy: remedy(Refused::Bpf) }
        }
        _ => LoadError::NothingAttached { reasons: report.reasons(None) },
    }
}

/// Attaches what is still `open`. When the first call is refused, all are: it is one that every kernel has.
fn attach_kind(
    loader: &mut dyn Loader,
    kind: HookKind,
    open: &mut Vec<&'static Call>,
    report: &mut ProbeReport,
) {
    let mut refused = Vec::new();
    for call in open.iter().copied() {
        match attach_call(loader, kind, call) {
            Ok(hooks) => {
                if call.name == CALLS[0].name {
                    prepare(loader, kind, open);
                }
                for hook in hooks {
                    report.push(hook, Ok(()));
                }
                report.calls.push(CallReport { call: call.name, kind: Some(kind) });
            }
            Err(error) if call.name == CALLS[0].name => {
                report.refusals.push(Refusal { kind, call: None, error });
                return;
            }
            Err(error) => {
                report.refusals.push(Refusal { kind, call: Some(call.name), error });
                refused.push(call);
            }
        }
    }
    *open = refused;
}

/// The programs of all calls but the first, each once.
fn prepare(loader: &mut dyn Loader, kind: HookKind, calls: &[&'static Call]) {
    let mut programs: Vec<String> = calls.iter().flat_map(|call| call.programs(kind)).collect();
    let first: Vec<String> = calls.iter().take(1).flat_map(|call| call.programs(kind)).collect();
    programs.sort_unstable();
    programs.dedup();
    programs.retain(|program| !first.contains(program));
    loader.prepare(&programs.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Hooks one call, and gives the names of the hooks.
fn attach_call(loader: &mut dyn Loader, kind: HookKind, call: &Call) -> Result<Vec<String>, AttachError> {
    let name = call.name;
    let function = format!("{FUNCTION}{name}");
    let (enter, leave) = (format!("sys_enter_{name}"), format!("sys_exit_{name}"));
    let sides = [
        call.returns.map(|returns| (returns.program(kind, name), Side::Return)),
        call.is_entry_told.then(|| (entry_program(kind, name), Side::Entry)),
    ];
    let mut attached = Vec::new();
    for (program, side) in sides.into_iter().flatten() {
        let hook = match (kind, side) {
            (HookKind::FunctionEntry, Side::Entry) => KernelHook::FunctionEntry(&function),
            (HookKind::FunctionEntry, Side::Return) => KernelHook::FunctionReturn(&function),
            (HookKind::Kprobe, Side::Entry) => KernelHook::Kprobe(&function),
            (HookKind::Kprobe, Side::Return) => KernelHook::Kretprobe(&function),
            (_, Side::Entry) => KernelHook::Tracepoint(SYSTEM_CALLS, &enter),
            (_, Side::Return) => KernelHook::Tracepoint(SYSTEM_CALLS, &leave),
        };
        loader.attach(&program, hook)?;
        attached.push(hook.to_string());
    }
    Ok(attached)
}

/// One pair of programs for all calls. They would tell of calls that are hooked otherwise a second time, but for what sockets tell.
fn attach_to_every_call(loader: &mut dyn Loader, open: &mut Vec<&'static Call>, report: &mut ProbeReport) {
    if report.calls.iter().any(|call| call.kind != Some(HookKind::Socket)) {
        return;
    }
    let pair = [("on_any_exit", "sys_exit"), ("on_any_enter", "sys_enter")];
    for (program, name) in pair {
        if let Err(error) = loader.attach(program, KernelHook::TypedTracepoint(name)) {
            report.refusals.push(Refusal { kind: HookKind::EveryCall, call: None, error });
            return;
        }
    }
    for (_, name) in pair {
        report.push(KernelHook::TypedTracepoint(name).to_string(), Ok(()));
    }
    let kind = Some(HookKind::EveryCall);
    report.calls.extend(open.drain(..).map(|call| CallReport { call: call.name, kind }));
}

/// A system call that is hooked.
struct Call {
    name: &'static str,
    is_entry_told: bool,
    returns: Option<Returns>,
}

/// Which program a call comes back to. Several calls share one, but for those that are made for one function.
#[derive(Debug, Clone, Copy)]
enum Returns {
    One,
    Several,
    Accepted,
}

enum Side {
    Entry,
    Return,
}

impl Call {
    fn programs(&self, kind: HookKind) -> impl Iterator<Item = String> {
        let entry = self.is_entry_told.then(|| entry_program(kind, self.name));
        entry.into_iter().chain(self.returns.map(|returns| returns.program(kind, self.name)))
    }
}

fn entry_program(kind: HookKind, name: &str) -> String {
    let prefix = match kind {
        HookKind::FunctionEntry => "entry",
        HookKind::Kprobe => "kprobe",
        HookKind::Socket | HookKind::Tracepoint | HookKind::EveryCall => "on",
    };
    format!("{prefix}_{name}")
}

impl Returns {
    fn program(self, kind: HookKind, name: &str) -> String {
        let sort = match self {
            Self::One => "leave",
            Self::Several => "leave_messages",
            Self::Accepted => "accepted",
        };
        match kind {
            HookKind::FunctionEntry => format!("exit_{name}"),
            _ => entry_program(kind, sort),
        }
    }
}

/// The first is one that no kernel lacks.
const CALLS: &[Call] = &[
    told("read", Returns::One),
    told("write", Returns::One),
    told("readv", Returns::One),
    told("writev", Returns::One),
    told("recvfrom", Returns::One),
    told("sendto", Returns::One),
    told("recvmsg", Returns::One),
    told("sendmsg", Returns::One),
    told("recvmmsg", Returns::Several),
    told("sendmmsg", Returns::Several),
    told("sendfile64", Returns::One),
    told("splice", Returns::One),
    entered("io_uring_enter"),
    told("connect", Returns::One),
    returned("accept", Returns::Accepted),
    returned("accept4", Returns::Accepted),
    entered("shutdown"),
    entered("close"),
];

const fn told(name: &'static str, returns: Returns) -> Call {
    Call { name, is_entry_told: true, returns: Some(returns) }
}

const fn entered(name: &'static str) -> Call {
    Call { name, is_entry_told: true, returns: None }
}

const fn returned(name: &'static str, returns: Returns) -> Call {
    Call { name, is_entry_told: false, returns: Some(returns) }
}

const RAW_TRACEPOINTS: [(&str, &str); 4] = [
    ("on_exec", "sched_process_exec"),
    ("on_fork", "sched_process_fork"),
    ("on_exit", "sched_process_exit"),
    ("on_socket_state", "inet_sock_set_state"),
];

/// The same where there are no raw tracepoints.
const TRACEPOINTS: [(&str, &str, &str); 4] = [
    ("on_exec", "sched", "sched_process_exec"),
    ("on_fork", "task", "task_newtask"),
    ("on_exit", "sched", "sched_process_exit"),
    ("on_socket_state", "sock", "inet_sock_set_state"),
];

/// The category of tracepoints of single system calls.
const SYSTEM_CALLS: &str = "syscalls";
/// How the kernel's functions for system calls begin.
#[cfg(target_arch = "x86_64")]
const FUNCTION: &str = "__x64_sys_";
#[cfg(target_arch = "aarch64")]
const FUNCTION: &str = "__arm64_sys_";
