//! Follows a message body whose length no field announces: chunked (RFC 9112 §7.1) or until the connection closes.

use memchr::memchr;

use super::wire;
use crate::ai::BodyReader;
use crate::http::push_some_size;
use crate::{Content, Input, Message};

/// A body that is being read, with the message that it belongs to.
#[derive(Debug)]
pub(super) struct OpenBody {
    /// None once the message was given out.
    message: Option<Message>,
    expects: Expects,
    size_bytes: u64,
    /// Reads the body, if it is one of those that are looked at.
    reader: Option<Box<BodyReader>>,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expects {
    /// The line end of the chunk before, if any, and a chunk's size line.
    ChunkHeader,
    /// A trailer field, or the empty line that ends the message.
    Trailer,
    /// Bytes until the connection closes.
    Anything,
    /// So many bytes of a chunk, which are looked at.
    Chunk(u64),
    /// So many bytes until the message ends, which are looked at.
    Sized(u64),
}

/// What was made of some input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// These bytes belong to the body, which goes on.
    Part { consumed: usize },
    /// The body ends with these bytes.
    Complete { consumed: usize },
    /// More bytes are needed.
    Incomplete { needed: usize },
    /// Whatever this is, it is not chunked: the message ends before it.
    Broken,
}

impl OpenBody {
    pub(super) fn new(message: Option<Message>, expects: Expects) -> Self {
        Self { message, expects, size_bytes: 0, reader: None }
    }

    /// The same body, looked at.
    pub(super) fn with_reader(self, reader: Option<Box<BodyReader>>) -> Self {
        Self { reader, ..self }
    }

    /// The same body, of which something else comes first.
    pub(super) fn expecting(self, expects: Expects) -> Self {
        Self { expects, ..self }
    }

    /// Whether the body is looked at.
    pub(super) fn is_read(&self) -> bool {
        self.reader.is_some()
    }

    /// The message, of whose body nothing was seen.
    pub(super) fn into_bare_message(self) -> Option<Message> {
        self.message
    }

    /// Whether the message waits for the end of the body.
    pub(super) fn holds_message(&self) -> bool {
        self.message.is_some()
    }

    /// The message with what is known of its body's size.
    pub(super) fn into_message(self) -> Option<Message> {
        let mut message = self.message?;
        // The size of a body of known length was announced.
        let size = (!matches!(self.expects, Expects::Sized(_))).then_some(self.size_bytes);
        match &mut message.content {
            Content::Request(request) | Content::OneWay(request) => {
                push_some_size(&mut request.content.attributes, "http.request.body.size", size);
                if let Some(reader) = self.reader {
                    reader.push_request(&mut request.content.attributes);
                }
            }
            Content::Response(response) => {
                push_some_size(&mut response.content.attributes, "http.response.body.size", size);
                if let Some(reader) = self.reader {
                    reader.push_response(&mut response.content.attributes);
                }
            }
        }
        Some(message)
    }

    pub(super) fn parse(&mut self, input: Input<'_>) -> Progress {
        match self.expects {
            Expects::ChunkHeader => self.parse_chunk(input),
            Expects::Trailer => parse_trailer(input),
            Expects::Anything => {
                self.add_size(input.bytes.len());
                self.read(input, input.bytes.len());
                Progress::Part { consumed: input.bytes.len() }
            }
            Expects::Chunk(size) => {
                let (consumed, rest) = self.read_some(input, size);
                self.expects = if rest == 0 { Expects::ChunkHeader } else { Expects::Chunk(rest) };
                Progress::Part { consumed }
            }
            Expects::Sized(size) => {
                let (consumed, rest) = self.read_some(input, size);
                self.expects = Expects::Sized(rest);
                if rest == 0 { Progress::Complete { consumed } } else { Progress::Part { consumed } }
            }
        }
    }

    /// Reads as much of `size` bytes as there is. Gives how much that was, and how much is still to come.
    fn read_some(&mut self, input: Input<'_>, size: u64) -> (usize, u64) {
        let len = usize::try_from(size).unwrap_or(usize::MAX).min(input.bytes.len());
        self.read(input, len);
        (len, size.saturating_sub(u64::try_from(len).unwrap_or(u64::MAX)))
    }

    fn read(&mut self, input: Input<'_>, len: usize) {
        if let Some(reader) = &mut self.reader {
            reader.handle(input.bytes.get(..len).unwrap_or_default(), input.timestamp);
        }
    }

    fn parse_chunk(&mut self, input: Input<'_>) -> Progress {
        let start = wire::leading_line_ends(input.bytes);
        let rest = input.bytes.get(start..).unwrap_or_default();
        if rest.is_empty() {
            return Progress::Part { consumed: start };
        }
        let Some(line_len) = memchr(b'\n', rest.get(..MAX_LINE_BYTES).unwrap_or(rest)) else {
            return without_line_end(input, start);
        };
        let Some(size) = rest.get(..line_len).and_then(wire::chunk_header) else { return Progress::Broken };
        let header_len = start + line_len + 1;
        if size == 0 {
            self.expects = Expects::Trailer;
            return Progress::Part { consumed: header_len };
        }
        let len = usize::try_from(size).unwrap_or(usize::MAX);
        self.add_size(len);
        if self.reader.is_some() {
            self.expects = Expects::Chunk(size);
            return Progress::Part { consumed: header_len };
        }
        Progress::Part { consumed: header_len.saturating_add(len) }
    }

    fn add_size(&mut self, bytes: usize) {
        self.size_bytes = self.size_bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }
}

fn parse_trailer(input: Input<'_>) -> Progress {
    let Some(line_len) = memchr(b'\n', input.bytes.get(..MAX_LINE_BYTES).unwrap_or(input.bytes)) else {
        return without_line_end(input, 0);
    };
    let consumed = line_len + 1;
    match input.bytes.get(..line_len) {
        Some([] | [b'\r']) => Progress::Complete { consumed },
        _ => Progress::Part { consumed },
    }
}

/// The line that starts at `start` has no end yet.
fn without_line_end(input: Input<'_>, start: usize) -> Progress {
    let len = input.bytes.len();
    if len.saturating_sub(start) >= MAX_LINE_BYTES {
        return Progress::Broken;
    }
    if input.is_final() { Progress::Part { consumed: len } } else { Progress::Incomplete { needed: len + 1 } }
}

/// The longest size line or trailer field that is waited for.
const MAX_LINE_BYTES: usize = 4_096;
