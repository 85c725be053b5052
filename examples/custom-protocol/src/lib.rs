//! The beanstalkd work queue, version 1.3 of its protocol, as a protocol of df's: this file, `wire.rs` and `parser.rs`
//! follow `docs/adding-a-protocol.md` step by step.
//!
//! | field | holds |
//! |---|---|
//! | `request_type` | the command: `put`, `reserve`, `delete` |
//! | `request_resource` | the command line, without a job's bytes |
//! | `endpoint` | the tube that `put` goes to |
//! | `response_code` | the word that an error starts with: `NOT_FOUND` |
//! | `response_result` | the reply line |
#![forbid(unsafe_code)]

use df_core::Transport;
use df_l7::ProtocolRow;

mod parser;
mod wire;

pub use parser::BeanstalkParser;

/// The row to add to `ConnectionConfig::custom_protocols`.
pub static BEANSTALK: ProtocolRow = {
    let mut row = ProtocolRow::custom("beanstalk", |config, _| Box::new(BeanstalkParser::new(config)));
    row.transports = &[Transport::Tcp];
    row.ports = &[11_300];
    row.detect = wire::detect;
    row
};
