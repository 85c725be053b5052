//! HTTP/2 (RFC 9113) with HPACK (RFC 7541), and gRPC, which it carries.
//!
//! One exchange per stream. The request is its header block: the record is made of it at once, and `request_length` counts the
//! frames of that block. The response goes from its first HEADERS frame to the end of the stream; its length counts all
//! frames of the stream from then on.
//!
//! | | `http2` | `grpc` |
//! |---|---|---|
//! | `request_type` | method | method of the service |
//! | `request_resource` | path and query | `package.Service` |
//! | `endpoint` | trimmed path | `package.Service/Method` |
//! | `request_domain` | `:authority`, else `host` | the same |
//! | `response_code` | status | name of `grpc-status` |
//! | `response_exception` | why the stream was reset or refused | `grpc-message`, or the same |
//! | `request_id` | stream id | stream id |
//!
//! A stream is gRPC's if a content type says so (`application/grpc`, `application/grpc+...`) or its response has a
//! `grpc-status`; where the content type is not known, if the path has the form of a call's or calls went before. Dubbo's Triple protocol is gRPC with `tri-` fields: the record is `grpc`, `rpc.system.name` is `dubbo`.
//!
//! Attributes are those of HTTP/1, and for gRPC `rpc.system.name`, `rpc.method`, `rpc.response.status_code`,
//! `df.grpc.request.messages` and `df.grpc.response.messages` (how many messages were sent each way),
//! `df.dubbo.service.version`, `df.dubbo.service.group`; for both `df.http2.error_code` and `df.http2.pushed`.
//!
//! Joined in mid-connection, fields that refer to what was sent before are not known, and what would be made of them is absent
//! until the encoder says it again. See the module `hpack` for why what is known is right.

use std::time::Duration;

use df_core::Transport;

use crate::{Detection, Family, Parser, Protocol, ProtocolRow};

mod block;
mod data;
mod detect;
mod grpc;
mod hpack;
mod parser;
mod streams;
mod wire;

pub use parser::Http2Parser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Http2,
    name: "http2",
    family: Family::Http,
    transports: &[Transport::Tcp],
    ports: &[50_051],
    has_request_ids: true,
    timeout: Duration::from_secs(120),
    detect: detect::detect,
    parser: |config, _| Box::new(Http2Parser::new(config)) as Box<dyn Parser>,
};

/// The row of what HTTP/2 carries: never found by itself.
pub(crate) const GRPC_ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Grpc,
    name: "grpc",
    family: Family::Rpc,
    transports: &[Transport::Tcp],
    ports: &[],
    has_request_ids: true,
    timeout: Duration::from_secs(120),
    detect: |_, _, _| Detection::NoMatch,
    parser: |config, _| Box::new(Http2Parser::new(config)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
