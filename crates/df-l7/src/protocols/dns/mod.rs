//! DNS (RFC 1035) over UDP and TCP, multicast DNS included.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod parser;
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
