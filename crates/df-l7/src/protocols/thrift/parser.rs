//! Follows the messages of a Thrift connection, of whatever form each is.

use std::sync::Arc;

use df_core::{Direction, Transport};

use crate::decompress::zlib;
use crate::{ConnectionConfig, Input, Message, ParseError, ParseErrorReason, Parsed, Parser, Recovery};

use super::content::{Beginning, unreadable};
use super::detect::is_message_start;
use super::walker::{Findings, Walked, Walker};
use super::wire::{Envelope, Head, Header, MessageType, Read};

/// How much of a compressed message is looked at, and unwrapped.
const MAX_UNWRAPPED_BYTES: usize = 2_048;

/// Reads Thrift messages.
#[derive(Debug)]
pub struct ThriftParser {
    config: Arc<ConnectionConfig>,
    /// The messages without length whose end was not found yet, per direction.
    open: [Option<OpenMessage>; 2],
}

#[derive(Debug)]
struct OpenMessage {
    beginning: Beginning,
    walker: Walker,
}

impl ThriftParser {
    /// A parser for one connection.
    pub fn new(config: &Arc<ConnectionConfig>, _transport: Transport) -> Self {
        Self { config: Arc::clone(config), open: [None, None] }
    }

    fn begin(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        let envelope = match Envelope::read(input.bytes)? {
            Read::Ready(envelope) => envelope,
            Read::Needed(needed) => return Ok(missing(input, needed)),
        };
        if let Some(header) = envelope.header.filter(|header| header.is_compressed) {
            return self.unwrap(direction, input, &envelope, &header);
        }
        let content = input.bytes.get(envelope.start..).unwrap_or_default();
        let content = within(content, &envelope);
        let head = match Head::read(content)? {
            Read::Ready(head) => head,
            Read::Needed(needed) => {
                let needed = envelope.start.saturating_add(needed);
                return match envelope.end {
                    Some(end) if needed > end => {
                        Err(ParseError::new(envelope.start, ParseErrorReason::InvalidLength))
                    }
                    Some(end) if input.is_final() => Ok(Parsed::Skipped { consumed: end }),
                    _ => Ok(missing(input, needed)),
                };
            }
        };
        self.check(direction, &head)?;
        let beginning = Beginning::new(&head, envelope.header.as_ref(), &self.config);
        let values_start = envelope.start.saturating_add(head.len);
        let Some(end) = envelope.end else {
            let walker = self.walker(&head);
            self.open[direction.index()] = Some(OpenMessage { beginning, walker });
            return Ok(Parsed::Part { consumed: values_start });
        };
        let values = content.get(head.len..).unwrap_or_default();
        let (findings, needed) = self.findings(&head, values);
        let wanted = values_start.saturating_add(needed.unwrap_or_default()).min(end);
        if needed.is_some() && wanted > input.bytes.len() && !input.is_final() {
            return Ok(Parsed::Incomplete { needed: wanted });
        }
        Ok(Parsed::Message { consumed: end, message: beginning.into_message(&findings, &self.config) })
    }

    /// Reads the beginning of a message that is compressed.
    fn unwrap(
        &mut self,
        direction: Direction,
        input: Input<'_>,
        envelope: &Envelope<'_>,
        header: &Header<'_>,
    ) -> Result<Parsed, ParseError> {
        let end = envelope.end.unwrap_or(input.bytes.len());
        let needed = envelope.start.saturating_add(MAX_UNWRAPPED_BYTES).min(end);
        if input.bytes.len() < needed && !input.is_final() {
            return Ok(Parsed::Incomplete { needed });
        }
        let content = input.bytes.get(envelope.start..).unwrap_or_default();
        let plain = zlib(within(content, envelope), MAX_UNWRAPPED_BYTES);
        let plain = plain.map(|head| head.bytes).unwrap_or_default();
        let message = match Head::read(&plain) {
            Ok(Read::Ready(head)) => {
                self.check(direction, &head)?;
                let (findings, _) = self.findings(&head, plain.get(head.len..).unwrap_or_default());
                Beginning::new(&head, Some(header), &self.config).into_message(&findings, &self.config)
            }
            _ => unreadable(header, direction == Direction::ToServer),
        };
        Ok(Parsed::Message { consumed: end, message })
    }

