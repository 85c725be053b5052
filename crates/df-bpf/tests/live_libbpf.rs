//! The tests of `live.rs`, with the second loader.
#![cfg(all(feature = "aya", feature = "libbpf", target_os = "linux"))]

#[path = "live.rs"]
mod live;
