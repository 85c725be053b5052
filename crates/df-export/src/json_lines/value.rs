//! How single values are written: attributes, identifiers, durations.

use std::fmt;
use std::time::Duration;

use df_l7::{Attribute, AttributeValue, Attributes};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

/// Attribute lists as one JSON object. A key of a later list that an earlier one has already is left out, because an
/// object has each key once.
pub(super) struct AttributeObject<'a>(pub(super) [Option<&'a Attributes>; 2]);

impl AttributeObject<'_> {
    /// Whether the object would be empty.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().flatten().all(|attributes| attributes.is_empty())
    }
}

impl Serialize for AttributeObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let [first, second] = self.0;
        for attribute in first.into_iter().flatten() {
            map.serialize_entry(attribute.key.as_ref(), &Value(&attribute.value))?;
        }
        for attribute in second.into_iter().flatten() {
            let Attribute { key, value } = attribute;
            if first.is_none_or(|attributes| attributes.find(key).is_none()) {
                map.serialize_entry(key.as_ref(), &Value(value))?;
            }
        }
        map.end()
    }
}

/// One attribute's value. Numbers that JSON does not have (infinity, not a number) become texts, as in OTLP.
pub(super) struct Value<'a>(pub(super) &'a AttributeValue);

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            AttributeValue::Text(text) => serializer.serialize_str(text),
            AttributeValue::Integer(number) => serializer.serialize_i64(*number),
            AttributeValue::Double(number) if number.is_finite() => serializer.serialize_f64(*number),
            AttributeValue::Double(number) => serializer.collect_str(number),
            AttributeValue::Boolean(truth) => serializer.serialize_bool(*truth),
            AttributeValue::TextList(texts) => serializer.collect_seq(texts),
            _ => serializer.serialize_str("?"),
        }
    }
}

/// A value in its written form: identifiers as hexadecimal digits, numbers as text.
pub(super) struct Shown<T>(pub(super) T);

impl<T: fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Whole nanoseconds, saturating after 584 years.
pub(super) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// None for an empty text: an unknown value is left out of a record.
pub(super) fn known(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
