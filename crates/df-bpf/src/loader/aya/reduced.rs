//! The reduced object, for kernels without ring buffers: a perf buffer for each processor, settings in a map.

use std::ops::ControlFlow;
use std::os::fd::{BorrowedFd, RawFd};

use aya::maps::perf::{PerfEvent, PerfEventArrayBuffer};
use aya::maps::{MapData, PerCpuArray, PerfEventArray};
use aya::programs::Program;
use aya::{Ebpf, EbpfLoader};

use super::hooks::at_tracepoint;
use super::relocated::relocated;
use super::{Counters, attach_error, descriptors, fill_set, insert, kernel_types, taken};
use crate::abi::used_bytes;
use crate::error::{AttachError, LoadError};
#[cfg(feature = "profile")]
use crate::loader::SampleMaps;
use crate::loader::{KernelHook, LinkId, Loader, Settings, UprobePoint, require_tracefs};
#[cfg(feature = "profile")]
use crate::profile::ProfileConfig;

/// The reduced object in the kernel: programs for system calls and processes, none for functions of libraries.
pub(crate) struct ReducedLoader {
    object: Ebpf,
    counters: PerCpuArray<MapData, Counters>,
    buffers: Vec<Buffer>,
}

/// The records of a processor.
struct Buffer {
    processor: usize,
    records: PerfEventArrayBuffer<MapData>,
    /// Records for which there was no room, as the kernel tells once there is some again.
    lost: u64,
}

impl ReducedLoader {
    /// Creates and fills the maps of the object, and one buffer for each processor that is on.
    pub(crate) fn load(settings: &Settings) -> Result<Self, LoadError> {
        let btf = kernel_types(settings.btf_path.as_deref())?;
        let relocated = relocated(OBJECT, &btf)?;
        let mut loader = EbpfLoader::new();
        // The programs name no type of the kernel any more.
        loader.btf(None);
        for (name, entries) in &settings.map_entries {
            loader.map_max_entries(name, *entries);
        }
        let mut object = loader.load(&relocated).map_err(|error| LoadError::of("loading maps", error))?;
        fill_settings(&mut object, &settings.constants)?;
        for (name, keys) in &settings.sets {
            fill_set(&mut object, name, keys)?;
        }
        let counters = PerCpuArray::try_from(taken(&mut object, "counts")?);
        let buffers = create_buffers(&mut object, settings.ring_bytes)?;
        Ok(Self {
            object,
            counters: counters.map_err(|error| LoadError::of("the counters' map", error))?,
            buffers,
        })
    }
}

impl Loader for ReducedLoader {
    fn attach(&mut self, program: &str, hook: KernelHook<'_>) -> Result<(), AttachError> {
        let KernelHook::Tracepoint(category, name) = hook else {
            return Err(unknown(program));
        };
        require_tracefs()?;
        let found: Option<&mut Program> = self.object.program_mut(program);
        let attached = at_tracepoint(found.ok_or_else(|| unknown(program))?, category, name);
        attached.map_err(|error| attach_error(program, &hook.to_string(), &error))
    }

    fn attach_raw_tracepoint(&mut self, program: &str, _name: &str) -> Result<(), AttachError> {
        Err(unknown(program))
    }

    fn attach_uprobe(&mut self, program: &str, _point: UprobePoint<'_>) -> Result<LinkId, AttachError> {
        Err(unknown(program))
    }

    fn detach_uprobe(&mut self, _link: LinkId) -> Result<(), AttachError> {
        Ok(())
    }

    fn insert(&mut self, map: &'static str, key: u32, value: u32) -> Result<(), LoadError> {
        insert(&mut self.object, map, key, value)
    }

    fn rings(&self) -> usize {
        self.buffers.len()
    }

