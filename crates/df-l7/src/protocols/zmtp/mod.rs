//! ZMTP 3.x, the protocol of ZeroMQ sockets ([RFC 23](https://rfc.zeromq.org/spec/23/),
//! [RFC 37](https://rfc.zeromq.org/spec/37/)).
//!
//! Messages are one-way, those between a REQ socket that connects and a REP socket that is bound are request and response.
//! Commands of the handshake pair where one answers the other (`HELLO` and `WELCOME`, `INITIATE` and `READY`). What stands
//! in a record:
//!
//! | field | content |
//! |---|---|
//! | `request_type` | `MESSAGE`, or the command: `READY`, `SUBSCRIBE`, `CANCEL`, `HELLO`, `ERROR` |
//! | `version` | the version of the sender's greeting: `3.1` |
//! | `endpoint`, `messaging.destination.name` | of a subscription, its prefix; of a published message of several parts, the first part if it is text |
//! | `response_code`, `request_resource` | `ERROR`; the reason of an error that answers nothing |
//! | `operation`, `messaging.operation.name`, `messaging.operation.type` | `send`; the command for others |
//! | `messaging.message.body.size` | the bytes of all parts |
//! | `df.zmtp.parts`, `df.zmtp.socket_type`, `df.zmtp.mechanism` | parts of a message; what the sender said of itself |
//!
//! Payloads are not kept, user names and passwords are not read.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod parser;
mod wire;

pub use parser::ZmtpParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Zmtp,
    name: "zmtp",
    family: Family::Messaging,
    transports: &[Transport::Tcp],
    ports: &[],
    has_request_ids: false,
    timeout: Duration::from_secs(120),
    detect: wire::detect,
    parser: |config, transport| Box::new(ZmtpParser::new(config, transport)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
