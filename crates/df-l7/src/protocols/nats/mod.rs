//! The client protocol of NATS ([specification](https://docs.nats.io/reference/reference-protocols/nats-protocol)), headers
//! ([ADR-4](https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-4.md)) and JetStream's statuses
//! among it.
//!
//! ```text
//! server  INFO {..}            MSG orders 1 _INBOX.a.1 5\r\nhello        HMSG _INBOX.a.1 2 16 16\r\nNATS/1.0 503\r\n\r\n
//! client  CONNECT {..}   PING   PUB _INBOX.a.1 2\r\nok   HPUB orders _INBOX.a.2 12 17\r\nNATS/1.0\r\n\r\nhello
//! ```
//!
//! A publication is one-way. It is an exchange with the first message that comes to its reply subject, and, where the client
//! has asked for confirmations (`verbose`), with its `+OK`. A delivery that wants a reply is a request of the server: it
//! is an exchange with the client's publication to the reply subject, and one-way where the client only listens. `CONNECT`
//! is answered by the first thing that shows that the server took it (the `PONG` to the `PING` that clients send with it),
//! or by `-ERR`. What stands in a record:
//!
//! | field | content |
//! |---|---|
//! | `request_type` | the operation: `PUB`, `HPUB`, `MSG`, `HMSG`, `SUB`, `UNSUB`, `CONNECT`, `PING` |
//! | `version` | the server's version |
//! | `request_domain` | the server's name |
//! | `request_resource`, `messaging.destination.name` | the subject |
//! | `endpoint` | the subject; `_INBOX` of inboxes, `$JS.ACK` of acknowledgments |
//! | `response_code`, `response_exception` | the status of a reply (`503`, `408 Request Timeout`), an error of a service, or that of `-ERR` |
//! | `operation`, `messaging.operation.name`, `messaging.operation.type` | `publish`, `receive`, `ack`; `subscribe` and others |
//! | `messaging.destination.temporary` | true for inboxes |
//! | `messaging.consumer.group.name` | the queue group |
//! | `messaging.message.body.size` | bytes of the payload |
//! | `messaging.message.id` | the header `Nats-Msg-Id` |
//! | `messaging.client.id` | the name that the client connects with |
//! | `df.nats.reply_to` | the subject for the reply |
//! | `df.nats.is_from_server` | true for requests of the server |
//! | `df.nats.status_code` | the status of a delivery that answers nothing |
//!
//! Payloads are passed over by their length. Of `CONNECT` only the name is kept, never a credential.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod awaited;
mod confirmations;
mod detect;
mod errors;
mod headers;
mod parser;
mod records;
mod served;
mod subjects;
mod subscriptions;
mod wire;

pub use parser::NatsParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Nats,
    name: "nats",
    family: Family::Messaging,
    transports: &[Transport::Tcp],
    ports: &[4222],
    has_request_ids: false,
    timeout: Duration::from_secs(120),
    detect: detect::detect,
    parser: |config, transport| Box::new(NatsParser::new(config, transport)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
