//! Metrics as values: what an aggregation gives and every format is written from.

use df_core::Timestamp;
use df_l7::Attributes;

/// One metric with the points of all its attribute sets.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Metric {
    /// The name, for example `http.server.request.duration`.
    pub name: &'static str,
    /// The unit in UCUM notation: `s`, `By`, `{packet}`.
    pub unit: &'static str,
    /// What is measured, for people.
    pub description: &'static str,
    /// Whether the points count from the start or from the collection before.
    pub temporality: Temporality,
    /// The points.
    pub points: MetricPoints,
}

impl Metric {
    /// A metric from its parts; cumulative.
    pub const fn new(
        name: &'static str,
        unit: &'static str,
        description: &'static str,
        points: MetricPoints,
    ) -> Self {
        Self { name, unit, description, temporality: Temporality::Cumulative, points }
    }

    /// How many points there are.
    pub const fn len(&self) -> usize {
        match &self.points {
            MetricPoints::Sum(points) | MetricPoints::Gauge(points) => points.len(),
            MetricPoints::Histogram(points) => points.len(),
        }
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The points of a metric.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum MetricPoints {
    /// Counts that only grow.
    Sum(Vec<SumPoint>),
    /// Counts that go up and down, as they stand at the points' `time`; temporality means nothing to them.
    Gauge(Vec<SumPoint>),
    /// Distributions over explicit buckets.
    Histogram(Vec<HistogramPoint>),
}

/// A count for one attribute set.
#[derive(Debug, Clone, PartialEq)]
pub struct SumPoint {
    /// The attribute set.
    pub attributes: Attributes,
    /// From when it counts.
    pub start: Timestamp,
    /// Until when it counts.
    pub time: Timestamp,
    /// The count.
    pub value: u64,
}

/// A distribution for one attribute set.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramPoint {
    /// The attribute set.
    pub attributes: Attributes,
    /// From when it counts.
    pub start: Timestamp,
    /// Until when it counts.
    pub time: Timestamp,
    /// How many values.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The smallest, where it is known.
    pub min: Option<f64>,
    /// The largest, where it is known.
    pub max: Option<f64>,
    /// Upper bounds of the buckets, growing, each inclusive; the last bucket has none.
    pub bounds: &'static [f64],
    /// Values per bucket, one more than there are bounds; they add up to `count`.
    pub bucket_counts: Vec<u64>,
}

/// Since when the points of a metric count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Temporality {
    /// Since the aggregation started.
    #[default]
    Cumulative,
    /// Since the collection before.
    Delta,
}

impl Temporality {
    /// The record's word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cumulative => "cumulative",
            Self::Delta => "delta",
        }
    }
}
