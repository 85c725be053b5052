//! df-export.
#![forbid(unsafe_code)]

#[cfg(feature = "delivery")]
mod config;
#[cfg(feature = "delivery")]
mod error;
#[cfg(feature = "json")]
pub mod json_lines;
mod key_value_list;
pub mod metrics;
#[cfg(feature = "otlp")]
pub mod otlp;
mod place;
mod resource;
#[cfg(feature = "delivery")]
mod retry;

#[cfg(feature = "delivery")]
pub use config::{
    Compression, ConfiguredFrom, OtlpConfig, OtlpProtocol, QueueConfig, Signal, SignalConfig, TlsConfig,
};
#[cfg(feature = "delivery")]
pub use error::ExportError;
pub use place::{ExchangePlace, FlowPlace, SpanIds};
pub use resource::Resource;
#[cfg(feature = "delivery")]
pub use retry::RetryConfig;
