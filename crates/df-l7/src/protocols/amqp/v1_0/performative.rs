//! The performatives of AMQP 1.0: what a frame does, and the fields of each that tell something.

use df_core::Direction;

use crate::Cursor;

use super::value::{DESCRIBED, Described, Items, MAX_FIELDS, Value};

/// What a frame does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Open,
    Begin,
    Attach,
    Flow,
    Transfer,
    Disposition,
    Detach,
    End,
    Close,
    SaslMechanisms,
    SaslInit,
    SaslChallenge,
    SaslResponse,
    SaslOutcome,
}

impl Kind {
    /// The performative with this descriptor.
    pub(super) const fn find(code: u64) -> Option<Self> {
        Some(match code {
            0x10 => Self::Open,
            0x11 => Self::Begin,
            0x12 => Self::Attach,
            0x13 => Self::Flow,
            0x14 => Self::Transfer,
            0x15 => Self::Disposition,
            0x16 => Self::Detach,
            0x17 => Self::End,
            0x18 => Self::Close,
            0x40 => Self::SaslMechanisms,
            0x41 => Self::SaslInit,
            0x42 => Self::SaslChallenge,
            0x43 => Self::SaslResponse,
            0x44 => Self::SaslOutcome,
            _ => return None,
        })
    }

    /// As the specification writes it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Begin => "begin",
            Self::Attach => "attach",
            Self::Flow => "flow",
            Self::Transfer => "transfer",
            Self::Disposition => "disposition",
            Self::Detach => "detach",
            Self::End => "end",
            Self::Close => "close",
            Self::SaslMechanisms => "sasl-mechanisms",
            Self::SaslInit => "sasl-init",
            Self::SaslChallenge => "sasl-challenge",
            Self::SaslResponse => "sasl-response",
            Self::SaslOutcome => "sasl-outcome",
        }
    }

    pub(super) const fn is_sasl(self) -> bool {
        matches!(
            self,
            Self::SaslMechanisms
                | Self::SaslInit
                | Self::SaslChallenge
                | Self::SaslResponse
                | Self::SaslOutcome
        )
    }

    /// The direction in which it goes, where only one end says it.
    pub(super) const fn sender(self) -> Option<Direction> {
        match self {
            Self::SaslInit | Self::SaslResponse => Some(Direction::ToServer),
            Self::SaslMechanisms | Self::SaslChallenge | Self::SaslOutcome => Some(Direction::ToClient),
            _ => None,
        }
    }
}

/// A performative with its fields.
#[derive(Debug, Clone, Copy)]
pub(super) struct Performative<'a> {
    pub(super) kind: Kind,
    fields: [Value<'a>; MAX_FIELDS],
    /// What follows it in the frame: a part of a message.
    pub(super) payload: &'a [u8],
    /// How long it is.
    pub(super) bytes: usize,
}

impl<'a> Performative<'a> {
    /// Reads it at the start of a frame's body; none if it is cut there, or is none.
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        let described = Described::read(&mut cursor).filter(Described::is_list)?;
        let kind = Kind::find(described.code)?;
        Some(Self {
            kind,
            fields: described.items().fields(),
            payload: cursor.rest(),
            bytes: cursor.position(),
        })
    }

    /// The field at this place, counted from zero.
    pub(super) fn field(&self, place: usize) -> Value<'a> {
        self.fields.get(place).copied().unwrap_or_default()
    }

    /// A number that fits a field of 32 bits.
    pub(super) fn number(&self, place: usize) -> Option<u32> {
        self.field(place).unsigned().and_then(|number| u32::try_from(number).ok())
    }

    /// Which of an end's link endpoints `attach`, `detach` and `transfer` are about.
    pub(super) fn handle(&self) -> Option<u32> {
        self.number(usize::from(self.kind == Kind::Attach))
    }

    /// Why something was ended, in `detach`, `end` and `close`.
    pub(super) fn error(&self) -> Option<Failure<'a>> {
        Failure::read(self.field(if self.kind == Kind::Detach { 2 } else { 0 }))
    }
}

/// What went wrong, by its symbol and in words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Failure<'a> {
    pub(super) condition: &'a [u8],
    pub(super) description: Option<&'a [u8]>,
}

impl<'a> Failure<'a> {
    /// Reads a value of the type `error`; none of any other.
    pub(super) fn read(value: Value<'a>) -> Option<Self> {
        let error = value.described().filter(|described| described.code == ERROR)?;
        let [condition, description, ..] = error.items().fields();
        Some(Self { condition: condition.text()?, description: description.text() })
    }
}

/// Where a link's messages come from or go to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Node<'a> {
    pub(super) address: Option<&'a [u8]>,
    /// The node is made for the link, and its name by who makes it.
    pub(super) is_dynamic: bool,
}

impl<'a> Node<'a> {
    /// Reads a source or target; none if there is none.
    pub(super) fn read(value: Value<'a>) -> Option<Self> {
        let node = value.described()?;
        let [address, _, _, _, dynamic, ..] = node.items().fields();
        // The coordinator of transactions has no address.
        let is_terminus = matches!(node.code, SOURCE | TARGET);
        let address = address.text().filter(|address| is_terminus && !address.is_empty());
        Some(Self { address, is_dynamic: is_terminus && dynamic.is_true() })
    }
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Outcome<'a> {
    Accepted,
    Rejected(Option<Failure<'a>>),
    Released,
    Modified {
        is_undeliverable: bool,
    },
    Declared,
    /// It was settled without a word.
    Settled,
}

impl<'a> Outcome<'a> {
    /// What a state says; none if it is not the last one.
    pub(super) fn read(state: Value<'a>, is_settled: bool) -> Option<Self> {
        let Some(mut state) = state.described() else { return is_settled.then_some(Self::Settled) };
        if state.code == TRANSACTIONAL_STATE {
            let [_, outcome, ..] = state.items().fields();
            match outcome.described() {
                Some(outcome) => state = outcome,
                None => return is_settled.then_some(Self::Settled),
            }
        }
        let [first, second, ..] = state.items().fields();
        Some(match state.code {
            0x24 => Self::Accepted,
            0x25 => Self::Rejected(Failure::read(first)),
            0x26 => Self::Released,
            0x27 => Self::Modified { is_undeliverable: second.is_true() },
            0x33 => Self::Declared,
            _ => return is_settled.then_some(Self::Settled),
        })
    }
}

impl Described<'_> {
    /// What every performative begins with.
    pub(super) const FIRST_BYTE: u8 = DESCRIBED;
    /// The constructor of descriptors of one byte, which everybody uses.
    pub(super) const SMALL_CODE: u8 = 0x53;
}

/// The entries of a map whose keys are texts.
pub(super) fn named(map: Items<'_>) -> impl Iterator<Item = (&[u8], Value<'_>)> {
    map.pairs().take(MAX_ENTRIES).filter_map(|(key, value)| key.text().map(|key| (key, value)))
}

const ERROR: u64 = 0x1D;
const SOURCE: u64 = 0x28;
const TARGET: u64 = 0x29;
const TRANSACTIONAL_STATE: u64 = 0x34;
/// How many entries of a map are looked at.
const MAX_ENTRIES: usize = 128;
