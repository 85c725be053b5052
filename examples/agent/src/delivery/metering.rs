//! Metrics of what is delivered, collected now and then.

use df_core::Timestamp;
use df_export::metrics::{Metric, Metrics, MetricsConfig, Side};
use df_flow::FlowRecord;
use df_trace::{LinkReason, LinkedSpan};

/// Measures exchanges and flows. Its time is theirs, so that a replay gives the same metrics each time.
#[derive(Debug)]
pub(super) struct Metering {
    config: MetricsConfig,
    /// Begins with the first measurement.
    metrics: Option<Metrics>,
    latest: Timestamp,
}

impl Metering {
    /// Nothing measured yet.
    pub(super) const fn new(config: MetricsConfig) -> Self {
        Self { config, metrics: None, latest: Timestamp::ZERO }
    }

    /// Measures an exchange, once for each side of the call: what was already measured at another interface of the
    /// client's side is not measured again.
    pub(super) fn exchange(&mut self, linked: &LinkedSpan) {
        let is_server_side = linked.place.observation_point.is_server_side();
        let is_seen_again =
            linked.link.is_some_and(|link| matches!(link.by, LinkReason::TcpSequence | LinkReason::Datagram));
        if is_seen_again && !is_server_side {
            return;
        }
        let side = if is_server_side { Side::Server } else { Side::Client };
        let exchange = &linked.exchange;
        let key = if exchange.is_reversed { linked.place.flow.reversed() } else { linked.place.flow };
        let start = exchange.start();
        self.at(start, exchange.end().unwrap_or(start)).record_exchange(exchange, side, &key);
    }

    /// Measures what a flow did since its record before.
    pub(super) fn flow(&mut self, record: &FlowRecord) {
        self.at(record.start, record.end).record_flow(record);
    }

    /// The metrics up to now: the latest moment of anything measured.
    pub(super) fn collect(&mut self) -> Vec<Metric> {
        let latest = self.latest;
        self.metrics.as_mut().map_or_else(Vec::new, |metrics| metrics.collect(latest))
    }

    fn at(&mut self, start: Timestamp, end: Timestamp) -> &mut Metrics {
        self.latest = self.latest.max(end);
        self.metrics.get_or_insert_with(|| Metrics::new(self.config, start))
    }
}
