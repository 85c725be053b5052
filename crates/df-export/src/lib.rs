//! df-export.
#![forbid(unsafe_code)]

#[cfg(feature = "delivery")]
mod config;
#[cfg(feature = "delivery")]
mod delivery;
#[cfg(feature = "delivery")]
mod error;
#[cfg(feature = "delivery")]
mod exporter;
#[cfg(feature = "json")]
pub mod json_lines;
mod key_value_list;
pub mod metrics;
#[cfg(feature = "otlp")]
pub mod otlp;
mod place;
#[cfg(feature = "delivery")]
mod queue;
mod resource;
#[cfg(feature = "delivery")]
mod retry;

#[cfg(feature = "delivery")]
pub use config::{
    Compression, ConfiguredFrom, OtlpConfig, OtlpProtocol, QueueConfig, Signal, SignalConfig, TlsConfig,
};
#[cfg(feature = "delivery")]
pub use error::ExportError;
#[cfg(feature = "delivery")]
pub use exporter::OtlpExporter;
pub use place::{ExchangePlace, FlowPlace, SpanIds};
#[cfg(feature = "delivery")]
pub use queue::ExportStats;
pub use resource::Resource;
#[cfg(feature = "delivery")]
pub use retry::RetryConfig;
