//! Metrics made of exchanges and flows, aggregated here and collected at the caller's pace.
//!
//! # What is measured
//!
//! | metric | unit | kind | of | attributes |
//! |---|---|---|---|---|
//! | `http.client.request.duration` | `s` | histogram | HTTP exchanges seen on the client's side | `http.request.method`, `http.response.status_code`, `error.type`, `network.protocol.version`, `server.address`, `server.port` |
//! | `http.server.request.duration` | `s` | histogram | HTTP exchanges seen on the server's side | `http.request.method`, `http.response.status_code`, `error.type`, `network.protocol.version`, `url.scheme` |
//! | `db.client.operation.duration` | `s` | histogram | database exchanges seen on the client's side | `db.system.name`, `db.namespace`, `db.collection.name`, `db.operation.name`, `db.query.summary`, `db.response.status_code`, `error.type`, `server.address`, `server.port` |
//! | `dns.lookup.duration` | `s` | histogram | DNS exchanges seen on the client's side | `dns.question.name`, `error.type` |
//! | `rpc.client.call.duration` | `s` | histogram | remote procedure calls seen on the client's side | `rpc.system.name`, `rpc.method`, `rpc.response.status_code`, `error.type`, `server.address`, `server.port` |
//! | `rpc.server.call.duration` | `s` | histogram | remote procedure calls seen on the server's side | `rpc.system.name`, `rpc.method`, `rpc.response.status_code`, `error.type` |
//! | `messaging.client.operation.duration` | `s` | histogram | what a client asked its broker, seen on the client's side | `messaging.system`, `messaging.operation.name`, `messaging.operation.type`, `messaging.destination.name`, `messaging.consumer.group.name`, `error.type`, `server.address`, `server.port` |
//! | `df.network.io` | `By` | sum | bytes of IP packets | edge, `df.flow.direction` |
//! | `df.network.payload` | `By` | sum | bytes of transport payload | edge, `df.flow.direction` |
//! | `df.network.packets` | `{packet}` | sum | packets | edge, `df.flow.direction` |
//! | `df.network.retransmissions`, `.out_of_order`, `.zero_windows`, `.duplicate_acknowledgments`, `.resets`, `.lost_segments` | `{packet}` | sum | what went wrong with TCP segments | edge, `df.flow.direction` |
//! | `df.network.handshake.retransmissions` | `{packet}` | sum | SYNs (`to_server`) and SYN-ACKs (`to_client`) sent again | edge, `df.flow.direction` |
//! | `df.network.connections.opened` | `{connection}` | sum | flows that began | edge |
//! | `df.network.connections.closed` | `{connection}` | sum | flows that ended | edge, `df.flow.close_type` |
//! | `df.network.connections.failures` | `{connection}` | sum | flows not established, or that ended badly | edge, `df.flow.failure`: `client_establish`, `server_establish`, `transfer` |
//! | `df.network.connections.active` | `{connection}` | gauge | flows open at the end of the newest window | edge |
//! | `df.network.requests`, `df.network.responses` | `{request}`, `{response}` | sum | what the application protocol showed | edge |
//! | `df.network.request.failures` | `{request}` | sum | requests that failed | edge, `df.flow.failure`: `client_error`, `server_error`, `timeout` |
//! | `df.network.rtt`, `.rtt.client`, `.rtt.server` | `s` | histogram | TCP handshakes, once per flow | edge |
//! | `df.network.srt`, `.art`, `.cit`, `.request.duration` | `s` | histogram | system and application response, client idle and request response times | edge |
//!
//! The first seven, their buckets and their attributes are those of the OpenTelemetry conventions. For flows there is no
//! convention; the names here are df's own, and `docs/metrics.md` defines each. An *edge* is `network.transport`,
//! `network.type`, `client.address`, `server.address` and `server.port`; added up over clients it is the endpoint's metric.
//! `df.flow.direction` is `to_server` or `to_client`.
//!
//! An exchange without response has no duration and is counted in [`MetricsStats::without_duration`] instead. Every
//! metric holds a bounded number of attribute sets; what exceeds it is added up under the single attribute
//! `otel.metric.overflow=true`, as OpenTelemetry specifies, and counted.

mod aggregation;
mod attribute_set;
mod exchange;
mod model;
mod network;

use df_core::{FlowKey, Timestamp};
use df_flow::aggregation::Window;
use df_l7::Exchange;

use aggregation::{Histogram, Instrument};
pub use model::{HistogramPoint, Metric, MetricPoints, SumPoint, Temporality};
use network::Network;

/// Aggregates exchanges and flows into metrics. Reads no clock: the caller says when it is.
///
/// ```
/// use df_core::Timestamp;
/// use df_export::metrics::{Metrics, MetricsConfig};
///
/// let mut metrics = Metrics::new(MetricsConfig::default(), Timestamp::from_nanos(1));
/// assert!(metrics.collect(Timestamp::from_nanos(2)).is_empty());
/// ```
#[derive(Debug)]
pub struct Metrics {
    temporality: Temporality,
    start: Timestamp,
    durations: Durations,
    network: Network,
    stats: MetricsStats,
}

