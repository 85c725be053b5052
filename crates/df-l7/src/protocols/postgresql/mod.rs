//! PostgreSQL's frontend/backend protocol, version 3.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod parser;
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
    detect: wire::detect,
    parser: |config, transport| Box::new(PostgresqlParser::new(config, transport)) as Box<dyn Parser>,
};
