//! OpenWire, the protocol of Apache ActiveMQ, in loose and in tight encoding, with and without cached values
//! ([specification](https://activemq.apache.org/components/classic/documentation/openwire-version-2-specification)).
//!
//! A command that wants an answer is one exchange with its response, paired by the command's id; all others are one-way.
//! What stands in a record:
//!
//! | field | content |
//! |---|---|
//! | `request_type` | the command: `ConnectionInfo`, `ActiveMQTextMessage`, `MessageDispatch` |
//! | `version` | the version of the sender's `WireFormatInfo` |
//! | `request_id` | the command's id |
//! | `endpoint`, `request_resource`, `messaging.destination.name` | the queue or topic |
//! | `response_code`, `response_exception` | the exception's class and text |
//! | `operation`, `messaging.operation.name`, `messaging.operation.type` | `send`, `receive`, `ack`; the command for others |
//! | `messaging.destination.temporary` | true for temporary queues and topics |
//! | `df.openwire.destination.type` | `queue` or `topic` |
//!
//! Message properties and bodies are not read.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod commands;
mod parser;
mod reader;
mod wire;

pub use parser::OpenwireParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Openwire,
    name: "openwire",
    family: Family::Messaging,
    transports: &[Transport::Tcp],
    ports: &[61616],
    has_request_ids: true,
    timeout: Duration::from_secs(120),
    detect: wire::detect,
    parser: |config, transport| Box::new(OpenwireParser::new(config, transport)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
