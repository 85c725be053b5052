//! AMQP in both of its protocols: 0-9-1 of RabbitMQ with its extensions
//! ([specification](https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf)), and 1.0
//! ([OASIS](https://docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-complete-v1.0-os.pdf)), which have only the name in common.
//!
//! 0-9-1: one exchange per method that is answered, paired per channel. A message published is one-way, or one exchange with its
//! confirmation where the channel confirms; a message delivered is one exchange with its acknowledgment, or one-way where there
//! is none. A channel or connection that the server closes is the answer to everything that was asked there.
//!
//! 1.0: one exchange per performative that the other end answers with the same, by channel or link. A message is one exchange with
//! its outcome, by delivery, or one-way if it is sent settled. What ends with a reason answers everything that was asked there.
//!
//! What stands in a record:
//!
//! | field | content |
//! |---|---|
//! | `request_type` | `Class.Method`: `Queue.Declare`, `Basic.Publish`; `ProtocolHeader`. 1.0: the performative: `attach`, `transfer` |
//! | `version` | `0.9.1`, `1.0` |
//! | `request_domain` | the virtual host; the host that the client opened the connection to |
//! | `endpoint` | the queue or the exchange; neither routing keys nor names that were made up. 1.0: the address |
//! | `request_resource`, `messaging.destination.name` | `exchange:routing key:queue`, as far as each is there. 1.0: the address |
//! | `response_code`, `response_exception` | reply code and text of a channel or connection closed, or of a message that came back. 1.0: condition and description; `rejected`, `released`, `modified`; of a login `auth`, `sys` |
//! | `response_result` | how a message was settled; how many messages; product and version of the server |
//! | `operation`, `messaging.operation.name`, `messaging.operation.type` | `publish`, `deliver`, `get`, `ack`, `nack`, `reject`; `send`, `receive`; the method or performative for others |
//! | `messaging.system` | `rabbitmq` where the server says so, else `amqp` |
//! | `messaging.client.id` | the client's container (1.0) |
//! | `messaging.rabbitmq.destination.routing_key`, `messaging.rabbitmq.message.delivery_tag` | both, as they are on the wire |
//! | `messaging.message.id`, `messaging.message.conversation_id`, `messaging.message.body.size` | from the message's properties |
//! | `messaging.message.envelope.size` | all of a message (1.0) |
//! | `messaging.destination.anonymous` | true for queues whose name was made up |
//! | `df.messaging.message.trace_id`, `df.messaging.message.span_id` | the context of a message fetched or returned |
//! | `df.amqp.channel`, `df.amqp.sasl.mechanism`, `df.amqp.failed_method`, `df.amqp.redelivered` | as named |
//! | `df.amqp.link.name`, `df.amqp.delivery_count`, `df.amqp.aborted`, `df.amqp.is_from_server`, `df.amqp.error.*` | as named (1.0) |
//!
//! The trace context of messages is in their headers or properties. Bodies are passed over by their length; passwords are never read.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod detect;
mod identity;
mod parser;
mod v0_9_1;
mod v1_0;
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
