//! What a request asks for: command, collection, database, trace context.

use std::borrow::Cow;

use super::bson::{self, Element};
use super::wire::Opcode;
use crate::context::{ContextReader, from_sql_comment};
use crate::sql::cut_text;
use crate::{ConnectionConfig, PropagatedContext, Request};

/// What is known of a request by now.
#[derive(Debug)]
pub(super) struct RequestFacts {
    opcode: Opcode,
    command: Option<Cow<'static, str>>,
    namespace: Option<String>,
    collection: Option<Collection>,
    context: Option<PropagatedContext>,
    /// Whether the next element is the first of a command, which names it.
    is_command_next: bool,
}

/// What stands in the collection's place.
#[derive(Debug)]
enum Collection {
    Named(String),
    /// The command is on no collection: `1`, `$cmd`.
    None(Cow<'static, str>),
}

impl RequestFacts {
    pub(super) fn new(opcode: Opcode) -> Self {
        let is_command_next = opcode == Opcode::Message;
        Self { opcode, command: None, namespace: None, collection: None, context: None, is_command_next }
    }

    /// OP_QUERY and the old writes name database and collection before the document.
    pub(super) fn handle_namespace(&mut self, namespace: &[u8], is_command: bool) {
        let (database, collection) = split_namespace(namespace);
        self.namespace = name(database);
        self.is_command_next = is_command;
        self.collection = if is_command {
            Some(Collection::None("$cmd".into()))
        } else {
            name(collection).map(Collection::Named)
        };
    }

    /// OP_COMMAND names database and command before the documents.
    pub(super) fn handle_command(&mut self, database: &[u8], command: &[u8]) {
        self.namespace = name(database);
        self.command = command_name(command);
        self.is_command_next = true;
    }

    /// Whether the command is within this element: `{$query: {count: "users"}, $readPreference: ...}`.
    pub(super) fn is_wrapping(&self, element: &Element<'_>) -> bool {
        self.is_command_next
            && self.opcode == Opcode::Query
            && element.kind == bson::DOCUMENT
            && matches!(element.name, b"$query" | b"query")
    }

    pub(super) fn wanted_bytes(&self, element: &Element<'_>) -> usize {
        match element.name {
            _ if self.is_command_next => MAX_NAME_BYTES,
            b"$db" | b"collection" => MAX_NAME_BYTES,
            b"comment" | b"$comment" => MAX_COMMENT_BYTES,
            _ => 0,
        }
    }

    pub(super) fn take(&mut self, element: &Element<'_>, config: &ConnectionConfig) {
        if std::mem::take(&mut self.is_command_next) {
            return self.take_command(element);
        }
        match element.name {
            b"$db" => self.namespace = element.text().and_then(name),
            b"collection" if self.command.as_deref() == Some("getMore") => {
                self.collection = element.text().and_then(name).map(Collection::Named);
            }
            b"comment" | b"$comment" if self.context.is_none() => self.context = context(element, config),
            _ => {}
        }
    }

    /// Whether it is known what is asked of which database.
    pub(super) const fn is_telling(&self) -> bool {
        self.namespace.is_some()
            && !self.is_command_next
            && (self.command.is_some() || self.collection.is_some())
    }

    pub(super) fn into_request(self, version: Option<String>) -> Request {
        let kind = self.command.unwrap_or(Cow::Borrowed(self.opcode.name()));
        let mut request = Request { kind: kind.clone(), operation: kind.clone(), ..Request::default() };
        request.version = version.map(Cow::Owned);
        request.context = self.context.map(Box::new);
        request.attributes = crate::Attributes::with_capacity(4);
        request.attributes.push("db.system.name", "mongodb");
        if let Some(namespace) = &self.namespace {
            request.attributes.push("db.namespace", namespace.clone());
        }
        request.target.clone_from(&self.namespace);
        request.resource = self.namespace;
        request.endpoint = Some(kind.to_string());
        match self.collection {
            Some(Collection::Named(collection)) => {
                request.endpoint = Some(format!("{kind} {collection}"));
                request.resource = request.resource.map(|namespace| format!("{namespace}.{collection}"));
                request.attributes.push("db.collection.name", collection.clone());
                request.target = Some(collection);
            }
            Some(Collection::None(place)) => request.attributes.push("db.collection.name", place),
            None => {}
        }
        request.attributes.push("db.operation.name", kind);
        request
    }

