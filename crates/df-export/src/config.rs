//! Where telemetry goes and how: the settings of the OTLP export.

mod environment;
mod target;

use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};

use crate::ExportError;
use crate::metrics::Temporality;
use crate::retry::RetryConfig;

pub use environment::ConfiguredFrom;

/// The settings of an OTLP export.
///
/// ```
/// use df_export::{OtlpConfig, OtlpProtocol};
///
/// let config = OtlpConfig::new("http://127.0.0.1:4317")?;
/// assert_eq!(config.traces.as_ref().unwrap().protocol, OtlpProtocol::Grpc);
/// let config = OtlpConfig::new("http://127.0.0.1:4318")?;
/// assert_eq!(config.traces.as_ref().unwrap().endpoint, "http://127.0.0.1:4318/v1/traces");
/// # Ok::<(), df_export::ExportError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OtlpConfig {
    /// Where traces go; none switches them off.
    pub traces: Option<SignalConfig>,
    /// Where metrics go; none switches them off.
    pub metrics: Option<SignalConfig>,
    /// Where logs (flow records, exchanges) go; none switches them off.
    pub logs: Option<SignalConfig>,
    /// What the receiver wants metrics to count from; default cumulative. Give it to
    /// [`MetricsConfig`](crate::metrics::MetricsConfig).
    pub temporality: Temporality,
    /// The bounds of each signal's queue.
    pub queue: QueueConfig,
    /// When a request is tried again.
    pub retry: RetryConfig,
}

impl OtlpConfig {
    /// Everything to one receiver: over gRPC for port 4317, `grpc://` and `grpcs://` (with TLS), over HTTP/protobuf
    /// otherwise.
    pub fn new(url: &str) -> Result<Self, ExportError> {
        environment::configure(Some(url), |_| None).and_then(|ConfiguredFrom { config, .. }| {
            config.ok_or_else(|| ExportError::setting("--otlp", "empty"))
        })
    }

    /// What an option (`--otlp URL`) and the environment say together: the URL decides where everything goes, the
    /// variables `OTEL_EXPORTER_OTLP_*`, general and per signal, decide the rest. Without URL, the signals that have an
    /// endpoint in the environment are exported, and those for which `OTEL_TRACES_EXPORTER` (`METRICS`, `LOGS`) is `otlp`;
    /// `none` switches a signal off.
    ///
    /// `lookup` gives the value of an environment variable; pass `|name| std::env::var(name).ok()`. Empty variables
    /// count as unset. Values that cannot be understood are warned of and ignored, but endpoints are errors.
    pub fn from_environment(
        url: Option<&str>,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<ConfiguredFrom, ExportError> {
        environment::configure(url, lookup)
    }

    /// Replaces the bounds of the queues.
    pub const fn with_queue(mut self, queue: QueueConfig) -> Self {
        self.queue = queue;
        self
    }

    /// Replaces the retry schedule.
    pub const fn with_retry(mut self, retry: RetryConfig) -> Self {
        self.retry = retry;
        self
    }

    /// The settings of one signal.
    pub const fn signal(&self, signal: Signal) -> Option<&SignalConfig> {
        match signal {
            Signal::Traces => self.traces.as_ref(),
            Signal::Metrics => self.metrics.as_ref(),
            Signal::Logs => self.logs.as_ref(),
        }
    }

    /// The same settings with `change` made to every signal that is exported.
    pub fn with_each_signal(mut self, change: impl Fn(&mut SignalConfig)) -> Self {
        [&mut self.traces, &mut self.metrics, &mut self.logs].into_iter().flatten().for_each(change);
        self
    }
}

/// Where one signal goes and how.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SignalConfig {
    /// The complete URL, with `http` or `https`; its path counts for HTTP only.
    pub endpoint: Uri,
    /// How the requests travel.
    pub protocol: OtlpProtocol,
    /// Headers (gRPC metadata) of every request, for example credentials.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// How long a request may take, the connection's setup included; default 10 s.
    pub timeout: Duration,
    /// How requests are compressed; default not at all.
    pub compression: Compression,
    /// Whom to trust and who to be, for `https`.
    pub tls: TlsConfig,
}

/// How OTLP travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OtlpProtocol {
    /// gRPC.
    Grpc,
    /// Protobuf in HTTP POST requests.
    HttpProtobuf,
    /// JSON in HTTP POST requests.
    HttpJson,
}

/// How requests are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// With gzip.
    Gzip,
}

/// Whom to trust and who to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TlsConfig {
    /// A PEM file of the certificate authorities to trust; none trusts those of the system.
    pub certificate: Option<PathBuf>,
    /// A PEM file with the client's private key; goes with `client_certificate`.
    pub client_key: Option<PathBuf>,
    /// A PEM file with the client's certificate chain; goes with `client_key`.
    pub client_certificate: Option<PathBuf>,
}

/// The bounds of a signal's queue. What does not fit is dropped, the newest first, and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueConfig {
    /// The most items (spans, log records, metric points) that wait or are on their way; default 131,072.
    pub max_queued_items: usize,
    /// The most bytes that they hold, by estimate; default 64 MiB. The worst case of memory is about this for each
    /// signal, and three times `max_batch_bytes` for the requests being sent.
    pub max_queued_bytes: usize,
    /// The most items of a request; default 2,048.
    pub max_batch_items: usize,
    /// The most bytes that the items of a request hold, by estimate; default 2 MiB. Receivers commonly refuse requests
    /// of more than 4 MiB.
    pub max_batch_bytes: usize,
    /// How long items wait for a request to fill up; default 1 s.
    pub batch_delay: Duration,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self {
            max_queued_items: 131_072,
            max_queued_bytes: 64 << 20,
            max_batch_items: 2_048,
            max_batch_bytes: 2 << 20,
            batch_delay: Duration::from_secs(1),
        }
    }
}

/// The signals of OpenTelemetry that df exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// Spans.
    Traces,
    /// Metrics.
    Metrics,
    /// Flow records and exchanges.
    Logs,
}

impl Signal {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Traces, Self::Metrics, Self::Logs];

    /// The name in environment variables.
    const fn variable_name(self) -> &'static str {
        match self {
            Self::Traces => "TRACES",
            Self::Metrics => "METRICS",
            Self::Logs => "LOGS",
        }
    }

    /// The last part of the HTTP path.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Traces => "v1/traces",
            Self::Metrics => "v1/metrics",
            Self::Logs => "v1/logs",
        }
    }
}

#[cfg(test)]
mod tests;
