//! The streams of one connection that are open: what was asked, and what was answered so far.

use std::collections::BTreeMap;

use df_core::{Direction, Timestamp};

use super::data::MessageCounter;
use crate::Response;
use crate::ai::{BodyReader, Call};

/// The open streams by their identifier.
#[derive(Debug, Default)]
pub(super) struct Streams {
    open: BTreeMap<u32, Stream>,
    /// The highest identifier on which a request was seen.
    last_asked: u32,
}

/// One stream, from its request to the end of its response.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// Whether the request was seen.
    pub(super) is_asked: bool,
    pub(super) is_grpc: bool,
    /// Whether the request's method was `CONNECT`: a success is a tunnel.
    pub(super) is_tunnel: bool,
    /// The call of an AI service that this is, and when it began.
    pub(super) call: Option<Box<(Call, Timestamp)>>,
    /// What was sent each way.
    pub(super) sent: [Sent; 2],
    /// The response, once it has begun.
    pub(super) response: Option<Box<Response>>,
    /// The response's frames so far, in bytes.
    pub(super) response_bytes: u64,
}

/// The body that goes in one direction.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) body_bytes: u64,
    /// Whether the fields announced the body's length.
    pub(super) is_announced: bool,
    /// Whether the body has ended, all of it seen.
    pub(super) is_complete: bool,
    /// Whether bytes of it may have been missed.
    pub(super) is_lost: bool,
    pub(super) messages: MessageCounter,
    /// Reads the body, if it is one of those that are looked at.
    pub(super) reader: Option<Box<BodyReader>>,
}

impl Stream {
    pub(super) fn sent_mut(&mut self, direction: Direction) -> &mut Sent {
        let [to_server, to_client] = &mut self.sent;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }
}

impl Sent {
    /// Bytes of the body were missed.
    pub(super) fn lose(&mut self) {
        self.is_lost = true;
        self.messages.lose();
    }

    /// Looks at bytes from the front of a payload. Gives how many it is done with, perhaps more than there are.
    pub(super) fn read(&mut self, bytes: &[u8], payload_len: usize, seen_at: Timestamp) -> usize {
        let Some(reader) = &mut self.reader else { return self.messages.handle(bytes, payload_len) };
        let len = bytes.len().min(payload_len);
        reader.handle(bytes.get(..len).unwrap_or_default(), seen_at);
        len
    }

    /// The size of a body that no field announced.
    pub(super) fn counted_size(&self) -> Option<u64> {
        (self.is_complete && !self.is_announced && !self.is_lost).then_some(self.body_bytes)
    }
}

impl Streams {
    pub(super) fn find(&mut self, id: u32) -> Option<&mut Stream> {
        self.open.get_mut(&id)
    }

    pub(super) fn contains(&self, id: u32) -> bool {
        self.open.contains_key(&id)
    }

    /// Whether a request can begin on this stream: identifiers only grow.
    pub(super) const fn is_new(&self, id: u32) -> bool {
        id > self.last_asked
    }

    /// Opens a stream. Gives one that was given up for it, if there are too many.
    pub(super) fn open(&mut self, id: u32, stream: Stream, max_streams: usize) -> Option<(u32, Stream)> {
        if stream.is_asked && id % 2 == 1 {
            self.last_asked = self.last_asked.max(id);
        }
        self.open.insert(id, stream);
        if self.open.len() > max_streams.max(1) { self.open.pop_first() } else { None }
    }

    pub(super) fn close(&mut self, id: u32) -> Option<Stream> {
        self.open.remove(&id)
    }

    /// Closes one of the streams whose response has begun.
    pub(super) fn close_answered(&mut self) -> Option<(u32, Stream)> {
        let id = *self.open.iter().find(|(_, stream)| stream.response.is_some())?.0;
        self.close(id).map(|stream| (id, stream))
    }

    /// Closes one of the client's streams behind `last` that were not answered.
    pub(super) fn close_refused(&mut self, last: u32) -> Option<(u32, Stream)> {
        let behind = self.open.range(last.saturating_add(1)..);
        let is_refused = |(id, stream): &(&u32, &Stream)| *id % 2 == 1 && stream.response.is_none();
        let id = *behind.into_iter().find(is_refused)?.0;
        self.close(id).map(|stream| (id, stream))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.open.values_mut()
    }
}
