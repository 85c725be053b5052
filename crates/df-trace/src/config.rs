//! How long, how far and how many exchanges are held to be linked.

use std::time::Duration;

/// The configuration of a [`SpanAssembler`](crate::SpanAssembler).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TraceConfig {
    /// How long an exchange is held so that other observations of it can come, in the time of the exchanges themselves;
    /// default 1 s.
    pub link_window: Duration,
    /// How far apart in time two observations of one message may be; default 50 ms.
    pub max_network_delay: Duration,
    /// How many exchanges are held; default 65,536. More make the oldest ready before its time, and as many again
    /// that nobody polls make the oldest drop. The worst case is twice this number of exchanges: about 200 MB at 1.5 kB
    /// each.
    pub max_held_spans: usize,
}

impl Default for TraceConfig {
    fn default() -> Self {
        Self {
            link_window: Duration::from_secs(1),
            max_network_delay: Duration::from_millis(50),
            max_held_spans: 65_536,
        }
    }
}
