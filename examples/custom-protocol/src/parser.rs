//! What the messages mean.

use std::sync::Arc;

use df_core::Direction;
use df_l7::{
    ConnectionConfig, Input, Message, ParseError, ParseErrorReason, Parsed, Parser, Request, Response,
    ResponseStatus,
};

use crate::wire::{self, Line, Start};

/// Reads the commands and replies of one connection.
#[derive(Debug)]
pub struct BeanstalkParser {
    config: Arc<ConnectionConfig>,
    /// The tube that `put` goes to.
    tube: String,
}

impl BeanstalkParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>) -> Self {
        Self { config: Arc::clone(config), tube: "default".to_owned() }
    }

    fn request(&mut self, line: &Line<'_>) -> Request {
        if line.word(0) == "use" {
            line.word(1).clone_into(&mut self.tube);
        }
        let mut request = Request {
            kind: line.word(0).to_owned().into(),
            operation: line.word(0).to_owned().into(),
            resource: Some(line.text.get(..self.config.max_resource_bytes).unwrap_or(line.text).to_owned()),
            ..Request::default()
        };
        if line.word(0) == "put" {
            request.endpoint = Some(self.tube.clone());
            request.target = Some(self.tube.clone());
            request.attributes.push("messaging.destination.name", self.tube.clone());
        }
        request.attributes.push("messaging.system", "beanstalkd");
        request
    }
}

fn response(line: &Line<'_>) -> Response {
    let status = match line.word(0) {
        "OUT_OF_MEMORY" | "INTERNAL_ERROR" | "DRAINING" => ResponseStatus::ServerError,
        "NOT_FOUND" | "BAD_FORMAT" | "UNKNOWN_COMMAND" | "EXPECTED_CRLF" | "JOB_TOO_BIG" | "NOT_IGNORED" => {
            ResponseStatus::ClientError
        }
        _ => ResponseStatus::Ok,
    };
    Response {
        status,
        code: status.is_error().then(|| line.word(0).to_owned().into()),
        result: Some(line.text.to_owned()),
        ..Response::default()
    }
}

impl Parser for BeanstalkParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let line = match wire::read(direction, input.bytes) {
            Start::Line(line) => line,
            Start::Unfinished if !input.is_final() => {
                return Ok(Parsed::Incomplete { needed: input.bytes.len() + 1 });
            }
            Start::Unfinished | Start::Foreign => {
                return Err(ParseError::new(0, ParseErrorReason::InvalidValue));
            }
        };
        let message = match (direction, line.word(0)) {
            (Direction::ToServer, "quit") => Message::one_way(self.request(&line)),
            (Direction::ToServer, _) => Message::request(self.request(&line)),
            (Direction::ToClient, _) => Message::response(response(&line)),
        };
        Ok(Parsed::Message { consumed: line.total_bytes, message })
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        matches!(wire::read(direction, bytes), Start::Line(_))
    }
}
