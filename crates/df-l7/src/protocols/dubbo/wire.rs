//! Dubbo's header, and how to know it.
//!
//! ```text
//! | magic: da bb | flags: 1 byte | status: 1 | identifier: 8 | length of the body: 4 |        big-endian
//! flags: 0x80 request, 0x40 an answer is wanted, 0x20 event, and the serialization in the lower five bits
//! ```

use df_core::{Direction, Transport};

use crate::{Cursor, Detection};

/// The first 16 bytes of every message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    flags: u8,
    pub(super) status: u8,
    pub(super) id: u64,
    pub(super) body_len: usize,
}

impl Header {
    /// Reads a header; none if there are too few bytes or they are no header.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        if cursor.array()? != MAGIC {
            return None;
        }
        let (flags, status) = (cursor.u8()?, cursor.u8()?);
        let id = u64::from_be_bytes(cursor.array()?);
        let body_len = usize::try_from(cursor.u32_be()?).ok()?;
        let header = Self { flags, status, id, body_len };
        header.is_plausible().then_some(header)
    }

    pub(super) const fn is_request(&self) -> bool {
        self.flags & FLAG_REQUEST != 0
    }

    /// Whether the request is answered.
    pub(super) const fn is_two_way(&self) -> bool {
        self.flags & FLAG_TWO_WAY != 0
    }

    /// Whether it is a heartbeat or the like.
    pub(super) const fn is_event(&self) -> bool {
        self.flags & FLAG_EVENT != 0
    }

    pub(super) const fn serialization(&self) -> u8 {
        self.flags & SERIALIZATION_MASK
    }

    /// The serialization's name.
    pub(super) const fn serialization_name(&self) -> &'static str {
        serialization_name(self.serialization())
    }

    const fn is_plausible(&self) -> bool {
        let is_status = self.is_request() || status_name(self.status).is_some();
        self.serialization() != 0 && is_status && self.body_len <= MAX_BODY_BYTES
    }
}

/// Says whether these bytes are this protocol's: a magic number, a serialization, a status and a length that agree.
pub(super) fn detect(_: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    let Some(header) = Header::read(bytes) else {
        let is_cut = bytes.len() < HEADER_BYTES && MAGIC.iter().zip(bytes).all(|(magic, byte)| magic == byte);
        return if is_cut { Detection::NeedMore } else { Detection::NoMatch };
    };
    if serialization_name(header.serialization()) == UNKNOWN {
        return Detection::NoMatch;
    }
    // Events go both ways and do not tell who is the client.
    if header.is_event() || header.is_request() == (direction == Direction::ToServer) {
        Detection::CERTAIN
    } else {
        Detection::CERTAIN_REVERSED
    }
}

/// The name of a status, as Dubbo's sources have it.
pub(super) const fn status_name(status: u8) -> Option<&'static str> {
    Some(match status {
        20 => "OK",
        25 => "SERIALIZATION_ERROR",
        30 => "CLIENT_TIMEOUT",
        31 => "SERVER_TIMEOUT",
        35 => "CHANNEL_INACTIVE",
        40 => "BAD_REQUEST",
        50 => "BAD_RESPONSE",
        60 => "SERVICE_NOT_FOUND",
        70 => "SERVICE_ERROR",
        80 => "SERVER_ERROR",
        90 => "CLIENT_ERROR",
        100 => "SERVER_THREADPOOL_EXHAUSTED_ERROR",
        _ => return None,
    })
}

/// The name of a serialization (`org.apache.dubbo.common.serialize.Constants`).
const fn serialization_name(number: u8) -> &'static str {
    match number {
        HESSIAN => "hessian2",
        3 => "java",
        4 => "compactedjava",
        FASTJSON => "fastjson",
        7 => "nativejava",
        8 => "kryo",
        9 => "fst",
        10 => "native-hessian",
        11 => "avro",
        12 => "protostuff",
        16 => "gson",
        21 => "protobuf-json",
        22 => "protobuf",
        23 => "fastjson2",
        25 => "kryo2",
        27 => "msgpack",
        _ => UNKNOWN,
    }
}

pub(super) const HEADER_BYTES: usize = 16;
/// The number of Hessian 2.
pub(super) const HESSIAN: u8 = 2;
/// The number of fastjson.
pub(super) const FASTJSON: u8 = 6;
/// The status of a call that was made, whatever came of it.
pub(super) const STATUS_OK: u8 = 20;
const MAGIC: [u8; 2] = [0xda, 0xbb];
const FLAG_REQUEST: u8 = 0x80;
const FLAG_TWO_WAY: u8 = 0x40;
const FLAG_EVENT: u8 = 0x20;
const SERIALIZATION_MASK: u8 = 0x1f;
const UNKNOWN: &str = "unknown";
/// Servers refuse 8 MiB unless configured otherwise; nobody configures more than this.
const MAX_BODY_BYTES: usize = 1 << 30;
