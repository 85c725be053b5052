//! SOFARPC over its Bolt protocol, versions 1 and 2.
//!
//! Specification: `RpcProtocol` and `RpcProtocolV2` of sofa-bolt, `SofaRpcSerialization` of sofa-rpc. One exchange per call, by its
//! identifier; heartbeats are none. What stands in a record:
//!
//! | field | content |
//! |---|---|
//! | `request_type` | the method |
//! | `request_resource` | the service with its version: `com.example.Users:1.0` |
//! | `endpoint`, `operation`, `rpc.method` | `service/method` |
//! | `version` | that of the protocol: `1`, `2` |
//! | `request_id` | the identifier |
//! | `response_code` | the status's number; `rpc.response.status_code` its name |
//! | `response_status` | by the status; `server_error` too for an answer that says `isError` |
//! | `response_exception` | the error's text |
//!
//! Trace context is that of SOFATracer (`new_rpc_trace_context`, `rpc_trace_context.sofaTraceId`), unless a header has one in a
//! format that is looked for everywhere.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod call;
mod hessian;
mod parser;
mod wire;

pub use parser::SofarpcParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Sofarpc,
    name: "sofarpc",
    family: Family::Rpc,
    transports: &[Transport::Tcp],
    ports: &[12_200],
    has_request_ids: true,
    timeout: Duration::from_secs(120),
    detect: wire::detect,
    parser: |config, _| Box::new(SofarpcParser::new(config)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
