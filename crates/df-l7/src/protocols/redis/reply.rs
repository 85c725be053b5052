//! Reads replies: walks through their elements and keeps only what tells how the command went.

use std::borrow::Cow;

use crate::{Input, ParseError, ParseErrorReason};

use super::request::Progress;
use super::wire::{Element, first_line};

/// The deepest nesting of aggregates. The deepest reply of the server itself (`COMMAND DOCS`) has about ten levels.
const MAX_DEPTH: usize = 64;
/// How much of an error's text is kept.
const MAX_TEXT_BYTES: usize = 1_024;
/// How much of a confirmation is held until its end comes.
const MAX_CONFIRMATION_BYTES: usize = 256;
/// The longest first word of an aggregate that is kept; `punsubscribe` is the longest that matters.
const MAX_WORD_BYTES: usize = 16;

/// A reply that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Reply {
    /// Its type byte: `+ - : $ * _ # , ( ! = % ~ >`.
    pub(super) kind: u8,
    /// The text of an error or of a simple string other than `OK`.
    pub(super) text: String,
    /// The first element of an aggregate, if it is a short string.
    word: Word,
}

impl Reply {
    /// Whether it is an error.
    pub(super) const fn is_error(&self) -> bool {
        matches!(self.kind, b'-' | b'!')
    }

    /// Whether it is an aggregate that may be a message to a subscriber.
    pub(super) const fn is_list(&self) -> bool {
        matches!(self.kind, b'*' | b'>')
    }

    /// The first element of an aggregate, if it is a short string; else empty.
    pub(super) fn word(&self) -> &[u8] {
        self.word.bytes.get(..usize::from(self.word.len)).unwrap_or_default()
    }

    /// The first word of an error: `WRONGTYPE`.
    pub(super) fn error_code(&self) -> Cow<'static, str> {
        let code = self.text.split(' ').next().unwrap_or_default();
        if let Some(known) = ERROR_CODES.iter().find(|known| **known == code) {
            return Cow::Borrowed(known);
        }
        let is_code =
            !code.is_empty() && code.len() <= 32 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        if is_code { Cow::Owned(code.to_owned()) } else { Cow::Borrowed("ERR") }
    }
}

/// Whether an error with this code is the server's fault: it cannot serve right now. Every other error has its cause in
/// the command: wrong type, wrong arguments, no permission, wrong node.
pub(super) fn is_server_error(code: &str) -> bool {
    matches!(
        code,
        "LOADING"
            | "OOM"
            | "MISCONF"
            | "MASTERDOWN"
            | "CLUSTERDOWN"
            | "NOREPLICAS"
            | "BUSY"
            | "TRYAGAIN"
            | "IOERR"
    )
}

/// Reads the replies of one connection.
#[derive(Debug, Default)]
pub(super) struct ReplyReader {
    /// What is known of the reply whose elements are being read.
    open: Option<Reply>,
    stack: Vec<Frame>,
    in_streamed_bulk: bool,
    /// How many bytes at the start of the input are known to have no line feed.
    scanned: usize,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    /// How many elements are still to come; none if an end mark will tell.
    remaining: Option<u64>,
    /// Attributes stand before a value and are none themselves.
    is_attribute: bool,
    /// Whether the next element is the first of the reply's outermost aggregate.
    is_at_first_word: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Word {
    bytes: [u8; MAX_WORD_BYTES],
    len: u8,
}

/// What one element did.
enum Step {
    /// This many bytes were read; whether the reply ended with them.
    Read {
        len: usize,
        is_end: bool,
    },
    Needed(usize),
}

impl ReplyReader {
    /// Reads on from the start of `input`. With `may_confirm`, what may be the confirmation of a subscription is not
    /// read in parts, because it may turn out to be no message.
    pub(super) fn read(
        &mut self,
        input: Input<'_>,
        may_confirm: bool,
    ) -> Result<Progress<Reply>, ParseError> {
        let may_hold = may_confirm && self.open.is_none() && !input.is_final();
        let progress = self.read_parts(input)?;
        if matches!(progress, Progress::Part { .. })
            && may_hold
            && self.may_be_confirmation(input.bytes.len())
        {
            self.clear();
            return Ok(Progress::Incomplete { needed: input.bytes.len() + 1 });
        }
        Ok(progress)
    }

