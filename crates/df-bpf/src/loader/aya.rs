//! Loading by `aya`.

use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::path::Path;

use aya::maps::{Array, ArrayOfMaps, HashMap as BpfHashMap, Map, MapData, PerCpuArray, RingBuf};
#[cfg(feature = "profile")]
use aya::programs::perf_event::{PerfEvent, PerfEventConfig, PerfEventScope, SamplePolicy, SoftwareEvent};
use aya::programs::uprobe::{UProbeAttachPoint, UProbeLinkId, UProbeScope};
use aya::programs::{Program, ProgramError, RawTracePoint, UProbe};
use aya::{Btf, Ebpf, EbpfLoader, Endianness};

#[cfg(feature = "profile")]
use super::SampleMaps;
use super::{
    KernelHook, LinkId, Loader, Settings, UprobePoint, btf_file, hook_error, load_error, no_btf, refusal,
    uprobe_error,
};
use crate::abi::used_bytes;
use crate::error::{AttachError, LoadError};
#[cfg(feature = "profile")]
use crate::profile::ProfileConfig;

mod hooks;
pub(crate) mod reduced;
mod relocated;
#[cfg(feature = "profile")]
mod sampling;

/// An object in the kernel.
pub(crate) struct AyaLoader {
    object: Ebpf,
    /// Those of the kernel, as long as they are needed.
    types: Option<Btf>,
    counters: PerCpuArray<MapData, Counters>,
    rings: Vec<RingBuf<MapData>>,
    #[cfg(feature = "profile")]
    sampling: Option<sampling::Sampling>,
    /// Keeps the rings in reach of the programs.
    _ring_of_processor: ArrayOfMaps<MapData>,
    uprobes: HashMap<LinkId, (String, UProbeLinkId)>,
    last_link: u64,
}

impl AyaLoader {
    /// Creates the maps of an object and one ring for each processor. Programs are loaded when they are attached.
    pub(crate) fn load(object: &[u8], settings: &Settings) -> Result<Self, LoadError> {
        let btf = kernel_types(settings.btf_path.as_deref())?;
        let mut loader = EbpfLoader::new();
        loader.btf(Some(&btf));
        for (name, value) in &settings.constants {
            loader.override_global(name, value, true);
        }
        for (name, entries) in &settings.map_entries {
            loader.map_max_entries(name, *entries);
        }
        let mut object =
            loader.load(object).map_err(|error| load_error(LoadError::of("loading maps", error)))?;
        for (name, keys) in &settings.sets {
            fill_set(&mut object, name, keys)?;
        }
        let counters = PerCpuArray::try_from(taken(&mut object, "counts")?);
        let outer = ArrayOfMaps::try_from(taken(&mut object, "rings")?);
        let mut outer = outer.map_err(|error| LoadError::of("the rings' map", error))?;
        let rings = create_rings(&mut outer, settings.ring_bytes)?;
        Ok(Self {
            object,
            types: Some(btf),
            counters: counters.map_err(|error| LoadError::of("the counters' map", error))?,
            rings,
            #[cfg(feature = "profile")]
            sampling: None,
            _ring_of_processor: outer,
            uprobes: HashMap::new(),
            last_link: 0,
        })
    }

    fn program(&mut self, name: &str) -> Result<&mut Program, AttachError> {
        self.object.program_mut(name).ok_or_else(|| AttachError::UnknownProgram { program: name.to_owned() })
    }
}

impl Loader for AyaLoader {
    fn attach(&mut self, program: &str, hook: KernelHook<'_>) -> Result<(), AttachError> {
        hooks::attach(&mut self.object, &mut self.types, program, hook)
    }

    fn attach_raw_tracepoint(&mut self, program: &str, name: &str) -> Result<(), AttachError> {
        let hook = format!("raw tracepoint {name}");
        let failed = |error| attach_error(program, &hook, &error);
        let tracepoint: &mut RawTracePoint = self.program(program)?.try_into().map_err(failed)?;
        loaded(tracepoint.load()).map_err(failed)?;
        tracepoint.attach(name).map(|_| ()).map_err(failed)
    }

    fn attach_uprobe(&mut self, program: &str, point: UprobePoint<'_>) -> Result<LinkId, AttachError> {
        let hook = format!("{} at {:#x}", point.path.display(), point.file_offset);
        let failed = |error| attach_error(program, &hook, &error);
        let uprobe: &mut UProbe = self.program(program)?.try_into().map_err(failed)?;
        loaded(uprobe.load()).map_err(failed)?;
        let place = UProbeAttachPoint { location: point.file_offset.into(), cookie: point.cookie };
        let attached = uprobe.attach(place, point.path, UProbeScope::AllProcesses);
        let link = attached.map_err(|error| uprobe_error(failed(error)))?;
        self.last_link += 1;
        let id = LinkId(self.last_link);
        self.uprobes.insert(id, (program.to_owned(), link));
        Ok(id)
    }

    fn detach_uprobe(&mut self, link: LinkId) -> Result<(), AttachError> {
        let Some((program, link)) = self.uprobes.remove(&link) else {
            return Ok(());
        };
        let failed = |error| attach_error(&program, "detaching", &error);
        let uprobe: &mut UProbe = self.program(&program)?.try_into().map_err(failed)?;
        uprobe.detach(link).map_err(failed)
    }

    fn forget_types(&mut self) {
        self.types = None;
    }

    fn insert(&mut self, map: &'static str, key: u32, value: u32) -> Result<(), LoadError> {
        insert(&mut self.object, map, key, value)
    }

    fn rings(&self) -> usize {
        self.rings.len()
    }

