//! The tests of `tls.rs`, with the second loader.
#![cfg(all(feature = "aya", feature = "libbpf", target_os = "linux"))]

#[path = "tls.rs"]
mod tls;
