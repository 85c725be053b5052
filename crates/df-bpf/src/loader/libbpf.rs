//! Loading by `libbpf`, the kernel's own library.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::path::{Path, PathBuf};

use libbpf_rs::libbpf_sys::bpf_map_create_opts;
use libbpf_rs::{
    Link, MapCore, MapFlags, MapHandle, MapType, Object, ObjectBuilder, OpenObject, ProgramMut,
    TracepointCategory, UprobeOpts,
};

use self::constants::Constants;
use self::messages::{Failure, quietly};
use self::ring::Ring;
#[cfg(feature = "profile")]
use super::SampleMaps;
use super::{
    KernelHook, LinkId, Loader, Settings, UprobePoint, btf_file, kernel_error, load_error, no_btf,
    require_tracefs, uprobe_error,
};
use crate::error::{AttachError, LoadError};
#[cfg(feature = "profile")]
use crate::profile::ProfileConfig;

#[cfg(feature = "profile")]
mod clock;
mod constants;
mod messages;
mod ring;
#[cfg(feature = "profile")]
mod sampling;

/// An object in the kernel.
///
/// libbpf loads all programs of an object at once, or none when the kernel refuses one. So the maps are an object without
/// programs, and the programs further objects on the same maps, which are opened when they are asked for.
pub(crate) struct LibbpfLoader {
    object: Vec<u8>,
    btf_path: Option<PathBuf>,
    maps: HashMap<OsString, MapHandle>,
    rings: Vec<Ring>,
    #[cfg(feature = "profile")]
    sampling: Option<sampling::Sampling>,
    programs: HashMap<String, usize>,
    loaded: Vec<Object>,
    /// Of what is never undone.
    links: Vec<Link>,
    uprobes: HashMap<LinkId, Link>,
    last_link: u64,
}

impl LibbpfLoader {
    /// Creates the maps of an object and one ring for each processor. Programs are loaded when they are attached.
    pub(crate) fn load(object: &[u8], settings: &Settings) -> Result<Self, LoadError> {
        // libbpf would look for it in other places as well.
        if settings.btf_path.is_none() && !Path::new(KERNEL_BTF).exists() {
            return Err(no_btf());
        }
        if let Some(path) = &settings.btf_path {
            check_btf(path).map_err(|error| btf_file(path, &error))?;
        }
        let object = object.to_vec();
        let maps = create_maps(&object, settings)?;
        for (name, keys) in &settings.sets {
            let set = map(&maps, name)?;
            for key in keys {
                let filled = set.update(&key.to_ne_bytes(), &[1], MapFlags::ANY);
                filled.map_err(|error| LoadError::of("filling a set", Failure::of(&error).cause))?;
            }
        }
        let rings = create_rings(map(&maps, "rings")?, settings.ring_bytes)?;
        Ok(Self {
            object,
            btf_path: settings.btf_path.clone(),
            maps,
            rings,
            #[cfg(feature = "profile")]
            sampling: None,
            programs: HashMap::new(),
            loaded: Vec::new(),
            links: Vec::new(),
            uprobes: HashMap::new(),
            last_link: 0,
        })
    }

    /// Loads these programs, on the maps that there are.
    fn load_programs(&mut self, names: &[&str]) -> Result<(), Failure> {
        let object = quietly(|| {
            let mut object = open(&self.object, self.btf_path.as_deref())?;
            for mut program in object.progs_mut() {
                let is_wanted = names.iter().any(|name| program.name() == OsStr::new(name));
                program.set_autoload(is_wanted);
            }
            for mut map in object.maps_mut() {
                if let Some(there) = self.maps.get(map.name()) {
                    map.reuse_fd(there.as_fd())?;
                }
            }
            object.load()
        })?;
        self.programs.extend(names.iter().map(|name| ((*name).to_owned(), self.loaded.len())));
        self.loaded.push(object);
        Ok(())
    }

    /// A program that is loaded, or is loaded now.
    fn program(&mut self, name: &str) -> Result<ProgramMut<'_>, AttachError> {
        if !self.programs.contains_key(name) {
            self.load_programs(&[name]).map_err(|failure| failure.of_program(name))?;
        }
        let object = self.programs.get(name).and_then(|index| self.loaded.get(*index));
        let program = object.and_then(|object| object.progs_mut().find(|program| program.name() == name));
        program.ok_or_else(|| AttachError::UnknownProgram { program: name.to_owned() })
    }

    /// Hangs a program on something that it is not taken from again.
    fn hang(
        &mut self,
        program: &str,
        hook: &str,
        attach: impl FnOnce(&ProgramMut<'_>) -> libbpf_rs::Result<Link>,
    ) -> Result<(), AttachError> {
        let program = self.program(program)?;
        let link = quietly(|| attach(&program)).map_err(|failure| failure.of_hook(hook))?;
        self.links.push(link);
        Ok(())
    }
}

