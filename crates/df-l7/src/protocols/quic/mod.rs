//! The beginning of a QUIC connection (RFC 9000, RFC 9369, and the drafts before them), over UDP.
//!
//! One exchange per attempt to connect: the client's first `Initial` packet is the request, the server's first `Initial` or
//! `Handshake` packet, or its refusal of the version, the response. Everything in them is encrypted, if only with keys that
//! anybody can compute; nothing is decrypted here, and what follows is passed over.
//!
//! | field | content |
//! |---|---|
//! | `request_type`, `operation` | `INITIAL` |
//! | `version` | the client's: `1`, `2`, `draft-29`, or what Google's own versions call themselves: `Q046` |
//! | `df.quic.destination_connection_id`, `df.quic.source_connection_id` | those of the client's first packet, in hexadecimal |
//! | `df.quic.retry` | the server asked the client to prove its address first |
//! | `response_code` | `version_negotiation` if the server does not speak the version |

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod parser;
mod wire;

pub use parser::QuicParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Quic,
    name: "quic",
    family: Family::Other,
    transports: &[Transport::Udp],
    ports: &[443],
    has_request_ids: false,
    timeout: Duration::from_secs(15),
    detect: wire::detect,
    parser: |config, transport| Box::new(QuicParser::new(config, transport)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
