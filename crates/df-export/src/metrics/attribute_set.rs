//! Attribute sets as keys of an aggregation.

use std::borrow::Cow;
use std::net::IpAddr;

use df_core::Address;
use df_l7::{AttributeValue, Attributes};

/// A set of attributes that can be compared and hashed. Built in one fixed order per metric, so equal sets are equal
/// lists.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(super) struct AttributeSet(Vec<(&'static str, SetValue)>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum SetValue {
    Text(Cow<'static, str>),
    Integer(i64),
    Boolean(bool),
    /// Written out only when collected.
    Address(IpAddr),
}

impl SetValue {
    /// What names an address, if anything does.
    pub(super) fn of(address: Address) -> Option<Self> {
        match address {
            Address::Ip(ip) => Some(Self::Address(ip)),
            Address::Unix(unix) => unix.path().map(|path| Self::Text(Cow::Borrowed(path.as_str()))),
        }
    }
}

impl AttributeSet {
    /// The set under which a metric adds up what exceeds its bound.
    pub(super) fn overflow() -> Self {
        Self(vec![("otel.metric.overflow", SetValue::Boolean(true))])
    }

    pub(super) fn with(mut self, key: &'static str, value: impl Into<SetValue>) -> Self {
        self.0.push((key, value.into()));
        self
    }

    pub(super) fn with_some(self, key: &'static str, value: Option<impl Into<SetValue>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    pub(super) fn to_attributes(&self) -> Attributes {
        let mut attributes = Attributes::new();
        for (key, value) in &self.0 {
            attributes.push(
                *key,
                match value {
                    SetValue::Text(text) => AttributeValue::Text(text.clone()),
                    SetValue::Integer(number) => AttributeValue::Integer(*number),
                    SetValue::Boolean(truth) => AttributeValue::Boolean(*truth),
                    SetValue::Address(address) => AttributeValue::from(address.to_string()),
                },
            );
        }
        attributes
    }
}

impl From<&'static str> for SetValue {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<Cow<'static, str>> for SetValue {
    fn from(text: Cow<'static, str>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for SetValue {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u16> for SetValue {
    fn from(number: u16) -> Self {
        Self::Integer(i64::from(number))
    }
}

impl From<IpAddr> for SetValue {
    fn from(address: IpAddr) -> Self {
        Self::Address(address)
    }
}
