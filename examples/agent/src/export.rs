//! OTLP: to a file, and to a receiver.

mod file;
mod receiver;

use std::time::{Duration, Instant};

use df_core::Timestamp;
use df_export::metrics::{Metric, Temporality};
use df_export::{ExchangePlace, FlowPlace, Resource};
use df_flow::FlowRecord;
use df_l7::Exchange;
use df_trace::{Span, Throttle, TraceId};

use crate::Failure;
use crate::arguments::OutputArguments;
use crate::config::ExportSettings;
use crate::summary::Dropped;
use file::FileExport;
pub(crate) use receiver::Haste;
use receiver::ReceiverExport;

/// Everything that leaves as OTLP.
#[derive(Debug)]
pub(crate) struct Exports {
    file: Option<FileExport>,
    receiver: Option<ReceiverExport>,
    has_exchange_logs: bool,
    throttle: Throttle,
    max_spans_per_second: u32,
    /// When it was said last that spans are left out, and how many there were by then.
    throttling_told: Option<(Instant, u64)>,
}

impl Exports {
    /// Opens what the options and the environment ask for. Exchanges are spans; the settings can make them log records
    /// besides.
    pub(crate) fn open(
        arguments: &OutputArguments,
        settings: &ExportSettings,
        resource: &Resource,
        haste: &Haste,
    ) -> Result<Self, Failure> {
        let file =
            arguments.otlp_file.as_deref().map(|path| FileExport::create(path, resource)).transpose()?;
        let receiver = ReceiverExport::start(arguments.otlp.as_deref(), settings, resource, haste)?;
        // What comes from a file can wait.
        let max_spans_per_second = match haste {
            Haste::Live(_) => settings.max_spans_per_second,
            Haste::Patient => 0,
        };
        Ok(Self {
            file,
            receiver,
            has_exchange_logs: settings.has_exchange_logs,
            throttle: Throttle::new(max_spans_per_second),
            max_spans_per_second,
            throttling_told: None,
        })
    }

    /// Whether anything leaves at all.
    pub(crate) const fn is_active(&self) -> bool {
        self.file.is_some() || self.receiver.is_some()
    }

    /// What metrics shall count from.
    pub(crate) fn temporality(&self) -> Temporality {
        self.receiver.as_ref().map_or(Temporality::Cumulative, ReceiverExport::temporality)
    }

    /// Whether a span of this trace is to be exported: anything leaves at all, and not more than may.
    pub(crate) fn admits(&mut self, trace_id: TraceId) -> bool {
        self.is_active() && self.throttle.admits(trace_id)
    }

    /// Exports a span.
    pub(crate) fn span(&mut self, span: Span) {
        match (&mut self.file, &mut self.receiver) {
            (Some(file), Some(receiver)) => {
                file.span(span.clone());
                receiver.span(span);
            }
            (Some(file), None) => file.span(span),
            (None, Some(receiver)) => receiver.span(span),
            (None, None) => {}
        }
    }

    /// Exports an exchange as a log record, if that is wanted.
    pub(crate) fn exchange(&mut self, exchange: &Exchange, place: &ExchangePlace<'_>) {
        if !self.has_exchange_logs {
            return;
        }
        if let Some(file) = &mut self.file {
            file.exchange(exchange, place);
        }
        if let Some(receiver) = &mut self.receiver {
            receiver.exchange(exchange, place);
        }
    }

    /// Exports a flow record as a log record.
    pub(crate) fn flow(&mut self, record: &FlowRecord, place: &FlowPlace<'_>) {
        if let Some(file) = &mut self.file {
            file.flow(record, place);
        }
        if let Some(receiver) = &mut self.receiver {
            receiver.flow(record, place);
        }
    }

    /// Exports metrics.
    pub(crate) fn metrics(&mut self, metrics: Vec<Metric>) {
        if let Some(file) = &mut self.file {
            file.metrics(&metrics);
        }
        if let Some(receiver) = &mut self.receiver {
            receiver.metrics(metrics);
        }
    }

    /// Takes note of the time.
    pub(crate) fn handle_timeout(&mut self, now: Timestamp) {
        self.throttle.handle_timeout(now);
    }

    /// How many spans were left out since there were too many.
    pub(crate) const fn throttled(&self) -> u64 {
        self.throttle.refused()
    }

    /// Hands over what was collected, and tells what went wrong since the last time.
    pub(crate) fn flush(&mut self) {
        if let Some(file) = &mut self.file {
            file.flush();
        }
        if let Some(receiver) = &mut self.receiver {
            receiver.tell_trouble();
        }
        self.tell_throttling();
    }

    /// What the receiver took up to now, and what will never arrive.
    pub(crate) fn account(&self) -> (u64, u64) {
        self.receiver.as_ref().map_or((0, 0), ReceiverExport::account)
    }

    /// Hands over the rest, within bounds of time. Says what never arrived, and what failed.
    pub(crate) fn finish(self) -> (Vec<Dropped>, Result<(), Failure>) {
        let throttled = Dropped {
            stage: "export",
            reason: "spans above the bound per second (outputs.flow_log.throttles.l7_throttle)",
            count: self.throttled(),
        };
        let mut dropped = self.receiver.map_or_else(Vec::new, ReceiverExport::finish);
        dropped.push(throttled);
        (dropped, self.file.map_or(Ok(()), FileExport::finish))
    }

    /// Says now and then that spans are left out.
    fn tell_throttling(&mut self) {
        let refused = self.throttle.refused();
        let (is_time, told) = self
            .throttling_told
            .map_or((true, 0), |(told_at, told)| (told_at.elapsed() > THROTTLING_INTERVAL, told));
        if is_time && refused > told {
            tracing::warn!(
                "more than {} spans per second: {} were not exported, whole traces at a time; metrics count them \
                 all (outputs.flow_log.throttles.l7_throttle)",
                self.max_spans_per_second,
                refused - told
            );
            self.throttling_told = Some((Instant::now(), refused));
        }
    }
}

/// How often it is said that spans are left out.
const THROTTLING_INTERVAL: Duration = Duration::from_secs(60);
