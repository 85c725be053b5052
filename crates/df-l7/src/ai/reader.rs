//! Reads the body of a request or response as it comes, and tells what it says of the call.

use df_core::Timestamp;
use memchr::memchr;

use super::call::{Call, Service, content_coding, starts_with};
use super::content::Content;
use super::facts::Facts;
use super::json::{JsonReader, Scalar};
use crate::Attributes;
use crate::decompress::{Coding, Inflater};

/// A body that is read: JSON, JSON lines or server-sent events.
#[derive(Debug)]
pub(crate) struct BodyReader {
    call: Call,
    framing: Framing,
    /// What the bytes go through first, if they are compressed.
    inflater: Option<Box<Inflater>>,
    json: JsonReader,
    found: Found,
    /// When the request began, and when the first chunk came.
    asked_at: Option<Timestamp>,
    first_chunk_at: Option<Timestamp>,
}

/// What was found in a body.
#[derive(Debug)]
struct Found {
    facts: Facts,
    /// Prompts or answers, where they are wanted.
    content: Option<Box<Content>>,
    is_request: bool,
    /// How many documents or events there were.
    chunks: u64,
}

/// How documents are told apart.
#[derive(Debug)]
enum Framing {
    /// One behind the other.
    Documents { is_stream: bool },
    /// Lines starting with `data:`.
    Events(Line),
}

/// What is known of the line at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// So much of `data:` was seen.
    Prefix(usize),
    Data {
        is_begun: bool,
    },
    Other,
}

impl BodyReader {
    /// A reader for a request's body, which keeps so many bytes of prompts.
    pub(crate) fn of_request(call: Call, max_content_bytes: usize) -> Self {
        let coding = call.coding;
        let mut reader = Self::new(call, Framing::Documents { is_stream: false }, coding, max_content_bytes);
        reader.found.is_request = true;
        reader
    }

    /// A reader for the body of the response to a call, if its media type is one that is read. It keeps so many bytes
    /// of answers.
    pub(crate) fn of_response<'a>(
        call: Call,
        asked_at: Option<Timestamp>,
        fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
        max_content_bytes: usize,
    ) -> Option<Self> {
        let (mut framing, mut coding) = (None, Coding::Identity);
        for (name, value) in fields {
            if name.eq_ignore_ascii_case(b"content-encoding") {
                coding = content_coding(value)?;
            }
            if !name.eq_ignore_ascii_case(b"content-type") {
                continue;
            }
            framing = if starts_with(value, b"text/event-stream") {
                Some(Framing::Events(Line::Prefix(0)))
            } else if starts_with(value, b"application/x-ndjson") {
                Some(Framing::Documents { is_stream: true })
            } else if starts_with(value, b"application/json") {
                Some(Framing::Documents { is_stream: false })
            } else {
                None
            };
        }
        framing.map(|framing| Self { asked_at, ..Self::new(call, framing, coding, max_content_bytes) })
    }

    fn new(call: Call, framing: Framing, coding: Coding, max_content_bytes: usize) -> Self {
        let is_conversation =
            matches!(call.service, Service::Model { operation, .. } if operation != "embeddings");
        let max_content_bytes = if is_conversation { max_content_bytes } else { 0 };
        let content = Content::new(max_content_bytes);
        Self {
            call,
            framing,
            inflater: Inflater::new(coding),
            json: JsonReader::new(max_content_bytes),
            found: Found { facts: Facts::default(), content, is_request: false, chunks: 0 },
            asked_at: None,
            first_chunk_at: None,
        }
    }

    /// The next bytes of the body, and when they were seen.
    pub(crate) fn handle(&mut self, bytes: &[u8], seen_at: Timestamp) {
        let (json, found) = (&mut self.json, &mut self.found);
        match &mut self.inflater {
            None => self.framing.handle(bytes, json, found),
            Some(inflater) => inflater.handle(bytes, |plain| self.framing.handle(plain, json, found)),
        }
        if self.found.chunks > 0 {
            self.first_chunk_at.get_or_insert(seen_at);
        }
    }

    /// Adds what a request's body says.
    pub(crate) fn push_request(&self, attributes: &mut Attributes) {
        let facts = &self.found.facts;
        match self.call.service {
            Service::Model { provider, operation } => {
                let Some(model) = &facts.model else { return };
                attributes.push("gen_ai.operation.name", operation);
                attributes.push("gen_ai.provider.name", provider);
                attributes.push("gen_ai.request.model", model.clone());
                push_integer(attributes, "gen_ai.request.max_tokens", facts.max_tokens);
                push_integer(
                    attributes,
                    "gen_ai.request.choice.count",
                    facts.choices.filter(|count| *count != 1),
                );
                push_number(attributes, "gen_ai.request.temperature", facts.temperature);
                push_number(attributes, "gen_ai.request.top_p", facts.top_p);
                if let Some(true) = facts.is_streamed {
                    attributes.push("gen_ai.request.stream", true);
                }
                if let Some(content) = &self.found.content {
                    content.push_request(attributes);
                }
            }
            Service::ModelContext => self.push_context_request(attributes),
        }
    }

    fn push_context_request(&self, attributes: &mut Attributes) {
        let facts = &self.found.facts;
        let Some(method) = facts.method.as_deref().filter(|_| facts.is_rpc) else { return };
        attributes.push("mcp.method.name", method.to_owned());
        push_text(attributes, "jsonrpc.request.id", facts.id.as_ref());
        push_text(attributes, "mcp.session.id", self.call.conversation.as_ref());
        let version = self.call.version.as_ref().or(facts.protocol_version.as_ref());
        push_text(attributes, "mcp.protocol.version", version);
        match method {
            "tools/call" => {
                attributes.push("gen_ai.operation.name", "execute_tool");
                push_text(attributes, "gen_ai.tool.name", facts.name.as_ref());
            }
            "prompts/get" => push_text(attributes, "gen_ai.prompt.name", facts.name.as_ref()),
            _ => {}
        }
        let uri = facts.uri.as_deref().map(|uri| uri.split(['?', '#']).next().unwrap_or(uri).to_owned());
        push_text(attributes, "mcp.resource.uri", uri.as_ref());
    }

    /// Adds what a response's body says.
    pub(crate) fn push_response(self, attributes: &mut Attributes) {
        let is_stream = match self.framing {
            Framing::Events(_) => true,
            Framing::Documents { is_stream } => is_stream,
        };
        let facts = self.found.facts;
        if self.call.service == Service::ModelContext {
            push_text(attributes, "rpc.response.status_code", facts.error.as_ref().filter(|_| facts.is_rpc));
            if facts.is_tool_error {
                attributes.push("error.type", "tool_error");
            }
            return;
        }
        if facts.model.is_none() && facts.output_tokens.is_none() && facts.finish_reasons.is_empty() {
            return push_text(attributes, "df.gen_ai.response.error", facts.error.as_ref());
        }
        push_text(attributes, "gen_ai.response.id", facts.id.as_ref());
        push_text(attributes, "gen_ai.response.model", facts.model.as_ref());
        if let Some(content) = self.found.content {
            content.push_response(attributes, facts.finish_reasons.first());
        }
        if !facts.finish_reasons.is_empty() {
            attributes.push("gen_ai.response.finish_reasons", facts.finish_reasons);
        }
        push_integer(attributes, "gen_ai.usage.input_tokens", facts.input_tokens);
        push_integer(attributes, "gen_ai.usage.output_tokens", facts.output_tokens);
        push_integer(attributes, "gen_ai.usage.cache_read.input_tokens", facts.cached_tokens);
        push_integer(attributes, "gen_ai.usage.reasoning.output_tokens", facts.reasoning_tokens);
        if is_stream {
            push_integer(attributes, "df.gen_ai.response.chunks", i64::try_from(self.found.chunks).ok());
            let times = self.asked_at.zip(self.first_chunk_at);
            let seconds = times.map(|(asked, first)| first.since(asked).as_secs_f64());
            push_number(attributes, TIME_TO_FIRST_CHUNK, seconds);
        }
    }
}

