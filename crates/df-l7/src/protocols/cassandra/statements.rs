//! What the parser remembers of a connection: requests under way by their stream, and prepared texts.

use std::collections::HashMap;
use std::sync::Arc;

/// How many prepared statements are remembered.
const MAX_PREPARED: usize = 1_024;
/// How many bytes of text they have together.
const MAX_PREPARED_BYTES: usize = 512 * 1_024;
/// The longest id of a prepared statement.
const MAX_ID_BYTES: usize = 64;

/// A request under way.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) number: u64,
    /// The text that is being prepared.
    pub(super) preparing: Option<Arc<[u8]>>,
}

/// The requests under way, by their stream.
#[derive(Debug, Default)]
pub(super) struct Streams {
    pending: HashMap<u16, Pending>,
    last_number: u64,
}

impl Streams {
    /// A request: gives the number by which it pairs. One of the same stream before it will not be answered any more.
    pub(super) fn ask(&mut self, stream: u16, preparing: Option<Arc<[u8]>>, max_pending: usize) -> u64 {
        let number = self.next_number();
        if self.pending.len() < max_pending || self.pending.contains_key(&stream) {
            self.pending.insert(stream, Pending { number, preparing });
        }
        number
    }

    /// A response: gives the request that it answers, if that was seen.
    pub(super) fn answer(&mut self, stream: u16) -> Option<Pending> {
        self.pending.remove(&stream)
    }

    /// A number for a response whose request was not seen.
    pub(super) const fn next_number(&mut self) -> u64 {
        self.last_number = self.last_number.wrapping_add(1);
        self.last_number
    }
}

/// Texts by the ids that the server gave them.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    texts: HashMap<Box<[u8]>, Arc<[u8]>>,
    held_bytes: usize,
}

impl Prepared {
    pub(super) fn insert(&mut self, id: &[u8], text: Arc<[u8]>) {
        if id.len() > MAX_ID_BYTES || text.len() > MAX_PREPARED_BYTES {
            return;
        }
        if self.texts.len() >= MAX_PREPARED || self.held_bytes.saturating_add(text.len()) > MAX_PREPARED_BYTES
        {
            // Who prepares that many does not execute the first of them any more.
            self.texts.clear();
            self.held_bytes = 0;
        }
        self.held_bytes = self.held_bytes.saturating_add(text.len());
        if let Some(before) = self.texts.insert(id.into(), text) {
            self.held_bytes = self.held_bytes.saturating_sub(before.len());
        }
    }

    pub(super) fn find(&self, id: &[u8]) -> Option<&Arc<[u8]>> {
        self.texts.get(id)
    }
}