    /// What the struct of a message with a length says, as far as it is looked at, and how many of its bytes are
    /// needed if these are not enough.
    fn findings(&self, head: &Head<'_>, values: &[u8]) -> (Findings, Option<usize>) {
        if head.kind.is_of_client() {
            return (Findings::default(), None);
        }
        let is_exception = head.kind == MessageType::Exception;
        // Of a result the first field's header tells enough.
        let window = if is_exception { values } else { values.get(..MAX_FIELD_BYTES).unwrap_or(values) };
        let mut walker = self.walker(head);
        let progress = walker.walk(window);
        let findings = walker.into_findings();
        let is_enough = !is_exception && findings.first_field_id.is_some();
        match progress {
            Ok(Walked::More { consumed, needed }) if !is_enough => {
                (findings, Some(consumed.saturating_add(needed)))
            }
            _ => (findings, None),
        }
    }

    fn walker(&self, head: &Head<'_>) -> Walker {
        let is_exception = head.kind == MessageType::Exception;
        Walker::new(head.encoding, is_exception, self.config.max_attribute_bytes)
    }

    /// Walks on through a message without length.
    fn go_on(
        &mut self,
        direction: Direction,
        mut open: OpenMessage,
        input: Input<'_>,
    ) -> Result<Parsed, ParseError> {
        match open.walker.walk(input.bytes)? {
            Walked::Done { consumed } => Ok(Parsed::Message { consumed, message: self.finish(open) }),
            Walked::More { consumed: 0, .. } if input.is_final() => {
                Ok(Parsed::Message { consumed: input.bytes.len(), message: self.finish(open) })
            }
            Walked::More { consumed, needed } => {
                self.open[direction.index()] = Some(open);
                Ok(if consumed > 0 { Parsed::Part { consumed } } else { Parsed::Incomplete { needed } })
            }
        }
    }

    fn finish(&self, open: OpenMessage) -> Message {
        open.beginning.into_message(&open.walker.into_findings(), &self.config)
    }

    #[allow(clippy::unused_self, reason = "reads as a rule of the parser")]
    fn check(&self, direction: Direction, head: &Head<'_>) -> Result<(), ParseError> {
        if head.kind.is_of_client() == (direction == Direction::ToServer) {
            return Ok(());
        }
        Err(ParseError::new(0, ParseErrorReason::UnexpectedMessage))
    }
}

impl Parser for ThriftParser {
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError> {
        match self.open[direction.index()].take() {
            Some(open) => self.go_on(direction, open, input),
            None => self.begin(direction, input),
        }
    }

    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool {
        is_message_start(direction, bytes)
    }

    fn on_gap(&mut self, _direction: Direction) -> Recovery {
        Recovery::Resynchronize
    }

    fn interrupt(&mut self, direction: Direction) -> Option<Message> {
        self.open[direction.index()].take().map(|open| self.finish(open))
    }
}

/// The bytes that the envelope holds.
fn within<'a>(content: &'a [u8], envelope: &Envelope<'_>) -> &'a [u8] {
    let len = envelope.end.map(|end| end.saturating_sub(envelope.start));
    len.and_then(|len| content.get(..len)).unwrap_or(content)
}

/// More bytes are needed; of a final input, which has none, nothing can be made.
fn missing(input: Input<'_>, needed: usize) -> Parsed {
    if input.is_final() {
        return Parsed::Skipped { consumed: input.bytes.len() };
    }
    Parsed::Incomplete { needed }
}

/// The longest header of a field.
const MAX_FIELD_BYTES: usize = 4;
