//! Metrics.

mod model;

pub use model::{HistogramPoint, Metric, MetricPoints, SumPoint, Temporality};
