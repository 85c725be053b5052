//! Metrics of the network between services: flow records added up per edge, window after window.
//!
//! An *edge* is a client's address and the server endpoint that it talks to; an *endpoint* is the server's half of all its
//! edges. Give the aggregator every record of every flow table; it puts each into the window of its last packet, accepts
//! records that come late within [`AggregationConfig::lateness`], and gives each window once. Windows of several threads
//! or hosts, and of several seconds, merge ([`Window::merge`]): every figure is a sum, a count, a maximum or a histogram of
//! fixed buckets.
//!
//! A record's figures are those since the flow's record before. For windows of one second let the flow table report every
//! second ([`FlowConfig::record_interval`](crate::FlowConfig::record_interval)).

mod edge_metrics;
mod histogram;
mod window;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use df_core::Timestamp;

use crate::FlowRecord;
pub use edge_metrics::{EdgeMetrics, TrafficMetrics};
pub use histogram::{DELAY_BOUNDS_NS, DelayHistogram};
pub use window::{Edge, ServerEndpoint, Window};

/// Adds flow records up, per window and edge. Reads no clock: the caller says when it is.
///
/// ```
/// use df_core::{Endpoint, FlowKey, Timestamp, Transport};
/// use df_flow::aggregation::{AggregationConfig, FlowAggregator};
/// use df_flow::FlowRecord;
///
/// let end = |text: &str| { let at: std::net::SocketAddr = text.parse().unwrap(); Endpoint::new(at.ip(), at.port()) };
/// let (client, server) = (end("10.0.0.1:50000"), end("10.0.0.2:80"));
/// let key = FlowKey::new(Transport::Tcp, client, server);
/// let mut aggregator = FlowAggregator::new(AggregationConfig::default());
/// aggregator.handle_record(&FlowRecord::new(1, key, Timestamp::from_nanos(5)));
/// aggregator.handle_timeout(Timestamp::from_nanos(60_000_000_000));
/// let window = aggregator.poll_window().expect("a minute is over");
/// assert_eq!(window.edges.values().map(|edge| edge.opened).sum::<u64>(), 1);
/// ```
#[derive(Debug)]
pub struct FlowAggregator {
    config: AggregationConfig,
    /// By the number of the window since 1970.
    windows: BTreeMap<u64, Window>,
    /// Flows that go on, per edge.
    open_flows: HashMap<Edge, u64>,
    /// Windows below this number are given away.
    first_open: u64,
    stats: AggregationStats,
}

/// How flow records are added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AggregationConfig {
    /// How long a window is; default 1 s, at least 1 ms.
    pub interval: Duration,
    /// How long after its end a window still takes records; default 2 s.
    pub lateness: Duration,
    /// The most edges per window, the overflow's among them; default 20,000, each of about 1 KiB while it has traffic.
    pub max_edges: usize,
}

impl Default for AggregationConfig {
    fn default() -> Self {
        Self { interval: Duration::from_secs(1), lateness: Duration::from_secs(2), max_edges: 20_000 }
    }
}

/// What happened to the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AggregationStats {
    /// Records added to a window.
    pub records: u64,
    /// Records that came after their window was given away: not measured.
    pub late_records: u64,
    /// Packets in those.
    pub late_packets: u64,
    /// Records added to the overflow because their window had too many edges.
    pub overflowed_records: u64,
    /// Windows given away before their time, because records ran ahead of the clock.
    pub hurried_windows: u64,
}

impl FlowAggregator {
    /// An aggregator without windows.
    pub fn new(config: AggregationConfig) -> Self {
        Self {
            config,
            windows: BTreeMap::new(),
            open_flows: HashMap::new(),
            first_open: 0,
            stats: AggregationStats::default(),
        }
    }

    /// Adds a record to the window of its last packet.
    pub fn handle_record(&mut self, record: &FlowRecord) {
        let number = self.number_of(record.end);
        if number < self.first_open {
            self.stats.late_records += 1;
            self.stats.late_packets += record.to_server.packets + record.to_client.packets;
            return;
        }
        let (start, interval) = (self.start_of(number), self.interval());
        let window = self.windows.entry(number).or_insert_with(|| Window::new(start, interval));
        let is_within = window.add(record, self.config.max_edges);
        self.stats.records += 1;
        self.stats.overflowed_records += u64::from(!is_within);
    }

    /// Ends the windows whose time, and whose lateness, is over.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        let lateness = u64::try_from(self.config.lateness.as_nanos()).unwrap_or(u64::MAX);
        let horizon = Timestamp::from_nanos(now.as_nanos().saturating_sub(lateness));
        self.first_open = self.first_open.max(self.number_of(horizon));
    }

    /// Ends every window: nothing more will come.
    pub fn finish(&mut self) {
        let last = self.windows.last_key_value().map(|(number, _)| number.saturating_add(1));
        self.first_open = self.first_open.max(last.unwrap_or_default());
    }

    /// The next window that has ended, oldest first. Windows without records are not given.
    pub fn poll_window(&mut self) -> Option<Window> {
        let oldest = *self.windows.first_key_value()?.0;
        if oldest >= self.first_open {
            if self.windows.len() <= MAX_OPEN_WINDOWS {
                return None;
            }
            self.stats.hurried_windows += 1;
            self.first_open = oldest + 1;
        }
        let mut window = self.windows.remove(&oldest)?;
        self.count_open(&mut window);
        Some(window)
    }

    /// What was done so far.
    pub const fn stats(&self) -> AggregationStats {
        self.stats
    }

    /// Tells how many flows of each edge are open when the window ends, silent ones too.
    fn count_open(&mut self, window: &mut Window) {
        for (edge, open) in self.open_flows.drain() {
            window.edge(edge, self.config.max_edges).0.active += open;
        }
        for (edge, metrics) in &mut window.edges {
            let began = metrics.active + metrics.opened + metrics.turned_in;
            metrics.active = began.saturating_sub(metrics.closed_flows() + metrics.turned_out);
            if metrics.active > 0 {
                self.open_flows.insert(*edge, metrics.active);
            }
        }
    }

    fn interval(&self) -> Duration {
        self.config.interval.max(Duration::from_millis(1))
    }

    fn interval_ns(&self) -> u64 {
        u64::try_from(self.interval().as_nanos()).unwrap_or(u64::MAX)
    }

    fn number_of(&self, at: Timestamp) -> u64 {
        at.as_nanos() / self.interval_ns()
    }

    fn start_of(&self, number: u64) -> Timestamp {
        Timestamp::from_nanos(number.saturating_mul(self.interval_ns()))
    }
}

/// So many windows may be open: records whose clock runs ahead end the oldest.
const MAX_OPEN_WINDOWS: usize = 128;

#[cfg(test)]
mod tests;
