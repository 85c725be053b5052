//! What is on the wire: a line of words, and after some lines a body whose length the line tells.

use df_core::Direction;
use df_l7::Detection;

/// A line with its words, as far as they are text.
pub(crate) struct Line<'a> {
    pub(crate) text: &'a str,
    /// The length of the line with its end and the body behind it, in bytes.
    pub(crate) total_bytes: usize,
}

/// What the first bytes of a message are.
pub(crate) enum Start<'a> {
    Line(Line<'a>),
    Unfinished,
    Foreign,
}

impl<'a> Line<'a> {
    pub(crate) fn word(&self, place: usize) -> &'a str {
        self.text.split(' ').nth(place).unwrap_or_default()
    }
}

/// Reads the line that a message of this direction starts with.
pub(crate) fn read(direction: Direction, bytes: &[u8]) -> Start<'_> {
    let head = bytes.get(..MAX_LINE_BYTES).unwrap_or(bytes);
    let Some(end) = head.iter().position(|byte| *byte == b'\n') else {
        let is_text = head.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\r'));
        return if is_text && head.len() < MAX_LINE_BYTES { Start::Unfinished } else { Start::Foreign };
    };
    let line = head.get(..end).and_then(|line| line.strip_suffix(b"\r"));
    let Some(text) = line.and_then(|line| str::from_utf8(line).ok()) else { return Start::Foreign };
    let word = text.split(' ').next().unwrap_or_default();
    let is_shaped = |shape: &(&str, usize)| shape.0 == word && text.split(' ').count() >= shape.1;
    let is_known = shapes(direction).iter().any(is_shaped);
    let body = BODIES.iter().find(|body| body.0 == word).map_or(Some(0), |body| body_bytes(text, body.1));
    let Some(body) = body.filter(|_| is_known) else { return Start::Foreign };
    Start::Line(Line { text, total_bytes: body.saturating_add(end + 1) })
}

/// Commands and replies are words of the protocol's own; a short one needs the other direction as its second proof.
pub(crate) fn detect(_: df_core::Transport, direction: Direction, bytes: &[u8]) -> Detection {
    match (read(direction, bytes), read(direction.reversed(), bytes)) {
        (Start::Line(_), _) => Detection::WEAK,
        (_, Start::Line(_)) => Detection::WEAK_REVERSED,
        (Start::Unfinished, _) if begins_with_a_word(bytes) => Detection::NeedMore,
        _ => Detection::NoMatch,
    }
}

fn begins_with_a_word(bytes: &[u8]) -> bool {
    let fits = |shape: &(&str, usize)| shape.0.bytes().zip(bytes).all(|(left, right)| left == *right);
    COMMANDS.iter().chain(REPLIES).any(fits)
}

fn shapes(direction: Direction) -> &'static [(&'static str, usize)] {
    if direction == Direction::ToServer { COMMANDS } else { REPLIES }
}

/// The body that the line announces, with the line end behind it.
fn body_bytes(text: &str, place: usize) -> Option<usize> {
    text.split(' ').nth(place)?.parse::<usize>().ok()?.checked_add(2)
}

/// The first words of lines, each with the fewest words of its line.
#[rustfmt::skip]
const COMMANDS: &[(&str, usize)] = &[
    ("put", 5), ("use", 2), ("reserve", 1), ("reserve-with-timeout", 2), ("reserve-job", 2), ("delete", 2),
    ("release", 4), ("bury", 3), ("touch", 2), ("watch", 2), ("ignore", 2), ("peek", 2), ("peek-ready", 1),
    ("peek-delayed", 1), ("peek-buried", 1), ("kick", 2), ("kick-job", 2), ("stats", 1), ("stats-job", 2),
    ("stats-tube", 2), ("list-tubes", 1), ("list-tube-used", 1), ("list-tubes-watched", 1), ("pause-tube", 3), ("quit", 1),
];
#[rustfmt::skip]
const REPLIES: &[(&str, usize)] = &[
    ("INSERTED", 2), ("BURIED", 1), ("USING", 2), ("RESERVED", 3), ("DEADLINE_SOON", 1), ("TIMED_OUT", 1), ("DELETED", 1),
    ("RELEASED", 1), ("TOUCHED", 1), ("WATCHING", 2), ("NOT_IGNORED", 1), ("FOUND", 3), ("KICKED", 1), ("OK", 2),
    ("PAUSED", 1), ("NOT_FOUND", 1), ("EXPECTED_CRLF", 1), ("JOB_TOO_BIG", 1), ("DRAINING", 1), ("OUT_OF_MEMORY", 1),
    ("INTERNAL_ERROR", 1), ("BAD_FORMAT", 1), ("UNKNOWN_COMMAND", 1),
];
/// Which word of these lines tells the length of the body behind them.
const BODIES: &[(&str, usize)] = &[("put", 4), ("RESERVED", 2), ("FOUND", 2), ("OK", 1)];
/// A line is at most 224 bytes long, its end included.
const MAX_LINE_BYTES: usize = 224;
