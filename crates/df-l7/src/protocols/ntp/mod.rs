//! The Network Time Protocol, versions 1 to 4 (RFC 5905, RFC 9327), over UDP.
//!
//! One exchange per question of a client; the answer repeats the question's transmit time, by which they are paired. What
//! peers and broadcasters send of their own accord is one-way. Control messages are told by their command.
//!
//! | field | content |
//! |---|---|
//! | `request_type`, `operation` | `CLIENT`, `SYMMETRIC`, `BROADCAST`; of control messages `READVAR` and the like; `PRIVATE` |
//! | `version` | `4` |
//! | `response_code` | the word of a kiss of death (`RATE`, `DENY`); `UNSYNCHRONIZED`; the error number of a control message |
//! | `df.ntp.stratum`, `df.ntp.reference_id` | of the answer: how far from a clock, and which |

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod parser;
mod wire;

pub use parser::NtpParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Ntp,
    name: "ntp",
    family: Family::Other,
    transports: &[Transport::Udp],
    ports: &[123],
    has_request_ids: false,
    timeout: Duration::from_secs(15),
    detect: wire::detect,
    parser: |config, transport| Box::new(NtpParser::new(config, transport)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
