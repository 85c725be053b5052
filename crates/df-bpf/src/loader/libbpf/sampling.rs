//! The maps of a profile: filled by the program, read and emptied in turn.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::fd::{AsFd, AsRawFd};

use libbpf_rs::{MapCore, MapFlags, MapHandle, MapType};

use super::messages::Failure;
use super::{map, new_map};
use crate::error::LoadError;
use crate::loader::{MAX_FRAMES, SampleMaps};
use crate::profile::{ProfileConfig, SAMPLE_BYTES};

/// Two of each map, of which the program fills one while the other is read.
pub(super) struct Sampling {
    turn: MapHandle,
    outer_samples: MapHandle,
    outer_stacks: MapHandle,
    /// Filled next.
    spare: Buffer,
    /// Filled now.
    filled: Buffer,
}

struct Buffer {
    turn: u32,
    samples: MapHandle,
    stacks: MapHandle,
}

impl Sampling {
    /// Makes the maps and puts them in reach of the program.
    pub(super) fn new(
        maps: &HashMap<OsString, MapHandle>,
        config: &ProfileConfig,
    ) -> Result<Self, LoadError> {
        let creating = |error| failed("creating the maps of a profile", &error);
        let handle = |name| MapHandle::try_from(map(maps, name)?).map_err(creating);
        let sampling = Self {
            turn: handle("profile_turn")?,
            outer_samples: handle("profile_samples")?,
            outer_stacks: handle("profile_stacks")?,
            spare: Buffer::new(1, config).map_err(creating)?,
            filled: Buffer::new(0, config).map_err(creating)?,
        };
        for buffer in [&sampling.spare, &sampling.filled] {
            sampling.put_in_reach(buffer).map_err(creating)?;
        }
        Ok(sampling)
    }

    fn put_in_reach(&self, buffer: &Buffer) -> libbpf_rs::Result<()> {
        for (outer, inner) in [(&self.outer_samples, &buffer.samples), (&self.outer_stacks, &buffer.stacks)] {
            let descriptor = inner.as_fd().as_raw_fd();
            outer.update(&buffer.turn.to_ne_bytes(), &descriptor.to_ne_bytes(), MapFlags::ANY)?;
        }
        Ok(())
    }
}

impl Buffer {
    fn new(turn: u32, config: &ProfileConfig) -> libbpf_rs::Result<Self> {
        let samples = [KEY_BYTES, COUNT_BYTES, config.max_samples];
        let stacks = [STACK_ID_BYTES, MAX_FRAMES * ADDRESS_BYTES, config.max_stacks];
        Ok(Self {
            turn,
            samples: new_map(MapType::Hash, "df_samples", samples)?,
            stacks: new_map(MapType::StackTrace, "df_stacks", stacks)?,
        })
    }
}

impl SampleMaps for Sampling {
    fn swap(&mut self) -> Result<(), LoadError> {
        let turned = self.turn.update(&0_u32.to_ne_bytes(), &self.spare.turn.to_ne_bytes(), MapFlags::ANY);
        turned.map_err(reading)?;
        std::mem::swap(&mut self.spare, &mut self.filled);
        // The kernel comes back from this when every program that was running has ended: none fills the old maps any more.
        self.put_in_reach(&self.filled).map_err(reading)
    }

    fn take_counts(&mut self) -> Result<Vec<([u8; SAMPLE_BYTES], u64)>, LoadError> {
        let samples = &self.spare.samples;
        let mut counts = Vec::new();
        for key in samples.keys().collect::<Vec<_>>() {
            let count = samples.lookup(&key, MapFlags::ANY).map_err(reading)?;
            samples.delete(&key).map_err(reading)?;
            if let (Ok(key), Some(Ok(count))) = (key.try_into(), count.map(TryInto::try_into)) {
                counts.push((key, u64::from_ne_bytes(count)));
            }
        }
        Ok(counts)
    }

    fn frames(&self, stack: u32) -> Vec<u64> {
        let stack = self.spare.stacks.lookup(&stack.to_ne_bytes(), MapFlags::ANY);
        let bytes = stack.ok().flatten().unwrap_or_default();
        let addresses = bytes.as_chunks().0.iter().map(|address| u64::from_ne_bytes(*address));
        addresses.take_while(|address| *address != 0).collect()
    }

    fn remove_stacks(&mut self) -> Result<(), LoadError> {
        let stacks = &self.spare.stacks;
        for stack in stacks.keys().collect::<Vec<_>>() {
            stacks.delete(&stack).map_err(reading)?;
        }
        Ok(())
    }
}

#[allow(clippy::needless_pass_by_value, reason = "errors are mapped by it")]
fn reading(error: libbpf_rs::Error) -> LoadError {
    failed("reading a profile", &error)
}

fn failed(call: &'static str, error: &libbpf_rs::Error) -> LoadError {
    LoadError::of(call, Failure::of(error).cause)
}

#[allow(clippy::cast_possible_truncation, reason = "40")]
const KEY_BYTES: u32 = SAMPLE_BYTES as u32;
const COUNT_BYTES: u32 = 8;
const STACK_ID_BYTES: u32 = 4;
const ADDRESS_BYTES: u32 = 8;
