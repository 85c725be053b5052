//! df-export.
#![forbid(unsafe_code)]

#[cfg(feature = "json")]
pub mod json_lines;
mod key_value_list;
pub mod metrics;
mod resource;

pub use resource::Resource;
