//! Puts the bytes of one direction of a TCP connection in order.

use df_core::Timestamp;

/// The state of one direction: what comes next, and what came too early.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Assembler {
    /// The sequence number that comes next.
    next: u32,
    /// The stream offset of that byte.
    offset: u64,
    has_begun: bool,
    /// Segments after a hole. Empty, and then without memory, almost always.
    early: Option<Box<Early>>,
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Early {
    /// In the order of their sequence numbers.
    segments: Vec<EarlySegment>,
    bytes: usize,
    /// When the hole before them was noticed.
    since: Timestamp,
    /// How many packets of this direction came since.
    packets: u32,
    /// Whether the receiver had acknowledged the hole before: the missing bytes went by uncaptured.
    was_acknowledged: bool,
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct EarlySegment {
    sequence_number: u32,
    timestamp: Timestamp,
    bytes: Box<[u8]>,
    original_len: u32,
}

/// A data segment: where it stands and what was captured of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment<'a> {
    pub(crate) sequence_number: u32,
    pub(crate) timestamp: Timestamp,
    pub(crate) bytes: &'a [u8],
    pub(crate) original_len: u32,
}

/// Bytes in order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ordered<'a> {
    pub(crate) offset: u64,
    pub(crate) segment: Segment<'a>,
}

/// What became of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placement {
    /// All or part of it was next.
    InOrder,
    /// It was next, and came after later bytes.
    FilledHole,
    /// All of it had been seen.
    Repeated,
    /// It is held until the bytes before it come.
    Early,
    /// A probe of one byte that had been acknowledged already (RFC 9293 §3.8.4).
    KeepAlive,
}

/// Why bytes are given up as lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The receiver has them, or they have been missing for long.
    Certain,
    /// Too many bytes wait behind them.
    Forced,
}

impl Assembler {
    /// The connection begins: the next data byte follows the SYN.
    pub(crate) fn handle_syn(&mut self, sequence_number: u32) {
        if !self.has_begun {
            self.has_begun = true;
            self.next = sequence_number.wrapping_add(1);
        }
    }

    /// Whether the other end may acknowledge just this much at the moment.
    pub(crate) fn is_near(&self, acknowledgment_number: u32) -> bool {
        self.has_begun && distance(self.next, acknowledgment_number).unsigned_abs() <= MAX_IN_FLIGHT_BYTES
    }

