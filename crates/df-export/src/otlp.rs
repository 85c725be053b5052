//! OpenTelemetry protocol messages: the pure half of the export, for any transport or file.
//!
//! ```
//! use df_export::{Resource, otlp};
//!
//! let request = otlp::traces_request(&Resource::new("df-agent"), &[]);
//! assert!(request.resource_spans.is_empty());
//! ```

mod attributes;
mod file;
mod logs;
mod metrics;
mod traces;

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;

pub use file::OtlpFile;
pub use logs::{exchange_log, flow_log, logs_request};
pub use metrics::metrics_request;
/// The published messages that this module's functions give.
pub use opentelemetry_proto::tonic as proto;
pub use traces::traces_request;

/// Who made the telemetry: this library.
fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "df".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

/// The version of the conventions whose names are used.
const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

#[cfg(test)]
mod tests;
