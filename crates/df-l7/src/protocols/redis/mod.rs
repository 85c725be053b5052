//! The Redis serialization protocol, versions 2 and 3 (`RESP2`, `RESP3`), of Redis, Valkey and their kin.
//!
//! One exchange per command. Commands may be arrays of bulk strings or inline; they may be pipelined. Values are skipped,
//! never kept. What stands in a record:
//!
//! | field | content |
//! |---|---|
//! | `request_type`, `endpoint`, `operation` | the command in capitals: `GET`, `CONFIG` |
//! | `request_resource`, `db.query.text` | the command with `?` for each argument, the second word of container commands kept (`CONFIG GET ?`); arguments as they are if `obfuscation.redis_arguments` is off, but never passwords (`AUTH`, `HELLO`, `MIGRATE`, `ACL SETUSER`, values of `CONFIG SET`) |
//! | `response_code` | first word of an error: `ERR`, `WRONGTYPE`, `MOVED` |
//! | `response_status` | `server_error` for the errors that name the server's state (`LOADING`, `OOM`, `MISCONF`, `CLUSTERDOWN`, `BUSY`...), else `client_error` |
//! | `db.namespace` | database index after a `SELECT` |
//!
//! Server messages that answer nothing (published messages, invalidations) are one-way; the lines of `MONITOR` and a
//! replication stream are skipped. Of the confirmations of one `SUBSCRIBE` of several channels the first is the
//! response. Commands under `CLIENT REPLY OFF` or `SKIP` are one-way.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod command;
mod detect;
mod names;
mod parser;
mod reply;
mod request;
mod subscription;
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
    detect: detect::detect,
    parser: |config, transport| Box::new(RedisParser::new(config, transport)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