    /// Takes a data segment, gives what is next in order to `deliver`. The other end has everything before `acknowledged`.
    pub(crate) fn handle_segment(
        &mut self,
        segment: Segment<'_>,
        acknowledged: Option<u32>,
        mut deliver: impl FnMut(Ordered<'_>),
    ) -> Placement {
        if !self.has_begun {
            self.has_begun = true;
            self.next = segment.sequence_number;
        }
        if let Some(early) = &mut self.early {
            early.packets = early.packets.saturating_add(1);
        }
        let ahead = distance(self.next, segment.sequence_number);
        if ahead > 0 {
            return self.hold(segment, acknowledged);
        }
        let end_ahead = distance(self.next, segment.end());
        if end_ahead <= 0 {
            let is_probe = segment.original_len <= 1 && end_ahead == 0;
            return if is_probe { Placement::KeepAlive } else { Placement::Repeated };
        }
        self.deliver_new_part(segment, &mut deliver);
        if self.early.is_none() {
            return Placement::InOrder;
        }
        self.deliver_early(&mut deliver);
        Placement::FilledHole
    }

    /// Whether the bytes of the hole, if there is one, must be given up. The other end has everything before `acknowledged`.
    pub(crate) fn loss(&self, now: Timestamp, acknowledged: Option<u32>, max_bytes: usize) -> Option<Loss> {
        let early = self.early.as_deref()?;
        let first = early.segments.first()?;
        if early.bytes > max_bytes || early.segments.len() > MAX_EARLY_SEGMENTS {
            return Some(Loss::Forced);
        }
        let is_acknowledged = is_before(first.sequence_number, acknowledged);
        let is_old = now.since(early.since) >= MAX_HOLE_AGE;
        let is_certain = early.was_acknowledged || (is_acknowledged && early.packets >= PATIENCE_PACKETS);
        (is_old || is_certain).then_some(Loss::Certain)
    }

    /// Gives up the bytes of the first hole and delivers what waits behind it. Gives whether there was one.
    pub(crate) fn skip_hole(&mut self, mut deliver: impl FnMut(Ordered<'_>)) -> bool {
        let Some(first) = self.early.as_deref().and_then(|early| early.segments.first()) else {
            return false;
        };
        let ahead = distance(self.next, first.sequence_number);
        self.next = first.sequence_number;
        self.offset = self.offset.saturating_add(u64::try_from(ahead).unwrap_or_default());
        self.deliver_early(&mut deliver);
        true
    }

    /// Reads something of itself, as [`Near::read_a_little`](crate::near::Near::read_a_little) says.
    #[inline]
    pub(crate) fn read_a_little(&self) -> u64 {
        self.offset
    }

    /// How many bytes are missing before what is held.
    pub(crate) fn hole_bytes(&self) -> u32 {
        let first = self.early.as_deref().and_then(|early| early.segments.first());
        let ahead = first.map_or(0, |first| distance(self.next, first.sequence_number));
        u32::try_from(ahead).unwrap_or_default()
    }

    /// A datagram needs no order: gives the offset at which it stands.
    pub(crate) fn pass(&mut self, len: u32) -> u64 {
        let offset = self.offset;
        self.offset = offset.saturating_add(u64::from(len));
        offset
    }

    /// Where the next byte in order stands.
    pub(crate) const fn next_position(&self) -> u32 {
        self.next
    }

    /// Since when bytes are missing before what is held.
    pub(crate) fn hole_since(&self) -> Option<Timestamp> {
        self.early.as_deref().map(|early| early.since)
    }

    /// Bytes held until earlier ones come.
    pub(crate) fn held_bytes(&self) -> usize {
        self.early.as_deref().map_or(0, |early| early.bytes)
    }

    fn deliver_new_part(&mut self, segment: Segment<'_>, deliver: &mut impl FnMut(Ordered<'_>)) {
        let seen = distance(segment.sequence_number, self.next);
        let segment = segment.without_front(u32::try_from(seen).unwrap_or_default());
        deliver(Ordered { offset: self.offset, segment });
        self.next = segment.end();
        self.offset = self.offset.saturating_add(u64::from(segment.original_len));
    }

    fn deliver_early(&mut self, deliver: &mut impl FnMut(Ordered<'_>)) {
        let Some(mut early) = self.early.take() else { return };
        let mut delivered = 0;
        for held in &early.segments {
            let segment = held.as_segment();
            if distance(self.next, segment.sequence_number) > 0 {
                break;
            }
            delivered += 1;
            early.bytes = early.bytes.saturating_sub(held.bytes.len());
            if distance(self.next, segment.end()) > 0 {
                early.since = held.timestamp;
                self.deliver_new_part(segment, deliver);
            }
        }
        early.segments.drain(..delivered);
        early.packets = 0;
        early.was_acknowledged = false;
        if !early.segments.is_empty() {
            self.early = Some(early);
        }
    }

    fn hold(&mut self, segment: Segment<'_>, acknowledged: Option<u32>) -> Placement {
        let next = self.next;
        let was_acknowledged = is_before(segment.sequence_number, acknowledged);
        let since = segment.timestamp;
        let early = self.early.get_or_insert_with(|| {
            Box::new(Early { segments: Vec::new(), bytes: 0, since, packets: 0, was_acknowledged })
        });
        let ahead = distance(next, segment.sequence_number);
        let place = early.segments.partition_point(|held| distance(next, held.sequence_number) < ahead);
        let is_covered = |held: &EarlySegment| {
            distance(held.sequence_number, segment.sequence_number) >= 0
                && distance(segment.end(), held.as_segment().end()) >= 0
        };
        let neighbours = early.segments.get(place.saturating_sub(1)..).unwrap_or_default();
        if neighbours.iter().take(2).any(is_covered) {
            return Placement::Repeated;
        }
        early.bytes = early.bytes.saturating_add(segment.bytes.len());
        early.segments.insert(
            place,
            EarlySegment {
                sequence_number: segment.sequence_number,
                timestamp: segment.timestamp,
                bytes: segment.bytes.into(),
                original_len: segment.original_len,
            },
        );
        Placement::Early
    }
}

impl EarlySegment {
    fn as_segment(&self) -> Segment<'_> {
        Segment {
            sequence_number: self.sequence_number,
            timestamp: self.timestamp,
            bytes: &self.bytes,
            original_len: self.original_len,
        }
    }
}

impl Segment<'_> {
    /// The sequence number after the last byte, captured or not.
    pub(crate) const fn end(&self) -> u32 {
        self.sequence_number.wrapping_add(self.original_len)
    }

    fn without_front(self, len: u32) -> Self {
        let front = usize::try_from(len).unwrap_or(usize::MAX);
        Self {
            sequence_number: self.sequence_number.wrapping_add(len),
            bytes: self.bytes.get(front..).unwrap_or_default(),
            original_len: self.original_len.saturating_sub(len),
            ..self
        }
    }
}

/// Whether everything before `sequence_number` was acknowledged.
fn is_before(sequence_number: u32, acknowledged: Option<u32>) -> bool {
    acknowledged.is_some_and(|acknowledged| distance(sequence_number, acknowledged) >= 0)
}

/// How far `to` is ahead of `from` in the circle of sequence numbers (RFC 9293 §3.4).
#[allow(clippy::cast_possible_wrap, reason = "the sign is the point: sequence numbers compare modulo 2^32")]
pub(crate) const fn distance(from: u32, to: u32) -> i32 {
    to.wrapping_sub(from) as i32
}

/// How far an acknowledgment may be from the bytes seen.
const MAX_IN_FLIGHT_BYTES: u32 = 1 << 24;
/// How many segments wait behind a hole at most.
const MAX_EARLY_SEGMENTS: usize = 512;
/// How long a hole stays open when no acknowledgment says that it was filled unseen.
const MAX_HOLE_AGE: std::time::Duration = std::time::Duration::from_secs(3);
/// How many packets of the direction may follow a hole that was acknowledged: the capture may have swapped some.
const PATIENCE_PACKETS: u32 = 3;
