//! Reads the replies of the text protocol, and says what the statuses of both protocols mean.

use std::borrow::Cow;

use crate::sql::cut_text;
use crate::{ConnectionConfig, ParseError, ParseErrorReason, Response, ResponseStatus};

use super::quiet::{Token, fingerprint};
use super::wire::{number, value_length, with_value, words};

/// Reads the replies of one connection; a reply may have many lines.
#[derive(Debug, Default)]
pub(super) struct ReplyReader {
    open: Option<OpenReply>,
}

/// A reply of which lines were seen but not its end.
#[derive(Debug, Default, Clone, Copy)]
struct OpenReply {
    values: u32,
    /// Lines that are no values: statistics.
    has_other_lines: bool,
}

/// What a line of a reply is.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "most lines are whole replies, and are moved once")]
pub(super) enum Line<'a> {
    /// The reply goes on behind these bytes.
    Part { consumed: usize },
    /// The reply ends with this line.
    End { consumed: usize, response: Response, meta: Option<MetaReply<'a>> },
}

/// What tells to which quiet command a reply to a meta command belongs.
#[derive(Debug, Clone, Copy)]
pub(super) struct MetaReply<'a> {
    code: &'a [u8],
    opaque: Option<&'a [u8]>,
    key: Option<&'a [u8]>,
}

impl ReplyReader {
    /// Reads a line, of which `line_bytes` are to be consumed.
    pub(super) fn read<'a>(
        &mut self,
        line: &'a [u8],
        line_bytes: usize,
        config: &ConnectionConfig,
    ) -> Result<Line<'a>, ParseError> {
        let mut rest = words(line);
        let first = rest.next().unwrap_or_default();
        match first {
            b"VALUE" | b"CONFIG" => {
                let length = rest.nth(2).and_then(value_length);
                let length = length.ok_or(ParseError::new(0, ParseErrorReason::InvalidLength))?;
                let open = self.open.get_or_insert_default();
                open.values = open.values.saturating_add(1);
                return Ok(Line::Part { consumed: with_value(line_bytes, length) });
            }
            b"STAT" | b"ITEM" | b"PREFIX" => return Ok(self.other_line(line_bytes)),
            b"END" => {
                let open = self.open.take().unwrap_or_default();
                return Ok(Line::End { consumed: line_bytes, response: retrieved(open), meta: None });
            }
            _ if first.starts_with(b"key=") => return Ok(self.other_line(line_bytes)),
            _ => {}
        }
        let length = if first == b"VA" { rest.next().and_then(value_length) } else { None };
        let response = single(first, line, config).filter(|_| length.is_some() || first != b"VA");
        let response = response.ok_or(ParseError::new(0, ParseErrorReason::InvalidValue))?;
        self.open = None;
        let consumed = length.map_or(line_bytes, |length| with_value(line_bytes, length));
        Ok(Line::End { consumed, response, meta: MetaReply::of(first, rest) })
    }

    /// What is known of a reply whose end is missing.
    pub(super) fn interrupt(&mut self) -> Option<Response> {
        self.open.take().map(retrieved)
    }

    fn other_line<'a>(&mut self, line_bytes: usize) -> Line<'a> {
        self.open.get_or_insert_default().has_other_lines = true;
        Line::Part { consumed: line_bytes }
    }
}

