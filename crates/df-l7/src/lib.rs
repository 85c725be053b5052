//! Bytes of a connection in, matched requests and responses out.
//!
//! It captures nothing, reassembles nothing and knows no addresses: whoever has the bytes of a connection, from packets, a
//! proxy, a system call or a file, hands them over in order with their times. It reads no clock, opens no socket, starts no
//! thread and changes no byte.
//!
//! The types to know:
//!
//! - [`Connection`] finds out the protocol, has it parsed and pairs requests with responses. It takes
//!   [`Chunk`](df_core::Chunk)s with [`handle_chunk`](Connection::handle_chunk) and gives exchanges with
//!   [`poll_exchange`](Connection::poll_exchange).
//! - [`Exchange`] is a request with its response, or either of them alone: what was asked ([`Request`]), how it went
//!   ([`Response`], [`ResponseStatus`]), when, and under which OpenTelemetry [`Attributes`]. Trace context that the sender put
//!   into the message is its [`PropagatedContext`].
//! - [`ConnectionConfig`] says what a connection may keep and what it may show: SQL literals, Redis arguments and the values
//!   of URL queries are replaced by `?` unless configured otherwise ([`Obfuscation`]).
//! - [`Parser`] is what a protocol implements, [`ProtocolRow`] what the rest of the library knows of it. With
//!   [`Connection::with_protocol`] and [`ProtocolRow::custom`] you read a protocol that the library does not have.
//!
//! # Example
//!
//! A Redis client asks twice before it reads an answer:
//!
//! ```
//! use std::sync::Arc;
//!
//! use df_core::{Chunk, Direction, Timestamp, Transport};
//! use df_l7::{Connection, ConnectionConfig, Protocol, ResponseStatus};
//!
//! let at = Timestamp::from_nanos;
//! let asked = b"*2\r\n$3\r\nGET\r\n$6\r\nuser:1\r\n*2\r\n$4\r\nINCR\r\n$4\r\nname\r\n";
//! let answered = b"$3\r\nAda\r\n-ERR value is not an integer or out of range\r\n";
//!
//! let mut connection = Connection::new(Transport::Tcp, Arc::new(ConnectionConfig::default()));
//! connection.handle_chunk(Chunk::new(Direction::ToServer, at(1_000), 0, asked));
//! connection.handle_chunk(Chunk::new(Direction::ToClient, at(4_000), 0, answered));
//! assert_eq!(connection.protocol(), Some(Protocol::Redis));
//!
//! let first = connection.poll_exchange().expect("answered");
//! let request = first.asked().expect("seen");
//! assert_eq!((request.kind.as_ref(), request.resource.as_deref()), ("GET", Some("GET ?")));
//! assert_eq!(first.status(), ResponseStatus::Ok);
//! assert_eq!(first.duration().expect("both were seen").as_nanos(), 3_000);
//!
//! let second = connection.poll_exchange().expect("answered");
//! let response = second.response.as_ref().expect("seen");
//! assert_eq!(response.content.code.as_deref(), Some("ERR"));
//! assert_eq!(second.status(), ResponseStatus::ClientError);
//! assert!(connection.poll_exchange().is_none());
//! ```
//!
//! A request stays inside until its response comes. [`Connection::handle_timeout`] and [`Connection::handle_close`] give up
//! those that wait too long.
//!
//! # Protocols
//!
//! Those of [`protocols::PROTOCOLS`]; `docs/protocols.md` says of each what is read and what is not. A start in mid-stream, lost
//! and cut bytes degrade the messages that they touch; see [`Ending`] and [`Recovery`] for how. Encrypted bytes are not read:
//! of TLS the handshake is told, of QUIC that a connection begins.
//!
//! # Limits
//!
//! | bound | default | what exceeds it |
//! |---|---|---|
//! | [`max_buffered_bytes`](ConnectionConfig::max_buffered_bytes) | 65,536 per direction | the parser makes the best of what is there; the rest is skipped |
//! | [`max_pending_requests`](ConnectionConfig::max_pending_requests) | 1,024 | the oldest request leaves as unanswered |
//! | [`max_detection_chunks`](ConnectionConfig::max_detection_chunks) | 8 per direction | the connection is given up as unknown |
//! | [`max_resource_bytes`](ConnectionConfig::max_resource_bytes), [`max_attribute_bytes`](ConnectionConfig::max_attribute_bytes) | 4,096 and 1,024 | text is cut at a character |
//!
//! Every byte handled is counted as parsed, unknown, dropped or still buffered ([`ConnectionStats`]). No input panics, loops
//! or takes more than linear time; these are property tests and fuzz targets.
//!
//! # Features
//!
//! None: the crate is small, and needs memory allocation only.
#![forbid(unsafe_code)]

mod ai;
mod attribute;
mod ber;
mod config;
mod connection;
mod context;
mod cursor;
mod decompress;
mod detection;
mod exchange;
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod matching;
mod message;
mod parser;
pub mod protocols;
mod rpc;
mod sql;
mod stream;
#[cfg(test)]
mod test_conversation;
mod verdicts;

pub use attribute::{Attribute, AttributeValue, Attributes};
pub use config::{ConnectionConfig, ContextConfig, Obfuscation};
pub use connection::{Connection, ConnectionStats, RestingConnection};
pub use context::PropagatedContext;
pub use cursor::Cursor;
pub use detection::{Confidence, Detection, Match};
pub use exchange::{Exchange, ExchangeKind, Observed};
pub use message::{Content, Correlation, Message, Request, Response, ResponseStatus};
pub use parser::{Ending, Input, ParseError, ParseErrorReason, Parsed, Parser, Recovery};
pub use protocols::{Family, Protocol, ProtocolRow};
pub use verdicts::Verdicts;
