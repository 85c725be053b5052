//! Delivers what df observes: as OTLP over gRPC and HTTP, as OTLP JSON files, as JSON lines.
//!
//! This crate knows nothing of how telemetry is made. It takes the values of the other crates (`Exchange`,
//! `FlowRecord`, `Span`) and
//!
//! - writes them as records, one JSON object per line ([`json_lines`]),
//! - measures them ([`metrics`]),
//! - makes OpenTelemetry protocol messages of them, for any transport or file ([`otlp`]),
//! - delivers those messages in the background ([`OtlpExporter`]): a bounded queue per signal, batches, retries for as
//!   long as the receiver is away, and an account ([`ExportStats`]) in which every item is delivered, queued or counted
//!   as dropped for one of four reasons.
//!
//! Writing, measuring and making messages are pure: no clock, no file, no socket, no async runtime. Only the delivery
//! needs tokio.
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "json")] {
//! use std::time::Duration;
//!
//! use df_core::{Endpoint, FlowKey, InterfaceId, Timestamp, Transport, VlanTags};
//! use df_export::metrics::{Metrics, MetricsConfig};
//! use df_export::{FlowPlace, json_lines};
//! use df_flow::FlowRecord;
//! use df_flow::aggregation::Window;
//!
//! let key = FlowKey {
//!     transport: Transport::Udp,
//!     client: Endpoint::new([10, 0, 0, 1].into(), 40_000),
//!     server: Endpoint::new([10, 0, 0, 2].into(), 53),
//!     vlan: VlanTags::default(),
//!     virtual_network: None,
//!     interface: InterfaceId(2),
//! };
//! let flow = FlowRecord::new(1, key, Timestamp::from_nanos(1_000));
//!
//! // As a record ...
//! let mut lines = Vec::new();
//! json_lines::write_flow(&mut lines, &flow, &FlowPlace::new().with_interface(Some("eth0")));
//! let line = String::from_utf8(lines).expect("JSON is text");
//! assert!(line.starts_with(r#"{"kind":"flow","#) && line.contains(r#""client_ip":"10.0.0.1""#));
//!
//! // ... and as metrics.
//! let mut metrics = Metrics::new(MetricsConfig::default(), Timestamp::from_nanos(0));
//! let mut window = Window::new(Timestamp::from_nanos(0), Duration::from_secs(1));
//! window.add(&flow, 1_000);
//! metrics.record_window(&window);
//! let collected = metrics.collect(Timestamp::from_nanos(2_000));
//! assert_eq!(collected[0].name, "df.network.connections.opened");
//! # }
//! ```
//!
//! Over the network, with everything that OpenTelemetry's environment variables can say:
//!
//! ```no_run
//! # #[cfg(feature = "otlp-grpc")]
//! # async fn deliver(spans: Vec<df_trace::Span>) -> Result<(), df_export::ExportError> {
//! use std::time::Duration;
//!
//! use df_export::{OtlpConfig, OtlpExporter, Resource};
//!
//! let lookup = |name: &str| std::env::var(name).ok();
//! let configured = OtlpConfig::from_environment(Some("http://127.0.0.1:4317"), lookup)?;
//! let (resource, _warnings) = Resource::from_environment(lookup);
//! if let Some(config) = configured.config {
//!     let exporter = OtlpExporter::start(&config, &resource, &tokio::runtime::Handle::current())?;
//!     exporter.export_spans(spans);
//!     let [traces, _metrics, _logs] = exporter.shutdown(Duration::from_secs(5)).await;
//!     assert_eq!(traces.accepted, traces.exported + traces.dropped());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! | feature | gives | default |
//! |---|---|---|
//! | `json` | [`json_lines`] | yes |
//! | `otlp` | [`otlp`]: messages and the OTLP JSON file | through the two below |
//! | `otlp-grpc` | [`OtlpExporter`] over gRPC | yes |
//! | `otlp-http` | [`OtlpExporter`] over HTTP, protobuf or JSON | yes |
//! | `health` | `Health`: counters of the program itself, through the OpenTelemetry SDK | no |
//!
//! # Limits
//!
//! | bound | default | what exceeds it |
//! |---|---|---|
//! | [`QueueConfig::max_queued_items`], [`max_queued_bytes`](QueueConfig::max_queued_bytes) | 131,072 and 64 MiB per signal | is dropped, newest first, and counted in [`ExportStats::dropped_queue_full`] |
//! | [`QueueConfig::max_batch_items`], [`max_batch_bytes`](QueueConfig::max_batch_bytes) | 2,048 and 2 MiB | waits for the next request |
//! | [`MetricsConfig::max_attribute_sets`](metrics::MetricsConfig::max_attribute_sets) | 2,000 per metric | is added up under `otel.metric.overflow`, counted in [`MetricsStats::overflowed`](metrics::MetricsStats::overflowed) |
//!
//! Delivery is at least once: a receiver that fails between taking a request and answering it gets the request again.
#![forbid(unsafe_code)]

#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
mod config;
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
mod delivery;
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
mod error;
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
mod exporter;
#[cfg(feature = "health")]
mod health;
#[cfg(feature = "json")]
pub mod json_lines;
mod key_value_list;
pub mod metrics;
#[cfg(feature = "otlp")]
pub mod otlp;
mod place;
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
mod queue;
mod resource;
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
mod retry;

#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
pub use config::{
    Compression, ConfiguredFrom, OtlpConfig, OtlpProtocol, QueueConfig, Signal, SignalConfig, TlsConfig,
};
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
pub use error::ExportError;
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
pub use exporter::OtlpExporter;
#[cfg(feature = "health")]
pub use health::{Health, HealthMetric, HealthValue};
pub use place::{ExchangePlace, FlowPlace, ProcessPlace, SpanIds};
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
pub use queue::ExportStats;
pub use resource::Resource;
#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
pub use retry::RetryConfig;
