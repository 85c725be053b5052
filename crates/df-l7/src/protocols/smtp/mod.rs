//! The Simple Mail Transfer Protocol (RFC 5321), with `PIPELINING`, `CHUNKING` and `STARTTLS`.
//!
//! One exchange per command. A mail is passed over, never kept: that of `DATA` up to its final dot, that of `BDAT` by its
//! length. The reply to `DATA` is the one to the mail, if the server took it. Local parts of mail addresses and
//! what comes behind `AUTH` are `?` always. After an accepted `STARTTLS` the next protocol is found out.
//!
//! | field | content |
//! |---|---|
//! | `request_type`, `endpoint`, `operation` | the command in capitals; `OTHER` for an unknown one |
//! | `request_domain` | how the server calls itself in its greeting |
//! | `request_resource` | the line: `RCPT TO:<?@df.test>` |
//! | `response_code`, `df.smtp.enhanced_status_code` | `550` and `5.1.1` |
//! | `response_status` | `client_error` for a permanent refusal (5xx), `server_error` for a passing one (4xx) |
//! | `response_exception` | the first line of a refusal |

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod parser;
mod text;
mod wire;

pub use parser::SmtpParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Smtp,
    name: "smtp",
    family: Family::Other,
    transports: &[Transport::Tcp],
    ports: &[25, 587, 2525],
    has_request_ids: false,
    timeout: Duration::from_secs(120),
    detect: wire::detect,
    parser: |config, transport| Box::new(SmtpParser::new(config, transport)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
