//! Redis serialization protocol, versions 2 and 3.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod parser;
mod wire;

pub use parser::RedisParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Redis,
    name: "redis",
    family: Family::Database,
    transports: &[Transport::Tcp],
    ports: &[6379],
    has_request_ids: false,
    timeout: Duration::from_secs(120),
    detect: wire::detect,
    parser: |config, transport| Box::new(RedisParser::new(config, transport)) as Box<dyn Parser>,
};
