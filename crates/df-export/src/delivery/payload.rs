//! What is queued for each signal, how much room it takes and how it is encoded.

use df_l7::{AttributeValue, Attributes};
use df_trace::Span;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;

use crate::metrics::{Metric, MetricPoints};
use crate::queue::Weigh;
use crate::{Resource, otlp};

/// The two encodings of OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Protobuf.
    Protobuf,
    /// JSON.
    #[cfg(feature = "otlp-http")]
    Json,
}

/// What is queued for a signal.
pub(crate) trait Payload: Weigh + Send + 'static {
    /// A request with all of them.
    fn encode(entries: Vec<Self>, resource: &Resource, encoding: Encoding) -> Vec<u8>
    where
        Self: Sized;
}

impl Payload for Span {
    fn encode(entries: Vec<Self>, resource: &Resource, encoding: Encoding) -> Vec<u8> {
        encode(&otlp::traces_request(resource, &entries), encoding)
    }
}

impl Payload for LogRecord {
    fn encode(entries: Vec<Self>, resource: &Resource, encoding: Encoding) -> Vec<u8> {
        encode(&otlp::logs_request(resource, entries), encoding)
    }
}

impl Payload for Metric {
    fn encode(entries: Vec<Self>, resource: &Resource, encoding: Encoding) -> Vec<u8> {
        encode(&otlp::metrics_request(resource, &entries), encoding)
    }
}

fn encode(request: &(impl Message + serde::Serialize), encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => request.encode_to_vec(),
        #[cfg(feature = "otlp-http")]
        Encoding::Json => serde_json::to_vec(request).unwrap_or_default(),
    }
}

impl Weigh for Span {
    fn items(&self) -> u64 {
        1
    }

    fn bytes(&self) -> usize {
        let texts = self.name.len()
            + self.service.as_ref().map_or(0, String::len)
            + self.status_message.as_ref().map_or(0, String::len);
        size_of::<Self>() + texts + attributes_bytes(&self.attributes)
    }
}

impl Weigh for LogRecord {
    fn items(&self) -> u64 {
        1
    }

    fn bytes(&self) -> usize {
        let attribute = size_of::<opentelemetry_proto::tonic::common::v1::KeyValue>();
        size_of::<Self>() + self.encoded_len() + self.attributes.len() * attribute
    }
}

impl Weigh for Metric {
    fn items(&self) -> u64 {
        u64::try_from(self.len()).unwrap_or(u64::MAX)
    }

    fn bytes(&self) -> usize {
        let points: usize = match &self.points {
            MetricPoints::Sum(points) | MetricPoints::Gauge(points) => {
                points.iter().map(|point| size_of_val(point) + attributes_bytes(&point.attributes)).sum()
            }
            MetricPoints::Histogram(points) => points
                .iter()
                .map(|point| {
                    size_of_val(point)
                        + size_of_val(point.bucket_counts.as_slice())
                        + attributes_bytes(&point.attributes)
                })
                .sum(),
        };
        size_of::<Self>() + points
    }
}

fn attributes_bytes(attributes: &Attributes) -> usize {
    attributes
        .iter()
        .map(|attribute| {
            let value = match &attribute.value {
                AttributeValue::Text(text) => text.len(),
                AttributeValue::TextList(texts) => {
                    texts.iter().map(|text| size_of::<String>() + text.len()).sum()
                }
                _ => 0,
            };
            size_of_val(attribute) + attribute.key.len() + value
        })
        .sum()
}
