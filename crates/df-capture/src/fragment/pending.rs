//! One datagram of which fragments are missing.

use super::{Fragment, Whole};

/// The fragments of a datagram that have come.
#[derive(Debug)]
pub(super) struct Pending {
    number: u64,
    /// In the order of their offsets, without overlaps.
    pieces: Vec<Piece>,
    /// Their bytes, in the order of arrival.
    bytes: Vec<u8>,
    /// How many bytes the pieces had on the wire, and how many all will have had.
    present: u32,
    total: Option<u32>,
    is_refused: bool,
    /// The fragments held or repeated.
    fragments: u64,
    whole: Whole,
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    offset: u32,
    wire_len: u32,
    /// Where its captured bytes are.
    start: usize,
    len: usize,
}

/// What became of a fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placement {
    /// It is held, or had come before.
    Held,
    /// It was the last one missing.
    Complete,
    /// It is dropped, and this many with it, itself included.
    Refused(u64),
}

impl Pending {
    /// What a datagram takes beside its fragments.
    pub(super) const OVERHEAD_BYTES: usize = size_of::<Self>() + size_of::<super::Place>() + 128;

    /// A datagram of which nothing has come.
    pub(super) const fn new(number: u64) -> Self {
        Self {
            number,
            pieces: Vec::new(),
            bytes: Vec::new(),
            present: 0,
            total: None,
            is_refused: false,
            fragments: 0,
            whole: Whole { protocol: 0, wire_len: 0, ip_len: 0, fragments: 0, frame_len: 0 },
        }
    }

    /// Adds a fragment. An exact repetition changes nothing but the account; a fragment that overlaps others otherwise,
    /// or says that the datagram ends elsewhere, makes that it is refused as a whole, with what may still come (RFC 5722
    /// §3, which df applies to IPv4 too).
    pub(super) fn place(&mut self, fragment: &Fragment<'_>, max_fragments: usize) -> Placement {
        if self.is_refused {
            return Placement::Refused(1);
        }
        self.fragments = self.fragments.saturating_add(1);
        let index = self.pieces.partition_point(|piece| piece.offset < fragment.offset);
        let is_repeated = self.pieces.get(index).is_some_and(|piece| self.is_same(piece, fragment));
        if !is_repeated {
            if !self.has_room_at(index, fragment, max_fragments) {
                return self.refuse();
            }
            self.insert(index, fragment);
        }
        self.account(fragment);
        if self.total == Some(self.present) { Placement::Complete } else { Placement::Held }
    }

    /// Puts the bytes together, as far as they were captured without a gap.
    pub(super) fn assemble(&self, into: &mut Vec<u8>) -> Whole {
        into.clear();
        for piece in &self.pieces {
            into.extend_from_slice(self.captured(piece));
            if piece.len < usize::try_from(piece.wire_len).unwrap_or(usize::MAX) {
                break;
            }
        }
        Whole { wire_len: self.present, ..self.whole }
    }

    /// Tells this datagram from a later one with the same key.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// How many fragments have come and are not counted otherwise.
    pub(super) const fn fragments(&self) -> u64 {
        self.fragments
    }

    /// What the fragments take.
    pub(super) const fn held_bytes(&self) -> usize {
        self.bytes.capacity().saturating_add(self.pieces.capacity().saturating_mul(size_of::<Piece>()))
    }

    fn is_same(&self, piece: &Piece, fragment: &Fragment<'_>) -> bool {
        let captured = self.captured(piece);
        let common = captured.len().min(fragment.bytes.len());
        let has_same_place = piece.offset == fragment.offset && piece.wire_len == fragment.wire_len;
        has_same_place && captured.get(..common) == fragment.bytes.get(..common)
    }

    fn has_room_at(&self, index: usize, fragment: &Fragment<'_>, max_fragments: usize) -> bool {
        let end = fragment.offset.saturating_add(fragment.wire_len);
        let before = index.checked_sub(1).and_then(|before| self.pieces.get(before));
        let behind = self.pieces.get(index);
        let last_end = self.pieces.last().map_or(0, |piece| piece.offset.saturating_add(piece.wire_len));
        let ends_well = match (fragment.has_more, self.total) {
            (true, Some(total)) => end <= total,
            (true, None) => true,
            (false, Some(_)) => false,
            (false, None) => last_end <= end,
        };
        ends_well
            && self.pieces.len() < max_fragments
            && before.is_none_or(|piece| piece.offset.saturating_add(piece.wire_len) <= fragment.offset)
            && behind.is_none_or(|piece| end <= piece.offset)
    }

    fn insert(&mut self, index: usize, fragment: &Fragment<'_>) {
        let Fragment { offset, wire_len, bytes, .. } = *fragment;
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.pieces.insert(index, Piece { offset, wire_len, start, len: bytes.len() });
        self.present = self.present.saturating_add(wire_len);
        if !fragment.has_more {
            self.total = Some(offset.saturating_add(wire_len));
        }
        if offset == 0 {
            self.whole.protocol = fragment.protocol;
        }
    }

    const fn account(&mut self, fragment: &Fragment<'_>) {
        self.whole.ip_len = self.whole.ip_len.saturating_add(fragment.ip_len);
        self.whole.fragments = self.whole.fragments.saturating_add(1);
        self.whole.frame_len = self.whole.frame_len.saturating_add(fragment.frame_len);
    }

    fn refuse(&mut self) -> Placement {
        self.is_refused = true;
        self.pieces = Vec::new();
        self.bytes = Vec::new();
        Placement::Refused(std::mem::take(&mut self.fragments))
    }

    fn captured(&self, piece: &Piece) -> &[u8] {
        self.bytes.get(piece.start..piece.start.saturating_add(piece.len)).unwrap_or_default()
    }
}
