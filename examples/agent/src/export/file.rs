//! The OTLP file.

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

/// An OTLP file. Collects a batch for each line, and keeps the failure that ended it.
#[derive(Debug)]
pub(super) struct FileExport {
    name: String,
    file: OtlpFile<BufWriter<File>>,
    spans: Vec<Span>,
    logs: Vec<LogRecord>,
    failure: Option<io::Error>,
}

impl FileExport {
    /// Creates the file, or empties it.
    pub(super) fn create(path: &Path, resource: &Resource) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let file =
            File::create(path).map_err(|error| Failure::running(format!("cannot create {name}: {error}")))?;
        let file = OtlpFile::new(BufWriter::new(file), resource.clone());
        Ok(Self { name, file, spans: Vec::new(), logs: Vec::new(), failure: None })
    }

    /// Writes a span.
    pub(super) fn span(&mut self, span: Span) {
        self.spans.push(span);
        self.flush_if_full();
    }

    /// Writes an exchange as a log record.
    pub(super) fn exchange(&mut self, exchange: &Exchange, place: &ExchangePlace<'_>) {
        self.logs.push(exchange_log(exchange, place));
        self.flush_if_full();
    }

    /// Writes a flow record as a log record.
    pub(super) fn flow(&mut self, record: &FlowRecord, place: &FlowPlace<'_>) {
        self.logs.push(flow_log(record, place));
        self.flush_if_full();
    }

    /// Writes metrics.
    pub(super) fn metrics(&mut self, metrics: &[Metric]) {
        self.write(|file| file.write_metrics(metrics));
    }

    /// Writes what was collected.
    pub(super) fn flush(&mut self) {
        let (spans, logs) = (std::mem::take(&mut self.spans), std::mem::take(&mut self.logs));
        self.write(|file| file.write_spans(&spans));
        self.write(|file| file.write_logs(logs));
        self.write(OtlpFile::flush);
    }

    /// Writes the rest and says what failed.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.flush();
        match self.failure {
            Some(error) => Err(Failure::running(format!("cannot write to {}: {error}", self.name))),
            None => Ok(()),
        }
    }

    fn flush_if_full(&mut self) {
        if self.spans.len() + self.logs.len() >= MAX_BATCH_ITEMS {
            self.flush();
        }
    }

    /// Writes, unless writing has failed before.
    fn write(&mut self, write: impl FnOnce(&mut OtlpFile<BufWriter<File>>) -> io::Result<()>) {
        if self.failure.is_none() {
            self.failure = write(&mut self.file).err();
        }
    }
}

const MAX_BATCH_ITEMS: usize = 512;
