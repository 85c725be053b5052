//! The binary protocol of Apache Pulsar: commands in protobuf, messages behind them.
//!
//! One exchange per command that is answered, paired by the command's own number: `request_id`, or producer and sequence
//! for messages sent. Acknowledgments, permits and everything that a broker says unasked are one-way. What stands in a
//! record:
//!
//! | field | content |
//! |---|---|
//! | `request_type` | the command: `SEND`, `SUBSCRIBE`, `LOOKUP`, `MESSAGE` |
//! | `version` | the protocol version that the client connected with |
//! | `endpoint`, `messaging.destination.name` | the topic, known from the producer or consumer for what names only those |
//! | `request_resource` | the topic |
//! | `response_code` | an error's name: `TopicNotFound` |
//! | `operation`, `messaging.operation.name`, `messaging.operation.type` | `send`, `receive`, `ack`; the command for others |
//! | `messaging.destination.subscription.name` | the subscription |
//! | `messaging.destination.partition.id` | the partition that the topic's name ends with |
//! | `messaging.batch.message_count` | messages in a batch |
//! | `df.pulsar.request_id`, `df.pulsar.producer_id`, `df.pulsar.consumer_id`, `df.pulsar.sequence_id` | the numbers on the wire |
//!
//! The trace context of messages is in their properties, those of the first message of a batch included, compressed or
//! not. Payloads are not kept.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod commands;
mod metadata;
mod parser;
mod topics;
mod wire;

pub use parser::PulsarParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Pulsar,
    name: "pulsar",
    family: Family::Messaging,
    transports: &[Transport::Tcp],
    ports: &[6650],
    has_request_ids: false,
    timeout: Duration::from_secs(120),
    detect: wire::detect,
    parser: |config, transport| Box::new(PulsarParser::new(config, transport)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
