//! The tests of `scale.rs`, with the second loader.
#![cfg(all(feature = "aya", feature = "libbpf", target_os = "linux"))]

#[path = "scale.rs"]
mod scale;
