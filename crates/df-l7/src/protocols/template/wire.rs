//! The template protocol as it is on the wire: borrowed views that never judge.

use df_core::{Direction, Transport};

use crate::Detection;

/// One line without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    Ask { topic: &'a [u8] },
    Ok { answer: &'a [u8] },
    No { reason: &'a [u8] },
}

impl<'a> Line<'a> {
    /// Reads the line that `bytes`, without its line end, holds.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        if let Some(topic) = bytes.strip_prefix(b"ASK ") {
            return Some(Self::Ask { topic });
        }
        if let Some(answer) = bytes.strip_prefix(b"OK ") {
            return Some(Self::Ok { answer });
        }
        bytes.strip_prefix(b"NO ").map(|reason| Self::No { reason })
    }
}

/// Says whether these bytes are this protocol's.
pub(crate) fn detect(_: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    const QUESTION: &[u8] = b"ASK ";
    if bytes.starts_with(QUESTION) {
        return if direction == Direction::ToServer {
            Detection::CERTAIN
        } else {
            Detection::CERTAIN_REVERSED
        };
    }
    if QUESTION.starts_with(bytes) { Detection::NeedMore } else { Detection::NoMatch }
}
