//! df-export.
#![forbid(unsafe_code)]

#[cfg(feature = "json")]
pub mod json_lines;
mod key_value_list;
pub mod metrics;
#[cfg(feature = "otlp")]
pub mod otlp;
mod place;
mod resource;

pub use place::{ExchangePlace, FlowPlace, SpanIds};
pub use resource::Resource;
