//! From addresses to the functions that they lie in.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZeroU32;
use std::os::unix::fs::MetadataExt;

use blazesym::symbolize::source::{Kernel, Process, Source};
use blazesym::symbolize::{Input, Symbolized};
use blazesym::{MaybeDefault, Pid};

use super::{Profile, Sample};

/// Finds the functions that samples were in, by the symbol tables of programs and libraries, the maps that just-in-time
/// compilers leave (`/tmp/perf-PID.map`) and `/proc/kallsyms`.
///
/// A process must still be there, so it is best asked soon. Nothing is kept from one profile to the next.
#[derive(Debug)]
#[non_exhaustive]
pub struct Symbolizer {
    /// Files can be opened as a process has them mapped, wherever they are: it takes
    /// `CAP_CHECKPOINT_RESTORE` or `CAP_SYS_ADMIN`.
    follows_map_files: bool,
}

/// The functions that the addresses of one profile lie in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Symbols {
    /// Whose address, the address of an instruction in the function, and the function's name.
    names: BTreeMap<(Space, u64), String>,
}

/// Whose memory an address is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Space {
    Kernel,
    Process(u32),
}

/// An address in a stack, innermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Frame {
    pub(super) space: Space,
    /// Of an instruction in the function: of a call where the function called, of the next one where it was interrupted.
    pub(super) address: u64,
}

impl Default for Symbolizer {
    fn default() -> Self {
        Self::new()
    }
}

impl Symbolizer {
    /// Finds out what it is allowed to read.
    pub fn new() -> Self {
        Self { follows_map_files: can_follow_map_files() }
    }

    /// The functions of every sample, as far as they can be found.
    pub fn symbolize(&self, profile: &Profile) -> Symbols {
        let mut addresses: BTreeMap<Space, BTreeSet<u64>> = BTreeMap::new();
        for frame in profile.samples.iter().flat_map(frames_of) {
            addresses.entry(frame.space).or_default().insert(frame.address);
        }
        let library = blazesym::symbolize::Symbolizer::builder().enable_code_info(false).build();
        let mut names = BTreeMap::new();
        for (space, addresses) in addresses {
            let Some(source) = self.source(space) else { continue };
            let addresses: Vec<u64> = addresses.into_iter().collect();
            // A process that is gone, or that must not be read: its functions stay without names.
            let found = library.symbolize(&source, Input::AbsAddr(&addresses)).unwrap_or_default();
            names.extend(addresses.iter().zip(&found).filter_map(|(address, found)| match found {
                Symbolized::Sym(symbol) => Some(((space, *address), symbol.name.clone().into_owned())),
                Symbolized::Unknown(_) => None,
            }));
        }
        Symbols { names }
    }

    /// What tells the names of one memory; None: nothing does that could be trusted.
    fn source(&self, space: Space) -> Option<Source<'static>> {
        let Space::Process(pid) = space else {
            let kernel = Kernel { vmlinux: MaybeDefault::None, debug_syms: false, ..Kernel::default() };
            return Some(Source::Kernel(kernel));
        };
        // By its path alone, a file of a container would be taken for ours.
        if !self.follows_map_files && !has_own_files(pid) {
            return None;
        }
        let mut process = Process::new(Pid::Pid(NonZeroU32::new(pid)?));
        process.debug_syms = false;
        process.map_files = self.follows_map_files;
        Some(Source::Process(process))
    }
}

impl Symbols {
    /// How many addresses have a name.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no address has a name.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(super) fn name(&self, frame: Frame) -> Option<&str> {
        self.names.get(&(frame.space, frame.address)).map(String::as_str)
    }
}

/// The whole stack of a sample, innermost first: the kernel's, then the program's.
pub(super) fn frames_of(sample: &Sample) -> impl Iterator<Item = Frame> {
    let kernel = instructions(&sample.kernel_frames).map(|address| (Space::Kernel, address));
    let space = Space::Process(sample.task.pid);
    let user = instructions(&sample.user_frames).map(move |address| (space, address));
    kernel.chain(user).map(|(space, address)| Frame { space, address })
}

/// All but the innermost are addresses to return to: the call stands before, and may be the last of its function.
fn instructions(frames: &[u64]) -> impl Iterator<Item = u64> {
    frames.iter().enumerate().map(|(depth, address)| address.saturating_sub(u64::from(depth > 0)))
}

fn can_follow_map_files() -> bool {
    let Ok(mut files) = fs::read_dir("/proc/self/map_files") else { return false };
    files.any(|file| file.is_ok_and(|file| fs::File::open(file.path()).is_ok()))
}

/// Whether a process sees the file systems that this one sees.
fn has_own_files(pid: u32) -> bool {
    let namespace = |process: &str| {
        fs::metadata(format!("/proc/{process}/ns/mnt")).ok().map(|found| (found.dev(), found.ino()))
    };
    namespace("self").is_some_and(|own| namespace(&pid.to_string()) == Some(own))
}

#[cfg(test)]
impl Symbols {
    /// Names as a test has them.
    pub(super) fn of(names: impl IntoIterator<Item = (Space, u64, &'static str)>) -> Self {
        let entry = |(space, address, name): (Space, u64, &str)| ((space, address), name.to_owned());
        Self { names: names.into_iter().map(entry).collect() }
    }
}
