//! Tars, version 1 (TARS) and the TUP versions 2 and 3.
//!
//! Specification: `RequestF.tars` of TarsCloud, and the Tars encoding. One exchange per call, by its identifier. What stands in a
//! record:
//!
//! | field | content |
//! |---|---|
//! | `request_type` | the function |
//! | `request_resource` | the servant: `tars.tarslog.LogObj` |
//! | `endpoint`, `operation`, `rpc.method` | `tars.tarslog.LogObj/log` |
//! | `version` | `1`, `2`, `3` |
//! | `request_id` | the identifier |
//! | `response_code` | the number returned, 0 for success; `rpc.response.status_code` its name |
//! | `response_exception` | the description of the result |
//!
//! Trace context comes from the maps `context` and `status` of the request. Arguments and results are passed over.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod packet;
mod parser;
mod wire;

pub use parser::TarsParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Tars,
    name: "tars",
    family: Family::Rpc,
    transports: &[Transport::Tcp],
    ports: &[],
    has_request_ids: true,
    timeout: Duration::from_secs(120),
    detect: packet::detect,
    parser: |config, _| Box::new(TarsParser::new(config)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
