//! The table of protocols: one row each.

use std::sync::Arc;
use std::time::Duration;

use df_core::{Direction, Transport};

use crate::{ConnectionConfig, Detection, Parser};

pub mod amqp;
pub mod brpc;
pub mod cassandra;
pub mod clickhouse;
pub mod dns;
pub mod dubbo;
pub mod fastcgi;
pub mod http1;
pub mod http2;
pub mod icmp;
pub mod kafka;
pub mod ldap;
pub mod memcached;
pub mod mongodb;
pub mod mqtt;
pub mod mysql;
pub mod nats;
pub mod ntp;
pub mod openwire;
pub mod postgresql;
pub mod pulsar;
pub mod quic;
pub mod redis;
pub mod rocketmq;
pub mod sip;
pub mod smtp;
pub mod sofarpc;
pub mod tars;
#[cfg(test)]
pub(crate) mod template;
pub mod thrift;
pub mod tls;
pub mod zmtp;

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

impl ProtocolRow {
    /// A row for a protocol that the library does not have, to be given to
    /// [`Connection::with_protocol`](crate::Connection::with_protocol), or, with a `detect` of its own, to
    /// [`ConnectionConfig::custom_protocols`]. It is of no family, a request waits for 120 s, and nothing is detected; change
    /// the fields where that is not right.
    ///
    /// ```
    /// use df_core::{Chunk, Direction, Timestamp, Transport};
    /// use df_l7::{
    ///     Connection, ConnectionConfig, Input, Message, ParseError, Parsed, Parser, ProtocolRow, Request, Response,
    /// };
    ///
    /// /// One question per line, one answer per line.
    /// struct Lines;
    ///
    /// impl Parser for Lines {
    ///     fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
    ///         let Some(end) = input.bytes.iter().position(|byte| *byte == b'\n') else {
    ///             return Ok(match input.is_final() {
    ///                 true => Parsed::Skipped { consumed: input.bytes.len() },
    ///                 false => Parsed::Incomplete { needed: input.bytes.len() + 1 },
    ///             });
    ///         };
    ///         let message = match direction {
    ///             Direction::ToServer => Message::request(Request { kind: "ASK".into(), ..Request::default() }),
    ///             Direction::ToClient => Message::response(Response::default()),
    ///         };
    ///         Ok(Parsed::Message { consumed: end + 1, message })
    ///     }
    ///
    ///     fn is_message_start(&self, _: Direction, _: &[u8]) -> bool {
    ///         false
    ///     }
    /// }
    ///
    /// static LINES: ProtocolRow = ProtocolRow::custom("lines", |_, _| Box::new(Lines));
    ///
    /// let config = ConnectionConfig::default().into();
    /// let mut connection = Connection::new(Transport::Tcp, config).with_protocol(&LINES);
    /// let at = Timestamp::from_nanos(1);
    /// connection.handle_chunk(Chunk::new(Direction::ToServer, at, 0, b"how are you?\n"));
    /// connection.handle_chunk(Chunk::new(Direction::ToClient, at, 0, b"fine\n"));
    /// assert_eq!(connection.poll_exchange().expect("answered").protocol.name(), "lines");
    /// ```
    pub const fn custom(
        name: &'static str,
        parser: fn(&Arc<ConnectionConfig>, Transport) -> Box<dyn Parser>,
    ) -> Self {
        Self {
            protocol: Protocol::Custom(name),
            name,
            family: Family::Other,
            transports: &[Transport::Tcp, Transport::Udp],
            ports: &[],
            has_request_ids: false,
            timeout: Duration::from_secs(120),
            detect: |_, _, _| Detection::NoMatch,
            parser,
        }
    }
}

impl std::fmt::Debug for ProtocolRow {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("ProtocolRow").field(&self.name).finish()
    }
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
    /// Remote procedure calls.
    Rpc,
    /// A message broker and its clients.
    Messaging,
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
            /// A protocol of the caller's own, by its name (see [`ProtocolRow::custom`]).
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
    /// The handshake of TLS and SSL 3.
    Tls => tls::ROW;
    /// The beginning of a QUIC connection.
    Quic => quic::ROW;
    /// HTTP/1.0 and HTTP/1.1 (RFC 9112).
    Http1 => http1::ROW;
    /// HTTP/2 (RFC 9113).
    Http2 => http2::ROW;
    /// gRPC over HTTP/2, Dubbo's Triple among it.
    Grpc => http2::GRPC_ROW;
    /// The Redis serialization protocol, versions 2 and 3.
    Redis => redis::ROW;
    /// FastCGI 1.0.
    FastCgi => fastcgi::ROW;
    /// Apache Thrift.
    Thrift => thrift::ROW;
    /// ClickHouse's native protocol.
    ClickHouse => clickhouse::ROW;
    /// Cassandra's native protocol (CQL), versions 3 to 5.
    Cassandra => cassandra::ROW;
    /// memcached's protocols: text, meta commands, binary; over TCP and UDP.
    Memcached => memcached::ROW;
    /// PostgreSQL's frontend/backend protocol, version 3.
    Postgresql => postgresql::ROW;
    /// MySQL's and MariaDB's client/server protocol.
    Mysql => mysql::ROW;
    /// Apache RocketMQ's remoting protocol.
    Rocketmq => rocketmq::ROW;
    /// Apache Pulsar's binary protocol.
    Pulsar => pulsar::ROW;
    /// The client protocol of NATS.
    Nats => nats::ROW;
    /// ZMTP 3.x, the protocol of ZeroMQ.
    Zmtp => zmtp::ROW;
    /// OpenWire, the protocol of Apache ActiveMQ.
    Openwire => openwire::ROW;
    /// AMQP 0-9-1.
    Amqp => amqp::ROW;
    /// Apache Kafka's protocol.
    Kafka => kafka::ROW;
    /// Apache Dubbo's protocol, version 2.
    Dubbo => dubbo::ROW;
    /// bRPC's `baidu_std`.
    Brpc => brpc::ROW;
    /// SOFARPC over Bolt.
    Sofarpc => sofarpc::ROW;
    /// Tars.
    Tars => tars::ROW;
    /// MongoDB's wire protocol.
    Mongodb => mongodb::ROW;
    /// MQTT 3.1, 3.1.1 and 5.0.
    Mqtt => mqtt::ROW;
    /// The Simple Mail Transfer Protocol.
    Smtp => smtp::ROW;
    /// The Lightweight Directory Access Protocol.
    Ldap => ldap::ROW;
    /// The Session Initiation Protocol.
    Sip => sip::ROW;
    /// DNS (RFC 1035) over UDP and TCP, multicast DNS included.
    Dns => dns::ROW;
    /// ICMP echo.
    Icmp => icmp::ROW;
    /// The Network Time Protocol.
    Ntp => ntp::ROW;
}

impl Protocol {
    /// The protocol of the table with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        PROTOCOLS.iter().find(|row| row.name == name).map(|row| row.protocol)
    }
}