    /// The first element of a command names it, and holds its collection if it has one.
    fn take_command(&mut self, element: &Element<'_>) {
        let command = self.command.take().or_else(|| command_name(element.name));
        let word = command.as_deref().unwrap_or_default();
        let nested = || element.elements().next().and_then(|inner| inner.text());
        let text = if word == "explain" { nested() } else { element.text() };
        match text.and_then(name) {
            Some(namespace) if word == "renameCollection" => {
                let (database, collection) = split_namespace(namespace.as_bytes());
                self.namespace = name(database);
                self.collection = name(collection).map(Collection::Named);
            }
            Some(collection) if !NOT_ON_COLLECTIONS.contains(&word) => {
                self.collection = Some(Collection::Named(collection));
            }
            None if word != "getMore" && self.collection.is_none() => {
                self.collection = element.number().map(|number| Collection::None(place(number)));
            }
            _ => {}
        }
        self.command = command;
    }
}

/// The trace context in a comment: a document of named values, or a text with such values or with one W3C value.
fn context(element: &Element<'_>, config: &ConnectionConfig) -> Option<PropagatedContext> {
    let mut reader = ContextReader::new(&config.context);
    if let Some(text) = element.text() {
        let text = std::str::from_utf8(text).ok()?;
        return from_sql_comment(text, &config.context).or_else(|| {
            reader.handle(b"traceparent", text.as_bytes());
            reader.finish()
        });
    }
    for inner in element.elements() {
        if let Some(value) = inner.text() {
            reader.handle(inner.name, value);
        }
    }
    reader.finish()
}

/// `database.collection`; a collection's name may have dots.
fn split_namespace(namespace: &[u8]) -> (&[u8], &[u8]) {
    let dot = memchr::memchr(b'.', namespace).unwrap_or(namespace.len());
    (namespace.get(..dot).unwrap_or_default(), namespace.get(dot + 1..).unwrap_or_default())
}

fn name(bytes: &[u8]) -> Option<String> {
    (!bytes.is_empty()).then(|| cut_text(bytes, MAX_NAME_BYTES))
}

fn place(number: i64) -> Cow<'static, str> {
    if number == 1 { Cow::Borrowed("1") } else { Cow::Owned(number.to_string()) }
}

/// The name of a command, if it may be one.
fn command_name(bytes: &[u8]) -> Option<Cow<'static, str>> {
    let text = std::str::from_utf8(bytes).ok()?;
    if let Some(known) = COMMON_COMMANDS.iter().find(|known| **known == text) {
        return Some(Cow::Borrowed(known));
    }
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$');
    let is_plausible = !text.is_empty() && text.len() <= MAX_COMMAND_BYTES && text.bytes().all(is_word);
    is_plausible.then(|| Cow::Owned(text.to_owned()))
}

/// What most requests are.
const COMMON_COMMANDS: &[&str] = &[
    "find",
    "insert",
    "update",
    "delete",
    "aggregate",
    "getMore",
    "hello",
    "ping",
    "findAndModify",
    "count",
    "distinct",
    "isMaster",
    "ismaster",
    "commitTransaction",
    "abortTransaction",
    "endSessions",
    "killCursors",
    "createIndexes",
    "listCollections",
    "saslStart",
    "saslContinue",
    "bulkWrite",
];

/// Commands whose first element is a text that names no collection, but a user, a role, a setting or a log.
const NOT_ON_COLLECTIONS: &[&str] = &[
    "createUser",
    "updateUser",
    "dropUser",
    "usersInfo",
    "grantRolesToUser",
    "revokeRolesFromUser",
    "createRole",
    "updateRole",
    "dropRole",
    "rolesInfo",
    "grantRolesToRole",
    "revokeRolesFromRole",
    "grantPrivilegesToRole",
    "revokePrivilegesFromRole",
    "getParameter",
    "configureFailPoint",
    "authenticate",
];

/// The longest name that is kept; servers allow 255 bytes for a collection with its database.
const MAX_NAME_BYTES: usize = 264;
const MAX_COMMAND_BYTES: usize = 64;
/// How much of a comment is looked at.
const MAX_COMMENT_BYTES: usize = 2_048;
