//! AMQP 0-9-1, the protocol of RabbitMQ, with its extensions
//! ([specification](https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf)).
//!
//! One exchange per method that is answered, paired per channel. A message published is one-way, or one exchange with its
//! confirmation where the channel confirms; a message delivered is one exchange with its acknowledgment, or one-way where there
//! is none. A channel or connection that the server closes is the answer to everything that was asked there. What stands in a
//! record:
//!
//! | field | content |
//! |---|---|
//! | `request_type` | `Class.Method`: `Queue.Declare`, `Basic.Publish`; `ProtocolHeader` |
//! | `version` | `0.9.1` |
//! | `request_domain` | the virtual host |
//! | `endpoint` | the queue or the exchange; neither routing keys nor names that were made up |
//! | `request_resource`, `messaging.destination.name` | `exchange:routing key:queue`, as far as each is there |
//! | `response_code`, `response_exception` | reply code and text of a channel or connection closed, or of a message that came back |
//! | `response_result` | how a message was settled; how many messages; product and version of the server |
//! | `operation`, `messaging.operation.name`, `messaging.operation.type` | `publish`, `deliver`, `get`, `ack`, `nack`, `reject`; the method for others |
//! | `messaging.system` | `rabbitmq` where the server says so, else `amqp` |
//! | `messaging.rabbitmq.destination.routing_key`, `messaging.rabbitmq.message.delivery_tag` | both, as they are on the wire |
//! | `messaging.message.id`, `messaging.message.conversation_id`, `messaging.message.body.size` | from the message's properties |
//! | `messaging.destination.anonymous` | true for queues whose name was made up |
//! | `df.messaging.message.trace_id`, `df.messaging.message.span_id` | the context of a message fetched or returned |
//! | `df.amqp.channel`, `df.amqp.sasl.mechanism`, `df.amqp.failed_method`, `df.amqp.redelivered` | as named |
//!
//! The trace context of messages is in their headers. Bodies are passed over by their length; passwords are never read.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod detect;
mod identity;
mod parser;
mod v0_9_1;
mod wire;

pub use parser::AmqpParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Amqp,
    name: "amqp",
    family: Family::Messaging,
    transports: &[Transport::Tcp],
    ports: &[5672],
    has_request_ids: false,
    timeout: Duration::from_secs(120),
    detect: detect::detect,
    parser: |config, transport| Box::new(AmqpParser::new(config, transport)) as Box<dyn Parser>,
};

/// What the conventions call a broker that says it is this product.
fn system_of(product: &[u8]) -> &'static str {
    match product {
        b"RabbitMQ" => "rabbitmq",
        _ => UNKNOWN_SYSTEM,
    }
}

/// What is said of a broker that did not say what it is.
const UNKNOWN_SYSTEM: &str = "amqp";

#[cfg(test)]
mod tests;
