//! Reads bodies by tables that say which field follows which in which version.

use crate::Cursor;

/// One field of a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    kind: Kind,
    since: i16,
    until: i16,
    meaning: Option<Meaning>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// So many bytes.
    Fixed(usize),
    Text,
    Bytes,
    Records,
    /// Elements with tagged fields of their own, unless they are plain.
    List {
        element: &'static [Field],
        is_plain: bool,
    },
    Group {
        fields: &'static [Field],
        is_nullable: bool,
    },
    /// What follows is not read.
    Rest,
}

/// What a field tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Acknowledgments,
    CoordinatorKey,
    CoordinatorKind,
    Error,
    ErrorText,
    Group,
    Mechanism,
    Partition,
    Records,
    Topic,
    TopicId,
    Transaction,
}

/// The value of a field that tells something.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Number(i32),
    Text(&'a str),
    Id([u8; 16]),
    /// Records as far as they are there, and how many bytes they are in all.
    Records(&'a [u8], usize),
}

/// How the reading of a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Walk {
    /// Every field was read; so many bytes are left.
    Complete { left: usize },
    /// The fields that tell something were read.
    Enough,
    /// The bytes end before the body does.
    Short,
    /// These bytes are not such a body.
    Invalid,
}

pub(super) const I8: Field = Field::new(Kind::Fixed(1));
pub(super) const I16: Field = Field::new(Kind::Fixed(2));
pub(super) const I32: Field = Field::new(Kind::Fixed(4));
pub(super) const I64: Field = Field::new(Kind::Fixed(8));
pub(super) const UUID: Field = Field::new(Kind::Fixed(16));
pub(super) const TEXT: Field = Field::new(Kind::Text);
pub(super) const BYTES: Field = Field::new(Kind::Bytes);
pub(super) const RECORDS: Field = Field::new(Kind::Records).means(Meaning::Records);
pub(super) const REST: Field = Field::new(Kind::Rest);

pub(super) const ACKNOWLEDGMENTS: Field = I16.means(Meaning::Acknowledgments);
pub(super) const COORDINATOR_KEY: Field = TEXT.means(Meaning::CoordinatorKey);
pub(super) const COORDINATOR_KIND: Field = I8.means(Meaning::CoordinatorKind);
pub(super) const ERROR: Field = I16.means(Meaning::Error);
pub(super) const ERROR_TEXT: Field = TEXT.means(Meaning::ErrorText);
pub(super) const GROUP: Field = TEXT.means(Meaning::Group);
pub(super) const MECHANISM: Field = TEXT.means(Meaning::Mechanism);
pub(super) const PARTITION: Field = I32.means(Meaning::Partition);
pub(super) const TOPIC: Field = TEXT.means(Meaning::Topic);
pub(super) const TOPIC_ID: Field = UUID.means(Meaning::TopicId);
pub(super) const TRANSACTION: Field = TEXT.means(Meaning::Transaction);

/// A list of elements with these fields.
pub(super) const fn list(element: &'static [Field]) -> Field {
    Field::new(Kind::List { element, is_plain: false })
}

/// Fields that stand together.
pub(super) const fn group(fields: &'static [Field]) -> Field {
    Field::new(Kind::Group { fields, is_nullable: false })
}

impl Field {
    const fn new(kind: Kind) -> Self {
        Self { kind, since: 0, until: i16::MAX, meaning: None }
    }

    /// The first version that has the field.
    pub(super) const fn since(mut self, version: i16) -> Self {
        self.since = version;
        self
    }

    /// The last version that has the field.
    pub(super) const fn until(mut self, version: i16) -> Self {
        self.until = version;
        self
    }

    /// A list whose elements are no structures.
    pub(super) const fn plain(mut self) -> Self {
        if let Kind::List { element, .. } = self.kind {
            self.kind = Kind::List { element, is_plain: true };
        }
        self
    }

    /// A group that may be missing.
    pub(super) const fn nullable(mut self) -> Self {
        if let Kind::Group { fields, .. } = self.kind {
            self.kind = Kind::Group { fields, is_nullable: true };
        }
        self
    }

    const fn means(mut self, meaning: Meaning) -> Self {
        self.meaning = Some(meaning);
        self
    }
}

/// Reads the fields of a body and shows those that tell something. Takes time in proportion to `bytes`.
pub(super) fn walk<'a>(
    bytes: &'a [u8],
    fields: &'static [Field],
    format: Format,
    visit: &mut dyn FnMut(Meaning, Value<'a>),
) -> Walk {
    let mut walker = Walker { cursor: Cursor::new(bytes), format, visit };
    match walker.fields(fields).and_then(|()| walker.tags(false)) {
        Ok(()) => Walk::Complete { left: walker.cursor.rest().len() },
        Err(stop) => stop,
    }
}

/// How the fields of a message are encoded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Format {
    pub(super) version: i16,
    /// Compact lengths and tagged fields.
    pub(super) is_flexible: bool,
}

