//! The fields of one header block, in one piece of memory that is used again and again.

/// Fields in order, and how many of them are not known.
#[derive(Debug, Default)]
pub(in super::super) struct FieldList {
    bytes: Vec<u8>,
    /// Where the name and the value of each field end.
    ends: Vec<(usize, usize)>,
    /// Where the name of the field that is being added ends.
    name_end: usize,
    /// Whether that name was too long to be added.
    is_cut: bool,
    unknown: usize,
    starts_unknown: bool,
}

/// The known fields: name and value.
#[derive(Debug, Clone)]
pub(in super::super) struct Fields<'a> {
    bytes: &'a [u8],
    ends: std::slice::Iter<'a, (usize, usize)>,
    start: usize,
}

impl FieldList {
    /// The known fields in order.
    pub(in super::super) fn iter(&self) -> Fields<'_> {
        Fields { bytes: &self.bytes, ends: self.ends.iter(), start: 0 }
    }

    /// The value of the first field of this name.
    pub(in super::super) fn find(&self, name: &[u8]) -> Option<&[u8]> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The name of the first field; none if it is not known.
    pub(in super::super) fn first_name(&self) -> Option<&[u8]> {
        self.iter().next().map(|(name, _)| name).filter(|_| !self.starts_unknown)
    }

    /// Whether some field is not known.
    pub(in super::super) const fn has_unknown(&self) -> bool {
        self.unknown > 0
    }

    /// Whether there was no field at all.
    pub(in super::super) fn is_empty(&self) -> bool {
        self.ends.is_empty() && self.unknown == 0
    }

    pub(in super::super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(MAX_KEPT_BYTES);
        self.ends.clear();
        self.ends.shrink_to(MAX_KEPT_FIELDS);
        self.unknown = 0;
        self.starts_unknown = false;
    }

    pub(super) fn push(&mut self, name: &[u8], value: &[u8]) {
        if self.room() < name.len().saturating_add(value.len()) || self.ends.len() >= MAX_FIELDS {
            return self.push_unknown();
        }
        self.bytes.extend_from_slice(name);
        let name_end = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.ends.push((name_end, self.bytes.len()));
    }

    pub(super) fn push_unknown(&mut self) {
        self.starts_unknown |= self.ends.is_empty();
        self.unknown += 1;
    }

    /// Begins a field of which name and value are added one by one.
    pub(super) fn begin(&mut self) -> usize {
        self.is_cut = false;
        self.bytes.len()
    }

    pub(super) fn add_name(&mut self, name: &[u8]) {
        self.is_cut = self.room() < name.len();
        if !self.is_cut {
            self.bytes.extend_from_slice(name);
        }
        self.end_name();
    }

    pub(super) fn end_name(&mut self) {
        self.name_end = self.bytes.len();
    }

    /// Where the parts of the field are to be added.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub(super) fn open_name(&self, start: usize) -> &[u8] {
        self.bytes.get(start..self.name_end).unwrap_or_default()
    }

    pub(super) fn open_value(&self) -> &[u8] {
        self.bytes.get(self.name_end..).unwrap_or_default()
    }

    /// The field is whole. What exceeds the list's bound is not known.
    pub(super) fn finish(&mut self, start: usize) {
        if self.is_cut || self.bytes.len() > MAX_BYTES || self.ends.len() >= MAX_FIELDS {
            return self.abandon(start);
        }
        self.ends.push((self.name_end, self.bytes.len()));
    }

    /// The field is not known after all.
    pub(super) fn abandon(&mut self, start: usize) {
        self.bytes.truncate(start);
        self.push_unknown();
    }

    fn room(&self) -> usize {
        MAX_BYTES.saturating_sub(self.bytes.len())
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name_end, value_end) = *self.ends.next()?;
        let name = self.bytes.get(self.start..name_end)?;
        let value = self.bytes.get(name_end..value_end)?;
        self.start = value_end;
        Some((name, value))
    }
}

/// The most bytes of fields that one block gives: a few bytes may stand for many.
const MAX_BYTES: usize = 65_536;
const MAX_FIELDS: usize = 1_024;
/// The room that is kept between blocks.
const MAX_KEPT_BYTES: usize = 4_096;
const MAX_KEPT_FIELDS: usize = 64;