#[derive(Debug)]
struct Durations {
    http_client: Instrument<Histogram>,
    http_server: Instrument<Histogram>,
    database: Instrument<Histogram>,
    dns: Instrument<Histogram>,
    rpc_client: Instrument<Histogram>,
    rpc_server: Instrument<Histogram>,
    messaging: Instrument<Histogram>,
}

impl Metrics {
    /// No measurements yet; they count from `start`.
    pub fn new(config: MetricsConfig, start: Timestamp) -> Self {
        let sets = config.max_attribute_sets;
        Self {
            temporality: config.temporality,
            start,
            durations: Durations {
                http_client: Instrument::new(sets, HTTP_BOUNDS),
                http_server: Instrument::new(sets, HTTP_BOUNDS),
                database: Instrument::new(sets, DATABASE_BOUNDS),
                dns: Instrument::new(sets, HTTP_BOUNDS),
                rpc_client: Instrument::new(sets, HTTP_BOUNDS),
                rpc_server: Instrument::new(sets, HTTP_BOUNDS),
                messaging: Instrument::new(sets, HTTP_BOUNDS),
            },
            network: Network::new(sets),
            stats: MetricsStats::default(),
        }
    }

    /// Measures an exchange of a connection, seen from `side`. Show every exchange once per side: one seen at two
    /// interfaces counts twice otherwise.
    pub fn record_exchange(&mut self, exchange: &Exchange, side: Side, key: &FlowKey) {
        let Some(duration) = exchange.duration() else {
            self.stats.without_duration += 1;
            return;
        };
        let key = if exchange.is_reversed { key.reversed() } else { *key };
        let Some((instrument, attributes)) = self.durations.instrument_for(exchange, side, &key) else {
            return;
        };
        self.stats.recorded += 1;
        self.stats.overflowed += u64::from(instrument.record(attributes, duration.as_secs_f64()));
    }

    /// Measures what the flows of a window did: every window once, in the order of time.
    pub fn record_window(&mut self, window: &Window) {
        self.stats.recorded += window.edges.len() as u64;
        self.stats.overflowed += self.network.record(window);
    }

    /// The metrics until `now`, those without points left out. Points stand in a stable order. With delta
    /// temporality everything starts anew.
    pub fn collect(&mut self, now: Timestamp) -> Vec<Metric> {
        let period = aggregation::Period { temporality: self.temporality, start: self.start, end: now };
        let Durations { http_client, http_server, database, dns, rpc_client, rpc_server, messaging } =
            &mut self.durations;
        let mut metrics = vec![
            http_client
                .collect(period, ("http.client.request.duration", "s", "Duration of HTTP client requests.")),
            http_server
                .collect(period, ("http.server.request.duration", "s", "Duration of HTTP server requests.")),
            database.collect(
                period,
                ("db.client.operation.duration", "s", "Duration of database client operations."),
            ),
            dns.collect(period, ("dns.lookup.duration", "s", "Duration of DNS lookups.")),
            rpc_client.collect(
                period,
                ("rpc.client.call.duration", "s", "Duration of outgoing remote procedure calls."),
            ),
            rpc_server.collect(
                period,
                ("rpc.server.call.duration", "s", "Duration of incoming remote procedure calls."),
            ),
            messaging.collect(
                period,
                (
                    "messaging.client.operation.duration",
                    "s",
                    "Duration of messaging operations initiated by a producer or consumer.",
                ),
            ),
        ];
        metrics.extend(self.network.collect(period));
        if self.temporality == Temporality::Delta {
            self.start = now;
        }
        metrics.retain(|metric| !metric.is_empty());
        metrics
    }

    /// What was measured and what was not.
    pub const fn stats(&self) -> MetricsStats {
        self.stats
    }
}

/// How metrics are aggregated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricsConfig {
    /// Whether points count from the start or from the collection before; default cumulative.
    pub temporality: Temporality,
    /// The most attribute sets per metric, the overflow's among them; default 2,000, which OpenTelemetry recommends. In
    /// the worst case 31 metrics hold as many sets of about 500 bytes each: 31 MB.
    pub max_attribute_sets: usize,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self { temporality: Temporality::Cumulative, max_attribute_sets: 2_000 }
    }
}

impl MetricsConfig {
    /// Sets the temporality.
    pub const fn with_temporality(mut self, temporality: Temporality) -> Self {
        self.temporality = temporality;
        self
    }

    /// Sets the most attribute sets per metric.
    pub const fn with_max_attribute_sets(mut self, max_attribute_sets: usize) -> Self {
        self.max_attribute_sets = max_attribute_sets;
        self
    }
}

/// Whose view of a call is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The caller's.
    Client,
    /// The called one's.
    Server,
}

/// Counters of [`Metrics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct MetricsStats {
    /// Exchanges and flow records that were measured.
    pub recorded: u64,
    /// Measurements that went to the overflow's attribute set.
    pub overflowed: u64,
    /// Exchanges that were not measured because request or response was not seen.
    pub without_duration: u64,
}

/// The bucket boundaries that the conventions give for HTTP, DNS, calls and messages, in seconds.
const HTTP_BOUNDS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// The bucket boundaries that the conventions give for databases, in seconds.
const DATABASE_BOUNDS: &[f64] = &[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

#[cfg(test)]
mod tests;
