//! Where processors spend their time: samples of stacks, counted in the kernel.

use std::sync::Arc;
use std::time::Duration;

use df_core::{CausalId, Task, Timestamp};

mod folded;
mod messages;
mod pprof;
mod sample;
mod symbols;
mod taker;

pub(crate) use sample::SAMPLE_BYTES;
pub use symbols::{Symbolizer, Symbols};
pub(crate) use taker::{ProfileTaker, check};

/// How processors are sampled.
///
/// ```
/// use df_bpf::{ProbeConfig, ProfileConfig};
///
/// let config = ProbeConfig::default().with_profile(Some(ProfileConfig::default().with_frequency_hertz(49)));
/// assert_eq!(config.profile.map(|profile| profile.frequency_hertz), Some(49));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProfileConfig {
    /// How often each processor is interrupted, 1 to 1000 times a second. Default 99, which stays out of step with what
    /// happens a hundred times a second.
    pub frequency_hertz: u32,
    /// Most combinations of thread, stacks and causal id that are counted from one [`Probes::take_profile`] to the next.
    /// Default 16384.
    ///
    /// [`Probes::take_profile`]: crate::Probes::take_profile
    pub max_samples: u32,
    /// Most stacks of up to 127 frames that are kept from one [`Probes::take_profile`] to the next. Default 16384. A
    /// stack has one place only, by its hash: a tenth as many different ones lose about one in twenty.
    ///
    /// [`Probes::take_profile`]: crate::Probes::take_profile
    pub max_stacks: u32,
}

impl Default for ProfileConfig {
    fn default() -> Self {
        Self { frequency_hertz: 99, max_samples: 16_384, max_stacks: 16_384 }
    }
}

impl ProfileConfig {
    /// Sets how often each processor is interrupted.
    pub const fn with_frequency_hertz(mut self, frequency_hertz: u32) -> Self {
        self.frequency_hertz = frequency_hertz;
        self
    }

    /// Bounds how many samples and how many stacks are kept.
    pub const fn with_bounds(mut self, max_samples: u32, max_stacks: u32) -> Self {
        self.max_samples = max_samples;
        self.max_stacks = max_stacks;
        self
    }
}

/// What processors were at from one moment to another.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// What was seen, in no order.
    pub samples: Vec<Sample>,
    /// When it begins.
    pub start: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// How often each processor was looked at per second.
    pub frequency_hertz: u32,
    /// Looks of which nothing is told, since there were too many different ones.
    pub lost_samples: u64,
    /// Stacks that samples lack, since there was no room for them.
    pub lost_stacks: u64,
}

/// A thread in one place, and how often it was found there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sample {
    /// The thread.
    pub task: Task,
    /// The request that it was working on: as in [`Chunk::causal_id`](df_core::Chunk::causal_id). None: it is not known, or none.
    pub causal_id: Option<CausalId>,
    /// How often it was found there.
    pub count: u64,
    /// Where it was in the kernel, innermost first: addresses of instructions. Empty: it was not in the kernel.
    pub kernel_frames: Arc<[u64]>,
    /// Where it was in its own program, innermost first. Empty: it is a thread of the kernel, or the stack was lost.
    pub user_frames: Arc<[u64]>,
}

impl Profile {
    /// What was done for one request: those samples that carry its id.
    #[must_use]
    pub fn of_request(&self, causal_id: CausalId) -> Self {
        self.only(|sample| sample.causal_id == Some(causal_id))
    }

    /// What one process did.
    #[must_use]
    pub fn of_process(&self, pid: u32) -> Self {
        self.only(|sample| sample.task.pid == pid)
    }

    /// How often any thread was found anywhere.
    pub fn count(&self) -> u64 {
        self.samples.iter().map(|sample| sample.count).sum()
    }

    /// The time that one count stands for.
    pub fn period(&self) -> Duration {
        Duration::from_secs(1) / self.frequency_hertz.max(1)
    }

    /// One line for each thread's name and stack, outermost function first, with the number of samples: what
    /// `flamegraph.pl`, inferno and speedscope read. Functions of the kernel end in `_[k]`; those without a name are `[unknown]`.
    pub fn folded(&self, symbols: &Symbols) -> String {
        folded::folded(self, symbols)
    }

    /// A `perftools.profiles.Profile`, not compressed: what `go tool pprof`, Pyroscope and Parca read. Samples have the
    /// labels `thread`, `pid`, `tid` and, where it is known, `causal_id` in hexadecimal digits.
    pub fn pprof(&self, symbols: &Symbols) -> Vec<u8> {
        pprof::pprof(self, symbols)
    }

    fn only(&self, is_wanted: impl Fn(&Sample) -> bool) -> Self {
        let samples = self.samples.iter().filter(|sample| is_wanted(sample)).cloned().collect();
        Self { samples, ..self.without_samples() }
    }

    const fn without_samples(&self) -> Self {
        Self { samples: Vec::new(), ..*self }
    }
}

#[cfg(test)]
mod tests;
