//! Spans as OTLP traces.

use std::collections::HashMap;

use df_trace::{Span, SpanId, SpanKind, SpanStatus};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind as KindMessage;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as SpanMessage, Status};

use super::attributes::{KeyValues, resource_message};
use super::{SCHEMA_URL, scope};
use crate::Resource;

/// One request for spans of several services: each service has its own resource, which is `resource` with the service's
/// name; spans of no known service are the resource's own. Beyond a span's attributes come `df.vantage`,
/// `df.observation_point` and, where there is a parent, `df.parent.reason`.
pub fn traces_request<'a>(
    resource: &Resource,
    spans: impl IntoIterator<Item = &'a Span>,
) -> ExportTraceServiceRequest {
    let mut places: HashMap<Option<&str>, usize> = HashMap::new();
    let mut groups: Vec<(Option<&str>, Vec<SpanMessage>)> = Vec::new();
    for span in spans {
        let service = span.service.as_deref();
        let place = *places.entry(service).or_insert(groups.len());
        if place == groups.len() {
            groups.push((service, Vec::new()));
        }
        if let Some((_, messages)) = groups.get_mut(place) {
            messages.push(span_message(span));
        }
    }
    let resource_spans = groups
        .into_iter()
        .map(|(service, spans)| ResourceSpans {
            resource: Some(match service {
                Some(service) => resource_message(&resource.with_service(service)),
                None => resource_message(resource),
            }),
            scope_spans: vec![ScopeSpans { scope: Some(scope()), spans, schema_url: SCHEMA_URL.to_owned() }],
            schema_url: SCHEMA_URL.to_owned(),
        })
        .collect();
    ExportTraceServiceRequest { resource_spans }
}

fn span_message(span: &Span) -> SpanMessage {
    SpanMessage {
        trace_id: span.trace_id.to_bytes().to_vec(),
        span_id: span.span_id.to_bytes().to_vec(),
        parent_span_id: span.parent_span_id.map(SpanId::to_bytes).map_or_else(Vec::new, Vec::from),
        flags: SAMPLED,
        name: span.name.to_string(),
        kind: kind(span.kind).into(),
        start_time_unix_nano: span.start.as_nanos(),
        end_time_unix_nano: span.end.as_nanos(),
        attributes: attributes(span),
        status: Some(Status {
            message: span.status_message.clone().unwrap_or_default(),
            code: status(span.status).into(),
        }),
        ..SpanMessage::default()
    }
}

fn attributes(span: &Span) -> Vec<KeyValue> {
    let mut list = KeyValues::with_capacity(span.attributes.len() + 3);
    list.all(&span.attributes);
    list.text("df.vantage", span.vantage.name());
    list.text("df.observation_point", span.observation_point.name());
    list.some_text("df.parent.reason", span.links.first().map(|link| link.by.name()));
    list.into_vec()
}

const fn kind(kind: SpanKind) -> KindMessage {
    match kind {
        SpanKind::Internal => KindMessage::Internal,
        SpanKind::Server => KindMessage::Server,
        SpanKind::Client => KindMessage::Client,
        SpanKind::Producer => KindMessage::Producer,
        SpanKind::Consumer => KindMessage::Consumer,
    }
}

const fn status(status: SpanStatus) -> StatusCode {
    match status {
        SpanStatus::Unset => StatusCode::Unset,
        SpanStatus::Ok => StatusCode::Ok,
        SpanStatus::Error => StatusCode::Error,
    }
}

/// The sampled flag of W3C Trace Context: whatever leaves is recorded.
const SAMPLED: u32 = 1;
