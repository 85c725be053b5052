//! The records of one metric: a line for each of its points.

use df_core::Timestamp;
use df_l7::Attributes;
use serde::Serialize;

use super::value::AttributeObject;
use super::write_line;
use crate::metrics::{HistogramPoint, Metric, MetricPoints};

/// Appends a line for each point of `metric`.
pub fn write_metric(out: &mut Vec<u8>, metric: &Metric) {
    match &metric.points {
        MetricPoints::Sum(points) => {
            for point in points {
                let times = (point.start, point.time);
                let record = Record::new(metric, "sum", &point.attributes, times);
                write_line(out, &Record { value: Some(point.value), ..record });
            }
        }
        MetricPoints::Gauge(points) => {
            for point in points {
                let times = (point.start, point.time);
                let record = Record::new(metric, "gauge", &point.attributes, times);
                write_line(out, &Record { value: Some(point.value), ..record });
            }
        }
        MetricPoints::Histogram(points) => {
            for point in points {
                let times = (point.start, point.time);
                let record = Record::new(metric, "histogram", &point.attributes, times);
                write_line(out, &Record { histogram: Some(Histogram::new(point)), ..record });
            }
        }
    }
}

#[derive(Serialize)]
struct Record<'a> {
    kind: &'static str,
    name: &'static str,
    unit: &'static str,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    temporality: Option<&'static str>,
    start_ns: u64,
    time_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    histogram: Option<Histogram<'a>>,
    #[serde(skip_serializing_if = "AttributeObject::is_empty")]
    attributes: AttributeObject<'a>,
}

impl<'a> Record<'a> {
    fn new(
        metric: &Metric,
        r#type: &'static str,
        attributes: &'a Attributes,
        (start, time): (Timestamp, Timestamp),
    ) -> Self {
        Self {
            kind: "metric",
            name: metric.name,
            unit: metric.unit,
            r#type,
            // A level does not count from anywhere.
            temporality: (r#type != "gauge").then_some(metric.temporality.name()),
            start_ns: start.as_nanos(),
            time_ns: time.as_nanos(),
            value: None,
            histogram: None,
            attributes: AttributeObject([Some(attributes), None]),
        }
    }
}

#[derive(Serialize)]
struct Histogram<'a> {
    count: u64,
    sum: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    bounds: &'a [f64],
    counts: &'a [u64],
}

impl<'a> Histogram<'a> {
    fn new(point: &'a HistogramPoint) -> Self {
        Self {
            count: point.count,
            sum: point.sum,
            min: point.min,
            max: point.max,
            bounds: point.bounds,
            counts: &point.bucket_counts,
        }
    }
}
