//! What stands before the documents of a MongoDB message.
//!
//! ```text
//! | messageLength: 4 bytes | requestID: 4 | responseTo: 4 | opCode: 4 |        all numbers little-endian
//! ```

use crate::Cursor;

/// The first 16 bytes of every message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// The length of the message, these bytes included.
    pub(super) message_len: usize,
    pub(super) request_id: u32,
    pub(super) response_to: u32,
    pub(super) opcode: Opcode,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opcode {
    Reply,
    Update,
    Insert,
    Query,
    GetMore,
    Delete,
    KillCursors,
    Command,
    CommandReply,
    Compressed,
    Message,
}

impl Header {
    /// Reads a header; none if there are too few bytes or they are no header.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let message_len = usize::try_from(cursor.u32_le()?).ok()?;
        let (request_id, response_to) = (cursor.u32_le()?, cursor.u32_le()?);
        let opcode = Opcode::from_number(cursor.u32_le()?)?;
        let is_plausible = (HEADER_BYTES..=MAX_MESSAGE_BYTES).contains(&message_len);
        is_plausible.then_some(Self { message_len, request_id, response_to, opcode })
    }

    /// Whether a client sent it. Replies name the request; some old clients write -1 where nothing is answered.
    pub(super) const fn is_request(&self) -> bool {
        match self.opcode {
            Opcode::Reply | Opcode::CommandReply => false,
            Opcode::Message | Opcode::Compressed => matches!(self.response_to, 0 | u32::MAX),
            _ => true,
        }
    }
}

impl Opcode {
    pub(super) const fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            1 => Self::Reply,
            2001 => Self::Update,
            2002 => Self::Insert,
            2004 => Self::Query,
            2005 => Self::GetMore,
            2006 => Self::Delete,
            2007 => Self::KillCursors,
            2010 => Self::Command,
            2011 => Self::CommandReply,
            2012 => Self::Compressed,
            2013 => Self::Message,
            _ => return None,
        })
    }

    /// Its name in small letters.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Update => "update",
            Self::Insert => "insert",
            Self::Query => "query",
            Self::GetMore => "get_more",
            Self::Delete => "delete",
            Self::KillCursors => "kill_cursors",
            Self::Command => "command",
            Self::CommandReply => "command_reply",
            Self::Compressed => "compressed",
            Self::Message => "msg",
        }
    }

    /// Whether a request of this kind is never answered.
    pub(super) const fn is_one_way(self) -> bool {
        matches!(self, Self::Update | Self::Insert | Self::Delete | Self::KillCursors)
    }
}

/// What stands between the header of OP_COMPRESSED and the compressed bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Compression {
    pub(super) opcode: Opcode,
    /// How long the message is without its header once it is uncompressed.
    pub(super) plain_len: usize,
    pub(super) compressor: Compressor,
}

/// How a message is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compressor {
    None,
    Snappy,
    Zlib,
    Zstd,
}

impl Compression {
    /// Reads what follows the header; none if there are too few bytes or they make no sense.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        let opcode = Opcode::from_number(cursor.u32_le()?).filter(|opcode| *opcode != Opcode::Compressed)?;
        let plain_len = usize::try_from(cursor.u32_le()?).ok().filter(|len| *len <= MAX_MESSAGE_BYTES)?;
        let compressor = match cursor.u8()? {
            0 => Compressor::None,
            1 => Compressor::Snappy,
            2 => Compressor::Zlib,
            3 => Compressor::Zstd,
            _ => return None,
        };
        Some(Self { opcode, plain_len, compressor })
    }
}

pub(super) const HEADER_BYTES: usize = 16;
/// What stands before the compressed bytes.
pub(super) const COMPRESSION_BYTES: usize = 9;
/// `maxMessageSizeBytes` is 48,000,000; the headers come on top.
pub(super) const MAX_MESSAGE_BYTES: usize = 48 << 20;
/// OP_MSG: a checksum ends the message.
pub(super) const FLAG_CHECKSUM: u32 = 1;
/// OP_MSG: another message follows without a request (from a server), or no reply is wanted (from a client).
pub(super) const FLAG_MORE_TO_COME: u32 = 1 << 1;
/// OP_MSG: the client takes more than one reply.
pub(super) const FLAG_EXHAUST_ALLOWED: u32 = 1 << 16;
/// OP_REPLY: the cursor asked for is not known.
pub(super) const FLAG_CURSOR_NOT_FOUND: u32 = 1;
/// OP_REPLY: the only document is an error.
pub(super) const FLAG_QUERY_FAILURE: u32 = 1 << 1;
/// The namespace in which OP_QUERY is a command.
pub(super) const COMMAND_COLLECTION: &[u8] = b"$cmd";
/// The longest namespace that is read; servers allow 255 bytes.
pub(super) const MAX_NAMESPACE_BYTES: usize = 512;
