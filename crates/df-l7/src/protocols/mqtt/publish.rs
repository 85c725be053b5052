//! Reads `PUBLISH` as far as its payload.

use crate::Cursor;

use super::properties::{Properties, TOPIC_ALIAS, Value};
use super::wire::{Head, Version, variable_number};

/// What stands in front of a payload.
#[derive(Debug)]
pub(super) struct Publish<'a> {
    /// Empty where an alias stands for it; none if it is not all there.
    pub(super) topic: Option<&'a [u8]>,
    pub(super) packet_id: Option<u16>,
    /// None where there can be none, and where they are not all there.
    pub(super) properties: Option<Properties<'a>>,
    pub(super) payload_bytes: Option<usize>,
}

impl<'a> Publish<'a> {
    /// The packet whose body begins with `body`, as far as it is there.
    pub(super) fn read(head: &Head, body: &'a [u8], version: Version) -> Self {
        let mut publish = Self { topic: None, packet_id: None, properties: None, payload_bytes: None };
        let mut cursor = Cursor::new(body);
        let _ = publish.read_fields(head, &mut cursor, version);
        publish
    }

    fn read_fields(&mut self, head: &Head, cursor: &mut Cursor<'a>, version: Version) -> Option<()> {
        let topic_len = usize::from(cursor.u16_be()?);
        self.topic = Some(cursor.take(topic_len)?);
        if head.qos() > 0 {
            self.packet_id = Some(cursor.u16_be()?);
        }
        if has_properties(topic_len, version) {
            self.properties = Some(Properties::read(cursor)?);
        }
        if version != Version::Unknown || self.properties.is_some() {
            self.payload_bytes = head.body_bytes.checked_sub(cursor.position());
        }
        Some(())
    }

    /// Whether all properties were read, if there can be any.
    pub(super) fn has_whole_properties(&self) -> bool {
        self.properties.as_ref().is_some_and(Properties::are_well_formed)
    }

    /// What the sender says instead of the topic, now or from now on.
    pub(super) fn alias(&self) -> Option<u16> {
        let number = self.properties.clone()?.find_map(|(identifier, value)| match value {
            Value::Number(number) if identifier == TOPIC_ALIAS => Some(number),
            _ => None,
        })?;
        u16::try_from(number).ok().filter(|alias| *alias != 0)
    }
}

/// How many bytes of the body are needed to know more than now, those in front of the payload at most. None if lengths
/// contradict each other.
pub(super) fn needed_bytes(head: &Head, body: &[u8], version: Version) -> Option<usize> {
    let Some(topic_len) = Cursor::new(body).u16_be() else { return Some(LENGTH_BYTES) };
    let packet_id_bytes = if head.qos() > 0 { LENGTH_BYTES } else { 0 };
    let fixed_bytes = LENGTH_BYTES.saturating_add(usize::from(topic_len)).saturating_add(packet_id_bytes);
    if fixed_bytes > head.body_bytes {
        return None;
    }
    if !has_properties(usize::from(topic_len), version) {
        return Some(fixed_bytes);
    }
    let rest = body.get(fixed_bytes..).unwrap_or_default();
    let mut cursor = Cursor::new(rest);
    let properties_bytes = match variable_number(&mut cursor).map(usize::try_from) {
        Some(Ok(len)) => cursor.position().saturating_add(len),
        _ => rest.len().saturating_add(1).min(4),
    };
    Some(fixed_bytes.saturating_add(properties_bytes).min(head.body_bytes))
}

/// Whether properties follow. Before version 5 no topic is empty.
fn has_properties(topic_len: usize, version: Version) -> bool {
    version == Version::V5 || version == Version::Unknown && topic_len == 0
}

const LENGTH_BYTES: usize = 2;
