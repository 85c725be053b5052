//! DNS (RFC 1035) over UDP and TCP, multicast DNS included.
//!
//! The parser gives `dns.question.name` with the request and `dns.answers` (the addresses) with the response; the
//! record's `result` holds every answer that has a short form. The response code counts the bits of an OPT record.
//! Multicast queries and announcements are one-way messages, since whoever answers does not answer the sender. Of a
//! zone transfer only the first response message counts.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod answers;
mod name;
mod parser;
mod registry;
mod wire;

pub use parser::DnsParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Dns,
    name: "dns",
    family: Family::Dns,
    transports: &[Transport::Udp, Transport::Tcp],
    ports: &[53, 5353, 5355],
    has_request_ids: true,
    timeout: Duration::from_secs(15),
    detect: wire::detect,
    parser: |config, transport| Box::new(DnsParser::new(config, transport)) as Box<dyn Parser>,
};
