//! OTLP: to a file, and to a receiver.

mod file;
mod receiver;

use df_export::metrics::{Metric, Temporality};
use df_export::{ExchangePlace, FlowPlace, Resource};
use df_flow::FlowRecord;
use df_l7::Exchange;
use df_trace::Span;

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
        Ok(Self { file, receiver, has_exchange_logs: settings.has_exchange_logs })
    }

    /// Whether anything leaves at all.
    pub(crate) const fn is_active(&self) -> bool {
        self.file.is_some() || self.receiver.is_some()
    }

    /// What metrics shall count from.
    pub(crate) fn temporality(&self) -> Temporality {
        self.receiver.as_ref().map_or(Temporality::Cumulative, ReceiverExport::temporality)
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

    /// Hands over what was collected, and tells what went wrong since the last time.
    pub(crate) fn flush(&mut self) {
        if let Some(file) = &mut self.file {
            file.flush();
        }
        if let Some(receiver) = &mut self.receiver {
            receiver.tell_trouble();
        }
    }

    /// What the receiver took up to now, and what will never arrive.
    pub(crate) fn account(&self) -> (u64, u64) {
        self.receiver.as_ref().map_or((0, 0), ReceiverExport::account)
    }

    /// Hands over the rest, within bounds of time. Says what never arrived, and what failed.
    pub(crate) fn finish(self) -> (Vec<Dropped>, Result<(), Failure>) {
        let dropped = self.receiver.map_or_else(Vec::new, ReceiverExport::finish);
        (dropped, self.file.map_or(Ok(()), FileExport::finish))
    }
}
