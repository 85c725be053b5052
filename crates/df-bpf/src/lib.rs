//! What processes send and receive, seen by eBPF.
#![deny(unsafe_code)]

#[cfg(feature = "inspect")]
pub mod tls;
