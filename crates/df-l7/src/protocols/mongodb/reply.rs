//! How a request went: the error of the command, of a write within it, or none, and how many documents came back.

use std::borrow::Cow;

use super::bson::{self, Element};
use super::reading::LevelKind;
use super::wire::{FLAG_CURSOR_NOT_FOUND, FLAG_QUERY_FAILURE};
use crate::sql::{cut_text, hide_quoted};
use crate::{ConnectionConfig, Response, ResponseStatus};

/// What is known of a reply by now.
#[derive(Debug, Default)]
pub(super) struct ReplyFacts {
    ok: Option<bool>,
    /// What the command itself failed with.
    failure: Failure,
    /// The first thing that failed within a command that is `ok: 1`.
    partial_failure: Option<Failure>,
    /// Whether the reply has a cursor, which no failed command gives.
    has_cursor: bool,
    rows: Rows,
    /// The flags of OP_REPLY.
    old_flags: Option<u32>,
    /// The server's version, if the reply tells it.
    pub(super) version: Option<String>,
}

#[derive(Debug, Default)]
struct Failure {
    code: Option<i64>,
    name: Option<String>,
    text: Option<String>,
}

/// How many documents came back.
#[derive(Debug, Default, Clone, Copy)]
enum Rows {
    #[default]
    Unknown,
    SoFar(u32),
    All(u32),
}

impl ReplyFacts {
    /// OP_REPLY tells before its documents how many there are, and whether one of them is an error.
    pub(super) fn handle_old_reply(&mut self, flags: u32, count: u32) {
        self.old_flags = Some(flags);
        if count != 1 {
            self.rows = Rows::All(count);
        }
    }

    pub(super) fn enters(&mut self, kind: LevelKind, element: &Element<'_>) -> Option<LevelKind> {
        match (kind, element.name, element.kind) {
            (LevelKind::Body, b"cursor", bson::DOCUMENT) if self.old_flags.is_none() => {
                self.has_cursor = true;
                Some(LevelKind::Cursor)
            }
            (LevelKind::Cursor, b"firstBatch" | b"nextBatch", bson::ARRAY) => {
                self.rows = Rows::SoFar(0);
                Some(LevelKind::Batch)
            }
            (LevelKind::Body, b"writeErrors", bson::ARRAY) => Some(LevelKind::WriteErrors),
            _ => None,
        }
    }

    pub(super) fn wanted_bytes(&self, kind: LevelKind, element: &Element<'_>) -> usize {
        match (kind, element.name) {
            (LevelKind::Body, b"ok" | b"code" | b"nErrors") => 8,
            (LevelKind::Body, b"codeName" | b"version") => MAX_NAME_BYTES,
            (LevelKind::Body, b"errmsg" | b"$err" | b"writeConcernError") => MAX_ERROR_BYTES,
            (LevelKind::WriteErrors, _) if self.partial_failure.is_none() => MAX_ERROR_BYTES,
            _ => 0,
        }
    }

    pub(super) fn take(&mut self, kind: LevelKind, element: &Element<'_>, config: &ConnectionConfig) {
        match (kind, element.name) {
            (LevelKind::Batch, _) => {
                if let Rows::SoFar(rows) = &mut self.rows {
                    *rows = rows.saturating_add(1);
                }
            }
            (LevelKind::WriteErrors, _) | (LevelKind::Body, b"writeConcernError")
                if self.partial_failure.is_none() =>
            {
                self.partial_failure = Some(Failure::of_document(element, config));
            }
            (LevelKind::Body, b"ok") => self.ok = element.number().map(|ok| ok != 0),
            (LevelKind::Body, b"nErrors") if element.number().is_some_and(|errors| errors > 0) => {
                self.partial_failure.get_or_insert_default();
            }
            (LevelKind::Body, b"version") => self.version = element.text().and_then(version),
            (LevelKind::Body, _) => self.failure.take(element, config),
            _ => {}
        }
    }

    pub(super) fn leave(&mut self, kind: LevelKind) {
        if let (LevelKind::Batch, Rows::SoFar(rows)) = (kind, self.rows) {
            self.rows = Rows::All(rows);
        }
    }

    /// Whether it is known how it went, whatever the rest of the reply says. Of a command that is `ok: 1` writes may have
    /// failed.
    pub(super) const fn is_telling(&self) -> bool {
        self.has_cursor || self.failure.code.is_some() || self.partial_failure.is_some()
    }

