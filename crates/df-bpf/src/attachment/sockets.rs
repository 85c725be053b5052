//! Hooks at the tracepoints of sockets: a handful of programs tell of all calls.

use super::{CALLS, Call};
use crate::cgroup;
use crate::error::{AttachError, LoadError};
use crate::hooks::HookKind;
use crate::loader::{KernelHook, Loader};
use crate::report::{CallReport, ProbeReport, Refusal};

/// Leaves the calls `open` that receive datagrams where it cannot be told from whom they are. These programs would tell of calls that
/// are hooked otherwise a second time, so it is all or none.
pub(super) fn attach(
    loader: &mut dyn Loader,
    open: &mut Vec<&'static Call>,
    report: &mut ProbeReport,
) -> Result<(), LoadError> {
    if open.len() < CALLS.len() {
        return Ok(());
    }
    loader.prepare(&TRACEPOINTS.map(|(program, _)| program));
    for (program, name) in TRACEPOINTS {
        if let Err(error) = loader.attach(program, KernelHook::TypedTracepoint(name)) {
            report.refusals.push(Refusal { kind: HookKind::Socket, call: None, error });
            return Ok(());
        }
    }
    for (_, name) in TRACEPOINTS {
        report.push(KernelHook::TypedTracepoint(name).to_string(), Ok(()));
    }
    let has_peers = match attach_peers(loader, report) {
        Ok(()) => true,
        Err(error) => {
            report.refusals.push(Refusal { kind: HookKind::Socket, call: Some(DATAGRAM_CALLS[0]), error });
            false
        }
    };
    let is_told = |call: &Call| has_peers || !DATAGRAM_CALLS.contains(&call.name);
    let kind = Some(HookKind::Socket);
    let told = open.iter().filter(|call| is_told(call));
    report.calls.extend(told.map(|call| CallReport { call: call.name, kind }));
    open.retain(|call| !is_told(call));
    loader.insert("told_by", 0, if has_peers { TOLD_WITH_PEERS } else { TOLD })
}

/// What would be missing: a Unix socket has no states of which the kernel tells, as TCP has.
pub(super) fn not_for_unix() -> Refusal {
    let hook = "hook for Unix sockets that are opened and closed, but the calls that do it".to_owned();
    Refusal { kind: HookKind::Socket, call: None, error: AttachError::NoHook { hook } }
}

/// The kernel tells from whom a datagram is to the group of the process that asks for it.
fn attach_peers(loader: &mut dyn Loader, report: &mut ProbeReport) -> Result<(), AttachError> {
    let root = cgroup::root().ok_or_else(|| AttachError::NoHook { hook: NO_ROOT.to_owned() })?;
    for (program, name) in PEERS {
        loader.attach(program, KernelHook::Cgroup(&root, name))?;
    }
    for (_, name) in PEERS {
        report.push(KernelHook::Cgroup(&root, name).to_string(), Ok(()));
    }
    Ok(())
}

const TRACEPOINTS: [(&str, &str); 4] = [
    ("on_connecting", "inet_sock_set_state"),
    ("on_spliced", "tcp_rcv_space_adjust"),
    ("on_sent", "sock_send_length"),
    ("on_received", "sock_recv_length"),
];

const PEERS: [(&str, &str); 2] = [("on_heard4", "recvmsg4"), ("on_heard6", "recvmsg6")];

/// Calls that receive datagrams of sockets without a peer.
const DATAGRAM_CALLS: [&str; 3] = ["recvfrom", "recvmsg", "recvmmsg"];

const NO_ROOT: &str = "the host's own root of control groups (cgroup2)";

/// `enum told_by` of `bpf/maps.h`.
const TOLD: u32 = 1;
const TOLD_WITH_PEERS: u32 = 2;
