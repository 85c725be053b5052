//! A protocol to copy: one question per line, one answer per line, in order.
//!
//! ```text
//! client   ASK weather\n          server   OK sunny\n   or   NO reason\n
//! ```
//!
//! To add a protocol: copy this folder, rename, describe the wire in `wire.rs` and the meaning in `parser.rs`, add one
//! row to the table in `protocols.rs`. The laws that hold for every protocol are tested with its recordings.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod parser;
mod wire;

use parser::TemplateParser;

/// The protocol's row in the table.
pub(crate) static ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Custom("template"),
    name: "template",
    family: Family::Other,
    transports: &[Transport::Tcp],
    ports: &[7_777],
    has_request_ids: false,
    timeout: Duration::from_secs(120),
    detect: wire::detect,
    parser: |config, _| Box::new(TemplateParser::new(config)) as Box<dyn Parser>,
};
