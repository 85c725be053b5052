//! Which requests are calls of AI services, told by their heads alone.

use crate::decompress::Coding;

/// A call of an AI service, as far as its head tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(super) service: Service,
    /// `Mcp-Session-Id`.
    pub(super) conversation: Option<String>,
    /// `Mcp-Protocol-Version`.
    pub(super) version: Option<String>,
    /// How the request's body is coded.
    pub(super) coding: Coding,
}

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// A model: who made the interface, and the conventions' name of the operation.
    Model { provider: &'static str, operation: &'static str },
    /// The Model Context Protocol.
    ModelContext,
}

/// Judges a request by its head. Others pay a look at the method and the end of the path.
pub(crate) fn recognize<'a>(
    method: &[u8],
    target: &[u8],
    fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) -> Option<Call> {
    if method != b"POST" {
        return None;
    }
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    let known = PATHS.iter().find(|(end, ..)| path.ends_with(end));
    let is_context = known.is_none() && (path.ends_with(b"/mcp") || path.ends_with(b"/mcp/"));
    if known.is_none() && !is_context {
        return None;
    }
    let (mut is_json, mut conversation, mut version, mut coding) = (false, None, None, Coding::Identity);
    for (name, value) in fields {
        if name.eq_ignore_ascii_case(b"content-type") {
            is_json = is_json || starts_with(value, b"application/json");
        } else if name.eq_ignore_ascii_case(b"content-encoding") {
            coding = content_coding(value)?;
        } else if name.eq_ignore_ascii_case(b"expect") {
            // The body is perhaps never sent.
            return None;
        } else if name.eq_ignore_ascii_case(b"mcp-session-id") {
            conversation = identifier(value);
        } else if name.eq_ignore_ascii_case(b"mcp-protocol-version") {
            version = identifier(value);
        }
    }
    let service = known
        .map_or(Service::ModelContext, |(_, provider, operation)| Service::Model { provider, operation });
    is_json.then_some(Call { service, conversation, version, coding })
}

/// How a body is coded; none if it cannot be read (RFC 9110 §8.4.1).
pub(super) fn content_coding(value: &[u8]) -> Option<Coding> {
    let known = CODINGS.iter().find(|(name, _)| value.trim_ascii().eq_ignore_ascii_case(name));
    known.map(|(_, coding)| *coding)
}

fn identifier(value: &[u8]) -> Option<String> {
    let value = std::str::from_utf8(value).ok().filter(|value| value.len() <= MAX_IDENTIFIER_BYTES)?;
    Some(value.to_owned())
}

/// Whether a media type is `prefix`, parameters aside.
pub(super) fn starts_with(value: &[u8], prefix: &[u8]) -> bool {
    value.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

const CODINGS: &[(&[u8], Coding)] = &[
    (b"identity", Coding::Identity),
    (b"gzip", Coding::Gzip),
    (b"x-gzip", Coding::Gzip),
    (b"deflate", Coding::Zlib),
];
/// How the paths of calls end, whose interface that is, and the operation.
const PATHS: &[(&[u8], &str, &str)] = &[
    (b"/chat/completions", "openai", "chat"),
    (b"/v1/completions", "openai", "text_completion"),
    (b"/v1/responses", "openai", "chat"),
    (b"/v1/embeddings", "openai", "embeddings"),
    (b"/v1/messages", "anthropic", "chat"),
    (b"/api/chat", "ollama", "chat"),
    (b"/api/generate", "ollama", "text_completion"),
    (b"/api/embed", "ollama", "embeddings"),
    (b"/api/embeddings", "ollama", "embeddings"),
];
const MAX_IDENTIFIER_BYTES: usize = 256;
