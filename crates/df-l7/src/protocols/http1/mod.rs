//! HTTP/1.0 and HTTP/1.1 (RFC 9110, RFC 9112).

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod parser;
mod wire;

pub use parser::Http1Parser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Http1,
    name: "http1",
    family: Family::Http,
    transports: &[Transport::Tcp],
    ports: &[80, 8000, 8080],
    has_request_ids: false,
    timeout: Duration::from_secs(120),
    detect: wire::detect,
    parser: |config, transport| Box::new(Http1Parser::new(config, transport)) as Box<dyn Parser>,
};
