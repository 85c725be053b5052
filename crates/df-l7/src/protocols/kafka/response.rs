//! What a response says.

use crate::{ConnectionConfig, PropagatedContext, Response, ResponseStatus};

use super::api::{Api, FETCH};
use super::errors;
use super::records::RecordSet;
use super::request::cut;
use super::schema::{Format, Meaning, Value, Walk, walk};
use super::topics::{TopicNames, Topics};
use super::wire::response_body;

/// A request that waits for its response.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pending {
    pub(super) correlation_id: u32,
    pub(super) key: i16,
    pub(super) version: i16,
    /// Whether the request named topics.
    pub(super) has_topics: bool,
}

impl Pending {
    fn api(&self) -> Option<&'static Api> {
        Api::of_key(self.key).filter(|api| self.version <= api.latest)
    }
}

/// What is read of a response's body.
#[derive(Debug, Default)]
struct ResponseBody {
    /// The first error; 0 if there was none, none if no code was seen.
    error: Option<i32>,
    exception: Option<String>,
    topics: Topics,
    /// The topic whose identifier may follow.
    topic: Option<String>,
    records: Option<u32>,
    has_uncounted_records: bool,
    context: Option<PropagatedContext>,
}

/// Reads the response in `frame`, which may be cut, to `pending`. Remembers the topic names that it tells.
pub(super) fn read(
    frame: &[u8],
    pending: &Pending,
    names: &mut TopicNames,
    config: &ConnectionConfig,
) -> Response {
    let mut body = ResponseBody::default();
    let mut walked = Walk::Invalid;
    if let Some((api, bodies)) = pending.api().and_then(|api| Some((api, api.bodies?))) {
        let format = Format { version: pending.version, is_flexible: api.is_flexible(pending.version) };
        if let Ok(bytes) = response_body(frame, pending.key, format) {
            let mut visit = |meaning, value: Value<'_>| body.handle(meaning, value, names, config);
            walked = walk(bytes, bodies.response, format, &mut visit);
        }
    }
    body.into_response(pending, walked)
}

impl ResponseBody {
    fn handle(
        &mut self,
        meaning: Meaning,
        value: Value<'_>,
        names: &mut TopicNames,
        config: &ConnectionConfig,
    ) {
        match (meaning, value) {
            (Meaning::Error, Value::Number(code)) => {
                self.error = self.error.filter(|error| *error != 0).or(Some(code));
            }
            (Meaning::ErrorText, Value::Text(text)) if !text.is_empty() && self.exception.is_none() => {
                self.exception = Some(cut(text, config));
            }
            (Meaning::Topic, Value::Text(name)) => {
                self.topics.insert(Some(name));
                self.topic = Some(name.to_owned());
            }
            (Meaning::TopicId, Value::Id(id)) => match self.topic.take() {
                Some(name) => names.insert(id, &name),
                None => self.topics.insert(names.find(id)),
            },
            (Meaning::Records, Value::Records(bytes, total)) => {
                let set = RecordSet::read(bytes, total, &config.context);
                self.has_uncounted_records |= set.count.is_none();
                self.records = Some(self.records.unwrap_or(0).saturating_add(set.count.unwrap_or(0)));
                self.context = self.context.take().or(set.context);
            }
            _ => {}
        }
    }

    fn into_response(self, pending: &Pending, walked: Walk) -> Response {
        let mut response = Response::default();
        let code = self.error.and_then(|code| i16::try_from(code).ok());
        match code {
            Some(0) => response.status = ResponseStatus::Ok,
            Some(code) => {
                response.status = errors::status(code);
                response.code = Some(errors::name(code));
                response.exception = self.exception;
            }
            // A body that was read to its end and has no code has nothing to complain of.
            None if matches!(walked, Walk::Complete { .. }) => response.status = ResponseStatus::Ok,
            None => {}
        }
        if pending.key == FETCH && !pending.has_topics {
            // Within a fetch session a request names nothing that has not changed.
            if let Some(topic) = self.topics.only() {
                response.attributes.push("messaging.destination.name", topic.to_owned());
            }
        }
        if pending.key != FETCH {
            return response;
        }
        let is_whole = matches!(walked, Walk::Complete { .. }) && !self.has_uncounted_records;
        let counted = self.records.unwrap_or(0);
        if is_whole {
            response.attributes.push("messaging.batch.message_count", counted);
        }
        if let Some(context) = self.context {
            let ids = [
                ("df.messaging.message.trace_id", context.trace_id),
                ("df.messaging.message.span_id", context.span_id),
            ];
            for (key, id) in ids {
                if let Some(id) = id {
                    response.attributes.push(key, id);
                }
            }
        }
        response
    }
}
