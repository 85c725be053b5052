//! The maps of a profile: filled by the program, read and emptied in turn.

use std::collections::HashMap;
use std::sync::Arc;

use aya::Ebpf;
use aya::maps::{Array, ArrayOfMaps, HashMap as BpfHashMap, Map, MapData, MapError, StackTraceMap};

use super::taken;
use crate::error::LoadError;
use crate::loader::MAX_FRAMES;
use crate::profile::{ProfileConfig, SAMPLE_BYTES, Sample, SampleKey};

type Samples = BpfHashMap<MapData, [u8; SAMPLE_BYTES], u64>;
type Stacks = StackTraceMap<MapData>;

/// Two of each map, of which the program fills one while the other is read.
pub(super) struct Sampling {
    turn: Array<MapData, u32>,
    outer_samples: ArrayOfMaps<MapData, Samples>,
    outer_stacks: ArrayOfMaps<MapData, Stacks>,
    /// Filled next.
    spare: Buffer,
    /// Filled now.
    filled: Buffer,
}

struct Buffer {
    turn: u32,
    samples: Samples,
    stacks: Stacks,
}

impl Sampling {
    /// Makes the maps and puts them in reach of the program.
    pub(super) fn new(object: &mut Ebpf, config: &ProfileConfig) -> Result<Self, LoadError> {
        let failed = |error| LoadError::of("creating the maps of a profile", error);
        let turn = Array::try_from(taken(object, "profile_turn")?).map_err(failed)?;
        let mut outer_samples = ArrayOfMaps::try_from(taken(object, "profile_samples")?).map_err(failed)?;
        let mut outer_stacks = ArrayOfMaps::try_from(taken(object, "profile_stacks")?).map_err(failed)?;
        let mut buffer = |turn| {
            let samples = Samples::create(config.max_samples, 0)?;
            let stacks = new_stacks(config.max_stacks)?;
            outer_samples.set(turn, &samples, 0)?;
            outer_stacks.set(turn, &stacks, 0)?;
            Ok(Buffer { turn, samples, stacks })
        };
        let (filled, spare) = (buffer(0).map_err(failed)?, buffer(1).map_err(failed)?);
        Ok(Self { turn, outer_samples, outer_stacks, spare, filled })
    }

    /// Has the program fill the other maps, and empties those that it filled.
    pub(super) fn take(&mut self) -> Result<Vec<Sample>, LoadError> {
        let failed = |error| LoadError::of("reading a profile", error);
        self.turn.set(0, self.spare.turn, 0).map_err(failed)?;
        std::mem::swap(&mut self.spare, &mut self.filled);
        // The kernel comes back from this when every program that was running has ended: none fills the old maps any more.
        self.outer_samples.set(self.filled.turn, &self.filled.samples, 0).map_err(failed)?;
        self.outer_stacks.set(self.filled.turn, &self.filled.stacks, 0).map_err(failed)?;
        self.spare.take().map_err(failed)
    }
}

impl Buffer {
    fn take(&mut self) -> Result<Vec<Sample>, MapError> {
        let counts = self.samples.iter().collect::<Result<Vec<_>, _>>()?;
        let mut stacks = StackReader { stacks: &self.stacks, read: HashMap::new() };
        let samples = counts.iter().filter_map(|(bytes, count)| {
            let key = SampleKey::parse(bytes)?;
            Some(Sample {
                task: key.task,
                causal_id: key.causal_id,
                count: *count,
                kernel_frames: stacks.frames(key.kernel_stack),
                user_frames: stacks.frames(key.user_stack),
            })
        });
        let samples = samples.collect();
        for (key, _) in counts {
            self.samples.remove(&key)?;
        }
        // All of them: a stack stays without a sample when there was no room for the sample.
        for id in self.stacks.stack_ids().collect::<Result<Vec<_>, _>>()? {
            self.stacks.remove(&id)?;
        }
        Ok(samples)
    }
}

/// Reads each stack once.
struct StackReader<'a> {
    stacks: &'a Stacks,
    read: HashMap<u32, Arc<[u64]>>,
}

impl StackReader<'_> {
    fn frames(&mut self, id: Option<u32>) -> Arc<[u64]> {
        let Some(id) = id else { return Arc::default() };
        let stacks = self.stacks;
        let read = || match stacks.get(&id, 0) {
            Ok(stack) => stack.frames().iter().map(|frame| frame.ip).collect(),
            Err(_) => Arc::default(),
        };
        Arc::clone(self.read.entry(id).or_insert_with(read))
    }
}

fn new_stacks(max_stacks: u32) -> Result<Stacks, MapError> {
    let definition = aya_obj::Map::new_from_params(STACK_TRACE, 4, MAX_FRAMES * 8, max_stacks, 0);
    StackTraceMap::try_from(Map::StackTraceMap(MapData::create(definition, "df_stacks", None)?))
}

/// `BPF_MAP_TYPE_STACK_TRACE`.
const STACK_TRACE: u32 = 7;
