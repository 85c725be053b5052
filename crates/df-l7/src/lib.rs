//! Bytes of a connection in, matched requests and responses out.
#![forbid(unsafe_code)]

mod attribute;
mod config;
mod connection;
mod context;
mod cursor;
mod detection;
mod exchange;
#[doc(hidden)]
pub mod fuzzing;
mod matching;
mod message;
mod parser;
pub mod protocols;
mod sql;
mod stream;

pub use attribute::{Attribute, AttributeValue, Attributes};
pub use config::{ConnectionConfig, ContextConfig, Obfuscation};
pub use connection::{Connection, ConnectionStats};
pub use context::PropagatedContext;
pub use cursor::Cursor;
pub use detection::{Confidence, Detection, Match};
pub use exchange::{Exchange, ExchangeKind, Observed};
pub use message::{Content, Correlation, Message, Request, Response, ResponseStatus};
pub use parser::{Ending, Input, ParseError, ParseErrorReason, Parsed, Parser, Recovery};
pub use protocols::{Family, Protocol, ProtocolRow};
