//! Trace context that applications put into their own messages.

use std::borrow::Cow;

use crate::ContextConfig;

mod formats;

/// Trace context found in a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PropagatedContext {
    /// The trace id as the format gives it: 32 hexadecimal digits for W3C, the decoded id for the others.
    pub trace_id: Option<String>,
    /// The span id of the sender.
    pub span_id: Option<String>,
    /// Whether the sender records the trace, where the format tells it.
    pub sampled: Option<bool>,
    /// The request id (`x-request-id` or the configured names).
    pub x_request_id: Option<String>,
}

/// Picks the best trace context out of named values: HTTP header fields, keys of an SQL comment, message properties.
///
/// Give it every pair in any order, then [`finish`](Self::finish). Pairs whose name is not configured cost a few
/// length comparisons and allocate nothing.
#[derive(Debug)]
pub(crate) struct ContextReader<'c> {
    config: &'c ContextConfig,
    best: Option<(usize, formats::Format)>,
    context: PropagatedContext,
    b3_span_id: Option<String>,
    b3_sampled: Option<bool>,
}

impl<'c> ContextReader<'c> {
    /// A reader that has seen nothing.
    pub(crate) fn new(config: &'c ContextConfig) -> Self {
        Self { config, best: None, context: PropagatedContext::default(), b3_span_id: None, b3_sampled: None }
    }

    /// Takes one pair. Values that do not follow the format of their name are ignored.
    pub(crate) fn handle(&mut self, name: &[u8], value: &[u8]) {
        if let Some(rank) = position_of_name(&self.config.trace_headers, name) {
            self.handle_trace(rank, formats::Format::of_name(name), value);
        } else if name.len() >= B3_SAMPLED.len() - 1 && name.len() <= B3_SAMPLED.len() {
            self.handle_b3_companion(name, value);
        }
        if self.context.x_request_id.is_none()
            && position_of_name(&self.config.request_id_headers, name).is_some()
        {
            self.context.x_request_id = identifier(value);
        }
    }

    /// The context, if any part of one was found.
    pub(crate) fn finish(mut self) -> Option<PropagatedContext> {
        if let Some((_, formats::Format::B3Multi)) = self.best {
            self.context.span_id = self.b3_span_id;
            self.context.sampled = self.b3_sampled;
        }
        let is_empty = self.context.trace_id.is_none() && self.context.x_request_id.is_none();
        (!is_empty).then_some(self.context)
    }

    fn handle_trace(&mut self, rank: usize, format: formats::Format, value: &[u8]) {
        if self.best.is_some_and(|(best, _)| best <= rank) {
            return;
        }
        let Some(ids) = std::str::from_utf8(value).ok().and_then(|value| format.parse(value.trim())) else {
            return;
        };
        self.best = Some((rank, format));
        self.context.trace_id = Some(ids.trace_id);
        self.context.span_id = ids.span_id;
        self.context.sampled = ids.sampled;
    }

    fn handle_b3_companion(&mut self, name: &[u8], value: &[u8]) {
        if is_same_name(name, B3_SPAN_ID) {
            self.b3_span_id = identifier(value).filter(|id| formats::is_hexadecimal(id, &[16]));
        } else if is_same_name(name, B3_SAMPLED) {
            self.b3_sampled =
                std::str::from_utf8(value).ok().and_then(|value| formats::b3_sampled(value.trim()));
        }
    }
}

/// Reads trace context from an SQL comment as sqlcommenter writes it: `key='value'` pairs, both URL-encoded, separated
/// by commas. Also reads `key=value` and `key:value` without quotes, separated by blanks. The comment's own delimiters
/// may be left on.
pub(crate) fn from_sql_comment(comment: &str, config: &ContextConfig) -> Option<PropagatedContext> {
    let mut reader = ContextReader::new(config);
    let is_delimiter =
        |character: char| character.is_whitespace() || matches!(character, ',' | '/' | '*' | '#' | ';');
    let mut rest = comment;
    loop {
        rest = rest.trim_start_matches(is_delimiter);
        let Some(key_len) =
            rest.find(|character: char| character == '=' || character == ':' || is_delimiter(character))
        else {
            break;
        };
        let (key, after) = rest.split_at(key_len);
        rest = after;
        let Some(after) = after.strip_prefix(['=', ':']) else { continue };
        let (value, after) = comment_value(after);
        rest = after;
        let key = key.trim_start_matches('-');
        reader.handle(url_decoded(key).as_bytes(), url_decoded(value).as_bytes());
    }
    reader.finish()
}

/// Where `name` stands in `names`, without regard to case and with `_` equal to `-`.
pub(crate) fn position_of_name(names: &[String], name: &[u8]) -> Option<usize> {
    names.iter().position(|candidate| is_same_name(candidate.as_bytes(), name))
}

/// Whether two names are equal without regard to case and with `_` equal to `-`.
pub(crate) fn is_same_name(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| folded(*left) == folded(*right))
}

/// An opaque identifier: not empty, of sensible length, without control characters.
fn identifier(value: &[u8]) -> Option<String> {
    let value = std::str::from_utf8(value).ok()?.trim();
    let is_plausible =
        !value.is_empty() && value.len() <= MAX_IDENTIFIER_BYTES && !value.chars().any(char::is_control);
    is_plausible.then(|| value.to_owned())
}

/// A comment's value and what follows it. Within quotes a backslash takes the next character as it is; it is left in
/// the value, since no identifier holds one.
fn comment_value(text: &str) -> (&str, &str) {
    let Some(quoted) = text.strip_prefix('\'') else {
        let end = text
            .find(|character: char| character.is_whitespace() || matches!(character, ',' | '*' | ';'))
            .unwrap_or(text.len());
        return text.split_at(end);
    };
    let mut is_escaped = false;
    for (index, character) in quoted.char_indices() {
        if character == '\'' && !is_escaped {
            let (value, rest) = quoted.split_at(index);
            return (value, rest.strip_prefix('\'').unwrap_or(rest));
        }
        is_escaped = character == '\\' && !is_escaped;
    }
    (quoted, "")
}

/// Undoes percent encoding; text without it is borrowed.
fn url_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digits = ahead.next().zip(ahead.next()).and_then(|(high, low)| hexadecimal_byte(high, low));
        match digits.filter(|_| byte == b'%') {
            Some(value) => {
                decoded.push(value);
                bytes = ahead;
            }
            None => decoded.push(byte),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned().into()
}

fn hexadecimal_byte(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

const fn folded(byte: u8) -> u8 {
    if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() }
}

const B3_SPAN_ID: &[u8] = b"x-b3-spanid";
const B3_SAMPLED: &[u8] = b"x-b3-sampled";

/// The longest identifier that is kept; what is longer is no identifier.
const MAX_IDENTIFIER_BYTES: usize = 256;

#[cfg(test)]
mod tests;
