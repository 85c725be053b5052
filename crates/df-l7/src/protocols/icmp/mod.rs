//! ICMP echo (RFC 792, RFC 4443 §4): what `ping` sends and gets back.
//!
//! One exchange per echo request, paired by identifier and sequence number. Everything else of ICMP is left alone: errors
//! belong to the flow that they quote.
//!
//! | field | content |
//! |---|---|
//! | `request_type`, `operation` | `ECHO` |
//! | `request_id` | identifier times 65,536 plus sequence number |
//! | `df.icmp.identifier`, `df.icmp.sequence_number` | both by themselves |

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod parser;
mod wire;

pub use parser::IcmpParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Icmp,
    name: "icmp",
    family: Family::Other,
    transports: &[Transport::Icmp],
    ports: &[],
    has_request_ids: true,
    timeout: Duration::from_secs(15),
    detect: wire::detect,
    parser: |config, transport| Box::new(IcmpParser::new(config, transport)) as Box<dyn Parser>,
};
