//! What requests say: their text, consistency and keyspace.

use std::sync::Arc;

use crate::sql::{Dialect, Statement};
use crate::{Attributes, ConnectionConfig, Cursor, Request};

use super::statements::Prepared;
use super::wire::{Header, Opcode, long_text, short_text, skip_bytes};

/// How many statements of a batch are walked over to find its consistency.
const MAX_BATCH_STATEMENTS: u16 = 256;
/// How many values of a statement are walked over.
const MAX_VALUES: u16 = 4_096;

/// What a body says.
#[derive(Debug, Default)]
struct Asked<'a> {
    text: Option<&'a [u8]>,
    consistency: Option<u16>,
    batch_size: Option<u16>,
    compression: Option<&'a [u8]>,
}

/// A request, read.
pub(super) struct ReadRequest {
    pub(super) request: Request,
    /// The text that the server will give an id.
    pub(super) preparing: Option<Arc<[u8]>>,
    /// The compression that the connection asks for.
    pub(super) compression: Option<Vec<u8>>,
}

/// Reads a body, which may be cut.
pub(super) fn read(
    header: &Header,
    body: &[u8],
    prepared: &Prepared,
    keyspace: Option<&str>,
    config: &ConnectionConfig,
) -> ReadRequest {
    let mut cursor = Cursor::new(body);
    let mut asked = Asked::default();
    if header.skip_extras(&mut cursor).is_some() {
        // What is cut stays unknown.
        let _ = asked.read(header, &mut cursor, prepared);
    }
    let statement = asked.text.map(|text| Statement::read(text, Dialect::Postgresql, config));
    let kind = header.opcode.name();
    let mut request = match statement {
        Some(statement) => statement.into_request(kind, config),
        None => Request { kind: kind.into(), operation: kind.into(), ..Request::default() },
    };
    let mut attributes = Attributes::with_capacity(6);
    attributes.push("db.system.name", "cassandra");
    for attribute in std::mem::take(&mut request.attributes) {
        attributes.push(attribute.key, attribute.value);
    }
    if let Some(keyspace) = keyspace {
        attributes.push("db.namespace", keyspace.to_owned());
    }
    if let Some(name) = asked.consistency.and_then(consistency_name) {
        attributes.push("cassandra.consistency.level", name);
    }
    if let Some(size) = asked.batch_size.filter(|size| *size > 1) {
        attributes.push("db.operation.batch.size", size);
    }
    attributes.push("df.cassandra.stream_id", header.stream);
    request.attributes = attributes;
    request.version = Some(version_name(header.version).into());
    let preparing = asked.text.filter(|_| header.opcode == Opcode::Prepare).map(Arc::from);
    ReadRequest { request, preparing, compression: asked.compression.map(<[u8]>::to_vec) }
}

pub(super) const fn version_name(version: u8) -> &'static str {
    match version {
        3 => "3",
        4 => "4",
        _ => "5",
    }
}

impl<'a> Asked<'a> {
    fn read(&mut self, header: &Header, cursor: &mut Cursor<'a>, prepared: &'a Prepared) -> Option<()> {
        match header.opcode {
            Opcode::Query | Opcode::Prepare => {
                let (text, is_whole) = long_text(cursor)?;
                self.text = Some(text);
                if is_whole && header.opcode == Opcode::Query {
                    self.consistency = Some(cursor.u16_be()?);
                }
            }
            Opcode::Execute => {
                self.text = prepared.find(short_text(cursor)?).map(AsRef::as_ref);
                if header.version >= 5 {
                    short_text(cursor)?;
                }
                self.consistency = Some(cursor.u16_be()?);
            }
            Opcode::Batch => self.read_batch(cursor, prepared)?,
            Opcode::Startup => {
                for _ in 0..cursor.u16_be()?.min(MAX_OPTIONS) {
                    let (key, value) = (short_text(cursor)?, short_text(cursor)?);
                    if key == b"COMPRESSION" {
                        self.compression = Some(value);
                    }
                }
            }
            _ => {}
        }
        Some(())
    }

    fn read_batch(&mut self, cursor: &mut Cursor<'a>, prepared: &'a Prepared) -> Option<()> {
        let _kind = cursor.u8()?;
        let count = cursor.u16_be()?;
        self.batch_size = Some(count);
        for _ in 0..count.min(MAX_BATCH_STATEMENTS) {
            let text = match cursor.u8()? {
                0 => Some(long_text(cursor)?.0),
                _ => prepared.find(short_text(cursor)?).map(AsRef::as_ref),
            };
            self.text = self.text.or(text);
            for _ in 0..cursor.u16_be()?.min(MAX_VALUES) {
                skip_bytes(cursor)?;
            }
        }
        if count <= MAX_BATCH_STATEMENTS {
            self.consistency = Some(cursor.u16_be()?);
        }
        Some(())
    }
}

/// The conventions' name of a consistency level.
const fn consistency_name(number: u16) -> Option<&'static str> {
    Some(match number {
        0 => "any",
        1 => "one",
        2 => "two",
        3 => "three",
        4 => "quorum",
        5 => "all",
        6 => "local_quorum",
        7 => "each_quorum",
        8 => "serial",
        9 => "local_serial",
        10 => "local_one",
        _ => return None,
    })
}

/// How many options of a connection are looked at.
const MAX_OPTIONS: u16 = 32;
