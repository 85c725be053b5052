//! What can go wrong on the way to a receiver.

use std::path::PathBuf;
use std::time::Duration;

/// Why telemetry could not be delivered, or an exporter not be made. Names the endpoint, file or setting and says what
/// to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A setting makes no sense.
    #[error("{setting}: {reason}")]
    Setting {
        /// The option or environment variable.
        setting: String,
        /// What is wrong and what is expected.
        reason: String,
    },
    /// A certificate or key cannot be used.
    #[error("{}: {reason}; expected a PEM file ({setting})", path.display())]
    Certificate {
        /// The environment variable that names the file.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// TLS cannot be set up.
    #[error("cannot set up TLS: {0}; name a CA file in OTEL_EXPORTER_OTLP_CERTIFICATE")]
    Tls(String),
    /// The receiver cannot be reached or closed the connection.
    #[error("{endpoint} cannot be reached: {reason}; tried again until it can")]
    Connection {
        /// The receiver.
        endpoint: String,
        /// What the system or the TLS library says.
        reason: String,
    },
    /// The receiver did not answer in time.
    #[error(
        "{endpoint} did not answer within {timeout:?}; tried again; OTEL_EXPORTER_OTLP_TIMEOUT raises the time"
    )]
    Timeout {
        /// The receiver.
        endpoint: String,
        /// The time it had.
        timeout: Duration,
    },
    /// The receiver is not able to take the request now.
    #[error("{endpoint} is not able to take requests now: {status}; tried again")]
    Unavailable {
        /// The receiver.
        endpoint: String,
        /// HTTP or gRPC status and message.
        status: String,
        /// When the receiver wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The receiver will never take the request.
    #[error("{endpoint} refused the request for good: {status}; its telemetry is dropped; {advice}")]
    Refused {
        /// The receiver.
        endpoint: String,
        /// HTTP or gRPC status and message.
        status: String,
        /// What may help.
        advice: &'static str,
    },
    /// The receiver took the request, but not all of it.
    #[error("{endpoint} rejected {count} of the request's items: {message}")]
    Rejected {
        /// The receiver.
        endpoint: String,
        /// How many.
        count: u64,
        /// What the receiver says.
        message: String,
    },
}

impl ExportError {
    /// Whether the same request can succeed later.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Connection { .. } | Self::Timeout { .. } | Self::Unavailable { .. })
    }

    /// When the receiver wants to be asked again.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    pub(crate) fn setting(setting: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Setting { setting: setting.into(), reason: reason.into() }
    }
}

/// What to do about a status that the receiver gives for good.
pub(crate) const fn advice(is_authentication: bool) -> &'static str {
    if is_authentication {
        "OTEL_EXPORTER_OTLP_HEADERS carries credentials"
    } else {
        "check that the endpoint receives OTLP of this protocol"
    }
}

/// An error with everything below it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        source = error.source();
    }
    text
}
