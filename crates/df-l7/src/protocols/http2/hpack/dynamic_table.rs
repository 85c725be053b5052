//! The dynamic table (RFC 7541 §2.3.2) of one direction, as far as it was seen to grow.
//!
//! Entries are counted from the newest, so an index is right whenever so many entries were seen to be added since the last
//! time that anything was missed: older ones, which are unknown, only ever stand behind the known ones. What the encoder
//! has evicted it never refers to again, so keeping too much is harmless and only costs memory.

use std::collections::VecDeque;
use std::sync::Arc;

use super::static_table;

/// The known entries, newest first.
#[derive(Debug)]
pub(super) struct DynamicTable {
    entries: VecDeque<Entry>,
    size: usize,
    max_size: usize,
}

#[derive(Debug)]
struct Entry {
    name: Name,
    value: Box<[u8]>,
}

/// A name that several entries may have.
#[derive(Debug, Clone)]
pub(super) enum Name {
    Static(&'static [u8]),
    Shared(Arc<[u8]>),
    /// It was taken from an entry that is not known.
    Unknown,
}

impl Name {
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Static(name) => Some(name),
            Self::Shared(name) => Some(name),
            Self::Unknown => None,
        }
    }
}

impl Default for DynamicTable {
    fn default() -> Self {
        Self { entries: VecDeque::new(), size: 0, max_size: MAX_SIZE }
    }
}

impl DynamicTable {
    /// Bytes were missed, and entries perhaps with them: nothing that was known has a known place any more.
    pub(super) fn forget(&mut self) {
        *self = Self { max_size: self.max_size, ..Self::default() };
    }

    /// Name and value by index, those of the static table included; none if they are not known.
    pub(super) fn field(&self, index: usize) -> Option<(&[u8], &[u8])> {
        if let Some(known) = static_table::entry(index) {
            return Some(known);
        }
        let entry = self.entry(index)?;
        entry.name.bytes().map(|name| (name, entry.value.as_ref()))
    }

    /// The name by index.
    pub(super) fn name(&self, index: usize) -> Name {
        match (static_table::entry(index), self.entry(index)) {
            (Some((name, _)), _) => Name::Static(name),
            (None, Some(entry)) => entry.name.clone(),
            (None, None) => Name::Unknown,
        }
    }

    /// Adds an entry in front of all others.
    pub(super) fn insert(&mut self, name: Name, value: &[u8]) {
        let entry = Entry { name, value: value.into() };
        let size = entry.size();
        self.evict(self.max_size.saturating_sub(size));
        if size <= self.max_size {
            self.size += size;
            self.entries.push_front(entry);
        } else {
            self.forget();
        }
    }

    /// The encoder changes its table's size.
    pub(super) fn resize(&mut self, max_size: usize) {
        self.max_size = max_size.min(MAX_SIZE);
        self.evict(self.max_size);
    }

    fn entry(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index.checked_sub(static_table::LEN + 1)?)
    }

    fn evict(&mut self, max_size: usize) {
        while self.size > max_size {
            let Some(oldest) = self.entries.pop_back() else { return };
            self.size = self.size.saturating_sub(oldest.size());
        }
    }
}

impl Entry {
    /// RFC 7541 §4.1. Of an unknown name this is too little, which keeps more than the encoder does.
    fn size(&self) -> usize {
        let name_len = self.name.bytes().map_or(0, <[u8]>::len);
        name_len.saturating_add(self.value.len()).saturating_add(ENTRY_OVERHEAD_BYTES)
    }
}

const ENTRY_OVERHEAD_BYTES: usize = 32;
/// The largest table that is followed; of a larger one the oldest entries are unknown.
const MAX_SIZE: usize = 65_536;
