//! What an `ErrorResponse` says.

use crate::sql::hide_quoted;
use crate::{Cursor, Obfuscation, ResponseStatus};

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

    /// The error's text. Many quote values or parts of the statement: unless the SQLSTATE is known to quote only names,
    /// everything between the first and the last quote is hidden along with SQL literals.
    pub(super) fn text(&self, obfuscation: Obfuscation) -> String {
        if !obfuscation.sql_literals || NAMES_ONLY.contains(&self.code.as_str()) {
            return self.message.clone();
        }
        String::from_utf8_lossy(&hide_quoted(self.message.as_bytes(), b'"')).into_owned()
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

/// Errors whose text quotes databases, schemas, tables, columns, constraints, functions and roles, but no data
/// (PostgreSQL documentation, appendix A).
const NAMES_ONLY: &[&str] = &[
    "23502", "23503", "23505", "23514", "26000", "28000", "28P01", "34000", "3D000", "3F000", "42501",
    "42701", "42702", "42703", "42704", "42710", "42723", "42725", "42803", "42830", "42883", "42P01",
    "42P02", "42P03", "42P04", "42P05", "42P06", "42P07", "42P09",
];

fn is_fatal(severity: &[u8]) -> bool {
    matches!(severity, b"FATAL" | b"PANIC")
}
