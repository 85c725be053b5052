//! Cassandra's native protocol (CQL), versions 3 to 5 (`doc/native_protocol_v{3,4,5}.spec` of Apache Cassandra), of
//! ScyllaDB and others too.
//!
//! One exchange per frame that asks. Bodies compressed with LZ4 or Snappy and the segments of version 5 are unwrapped as far
//! as they are looked at. Values and rows are never kept.
//!
//! | field | content |
//! |---|---|
//! | `request_type` | the opcode: `QUERY`, `PREPARE`, `EXECUTE`, `BATCH`, `STARTUP`, ... |
//! | `request_resource`, `db.query.text` | the CQL text, literals as `?` unless configured; the prepared text of an execution; the first text of a batch |
//! | `endpoint`, `operation`, `target` | `VERB table` |
//! | `response_code`, `db.response.status_code` | the error's code in decimal: `8704` |
//! | `response_status` | `server_error` for those of the cluster's state (unavailable, timeouts, overload), else `client_error` |
//! | `response_result` | the kind of result: `ROWS`, `VOID`, `SET_KEYSPACE`, `PREPARED`, `SCHEMA_CHANGE` |
//! | `db.namespace` | the keyspace after a `USE` |
//! | `version` | of the protocol: `4` |
//!
//! Events are one-way messages of the server. Stream ids are taken anew, so that requests pair by numbers of the parser's own.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod detect;
mod parser;
mod request;
mod response;
mod segment;
mod statements;
mod wire;

pub use parser::CassandraParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Cassandra,
    name: "cassandra",
    family: Family::Database,
    transports: &[Transport::Tcp],
    ports: &[9_042],
    has_request_ids: false,
    timeout: Duration::from_secs(120),
    detect: detect::detect,
    parser: |config, transport| Box::new(CassandraParser::new(config, transport)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
