//! PostgreSQL's frontend/backend protocol, version 3 (3.0 to 3.2), of PostgreSQL and its kin.
//!
//! One exchange per simple query (which may hold several statements), per `Execute` of the extended protocol, per
//! preparation (`Parse` without `Execute`), per function call and per login. Rows and copied data are skipped, never
//! kept. What stands in a record:
//!
//! | field | content |
//! |---|---|
//! | `request_type` | `QUERY`, `EXECUTE`, `PARSE`, `BIND` (a portal that was not executed), `FUNCTION_CALL`, `STARTUP`, `CANCEL` |
//! | `request_resource`, `db.query.text` | SQL text; of an execution the prepared text, if it was seen |
//! | `response_code`, `db.response.status_code` | SQLSTATE of an error |
//! | `response_status` | `server_error` for SQLSTATE classes 53, 54, 57, 58, F0 and XX, else `client_error` |
//! | `response_result` | command tags: `SELECT 5`, `INSERT 0 1`; `db.response.returned_rows` for `SELECT` |
//! | `version` | the server's version |
//! | `db.namespace` | database of the login |
//!
//! Messages carry no identifiers on the wire; requests and responses are numbered here by the rules of the protocol, so
//! that what the server skips after an error in a pipeline takes nobody else's response.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod detect;
mod failure;
mod parser;
mod pipeline;
mod startup;
mod statements;
mod wire;

pub use parser::PostgresqlParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Postgresql,
    name: "postgresql",
    family: Family::Database,
    transports: &[Transport::Tcp],
    ports: &[5432],
    has_request_ids: false,
    timeout: Duration::from_secs(120),
    detect: detect::detect,
    parser: |config, transport| Box::new(PostgresqlParser::new(config, transport)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
