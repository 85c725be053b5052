//! Metrics as OTLP has them.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric as MetricMessage, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum, metric::Data, number_data_point::Value,
};

use super::attributes::{key_values, resource_message};
use super::{SCHEMA_URL, scope};
use crate::Resource;
use crate::metrics::{HistogramPoint, Metric, MetricPoints, SumPoint, Temporality};

/// One request for metrics of one resource; metrics without points are left out.
pub fn metrics_request<'a>(
    resource: &Resource,
    metrics: impl IntoIterator<Item = &'a Metric>,
) -> ExportMetricsServiceRequest {
    let metrics: Vec<_> =
        metrics.into_iter().filter(|metric| !metric.is_empty()).map(metric_message).collect();
    if metrics.is_empty() {
        return ExportMetricsServiceRequest::default();
    }
    let schema_url = SCHEMA_URL.to_owned();
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(resource_message(resource)),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(scope()),
                metrics,
                schema_url: schema_url.clone(),
            }],
            schema_url,
        }],
    }
}

fn metric_message(metric: &Metric) -> MetricMessage {
    let aggregation_temporality = match metric.temporality {
        Temporality::Cumulative => AggregationTemporality::Cumulative,
        Temporality::Delta => AggregationTemporality::Delta,
    }
    .into();
    MetricMessage {
        name: metric.name.to_owned(),
        description: metric.description.to_owned(),
        unit: metric.unit.to_owned(),
        data: Some(match &metric.points {
            MetricPoints::Sum(points) => Data::Sum(Sum {
                data_points: points.iter().map(sum_point).collect(),
                aggregation_temporality,
                is_monotonic: true,
            }),
            MetricPoints::Gauge(points) => {
                Data::Gauge(Gauge { data_points: points.iter().map(sum_point).collect() })
            }
            MetricPoints::Histogram(points) => Data::Histogram(Histogram {
                data_points: points.iter().map(histogram_point).collect(),
                aggregation_temporality,
            }),
        }),
        ..MetricMessage::default()
    }
}

fn sum_point(point: &SumPoint) -> NumberDataPoint {
    NumberDataPoint {
        attributes: key_values(&point.attributes),
        start_time_unix_nano: point.start.as_nanos(),
        time_unix_nano: point.time.as_nanos(),
        value: Some(Value::AsInt(i64::try_from(point.value).unwrap_or(i64::MAX))),
        ..NumberDataPoint::default()
    }
}

fn histogram_point(point: &HistogramPoint) -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: key_values(&point.attributes),
        start_time_unix_nano: point.start.as_nanos(),
        time_unix_nano: point.time.as_nanos(),
        count: point.count,
        sum: Some(point.sum),
        bucket_counts: point.bucket_counts.clone(),
        explicit_bounds: point.bounds.to_vec(),
        min: point.min,
        max: point.max,
        ..HistogramDataPoint::default()
    }
}