    /// Perf buffers wake whoever waits for each record: they are looked at now and then instead.
    fn ring_fd(&self, _ring: usize) -> Option<BorrowedFd<'_>> {
        None
    }

    fn next_record(&mut self, ring: usize, record: &mut Vec<u8>) -> bool {
        self.buffers.get_mut(ring).is_some_and(|buffer| buffer.next(record))
    }

    #[cfg(feature = "profile")]
    fn attach_clock(&mut self, program: &str, _config: &ProfileConfig) -> Result<(), AttachError> {
        Err(unknown(program))
    }

    #[cfg(feature = "profile")]
    fn sample_maps(&mut self) -> Option<&mut dyn SampleMaps> {
        None
    }

    fn programs(&self) -> Vec<RawFd> {
        descriptors(&self.object)
    }

    fn counters(&self) -> Result<Vec<Vec<u64>>, LoadError> {
        let values = self.counters.get(&0, 0).map_err(|error| LoadError::of("reading counters", error))?;
        let mut counters: Vec<Vec<u64>> = values.iter().map(|counters| counters.to_vec()).collect();
        for buffer in &self.buffers {
            // The program counts a record when it hands it over: whether there was room only the reader learns.
            if let Some([records, dropped, ..]) = counters.get_mut(buffer.processor).map(Vec::as_mut_slice) {
                *records = records.saturating_sub(buffer.lost);
                *dropped = dropped.saturating_add(buffer.lost);
            }
        }
        Ok(counters)
    }
}

impl Buffer {
    fn next(&mut self, record: &mut Vec<u8>) -> bool {
        let lost = &mut self.lost;
        let taken = self.records.try_fold((), |(), event| match event {
            PerfEvent::Sample { head, tail } => {
                record.clear();
                record.extend_from_slice(head);
                record.extend_from_slice(tail);
                record.truncate(used_bytes(record));
                ControlFlow::Break(())
            }
            PerfEvent::Lost { count } => {
                *lost = lost.saturating_add(count);
                ControlFlow::Continue(())
            }
        });
        taken.is_break()
    }
}

fn fill_settings(object: &mut Ebpf, constants: &[(&'static str, u32)]) -> Result<(), LoadError> {
    let value =
        |name| constants.iter().find(|(constant, _)| *constant == name).map_or(0, |(_, value)| *value);
    for (index, name) in (0..).zip(SETTINGS) {
        insert(object, "settings", index, value(*name))?;
    }
    // What ports say beyond that the reader leaves out.
    let payload_bytes = value("df_payload_bytes").max(value("df_most_payload_bytes"));
    insert(object, "settings", 0, payload_bytes)
}

fn create_buffers(object: &mut Ebpf, bytes: u32) -> Result<Vec<Buffer>, LoadError> {
    let buffers = PerfEventArray::try_from(taken(object, "buffers")?);
    let mut buffers = buffers.map_err(|error| LoadError::of("the buffers' map", error))?;
    let processors = aya::util::online_cpus().map_err(|(call, error)| LoadError::of(call, error))?;
    let pages = usize::try_from(bytes).unwrap_or(usize::MAX) / rustix::param::page_size();
    let buffer = |processor: u32| {
        let records = buffers.open(processor, Some(pages.max(1)));
        let records = records.map_err(|error| LoadError::of("creating perf buffers", error))?;
        let processor = usize::try_from(processor).unwrap_or(usize::MAX);
        Ok(Buffer { processor, records, lost: 0 })
    };
    processors.into_iter().map(buffer).collect()
}

fn unknown(program: &str) -> AttachError {
    AttachError::UnknownProgram { program: program.to_owned() }
}

/// `enum setting`: constants of the whole object, by their places in the map. What is missing does not apply here.
const SETTINGS: &[&str] = &[
    "df_payload_bytes",
    "df_own_pid",
    "df_own_mark",
    "df_pid_filter",
    "df_port_filter",
    "df_max_events",
    "df_max_payload_events",
    "df_seed",
];

/// The same for every architecture: it reads no registers.
const OBJECT: &[u8] = aya::include_bytes_aligned!("../../../objects/df_reduced.bpf.o");