impl Loader for LibbpfLoader {
    fn prepare(&mut self, programs: &[&str]) {
        // When the kernel refuses one of them, that one is found when each is loaded by itself.
        let _ = self.load_programs(programs);
    }

    fn attach(&mut self, program: &str, hook: KernelHook<'_>) -> Result<(), AttachError> {
        let name = hook.to_string();
        let attached = match hook {
            KernelHook::Tracepoint(category, tracepoint) => {
                require_tracefs()?;
                let category = TracepointCategory::Custom(category.to_owned());
                self.hang(program, &name, |program| program.attach_tracepoint(category, tracepoint))
            }
            KernelHook::Kprobe(function) => {
                self.hang(program, &name, |program| program.attach_kprobe(false, function))
            }
            KernelHook::Kretprobe(function) => {
                self.hang(program, &name, |program| program.attach_kprobe(true, function))
            }
            KernelHook::Cgroup(path, _) => {
                let failed =
                    |error: io::Error| AttachError::Failed { hook: name.clone(), message: error.to_string() };
                let cgroup = File::open(path).map_err(failed)?;
                self.hang(program, &name, |program| program.attach_cgroup(cgroup.as_raw_fd()))
            }
            // What they hang on, their section says.
            KernelHook::TypedTracepoint(_) | KernelHook::FunctionEntry(_) | KernelHook::FunctionReturn(_) =>
            {
                #[allow(
                    clippy::redundant_closure_for_method_calls,
                    reason = "the method has too short a lifetime"
                )]
                self.hang(program, &name, |program| program.attach_trace())
            }
        };
        attached.map_err(|error| kernel_error(hook, error))
    }

    fn attach_raw_tracepoint(&mut self, program: &str, name: &str) -> Result<(), AttachError> {
        let hook = format!("raw tracepoint {name}");
        self.hang(program, &hook, |program| program.attach_raw_tracepoint(name))
    }

    fn attach_uprobe(&mut self, program: &str, point: UprobePoint<'_>) -> Result<LinkId, AttachError> {
        let hook = format!("{} at {:#x}", point.path.display(), point.file_offset);
        let too_far = || AttachError::Failed { hook: hook.clone(), message: "it stands too far".to_owned() };
        let offset = usize::try_from(point.file_offset).map_err(|_| too_far())?;
        let program = self.program(program)?;
        let retprobe = program.section().as_encoded_bytes().starts_with(b"uretprobe/");
        let options = UprobeOpts { cookie: point.cookie.unwrap_or(0), retprobe, ..UprobeOpts::default() };
        let attached =
            quietly(|| program.attach_uprobe_with_opts(EVERY_PROCESS, point.path, offset, options));
        let link = attached.map_err(|failure| uprobe_error(failure.of_hook(&hook)))?;
        self.last_link += 1;
        let id = LinkId(self.last_link);
        self.uprobes.insert(id, link);
        Ok(id)
    }

    fn detach_uprobe(&mut self, link: LinkId) -> Result<(), AttachError> {
        let link = self.uprobes.remove(&link);
        let let_go = quietly(|| {
            drop(link);
            Ok(())
        });
        let_go.map_err(|failure| failure.of_hook("detaching"))
    }

    fn insert(&mut self, name: &'static str, key: u32, value: u32) -> Result<(), LoadError> {
        let filled = map(&self.maps, name)?.update(&key.to_ne_bytes(), &value.to_ne_bytes(), MapFlags::ANY);
        filled.map_err(|error| LoadError::of("filling a map", Failure::of(&error).cause))
    }

    fn rings(&self) -> usize {
        self.rings.len()
    }

    fn ring_fd(&self, ring: usize) -> Option<BorrowedFd<'_>> {
        self.rings.get(ring).map(AsFd::as_fd)
    }

    fn next_record(&mut self, ring: usize, record: &mut Vec<u8>) -> bool {
        self.rings.get_mut(ring).is_some_and(|ring| ring.next_record(record))
    }

    #[cfg(feature = "profile")]
    fn attach_clock(&mut self, program: &str, config: &ProfileConfig) -> Result<(), AttachError> {
        let hook = format!("clock of {} Hz", config.frequency_hertz);
        let unready =
            |error: LoadError| AttachError::Failed { hook: hook.clone(), message: error.to_string() };
        self.sampling = Some(sampling::Sampling::new(&self.maps, config).map_err(unready)?);
        for processor in 0..possible_processors().map_err(unready)? {
            let clock = clock::open(processor, config.frequency_hertz);
            if let Some(clock) = clock.map_err(|error| super::hook_error(&hook, &error))? {
                self.hang(program, &hook, |program| clock::attach(program, clock))?;
            }
        }
        Ok(())
    }

    #[cfg(feature = "profile")]
    fn sample_maps(&mut self) -> Option<&mut dyn SampleMaps> {
        self.sampling.as_mut().map(|sampling| sampling as &mut dyn SampleMaps)
    }

    fn programs(&self) -> Vec<RawFd> {
        let programs = self.loaded.iter().flat_map(Object::progs);
        programs.map(|program| program.as_fd().as_raw_fd()).filter(|descriptor| *descriptor >= 0).collect()
    }

    fn counters(&self) -> Result<Vec<Vec<u64>>, LoadError> {
        let values = map(&self.maps, "counts")?.lookup_percpu(&0_u32.to_ne_bytes(), MapFlags::ANY);
        let values = values.map_err(|error| LoadError::of("reading counters", Failure::of(&error).cause))?;
        let numbers =
            |value: &Vec<u8>| value.as_chunks().0.iter().map(|one| u64::from_ne_bytes(*one)).collect();
        Ok(values.unwrap_or_default().iter().map(numbers).collect())
    }
}

