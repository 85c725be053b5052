//! HTTP/1.0 and HTTP/1.1 (RFC 9110, RFC 9112).
//!
//! The parser gives what the message says: `http.request.method` (`_OTHER` with `http.request.method_original` for
//! methods outside the conventions), `url.scheme`, `url.path`, `url.query`, `user_agent.original`, `client.address`
//! (from the configured headers), `http.request.body.size`, `http.response.status_code`, `http.response.body.size`
//! and the configured `http.request.header.<name>` and `http.response.header.<name>`. What needs addresses, roles or
//! both halves of the exchange is left to whoever makes spans: `server.*`, `network.*`, `url.full` (scheme,
//! `domain` and `resource` together), `error.type`, and `network.protocol.version` (the message's `version`).

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod body;
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
