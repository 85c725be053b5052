//! Walks over blocks of data piece by piece: compressed ones by the lengths of their frames, others column by column.

use df_core::Direction;

use crate::Cursor;

use super::column::Column;
use super::wire::{revision, text, varint};

/// The checksum before a compressed frame.
const CHECKSUM_BYTES: usize = 16;
/// Method and lengths of a compressed frame, which count as part of it.
const FRAME_HEADER_BYTES: usize = 9;
/// Nothing longer is believed.
const MAX_FRAME_BYTES: u32 = 1 << 30;
/// Servers fill 1 MiB before they begin another frame.
const MIN_FULL_FRAME_BYTES: u32 = 1 << 16;
/// The most columns and rows that are believed.
const MAX_COUNT: u64 = 1 << 30;
/// The longest name or type of a column.
const MAX_NAME_BYTES: usize = 16_384;

/// A walk over one block.
#[derive(Debug)]
pub(super) enum Block {
    Compressed(CompressedBlock),
    Plain(PlainBlock),
}

/// A walk over a block in compressed frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CompressedBlock {
    /// The first frame, which must be there.
    First { sender: Direction },
    /// A frame follows if it looks like one.
    MayGoOn { sender: Direction },
    /// No further frame follows.
    Ended,
}

/// A walk over a block that is not compressed.
#[derive(Debug, Default)]
pub(super) struct PlainBlock {
    revision: u64,
    has_head: bool,
    columns: u64,
    rows: u64,
    /// The columns of the one at hand that are still to be walked over, the next last.
    stack: Vec<(Column, u64)>,
}

/// What a step of a walk came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// This many bytes, perhaps more than there are.
    Consumed(usize),
    /// The block ends before these bytes.
    Done,
    /// This many bytes are needed.
    Needed(usize),
    /// Where it ends cannot be told.
    Lost,
}

impl Block {
    pub(super) fn new(is_compressed: bool, revision: u64, sender: Direction) -> Self {
        if is_compressed {
            return Self::Compressed(CompressedBlock::First { sender });
        }
        Self::Plain(PlainBlock { revision, ..PlainBlock::default() })
    }

    pub(super) fn step(&mut self, bytes: &[u8]) -> Step {
        match self {
            Self::Compressed(block) => block.step(bytes),
            Self::Plain(block) => block.step(bytes),
        }
    }
}

impl CompressedBlock {
    fn step(&mut self, bytes: &[u8]) -> Step {
        let (sender, is_first) = match *self {
            Self::First { sender } => (sender, true),
            Self::MayGoOn { sender } => (sender, false),
            Self::Ended => return Step::Done,
        };
        let Some(frame) = Frame::read(bytes) else {
            return Step::Needed(CHECKSUM_BYTES + FRAME_HEADER_BYTES);
        };
        match frame.total_len() {
            Some(len) => {
                *self = if frame.is_last(sender) { Self::Ended } else { Self::MayGoOn { sender } };
                Step::Consumed(len)
            }
            None if is_first => Step::Lost,
            None => Step::Done,
        }
    }
}

/// What stands before compressed bytes, checksum aside.
#[derive(Debug, Clone, Copy)]
struct Frame {
    method: u8,
    packed: u32,
    plain: u32,
}

impl Frame {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        cursor.take(CHECKSUM_BYTES)?;
        Some(Self { method: cursor.u8()?, packed: cursor.u32_le()?, plain: cursor.u32_le()? })
    }

    /// The frame's length with its checksum; none if it is no frame.
    fn total_len(self) -> Option<usize> {
        let packed = usize::try_from(self.packed).ok()?;
        let is_frame = matches!(self.method, 0x02 | 0x82 | 0x90)
            && packed >= FRAME_HEADER_BYTES
            && self.packed < MAX_FRAME_BYTES
            && self.plain < MAX_FRAME_BYTES;
        packed.checked_add(CHECKSUM_BYTES).filter(|_| is_frame)
    }

    /// Whether the block ends with it: servers begin another frame only where their buffer was full. What follows cannot
    /// tell, since the end of an answer is one byte, which a checksum may begin with. Some clients end frames early, but
    /// nobody waits for the end of theirs.
    fn is_last(self, sender: Direction) -> bool {
        sender == Direction::ToClient && self.plain < MIN_FULL_FRAME_BYTES
    }
}

