//! Notices attempts to connect, and whether they are answered.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

use df_core::{Direction, Transport};

use super::wire::{Kind, LongHeader, version_name};
use crate::{
    ConnectionConfig, Input, Message, ParseError, Parsed, Parser, Request, Response, ResponseStatus,
};

/// Reads the long headers that pass between one pair of UDP endpoints.
#[derive(Debug, Default)]
pub struct QuicParser {
    attempt: Option<Attempt>,
}

/// The newest attempt to connect.
#[derive(Debug)]
struct Attempt {
    /// How the client calls the connection; may be empty.
    client: Box<[u8]>,
    /// How the server is called in the client's packets: at first a random name, then the server's own.
    server: [Box<[u8]>; 2],
    is_answered: bool,
    has_retried: bool,
}

impl QuicParser {
    /// A parser for one pair of endpoints.
    pub fn new(_config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        Self::default()
    }

    fn request(&mut self, header: &LongHeader<'_>) -> Option<Message> {
        if header.kind != Kind::Initial || self.attempt.as_ref().is_some_and(|attempt| attempt.owns(header)) {
            return None;
        }
        self.attempt = Some(Attempt {
            client: header.source.into(),
            server: [header.destination.into(), header.destination.into()],
            is_answered: false,
            has_retried: false,
        });
        let mut request = Request {
            kind: Cow::Borrowed(INITIAL),
            operation: Cow::Borrowed(INITIAL),
            version: version_name(header.version),
            ..Request::default()
        };
        request.attributes.push("df.quic.destination_connection_id", hexadecimal(header.destination));
        if !header.source.is_empty() {
            request.attributes.push("df.quic.source_connection_id", hexadecimal(header.source));
        }
        Some(Message::request(request))
    }

    fn response(&mut self, header: &LongHeader<'_>) -> Option<Message> {
        let attempt = self.attempt.as_mut().filter(|attempt| !attempt.is_answered)?;
        if header.kind == Kind::Retry {
            attempt.has_retried = true;
            attempt.server[1] = header.source.into();
            return None;
        }
        attempt.is_answered = true;
        let mut response = Response::default();
        if attempt.has_retried {
            response.attributes.push("df.quic.retry", true);
        }
        if header.kind == Kind::VersionNegotiation {
            // The next attempt, with another version, is one of its own.
            self.attempt = None;
            response.status = ResponseStatus::ClientError;
            response.code = Some(Cow::Borrowed("version_negotiation"));
            return Some(Message::response(response));
        }
        attempt.server[1] = header.source.into();
        response.status = ResponseStatus::Ok;
        Some(Message::response(response))
    }
}

impl Attempt {
    /// Whether a packet of the client belongs to this attempt.
    fn owns(&self, header: &LongHeader<'_>) -> bool {
        let is_server = self.server.iter().any(|name| **name == *header.destination);
        *self.client == *header.source && (is_server || !self.client.is_empty())
    }
}

impl Parser for QuicParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let consumed = input.bytes.len();
        let header = LongHeader::read(input.bytes);
        let message = header.and_then(|header| match direction {
            Direction::ToServer => self.request(&header),
            Direction::ToClient => self.response(&header),
        });
        Ok(match message {
            Some(message) => Parsed::Message { consumed, message },
            None => Parsed::Skipped { consumed },
        })
    }

    fn is_message_start(&self, _: Direction, bytes: &[u8]) -> bool {
        LongHeader::read(bytes).is_some()
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

const INITIAL: &str = "INITIAL";
