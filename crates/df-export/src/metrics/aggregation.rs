//! Sums and histograms per attribute set, bounded.

use std::collections::HashMap;
use std::time::Duration;

use df_core::Timestamp;
use df_flow::aggregation::DelayHistogram;

use super::attribute_set::AttributeSet;
use super::{HistogramPoint, Metric, MetricPoints, SumPoint, Temporality};

/// One metric's measurements, by attribute set.
#[derive(Debug)]
pub(super) struct Instrument<T> {
    cells: HashMap<AttributeSet, T>,
    max_attribute_sets: usize,
    bounds: &'static [f64],
}

/// The time that a collection covers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Period {
    pub(super) temporality: Temporality,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
}

/// What is kept for one attribute set.
pub(super) trait Cell: Sized {
    /// What one measurement is.
    type Value;
    fn empty(bounds: &'static [f64]) -> Self;
    fn add(&mut self, value: Self::Value, bounds: &'static [f64]);
    fn points(cells: Vec<(AttributeSet, Self)>, period: Period, bounds: &'static [f64]) -> MetricPoints;
}

impl<T: Cell + Clone> Instrument<T> {
    pub(super) fn new(max_attribute_sets: usize, bounds: &'static [f64]) -> Self {
        Self { cells: HashMap::new(), max_attribute_sets: max_attribute_sets.max(1), bounds }
    }

    /// Adds a measurement. Says whether it went to the overflow's set.
    pub(super) fn record(&mut self, attributes: AttributeSet, value: T::Value) -> bool {
        if let Some(cell) = self.cells.get_mut(&attributes) {
            cell.add(value, self.bounds);
            return false;
        }
        // The last place is kept for the overflow.
        let overflows = self.cells.len() >= self.max_attribute_sets - 1;
        let attributes = if overflows { AttributeSet::overflow() } else { attributes };
        let cell = self.cells.entry(attributes).or_insert_with(|| T::empty(self.bounds));
        cell.add(value, self.bounds);
        overflows
    }

    /// Sets every value to nothing: levels are told anew each time.
    pub(super) fn clear_values(&mut self) {
        self.cells.values_mut().for_each(|cell| *cell = T::empty(self.bounds));
    }

    pub(super) fn collect(
        &mut self,
        period: Period,
        (name, unit, description): (&'static str, &'static str, &'static str),
    ) -> Metric {
        let mut cells: Vec<_> = match period.temporality {
            Temporality::Delta => self.cells.drain().collect(),
            Temporality::Cumulative => {
                self.cells.iter().map(|(set, cell)| (set.clone(), cell.clone())).collect()
            }
        };
        cells.sort_by(|(left, _), (right, _)| left.cmp(right));
        let mut metric = Metric::new(name, unit, description, T::points(cells, period, self.bounds));
        metric.temporality = period.temporality;
        metric
    }
}

/// A count.
#[derive(Debug, Clone)]
pub(super) struct Sum(u64);

impl Cell for Sum {
    type Value = u64;

    fn empty(_: &'static [f64]) -> Self {
        Self(0)
    }

    fn add(&mut self, value: u64, _: &'static [f64]) {
        self.0 = self.0.saturating_add(value);
    }

    fn points(cells: Vec<(AttributeSet, Self)>, period: Period, _: &'static [f64]) -> MetricPoints {
        MetricPoints::Sum(number_points(cells.into_iter().map(|(set, Self(value))| (set, value)), period))
    }
}

/// A count that goes up and down.
#[derive(Debug, Clone)]
pub(super) struct Level(u64);

impl Cell for Level {
    type Value = u64;

    fn empty(_: &'static [f64]) -> Self {
        Self(0)
    }

    fn add(&mut self, value: u64, _: &'static [f64]) {
        self.0 = self.0.saturating_add(value);
    }

    fn points(cells: Vec<(AttributeSet, Self)>, period: Period, _: &'static [f64]) -> MetricPoints {
        MetricPoints::Gauge(number_points(cells.into_iter().map(|(set, Self(value))| (set, value)), period))
    }
}

fn number_points(numbers: impl Iterator<Item = (AttributeSet, u64)>, period: Period) -> Vec<SumPoint> {
    let point = |(set, value): (AttributeSet, u64)| SumPoint {
        attributes: set.to_attributes(),
        start: period.start,
        time: period.end,
        value,
    };
    numbers.map(point).collect()
}

/// A distribution of delays that comes with its buckets filled.
#[derive(Debug, Clone)]
pub(super) struct Delays(DelayHistogram);

impl Cell for Delays {
    type Value = DelayHistogram;

    fn empty(_: &'static [f64]) -> Self {
        Self(DelayHistogram::default())
    }

    fn add(&mut self, value: DelayHistogram, _: &'static [f64]) {
        self.0.merge(&value);
    }

    fn points(cells: Vec<(AttributeSet, Self)>, period: Period, bounds: &'static [f64]) -> MetricPoints {
        let seconds = |nanoseconds| Duration::from_nanos(nanoseconds).as_secs_f64();
        let point = |(set, Self(delays)): (AttributeSet, Self)| HistogramPoint {
            attributes: set.to_attributes(),
            start: period.start,
            time: period.end,
            count: delays.count,
            sum: seconds(delays.sum_ns),
            min: None,
            max: (delays.count > 0).then(|| seconds(delays.longest_ns)),
            bounds,
            bucket_counts: delays.buckets().to_vec(),
        };
        MetricPoints::Histogram(cells.into_iter().map(point).collect())
    }
}

/// A distribution.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    sum: f64,
    min: f64,
    max: f64,
    bucket_counts: Vec<u64>,
}

impl Cell for Histogram {
    type Value = f64;

    fn empty(bounds: &'static [f64]) -> Self {
        Self {
            sum: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            bucket_counts: vec![0; bounds.len() + 1],
        }
    }

    fn add(&mut self, value: f64, bounds: &'static [f64]) {
        // Upper bounds are inclusive.
        let bucket = bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.bucket_counts.get_mut(bucket) {
            *count += 1;
        }
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    fn points(cells: Vec<(AttributeSet, Self)>, period: Period, bounds: &'static [f64]) -> MetricPoints {
        let point = |(set, cell): (AttributeSet, Self)| HistogramPoint {
            attributes: set.to_attributes(),
            start: period.start,
            time: period.end,
            count: cell.bucket_counts.iter().sum(),
            sum: cell.sum,
            min: cell.min.is_finite().then_some(cell.min),
            max: cell.max.is_finite().then_some(cell.max),
            bounds,
            bucket_counts: cell.bucket_counts,
        };
        MetricPoints::Histogram(cells.into_iter().map(point).collect())
    }
}