/// The maps, with what is settled before programs are loaded.
fn create_maps(object: &[u8], settings: &Settings) -> Result<HashMap<OsString, MapHandle>, LoadError> {
    let constants = Constants::read(object)?;
    let loaded = quietly(|| {
        let mut object = open(object, settings.btf_path.as_deref())?;
        for mut program in object.progs_mut() {
            program.set_autoload(false);
        }
        for mut map in object.maps_mut() {
            let entries = settings.map_entries.iter().find(|(name, _)| map.name() == OsStr::new(name));
            if let Some((_, entries)) = entries {
                map.set_max_entries(*entries)?;
            }
            if map.name().as_encoded_bytes().ends_with(b".rodata")
                && let Some(section) = map.initial_value_mut()
            {
                constants.write(section, &settings.constants)?;
            }
        }
        object.load()
    });
    let loaded = loaded.map_err(|failure| load_error(LoadError::of("loading maps", failure.cause)))?;
    let handle = |map: libbpf_rs::Map<'_>| Ok((map.name().to_owned(), MapHandle::try_from(&map)?));
    let handles: libbpf_rs::Result<_> = loaded.maps().map(handle).collect();
    handles.map_err(|error| LoadError::of("keeping maps", Failure::of(&error).cause))
}

/// One ring for each processor that the host may have.
fn create_rings(outer: &MapHandle, ring_bytes: u32) -> Result<Vec<Ring>, LoadError> {
    let processors = possible_processors()?;
    let ring = |processor: u32| {
        let ring = Ring::create(ring_bytes)?;
        let descriptor = ring.as_fd().as_raw_fd();
        outer.update(&processor.to_ne_bytes(), &descriptor.to_ne_bytes(), MapFlags::ANY)?;
        Ok(ring)
    };
    let rings = || (0..processors.min(outer.max_entries())).map(ring).collect();
    quietly(rings).map_err(|failure| LoadError::of("creating rings", failure.cause))
}

/// As many processors as the host may have; some may be off.
fn possible_processors() -> Result<u32, LoadError> {
    let processors = libbpf_rs::num_possible_cpus();
    let processors =
        processors.map_err(|error| LoadError::of("counting processors", Failure::of(&error).cause))?;
    Ok(u32::try_from(processors).unwrap_or(u32::MAX))
}

/// A map that the object does not have: its kind, name, bytes of a key and of a value, and most entries.
fn new_map(kind: MapType, name: &str, [key, value, entries]: [u32; 3]) -> libbpf_rs::Result<MapHandle> {
    let options = bpf_map_create_opts { sz: OPTIONS_BYTES, ..bpf_map_create_opts::default() };
    MapHandle::create(kind, Some(name), key, value, entries, &options)
}

/// What libbpf says of a file without BTF has no words.
fn check_btf(path: &Path) -> io::Result<()> {
    let mut magic = [0; 2];
    std::fs::File::open(path)?.read_exact(&mut magic)?;
    let is_btf = u16::from_ne_bytes(magic) == BTF_MAGIC;
    if is_btf {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "it does not begin as BTF does"))
    }
}

/// Its name is part of the names of its maps, which must be the same whenever it is opened.
fn open(object: &[u8], btf_path: Option<&Path>) -> libbpf_rs::Result<OpenObject> {
    let mut builder = ObjectBuilder::default();
    if let Some(path) = btf_path {
        builder.btf_custom_path(path)?;
    }
    builder.name("df")?.open_memory(object)
}

fn map<'a>(maps: &'a HashMap<OsString, MapHandle>, name: &str) -> Result<&'a MapHandle, LoadError> {
    maps.get(OsStr::new(name)).ok_or(LoadError::Unsupported { what: "a map of the object" })
}

/// Where the kernel tells how its structures are laid out.
const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";
/// `BTF_MAGIC`, in the order of bytes of this machine.
const BTF_MAGIC: u16 = 0xeb9f;
const EVERY_PROCESS: i32 = -1;
#[allow(clippy::cast_possible_truncation, reason = "some hundred bytes; the field is as wide as a size in C")]
const OPTIONS_BYTES: libbpf_rs::libbpf_sys::size_t = size_of::<bpf_map_create_opts>() as _;
