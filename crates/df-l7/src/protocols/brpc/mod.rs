//! bRPC's own protocol, `baidu_std`.
//!
//! Specification: "baidu_std" of Apache bRPC's documentation, `baidu_rpc_meta.proto`. One exchange per call, by its correlation
//! identifier. What stands in a record:
//!
//! | field | content |
//! |---|---|
//! | `request_type` | the method |
//! | `request_resource` | the service: `example.EchoService` |
//! | `endpoint`, `operation`, `rpc.method` | `example.EchoService/Echo` |
//! | `request_id` | the correlation identifier |
//! | `response_code`, `rpc.response.status_code` | the error's number, 0 if there is none |
//! | `response_exception` | the error's text |
//!
//! Trace context is bRPC's own (`trace_id` and `span_id` of the request, in hexadecimal as its pages show them), unless the user's
//! fields have one in a format that is looked for everywhere. `x_request_id` is `request_id`, else `log_id`. Payloads and
//! attachments are passed over, and so are the frames of streams.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod meta;
mod parser;
mod wire;

pub use parser::BrpcParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Brpc,
    name: "brpc",
    family: Family::Rpc,
    transports: &[Transport::Tcp],
    ports: &[],
    has_request_ids: true,
    timeout: Duration::from_secs(120),
    detect: wire::detect,
    parser: |config, _| Box::new(BrpcParser::new(config)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
