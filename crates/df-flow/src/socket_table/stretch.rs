//! The bytes of one direction of a conversation, put in order.

use df_core::{CausalId, Chunk, Direction, SocketData, StreamPosition, Timestamp};

use super::SocketStats;
use crate::assembler::{Assembler, Ordered, Placement, Segment, distance};

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Stretch {
    assembler: Assembler,
    /// What is known of segments that wait for earlier bytes, in order of position.
    early: Vec<Note>,
}

/// What is known of bytes beside their position.
#[derive(Debug, Clone, Copy)]
struct Note {
    position: u32,
    sequence_number: Option<u32>,
    causal_id: Option<CausalId>,
}

impl Stretch {
    /// Takes what a call moved, gives what is next in order to `deliver`.
    pub(super) fn handle(
        &mut self,
        direction: Direction,
        timestamp: Timestamp,
        data: &SocketData<'_>,
        stats: &mut SocketStats,
        mut deliver: impl FnMut(Chunk<'_>),
    ) {
        let original_len = u32::try_from(data.original_len).unwrap_or(u32::MAX);
        let note = Note::of(data);
        if data.position == StreamPosition::Datagram {
            let offset = self.assembler.pass(original_len);
            stats.delivered_bytes += u64::from(original_len);
            let chunk = Chunk::new(direction, timestamp, offset, data.bytes);
            return deliver(chunk.with_original_len(data.original_len).with_causal_id(data.causal_id));
        }
        let segment = Segment { sequence_number: note.position, timestamp, bytes: data.bytes, original_len };
        let early = &self.early;
        let placement = self.assembler.handle_segment(segment, None, |ordered| {
            stats.delivered_bytes += u64::from(ordered.segment.original_len);
            deliver(note.of_delivered(early, &ordered).chunk(direction, &ordered));
        });
        match placement {
            Placement::Early => self.keep(note),
            Placement::Repeated | Placement::KeepAlive => stats.repeated_bytes += u64::from(original_len),
            Placement::FilledHole => self.forget_delivered(),
            Placement::InOrder => {}
        }
    }

    /// Gives up what is missing before the first bytes that wait.
    pub(super) fn give_up_hole(
        &mut self,
        direction: Direction,
        stats: &mut SocketStats,
        mut deliver: impl FnMut(Chunk<'_>),
    ) {
        let early = &self.early;
        let was_there = self.assembler.skip_hole(|ordered| {
            stats.delivered_bytes += u64::from(ordered.segment.original_len);
            let note = Note::found(early, ordered.segment.sequence_number).unwrap_or(Note::unknown(&ordered));
            deliver(note.chunk(direction, &ordered));
        });
        stats.gaps += u64::from(was_there);
        self.forget_delivered();
    }

    /// Since when bytes are missing.
    pub(super) fn hole_since(&self) -> Option<Timestamp> {
        self.assembler.hole_since()
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.assembler.held_bytes()
    }

    /// Whether more segments wait than ever do on a stream that loses nothing.
    pub(super) const fn holds_too_many(&self) -> bool {
        self.early.len() > MAX_EARLY_SEGMENTS
    }

    /// Of two at the same position the one that came first counts.
    fn keep(&mut self, note: Note) {
        let place = self.early.partition_point(|kept| distance(kept.position, note.position) > 0);
        self.early.insert(place, note);
    }

    fn forget_delivered(&mut self) {
        if self.assembler.hole_since().is_none() {
            self.early = Vec::new();
            return;
        }
        let next = self.assembler.next_position();
        let past = self.early.partition_point(|note| distance(note.position, next) >= 0);
        self.early.drain(..past.saturating_sub(1));
    }
}

impl Note {
    fn of(data: &SocketData<'_>) -> Self {
        let (position, sequence_number) = match data.position {
            StreamPosition::Tcp(number) => (number, Some(number)),
            #[allow(clippy::cast_possible_truncation, reason = "positions compare modulo 2^32")]
            StreamPosition::Plaintext { offset, sequence_number } => (offset as u32, sequence_number),
            #[allow(clippy::cast_possible_truncation, reason = "positions compare modulo 2^32")]
            StreamPosition::Counted { offset, is_from_start } => {
                (offset as u32, is_from_start.then_some(offset as u32))
            }
            StreamPosition::Datagram => (0, None),
        };
        Self { position, sequence_number, causal_id: data.causal_id }
    }

    const fn unknown(ordered: &Ordered<'_>) -> Self {
        Self { position: ordered.segment.sequence_number, sequence_number: None, causal_id: None }
    }

    /// The note of the segment that was kept and holds this position.
    fn found(early: &[Self], position: u32) -> Option<Self> {
        let past = early.partition_point(|note| distance(note.position, position) >= 0);
        past.checked_sub(1).and_then(|last| early.get(last)).copied()
    }

    /// The note of what is delivered: this one's segment, or one that waited for it.
    fn of_delivered(self, early: &[Self], ordered: &Ordered<'_>) -> Self {
        let position = ordered.segment.sequence_number;
        let kept = Self::found(early, position);
        let own = distance(self.position, position);
        kept.filter(|kept| own < 0 || distance(kept.position, position) < own).unwrap_or(self)
    }

    fn chunk<'a>(&self, direction: Direction, ordered: &Ordered<'a>) -> Chunk<'a> {
        let Segment { timestamp, bytes, original_len, sequence_number } = ordered.segment;
        let mut chunk = Chunk::new(direction, timestamp, ordered.offset, bytes)
            .with_original_len(usize::try_from(original_len).unwrap_or(usize::MAX))
            .with_causal_id(self.causal_id);
        let moved = sequence_number.wrapping_sub(self.position);
        chunk.sequence_number = self.sequence_number.map(|number| number.wrapping_add(moved));
        chunk
    }
}

/// Segments that wait behind a hole at most.
const MAX_EARLY_SEGMENTS: usize = 512;
