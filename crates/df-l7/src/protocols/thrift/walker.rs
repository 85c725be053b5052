//! Walks through the struct of a message, piece by piece, to find its end and what it says of errors.

use crate::{Cursor, ParseError, ParseErrorReason};

use super::values::{ValueType, bounded_varint, field, length, list, map};
use super::wire::Encoding;

/// How many places a walk remembers: values may be nested as deep as implementations take, 64 levels.
const MAX_DEPTH: usize = 128;

/// A walk through one struct.
#[derive(Debug)]
pub(super) struct Walker {
    encoding: Encoding,
    places: Vec<Place>,
    /// Whether the struct is a `TApplicationException`, whose fields are kept.
    is_exception: bool,
    max_text_bytes: usize,
    findings: Findings,
}

/// What a struct says.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Findings {
    /// The id of the first field: in a result 0 is success, others are exceptions.
    pub(super) first_field_id: Option<i16>,
    /// The message of a `TApplicationException`, as long as it may be shown.
    pub(super) text: Option<Vec<u8>>,
    /// The type of a `TApplicationException`.
    pub(super) kind: Option<u32>,
}

/// What a walk came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Walked {
    /// The struct ends here.
    Done { consumed: usize },
    /// It goes on. `needed` more bytes are needed behind those consumed, which may reach beyond the input.
    More { consumed: usize, needed: usize },
}

/// Where in the struct the walk is.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// Before a field or the end.
    Struct { last_id: i16 },
    /// Before a value.
    Value(ValueType),
    /// Before an element.
    Elements { kind: ValueType, remaining: usize },
    /// Before a key or a value.
    Pairs { types: [ValueType; 2], remaining: usize, is_value: bool },
}

enum Token {
    Consumed(usize),
    Needed(usize),
}

impl Walker {
    pub(super) fn new(encoding: Encoding, is_exception: bool, max_text_bytes: usize) -> Self {
        let places = vec![Place::Struct { last_id: 0 }];
        Self { encoding, places, is_exception, max_text_bytes, findings: Findings::default() }
    }

    /// What was found so far.
    pub(super) fn into_findings(self) -> Findings {
        self.findings
    }

    /// Walks on from the start of `bytes`.
    pub(super) fn walk(&mut self, bytes: &[u8]) -> Result<Walked, ParseError> {
        let mut consumed = 0_usize;
        while let Some(place) = self.places.last().copied() {
            let rest = bytes.get(consumed..).unwrap_or_default();
            if consumed > bytes.len() {
                return Ok(Walked::More { consumed, needed: 1 });
            }
            match self.step(place, rest)? {
                Token::Consumed(len) => consumed = consumed.saturating_add(len),
                Token::Needed(needed) => return Ok(Walked::More { consumed, needed }),
            }
        }
        Ok(Walked::Done { consumed })
    }

    fn step(&mut self, place: Place, bytes: &[u8]) -> Result<Token, ParseError> {
        match place {
            Place::Struct { last_id } => self.field(bytes, last_id),
            Place::Value(kind) => self.value(kind, bytes),
            Place::Elements { kind, remaining } => {
                self.places.pop();
                self.elements(kind, remaining)
            }
            Place::Pairs { types: [key, value], remaining, is_value } => {
                self.places.pop();
                if remaining == 0 {
                    return Ok(Token::Consumed(0));
                }
                let remaining = remaining.saturating_sub(usize::from(is_value));
                self.places.push(Place::Pairs { types: [key, value], remaining, is_value: !is_value });
                self.push(Place::Value(if is_value { value } else { key }))
            }
        }
    }

    fn field(&mut self, bytes: &[u8], last_id: i16) -> Result<Token, ParseError> {
        let Some((header, len)) = field(self.encoding, bytes, last_id)? else {
            return Ok(Token::Needed(bytes.len().saturating_add(1)));
        };
        self.places.pop();
        let Some((kind, id)) = header else { return Ok(Token::Consumed(len)) };
        if self.places.is_empty() {
            self.findings.first_field_id.get_or_insert(id);
        }
        self.places.push(Place::Struct { last_id: id });
        self.push(Place::Value(kind))?;
        Ok(Token::Consumed(len))
    }

    fn value(&mut self, kind: ValueType, bytes: &[u8]) -> Result<Token, ParseError> {
        if let Some(needed) = self.keep(kind, bytes)? {
            return Ok(Token::Needed(needed));
        }
        let needed = Token::Needed(bytes.len().saturating_add(1));
        let (place, len) = match kind {
            ValueType::Nothing => (None, 0),
            ValueType::Fixed(len) => (None, usize::from(len)),
            ValueType::Varint => {
                let mut cursor = Cursor::new(bytes);
                if bounded_varint(&mut cursor, 10)?.is_none() {
                    return Ok(needed);
                }
                (None, cursor.position())
            }
            ValueType::String => match length(self.encoding, bytes)? {
                Some((len, header)) => (None, header.saturating_add(len)),
                None => return Ok(needed),
            },
            ValueType::Struct => (Some(Place::Struct { last_id: 0 }), 0),
            ValueType::Map => match map(self.encoding, bytes)? {
                Some((types, remaining, len)) => {
                    (Some(Place::Pairs { types, remaining, is_value: false }), len)
                }
                None => return Ok(needed),
            },
            ValueType::List => match list(self.encoding, bytes)? {
                Some((kind, remaining, len)) => (Some(Place::Elements { kind, remaining }), len),
                None => return Ok(needed),
            },
        };
        self.places.pop();
        if let Some(place) = place {
            self.push(place)?;
        }
        Ok(Token::Consumed(len))
    }

    fn elements(&mut self, kind: ValueType, remaining: usize) -> Result<Token, ParseError> {
        match kind {
            _ if remaining == 0 => {}
            ValueType::Nothing => {}
            ValueType::Fixed(len) => {
                return Ok(Token::Consumed(remaining.saturating_mul(usize::from(len))));
            }
            _ => {
                self.places.push(Place::Elements { kind, remaining: remaining.saturating_sub(1) });
                return self.push(Place::Value(kind));
            }
        }
        Ok(Token::Consumed(0))
    }

    fn push(&mut self, place: Place) -> Result<Token, ParseError> {
        if self.places.len() >= MAX_DEPTH {
            return Err(ParseError::new(0, ParseErrorReason::LimitExceeded));
        }
        self.places.push(place);
        Ok(Token::Consumed(0))
    }

    /// Keeps the value if it is one of a `TApplicationException`'s. Gives how many bytes it needs for that.
    fn keep(&mut self, kind: ValueType, bytes: &[u8]) -> Result<Option<usize>, ParseError> {
        let [Place::Struct { last_id }, _] = self.places.as_slice() else { return Ok(None) };
        match (*last_id, kind) {
            _ if !self.is_exception => {}
            (1, ValueType::String) => {
                let Some((len, header)) = length(self.encoding, bytes)? else { return Ok(None) };
                let end = header.saturating_add(len.min(self.max_text_bytes));
                let Some(text) = bytes.get(header..end) else { return Ok(Some(end)) };
                self.findings.text = Some(text.to_vec());
            }
            (2, ValueType::Fixed(4)) => {
                let Some(number) = Cursor::new(bytes).u32_be() else { return Ok(Some(4)) };
                self.findings.kind = Some(number);
            }
            (2, ValueType::Varint) => {
                let number = bounded_varint(&mut Cursor::new(bytes), 10)?;
                self.findings.kind = number.and_then(|number| u32::try_from(number >> 1).ok());
            }
            _ => {}
        }
        Ok(None)
    }
}
