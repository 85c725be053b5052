//! Reads commands, as arrays of bulk strings or inline, without keeping their values.

use crate::{ConnectionConfig, Input, ParseError, ParseErrorReason};

use super::command::{Command, is_plausible_name};
use super::wire::{Element, first_line, line};

/// The most arguments of a command; the server's own limit (`2^31 - 1`).
const MAX_ARGUMENTS: u64 = (1 << 31) - 1;
/// The longest inline command; the server's own limit.
const MAX_INLINE_BYTES: usize = 64 * 1024;

/// What came of reading.
#[derive(Debug)]
pub(super) enum Progress<T> {
    /// It ends here.
    Done { consumed: usize, value: T },
    /// A piece of it was read.
    Part { consumed: usize },
    /// This was nothing.
    Skipped { consumed: usize },
    /// More bytes are needed.
    Incomplete { needed: usize },
}

/// Reads the commands of one connection.
#[derive(Debug, Default)]
pub(super) struct RequestReader {
    open: Option<OpenCommand>,
    /// How many bytes of the inline command at the start of the input are known to have no line feed.
    scanned: usize,
}

#[derive(Debug)]
struct OpenCommand {
    command: Command,
    remaining: u64,
}

impl RequestReader {
    /// Reads on from the start of `input`.
    pub(super) fn read(
        &mut self,
        input: Input<'_>,
        config: &ConnectionConfig,
    ) -> Result<Progress<Command>, ParseError> {
        match (self.open.take(), input.bytes.first()) {
            (Some(open), _) => self.read_arguments(open, input, 0),
            (None, Some(b'*')) => self.read_start(input, config),
            (None, _) => self.read_inline(input, config),
        }
    }

    /// The command whose end is missing, if its name was seen.
    pub(super) fn interrupt(&mut self) -> Option<Command> {
        self.scanned = 0;
        self.open.take().map(|open| open.command).filter(|command| !command.name().is_empty())
    }

    fn read_start(
        &mut self,
        input: Input<'_>,
        config: &ConnectionConfig,
    ) -> Result<Progress<Command>, ParseError> {
        let Some((element, len)) = first_line(input.bytes, 0)? else {
            return Ok(missing(input, input.bytes.len() + 1));
        };
        match element {
            Element::Null | Element::Aggregate { count: Some(0), .. } => {
                Ok(Progress::Skipped { consumed: len })
            }
            Element::Aggregate { count: Some(count), .. } if count <= MAX_ARGUMENTS => self.read_arguments(
                OpenCommand { command: Command::new(config), remaining: count },
                input,
                len,
            ),
            _ => Err(ParseError::new(0, ParseErrorReason::LimitExceeded)),
        }
    }

    fn read_arguments(
        &mut self,
        mut open: OpenCommand,
        input: Input<'_>,
        start: usize,
    ) -> Result<Progress<Command>, ParseError> {
        let mut position = start;
        while open.remaining > 0 {
            let rest = input.bytes.get(position..).unwrap_or_default();
            match read_argument(&mut open.command, rest, input.is_final() && position == 0)? {
                Argument::Consumed(len) => position = position.saturating_add(len),
                Argument::Needed(_) if position > 0 => break,
                Argument::Needed(_) if input.is_final() => {
                    return Ok(cut_short(open.command, input.bytes.len()));
                }
                Argument::Needed(needed) => {
                    self.open = Some(open);
                    return Ok(Progress::Incomplete { needed });
                }
            }
            open.remaining -= 1;
        }
        if open.remaining == 0 {
            return Ok(Progress::Done { consumed: position, value: open.command });
        }
        self.open = Some(open);
        Ok(Progress::Part { consumed: position })
    }

    fn read_inline(
        &mut self,
        input: Input<'_>,
        config: &ConnectionConfig,
    ) -> Result<Progress<Command>, ParseError> {
        let Some((_, len)) = line(input.bytes, self.scanned) else {
            if input.bytes.len() > MAX_INLINE_BYTES {
                return Err(ParseError::new(0, ParseErrorReason::LimitExceeded));
            }
            self.scanned = if input.is_final() { 0 } else { input.bytes.len() };
            return Ok(missing(input, input.bytes.len() + 1));
        };
        self.scanned = 0;
        let text = input.bytes.get(..len).unwrap_or_default().trim_ascii();
        if text.is_empty() {
            return Ok(Progress::Skipped { consumed: len });
        }
        let mut command = Command::new(config);
        for word in InlineWords(text) {
            if command.name().is_empty() && !is_plausible_name(word) {
                return Err(ParseError::new(0, ParseErrorReason::InvalidValue));
            }
            let wanted = command.wanted_bytes(word.len() as u64);
            command.push(word.get(..wanted).unwrap_or(word));
        }
        Ok(Progress::Done { consumed: len, value: command })
    }
}

enum Argument {
    Consumed(usize),
    Needed(usize),
}

/// Reads one argument. Of a final input the bytes that are there must do, if its length is known.
fn read_argument(command: &mut Command, bytes: &[u8], is_final: bool) -> Result<Argument, ParseError> {
    let Some((element, header)) = first_line(bytes, 0)? else { return Ok(Argument::Needed(bytes.len() + 1)) };
    let Element::Bulk { kind: b'$', len } = element else {
        return Err(ParseError::new(0, ParseErrorReason::InvalidValue));
    };
    let body = bytes.get(header..).unwrap_or_default();
    let wanted = command.wanted_bytes(len);
    if body.len() < wanted && (!is_final || command.name().is_empty()) {
        return Ok(Argument::Needed(header.saturating_add(wanted)));
    }
    command.push(body.get(..wanted).unwrap_or(body));
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    Ok(Argument::Consumed(header.saturating_add(len).saturating_add(2)))
}

/// More bytes are needed; of a final input, which has none, nothing can be made.
fn missing<T>(input: Input<'_>, needed: usize) -> Progress<T> {
    if input.is_final() {
        return Progress::Skipped { consumed: input.bytes.len() };
    }
    Progress::Incomplete { needed }
}

fn cut_short(command: Command, consumed: usize) -> Progress<Command> {
    if command.name().is_empty() {
        return Progress::Skipped { consumed };
    }
    Progress::Done { consumed, value: command }
}

/// The words of an inline command. Quotes hold words with blanks together; escapes stay as they are.
struct InlineWords<'a>(&'a [u8]);

impl<'a> Iterator for InlineWords<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.0.trim_ascii_start();
        let quote = *text.first()?;
        let (skipped, len) = if matches!(quote, b'"' | b'\'') {
            let inner = text.get(1..).unwrap_or_default();
            (1, closing_quote(inner, quote).unwrap_or(inner.len()))
        } else {
            (0, text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len()))
        };
        self.0 = text.get(skipped + len + skipped..).unwrap_or_default();
        text.get(skipped..skipped + len)
    }
}

fn closing_quote(text: &[u8], quote: u8) -> Option<usize> {
    let mut is_escaped = false;
    text.iter().position(|&byte| {
        let closes = byte == quote && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        closes
    })
}
