//! What responses say: errors by their code, kinds of results, keyspaces and prepared ids.

use crate::sql::cut_text;
use crate::{ConnectionConfig, Cursor, Request, Response, ResponseStatus};

use super::wire::{Header, Opcode, short_text};

/// A response, read.
#[derive(Debug, Default)]
pub(super) struct ReadResponse {
    pub(super) response: Response,
    /// The keyspace that the connection uses from now on.
    pub(super) keyspace: Option<String>,
    /// The id of a prepared statement.
    pub(super) prepared_id: Option<Vec<u8>>,
}

/// Reads a body, which may be cut.
pub(super) fn read(header: &Header, body: &[u8], config: &ConnectionConfig) -> ReadResponse {
    let mut cursor = Cursor::new(body);
    let mut read = ReadResponse::default();
    let is_readable = header.skip_extras(&mut cursor).is_some();
    match header.opcode {
        Opcode::Error if is_readable => {
            let code = cursor.u32_be();
            let text = code.and_then(|_| short_text(&mut cursor)).unwrap_or_default();
            read.response = failure(code, text, config);
        }
        Opcode::Error => read.response = failure(None, b"", config),
        Opcode::Result => {
            read.response.status = ResponseStatus::Ok;
            if is_readable {
                // What is cut stays unknown.
                let _ = read.read_result(&mut cursor, config);
            }
        }
        opcode => {
            read.response.status = ResponseStatus::Ok;
            read.response.result = Some(opcode.name().to_owned());
        }
    }
    read.response.version = Some(super::request::version_name(header.version).into());
    read
}

/// What the server tells of its own accord.
pub(super) fn event(body: &[u8]) -> Request {
    let kind = short_text(&mut Cursor::new(body)).unwrap_or_default();
    let known = EVENTS.iter().find(|name| name.as_bytes() == kind).copied();
    let mut request = Request {
        kind: "EVENT".into(),
        operation: "EVENT".into(),
        endpoint: known.map(str::to_owned),
        resource: known.map(str::to_owned),
        ..Request::default()
    };
    request.attributes.push("db.system.name", "cassandra");
    request
}

impl ReadResponse {
    fn read_result(&mut self, cursor: &mut Cursor<'_>, config: &ConnectionConfig) -> Option<()> {
        let name = match cursor.u32_be()? {
            1 => "VOID",
            2 => "ROWS",
            3 => {
                self.keyspace = Some(cut_text(short_text(cursor)?, config.max_attribute_bytes));
                "SET_KEYSPACE"
            }
            4 => {
                self.prepared_id = Some(short_text(cursor)?.to_vec());
                "PREPARED"
            }
            5 => "SCHEMA_CHANGE",
            _ => return None,
        };
        self.response.result = Some(name.to_owned());
        Some(())
    }
}

fn failure(code: Option<u32>, text: &[u8], config: &ConnectionConfig) -> Response {
    let is_of_cluster = matches!(code, Some(0x0000 | 0x1000..=0x1fff));
    let status = if is_of_cluster { ResponseStatus::ServerError } else { ResponseStatus::ClientError };
    // What is wrong with a statement is told with pieces of it.
    let shows_text = !config.obfuscation.sql_literals || !matches!(code, Some(0x2000..=0x2fff));
    let exception = match code {
        _ if shows_text && !text.is_empty() => Some(cut_text(text, config.max_attribute_bytes)),
        Some(code) => error_name(code).map(str::to_owned),
        None => None,
    };
    let mut response = Response { status, exception, ..Response::default() };
    if let Some(code) = code {
        response.attributes.push("db.response.status_code", code.to_string());
        response.code = Some(code.to_string().into());
    }
    response
}

const fn error_name(code: u32) -> Option<&'static str> {
    Some(match code {
        0x2000 => "Syntax error",
        0x2100 => "Unauthorized",
        0x2200 => "Invalid query",
        0x2300 => "Configuration error",
        0x2400 => "Already exists",
        0x2500 => "Unprepared",
        _ => return None,
    })
}

const EVENTS: &[&str] = &["TOPOLOGY_CHANGE", "STATUS_CHANGE", "SCHEMA_CHANGE"];
