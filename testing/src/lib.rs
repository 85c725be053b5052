//! Real servers, network namespaces and recordings for df's own tests. Nothing here is published.
//!
//! Servers are the ones Debian packages, driven by their own clients; nothing is simulated. Each lives in a fresh
//! directory and on its own port or in its own network namespace, and dies with the value that stands for it.
#![forbid(unsafe_code)]

mod client;
mod golden;
mod namespaces;
mod peer;
mod place;
mod recording;
mod server;

pub use client::{Measurement, Privacy, measure, measure_one_way, measure_over_unix_socket};
pub use golden::GoldenCase;
pub use namespaces::Namespaces;
pub use peer::{PeerError, skip};
pub use place::{Place, is_root};
pub use recording::Recording;
pub use server::{Server, ServerKind};
