//! What a connection may keep and what it may show.

use crate::{Protocol, ProtocolRow};

/// The configuration of every connection. Share one behind an `Arc`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConnectionConfig {
    /// The most bytes kept per direction while a message is incomplete; default 65,536. A connection holds at most
    /// twice this.
    pub max_buffered_bytes: usize,
    /// The most requests per connection that wait for their response, and messages that wait to be polled; default
    /// 1,024. The oldest leaves first, as unanswered.
    pub max_pending_requests: usize,
    /// How many chunks of each direction are looked at before a connection is given up as unknown; default 8.
    pub max_detection_chunks: u8,
    /// The longest `resource`, in bytes; default 4,096. Longer ones are cut at a character boundary.
    pub max_resource_bytes: usize,
    /// The longest attribute or error text, in bytes; default 1,024.
    pub max_attribute_bytes: usize,
    /// Protocols that are not looked for.
    pub disabled_protocols: Vec<Protocol>,
    /// Protocols of the caller's own, looked for after those of the library; default none.
    pub custom_protocols: Vec<&'static ProtocolRow>,
    /// What is hidden.
    pub obfuscation: Obfuscation,
    /// Where trace context is looked for.
    pub context: ContextConfig,
    /// How many path segments an HTTP endpoint keeps; default 2.
    pub http_endpoint_segments: usize,
    /// The most bytes of prompts, and of answers, that are kept of a call of an AI service as `gen_ai.input.messages`,
    /// `gen_ai.system_instructions` and `gen_ai.output.messages`; default 0: none. They are what people wrote.
    pub max_gen_ai_content_bytes: usize,
    /// HTTP request headers, in lower case, that become `http.request.header.<name>` attributes; default none.
    pub http_request_headers: Vec<String>,
    /// HTTP response headers, in lower case, that become `http.response.header.<name>` attributes; default none.
    pub http_response_headers: Vec<String>,
}

impl Default for ConnectionConfig {
    fn default() -> Self {
        Self {
            max_buffered_bytes: 65_536,
            max_pending_requests: 1_024,
            max_detection_chunks: 8,
            max_resource_bytes: 4_096,
            max_attribute_bytes: 1_024,
            disabled_protocols: Vec::new(),
            custom_protocols: Vec::new(),
            obfuscation: Obfuscation::default(),
            context: ContextConfig::default(),
            http_endpoint_segments: 2,
            max_gen_ai_content_bytes: 0,
            http_request_headers: Vec::new(),
            http_response_headers: Vec::new(),
        }
    }
}

/// What is replaced by `?` before it leaves a parser. Everything, by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent switches, each with its own name in the configuration"
)]
#[non_exhaustive]
pub struct Obfuscation {
    /// Literals in SQL text.
    pub sql_literals: bool,
    /// Arguments of Redis commands that are not part of the command's own words.
    pub redis_arguments: bool,
    /// Keys of memcached commands.
    pub memcached_keys: bool,
    /// Values in the query part of a URL.
    pub url_query: bool,
}

impl Obfuscation {
    /// Shows everything.
    pub const NONE: Self =
        Self { sql_literals: false, redis_arguments: false, memcached_keys: false, url_query: false };
}

impl Default for Obfuscation {
    fn default() -> Self {
        Self { sql_literals: true, redis_arguments: true, memcached_keys: true, url_query: true }
    }
}

/// Where trace context is looked for. Names are compared without regard to case, `_` equals `-`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContextConfig {
    /// Headers (and SQL comment keys) that carry a trace context, best first; default `traceparent`, `b3`,
    /// `x-b3-traceid`, `sw8`, `uber-trace-id`. A name that is none of the known formats is taken verbatim as trace id.
    pub trace_headers: Vec<String>,
    /// Headers that carry a request id; default `x-request-id`.
    pub request_id_headers: Vec<String>,
    /// Headers that carry the first client's address; default `x-forwarded-for`.
    pub client_address_headers: Vec<String>,
}

impl Default for ContextConfig {
    fn default() -> Self {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        Self {
            trace_headers: names(&["traceparent", "b3", "x-b3-traceid", "sw8", "uber-trace-id"]),
            request_id_headers: names(&["x-request-id"]),
            client_address_headers: names(&["x-forwarded-for"]),
        }
    }
}
