//! FastCGI 1.0: how web servers hand HTTP requests to PHP, Python and others behind them.
//!
//! One exchange per request; several may be under way on one connection. Bodies are skipped, never kept. A request's
//! parameters are an HTTP head in another dress (RFC 3875 §4.1), and so is what a response begins with (§6.3): both are read by
//! the HTTP/1 parser, and their records look like its.
//!
//! | field | content |
//! |---|---|
//! | `request_type`, `operation` | `REQUEST_METHOD`; `GET_VALUES` for the question of what an application can do |
//! | `request_domain` | `HTTP_HOST`, else `SERVER_NAME` |
//! | `request_resource`, `endpoint` | `REQUEST_URI`, else `SCRIPT_NAME` with `PATH_INFO` and `QUERY_STRING`; values of the query as `?` unless configured |
//! | `response_code` | the `Status` field; without one 200, or 302 beside a `Location`; `OVERLOADED`, `CANT_MPX_CONN`, `UNKNOWN_ROLE` of requests that were refused |
//! | `response_exception` | for errors, the first line that the application wrote to its standard error |
//! | `df.fastcgi.request_id` | the request id, which the next request may take anew |

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod detect;
mod head;
mod open;
mod parser;
mod wire;

pub use parser::FastCgiParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::FastCgi,
    name: "fastcgi",
    family: Family::Http,
    transports: &[Transport::Tcp],
    ports: &[9_000],
    // They are taken anew, so requests pair by identifiers of the parser's own.
    has_request_ids: false,
    timeout: Duration::from_secs(120),
    detect: detect::detect,
    parser: |config, transport| Box::new(FastCgiParser::new(config, transport)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
