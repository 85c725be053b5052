//! The fields of bodies that are kept, under whatever name the services have for them.

use super::json::{MAX_TEXT_BYTES, Scalar};
use crate::sql::cut_text;

/// What one body says.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) model: Option<String>,
    pub(super) id: Option<String>,
    pub(super) finish_reasons: Vec<String>,
    pub(super) input_tokens: Option<i64>,
    pub(super) output_tokens: Option<i64>,
    pub(super) cached_tokens: Option<i64>,
    pub(super) reasoning_tokens: Option<i64>,
    pub(super) max_tokens: Option<i64>,
    pub(super) choices: Option<i64>,
    pub(super) temperature: Option<f64>,
    pub(super) top_p: Option<f64>,
    pub(super) is_streamed: Option<bool>,
    /// Whether the body is JSON-RPC.
    pub(super) is_rpc: bool,
    pub(super) method: Option<String>,
    /// `params.name` of a tool or prompt.
    pub(super) name: Option<String>,
    pub(super) uri: Option<String>,
    pub(super) protocol_version: Option<String>,
    pub(super) error: Option<String>,
    /// Whether a tool says that it failed.
    pub(super) is_tool_error: bool,
}

impl Facts {
    pub(super) fn handle(&mut self, path: &[u8], scalar: Scalar<'_>) {
        match scalar {
            Scalar::Text(text) => self.handle_text(path, text),
            Scalar::Word(word) => self.handle_word(path, word),
        }
    }

    fn handle_text(&mut self, path: &[u8], text: &[u8]) {
        let place = match path {
            b"model" | b"message.model" | b"response.model" => &mut self.model,
            b"id" | b"message.id" | b"response.id" => &mut self.id,
            b"method" => &mut self.method,
            b"params.name" => &mut self.name,
            b"params.uri" => &mut self.uri,
            b"params.protocolVersion" | b"result.protocolVersion" => &mut self.protocol_version,
            b"error.type" | b"error.code" => &mut self.error,
            b"choices.finish_reason"
            | b"stop_reason"
            | b"message.stop_reason"
            | b"delta.stop_reason"
            | b"done_reason" => {
                if self.finish_reasons.len() < MAX_FINISH_REASONS {
                    self.finish_reasons.push(text_of(text));
                }
                return;
            }
            b"jsonrpc" => {
                self.is_rpc = true;
                return;
            }
            _ => return,
        };
        place.get_or_insert_with(|| text_of(text));
    }

    fn handle_word(&mut self, path: &[u8], word: &[u8]) {
        match path {
            b"stream" => self.is_streamed = Some(word == b"true"),
            b"result.isError" => self.is_tool_error = word == b"true",
            b"temperature" => self.temperature = number(word),
            b"top_p" => self.top_p = number(word),
            b"id" if word != b"null" => self.id = Some(text_of(word)),
            b"error.code" if word != b"null" => self.error = Some(text_of(word)),
            _ => self.handle_count(path, word),
        }
    }

    /// Counts are told several times in a stream; the last ones are whole.
    fn handle_count(&mut self, path: &[u8], word: &[u8]) {
        let (scope, name) = match path.iter().rposition(|byte| *byte == b'.') {
            Some(point) => (path.get(..point).unwrap_or_default(), path.get(point + 1..).unwrap_or_default()),
            None => (&[][..], path),
        };
        let place = match (scope, name) {
            (b"usage" | b"message.usage" | b"response.usage", name) => match name {
                b"prompt_tokens" | b"input_tokens" => &mut self.input_tokens,
                b"completion_tokens" | b"output_tokens" => &mut self.output_tokens,
                b"cache_read_input_tokens" => &mut self.cached_tokens,
                _ => return,
            },
            (_, b"cached_tokens") if is_details(scope) => &mut self.cached_tokens,
            (_, b"reasoning_tokens") if is_details(scope) => &mut self.reasoning_tokens,
            (b"", b"prompt_eval_count") => &mut self.input_tokens,
            (b"", b"eval_count") => &mut self.output_tokens,
            (b"", b"max_tokens" | b"max_completion_tokens" | b"max_output_tokens") => &mut self.max_tokens,
            (b"", b"n") => &mut self.choices,
            _ => return,
        };
        let count = std::str::from_utf8(word).ok().and_then(|word| word.parse().ok());
        *place = count.or(*place);
    }
}

/// Whether these are the details of token counts, which OpenAI has one level below the counts.
fn is_details(scope: &[u8]) -> bool {
    let scope = scope.strip_prefix(b"response.").unwrap_or(scope);
    scope.starts_with(b"usage.") && scope.ends_with(b"_tokens_details")
}

fn number(word: &[u8]) -> Option<f64> {
    std::str::from_utf8(word)
        .ok()
        .and_then(|word| word.parse().ok())
        .filter(|number: &f64| number.is_finite())
}

/// The reader may keep more of a string, for the sake of prompts.
fn text_of(text: &[u8]) -> String {
    cut_text(text, MAX_TEXT_BYTES)
}

const MAX_FINISH_REASONS: usize = 8;
