//! How single values are written: attributes, identifiers, durations.

use std::time::Duration;

use df_l7::{Attribute, AttributeValue, Attributes};
use serde::ser::{SerializeMap, Serializer};
use serde::Serialize;

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
struct Value<'a>(&'a AttributeValue);

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

/// Bytes as lower-case hexadecimal digits; up to 16 of them.
pub(super) struct Hexadecimal<'a>(pub(super) &'a [u8]);

impl Serialize for Hexadecimal<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut digits = [0_u8; 32];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 0x0f)]);
        }
        let written = digits.get(..self.0.len().saturating_mul(2)).unwrap_or(&digits);
        serializer.serialize_str(std::str::from_utf8(written).unwrap_or_default())
    }
}

const fn digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' + value - 10 }
}

/// A number as text.
pub(super) struct NumberText(pub(super) u64);

impl Serialize for NumberText {
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
