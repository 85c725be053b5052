//! The bounds of a flow table.

use std::time::Duration;

/// The bounds of a flow table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlowConfig {
    /// The most flows at a time; default 262,144. When one more begins, the one closest to its timeout ends.
    pub max_flows: usize,
    /// The most bytes held per direction of a TCP connection while earlier ones are missing; default 262,144.
    pub max_out_of_order_bytes: usize,
    /// The most bytes held in all while earlier ones are missing; default 64 MiB.
    pub max_total_out_of_order_bytes: usize,
    /// How long a TCP connection may take to be established; default 35 s.
    pub opening_timeout: Duration,
    /// How long an established TCP connection may be silent; default 300 s.
    pub established_timeout: Duration,
    /// How long a TCP connection may be silent that one end has closed; default 120 s.
    pub half_closed_timeout: Duration,
    /// How long a closed TCP connection waits for stragglers; default 10 s.
    pub closing_timeout: Duration,
    /// How long a UDP or ICMP flow may be silent; default 120 s.
    pub datagram_timeout: Duration,
    /// How long a flow may be silent before it is packed into as few bytes as it needs; default 60 s. The next packet unpacks
    /// it, which takes as long as a dozen packets. With [`record_interval`](Self::record_interval) that interval counts instead.
    pub rest_after: Duration,
    /// How often a flow that goes on is reported; default none: only at its end.
    pub record_interval: Option<Duration>,
    /// Makes the hash of flows unpredictable to whoever sends the packets; default 0, for repeatable runs.
    pub hash_seed: u64,
}

impl Default for FlowConfig {
    fn default() -> Self {
        Self {
            max_flows: 262_144,
            max_out_of_order_bytes: 262_144,
            max_total_out_of_order_bytes: 64 << 20,
            opening_timeout: Duration::from_secs(35),
            established_timeout: Duration::from_secs(300),
            half_closed_timeout: Duration::from_secs(120),
            closing_timeout: Duration::from_secs(10),
            datagram_timeout: Duration::from_secs(120),
            rest_after: Duration::from_secs(60),
            record_interval: None,
            hash_seed: 0,
        }
    }
}
