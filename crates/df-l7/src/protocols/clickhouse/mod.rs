//! ClickHouse's native protocol, as `src/Core/Protocol.h` and the server's handler of it know it.
//!
//! One exchange per query, ping and login. Blocks of data are passed over: compressed ones by their lengths, others by walking
//! through their columns. What stands in a record:
//!
//! | field | content |
//! |---|---|
//! | `request_type` | `QUERY`, `PING`, `HELLO` |
//! | `request_resource`, `db.query.text` | the SQL text, literals as `?` unless configured |
//! | `endpoint`, `operation`, `target` | `VERB table` |
//! | `response_code`, `db.response.status_code` | the exception's number: `60` |
//! | `response_exception` | its message, up to what it quotes |
//! | `response_result` | `ROWS n` as the server counts them |
//! | `db.namespace` | the database of the login |
//! | `version` | the revision that both ends speak |
//!
//! Trace context comes from the client's own part of the query, and from comments.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod block;
mod column;
mod detect;
mod parser;
mod request;
mod response;
mod wire;

pub use parser::ClickHouseParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::ClickHouse,
    name: "clickhouse",
    family: Family::Database,
    transports: &[Transport::Tcp],
    ports: &[9_000],
    has_request_ids: false,
    timeout: Duration::from_secs(120),
    detect: detect::detect,
    parser: |config, transport| Box::new(ClickHouseParser::new(config, transport)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
