//! SQL text: what may be shown of it, what it is about, and the trace context in its comments.

use std::borrow::Cow;

use crate::context::from_sql_comment;
use crate::{ConnectionConfig, PropagatedContext, Request};

mod lexer;
mod obfuscator;
mod summary;
mod words;

use lexer::{Kind, Lexer};
use obfuscator::Obfuscator;
use summary::Summary;

/// How a server reads string literals and quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Dialect {
    /// MySQL and MariaDB: `\` escapes in strings, `"` quotes strings (also under `ANSI_QUOTES`, which nothing on the
    /// wire tells: the safe reading), backticks quote names, `#` starts a comment, `/*! */` is code.
    #[default]
    Mysql,
    /// The same under `NO_BACKSLASH_ESCAPES`, which the server's status flags tell.
    MysqlPlainBackslash,
    /// PostgreSQL: `\` escapes only in `E''`, `"` quotes names, `$tag$` quotes strings, comments nest.
    Postgresql,
    /// The same with `standard_conforming_strings` off, which the server reports.
    PostgresqlBackslash,
}

/// What is worth knowing about SQL text. May be more than one statement; the text may be cut anywhere.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Statement {
    /// The text. Literals are replaced by `?`, comments are left out (they may hold data; executable ones,
    /// `/*! */`, are code and stay) and white space is narrowed, unless obfuscation is switched off: then it is the
    /// text as sent. Cut to `max_resource_bytes` at a character boundary.
    pub(crate) resource: String,
    /// The first statement's verb in capitals, with the kind of object where a definition has one (`CREATE TABLE`);
    /// that of the main statement after `WITH`. Empty for text that starts with no known verb.
    pub(crate) operation: Cow<'static, str>,
    /// The first table (procedure, object, database of `USE`) that the operation names, without needless quotes.
    pub(crate) target: Option<String>,
    /// Operation and target.
    pub(crate) endpoint: Option<String>,
    /// All operations and targets in order, at most 255 bytes: `db.query.summary`.
    pub(crate) summary: Option<String>,
    /// What the comments carry.
    pub(crate) context: Option<Box<PropagatedContext>>,
}

impl Statement {
    /// Reads SQL text in one pass, in linear time. Text that is not UTF-8 is shown with replacement characters.
    pub(crate) fn read(sql: &[u8], dialect: Dialect, config: &ConnectionConfig) -> Self {
        let mut shown =
            config.obfuscation.sql_literals.then(|| Obfuscator::new(sql, config.max_resource_bytes));
        let mut summary = Summary::new(sql);
        let mut context = None;
        let mut comments = 0_u8;
        for token in Lexer::new(sql, dialect) {
            if token.kind == Kind::Comment && context.is_none() && comments < MAX_COMMENTS {
                comments += 1;
                context = sql.get(token.start..token.end).and_then(|comment| read_comment(comment, config));
            }
            let is_filler = matches!(token.kind, Kind::Space | Kind::Comment);
            if (is_filler || token.kind == Kind::Literal)
                && let Some(shown) = &mut shown
            {
                shown.push(&token);
            }
            if !is_filler {
                summary.push(&token);
            }
        }
        let resource = match shown {
            Some(shown) => owned_text(shown.finish(), config.max_resource_bytes),
            None => cut_text(sql, config.max_resource_bytes),
        };
        let summary = summary.finish();
        Self {
            resource,
            operation: summary.operation,
            target: summary.target,
            endpoint: summary.endpoint,
            summary: summary.text,
            context: context.map(Box::new),
        }
    }

    /// The request that sends this text, with the attributes that are the same for every SQL database.
    pub(crate) fn into_request(
        self,
        kind: impl Into<Cow<'static, str>>,
        config: &ConnectionConfig,
    ) -> Request {
        let mut request = Request { kind: kind.into(), ..Request::default() };
        if !self.resource.is_empty() {
            let text = cut_text(self.resource.as_bytes(), config.max_attribute_bytes);
            request.attributes.push("db.query.text", text);
            request.resource = Some(self.resource);
        }
        if let Some(summary) = self.summary {
            request.attributes.push("db.query.summary", summary);
        }
        request.operation = self.operation;
        request.target = self.target;
        request.endpoint = self.endpoint;
        request.context = self.context;
        request
    }
}

/// Whether a text starts with a word that starts statements, and with no bytes that texts do not have.
pub(crate) fn starts_like_sql(text: &[u8]) -> bool {
    let head = text.get(..MAX_SNIFFED_BYTES).unwrap_or(text);
    if head.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace()) {
        return false;
    }
    let is_filler = |kind| matches!(kind, Kind::Space | Kind::Comment | Kind::Open | Kind::Other);
    let first = Lexer::new(head, Dialect::Mysql).find(|token| !is_filler(token.kind));
    first.is_some_and(|token| head.get(token.start..token.end).is_some_and(summary::is_verb))
}

/// Whether there is anything in a text that [`Statement::read`] would hide as data.
pub(crate) fn has_literals(sql: &[u8], dialect: Dialect) -> bool {
    Lexer::new(sql, dialect).any(|token| token.kind == Kind::Literal)
}

/// At most `max_bytes` of a text, cut between characters. What is not UTF-8 becomes replacement characters.
pub(crate) fn cut_text(text: &[u8], max_bytes: usize) -> String {
    let head = text.get(..max_bytes).unwrap_or(text);
    let valid = match std::str::from_utf8(head) {
        Ok(valid) => return valid.to_owned(),
        Err(error) if error.error_len().is_none() => head.get(..error.valid_up_to()).unwrap_or_default(),
        Err(_) => head,
    };
    let mut shown = String::from_utf8_lossy(valid).into_owned();
    let mut end = max_bytes.min(shown.len());
    while !shown.is_char_boundary(end) {
        end -= 1;
    }
    shown.truncate(end);
    shown
}

/// The same without a copy, if there is nothing to cut or replace.
fn owned_text(text: Vec<u8>, max_bytes: usize) -> String {
    if text.len() > max_bytes {
        return cut_text(&text, max_bytes);
    }
    String::from_utf8(text).unwrap_or_else(|error| cut_text(error.as_bytes(), max_bytes))
}

/// An error's text without what stands between its first and its last quote: servers quote values and parts of the
/// statement there.
pub(crate) fn hide_quoted(text: &[u8], quote: u8) -> Cow<'_, [u8]> {
    let (Some(first), Some(last)) = (memchr::memchr(quote, text), memchr::memrchr(quote, text)) else {
        return Cow::Borrowed(text);
    };
    let head = text.get(..first).unwrap_or_default();
    let tail = if first == last { None } else { text.get(last + 1..) };
    Cow::Owned([head, &[quote, b'?', quote], tail.unwrap_or_default()].concat())
}

/// The reader of comments passes over delimiters, but for the dashes.
fn read_comment(comment: &[u8], config: &ConnectionConfig) -> Option<PropagatedContext> {
    let comment = comment.strip_prefix(b"--").unwrap_or(comment);
    from_sql_comment(std::str::from_utf8(comment).ok()?, &config.context)
}

/// How much of a text is looked at to tell whether it is SQL.
const MAX_SNIFFED_BYTES: usize = 256;
/// The most comments of one text that are searched for context.
const MAX_COMMENTS: u8 = 8;

#[cfg(test)]
mod tests;
