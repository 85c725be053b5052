//! What is kept of a Redis command while its arguments pass.

use std::borrow::Cow;

use crate::{Attributes, ConnectionConfig, Request};

use super::names;

/// The longest command name that is kept.
const MAX_NAME_BYTES: usize = 64;
/// The longest second word that is kept: a subcommand, a database index, a function's name or a script's digest.
const MAX_WORD_BYTES: usize = 128;
/// How many arguments the text of a command shows, even if only as `?`.
const MAX_SHOWN_ARGUMENTS: u64 = 32;

/// A command, as far as its arguments were seen.
#[derive(Debug)]
pub(super) struct Command {
    /// The name in capitals; empty until the first argument was seen.
    name: Cow<'static, str>,
    /// The second word, of the commands where it matters.
    word: String,
    /// The third word in capitals, of `CLIENT REPLY`.
    mode: ReplyMode,
    /// How many arguments were seen, the name included.
    arguments: u64,
    text: String,
    shows_arguments: bool,
    max_text_bytes: usize,
}

/// What a `CLIENT REPLY` command asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum ReplyMode {
    /// It is another command.
    #[default]
    None,
    On,
    Off,
    Skip,
}

impl Command {
    pub(super) fn new(config: &ConnectionConfig) -> Self {
        Self {
            name: Cow::Borrowed(""),
            word: String::new(),
            mode: ReplyMode::None,
            arguments: 0,
            text: String::new(),
            shows_arguments: !config.obfuscation.redis_arguments,
            max_text_bytes: config.max_resource_bytes,
        }
    }

    /// How many bytes of the next argument, which has `len`, must be passed to [`push`](Self::push).
    pub(super) fn wanted_bytes(&self, len: u64) -> usize {
        let most = match self.arguments {
            0 => MAX_NAME_BYTES + 1,
            1 if self.keeps_word() => MAX_WORD_BYTES.max(self.shown_bytes()),
            2 if self.is_client_reply() => MAX_WORD_BYTES,
            _ => self.shown_bytes(),
        };
        usize::try_from(len).unwrap_or(usize::MAX).min(most)
    }

    /// Takes the next argument: the bytes wanted of it, or fewer if the others are missing.
    pub(super) fn push(&mut self, argument: &[u8]) {
        match self.arguments {
            0 => self.push_name(argument),
            index => self.push_argument(index, argument),
        }
        self.arguments = self.arguments.saturating_add(1);
    }

    /// The name in capitals; empty until it was seen.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The second word, if it matters.
    pub(super) fn word(&self) -> &str {
        &self.word
    }

    pub(super) const fn reply_mode(&self) -> ReplyMode {
        self.mode
    }

    /// How many arguments follow the name.
    pub(super) const fn operands(&self) -> u64 {
        self.arguments.saturating_sub(1)
    }

    /// The request. `namespace` is the index of the selected database, if known.
    pub(super) fn into_request(self, namespace: Option<&str>) -> Request {
        let mut attributes = Attributes::new();
        attributes.push("db.system.name", "redis");
        attributes.push("db.operation.name", self.name.clone());
        attributes.push("db.query.text", self.text.clone());
        if let Some(namespace) = namespace {
            attributes.push("db.namespace", namespace.to_owned());
        }
        if is_procedure_call(&self.name) && !self.word.is_empty() {
            attributes.push("db.stored_procedure.name", self.word);
        }
        Request {
            endpoint: Some(self.name.as_ref().to_owned()),
            operation: self.name.clone(),
            kind: self.name,
            resource: Some(self.text),
            attributes,
            ..Request::default()
        }
    }

    fn push_name(&mut self, argument: &[u8]) {
        self.name = match names::known(argument) {
            Some(name) => Cow::Borrowed(name),
            None if is_plausible_name(argument) => {
                Cow::Owned(argument.iter().map(|byte| char::from(byte.to_ascii_uppercase())).collect())
            }
            None => Cow::Borrowed("UNKNOWN"),
        };
        self.text.reserve(self.name.len() + 16);
        self.text.push_str(&self.name);
    }

    fn push_argument(&mut self, index: u64, argument: &[u8]) {
        if index == 1 && self.keeps_word() {
            let word = argument.get(..MAX_WORD_BYTES).unwrap_or(argument);
            self.word = String::from_utf8_lossy(word).into_owned();
        }
        if index == 2 && self.is_client_reply() {
            self.mode = match argument.to_ascii_uppercase().as_slice() {
                b"ON" => ReplyMode::On,
                b"OFF" => ReplyMode::Off,
                b"SKIP" => ReplyMode::Skip,
                _ => ReplyMode::None,
            };
        }
        self.show(index, argument);
    }

    fn show(&mut self, index: u64, argument: &[u8]) {
        if index > MAX_SHOWN_ARGUMENTS || self.text.len() >= self.max_text_bytes {
            if index == MAX_SHOWN_ARGUMENTS + 1 {
                self.text.push_str(" ...");
            }
            return;
        }
        self.text.push(' ');
        if index == 1 && names::has_subcommands(&self.name) && is_plausible_name(argument) {
            self.text.extend(argument.iter().map(|byte| char::from(byte.to_ascii_uppercase())));
        } else if self.shows(index) {
            let room = self.max_text_bytes.saturating_sub(self.text.len());
            self.text.push_str(&String::from_utf8_lossy(argument.get(..room).unwrap_or(argument)));
        } else {
            self.text.push('?');
        }
    }

    /// Whether the argument with this index may be read by everybody. Passwords never are.
    fn shows(&self, index: u64) -> bool {
        self.shows_arguments
            && match self.name.as_ref() {
                "AUTH" => false,
                "HELLO" => index < 2,
                "MIGRATE" => index < 6,
                "ACL" | "CONFIG" => index < 3,
                _ => true,
            }
    }

    fn shown_bytes(&self) -> usize {
        if self.arguments > MAX_SHOWN_ARGUMENTS || !self.shows(self.arguments) {
            return 0;
        }
        self.max_text_bytes.saturating_sub(self.text.len())
    }

    fn keeps_word(&self) -> bool {
        names::has_subcommands(&self.name) || is_procedure_call(&self.name) || self.name == "SELECT"
    }

    fn is_client_reply(&self) -> bool {
        self.name == "CLIENT" && self.word.eq_ignore_ascii_case("REPLY")
    }
}

/// Whether this can be the name of a command, of a module's too (`JSON.GET`).
pub(super) fn is_plausible_name(word: &[u8]) -> bool {
    let is_name_byte = |&byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'|');
    word.len() <= MAX_NAME_BYTES
        && word.first().is_some_and(u8::is_ascii_alphabetic)
        && word.iter().all(is_name_byte)
}

fn is_procedure_call(name: &str) -> bool {
    matches!(name, "EVALSHA" | "EVALSHA_RO" | "FCALL" | "FCALL_RO")
}