impl PlainBlock {
    fn step(&mut self, bytes: &[u8]) -> Step {
        if !self.has_head {
            return self.head(bytes);
        }
        match self.stack.pop() {
            Some((column, rows)) => self.values(column, rows, bytes),
            None if self.columns == 0 => Step::Done,
            None => self.column(bytes),
        }
    }

    fn head(&mut self, bytes: &[u8]) -> Step {
        let mut cursor = Cursor::new(bytes);
        let Some((columns, rows)) = counts(&mut cursor) else {
            return needed(bytes, MAX_HEAD_BYTES);
        };
        if columns > MAX_COUNT || rows > MAX_COUNT {
            return Step::Lost;
        }
        (self.has_head, self.columns, self.rows) = (true, columns, rows);
        Step::Consumed(cursor.position())
    }

    /// Name and type of the next column.
    fn column(&mut self, bytes: &[u8]) -> Step {
        let mut cursor = Cursor::new(bytes);
        let read = text(&mut cursor).and_then(|_name| {
            let kind = text(&mut cursor)?;
            let is_custom = self.revision >= revision::CUSTOM_SERIALIZATION && cursor.u8()? != 0;
            Some((kind, is_custom))
        });
        let Some((kind, is_custom)) = read else { return needed(bytes, MAX_NAME_BYTES) };
        self.columns -= 1;
        if self.rows > 0 {
            match Column::of(kind).filter(|_| !is_custom) {
                Some(column) => self.stack.push((column, self.rows)),
                None => return Step::Lost,
            }
        }
        Step::Consumed(cursor.position())
    }

    fn values(&mut self, column: Column, rows: u64, bytes: &[u8]) -> Step {
        let Ok(count) = usize::try_from(rows) else { return Step::Lost };
        match column {
            _ if rows == 0 => Step::Consumed(0),
            Column::Fixed(len) => Step::Consumed(count.saturating_mul(len)),
            Column::Nullable(inner) => {
                self.stack.push((*inner, rows));
                Step::Consumed(count)
            }
            Column::Array(inner) => {
                self.stack.push((Column::ArrayEnd(inner), rows));
                Step::Consumed(count.saturating_sub(1).saturating_mul(8))
            }
            Column::ArrayEnd(inner) => match Cursor::new(bytes).u64_le() {
                Some(elements) if elements <= MAX_COUNT => {
                    self.stack.push((*inner, elements));
                    Step::Consumed(8)
                }
                Some(_) => Step::Lost,
                None => {
                    self.stack.push((Column::ArrayEnd(inner), rows));
                    Step::Needed(8)
                }
            },
            Column::Tuple(columns) => {
                self.stack.extend(columns.into_iter().rev().map(|column| (column, rows)));
                Step::Consumed(0)
            }
            Column::Strings => self.strings(rows, bytes),
        }
    }

    fn strings(&mut self, mut rows: u64, bytes: &[u8]) -> Step {
        let mut position = 0_usize;
        while rows > 0 && position < bytes.len() {
            let mut cursor = Cursor::new(bytes.get(position..).unwrap_or_default());
            let Some(len) = varint(&mut cursor) else { break };
            let Some(len) = usize::try_from(len).ok().filter(|_| len <= MAX_COUNT) else { return Step::Lost };
            position = position.saturating_add(cursor.position()).saturating_add(len);
            rows -= 1;
        }
        if rows > 0 {
            self.stack.push((Column::Strings, rows));
        }
        match (rows, position) {
            (1.., 0) if bytes.len() >= 10 => Step::Lost,
            (1.., 0) => Step::Needed(bytes.len() + 1),
            _ => Step::Consumed(position),
        }
    }
}

/// A block's own fields, then how many columns and rows it has.
fn counts(cursor: &mut Cursor<'_>) -> Option<(u64, u64)> {
    loop {
        match varint(cursor)? {
            0 => break,
            1 => cursor.take(1)?,
            _ => cursor.take(4)?,
        };
        if cursor.position() > MAX_HEAD_BYTES {
            return None;
        }
    }
    Some((varint(cursor)?, varint(cursor)?))
}

fn needed(bytes: &[u8], max_bytes: usize) -> Step {
    if bytes.len() >= max_bytes { Step::Lost } else { Step::Needed(bytes.len() + 1) }
}

const MAX_HEAD_BYTES: usize = 64;