    fn ring_fd(&self, ring: usize) -> Option<BorrowedFd<'_>> {
        self.rings.get(ring).map(AsFd::as_fd)
    }

    fn next_record(&mut self, ring: usize, record: &mut Vec<u8>) -> bool {
        let Some(item) = self.rings.get_mut(ring).and_then(RingBuf::next) else {
            return false;
        };
        record.clear();
        record.extend_from_slice(item.get(..used_bytes(&item)).unwrap_or_default());
        true
    }

    #[cfg(feature = "profile")]
    fn attach_clock(&mut self, program: &str, config: &ProfileConfig) -> Result<(), AttachError> {
        let hook = format!("clock of {} Hz", config.frequency_hertz);
        let unready =
            |error: LoadError| AttachError::Failed { hook: hook.clone(), message: error.to_string() };
        self.sampling = Some(sampling::Sampling::new(&mut self.object, config).map_err(unready)?);
        let failed = |error| attach_error(program, &hook, &error);
        let clock: &mut PerfEvent = self.program(program)?.try_into().map_err(failed)?;
        loaded(clock.load()).map_err(failed)?;
        let processors =
            aya::util::online_cpus().map_err(|(call, error)| unready(LoadError::of(call, error)))?;
        for cpu in processors {
            let event = PerfEventConfig::Software(SoftwareEvent::CpuClock);
            let frequency = SamplePolicy::Frequency(config.frequency_hertz.into());
            clock
                .attach(event, PerfEventScope::AllProcessesOneCpu { cpu }, frequency, false)
                .map_err(failed)?;
        }
        Ok(())
    }

    #[cfg(feature = "profile")]
    fn sample_maps(&mut self) -> Option<&mut dyn SampleMaps> {
        self.sampling.as_mut().map(|sampling| sampling as &mut dyn SampleMaps)
    }

    fn programs(&self) -> Vec<RawFd> {
        descriptors(&self.object)
    }

    fn counters(&self) -> Result<Vec<Vec<u64>>, LoadError> {
        let values = self.counters.get(&0, 0).map_err(|error| LoadError::of("reading counters", error))?;
        Ok(values.iter().map(|counters| counters.to_vec()).collect())
    }
}

fn descriptors(object: &Ebpf) -> Vec<RawFd> {
    let loaded = object.programs().filter_map(|(_, program)| program.fd().ok());
    loaded.map(|program| program.as_fd().as_raw_fd()).collect()
}

/// Where the kernel's structures have their fields. Without it the loader would go on with the places that they had where the
/// object was made.
fn kernel_types(path: Option<&Path>) -> Result<Btf, LoadError> {
    let Some(path) = path else {
        return Btf::from_sys_fs().map_err(|_| no_btf());
    };
    Btf::parse_file(path, Endianness::default()).map_err(|error| btf_file(path, &error))
}

/// One ring for each processor that the host may have.
fn create_rings(
    outer: &mut ArrayOfMaps<MapData>,
    ring_bytes: u32,
) -> Result<Vec<RingBuf<MapData>>, LoadError> {
    let processors = aya::util::nr_cpus().map_err(|(call, error)| LoadError::of(call, error))?;
    let processors = u32::try_from(processors).unwrap_or(u32::MAX).min(outer.len());
    let ring = |processor: u32| {
        let definition = aya_obj::Map::new_from_params(RINGBUF, 0, 0, ring_bytes, 0);
        let map = MapData::create(definition, "df_ring", None)?;
        outer.set(processor, &map, 0)?;
        RingBuf::try_from(Map::RingBuf(map))
    };
    (0..processors)
        .map(ring)
        .collect::<Result<_, _>>()
        .map_err(|error| LoadError::of("creating rings", error))
}

fn insert(object: &mut Ebpf, map: &'static str, key: u32, value: u32) -> Result<(), LoadError> {
    let map = object.map_mut(map).ok_or(LoadError::Unsupported { what: "a map of the object" })?;
    if let Map::Array(_) = map {
        let mut map: Array<_, u32> = Array::try_from(map).map_err(|error| LoadError::of("a map", error))?;
        return map.set(key, value, 0).map_err(|error| LoadError::of("filling a map", error));
    }
    let mut map: BpfHashMap<_, u32, u32> =
        BpfHashMap::try_from(map).map_err(|error| LoadError::of("a map", error))?;
    map.insert(key, value, 0).map_err(|error| LoadError::of("filling a map", error))
}

fn fill_set(object: &mut Ebpf, name: &'static str, keys: &[u32]) -> Result<(), LoadError> {
    let map = object.map_mut(name).ok_or(LoadError::Unsupported { what: "a map of the object" })?;
    let mut set: BpfHashMap<_, u32, u8> =
        BpfHashMap::try_from(map).map_err(|error| LoadError::of("a set", error))?;
    for key in keys {
        set.insert(key, 1, 0).map_err(|error| LoadError::of("filling a set", error))?;
    }
    Ok(())
}

fn taken(object: &mut Ebpf, name: &str) -> Result<Map, LoadError> {
    object.take_map(name).ok_or(LoadError::Unsupported { what: "a map of the object" })
}

/// A program that hangs on several hooks is loaded once.
fn loaded(result: Result<(), ProgramError>) -> Result<(), ProgramError> {
    match result {
        Err(ProgramError::AlreadyLoaded) => Ok(()),
        other => other,
    }
}

pub(crate) fn attach_error(program: &str, hook: &str, error: &ProgramError) -> AttachError {
    if let ProgramError::LoadError { io_error, verifier_log } = error {
        return refusal(program, io_error, &verifier_log.to_string());
    }
    hook_error(hook, error)
}

/// `struct counters`.
type Counters = [u64; 35];

/// `BPF_MAP_TYPE_RINGBUF`.
const RINGBUF: u32 = 27;