    /// Whether the command or part of it failed.
    pub(super) fn is_failure(&self) -> bool {
        self.partial_failure.is_some() || self.is_whole_failure()
    }

    pub(super) fn into_response(self) -> Response {
        let is_whole_failure = self.is_whole_failure();
        let is_done = self.ok == Some(true) || self.has_cursor || self.old_flags.is_some();
        let failure = if is_whole_failure { Some(self.failure) } else { self.partial_failure };
        let mut response = Response { version: self.version.map(Cow::Owned), ..Response::default() };
        let is_document = self.old_flags.is_some() && self.ok.is_none() && !is_whole_failure;
        if let (Rows::Unknown, true) = (self.rows, is_document) {
            response.attributes.push("db.response.returned_rows", 1_u32);
        }
        if let Rows::All(rows) = self.rows {
            response.attributes.push("db.response.returned_rows", rows);
        }
        let Some(failure) = failure else {
            response.status = if is_done { ResponseStatus::Ok } else { ResponseStatus::Unknown };
            return response;
        };
        response.status = failure.status();
        if let Some(code) = failure.code {
            let code = code.to_string();
            response.attributes.push("db.response.status_code", code.clone());
            response.code = Some(code.into());
        }
        if let Some(name) = failure.name {
            response.attributes.push("df.mongodb.code_name", name);
        }
        response.exception = failure.text;
        response
    }

    fn is_whole_failure(&self) -> bool {
        match self.old_flags {
            // A document of a user's may have an element `ok`.
            Some(flags) => {
                flags & (FLAG_CURSOR_NOT_FOUND | FLAG_QUERY_FAILURE) != 0
                    || (self.ok == Some(false) && self.failure.text.is_some())
            }
            None => self.ok == Some(false),
        }
    }
}

impl Failure {
    /// The error that a document describes.
    fn of_document(element: &Element<'_>, config: &ConnectionConfig) -> Self {
        let mut failure = Self::default();
        for inner in element.elements() {
            failure.take(&inner, config);
        }
        failure
    }

    fn take(&mut self, element: &Element<'_>, config: &ConnectionConfig) {
        match element.name {
            b"code" => self.code = element.number(),
            b"codeName" => self.name = element.text().map(|name| cut_text(name, MAX_NAME_BYTES)),
            b"errmsg" | b"$err" => self.text = element.text().map(|text| shown(text, config)),
            _ => {}
        }
    }

    fn status(&self) -> ResponseStatus {
        match self.code {
            Some(code) if SERVER_CODES.contains(&code) => ResponseStatus::ServerError,
            _ => ResponseStatus::ClientError,
        }
    }
}

/// What may be shown of an error's text: not what it quotes, nor the key that was there already.
fn shown(text: &[u8], config: &ConnectionConfig) -> String {
    if !config.obfuscation.sql_literals {
        return cut_text(text, config.max_attribute_bytes);
    }
    let key = memchr::memmem::find(text, DUPLICATE_KEY).map(|place| place + DUPLICATE_KEY.len());
    let Some(known) = key.and_then(|end| text.get(..end)) else {
        return cut_text(&hide_quoted(text, b'"'), config.max_attribute_bytes);
    };
    cut_text(&[known, b" ?"].concat(), config.max_attribute_bytes)
}

/// A version as servers tell it: `7.0.5`.
fn version(text: &[u8]) -> Option<String> {
    let is_version = text.first().is_some_and(u8::is_ascii_digit) && text.len() <= MAX_VERSION_BYTES;
    is_version.then(|| cut_text(text, MAX_VERSION_BYTES))
}

/// Errors that name the server's or the cluster's state: internal errors, hosts that are not reached, primaries that are
/// not or no longer there, shutdown, time and resources that ran out.
const SERVER_CODES: &[i64] = &[
    1, 6, 7, 8, 24, 50, 63, 64, 70, 71, 74, 79, 82, 89, 91, 93, 100, 112, 133, 134, 146, 150, 175, 189, 202,
    234, 262, 314, 317, 358, 384, 402, 9001, 10058, 10107, 11600, 11601, 11602, 13388, 13435, 13436, 14031,
    17280,
];

const DUPLICATE_KEY: &[u8] = b"dup key:";
const MAX_NAME_BYTES: usize = 264;
/// How much of an error is looked at.
const MAX_ERROR_BYTES: usize = 2_048;
const MAX_VERSION_BYTES: usize = 40;