    fn may_be_confirmation(&self, len: usize) -> bool {
        len < MAX_CONFIRMATION_BYTES
            && self.open.as_ref().is_some_and(|reply| {
                reply.is_list() && (reply.word().is_empty() || reply.word().ends_with(b"subscribe"))
            })
    }

    fn read_parts(&mut self, input: Input<'_>) -> Result<Progress<Reply>, ParseError> {
        let mut position = 0_usize;
        loop {
            let rest = input.bytes.get(position..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(Progress::Part { consumed: position });
            }
            match self.step(rest, input.is_final() && position == 0).inspect_err(|_| self.clear())? {
                Step::Read { len, is_end: true } => {
                    let reply = self.open.take().unwrap_or_default();
                    return Ok(Progress::Done { consumed: position.saturating_add(len), value: reply });
                }
                Step::Read { len, .. } => position = position.saturating_add(len),
                Step::Needed(_) if position > 0 => return Ok(Progress::Part { consumed: position }),
                Step::Needed(_) if input.is_final() => return Ok(self.cut_short(input.bytes)),
                Step::Needed(needed) => return Ok(Progress::Incomplete { needed }),
            }
        }
    }

    /// The reply whose end is missing, if its type is known.
    pub(super) fn interrupt(&mut self) -> Option<Reply> {
        let reply = self.open.take().filter(|reply| reply.kind != 0);
        self.clear();
        reply
    }

    fn clear(&mut self) {
        *self = Self { stack: std::mem::take(&mut self.stack), ..Self::default() };
        self.stack.clear();
    }

    fn step(&mut self, bytes: &[u8], is_final: bool) -> Result<Step, ParseError> {
        let Some((element, header)) = first_line(bytes, self.scanned)? else {
            self.scanned = bytes.len();
            return Ok(Step::Needed(bytes.len() + 1));
        };
        self.scanned = 0;
        let invalid = ParseError::new(0, ParseErrorReason::UnexpectedMessage);
        if self.in_streamed_bulk && !matches!(element, Element::Bulk { kind: b';', .. }) {
            return Err(invalid);
        }
        let mut len = header;
        let is_value = match element {
            Element::Line { kind, text } => {
                self.note(kind, text, usize::MAX);
                true
            }
            Element::Null => {
                self.note(b'_', b"", 0);
                true
            }
            Element::Bulk { kind: b';', len: piece } => {
                if !std::mem::replace(&mut self.in_streamed_bulk, piece > 0) {
                    return Err(invalid);
                }
                len = if piece > 0 { after_bulk(header, piece) } else { header };
                piece == 0
            }
            Element::Bulk { kind, len: bulk } => {
                let body = bytes.get(header..).unwrap_or_default();
                let wanted = self.wanted_bytes(kind, bulk);
                if body.len() < wanted && !is_final {
                    return Ok(Step::Needed(header + wanted));
                }
                self.note(
                    kind,
                    body.get(..wanted).unwrap_or(body),
                    usize::try_from(bulk).unwrap_or(usize::MAX),
                );
                len = after_bulk(header, bulk);
                true
            }
            Element::StreamedBulk => {
                self.note(b'$', b"", usize::MAX);
                self.in_streamed_bulk = true;
                false
            }
            Element::Aggregate { kind, count } => self.enter(kind, count)?,
            Element::End => self.leave_streamed()?,
        };
        Ok(Step::Read { len, is_end: is_value && self.value_ends() })
    }

    /// Notes a scalar: of the outermost level, or the first word of the outermost aggregate. `len` is its whole length.
    fn note(&mut self, kind: u8, text: &[u8], len: usize) {
        if let Some(frame) = self.stack.last_mut() {
            let is_word = std::mem::take(&mut frame.is_at_first_word);
            let len = if len == usize::MAX { text.len() } else { len };
            if is_word
                && len <= MAX_WORD_BYTES
                && let Some(reply) = &mut self.open
            {
                reply.word = Word::from_bytes(text);
            }
            return;
        }
        let reply = self.open.get_or_insert_default();
        reply.kind = kind;
        if matches!(kind, b'-' | b'!') || (kind == b'+' && text != b"OK") {
            let text = text.get(..MAX_TEXT_BYTES).unwrap_or(text);
            reply.text = String::from_utf8_lossy(text).into_owned();
        }
    }

