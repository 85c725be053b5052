//! The maps of a profile: filled by the program, read and emptied in turn.

use aya::Ebpf;
use aya::maps::{Array, ArrayOfMaps, HashMap as BpfHashMap, Map, MapData, MapError, StackTraceMap};

use super::taken;
use crate::error::LoadError;
use crate::loader::{MAX_FRAMES, SampleMaps};
use crate::profile::{ProfileConfig, SAMPLE_BYTES};

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
}

impl SampleMaps for Sampling {
    fn swap(&mut self) -> Result<(), LoadError> {
        self.turn.set(0, self.spare.turn, 0).map_err(reading)?;
        std::mem::swap(&mut self.spare, &mut self.filled);
        // The kernel comes back from this when every program that was running has ended: none fills the old maps any more.
        self.outer_samples.set(self.filled.turn, &self.filled.samples, 0).map_err(reading)?;
        self.outer_stacks.set(self.filled.turn, &self.filled.stacks, 0).map_err(reading)
    }

    fn take_counts(&mut self) -> Result<Vec<([u8; SAMPLE_BYTES], u64)>, LoadError> {
        let samples = &mut self.spare.samples;
        let counts = samples.iter().collect::<Result<Vec<_>, _>>().map_err(reading)?;
        for (key, _) in &counts {
            samples.remove(key).map_err(reading)?;
        }
        Ok(counts)
    }

    fn frames(&self, stack: u32) -> Vec<u64> {
        let stack = self.spare.stacks.get(&stack, 0);
        stack.map_or_else(|_| Vec::new(), |stack| stack.frames().iter().map(|frame| frame.ip).collect())
    }

    fn remove_stacks(&mut self) -> Result<(), LoadError> {
        let stacks = &mut self.spare.stacks;
        for stack in stacks.stack_ids().collect::<Result<Vec<_>, _>>().map_err(reading)? {
            stacks.remove(&stack).map_err(reading)?;
        }
        Ok(())
    }
}

fn reading(error: MapError) -> LoadError {
    LoadError::of("reading a profile", error)
}

fn new_stacks(max_stacks: u32) -> Result<Stacks, MapError> {
    let definition = aya_obj::Map::new_from_params(STACK_TRACE, 4, MAX_FRAMES * 8, max_stacks, 0);
    StackTraceMap::try_from(Map::StackTraceMap(MapData::create(definition, "df_stacks", None)?))
}

/// `BPF_MAP_TYPE_STACK_TRACE`.
const STACK_TRACE: u32 = 7;
