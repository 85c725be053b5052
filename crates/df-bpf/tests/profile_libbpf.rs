//! The tests of `profile.rs`, with the second loader.
#![cfg(all(feature = "profile", feature = "aya", feature = "libbpf", target_os = "linux"))]

#[path = "profile.rs"]
mod profile;
