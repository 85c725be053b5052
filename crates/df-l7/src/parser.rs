//! The contract between a connection and the parser of one protocol.

use df_core::{Direction, Timestamp};

use crate::Message;

/// Reads the messages of one protocol out of the bytes of one connection.
///
/// A parser knows nothing of addresses or packets and reads no clock. The connection hands it bytes of one direction, always from
/// the first byte that it has not consumed yet; what it answers tells the connection how to go on. The connection
/// stamps messages with the time, TCP sequence number and length of the bytes they were made of.
///
/// A parser sees both directions in the order of their arrival, starts in mid-stream (response first too), sees
/// several messages in one input, and allocates no more than its own bound.
pub trait Parser: Send {
    /// Reads the next message, or part of one, from the start of `input`.
    ///
    /// The input is never empty. An error means that these bytes can never become valid: the connection counts it and
    /// looks for the next message start.
    fn parse(&mut self, direction: Direction, input: Input<'_>) -> Result<Parsed, ParseError>;

    /// Whether a message of this direction can start with `bytes`. Asked after a gap or an error, at the start of
    /// each chunk, until the answer is yes. Must be strict: a wrong yes invents messages.
    fn is_message_start(&self, direction: Direction, bytes: &[u8]) -> bool;

    /// Bytes of this direction are missing and no announced body covers them.
    fn on_gap(&mut self, direction: Direction) -> Recovery {
        let _ = direction;
        Recovery::Resynchronize
    }

    /// The message of which [`Parsed::Part`]s were consumed ends here, and so do those [`Parsed::Started`] among others,
    /// because of a gap or because the connection ended: gives what is known of one of them, if that is worth reporting,
    /// and forgets it. Asked again until the answer is none.
    fn interrupt(&mut self, direction: Direction) -> Option<Message> {
        let _ = direction;
        None
    }

    /// A message that ended by bytes that are no message themselves, or with another one (a stream of HTTP/2 that was reset),
    /// and its direction. Asked after [`Parsed::Skipped`] and [`Parsed::Started`] until there is none.
    fn poll_message(&mut self) -> Option<(Direction, Message)> {
        None
    }

    /// Whether the protocol has left the connection (an HTTP `Upgrade` or `CONNECT`, `STARTTLS`, an accepted
    /// `SSLRequest`): the bytes that follow belong to another protocol and are detected anew.
    fn has_ended(&self) -> bool {
        false
    }

    /// Where the protocol has left the connection to TLS: the parser of the plain text inside, if that goes on from what was
    /// agreed on in clear. Asked once, when the protocol [has ended](Self::has_ended).
    fn inside_tls(&mut self) -> Option<Box<dyn Parser>> {
        None
    }

    /// Whether a new parser would do as well from here: nothing seen so far matters for what comes. An idle connection then
    /// needs none. The default says no.
    fn is_fresh(&self) -> bool {
        false
    }
}

/// Bytes of one direction, from the first one that the parser has not consumed.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Input<'a> {
    /// The bytes; never empty.
    pub bytes: &'a [u8],
    /// What comes behind them.
    pub ending: Ending,
    /// When the first of them was seen; zero where nobody knows.
    pub timestamp: Timestamp,
}

impl<'a> Input<'a> {
    /// Bytes that more bytes may follow.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, ending: Ending::Open, timestamp: Timestamp::ZERO }
    }

    /// The same bytes with another ending.
    pub const fn with_ending(mut self, ending: Ending) -> Self {
        self.ending = ending;
        self
    }

    /// Whether no byte will ever be added to these. The parser then must not answer [`Parsed::Incomplete`]: it makes
    /// the best of what is there (a message with fewer attributes, a [`Parsed::Skipped`] or an error). What it consumes
    /// may reach beyond the bytes, as far as the protocol's own length says; the connection skips that far.
    pub const fn is_final(&self) -> bool {
        !matches!(self.ending, Ending::Open)
    }
}

/// What comes behind the bytes of an [`Input`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// More bytes may come.
    Open,
    /// More bytes may come, but the connection's buffer is full and will not hold them.
    Full,
    /// This many bytes were cut by the capture (snap length, cap per system call).
    Truncated(u64),
    /// At least this many bytes were lost.
    Lost(u64),
    /// The connection has ended, or the datagram has.
    Closed,
}

/// What a parser made of its input.
#[derive(Debug)]
#[must_use]
#[allow(clippy::large_enum_variant, reason = "messages are the common case, and are moved once")]
pub enum Parsed {
    /// A message ends here.
    Message {
        /// How many bytes to consume, at least 1. May exceed the input: the rest is skipped as it comes.
        consumed: usize,
        /// The message. Its length is counted from its first [`Parsed::Part`].
        message: Message,
    },
    /// Bytes of a message that is not complete yet: its first byte is remembered.
    Part {
        /// How many bytes to consume, at least 1. May exceed the input.
        consumed: usize,
    },
    /// A message begins here among others that are not complete either (a stream of HTTP/2, a channel of AMQP): its
    /// first byte is remembered until the message with [`Correlation::Id`](crate::Correlation::Id) `id` of this
    /// direction is given. Such messages tell their length themselves ([`Message::length`]).
    Started {
        /// How many bytes to consume, at least 1. May exceed the input.
        consumed: usize,
        /// The message's correlation.
        id: u64,
    },
    /// Bytes that belong to no message.
    Skipped {
        /// How many bytes to consume, at least 1. May exceed the input.
        consumed: usize,
    },
    /// More bytes are needed to say anything. Never for a final input.
    Incomplete {
        /// How many bytes, counted from the start of the input, are needed at least; more than there are.
        needed: usize,
    },
}

/// What to do about missing bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// Look for the next message start in what follows.
    Resynchronize,
    /// The rest of the connection cannot be understood without what is missing.
    GiveUp,
}

/// Why bytes can never become a valid message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseError {
    /// Where in the input the trouble is.
    pub offset: usize,
    /// What the trouble is.
    pub reason: ParseErrorReason,
}

impl ParseError {
    /// An error at `offset` of the input.
    pub const fn new(offset: usize, reason: ParseErrorReason) -> Self {
        Self { offset, reason }
    }
}

impl std::fmt::Display for ParseError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} at byte {}", self.reason.name(), self.offset)
    }
}

impl std::error::Error for ParseError {}

/// The kinds of [`ParseError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseErrorReason {
    /// A byte or field has a value that the protocol does not allow.
    InvalidValue,
    /// A length contradicts another length.
    InvalidLength,
    /// The message ends before a field that must be there.
    UnexpectedEnd,
    /// The message exceeds a limit of this library.
    LimitExceeded,
    /// The message is well formed but makes no sense at this point of the conversation.
    UnexpectedMessage,
}

impl ParseErrorReason {
    /// A short lower-case name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidValue => "invalid value",
            Self::InvalidLength => "invalid length",
            Self::UnexpectedEnd => "unexpected end",
            Self::LimitExceeded => "limit exceeded",
            Self::UnexpectedMessage => "unexpected message",
        }
    }
}
