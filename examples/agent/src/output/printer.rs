//! Prints results, as a table or as records, through one large buffer.

use std::fmt;
use std::io::{self, ErrorKind, Write};

use df_core::FlowKey;
use df_export::metrics::Metric;
use df_export::{ExchangePlace, FlowPlace, Resource, json_lines};
use df_flow::FlowRecord;
use df_l7::Exchange;
use df_trace::Span;

use super::table::Table;
use crate::Failure;

/// Prints results. After the destination has failed everything further is dropped; [`finish`](Self::finish) says so.
pub(crate) struct Printer {
    destination: Box<dyn Write + Send>,
    name: String,
    format: Format,
    buffer: Vec<u8>,
    failure: Option<io::Error>,
}

/// Which records are printed.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "one switch per kind of record, as the option names them")]
pub(crate) struct Records {
    pub(crate) exchanges: bool,
    pub(crate) flows: bool,
    pub(crate) spans: bool,
    pub(crate) metrics: bool,
}

#[derive(Debug)]
enum Format {
    Summary,
    Table(Table),
    Records(Records),
}

impl Printer {
    /// Prints the table of exchanges.
    pub(crate) fn table(destination: Box<dyn Write + Send>, name: String, mut table: Table) -> Self {
        let mut buffer = Vec::with_capacity(BUFFER_BYTES + SPARE_BYTES);
        table.write_header(&mut buffer);
        Self { destination, name, format: Format::Table(table), buffer, failure: None }
    }

    /// Prints nothing but the summary at the end.
    pub(crate) fn summary_alone(destination: Box<dyn Write + Send>, name: String) -> Self {
        Self { destination, name, format: Format::Summary, buffer: Vec::new(), failure: None }
    }

    /// Prints JSON lines.
    pub(crate) fn records(destination: Box<dyn Write + Send>, name: String, records: Records) -> Self {
        let buffer = Vec::with_capacity(BUFFER_BYTES + SPARE_BYTES);
        Self { destination, name, format: Format::Records(records), buffer, failure: None }
    }

    /// Whether spans are printed; making them costs.
    pub(crate) const fn wants_spans(&self) -> bool {
        matches!(self.format, Format::Records(Records { spans: true, .. }))
    }

    /// Whether what is printed tells spans or their identifiers; linking costs, and takes a moment of waiting.
    pub(crate) const fn wants_links(&self) -> bool {
        matches!(
            self.format,
            Format::Records(
                Records { spans: true, .. } | Records { exchanges: true, .. } | Records { metrics: true, .. }
            )
        )
    }

    /// Whether metrics are printed; measuring costs.
    pub(crate) const fn wants_metrics(&self) -> bool {
        matches!(self.format, Format::Records(Records { metrics: true, .. }))
    }

    /// Whether the destination has failed.
    pub(crate) const fn is_broken(&self) -> bool {
        self.failure.is_some()
    }

    /// Prints an exchange; `flow` has client and server as the protocol shows them.
    pub(crate) fn exchange(&mut self, exchange: &Exchange, flow: &FlowKey, place: &ExchangePlace<'_>) {
        match &mut self.format {
            Format::Table(table) => table.write_exchange(&mut self.buffer, exchange, flow),
            Format::Records(records) if records.exchanges => {
                json_lines::write_exchange(&mut self.buffer, exchange, place);
            }
            Format::Records(_) | Format::Summary => return,
        }
        self.flush_if_full();
    }

    /// Prints a span.
    pub(crate) fn span(&mut self, span: &Span, resource: &Resource) {
        if self.wants_spans() {
            json_lines::write_span(&mut self.buffer, span, resource);
            self.flush_if_full();
        }
    }

    /// Prints a flow record.
    pub(crate) fn flow(&mut self, record: &FlowRecord, place: &FlowPlace<'_>) {
        if matches!(self.format, Format::Records(Records { flows: true, .. })) {
            json_lines::write_flow(&mut self.buffer, record, place);
            self.flush_if_full();
        }
    }

    /// Prints metrics.
    pub(crate) fn metrics(&mut self, metrics: &[Metric]) {
        if self.wants_metrics() {
            for metric in metrics {
                json_lines::write_metric(&mut self.buffer, metric);
            }
            self.flush_if_full();
        }
    }

    /// Prints the summary, but not below records.
    pub(crate) fn summary(&mut self, text: impl FnOnce() -> String) {
        if !matches!(self.format, Format::Records(_)) {
            self.buffer.extend_from_slice(text().as_bytes());
        }
    }

    /// Hands everything printed so far to the destination.
    pub(crate) fn flush(&mut self) {
        if self.failure.is_none() && !self.buffer.is_empty() {
            let result = self.destination.write_all(&self.buffer).and_then(|()| self.destination.flush());
            self.failure = result.err();
        }
        self.buffer.clear();
    }

    /// Hands over the rest. A reader that left early, as `head` does, is no failure.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.flush();
        match self.failure {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Failure::running(format!("cannot write to {}: {error}", self.name)))
            }
            _ => Ok(()),
        }
    }

    fn flush_if_full(&mut self) {
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush();
        }
    }
}

impl fmt::Debug for Printer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Printer")
            .field("name", &self.name)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

const BUFFER_BYTES: usize = 256 * 1_024;
/// Room for the line that makes the buffer full.
const SPARE_BYTES: usize = 16 * 1_024;
