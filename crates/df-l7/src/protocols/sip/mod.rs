//! The Session Initiation Protocol, version 2 (RFC 3261), over UDP and TCP.
//!
//! One exchange per request, paired with its final response by `Call-ID` and `CSeq`; provisional responses and repetitions are
//! passed over, `ACK` is one-way. Either end may ask: what the server asks is marked. Bodies are passed over, never kept. User
//! parts of addresses are `?` always.
//!
//! | field | content |
//! |---|---|
//! | `request_type`, `endpoint`, `operation` | the method |
//! | `request_domain`, `request_resource` | host and whole of the request's address: `sip:?@df.test` |
//! | `version` | `2.0` |
//! | `response_code`, `response_exception` | status and, of a refusal, its reason |
//! | `df.sip.call_id`, `user_agent.original` | the call, and the program that asks |
//! | `df.sip.is_from_server` | whether the connection's server asked |

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod parser;
mod wire;

pub use parser::SipParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Sip,
    name: "sip",
    family: Family::Other,
    transports: &[Transport::Udp, Transport::Tcp],
    ports: &[5060],
    has_request_ids: false,
    // A call may ring for three minutes (RFC 3261 §16.6).
    timeout: Duration::from_secs(180),
    detect: wire::detect,
    parser: |config, transport| Box::new(SipParser::new(config, transport)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
