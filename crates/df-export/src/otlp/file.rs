//! OTLP as JSON lines in a file, as the OpenTelemetry file exporter specification describes.

use std::io::{self, Write};

use df_trace::Span;
use opentelemetry_proto::tonic::logs::v1::LogRecord;

use crate::Resource;
use crate::metrics::Metric;

/// Writes one request per line in OTLP's JSON encoding: identifiers in hexadecimal digits, keys in lower camel case,
/// enumerations as numbers and 64-bit numbers as texts. The collector's `otlpjsonfile` receiver reads such files.
#[derive(Debug)]
pub struct OtlpFile<W> {
    writer: W,
    resource: Resource,
    line: Vec<u8>,
}

impl<W: Write> OtlpFile<W> {
    /// Writes to `writer`, which should buffer.
    pub const fn new(writer: W, resource: Resource) -> Self {
        Self { writer, resource, line: Vec::new() }
    }

    /// Writes a line of traces; none for no spans.
    pub fn write_spans(&mut self, spans: &[Span]) -> io::Result<()> {
        let request = super::traces_request(&self.resource, spans);
        if request.resource_spans.is_empty() { Ok(()) } else { self.write(&request) }
    }

    /// Writes a line of logs, made by [`flow_log`](super::flow_log) and [`exchange_log`](super::exchange_log); none for no
    /// records.
    pub fn write_logs(&mut self, records: Vec<LogRecord>) -> io::Result<()> {
        let request = super::logs_request(&self.resource, records);
        if request.resource_logs.is_empty() { Ok(()) } else { self.write(&request) }
    }

    /// Writes a line of metrics; none for no points.
    pub fn write_metrics(&mut self, metrics: &[Metric]) -> io::Result<()> {
        let request = super::metrics_request(&self.resource, metrics);
        if request.resource_metrics.is_empty() { Ok(()) } else { self.write(&request) }
    }

    /// Flushes the writer.
    pub fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    /// The writer.
    pub fn into_inner(self) -> W {
        self.writer
    }

    fn write(&mut self, request: &impl serde::Serialize) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, request)?;
        self.line.push(b'\n');
        self.writer.write_all(&self.line)
    }
}
