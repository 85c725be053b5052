//! The table of protocols: one row each.

use std::sync::Arc;
use std::time::Duration;

use df_core::{Direction, Transport};

use crate::{ConnectionConfig, Detection, Parser};

pub mod dns;
pub mod http1;
pub mod mysql;
pub mod postgresql;
pub mod redis;
#[cfg(test)]
pub(crate) mod template;

/// What the rest of the library needs to know of a protocol.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct ProtocolRow {
    /// The protocol.
    pub protocol: Protocol,
    /// The name used in records.
    pub name: &'static str,
    /// What kind of protocol it is: decides span kinds and metrics.
    pub family: Family,
    /// The transports it runs on.
    pub transports: &'static [Transport],
    /// The server ports it is known for: a second proof for a weak match, never a proof.
    pub ports: &'static [u16],
    /// Whether messages carry an identifier of their own on the wire, which records then show as `request_id`.
    pub has_request_ids: bool,
    /// How long a request waits for its response.
    pub timeout: Duration,
    /// Says whether bytes that go in a direction, as far as directions are known, are this protocol's.
    pub detect: fn(Transport, Direction, &[u8]) -> Detection,
    /// Makes a parser for one connection.
    pub parser: fn(&Arc<ConnectionConfig>, Transport) -> Box<dyn Parser>,
}

/// What kind of protocol it is, in the sense of the OpenTelemetry conventions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// HTTP semantics.
    Http,
    /// A database client and its server.
    Database,
    /// Name resolution.
    Dns,
    /// Anything else.
    Other,
}

macro_rules! protocols {
    ($($(#[$doc:meta])* $variant:ident => $row:expr;)+) => {
        /// A protocol that the library reads.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Protocol {
            $($(#[$doc])* $variant,)+
            /// A protocol of the caller's own, by its name (see [`Connection::with_protocol`](crate::Connection::with_protocol)).
            Custom(&'static str),
        }

        /// Every protocol, in the order in which detection asks them.
        pub static PROTOCOLS: &[ProtocolRow] = &[$($row),+];

        impl Protocol {
            /// The name used in records.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $row.name,)+
                    Self::Custom(name) => name,
                }
            }

            /// What kind of protocol it is.
            pub const fn family(self) -> Family {
                match self {
                    $(Self::$variant => $row.family,)+
                    Self::Custom(_) => Family::Other,
                }
            }
        }
    };
}

protocols! {
    /// HTTP/1.0 and HTTP/1.1 (RFC 9112).
    Http1 => http1::ROW;
    /// The Redis serialization protocol, versions 2 and 3.
    Redis => redis::ROW;
    /// PostgreSQL's frontend/backend protocol, version 3.
    Postgresql => postgresql::ROW;
    /// MySQL's and MariaDB's client/server protocol.
    Mysql => mysql::ROW;
    /// DNS (RFC 1035) over UDP and TCP, multicast DNS included.
    Dns => dns::ROW;
}

impl Protocol {
    /// The protocol of the table with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        PROTOCOLS.iter().find(|row| row.name == name).map(|row| row.protocol)
    }
}