struct Walker<'a, 'v> {
    cursor: Cursor<'a>,
    format: Format,
    visit: &'v mut dyn FnMut(Meaning, Value<'a>),
}

impl Walker<'_, '_> {
    fn fields(&mut self, fields: &'static [Field]) -> Result<(), Walk> {
        let version = self.format.version;
        for field in fields.iter().filter(|field| (field.since..=field.until).contains(&version)) {
            self.field(field)?;
        }
        Ok(())
    }

    fn field(&mut self, field: &Field) -> Result<(), Walk> {
        match field.kind {
            Kind::Fixed(len) => {
                let bytes = self.cursor.take(len).ok_or(Walk::Short)?;
                if let Some(meaning) = field.meaning {
                    (self.visit)(meaning, fixed(bytes));
                }
            }
            Kind::Text => self.text(field.meaning)?,
            Kind::Bytes => {
                let len = self.length(4)?;
                self.cursor.take(len.unwrap_or_default()).ok_or(Walk::Short)?;
            }
            Kind::Records => self.records()?,
            Kind::List { element, is_plain } => self.list(element, is_plain)?,
            Kind::Group { fields, is_nullable } => {
                let is_there = !is_nullable || self.cursor.u8().ok_or(Walk::Short)? == 1;
                if is_there {
                    self.fields(fields)?;
                    self.tags(false)?;
                }
            }
            Kind::Rest => return Err(Walk::Enough),
        }
        Ok(())
    }

    fn text(&mut self, meaning: Option<Meaning>) -> Result<(), Walk> {
        let Some(len) = self.length(2)? else { return Ok(()) };
        let bytes = self.cursor.take(len).ok_or(Walk::Short)?;
        if let Some(meaning) = meaning {
            let text = std::str::from_utf8(bytes).map_err(|_| Walk::Invalid)?;
            (self.visit)(meaning, Value::Text(text));
        }
        Ok(())
    }

    fn records(&mut self) -> Result<(), Walk> {
        let Some(len) = self.length(4)? else { return Ok(()) };
        let rest = self.cursor.rest();
        let visible = rest.get(..len).unwrap_or(rest);
        (self.visit)(Meaning::Records, Value::Records(visible, len));
        self.cursor.take(len).map(|_| ()).ok_or(Walk::Short)
    }

    fn list(&mut self, element: &'static [Field], is_plain: bool) -> Result<(), Walk> {
        let Some(count) = self.length(4)? else { return Ok(()) };
        for _ in 0..count {
            let before = self.cursor.position();
            self.fields(element)?;
            self.tags(is_plain)?;
            if self.cursor.position() == before {
                return Err(Walk::Invalid);
            }
        }
        Ok(())
    }

    /// The length in front of a text (2 bytes) or of anything else (4); none for what is null.
    fn length(&mut self, width: usize) -> Result<Option<usize>, Walk> {
        if self.format.is_flexible {
            let length = unsigned_varint(&mut self.cursor)?;
            return Ok(usize::try_from(length).ok().and_then(|length| length.checked_sub(1)));
        }
        let length = match width {
            2 => self.cursor.u16_be().map(|length| i32::from(length.cast_signed())),
            _ => self.cursor.u32_be().map(u32::cast_signed),
        };
        match length.ok_or(Walk::Short)? {
            -1 => Ok(None),
            length => usize::try_from(length).map(Some).map_err(|_| Walk::Invalid),
        }
    }

    /// The tagged fields at the end of a structure, which tell nothing.
    fn tags(&mut self, is_plain: bool) -> Result<(), Walk> {
        if self.format.is_flexible && !is_plain { skip_tags(&mut self.cursor) } else { Ok(()) }
    }
}

/// Passes over tagged fields (KIP-482).
pub(super) fn skip_tags(cursor: &mut Cursor<'_>) -> Result<(), Walk> {
    for _ in 0..unsigned_varint(cursor)? {
        unsigned_varint(cursor)?;
        let len = unsigned_varint(cursor)?;
        cursor.take(usize::try_from(len).map_err(|_| Walk::Invalid)?).ok_or(Walk::Short)?;
    }
    Ok(())
}

/// A number in groups of seven bits, the lowest first.
fn unsigned_varint(cursor: &mut Cursor<'_>) -> Result<u32, Walk> {
    let mut value = 0_u32;
    for shift in [0, 7, 14, 21, 28] {
        let byte = cursor.u8().ok_or(Walk::Short)?;
        value |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Walk::Invalid)
}

fn fixed<'a>(bytes: &[u8]) -> Value<'a> {
    match *bytes {
        [one] => Value::Number(i32::from(one.cast_signed())),
        [one, two] => Value::Number(i32::from(i16::from_be_bytes([one, two]))),
        [one, two, three, four] => Value::Number(i32::from_be_bytes([one, two, three, four])),
        _ => Value::Id(bytes.try_into().unwrap_or_default()),
    }
}
