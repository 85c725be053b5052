//! The tests of `processes.rs`, with the second loader.
#![cfg(all(feature = "aya", feature = "libbpf", target_os = "linux"))]

#[path = "processes.rs"]
mod processes;
