//! Delivers spans, logs and metrics over OTLP in the background.

use std::sync::Arc;
use std::time::Duration;

use df_flow::FlowRecord;
use df_l7::Exchange;
use df_trace::Span;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::delivery::{Delivery, LastError, Payload, Transport};
use crate::metrics::Metric;
use crate::queue::{ExportStats, Queue};
use crate::{ExchangePlace, ExportError, FlowPlace, OtlpConfig, Resource, Signal, otlp};

/// Delivers telemetry to OTLP receivers in the background. Whatever hands over telemetry never waits: items go into
/// bounded queues, from which a task per signal sends them in batches, again and again while the receiver is away. What
/// does not fit is dropped and counted.
///
/// A signal without endpoint takes everything and delivers nothing; it counts nothing either.
#[derive(Debug)]
pub struct OtlpExporter {
    traces: Option<Lane<Span>>,
    metrics: Option<Lane<Metric>>,
    logs: Option<Lane<LogRecord>>,
    last_error: Arc<LastError>,
}

/// One signal's queue and the task that empties it.
#[derive(Debug)]
struct Lane<T> {
    queue: Arc<Queue<T>>,
    task: JoinHandle<()>,
}

impl OtlpExporter {
    /// Starts the delivery on a runtime, which needs its timer and network enabled. Connects only when there is something
    /// to send, so a receiver that is away is no error.
    pub fn start(config: &OtlpConfig, resource: &Resource, runtime: &Handle) -> Result<Self, ExportError> {
        let last_error = Arc::new(LastError::default());
        let start = Start { config, resource, runtime, last_error: &last_error };
        Ok(Self {
            traces: start.lane(Signal::Traces)?,
            metrics: start.lane(Signal::Metrics)?,
            logs: start.lane(Signal::Logs)?,
            last_error,
        })
    }

    /// Hands over spans.
    pub fn export_spans(&self, spans: impl IntoIterator<Item = Span>) {
        if let Some(lane) = &self.traces {
            spans.into_iter().for_each(|span| lane.queue.push(span));
        }
    }

    /// Hands over metrics. Points, not metrics, are the items that are counted.
    pub fn export_metrics(&self, metrics: impl IntoIterator<Item = Metric>) {
        if let Some(lane) = &self.metrics {
            metrics.into_iter().for_each(|metric| lane.queue.push(metric));
        }
    }

    /// Hands over a flow record, as the log event `df.flow`.
    pub fn export_flow(&self, flow: &FlowRecord, place: &FlowPlace<'_>) {
        if let Some(lane) = &self.logs {
            lane.queue.push(otlp::flow_log(flow, place));
        }
    }

    /// Hands over an exchange, as the log event `df.exchange`.
    pub fn export_exchange(&self, exchange: &Exchange, place: &ExchangePlace<'_>) {
        if let Some(lane) = &self.logs {
            lane.queue.push(otlp::exchange_log(exchange, place));
        }
    }

    /// The account of a signal.
    pub fn stats(&self, signal: Signal) -> ExportStats {
        let stats = match signal {
            Signal::Traces => self.traces.as_ref().map(|lane| lane.queue.stats()),
            Signal::Metrics => self.metrics.as_ref().map(|lane| lane.queue.stats()),
            Signal::Logs => self.logs.as_ref().map(|lane| lane.queue.stats()),
        };
        stats.unwrap_or_default()
    }

    /// What last went wrong since this was last asked, for a log line.
    pub fn take_last_error(&self) -> Option<String> {
        self.last_error.take()
    }

    /// Sends what is queued now without waiting for full batches. Says whether all of it left in time, taken or refused;
    /// what did not stays queued.
    pub async fn flush(&self, timeout: Duration) -> bool {
        let all = async {
            tokio::join!(flush(self.traces.as_ref()), flush(self.metrics.as_ref()), flush(self.logs.as_ref()))
        };
        tokio::time::timeout(timeout, all).await.is_ok()
    }

    /// Sends what is queued, and stops. What has not left after `timeout` is dropped and counted; gives the final account
    /// of traces, metrics and logs.
    pub async fn shutdown(self, timeout: Duration) -> [ExportStats; 3] {
        let (traces, metrics, logs) = tokio::join!(
            shut_down(self.traces, timeout),
            shut_down(self.metrics, timeout),
            shut_down(self.logs, timeout)
        );
        [traces, metrics, logs]
    }
}

/// What the start of each signal needs.
struct Start<'a> {
    config: &'a OtlpConfig,
    resource: &'a Resource,
    runtime: &'a Handle,
    last_error: &'a Arc<LastError>,
}

impl Start<'_> {
    fn lane<T: Payload>(&self, signal: Signal) -> Result<Option<Lane<T>>, ExportError> {
        let Some(config) = self.config.signal(signal) else { return Ok(None) };
        let queue = Arc::new(Queue::new(self.config.queue));
        let delivery = Delivery {
            queue: Arc::clone(&queue),
            transport: Transport::new(config, signal)?,
            resource: self.resource.clone(),
            retry: self.config.retry,
            last_error: Arc::clone(self.last_error),
        };
        let task = self.runtime.spawn(delivery.run());
        Ok(Some(Lane { queue, task }))
    }
}

impl<T> Drop for Lane<T> {
    /// An exporter that is dropped without a shutdown stops at once.
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn flush<T: Payload>(lane: Option<&Lane<T>>) {
    if let Some(lane) = lane {
        lane.queue.flush().await;
    }
}

async fn shut_down<T: Payload>(lane: Option<Lane<T>>, timeout: Duration) -> ExportStats {
    let Some(mut lane) = lane else { return ExportStats::default() };
    lane.queue.close();
    if tokio::time::timeout(timeout, &mut lane.task).await.is_err() {
        lane.task.abort();
        // Wait for the end of the task, so that nothing is delivered after it was counted as dropped. The outcome is known:
        // it was aborted, or ended just now.
        drop((&mut lane.task).await);
    }
    lane.queue.abandon();
    lane.queue.stats()
}
