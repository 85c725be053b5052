//! Reads the commands of the text protocol, and makes requests of commands of both protocols.

use std::borrow::Cow;

use crate::sql::cut_text;
use crate::{Attributes, ConnectionConfig, ParseError, ParseErrorReason, Request};

use super::command::{Command, Form, named};
use super::quiet::{Token, fingerprint};
use super::wire::{value_length, with_value, words};

/// How many words of a command are shown, even if only as `?`.
const MAX_SHOWN_WORDS: usize = 32;

/// A command line, read.
#[derive(Debug)]
pub(super) struct TextRequest {
    pub(super) request: Request,
    /// How many bytes the command takes with its value, given how long its line is.
    pub(super) consumed: usize,
    pub(super) reply: Reply,
}

/// What the server says to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// Something.
    Always,
    /// One of the words of meta commands.
    Meta,
    /// Something only in some cases.
    Quiet(Token),
    /// Nothing.
    Never,
}

/// Reads a line, of which `line_bytes` are to be consumed.
pub(super) fn read(
    line: &[u8],
    line_bytes: usize,
    config: &ConnectionConfig,
) -> Result<TextRequest, ParseError> {
    let mut rest = words(line);
    let command = rest.next().and_then(named).ok_or(ParseError::new(0, ParseErrorReason::InvalidValue))?;
    let mut shown = Shown::new(command.name, config);
    let (mut value_bytes, mut operands, mut last) = (None, 0_usize, &b""[..]);
    let mut meta = MetaFlags::default();
    for (place, word) in rest.enumerate() {
        if command.form.length_place() == Some(place) {
            value_bytes = value_length(word);
        }
        match place {
            0 => meta.key = word,
            _ if command.form.is_meta() => meta.push(word),
            _ => {}
        }
        shown.push(word, command.form.hides(place) && word != b"noreply");
        (operands, last) = (place.saturating_add(1), word);
    }
    let keys = if command.form == Form::RetrieveAndTouch { operands.saturating_sub(1) } else { operands };
    let batch = if command.form.is_retrieval() { keys } else { 0 };
    let consumed = value_bytes.map_or(line_bytes, |len| with_value(line_bytes, len));
    Ok(TextRequest {
        request: request(Cow::Borrowed(command.name), shown.text, batch),
        consumed,
        reply: reply(command, last, operands, &meta),
    })
}

/// The request of a command in words of either protocol.
pub(super) fn request(name: Cow<'static, str>, text: String, batch: usize) -> Request {
    let mut attributes = Attributes::with_capacity(4);
    attributes.push("db.system.name", "memcached");
    attributes.push("db.operation.name", name.clone());
    attributes.push("db.query.text", text.clone());
    if batch > 1 {
        attributes.push("db.operation.batch.size", i64::try_from(batch).unwrap_or(i64::MAX));
    }
    Request {
        endpoint: Some(name.as_ref().to_owned()),
        operation: name.clone(),
        kind: name,
        resource: Some(text),
        attributes,
        ..Request::default()
    }
}

/// The text of a command as it is shown.
#[derive(Debug)]
pub(super) struct Shown {
    text: String,
    words: usize,
    hides_keys: bool,
    max_bytes: usize,
}

impl Shown {
    pub(super) fn new(name: &str, config: &ConnectionConfig) -> Self {
        let (hides_keys, max_bytes) = (config.obfuscation.memcached_keys, config.max_resource_bytes);
        let mut text = String::with_capacity(name.len().saturating_add(16));
        text.push_str(name);
        Self { text, words: 0, hides_keys, max_bytes }
    }

    pub(super) fn push(&mut self, word: &[u8], is_secret: bool) {
        self.words = self.words.saturating_add(1);
        if self.words > MAX_SHOWN_WORDS || self.text.len().saturating_add(1) >= self.max_bytes {
            if self.words == MAX_SHOWN_WORDS + 1 {
                self.text.push_str(" ...");
            }
            return;
        }
        self.text.push(' ');
        if is_secret && self.hides_keys {
            self.text.push('?');
            return;
        }
        self.text.push_str(&cut_text(word, self.max_bytes.saturating_sub(self.text.len())));
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// The flags of a meta command that say how it is answered.
#[derive(Debug, Default)]
struct MetaFlags<'a> {
    key: &'a [u8],
    is_quiet: bool,
    repeats_key: bool,
    opaque: Option<&'a [u8]>,
}

impl<'a> MetaFlags<'a> {
    fn push(&mut self, flag: &'a [u8]) {
        match flag {
            b"q" => self.is_quiet = true,
            b"k" => self.repeats_key = true,
            [b'O', opaque @ ..] => self.opaque = Some(opaque),
            _ => {}
        }
    }
}

fn reply(command: Command, last: &[u8], operands: usize, meta: &MetaFlags<'_>) -> Reply {
    match command.form {
        Form::Unanswered => Reply::Never,
        Form::Meta | Form::MetaStore if meta.is_quiet => Reply::Quiet(Token {
            kind: command.name.as_bytes().get(1).copied().unwrap_or_default(),
            opaque: meta.opaque.map(fingerprint),
            key: meta.repeats_key.then(|| fingerprint(meta.key)),
        }),
        Form::Meta | Form::MetaStore => Reply::Meta,
        Form::Store | Form::Compare | Form::Change if operands > 1 && last == b"noreply" => Reply::Never,
        Form::Other if last == b"noreply" => Reply::Never,
        _ => Reply::Always,
    }
}
