//! The bounds of a socket table.

use std::time::Duration;

/// The bounds of a socket table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocketConfig {
    /// The most conversations at a time; default 262,144. When one more begins, the one closest to its timeout ends.
    pub max_conversations: usize,
    /// The most bytes held per direction while earlier ones are missing; default 262,144.
    pub max_out_of_order_bytes: usize,
    /// The most bytes held in all while earlier ones are missing; default 64 MiB.
    pub max_total_out_of_order_bytes: usize,
    /// How long bytes may be missing; default 200 ms. Events of other processors come within milliseconds or never.
    pub max_hole_age: Duration,
    /// How long a TCP socket may be silent, should its closing be lost; default 1 h.
    pub stream_timeout: Duration,
    /// How long two ends may exchange no datagrams; default 120 s.
    pub datagram_timeout: Duration,
}

impl Default for SocketConfig {
    fn default() -> Self {
        Self {
            max_conversations: 262_144,
            max_out_of_order_bytes: 262_144,
            max_total_out_of_order_bytes: 64 << 20,
            max_hole_age: Duration::from_millis(200),
            stream_timeout: Duration::from_secs(3600),
            datagram_timeout: Duration::from_secs(120),
        }
    }
}
