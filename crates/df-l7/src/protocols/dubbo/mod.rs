//! The Dubbo protocol, version 2, of Apache Dubbo. Its third version, Triple, is gRPC by another name and found in HTTP/2.
//!
//! Specification: "Dubbo2 protocol" of Apache Dubbo's documentation, `ExchangeCodec`, `DubboCodec`; Hessian 2.0. One exchange per
//! call, by the identifier in its header; heartbeats and other events are none. What stands in a record:
//!
//! | field | content |
//! |---|---|
//! | `request_type` | the method: `findItem`; `REQUEST` if the serialization is not read |
//! | `request_resource` | the service: `my.demo.ItemService` |
//! | `endpoint`, `operation`, `rpc.method` | `my.demo.ItemService/findItem` |
//! | `version` | the version of Dubbo's protocol that the client speaks: `2.0.2` |
//! | `request_id` | the identifier |
//! | `response_code` | the status: `20` |
//! | `rpc.response.status_code` | its name: `OK`, `SERVICE_NOT_FOUND` |
//! | `response_status` | by the status; `server_error` too for a method that threw under status 20 |
//! | `response_exception` | the class and message of what a method threw, or the error's text |
//! | `df.dubbo.serialization` | `hessian2`, `fastjson`, `kryo`, ... |
//! | `df.dubbo.service.version`, `df.dubbo.parameter_types` | the service's version; the types of its parameters |
//!
//! Of a body Hessian 2 and fastjson are read; the other serializations are named. Arguments and results are passed over.
//! Trace context comes from the attachments, which stand behind the arguments.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod hessian;
mod invocation;
mod outcome;
mod parser;
mod wire;

pub use parser::DubboParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Dubbo,
    name: "dubbo",
    family: Family::Rpc,
    transports: &[Transport::Tcp],
    ports: &[20_880],
    has_request_ids: true,
    timeout: Duration::from_secs(120),
    detect: wire::detect,
    parser: |config, _| Box::new(DubboParser::new(config)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
