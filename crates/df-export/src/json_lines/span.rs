//! The record of one span.

use df_l7::AttributeValue;
use df_trace::{Span, SpanId, SpanLink, TraceId};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::value::{AttributeObject, Shown};
use super::write_line;
use crate::Resource;

/// Appends the record of `span` as one line. `resource` tells who observes; the span's own service, where it has one,
/// takes the place of the resource's.
pub fn write_span(out: &mut Vec<u8>, span: &Span, resource: &Resource) {
    write_line(out, &SpanRecord::new(span, resource));
}

#[derive(Serialize)]
struct SpanRecord<'a> {
    kind: &'static str,
    trace_id: Shown<TraceId>,
    span_id: Shown<SpanId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<Shown<SpanId>>,
    name: &'a str,
    span_kind: &'static str,
    start_ns: u64,
    end_ns: u64,
    duration_ns: u64,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_message: Option<&'a str>,
    service: &'a str,
    vantage: &'static str,
    observation_point: &'static str,
    #[serde(skip_serializing_if = "Links::is_empty")]
    links: Links<'a>,
    #[serde(skip_serializing_if = "AttributeObject::is_empty")]
    attributes: AttributeObject<'a>,
    resource: ResourceObject<'a>,
}

impl<'a> SpanRecord<'a> {
    fn new(span: &'a Span, resource: &'a Resource) -> Self {
        let service = span.service.as_deref().unwrap_or_else(|| resource.service_name());
        Self {
            kind: "span",
            trace_id: Shown(span.trace_id),
            span_id: Shown(span.span_id),
            parent_span_id: span.parent_span_id.map(Shown),
            name: &span.name,
            span_kind: span.kind.name(),
            start_ns: span.start.as_nanos(),
            end_ns: span.end.as_nanos(),
            duration_ns: super::value::nanoseconds(span.end.since(span.start)),
            status: span.status.name(),
            status_message: span.status_message.as_deref(),
            service,
            vantage: span.vantage.name(),
            observation_point: span.observation_point.name(),
            links: Links(&span.links),
            attributes: AttributeObject([Some(&span.attributes), None]),
            resource: ResourceObject { resource, service },
        }
    }
}

struct Links<'a>(&'a [SpanLink]);

impl Links<'_> {
    const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Links<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|link| Link { by: link.by.name(), to: Shown(link.to) }))
    }
}

#[derive(Serialize)]
struct Link {
    by: &'static str,
    to: Shown<SpanId>,
}

/// The resource's attributes with the span's service in place of the resource's own.
struct ResourceObject<'a> {
    resource: &'a Resource,
    service: &'a str,
}

impl Serialize for ResourceObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let attributes = self.resource.attributes();
        let mut map = serializer.serialize_map(Some(attributes.len()))?;
        for attribute in attributes {
            let value = match &attribute.value {
                AttributeValue::Text(_) if attribute.key == "service.name" => {
                    map.serialize_entry("service.name", self.service)?;
                    continue;
                }
                value => super::value::Value(value),
            };
            map.serialize_entry(attribute.key.as_ref(), &value)?;
        }
        map.end()
    }
}
