//! What the crate needs of a library that loads eBPF programs.

use std::fmt;
use std::os::fd::{BorrowedFd, RawFd};
use std::path::{Path, PathBuf};

pub(crate) use self::failure::*;
use crate::config::{LoaderKind, ProgramSet};
use crate::error::{AttachError, LoadError};
#[cfg(feature = "profile")]
use crate::profile::{ProfileConfig, SAMPLE_BYTES};

#[cfg(feature = "aya")]
pub(crate) mod aya;
mod failure;
#[cfg(feature = "libbpf")]
mod libbpf;
#[cfg(test)]
mod tests;

/// Creates the maps of an object and one ring for each processor. Programs are loaded when they are attached. Of the reduced
/// programs, which `aya` alone loads, the object is known.
pub(crate) fn load(
    kind: LoaderKind,
    program_set: ProgramSet,
    object: &[u8],
    settings: &Settings,
) -> Result<Box<dyn Loader + Send>, LoadError> {
    if program_set == ProgramSet::Reduced {
        return load_reduced(settings);
    }
    match kind {
        #[cfg(feature = "aya")]
        LoaderKind::Aya => Ok(Box::new(aya::AyaLoader::load(object, settings)?)),
        #[cfg(feature = "libbpf")]
        LoaderKind::Libbpf => Ok(Box::new(libbpf::LibbpfLoader::load(object, settings)?)),
    }
}

/// The programs for this kernel: the reduced ones only where it is sure that there are no ring buffers.
pub(crate) fn best_program_set() -> ProgramSet {
    #[cfg(feature = "aya")]
    if crate::kernel::lacks_ring_buffers() {
        return ProgramSet::Reduced;
    }
    ProgramSet::Whole
}

#[cfg(feature = "aya")]
fn load_reduced(settings: &Settings) -> Result<Box<dyn Loader + Send>, LoadError> {
    Ok(Box::new(aya::reduced::ReducedLoader::load(settings)?))
}

#[cfg(not(feature = "aya"))]
fn load_reduced(_settings: &Settings) -> Result<Box<dyn Loader + Send>, LoadError> {
    Err(LoadError::Config { field: "program_set", what: "the reduced programs take the feature `aya`" })
}

/// What the object is told before it is loaded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// Constants by name.
    pub(crate) constants: Vec<(&'static str, u32)>,
    /// Numbers of entries by map.
    pub(crate) map_entries: Vec<(&'static str, u32)>,
    /// Keys of sets by map.
    pub(crate) sets: Vec<(&'static str, Vec<u32>)>,
    /// Bytes of each ring.
    pub(crate) ring_bytes: u32,
    /// Where the kernel's types are told, if not by the kernel.
    pub(crate) btf_path: Option<PathBuf>,
}

/// Where a program hangs in the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KernelHook<'a> {
    /// A tracepoint with its category, such as `syscalls` and `sys_enter_read`.
    Tracepoint(&'a str, &'a str),
    /// A raw tracepoint whose arguments the kernel knows the types of.
    TypedTracepoint(&'a str),
    /// A control group, by its path, and what the kernel is about to tell its processes.
    Cgroup(&'a Path, &'a str),
    /// The entry of a function.
    FunctionEntry(&'a str),
    /// The return of a function.
    FunctionReturn(&'a str),
    /// The entry of a function, by a breakpoint or what the kernel has in its place.
    Kprobe(&'a str),
    /// The return of a function, by a changed return address.
    Kretprobe(&'a str),
}

impl fmt::Display for KernelHook<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = match self {
            Self::Tracepoint(category, name) => (category, name),
            Self::TypedTracepoint(name) => (&"tp_btf", name),
            Self::Cgroup(_, name) => (&"cgroup", name),
            Self::FunctionEntry(name) => (&"fentry", name),
            Self::FunctionReturn(name) => (&"fexit", name),
            Self::Kprobe(name) => (&"kprobe", name),
            Self::Kretprobe(name) => (&"kretprobe", name),
        };
        write!(formatter, "{kind}:{name}")
    }
}

/// Where a program hangs in user space.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UprobePoint<'a> {
    /// The file.
    pub(crate) path: &'a Path,
    /// Where in the file the instruction stands.
    pub(crate) file_offset: u64,
    /// What the program is told with each call.
    pub(crate) cookie: Option<u64>,
}

/// An attachment that can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LinkId(pub(crate) u64);

/// A loaded object. Everything it attached is detached when it is dropped, or when the process ends in any way.
pub(crate) trait Loader {
    /// Tells which programs will be attached: some loaders load many at once faster than each by itself. What cannot be
    /// loaded is told when it is attached.
    fn prepare(&mut self, _programs: &[&str]) {}

    /// Hangs a program on a hook of its kind, loading it first.
    fn attach(&mut self, program: &str, hook: KernelHook<'_>) -> Result<(), AttachError>;

    /// Hangs a program on a raw tracepoint, loading it first.
    fn attach_raw_tracepoint(&mut self, program: &str, name: &str) -> Result<(), AttachError>;

    /// Hangs a program on an instruction of a file, loading it first.
    fn attach_uprobe(&mut self, program: &str, point: UprobePoint<'_>) -> Result<LinkId, AttachError>;

    /// Undoes an attachment.
    fn detach_uprobe(&mut self, link: LinkId) -> Result<(), AttachError>;

    /// Lets go of the kernel's types, which only [`attach`](Self::attach) needs and which are large.
    fn forget_types(&mut self) {}

    /// Puts a number into a map.
    fn insert(&mut self, map: &'static str, key: u32, value: u32) -> Result<(), LoadError>;

    /// How many rings there are.
    fn rings(&self) -> usize;

    /// What wakes when a ring fills. None: nothing does.
    fn ring_fd(&self, ring: usize) -> Option<BorrowedFd<'_>>;

    /// Takes the next record out of a ring. False: the ring is empty.
    fn next_record(&mut self, ring: usize, record: &mut Vec<u8>) -> bool;

    /// Has a program look at what every processor is at, so many times a second, loading it first.
    #[cfg(feature = "profile")]
    fn attach_clock(&mut self, program: &str, config: &ProfileConfig) -> Result<(), AttachError>;

    /// What such a program counts in. None: it was not attached.
    #[cfg(feature = "profile")]
    fn sample_maps(&mut self) -> Option<&mut dyn SampleMaps>;

    /// The programs that are loaded.
    fn programs(&self) -> Vec<RawFd>;

    /// What the programs counted, for each processor.
    fn counters(&self) -> Result<Vec<Vec<u64>>, LoadError>;
}

/// The maps of a profile. There are two sets: the program fills one while the other is read and emptied.
#[cfg(feature = "profile")]
pub(crate) trait SampleMaps {
    /// Has the program fill the other set, and comes back when none fills the one that was filled until now.
    fn swap(&mut self) -> Result<(), LoadError>;

    /// Takes how often each key was found out of the set that is not filled.
    fn take_counts(&mut self) -> Result<Vec<([u8; SAMPLE_BYTES], u64)>, LoadError>;

    /// The addresses of a stack in that set, innermost first. Empty: it is not there.
    fn frames(&self, stack: u32) -> Vec<u64>;

    /// Removes all stacks from that set: one stays without a sample when there was no room for the sample.
    fn remove_stacks(&mut self) -> Result<(), LoadError>;
}
