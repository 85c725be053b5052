//! What a request asks.

use std::borrow::Cow;

use crate::sql::cut_text;
use crate::{Attributes, ConnectionConfig, PropagatedContext, Request};

use super::api::PRODUCE;
use super::records::RecordSet;
use super::schema::{Meaning, Value, Walk, walk};
use super::topics::{TopicNames, Topics};
use super::wire::RequestHead;

/// What is read of a request's body.
#[derive(Debug, Default)]
pub(super) struct RequestBody {
    pub(super) topics: Topics,
    group: Option<String>,
    coordinator_key: Option<String>,
    coordinator_kind: i32,
    mechanism: Option<String>,
    /// Whether the broker will answer.
    pub(super) is_answered: bool,
    records: Option<u32>,
    has_uncounted_records: bool,
    context: Option<PropagatedContext>,
    /// Whether the body ends before all of it was read.
    is_cut: bool,
}

impl RequestBody {
    /// Reads the body as far as it is there and known.
    pub(super) fn read(head: &RequestHead<'_>, names: &TopicNames, config: &ConnectionConfig) -> Self {
        let mut body = Self { is_answered: true, ..Self::default() };
        let known = head.api.filter(|api| head.version <= api.latest).and_then(|api| api.bodies);
        if let Some(bodies) = known {
            let mut visit = |meaning, value: Value<'_>| body.handle(meaning, value, names, config);
            let walked = walk(head.body, bodies.request, head.format(), &mut visit);
            body.is_cut = walked == Walk::Short;
        }
        body
    }

    fn handle(&mut self, meaning: Meaning, value: Value<'_>, names: &TopicNames, config: &ConnectionConfig) {
        match (meaning, value) {
            (Meaning::Acknowledgments, Value::Number(acknowledgments)) => {
                self.is_answered = acknowledgments != 0;
            }
            (Meaning::CoordinatorKey, Value::Text(key)) => self.coordinator_key = Some(cut(key, config)),
            (Meaning::CoordinatorKind, Value::Number(kind)) => self.coordinator_kind = kind,
            (Meaning::Group, Value::Text(group)) if self.group.is_none() => {
                self.group = Some(cut(group, config));
            }
            (Meaning::Mechanism, Value::Text(mechanism)) => self.mechanism = Some(cut(mechanism, config)),
            (Meaning::Partition, Value::Number(number)) => self.topics.insert_partition(number),
            (Meaning::Topic, Value::Text(name)) => self.topics.insert(Some(name)),
            // Topics are named by one of both; the other is empty.
            (Meaning::TopicId, Value::Id(id)) if id != [0; 16] => self.topics.insert(names.find(id)),
            (Meaning::Records, Value::Records(bytes, total)) => {
                let set = RecordSet::read(bytes, total, &config.context);
                self.has_uncounted_records |= set.count.is_none();
                self.records = Some(self.records.unwrap_or(0).saturating_add(set.count.unwrap_or(0)));
                self.context = self.context.take().or(set.context);
            }
            _ => {}
        }
    }

    /// The request as records show it.
    pub(super) fn into_request(self, head: &RequestHead<'_>) -> Request {
        let kind = head.api.map_or_else(|| Cow::Owned(format!("Api{}", head.key)), |api| api.name.into());
        let (operation, operation_type) = operation(head.key).unwrap_or((kind.clone(), None));
        let topic = self.topics.only().map(str::to_owned);
        let mut attributes = Attributes::with_capacity(8);
        attributes.push("messaging.system", "kafka");
        attributes.push("messaging.operation.name", operation.clone());
        if let Some(operation_type) = operation_type {
            attributes.push("messaging.operation.type", operation_type);
        }
        if let Some(topic) = &topic {
            attributes.push("messaging.destination.name", topic.clone());
        }
        if let Some(partition) = self.topics.only_partition() {
            attributes.push("messaging.destination.partition.id", partition.to_string());
        }
        if let Some(client_id) = head.client_id.filter(|client_id| !client_id.is_empty()) {
            attributes.push("messaging.client.id", client_id.to_owned());
        }
        let is_group = self.coordinator_kind == 0;
        let group = self.group.clone().or_else(|| self.coordinator_key.clone().filter(|_| is_group));
        if let Some(group) = &group {
            attributes.push("messaging.consumer.group.name", group.clone());
        }
        if let Some(records) = self.message_count().filter(|_| head.key == PRODUCE) {
            attributes.push("messaging.batch.message_count", records);
        }
        // Of a commit that was cut the topics may be missing: then the group does not stand for them.
        let other = group.or(self.coordinator_key).or(self.mechanism);
        let resource = self.topics.joined().or(other.filter(|_| !(self.is_cut && commits(head.key))));
        Request {
            kind,
            version: Some(version_text(head.version)),
            resource,
            endpoint: topic.clone(),
            operation,
            target: topic,
            context: self.context.map(Box::new),
            attributes,
            ..Request::default()
        }
    }

    fn message_count(&self) -> Option<u32> {
        self.records.filter(|_| !self.has_uncounted_records)
    }
}

/// Whether a request names topics behind its group: offsets are committed or asked for.
const fn commits(key: i16) -> bool {
    matches!(key, 8 | 9 | 28)
}

/// What clients call it, where the conventions name it, and its type.
fn operation(key: i16) -> Option<(Cow<'static, str>, Option<&'static str>)> {
    let (name, kind) = match key {
        PRODUCE => ("send", "send"),
        1 | 78 => ("poll", "receive"),
        8 | 28 => ("commit", "settle"),
        79 => ("ack", "settle"),
        _ => return None,
    };
    Some((Cow::Borrowed(name), Some(kind)))
}

/// At most as many bytes of a text as an attribute may have.
pub(super) fn cut(text: &str, config: &ConnectionConfig) -> String {
    cut_text(text.as_bytes(), config.max_attribute_bytes)
}

fn version_text(version: i16) -> Cow<'static, str> {
    const SMALL: [&str; 20] = [
        "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17",
        "18", "19",
    ];
    let small = usize::try_from(version).ok().and_then(|version| SMALL.get(version));
    small.map_or_else(|| Cow::Owned(version.to_string()), |text| Cow::Borrowed(*text))
}
