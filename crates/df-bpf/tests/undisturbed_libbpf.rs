//! The tests of `undisturbed.rs`, with the second loader.
#![cfg(all(feature = "aya", feature = "libbpf", target_os = "linux"))]

#[path = "undisturbed.rs"]
mod undisturbed;
