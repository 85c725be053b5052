//! The tests of `privileges.rs`, with the second loader.
#![cfg(all(feature = "aya", feature = "libbpf", target_os = "linux"))]

#[path = "privileges.rs"]
mod privileges;
