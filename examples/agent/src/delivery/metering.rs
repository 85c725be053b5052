//! Metrics of what is delivered, collected now and then.

use std::time::Duration;

use df_core::Timestamp;
use df_export::metrics::{Metric, Metrics, MetricsConfig, Side};
use df_flow::FlowRecord;
use df_flow::aggregation::{AggregationConfig, FlowAggregator};
use df_trace::LinkedSpan;

/// Measures exchanges and flows. Its time is theirs, so that a replay gives the same metrics each time.
#[derive(Debug)]
pub(super) struct Metering {
    config: MetricsConfig,
    /// Begins with the first measurement.
    metrics: Option<Metrics>,
    flows: FlowAggregator,
    latest: Timestamp,
}

impl Metering {
    /// Nothing measured yet; flows are added up in windows of `interval`.
    pub(super) fn new(config: MetricsConfig, interval: Duration) -> Self {
        let mut aggregation = AggregationConfig::default();
        aggregation.interval = interval;
        let flows = FlowAggregator::new(aggregation);
        Self { config, metrics: None, flows, latest: Timestamp::ZERO }
    }

    /// Measures an exchange, once for each side of the call: what was already measured at another interface of the
    /// client's side is not measured again.
    pub(super) fn exchange(&mut self, linked: &LinkedSpan) {
        let is_server_side = linked.place.observation_point.is_server_side();
        if linked.is_seen_again() && !is_server_side {
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
        self.at(record.start, record.end);
        self.flows.handle_record(record);
        self.measure_windows();
    }

    /// Flow records that came after their window was measured.
    pub(super) const fn late_records(&self) -> u64 {
        self.flows.stats().late_records
    }

    /// No flow will be reported any more.
    pub(super) fn finish(&mut self) {
        self.flows.finish();
        self.measure_windows();
    }

    /// The metrics up to now: the latest moment of anything measured.
    pub(super) fn collect(&mut self) -> Vec<Metric> {
        let latest = self.latest;
        self.metrics.as_mut().map_or_else(Vec::new, |metrics| metrics.collect(latest))
    }

    /// Measures the windows that are over by the time of the latest record.
    fn measure_windows(&mut self) {
        self.flows.handle_timeout(self.latest);
        while let (Some(metrics), Some(window)) = (&mut self.metrics, self.flows.poll_window()) {
            metrics.record_window(&window);
        }
    }

    fn at(&mut self, start: Timestamp, end: Timestamp) -> &mut Metrics {
        self.latest = self.latest.max(end);
        self.metrics.get_or_insert_with(|| Metrics::new(self.config, start))
    }
}
