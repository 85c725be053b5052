//! Who the telemetry is about: the attributes that every record of one request shares.

use df_l7::{AttributeValue, Attributes};

/// A resource in OpenTelemetry's sense: what made the telemetry, told by attributes. It always has a `service.name`.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    attributes: Attributes,
}

impl Resource {
    /// The resource of df itself: `service.name`, and the `telemetry.*` attributes that say who speaks.
    pub fn new(service_name: impl Into<String>) -> Self {
        let mut attributes = Attributes::new();
        attributes.push(SERVICE_NAME, service_name.into());
        attributes.push("telemetry.sdk.name", "df");
        attributes.push("telemetry.sdk.language", "rust");
        attributes.push("telemetry.sdk.version", env!("CARGO_PKG_VERSION"));
        Self { attributes }
    }

    /// The resource of df with what the environment says of it: `OTEL_RESOURCE_ATTRIBUTES` (`key=value,key=value`, with
    /// percent-encoding) and `OTEL_SERVICE_NAME`, which wins. Without either, the service is `df-agent`.
    ///
    /// `lookup` gives the value of an environment variable; pass `|name| std::env::var(name).ok()`. A list that is
    /// malformed anywhere is ignored as a whole, as OpenTelemetry demands, and named in the returned warnings.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> (Self, Vec<String>) {
        let mut resource = Self::new(DEFAULT_SERVICE_NAME);
        let mut warnings = Vec::new();
        let variable = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        if let Some(list) = variable("OTEL_RESOURCE_ATTRIBUTES") {
            match crate::key_value_list::parse(&list) {
                Some(pairs) => {
                    for (key, value) in pairs {
                        resource.set(key, value);
                    }
                }
                None => warnings.push(
                    "OTEL_RESOURCE_ATTRIBUTES is ignored: expected key=value,key=value with percent-encoding"
                        .to_owned(),
                ),
            }
        }
        if let Some(name) = variable("OTEL_SERVICE_NAME") {
            resource.set(SERVICE_NAME, name);
        }
        (resource, warnings)
    }

    /// Sets an attribute; one with the same key is replaced.
    pub fn set(&mut self, key: impl Into<std::borrow::Cow<'static, str>>, value: impl Into<AttributeValue>) {
        let key = key.into();
        let value = value.into();
        let mut attributes = Attributes::new();
        let mut value = Some(value);
        for attribute in std::mem::take(&mut self.attributes) {
            let replaced = if attribute.key == key { value.take() } else { None };
            attributes.push(attribute.key, replaced.unwrap_or(attribute.value));
        }
        if let Some(value) = value {
            attributes.push(key, value);
        }
        self.attributes = attributes;
    }

    /// The same resource with another `service.name`, for spans of a service that was recognised.
    pub fn with_service(&self, service_name: &str) -> Self {
        let mut resource = self.clone();
        resource.set(SERVICE_NAME, service_name.to_owned());
        resource
    }

    /// The attributes.
    pub const fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// The `service.name`.
    pub fn service_name(&self) -> &str {
        self.attributes.find(SERVICE_NAME).and_then(AttributeValue::as_text).unwrap_or(DEFAULT_SERVICE_NAME)
    }
}

impl Default for Resource {
    fn default() -> Self {
        Self::new(DEFAULT_SERVICE_NAME)
    }
}

const SERVICE_NAME: &str = "service.name";
const DEFAULT_SERVICE_NAME: &str = "df-agent";

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> (Resource, Vec<String>) {
        Resource::from_environment(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_service_name_variable_wins_over_the_list() {
        let list = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=shop,host.name=a%20b");
        let (resource, warnings) = from(&[list, ("OTEL_SERVICE_NAME", "watcher")]);
        assert!(warnings.is_empty());
        assert_eq!(resource.service_name(), "watcher");
        assert_eq!(resource.attributes().find("host.name").and_then(AttributeValue::as_text), Some("a b"));
        let (resource, _) = from(&[list, ("OTEL_SERVICE_NAME", "")]);
        assert_eq!(resource.service_name(), "shop");
    }

    #[test]
    fn a_malformed_list_is_ignored_as_a_whole_and_named() {
        let (resource, warnings) = from(&[("OTEL_RESOURCE_ATTRIBUTES", "a=1,broken")]);
        assert_eq!(resource, Resource::default());
        assert_eq!(warnings.len(), 1);
    }
}