    /// How many bytes of this bulk [`note`](Self::note) needs.
    fn wanted_bytes(&self, kind: u8, len: u64) -> usize {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        match self.stack.last() {
            Some(frame) if frame.is_at_first_word && len <= MAX_WORD_BYTES => len,
            None if kind == b'!' => len.min(MAX_TEXT_BYTES),
            _ => 0,
        }
    }

    /// Enters an aggregate. Whether it is a value that has ended: an empty one.
    fn enter(&mut self, kind: u8, count: Option<u64>) -> Result<bool, ParseError> {
        let is_attribute = kind == b'|';
        let is_outermost = !is_attribute && self.stack.is_empty();
        if let Some(frame) = self.stack.last_mut() {
            frame.is_at_first_word = false;
        }
        let reply = self.open.get_or_insert_default();
        if is_outermost {
            reply.kind = kind;
        }
        if count == Some(0) {
            return Ok(!is_attribute);
        }
        if self.stack.len() >= MAX_DEPTH {
            return Err(ParseError::new(0, ParseErrorReason::LimitExceeded));
        }
        self.stack.push(Frame { remaining: count, is_attribute, is_at_first_word: is_outermost });
        Ok(false)
    }

    /// Leaves an aggregate that ends with a mark. Whether it was a value.
    fn leave_streamed(&mut self) -> Result<bool, ParseError> {
        match self.stack.pop() {
            Some(Frame { remaining: None, is_attribute, .. }) => Ok(!is_attribute),
            _ => Err(ParseError::new(0, ParseErrorReason::UnexpectedMessage)),
        }
    }

    /// A value has ended, and with it the aggregates whose last one it was. Whether the reply has ended.
    fn value_ends(&mut self) -> bool {
        while let Some(frame) = self.stack.last_mut() {
            let Some(remaining) = &mut frame.remaining else { return false };
            *remaining = remaining.saturating_sub(1);
            if *remaining > 0 {
                return false;
            }
            let is_attribute = frame.is_attribute;
            self.stack.pop();
            if is_attribute {
                return false;
            }
        }
        true
    }

    /// Makes the best of bytes that nothing will follow.
    fn cut_short(&mut self, bytes: &[u8]) -> Progress<Reply> {
        let consumed = bytes.len();
        if self.open.is_none()
            && let Some((&kind @ (b'-' | b'+' | b':'), text)) = bytes.split_first()
        {
            self.note(kind, text, usize::MAX);
        }
        match self.interrupt() {
            Some(value) => Progress::Done { consumed, value },
            None => Progress::Skipped { consumed },
        }
    }
}

impl Word {
    fn from_bytes(text: &[u8]) -> Self {
        let mut word = Self::default();
        for (place, byte) in word.bytes.iter_mut().zip(text) {
            *place = byte.to_ascii_lowercase();
            word.len += 1;
        }
        word
    }
}

/// Where the element after a bulk starts. The bulk's line end is skipped with it.
fn after_bulk(header: usize, len: u64) -> usize {
    header.saturating_add(usize::try_from(len).unwrap_or(usize::MAX)).saturating_add(2)
}

/// The usual codes.
const ERROR_CODES: &[&str] = &[
    "ERR",
    "WRONGTYPE",
    "MOVED",
    "ASK",
    "NOAUTH",
    "NOPERM",
    "NOSCRIPT",
    "WRONGPASS",
    "EXECABORT",
    "READONLY",
    "LOADING",
    "OOM",
    "BUSY",
    "BUSYGROUP",
    "NOGROUP",
    "MISCONF",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "CROSSSLOT",
    "TRYAGAIN",
    "NOREPLICAS",
    "BUSYKEY",
    "NOPROTO",
    "UNBLOCKED",
    "UNKILLABLE",
    "INPROG",
    "IOERR",
    "NOTBUSY",
    "DENIED",
    "INVALIDOBJ",
    "NOQUORUM",
];
