//! What an `ErrorResponse` says.

use crate::{Cursor, ResponseStatus};

use super::wire::text;

/// An error of the server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Failure {
    /// The SQLSTATE, five characters.
    pub(super) code: String,
    /// The text.
    pub(super) message: String,
    /// Whether the connection ends with it.
    pub(super) is_fatal: bool,
}

impl Failure {
    /// Reads the fields of the body, as far as they are there.
    pub(super) fn read(body: &[u8], max_bytes: usize) -> Self {
        let mut cursor = Cursor::new(body);
        let mut failure = Self::default();
        while let Some(field) = cursor.u8().filter(|field| *field != 0) {
            let value = text(&mut cursor);
            match field {
                b'C' if value.len() <= 5 => failure.code = String::from_utf8_lossy(value).into_owned(),
                b'M' => failure.message = crate::sql::cut_text(value, max_bytes),
                // The severity that is never translated; older servers have only the other one.
                b'V' => failure.is_fatal = is_fatal(value),
                b'S' => failure.is_fatal |= is_fatal(value),
                _ => {}
            }
        }
        failure
    }

    /// Who is at fault, by the class of the SQLSTATE (PostgreSQL documentation, appendix A): the server if it lacks
    /// resources (53), meets its limits (54), is stopped by its operator (57), fails in its system (58), has a broken
    /// configuration file (F0) or an internal error (XX).
    pub(super) fn status(&self) -> ResponseStatus {
        match self.code.get(..2) {
            Some("53" | "54" | "57" | "58" | "F0" | "XX") => ResponseStatus::ServerError,
            _ => ResponseStatus::ClientError,
        }
    }
}

fn is_fatal(severity: &[u8]) -> bool {
    matches!(severity, b"FATAL" | b"PANIC")
}
