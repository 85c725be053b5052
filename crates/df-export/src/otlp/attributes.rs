//! Attributes and resources as OTLP has them.

use df_l7::{AttributeValue, Attributes};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource as ResourceMessage;

use crate::Resource;

/// A list of attributes in which every key stands once, as OTLP demands: the first one stays.
pub(super) struct KeyValues(Vec<KeyValue>);

impl KeyValues {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    pub(super) fn push(&mut self, key: &str, value: Value) {
        if key.is_empty() || self.0.iter().any(|attribute| attribute.key == key) {
            return;
        }
        let value = Some(AnyValue { value: Some(value) });
        self.0.push(KeyValue { key: key.to_owned(), value, ..KeyValue::default() });
    }

    pub(super) fn text(&mut self, key: &str, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.push(key, Value::StringValue(text));
        }
    }

    pub(super) fn some_text(&mut self, key: &str, text: Option<impl Into<String>>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    /// Adds a number; one that is too large for OTLP's signed integers is cut to the largest.
    pub(super) fn number(&mut self, key: &str, number: impl TryInto<i64>) {
        self.push(key, Value::IntValue(number.try_into().unwrap_or(i64::MAX)));
    }

    pub(super) fn some_number(&mut self, key: &str, number: Option<impl TryInto<i64>>) {
        if let Some(number) = number {
            self.number(key, number);
        }
    }

    /// Adds a list of texts, unless it is empty.
    pub(super) fn texts(&mut self, key: &str, values: &[impl std::fmt::Display]) {
        if !values.is_empty() {
            let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
            self.push(key, value(&texts.into()));
        }
    }

    pub(super) fn truth(&mut self, key: &str, truth: bool) {
        self.push(key, Value::BoolValue(truth));
    }

    pub(super) fn all(&mut self, attributes: &Attributes) {
        for attribute in attributes {
            self.push(&attribute.key, value(&attribute.value));
        }
    }

    pub(super) fn into_vec(self) -> Vec<KeyValue> {
        self.0
    }
}

/// Attributes as OTLP has them.
pub(super) fn key_values(attributes: &Attributes) -> Vec<KeyValue> {
    let mut list = KeyValues::with_capacity(attributes.len());
    list.all(attributes);
    list.into_vec()
}

pub(super) fn resource_message(resource: &Resource) -> ResourceMessage {
    ResourceMessage { attributes: key_values(resource.attributes()), ..ResourceMessage::default() }
}

fn value(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::Text(text) => Value::StringValue(text.to_string()),
        AttributeValue::Integer(number) => Value::IntValue(*number),
        AttributeValue::Double(number) => Value::DoubleValue(*number),
        AttributeValue::Boolean(truth) => Value::BoolValue(*truth),
        AttributeValue::TextList(texts) => Value::ArrayValue(ArrayValue {
            values: texts
                .iter()
                .map(|text| AnyValue { value: Some(Value::StringValue(text.clone())) })
                .collect(),
        }),
        other => Value::StringValue(format!("{other:?}")),
    }
}
