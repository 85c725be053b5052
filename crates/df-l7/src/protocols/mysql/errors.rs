//! Whose fault an error is, and what may be shown of its text.

use std::borrow::Cow;

use super::wire::Failure;
use crate::{Obfuscation, ResponseStatus};

impl Failure<'_> {
    /// By the class of the SQLSTATE as far as it says anything, else by the error's number.
    ///
    /// The request is at fault for unsupported features (0A), wrong counts (21), bad data (22), violated constraints
    /// (23), refused logins (28), unknown catalogs (3D), syntax and access rights (42), failed checks (44), and for the
    /// numbers 2000 to 2999, which clients give. The rest is the server's: no resources, no connection, deadlocks,
    /// lock timeouts, interrupted statements, internal errors.
    pub(super) fn status(&self) -> ResponseStatus {
        let is_request_at_fault = match self.sql_state {
            Some(state) if !state.starts_with(b"HY") => {
                CLIENT_CLASSES.iter().any(|class| state.starts_with(class))
            }
            _ => CLIENT_NUMBERS.contains(&self.code) || (2000..3000).contains(&self.code),
        };
        if is_request_at_fault { ResponseStatus::ClientError } else { ResponseStatus::ServerError }
    }

    /// The error's text. Many quote values or parts of the statement: unless the number is known to quote only names,
    /// everything between the first and the last quote is hidden along with SQL literals.
    pub(super) fn text(&self, obfuscation: Obfuscation) -> Cow<'_, [u8]> {
        if !obfuscation.sql_literals || NAMES_ONLY.contains(&self.code) {
            return Cow::Borrowed(self.message);
        }
        crate::sql::hide_quoted(self.message, b'\'')
    }
}

/// Errors whose text quotes databases, tables, columns, keys, users and hosts, but no data.
const NAMES_ONLY: &[u16] = &[
    1007, 1008, 1044, 1045, 1046, 1048, 1049, 1050, 1051, 1052, 1054, 1060, 1061, 1091, 1109, 1130, 1142,
    1143, 1146, 1193, 1203, 1227, 1305, 1360, 1364, 1396, 1698,
];

const CLIENT_CLASSES: &[&[u8]] = &[b"07", b"0A", b"21", b"22", b"23", b"28", b"3D", b"42", b"44"];

/// Numbers that come with the general SQLSTATE `HY000`, or without any from old servers, and blame the request.
const CLIENT_NUMBERS: &[u16] = &[
    1007, 1008, 1044, 1045, 1046, 1047, 1048, 1049, 1050, 1051, 1052, 1054, 1060, 1061, 1062, 1064, 1065,
    1091, 1096, 1115, 1136, 1142, 1143, 1146, 1149, 1193, 1210, 1227, 1229, 1231, 1232, 1233, 1238, 1243,
    1264, 1265, 1273, 1292, 1295, 1305, 1360, 1364, 1366, 1396, 1406, 1411, 1451, 1452, 1525, 1567, 3819,
];
