//! The protocol of Apache Kafka and everything that speaks it: all requests up to those of Kafka 4.2, flexible versions
//! with tagged fields included ([protocol guide](https://kafka.apache.org/protocol.html), KIP-482, KIP-516).
//!
//! One exchange per request. A response has no version of its own: it is read as its request's. What stands in a record:
//!
//! | field | content |
//! |---|---|
//! | `request_type` | the request's name: `Produce`, `Fetch`, `JoinGroup` |
//! | `version` | the request's version |
//! | `request_id` | the correlation id |
//! | `endpoint`, `messaging.destination.name` | the topic, if the request names just one |
//! | `request_resource` | all topics, or the consumer group, or the login's mechanism |
//! | `response_code` | the first error in the response: `UNKNOWN_TOPIC_OR_PARTITION`; none if there is none |
//! | `response_status` | `server_error` for what the state of brokers causes, else `client_error` |
//! | `operation`, `messaging.operation.name` | `send`, `poll`, `commit`, `ack`; the request's name for others |
//! | `messaging.operation.type` | `send`, `receive`, `settle` |
//! | `messaging.client.id`, `messaging.consumer.group.name` | as the request says |
//! | `messaging.destination.partition.id` | the partition, if there is just one |
//! | `messaging.batch.message_count` | records produced or fetched, if all batches were seen |
//! | `df.messaging.message.trace_id`, `df.messaging.message.span_id` | context in the headers of the first fetched records; that of produced ones is the request's |
//!
//! A Produce that asks for no acknowledgment is one-way. Topics that are named by identifier have a name if a response
//! on the same connection told it. Records are not kept. Of a message the first 16 KiB are read (64 KiB of Metadata), the
//! rest is passed over.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod api;
mod detect;
mod errors;
mod parser;
mod records;
mod request;
mod response;
mod schema;
mod schemas;
mod topics;
mod wire;

pub use parser::KafkaParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Kafka,
    name: "kafka",
    family: Family::Messaging,
    transports: &[Transport::Tcp],
    ports: &[9092],
    has_request_ids: true,
    timeout: Duration::from_secs(120),
    detect: detect::detect,
    parser: |config, transport| Box::new(KafkaParser::new(config, transport)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
