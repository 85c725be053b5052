//! The tests of `unix.rs`, with the second loader.
#![cfg(all(feature = "aya", feature = "libbpf", target_os = "linux"))]

#[path = "unix.rs"]
mod unix;
