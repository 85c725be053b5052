//! What the lines of the template protocol mean.

use std::borrow::Cow;
use std::sync::Arc;

use df_core::Direction;

use super::wire::Line;
use crate::{
    ConnectionConfig, Input, Message, ParseError, ParseErrorReason, Parsed, Parser, Request, Response,
    ResponseStatus,
};

/// Reads questions and answers.
#[derive(Debug)]
pub(crate) struct TemplateParser {
    config: Arc<ConnectionConfig>,
    /// How much of an unfinished line was searched for its end, per direction, so that no byte is searched twice.
    searched: [usize; 2],
}

impl TemplateParser {
    pub(crate) fn new(config: &Arc<ConnectionConfig>) -> Self {
        Self { config: Arc::clone(config), searched: [0, 0] }
    }

    fn message(&self, line: Line<'_>) -> Message {
        match line {
            Line::Ask { topic } => Message::request(Request {
                kind: Cow::Borrowed("ASK"),
                operation: Cow::Borrowed("ASK"),
                resource: Some(self.text(topic)),
                ..Request::default()
            }),
            Line::Ok { answer } => Message::response(Response {
                status: ResponseStatus::Ok,
                result: Some(self.text(answer)),
                ..Response::default()
            }),
            Line::No { reason } => Message::response(Response {
                status: ResponseStatus::ServerError,
                code: Some(Cow::Borrowed("NO")),
                exception: Some(self.text(reason)),
                ..Response::default()
            }),
        }
    }

    fn text(&self, bytes: &[u8]) -> String {
        let kept = bytes.get(..self.config.max_resource_bytes).unwrap_or(bytes);
        String::from_utf8_lossy(kept).into_owned()
    }
}

impl Parser for TemplateParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let searched = std::mem::take(&mut self.searched[direction.index()]).min(input.bytes.len());
        let end =
            memchr::memchr(b'\n', input.bytes.get(searched..).unwrap_or_default()).map(|end| end + searched);
        if end.is_none() && !input.is_final() {
            self.searched[direction.index()] = input.bytes.len();
            return Ok(Parsed::Incomplete { needed: input.bytes.len() + 1 });
        }
        let len = end.unwrap_or(input.bytes.len());
        let line = input.bytes.get(..len).and_then(Line::parse);
        let line = line.ok_or(ParseError::new(0, ParseErrorReason::InvalidValue))?;
        Ok(Parsed::Message { consumed: len + usize::from(end.is_some()), message: self.message(line) })
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        match direction {
            Direction::ToServer => bytes.starts_with(b"ASK "),
            Direction::ToClient => bytes.starts_with(b"OK ") || bytes.starts_with(b"NO "),
        }
    }
}
