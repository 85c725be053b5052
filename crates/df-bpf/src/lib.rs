//! What processes send and receive, seen by eBPF.
#![deny(unsafe_code)]

mod abi;
mod clock;
mod config;
mod event;
#[doc(hidden)]
pub mod fuzzing;
mod stats;

pub use clock::ClockOffset;
pub use config::{PortFilter, ProbeConfig, ProcessFilter};
pub use event::{Event, ProcessChange, ProcessEvent, RecordError, decode_event};
pub use stats::{ProbeStats, ProcessorStats};

#[cfg(all(feature = "aya", target_os = "linux"))]
mod error;
#[cfg(all(feature = "aya", target_os = "linux"))]
mod kernel;
#[cfg(all(feature = "aya", target_os = "linux"))]
mod loader;
#[cfg(all(feature = "aya", target_os = "linux"))]
mod privileges;
#[cfg(all(feature = "aya", target_os = "linux"))]
mod probes;
#[cfg(all(feature = "aya", target_os = "linux"))]
mod report;
#[cfg(all(feature = "aya", target_os = "linux"))]
mod rings;

#[cfg(all(feature = "aya", target_os = "linux"))]
pub use {
    error::{AttachError, LoadError},
    kernel::{Kernel, KernelFeature, KernelSetting},
    privileges::Capability,
    probes::Probes,
    report::{HookReport, ProbeReport},
};

pub mod tls;
