//! The requests of one connection that are under way, and what was seen of each.

use std::collections::VecDeque;

/// The most bytes of fields that a response may begin with.
const MAX_FIELDS_BYTES: usize = 16_384;
/// How much of what an application writes to its standard error is kept.
const MAX_ERROR_BYTES: usize = 512;

/// A request that is under way.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) request_id: u16,
    /// By what request and response pair: the request id, unless that was taken anew before it was answered.
    pub(super) correlation: u64,
    pub(super) request: Option<OpenRequest>,
    pub(super) response: Option<OpenResponse>,
    /// Whether its response was given already, although its end was not seen.
    pub(super) is_answered: bool,
}

/// A request whose end was not seen yet.
#[derive(Debug, Default)]
pub(super) struct OpenRequest {
    pub(super) parameters: Vec<u8>,
    pub(super) length: u64,
    /// Whether the request ends with its parameters.
    pub(super) has_no_input: bool,
}

/// A response whose end was not seen yet.
#[derive(Debug, Default)]
pub(super) struct OpenResponse {
    pub(super) fields: Vec<u8>,
    /// Whether all fields were seen.
    pub(super) has_fields: bool,
    pub(super) errors: Vec<u8>,
    pub(super) error_bytes: u64,
    pub(super) length: u64,
}

/// Requests under way, oldest first.
#[derive(Debug)]
pub(super) struct OpenRequests {
    open: VecDeque<Open>,
    max_open: usize,
    max_bytes: usize,
}

impl OpenRequests {
    pub(super) const fn new(max_open: usize, max_bytes: usize) -> Self {
        Self { open: VecDeque::new(), max_open, max_bytes }
    }

    /// A request with this id begins; an older one is abandoned. Gives by what the request and its response pair.
    pub(super) fn begin(&mut self, request_id: u16, request: OpenRequest) -> u64 {
        let before = self.remove(request_id).filter(|open| !open.is_answered || open.request.is_some());
        let generation = before.map_or(0, |open| (open.correlation >> 16).wrapping_add(1));
        let correlation = generation << 16 | u64::from(request_id);
        self.insert(Open { correlation, request: Some(request), ..Open::new(request_id) });
        correlation
    }

    pub(super) fn find(&mut self, request_id: u16) -> Option<&mut Open> {
        self.open.iter_mut().find(|open| open.request_id == request_id)
    }

    /// The request with this id, of which nothing was seen if it is new.
    pub(super) fn find_or_insert(&mut self, request_id: u16) -> Option<&mut Open> {
        if self.find(request_id).is_none() {
            self.insert(Open::new(request_id));
        }
        self.find(request_id)
    }

    pub(super) fn remove(&mut self, request_id: u16) -> Option<Open> {
        let place = self.open.iter().position(|open| open.request_id == request_id)?;
        self.open.remove(place)
    }

    /// Keeps more parameters of a request, as far as there is room.
    pub(super) fn keep_parameters(&mut self, request_id: u16, bytes: &[u8]) {
        let held: usize = self.open.iter().map(Open::held_bytes).sum();
        let room = self.max_bytes.saturating_sub(held);
        if let Some(request) = self.find(request_id).and_then(|open| open.request.as_mut()) {
            request.parameters.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        }
    }

    /// All of them, oldest first.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Open> {
        self.open.iter_mut()
    }

    pub(super) fn insert(&mut self, open: Open) {
        if self.open.len() >= self.max_open.max(1) {
            self.open.pop_front();
        }
        self.open.push_back(open);
    }
}

impl Open {
    fn new(request_id: u16) -> Self {
        let correlation = u64::from(request_id);
        Self { request_id, correlation, request: None, response: None, is_answered: false }
    }

    fn held_bytes(&self) -> usize {
        self.request.as_ref().map_or(0, |request| request.parameters.len())
    }
}

impl OpenResponse {
    /// Takes output: fields up to an empty line, then a body.
    pub(super) fn push_output(&mut self, content: &[u8]) {
        if self.has_fields {
            return;
        }
        let before = self.fields.len();
        let room = MAX_FIELDS_BYTES.saturating_sub(before);
        self.fields.extend_from_slice(content.get(..room).unwrap_or(content));
        let end = end_of_fields(&self.fields, before.saturating_sub(3));
        if let Some(end) = end {
            self.fields.truncate(end);
        }
        self.has_fields = end.is_some() || self.fields.len() >= MAX_FIELDS_BYTES;
    }

    pub(super) fn push_errors(&mut self, content: &[u8]) {
        let room = MAX_ERROR_BYTES.saturating_sub(self.errors.len());
        self.errors.extend_from_slice(content.get(..room).unwrap_or(content));
        self.error_bytes = self.error_bytes.saturating_add(content.len() as u64);
    }
}

/// Where the empty line begins that ends the fields; before `from` there is none.
fn end_of_fields(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    memchr::memchr_iter(b'\n', rest)
        .map(|end| from.saturating_add(end).saturating_add(1))
        .find(|&end| matches!(bytes.get(end..), Some([b'\n', ..] | [b'\r', b'\n', ..])))
}