impl<'a> MetaReply<'a> {
    fn of(code: &'a [u8], flags: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let may_be_quiet = matches!(
            code,
            b"HD" | b"VA" | b"EN" | b"NS" | b"EX" | b"NF" | b"CLIENT_ERROR" | b"SERVER_ERROR" | b"ERROR"
        );
        let mut reply = Self { code, opaque: None, key: None };
        if code.len() == 2 {
            for flag in flags {
                match flag {
                    [b'O', opaque @ ..] => reply.opaque = Some(opaque),
                    [b'k', key @ ..] => reply.key = Some(key),
                    _ => {}
                }
            }
        }
        may_be_quiet.then_some(reply)
    }

    /// Whether it says whose answer it is.
    pub(super) const fn bears_token(&self) -> bool {
        self.opaque.is_some() || self.key.is_some()
    }

    pub(super) const fn is_error(&self) -> bool {
        self.code.len() > 2
    }

    /// Whether it is the answer to a quiet command.
    pub(super) fn answers(&self, token: &Token) -> bool {
        let is_same = |seen: Option<&[u8]>, asked: Option<u64>| seen.map(fingerprint) == asked;
        let suppressed: &[&[u8]] = match token.kind {
            b'g' => &[b"EN", b"NS", b"EX", b"NF"],
            b's' => &[b"HD", b"VA", b"EN"],
            // Of a quiet deletion some versions tell the miss.
            _ => &[b"HD", b"EN"],
        };
        if self.is_error() {
            // It bears no flags and belongs to whoever's turn it is.
            return true;
        }
        !suppressed.contains(&self.code) && is_same(self.opaque, token.opaque) && is_same(self.key, token.key)
    }
}

/// The response that a list of values or statistics is.
fn retrieved(open: OpenReply) -> Response {
    let code = match open {
        OpenReply { has_other_lines: true, .. } => "END",
        OpenReply { values: 0, .. } => "MISS",
        OpenReply { .. } => "HIT",
    };
    let mut response =
        Response { status: ResponseStatus::Ok, code: Some(code.into()), ..Response::default() };
    if !open.has_other_lines {
        response.attributes.push("db.response.returned_rows", open.values);
    }
    response
}

/// The response that a line is; none if no server says so.
fn single(first: &[u8], line: &[u8], config: &ConnectionConfig) -> Option<Response> {
    let words: &[&'static str] = &[
        "STORED",
        "NOT_STORED",
        "EXISTS",
        "NOT_FOUND",
        "DELETED",
        "TOUCHED",
        "OK",
        "HD",
        "EN",
        "NS",
        "EX",
        "NF",
        "MN",
        "ME",
        "VA",
        "RESET",
        "BUSY",
        "BADCLASS",
        "NOSPARE",
        "NOTFULL",
        "UNSAFE",
        "SAME",
    ];
    if let Some(code) = words.iter().find(|word| word.as_bytes() == first) {
        let mut response =
            Response { status: ResponseStatus::Ok, code: Some(Cow::Borrowed(code)), ..Response::default() };
        match *code {
            "VA" => response.attributes.push("db.response.returned_rows", 1_u32),
            "EN" => response.attributes.push("db.response.returned_rows", 0_u32),
            _ => {}
        }
        return Some(response);
    }
    let text = line.get(first.len()..).unwrap_or_default().trim_ascii();
    let (code, status) = match first {
        b"ERROR" => ("ERROR", ResponseStatus::ClientError),
        b"CLIENT_ERROR" => ("CLIENT_ERROR", ResponseStatus::ClientError),
        b"SERVER_ERROR" => ("SERVER_ERROR", ResponseStatus::ServerError),
        b"VERSION" => {
            let result = Some(cut_text(text, config.max_attribute_bytes));
            let code = Some("VERSION".into());
            return Some(Response { status: ResponseStatus::Ok, code, result, ..Response::default() });
        }
        // The new number after `incr` and `decr`, perhaps with blanks behind it.
        _ if number(first).is_some() && text.is_empty() => {
            return Some(Response { status: ResponseStatus::Ok, ..Response::default() });
        }
        _ => return None,
    };
    Some(failure(Cow::Borrowed(code), status, text, config))
}

/// The response to a command that failed.
pub(super) fn failure(
    code: Cow<'static, str>,
    status: ResponseStatus,
    text: &[u8],
    config: &ConnectionConfig,
) -> Response {
    let exception = (!text.is_empty()).then(|| cut_text(text, config.max_attribute_bytes));
    let mut response = Response { status, exception, ..Response::default() };
    response.attributes.push("db.response.status_code", code.clone());
    response.code = Some(code);
    response
}
