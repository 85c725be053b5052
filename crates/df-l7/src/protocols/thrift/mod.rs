//! Apache Thrift: calls in the binary protocol (strict and old) and the compact one, over buffered, framed and header
//! transports (`doc/specs/thrift-{binary,compact,rpc}-protocol.md`, `HeaderFormat.md`).
//!
//! One exchange per call. Each message tells its own form, so a server may speak them all. Arguments and results are
//! passed over, never kept; where a message has no length, they are walked through to find its end.
//!
//! | field | content |
//! |---|---|
//! | `request_type` | the method; of a multiplexed service without its name |
//! | `request_resource` | the service's name, if the call is multiplexed |
//! | `endpoint`, `operation`, `rpc.method` | `service/method`, or the method |
//! | `response_code`, `rpc.response.status_code` | the type of a `TApplicationException`: `UNKNOWN_METHOD`; `DECLARED_EXCEPTION` for one that the service declares |
//! | `response_exception` | the message of a `TApplicationException`; those of declared ones are the application's data |
//! | `request_id` | the sequence id, if the client counts: of those that say 0, calls pair in order |
//! | `version` | none |
//!
//! One-way calls are one-way messages. Trace context comes from the info headers of the header transport.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod content;
mod detect;
mod parser;
mod values;
mod walker;
mod wire;

pub use parser::ThriftParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Thrift,
    name: "thrift",
    family: Family::Rpc,
    transports: &[Transport::Tcp, Transport::Udp],
    ports: &[9_090],
    has_request_ids: true,
    timeout: Duration::from_secs(120),
    detect: detect::detect,
    parser: |config, transport| Box::new(ThriftParser::new(config, transport)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
