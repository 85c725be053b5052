//! What is told of failures, the same whichever loader met them.

use std::error::Error;
use std::io;
use std::path::Path;

use super::KernelHook;
use crate::error::{AttachError, LoadError, is_not_found, is_not_permitted, whole_message};
use crate::privileges::{Refused, TracefsError, remedy, tracefs};

/// The kernel does not tell where its structures have their fields.
pub(crate) fn no_btf() -> LoadError {
    LoadError::NoBtf { release: rustix::system::uname().release().to_string_lossy().into_owned() }
}

/// A file does not tell it either.
pub(crate) fn btf_file(path: &Path, error: &(dyn Error + 'static)) -> LoadError {
    LoadError::BtfFile { path: path.to_owned(), message: whole_message(error) }
}

/// Why the maps of the object cannot be made. Those of profiles are there even where none is asked for, and the kernel
/// refuses them where stacks must be shorter.
pub(crate) fn load_error(error: LoadError) -> LoadError {
    let most = std::fs::read_to_string("/proc/sys/kernel/perf_event_max_stack").ok();
    let is_short =
        most.and_then(|frames| frames.trim().parse::<u32>().ok()).is_some_and(|most| most < MAX_FRAMES);
    match error {
        LoadError::System { .. } if is_short => LoadError::Unsupported {
            what: "stacks of 127 frames: run `sysctl kernel.perf_event_max_stack=127`",
        },
        other => other,
    }
}

/// Why the kernel does not take a program: what it answered, and what its verifier says.
pub(crate) fn refusal(program: &str, error: &io::Error, verifier_log: &str) -> AttachError {
    if verifier_log.trim().is_empty() && error.kind() == io::ErrorKind::PermissionDenied {
        return AttachError::NotPermitted { remedy: remedy(Refused::Bpf) };
    }
    let last_lines: Vec<&str> = verifier_log.lines().rev().take(MAX_VERIFIER_LINES).collect();
    let message = last_lines.into_iter().rev().collect::<Vec<_>>().join("; ");
    AttachError::Refused { program: program.to_owned(), message: format!("{error}: {message}") }
}

/// Why a program that is loaded cannot be hung up.
pub(crate) fn hook_error(hook: &str, error: &(dyn Error + 'static)) -> AttachError {
    if is_not_permitted(error) {
        return AttachError::NotPermitted { remedy: remedy(Refused::Bpf) };
    }
    if is_not_found(error) {
        return AttachError::NoHook { hook: hook.to_owned() };
    }
    AttachError::Failed { hook: hook.to_owned(), message: whole_message(error) }
}

/// Hooks in user space take more.
pub(crate) fn uprobe_error(error: AttachError) -> AttachError {
    match error {
        AttachError::NotPermitted { .. } => AttachError::NotPermitted { remedy: remedy(Refused::Uprobe) },
        other => other,
    }
}

/// Function entries take that the kernel's code is changed, and control groups a capability more.
pub(crate) fn kernel_error(hook: KernelHook<'_>, error: AttachError) -> AttachError {
    match (hook, error) {
        (KernelHook::Cgroup(..), AttachError::NotPermitted { .. }) => {
            AttachError::NotPermitted { remedy: remedy(Refused::Cgroup) }
        }
        (KernelHook::FunctionEntry(_) | KernelHook::FunctionReturn(_), AttachError::NotPermitted { .. }) => {
            AttachError::NotPermitted { remedy: remedy(Refused::FunctionEntry) }
        }
        (_, other) => other,
    }
}

/// Tracepoints have numbers, which are files of tracefs.
pub(crate) fn require_tracefs() -> Result<(), AttachError> {
    tracefs().map(|_| ()).map_err(|error| match error {
        TracefsError::NotMounted => AttachError::NoTracefs,
        TracefsError::NotReadable => AttachError::NotPermitted { remedy: remedy(Refused::Tracefs) },
    })
}

/// Of a stack: `MAX_FRAMES` of `bpf/profile.h`.
pub(crate) const MAX_FRAMES: u32 = 127;
/// Lines of what the verifier says that are worth telling.
const MAX_VERIFIER_LINES: usize = 6;
