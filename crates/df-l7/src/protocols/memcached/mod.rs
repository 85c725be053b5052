//! memcached's protocols: the text one with its meta commands, the binary one, and both over UDP (`doc/protocol.txt`,
//! `doc/protocol-binary.xml` of memcached 1.6).
//!
//! One exchange per command, several keys of one command included. Values are skipped, never kept. What stands in a
//! record:
//!
//! | field | content |
//! |---|---|
//! | `request_type`, `endpoint`, `operation` | the command as it is written: `get`, `set`, `mg`; the binary ones in the same words: `get`, `setq`, `noop` |
//! | `request_resource`, `db.query.text` | the command line with `?` for each key (and number to add): `set ? 0 300 5`; keys as they are if `obfuscation.memcached_keys` is off |
//! | `response_code` | the word that the server says: `STORED`, `NOT_FOUND`, `HD`, `SERVER_ERROR`; for retrievals, which all end with `END`, `HIT` or `MISS`; the binary status in the specification's words: `NO_ERROR`, `KEY_NOT_FOUND` |
//! | `response_status` | `client_error` for `ERROR`, `CLIENT_ERROR` and their binary kin, `server_error` for `SERVER_ERROR` and its; a miss or a condition not met is `ok` |
//! | `db.operation.batch.size` | how many keys a command asks for, if more than one |
//! | `db.response.returned_rows` | how many values came |
//!
//! Commands with `noreply` are one-way. Quiet commands (meta ones with `q`, binary ones whose name ends in `q`) are
//! exchanges if the server answers, found by opaque, key or kind, and one-way as soon as a later command is answered.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod binary;
mod command;
mod detect;
mod parser;
mod quiet;
mod reply;
mod request;
mod wire;

pub use parser::MemcachedParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Memcached,
    name: "memcached",
    family: Family::Database,
    transports: &[Transport::Tcp, Transport::Udp],
    ports: &[11_211],
    has_request_ids: false,
    timeout: Duration::from_secs(120),
    detect: detect::detect,
    parser: |config, transport| Box::new(MemcachedParser::new(config, transport)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
