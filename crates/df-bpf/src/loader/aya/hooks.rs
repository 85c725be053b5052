//! Hanging a program on a hook of the kernel, by its kind.

use std::fs::File;
use std::path::Path;

use aya::programs::{
    BtfTracePoint, CgroupAttachMode, CgroupSockAddr, FEntry, FExit, KProbe, Program, ProgramError, TracePoint,
};
use aya::sys::SyscallError;
use aya::{Btf, Ebpf};

use super::{attach_error, loaded};
use crate::error::AttachError;
use crate::loader::{KernelHook, kernel_error, require_tracefs};

/// Loads and attaches a program. The kernel's types are read when they are needed first.
pub(super) fn attach(
    object: &mut Ebpf,
    types: &mut Option<Btf>,
    program: &str,
    hook: KernelHook<'_>,
) -> Result<(), AttachError> {
    if matches!(hook, KernelHook::Tracepoint(..)) {
        require_tracefs()?;
    }
    let loaded = object
        .program_mut(program)
        .ok_or_else(|| AttachError::UnknownProgram { program: program.to_owned() })?;
    let attached = match hook {
        KernelHook::Tracepoint(category, name) => at_tracepoint(loaded, category, name),
        KernelHook::Kprobe(function) | KernelHook::Kretprobe(function) => at_kprobe(loaded, function),
        KernelHook::Cgroup(path, _) => at_cgroup(loaded, path),
        _ => {
            if types.is_none() {
                *types = Some(Btf::from_sys_fs().map_err(|error| failed(&hook, error.to_string()))?);
            }
            let types = types.as_ref().ok_or_else(|| failed(&hook, "the kernel has no types".to_owned()))?;
            at_typed(loaded, hook, types)
        }
    };
    attached.map_err(|error| told(program, hook, &error))
}

pub(super) fn at_tracepoint(program: &mut Program, category: &str, name: &str) -> Result<(), ProgramError> {
    let tracepoint: &mut TracePoint = program.try_into()?;
    loaded(tracepoint.load())?;
    tracepoint.attach(category, name).map(|_| ())
}

/// Whether it is the entry or the return, the program itself says.
fn at_kprobe(program: &mut Program, function: &str) -> Result<(), ProgramError> {
    let kprobe: &mut KProbe = program.try_into()?;
    loaded(kprobe.load())?;
    kprobe.attach(function, 0).map(|_| ())
}

/// Such a link lets others hang on it too, and takes no flag for that.
fn at_cgroup(program: &mut Program, path: &Path) -> Result<(), ProgramError> {
    let program: &mut CgroupSockAddr = program.try_into()?;
    loaded(program.load())?;
    let cgroup = File::open(path).map_err(|io_error| {
        ProgramError::SyscallError(SyscallError { call: "open of the control group", io_error })
    })?;
    program.attach(cgroup, CgroupAttachMode::Single).map(|_| ())
}

/// Hooks of which the kernel must know the types of the arguments.
fn at_typed(program: &mut Program, hook: KernelHook<'_>, types: &Btf) -> Result<(), ProgramError> {
    match hook {
        KernelHook::FunctionEntry(function) => {
            let entry: &mut FEntry = program.try_into()?;
            entry.load(function, types)?;
            entry.attach().map(|_| ())
        }
        KernelHook::FunctionReturn(function) => {
            let exit: &mut FExit = program.try_into()?;
            exit.load(function, types)?;
            exit.attach().map(|_| ())
        }
        KernelHook::TypedTracepoint(name)
        | KernelHook::Tracepoint(_, name)
        | KernelHook::Cgroup(_, name)
        | KernelHook::Kprobe(name)
        | KernelHook::Kretprobe(name) => {
            let tracepoint: &mut BtfTracePoint = program.try_into()?;
            tracepoint.load(name, types)?;
            tracepoint.attach().map(|_| ())
        }
    }
}

fn told(program: &str, hook: KernelHook<'_>, error: &ProgramError) -> AttachError {
    match (hook, error) {
        // Its types tell no such function or tracepoint.
        (_, ProgramError::Btf(_)) => AttachError::NoHook { hook: hook.to_string() },
        _ => kernel_error(hook, attach_error(program, &hook.to_string(), error)),
    }
}

fn failed(hook: &KernelHook<'_>, message: String) -> AttachError {
    AttachError::Failed { hook: hook.to_string(), message }
}
