//! MongoDB's wire protocol: OP_MSG, the opcodes before it, and OP_COMPRESSED around either.
//!
//! Specification: the MongoDB wire protocol of the server's manual, with the driver specifications for OP_MSG, OP_COMPRESSED
//! and exhaust cursors, and BSON 1.1. One exchange per request; a reply names its request. Documents are read where they
//! tell what is asked and how it went; all others are skipped by their length, never kept. What stands in a record:
//!
//! | field | content |
//! |---|---|
//! | `request_type`, `operation`, `db.operation.name` | the command, `find`; the opcode's name where there is none: `query`, `insert`, `get_more` |
//! | `request_resource` | `database.collection`, or the database of a command without collection |
//! | `endpoint` | `find users` |
//! | `db.namespace` | the database |
//! | `db.collection.name` | the collection; for a command on none what stands in its place: `1` in `{ping: 1}`, `$cmd` in OP_QUERY |
//! | `request_id` | `requestID` |
//! | `response_code`, `db.response.status_code` | the error's number, also that of the first error within a bulk write that is `ok: 1`, or of its write concern |
//! | `response_exception` | the error's text; what it quotes in double quotes is hidden, and so are duplicate keys |
//! | `db.response.returned_rows` | documents in the batch of a cursor |
//! | `df.mongodb.code_name` | the error's name: `DuplicateKey` |
//! | `version` | the server's, once it has told it (`buildInfo`) |
//!
//! Trace context comes from a command's `comment`, in the forms of an SQL comment, of one W3C value, or of a document with
//! the names of headers. Requests that nobody answers (`moreToCome`, the old write opcodes) are one-way. Of a reply in
//! several messages (exhaust cursors, a streaming `hello`) the first completes the exchange; those behind it are passed over
//! unless they fail.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod bson;
mod detect;
mod parser;
mod reading;
mod reply;
mod request;
mod wire;

pub use parser::MongodbParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Mongodb,
    name: "mongodb",
    family: Family::Database,
    transports: &[Transport::Tcp],
    ports: &[27_017, 27_018, 27_019],
    has_request_ids: true,
    timeout: Duration::from_secs(120),
    detect: detect::detect,
    parser: |config, _| Box::new(MongodbParser::new(config)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
