//! What processes send and receive, seen by eBPF.
#![deny(unsafe_code)]
