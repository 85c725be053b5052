//! OTLP: to a file, and to a receiver.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use df_export::metrics::Metric;
use df_export::otlp::{OtlpFile, exchange_log, flow_log, proto::logs::v1::LogRecord};
use df_export::{ExchangePlace, FlowPlace, Resource};
use df_flow::FlowRecord;
use df_l7::Exchange;
use df_trace::Span;

use crate::Failure;

/// Everything that leaves as OTLP. Collects a batch, then hands it on.
#[derive(Debug)]
pub(crate) struct Exports {
    file: Option<FileExport>,
    has_exchange_logs: bool,
    spans: Vec<Span>,
    logs: Vec<LogRecord>,
}

/// An OTLP file and the failure that ended it.
#[derive(Debug)]
struct FileExport {
    name: String,
    file: OtlpFile<BufWriter<File>>,
    failure: Option<io::Error>,
}

impl Exports {
    /// Exports nothing yet. Exchanges are spans; `has_exchange_logs` makes them log records besides.
    pub(crate) const fn new(has_exchange_logs: bool) -> Self {
        Self { file: None, has_exchange_logs, spans: Vec::new(), logs: Vec::new() }
    }

    /// Exports to a file too.
    pub(crate) fn with_file(mut self, path: &Path, resource: &Resource) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let file =
            File::create(path).map_err(|error| Failure::running(format!("cannot create {name}: {error}")))?;
        let file = OtlpFile::new(BufWriter::new(file), resource.clone());
        self.file = Some(FileExport { name, file, failure: None });
        Ok(self)
    }

    /// Whether anything leaves at all.
    pub(crate) const fn is_active(&self) -> bool {
        self.file.is_some()
    }

    /// Exports a span.
    pub(crate) fn span(&mut self, span: Span) {
        if self.is_active() {
            self.spans.push(span);
            self.flush_if_full();
        }
    }

    /// Exports an exchange as a log record, if that is wanted.
    pub(crate) fn exchange(&mut self, exchange: &Exchange, place: &ExchangePlace<'_>) {
        if self.is_active() && self.has_exchange_logs {
            self.logs.push(exchange_log(exchange, place));
            self.flush_if_full();
        }
    }

    /// Exports a flow record as a log record.
    pub(crate) fn flow(&mut self, record: &FlowRecord, place: &FlowPlace<'_>) {
        if self.is_active() {
            self.logs.push(flow_log(record, place));
            self.flush_if_full();
        }
    }

    /// Exports metrics.
    pub(crate) fn metrics(&mut self, metrics: &[Metric]) {
        if let Some(file) = &mut self.file {
            file.write(|file| file.write_metrics(metrics));
        }
    }

    /// Hands over what was collected.
    pub(crate) fn flush(&mut self) {
        let (spans, logs) = (std::mem::take(&mut self.spans), std::mem::take(&mut self.logs));
        if let Some(file) = &mut self.file {
            file.write(|file| file.write_spans(&spans));
            file.write(|file| file.write_logs(logs));
        }
    }

    /// Hands over the rest and says what failed.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.flush();
        let Some(mut export) = self.file else { return Ok(()) };
        export.write(OtlpFile::flush);
        match export.failure {
            Some(error) => Err(Failure::running(format!("cannot write to {}: {error}", export.name))),
            None => Ok(()),
        }
    }

    fn flush_if_full(&mut self) {
        if self.spans.len() + self.logs.len() >= MAX_BATCH_ITEMS {
            self.flush();
        }
    }
}

impl FileExport {
    /// Writes, unless writing has failed before.
    fn write(&mut self, write: impl FnOnce(&mut OtlpFile<BufWriter<File>>) -> io::Result<()>) {
        if self.failure.is_none() {
            self.failure = write(&mut self.file).err();
        }
    }
}

const MAX_BATCH_ITEMS: usize = 512;
