//! Echo requests and replies.

use std::borrow::Cow;
use std::sync::Arc;

use df_core::{Direction, Transport};

use super::wire::Echo;
use crate::{
    ConnectionConfig, Input, Message, ParseError, Parsed, Parser, Request, Response, ResponseStatus,
};

/// Reads the echo messages that pass between two hosts.
#[derive(Debug)]
pub struct IcmpParser(());

impl IcmpParser {
    /// A parser for one pair of hosts.
    pub fn new(_config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        Self(())
    }
}

impl Parser for IcmpParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let consumed = input.bytes.len();
        let Some(echo) = Echo::read(input.bytes) else {
            return Ok(Parsed::Skipped { consumed });
        };
        let message = match (direction, echo.is_reply) {
            (Direction::ToServer, false) => Message::request(request(echo)),
            (Direction::ToClient, true) => {
                Message::response(Response { status: ResponseStatus::Ok, ..Response::default() })
            }
            // Both hosts ask: only one of them is the client of this conversation.
            _ => return Ok(Parsed::Skipped { consumed }),
        };
        Ok(Parsed::Message { consumed, message: message.with_id(echo.id()) })
    }

    fn is_message_start(&self, _: Direction, bytes: &[u8]) -> bool {
        Echo::read(bytes).is_some()
    }
}

fn request(echo: Echo) -> Request {
    let mut request =
        Request { kind: Cow::Borrowed(ECHO), operation: Cow::Borrowed(ECHO), ..Request::default() };
    request.attributes.push("df.icmp.identifier", echo.identifier);
    request.attributes.push("df.icmp.sequence_number", echo.sequence_number);
    request
}

const ECHO: &str = "ECHO";

#[cfg(test)]
mod tests {
    use df_core::{Chunk, Timestamp};

    use super::*;
    use crate::Connection;

    fn echo(kind: u8, sequence_number: u8) -> Vec<u8> {
        [&[kind, 0, 0xaa, 0xbb, 0, 7, 0, sequence_number][..], &[0x5a; 56]].concat()
    }

    #[test]
    fn requests_and_replies_pair_by_number() {
        for (request, reply) in [(8, 0), (128, 129)] {
            let mut connection = Connection::new(Transport::Icmp, Arc::new(ConnectionConfig::default()));
            let messages = [
                (Direction::ToServer, echo(request, 1)),
                (Direction::ToServer, echo(request, 2)),
                (Direction::ToClient, echo(reply, 2)),
                (Direction::ToClient, vec![3, 1, 0, 0]),
                (Direction::ToServer, echo(request, 3)),
                (Direction::ToClient, echo(reply, 3)),
            ];
            let mut offsets = [0, 0];
            for (at, (direction, bytes)) in (1..).zip(&messages) {
                let offset = &mut offsets[direction.index()];
                connection.handle_chunk(Chunk::new(*direction, Timestamp::from_nanos(at), *offset, bytes));
                *offset += bytes.len() as u64;
            }
            connection.handle_close();
            let stories: Vec<_> = std::iter::from_fn(|| connection.poll_exchange())
                .map(|exchange| (exchange.kind.name(), exchange.request_id.unwrap() & 0xffff))
                .collect();
            assert_eq!(stories, [("exchange", 2), ("exchange", 3), ("request", 1)]);
        }
    }

    #[test]
    fn a_reply_first_tells_who_asks() {
        use crate::Detection;
        let is = |direction, bytes: &[u8]| super::super::wire::detect(Transport::Icmp, direction, bytes);
        assert_eq!(is(Direction::ToServer, &echo(0, 1)), Detection::CERTAIN_REVERSED);
        assert_eq!(is(Direction::ToClient, &echo(129, 1)), Detection::CERTAIN);
        assert_eq!(is(Direction::ToServer, &[8, 0, 0]), Detection::NoMatch);
        assert_eq!(is(Direction::ToServer, &[11, 0, 0, 0, 0, 0, 0, 0]), Detection::NoMatch);
    }
}