impl Found {
    fn handle(&mut self, path: &[u8], scalar: Scalar<'_>) {
        if let (Some(content), Scalar::Text(text)) = (&mut self.content, scalar) {
            if self.is_request {
                content.handle_request(path, text);
            } else {
                content.handle_response(path, text);
            }
        }
        self.facts.handle(path, scalar);
    }
}

impl Framing {
    fn handle(&mut self, bytes: &[u8], json: &mut JsonReader, found: &mut Found) {
        match self {
            Self::Documents { .. } => {
                let documents = json.handle(bytes, &mut |path, scalar| found.handle(path, scalar));
                found.chunks += documents;
            }
            Self::Events(line) => {
                let mut rest = bytes;
                while !rest.is_empty() {
                    rest = line.handle(rest, json, found);
                }
            }
        }
    }
}

impl Line {
    /// Takes bytes of one line at most. Gives those behind.
    fn handle<'a>(&mut self, bytes: &'a [u8], json: &mut JsonReader, found: &mut Found) -> &'a [u8] {
        if let Self::Prefix(len) = *self {
            let Some((first, rest)) = bytes.split_first() else { return bytes };
            *self = match DATA_PREFIX.get(len) {
                _ if *first == b'\n' => Self::Prefix(0),
                Some(expected) if expected == first && len + 1 == DATA_PREFIX.len() => {
                    Self::Data { is_begun: false }
                }
                Some(expected) if expected == first => Self::Prefix(len + 1),
                _ => Self::Other,
            };
            return rest;
        }
        let end = memchr(b'\n', bytes);
        let line = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        if let Self::Data { is_begun } = *self {
            let first = line.iter().find(|byte| !byte.is_ascii_whitespace());
            if is_begun || first == Some(&b'{') {
                *self = Self::Data { is_begun: true };
                json.handle(line, &mut |path, scalar| found.handle(path, scalar));
            } else if first.is_some() {
                *self = Self::Other;
            }
        }
        let Some(end) = end else { return &[] };
        if *self == (Self::Data { is_begun: true }) {
            found.chunks += 1;
            json.reset();
        }
        *self = Self::Prefix(0);
        bytes.get(end + 1..).unwrap_or_default()
    }
}

fn push_text(attributes: &mut Attributes, key: &'static str, text: Option<&String>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        attributes.push(key, text.clone());
    }
}

fn push_integer(attributes: &mut Attributes, key: &'static str, number: Option<i64>) {
    if let Some(number) = number {
        attributes.push(key, number);
    }
}

fn push_number(attributes: &mut Attributes, key: &'static str, number: Option<f64>) {
    if let Some(number) = number {
        attributes.push(key, crate::AttributeValue::Double(number));
    }
}

/// The one attribute that is a time.
pub(crate) const TIME_TO_FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
const DATA_PREFIX: &[u8] = b"data:";

#[cfg(test)]
mod tests;
