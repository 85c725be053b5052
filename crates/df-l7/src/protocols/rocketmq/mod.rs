//! The remoting protocol of Apache RocketMQ, with headers in JSON and in its own binary form.
//!
//! One exchange per request, paired by `opaque`. Requests that a broker or name server sends to its clients are one-way.
//! What stands in a record:
//!
//! | field | content |
//! |---|---|
//! | `request_type` | the request code's name: `SEND_MESSAGE_V2`, `PULL_MESSAGE` |
//! | `version` | the sender's version, as the number on the wire |
//! | `request_id` | `opaque` |
//! | `endpoint`, `messaging.destination.name` | the topic |
//! | `request_resource` | the topic, or the group |
//! | `response_code` | the response code's name where it is not `SUCCESS`: `PULL_NOT_FOUND`, `TOPIC_NOT_EXIST` |
//! | `response_exception` | the remark of an error |
//! | `operation`, `messaging.operation.name`, `messaging.operation.type` | `send`, `receive`, `ack`, `commit`; the code's name for others |
//! | `messaging.consumer.group.name`, `messaging.destination.partition.id` | group and queue of consumers, queue of producers |
//! | `messaging.message.id`, `messaging.rocketmq.message.tag`, `messaging.rocketmq.message.keys` | of a message sent |
//! | `messaging.batch.message_count`, `df.messaging.message.trace_id`, `df.messaging.message.span_id` | of messages pulled: how many, and the context of the first that has one |
//!
//! The trace context of a message sent is in its properties. Bodies are not kept.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod codes;
mod detect;
mod json;
mod messages;
mod parser;
mod wire;

pub use parser::RocketmqParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Rocketmq,
    name: "rocketmq",
    family: Family::Messaging,
    transports: &[Transport::Tcp],
    ports: &[9876, 10909, 10911],
    has_request_ids: true,
    timeout: Duration::from_secs(120),
    detect: detect::detect,
    parser: |config, transport| Box::new(RocketmqParser::new(config, transport)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
