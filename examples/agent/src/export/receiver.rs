//! The OTLP receiver: the exporter on a runtime of its own, and what becomes of what it does not deliver.

use std::sync::Arc;
use std::time::{Duration, Instant};

use df_export::metrics::{Metric, Temporality};
use df_export::{ExchangePlace, ExportStats, FlowPlace, Health, OtlpConfig, OtlpExporter, Resource, Signal};
use df_flow::FlowRecord;
use df_l7::Exchange;
use df_trace::Span;
use tokio::runtime::{Builder, Runtime};

use crate::Failure;
use crate::config::ExportSettings;
use crate::health::{self, HealthCounts};
use crate::summary::Dropped;

/// Whether what is exported keeps coming whatever the receiver does.
#[derive(Debug, Clone)]
pub(crate) enum Haste {
    /// Live traffic does not wait: what exceeds the queue is dropped and counted. The agent's health is told besides.
    Live(Arc<HealthCounts>),
    /// A file waits until the receiver has caught up.
    Patient,
}

/// An exporter and the runtime on which it delivers.
#[derive(Debug)]
pub(super) struct ReceiverExport {
    exporter: OtlpExporter,
    health: Option<Health>,
    runtime: Runtime,
    temporality: Temporality,
    shutdown_timeout: Duration,
    is_patient: bool,
    handed_over: usize,
    told_at: Option<Instant>,
}

impl ReceiverExport {
    /// Starts an exporter if the option or the environment asks for one.
    pub(super) fn start(
        url: Option<&str>,
        settings: &ExportSettings,
        resource: &Resource,
        haste: &Haste,
    ) -> Result<Option<Self>, Failure> {
        let configured = OtlpConfig::from_environment(url, |name| std::env::var(name).ok());
        let configured = configured.map_err(Failure::usage)?;
        for warning in configured.warnings {
            tracing::warn!("{warning}");
        }
        let Some(config) = configured.config else { return Ok(None) };
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("otlp")
            .enable_all()
            .build()
            .map_err(|error| Failure::running(format!("cannot start the OTLP delivery: {error}")))?;
        let exporter = OtlpExporter::start(&config, resource, runtime.handle()).map_err(Failure::usage)?;
        let health = match haste {
            Haste::Live(counts) => {
                let interval = settings.metrics_interval;
                let metrics = health::metrics(counts);
                Health::start(&config, resource, runtime.handle(), interval, metrics)
                    .map_err(Failure::usage)?
            }
            Haste::Patient => None,
        };
        Ok(Some(Self {
            exporter,
            health,
            runtime,
            temporality: config.temporality,
            shutdown_timeout: settings.shutdown_timeout,
            is_patient: matches!(haste, Haste::Patient),
            handed_over: 0,
            told_at: None,
        }))
    }

    /// What the receiver wants metrics to count from.
    pub(super) const fn temporality(&self) -> Temporality {
        self.temporality
    }

    /// Hands over a span.
    pub(super) fn span(&mut self, span: Span) {
        self.exporter.export_spans([span]);
        self.wait_if_behind();
    }

    /// Hands over an exchange as a log record.
    pub(super) fn exchange(&mut self, exchange: &Exchange, place: &ExchangePlace<'_>) {
        self.exporter.export_exchange(exchange, place);
        self.wait_if_behind();
    }

    /// Hands over a flow record as a log record.
    pub(super) fn flow(&mut self, record: &FlowRecord, place: &FlowPlace<'_>) {
        self.exporter.export_flow(record, place);
        self.wait_if_behind();
    }

    /// Hands over metrics.
    pub(super) fn metrics(&self, metrics: Vec<Metric>) {
        self.exporter.export_metrics(metrics);
    }

    /// Logs what last went wrong, now and then.
    pub(super) fn tell_trouble(&mut self) {
        if self.told_at.is_some_and(|told_at| told_at.elapsed() < TROUBLE_INTERVAL) {
            return;
        }
        if let Some(error) = self.exporter.take_last_error() {
            tracing::warn!("OTLP: {error}");
            self.told_at = Some(Instant::now());
        }
    }

    /// What was delivered up to now, and what was dropped.
    pub(super) fn account(&self) -> (u64, u64) {
        let stats = Signal::ALL.map(|signal| self.exporter.stats(signal));
        (stats.iter().map(|stats| stats.exported).sum(), stats.iter().map(ExportStats::dropped).sum())
    }

    /// Sends the rest and says what never arrived.
    pub(super) fn finish(mut self) -> Vec<Dropped> {
        let has_left = self.runtime.block_on(self.exporter.flush(self.shutdown_timeout));
        self.told_at = None;
        self.tell_trouble();
        // Whoever did not take everything in this time gets no second one.
        let timeout = if has_left { self.shutdown_timeout } else { Duration::ZERO };
        if let Some(Err(error)) = self.health.take().map(|health| health.shutdown(timeout.max(LAST_WORD))) {
            tracing::warn!("OTLP: {error}");
        }
        let [traces, metrics, logs] = self.runtime.block_on(self.exporter.shutdown(timeout));
        self.runtime.shutdown_background();
        let dropped =
            |reason, stats: ExportStats| Dropped { stage: "export", reason, count: stats.dropped() };
        vec![
            dropped("spans that did not arrive", traces),
            dropped("metric points that did not arrive", metrics),
            dropped("log records that did not arrive", logs),
        ]
    }

    /// Lets a file wait for the receiver. A receiver that does not catch up in time is not waited for again.
    fn wait_if_behind(&mut self) {
        self.handed_over += 1;
        if !self.is_patient || !self.handed_over.is_multiple_of(ITEMS_PER_LOOK) {
            return;
        }
        let queued = self.exporter.stats(Signal::Traces).queued + self.exporter.stats(Signal::Logs).queued;
        if queued >= MAX_BEHIND_ITEMS {
            self.is_patient = self.runtime.block_on(self.exporter.flush(self.shutdown_timeout));
            self.tell_trouble();
        }
    }
}

/// How long the health metrics may take to be told a last time when the receiver did not take the rest.
const LAST_WORD: Duration = Duration::from_millis(500);
const TROUBLE_INTERVAL: Duration = Duration::from_secs(5);
const ITEMS_PER_LOOK: usize = 1_024;
const MAX_BEHIND_ITEMS: u64 = 16_384;
