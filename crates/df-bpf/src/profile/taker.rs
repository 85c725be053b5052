//! Takes one profile after the other out of the kernel.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use df_core::Timestamp;

use super::sample::SampleKey;
use super::{Profile, ProfileConfig, Sample};
use crate::clock::unix_now;
use crate::error::LoadError;
use crate::loader::{Loader, SampleMaps};
use crate::report::ProbeReport;
use crate::stats::ProcessorStats;

/// Refuses what the kernel would not take, or would take for something else.
pub(crate) const fn check(config: &ProfileConfig) -> Result<(), LoadError> {
    if config.frequency_hertz < 1 || config.frequency_hertz > MAX_FREQUENCY_HERTZ {
        return Err(LoadError::Config { field: "profile.frequency_hertz", what: "1 to 1000" });
    }
    if config.max_samples < 1 || config.max_samples > MAX_ENTRIES {
        return Err(LoadError::Config { field: "profile.max_samples", what: "1 to 1048576" });
    }
    if config.max_stacks < 1 || config.max_stacks > MAX_ENTRIES {
        return Err(LoadError::Config { field: "profile.max_stacks", what: "1 to 1048576" });
    }
    Ok(())
}

/// Where the profile that is being made began.
#[derive(Debug)]
pub(crate) struct ProfileTaker {
    frequency_hertz: u32,
    start: Timestamp,
    started_at: Instant,
    lost: Lost,
}

/// What there was no room for, on all processors, since the programs were loaded.
#[derive(Debug, Clone, Copy, Default)]
struct Lost {
    samples: u64,
    stacks: u64,
}

impl ProfileTaker {
    /// Begins, and tells in the report whether that is possible.
    pub(crate) fn attach(config: &ProfileConfig, loader: &mut dyn Loader, report: &mut ProbeReport) -> Self {
        let hook = format!("clock of {} Hz", config.frequency_hertz);
        report.push(hook, loader.attach_clock("on_clock", config));
        Self {
            frequency_hertz: config.frequency_hertz,
            start: unix_now(),
            started_at: Instant::now(),
            lost: Lost::default(),
        }
    }

    /// Ends a profile and begins the next.
    pub(crate) fn take(&mut self, loader: &mut dyn Loader) -> Result<Profile, LoadError> {
        let (now, unix_now) = (Instant::now(), unix_now());
        let samples = loader.sample_maps().map_or(Ok(Vec::new()), take_samples)?;
        let lost = Lost::until_now(loader)?;
        let profile = Profile {
            samples,
            start: self.start,
            duration: now.duration_since(self.started_at),
            frequency_hertz: self.frequency_hertz,
            lost_samples: lost.samples.saturating_sub(self.lost.samples),
            lost_stacks: lost.stacks.saturating_sub(self.lost.stacks),
        };
        (self.start, self.started_at, self.lost) = (unix_now, now, lost);
        Ok(profile)
    }
}

/// What was found since the program was attached, or since the last time.
fn take_samples(maps: &mut dyn SampleMaps) -> Result<Vec<Sample>, LoadError> {
    maps.swap()?;
    let counts = maps.take_counts()?;
    let mut stacks = StackReader { maps: &*maps, read: HashMap::new() };
    let samples = counts.iter().filter_map(|(key, count)| {
        let key = SampleKey::parse(key)?;
        Some(Sample {
            task: key.task,
            causal_id: key.causal_id,
            count: *count,
            kernel_frames: stacks.frames(key.kernel_stack),
            user_frames: stacks.frames(key.user_stack),
        })
    });
    let samples = samples.collect();
    maps.remove_stacks()?;
    Ok(samples)
}

/// Reads each stack once.
struct StackReader<'a> {
    maps: &'a dyn SampleMaps,
    read: HashMap<u32, Arc<[u64]>>,
}

impl StackReader<'_> {
    fn frames(&mut self, stack: Option<u32>) -> Arc<[u64]> {
        let Some(stack) = stack else { return Arc::default() };
        Arc::clone(self.read.entry(stack).or_insert_with(|| self.maps.frames(stack).into()))
    }
}

impl Lost {
    fn until_now(loader: &dyn Loader) -> Result<Self, LoadError> {
        let counters = loader.counters()?;
        let processors = counters.iter().map(|values| ProcessorStats::from_counters(values));
        Ok(processors.fold(Self::default(), |lost, processor| Self {
            samples: lost.samples + processor.lost_samples,
            stacks: lost.stacks + processor.lost_stacks,
        }))
    }
}

const MAX_FREQUENCY_HERTZ: u32 = 1000;
const MAX_ENTRIES: u32 = 1 << 20;
