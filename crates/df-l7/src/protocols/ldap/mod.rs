//! The Lightweight Directory Access Protocol, version 3 (RFC 4511), and 2, over TCP and UDP.
//!
//! One exchange per operation, paired by message id. The entries and references that a search finds belong to its
//! response, whose start they are. Values are never kept: of an entry its name is shown, of a search its base and filter
//! without what is looked for. Passwords and names to log in with are not shown. After an accepted `StartTLS` the next
//! protocol is found out.
//!
//! | field | content |
//! |---|---|
//! | `request_type`, `operation` | `BIND`, `UNBIND`, `SEARCH`, `MODIFY`, `ADD`, `DELETE`, `MODIFY_DN`, `COMPARE`, `ABANDON`, `EXTENDED` |
//! | `request_resource` | the entry's name or the search's base; the name of an extended operation; of a bind how it proves itself |
//! | `endpoint` | the operation, and of a search its scope: `SEARCH sub` |
//! | `request_id` | message id |
//! | `response_code` | the result's name: `success` is absent, `noSuchObject`, `invalidCredentials` |
//! | `response_exception` | the server's message |
//! | `response_result` | how many entries a search found: `3 entries` |
//! | `df.ldap.filter` | a search's filter with `?` for values |

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod filter;
mod names;
mod parser;
mod wire;

pub use parser::LdapParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Ldap,
    name: "ldap",
    family: Family::Other,
    transports: &[Transport::Tcp, Transport::Udp],
    ports: &[389, 3268],
    has_request_ids: true,
    timeout: Duration::from_secs(120),
    detect: wire::detect,
    parser: |config, transport| Box::new(LdapParser::new(config, transport)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
