//! MySQL's and MariaDB's client/server protocol.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod command;
mod compressed;
mod conversation;
mod detect;
mod errors;
mod login;
mod parser;
mod query_attributes;
mod response;
mod statements;
mod wire;

#[cfg(test)]
mod tests;

pub use parser::MysqlParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Mysql,
    name: "mysql",
    family: Family::Database,
    transports: &[Transport::Tcp],
    ports: &[3306],
    has_request_ids: false,
    timeout: Duration::from_secs(120),
    detect: detect::detect,
    parser: |config, transport| Box::new(MysqlParser::new(config, transport)) as Box<dyn Parser>,
};
