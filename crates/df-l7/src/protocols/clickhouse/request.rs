//! What clients send: hellos and queries.

use crate::sql::{Dialect, Statement, cut_text, starts_like_sql};
use crate::{Attributes, ConnectionConfig, Cursor, PropagatedContext, Request};

use super::wire::{is_revision, revision, text, varint};

/// The client's hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClientHello<'a> {
    pub(super) name: &'a [u8],
    pub(super) revision: u64,
    pub(super) database: &'a [u8],
}

impl<'a> ClientHello<'a> {
    /// Reads what follows the packet's number.
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Option<Self> {
        let name = text(cursor)?;
        let (_major, _minor, revision) = (varint(cursor)?, varint(cursor)?, varint(cursor)?);
        let database = text(cursor)?;
        let (_user, _password) = (text(cursor)?, text(cursor)?);
        Some(Self { name, revision, database })
    }
}

/// A query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query<'a> {
    pub(super) id: &'a [u8],
    pub(super) sql: &'a [u8],
    pub(super) is_compressed: bool,
    pub(super) revision: u64,
    context: Option<PropagatedContext>,
}

impl<'a> Query<'a> {
    /// Reads what follows the packet's number. Of a connection whose hello was not seen, the client's own revision counts.
    pub(super) fn read(cursor: &mut Cursor<'a>, agreed: Option<u64>) -> Option<Self> {
        let id = text(cursor)?;
        let kind = cursor.u8()?;
        let (mut context, mut revision) = (None, agreed);
        if kind > 2 {
            return None;
        }
        if kind != 0 {
            (context, revision) = client_part(cursor, agreed)?;
        }
        let revision = revision.filter(|revision| is_revision(*revision))?;
        if revision < revision::SETTINGS_AS_TEXT {
            // Their values are written by their type, which only the server knows.
            text(cursor).filter(|name| name.is_empty())?;
        } else {
            skip_settings(cursor)?;
        }
        if revision >= revision::INTERSERVER_SECRET {
            text(cursor)?;
        }
        let (stage, compression) = (varint(cursor)?, varint(cursor)?);
        let sql = text(cursor)?;
        if revision >= revision::PROGRESS_ELAPSED - 1 {
            skip_settings(cursor)?;
        }
        let is_plausible = stage <= 5 && compression <= 1;
        is_plausible.then_some(Self { id, sql, is_compressed: compression == 1, revision, context })
    }

    /// Whether it looks like one.
    pub(super) fn is_telling(&self) -> bool {
        self.id.len() <= 128 && starts_like_sql(self.sql)
    }

    pub(super) fn into_request(self, database: Option<&str>, config: &ConnectionConfig) -> Request {
        let statement = Statement::read(self.sql, Dialect::Mysql, config);
        let mut request = statement.into_request("QUERY", config);
        let mut attributes = Attributes::with_capacity(6);
        attributes.push("db.system.name", "clickhouse");
        for attribute in std::mem::take(&mut request.attributes) {
            attributes.push(attribute.key, attribute.value);
        }
        if let Some(database) = database {
            attributes.push("db.namespace", database.to_owned());
        }
        if !self.id.is_empty() {
            attributes.push("df.clickhouse.query_id", cut_text(self.id, config.max_attribute_bytes));
        }
        request.attributes = attributes;
        request.context = self.context.map(Box::new).or(request.context);
        request.version = Some(self.revision.to_string().into());
        request
    }
}

/// A request that has no text.
pub(super) fn plain(kind: &'static str, database: Option<&str>) -> Request {
    let mut request = Request { kind: kind.into(), operation: kind.into(), ..Request::default() };
    request.attributes.push("db.system.name", "clickhouse");
    if let Some(database) = database {
        request.attributes.push("db.namespace", database.to_owned());
    }
    request
}

type ClientPart = (Option<PropagatedContext>, Option<u64>);

/// What the client tells of itself: who asked first, its version, its trace context.
fn client_part(cursor: &mut Cursor<'_>, agreed: Option<u64>) -> Option<ClientPart> {
    let (_user, _id, _address) = (text(cursor)?, text(cursor)?, text(cursor)?);
    if agreed.is_none_or(|revision| revision >= revision::INITIAL_TIME) {
        // Without a hello it is tried as new servers have it.
        cursor.take(8)?;
    }
    if cursor.u8()? != 1 {
        return None;
    }
    let (_system_user, _host, _name) = (text(cursor)?, text(cursor)?, text(cursor)?);
    let (_major, _minor, own) = (varint(cursor)?, varint(cursor)?, varint(cursor)?);
    let revision = agreed.unwrap_or(own);
    if revision >= revision::CLIENT_QUOTA_KEY {
        text(cursor)?;
    }
    if revision >= revision::DISTRIBUTED_DEPTH {
        varint(cursor)?;
    }
    if revision >= revision::VERSION_PATCH {
        varint(cursor)?;
    }
    let mut context = None;
    if revision >= revision::OPEN_TELEMETRY && cursor.u8()? == 1 {
        context = Some(trace_context(cursor)?);
    }
    if revision >= revision::PARALLEL_REPLICAS {
        let _replicas = (varint(cursor)?, varint(cursor)?, varint(cursor)?);
    }
    Some((context, Some(revision)))
}

/// Trace id, span id, state and flags. The halves of the trace id are numbers of their own, the lowest byte first.
fn trace_context(cursor: &mut Cursor<'_>) -> Option<PropagatedContext> {
    let (high, low, span) = (cursor.u64_le()?, cursor.u64_le()?, cursor.u64_le()?);
    let _state = text(cursor)?;
    let flags = cursor.u8()?;
    let mut context = PropagatedContext::default();
    context.trace_id = Some(format!("{high:016x}{low:016x}"));
    context.span_id = Some(format!("{span:016x}"));
    context.sampled = Some(flags & 1 == 1);
    Some(context)
}

/// Names with flags and values, up to an empty name.
fn skip_settings(cursor: &mut Cursor<'_>) -> Option<()> {
    for _ in 0..MAX_SETTINGS {
        if text(cursor)?.is_empty() {
            return Some(());
        }
        varint(cursor)?;
        text(cursor)?;
    }
    None
}

/// How many settings of a query are passed over.
const MAX_SETTINGS: usize = 1_024;
