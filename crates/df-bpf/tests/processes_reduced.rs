//! The tests of `processes.rs`, with the reduced programs.
#![cfg(all(feature = "aya", target_os = "linux"))]

#[path = "processes.rs"]
mod processes;
