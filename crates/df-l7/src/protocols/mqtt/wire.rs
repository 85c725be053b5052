//! Reads the fixed header of packets, and the fields that all of them are made of.
//!
//! ```text
//! +-------------+----------------------------------------+------------------+---------+
//! | type, flags | length of the rest (7 bits each, 1..4) | variable header  | payload |
//! +-------------+----------------------------------------+------------------+---------+
//! ```

use crate::Cursor;

/// The type of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Connect,
    ConnectAck,
    Publish,
    PublishAck,
    PublishReceived,
    PublishRelease,
    PublishComplete,
    Subscribe,
    SubscribeAck,
    Unsubscribe,
    UnsubscribeAck,
    PingRequest,
    PingResponse,
    Disconnect,
    Authenticate,
}

/// Who sends a type of packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    Client,
    Server,
    Either,
}

/// What is known of the protocol's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Version {
    #[default]
    Unknown,
    /// 3.1 or 3.1.1.
    Three,
    V31,
    V311,
    V5,
}

/// The fixed header of a packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) kind: Kind,
    /// The lower half of the first byte.
    pub(super) flags: u8,
    /// The bytes of the fixed header itself.
    pub(super) prefix_bytes: usize,
    /// The bytes behind it.
    pub(super) body_bytes: usize,
}

/// Why there is no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeadError {
    Incomplete,
    Unreadable,
}

impl Kind {
    fn of_first_byte(first: u8) -> Option<Self> {
        let (kind, flags) = (first >> 4, first & 0x0f);
        let kind = KINDS.get(usize::from(kind.checked_sub(1)?)).copied()?;
        let is_right = match kind {
            Self::Publish => flags & QOS != QOS,
            // Version 3.1 repeats these with the flag for it.
            Self::PublishRelease | Self::Subscribe | Self::Unsubscribe => flags & !DUP == 0x02,
            _ => flags == 0,
        };
        is_right.then_some(kind)
    }

    /// The specification's name.
    pub(super) const fn name(self) -> &'static str {
        self.names().0
    }

    /// What is done, in lower case.
    pub(super) const fn operation(self) -> &'static str {
        self.names().1
    }

    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Connect => ("CONNECT", "connect"),
            Self::ConnectAck => ("CONNACK", "connack"),
            Self::Publish => ("PUBLISH", "publish"),
            Self::PublishAck => ("PUBACK", "puback"),
            Self::PublishReceived => ("PUBREC", "pubrec"),
            Self::PublishRelease => ("PUBREL", "pubrel"),
            Self::PublishComplete => ("PUBCOMP", "pubcomp"),
            Self::Subscribe => ("SUBSCRIBE", "subscribe"),
            Self::SubscribeAck => ("SUBACK", "suback"),
            Self::Unsubscribe => ("UNSUBSCRIBE", "unsubscribe"),
            Self::UnsubscribeAck => ("UNSUBACK", "unsuback"),
            Self::PingRequest => ("PINGREQ", "ping"),
            Self::PingResponse => ("PINGRESP", "pingresp"),
            Self::Disconnect => ("DISCONNECT", "disconnect"),
            Self::Authenticate => ("AUTH", "auth"),
        }
    }

    pub(super) const fn sender(self) -> Sender {
        match self {
            Self::Connect | Self::Subscribe | Self::Unsubscribe | Self::PingRequest => Sender::Client,
            Self::ConnectAck | Self::SubscribeAck | Self::UnsubscribeAck | Self::PingResponse => {
                Sender::Server
            }
            _ => Sender::Either,
        }
    }

    /// Whether the body may be this long, in any version.
    const fn may_have(self, body_bytes: usize) -> bool {
        match self {
            Self::Connect => body_bytes >= 12,
            Self::ConnectAck
            | Self::PublishAck
            | Self::PublishReceived
            | Self::PublishRelease
            | Self::PublishComplete => body_bytes >= 2,
            Self::Publish | Self::SubscribeAck => body_bytes >= 3,
            Self::Subscribe => body_bytes >= 6,
            Self::Unsubscribe => body_bytes >= 5,
            Self::UnsubscribeAck => body_bytes == 2 || body_bytes >= 4,
            Self::PingRequest | Self::PingResponse => body_bytes == 0,
            Self::Disconnect | Self::Authenticate => true,
        }
    }
}

impl Version {
    /// As records show it.
    pub(super) const fn text(self) -> Option<&'static str> {
        match self {
            Self::Unknown | Self::Three => None,
            Self::V31 => Some("3.1"),
            Self::V311 => Some("3.1.1"),
            Self::V5 => Some("5.0"),
        }
    }

    pub(super) const fn is_three(self) -> bool {
        matches!(self, Self::Three | Self::V31 | Self::V311)
    }
}

impl Head {
    /// The fixed header at the start of `bytes`.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, HeadError> {
        let mut cursor = Cursor::new(bytes);
        let first = cursor.u8().ok_or(HeadError::Incomplete)?;
        let kind = Kind::of_first_byte(first).ok_or(HeadError::Unreadable)?;
        let body_bytes = variable_number(&mut cursor).ok_or(match cursor.rest().len() {
            0..MAX_NUMBER_BYTES => HeadError::Incomplete,
            _ => HeadError::Unreadable,
        })?;
        let body_bytes = usize::try_from(body_bytes).map_err(|_| HeadError::Unreadable)?;
        let head = Self { kind, flags: first & 0x0f, prefix_bytes: cursor.position(), body_bytes };
        if kind.may_have(body_bytes) { Ok(head) } else { Err(HeadError::Unreadable) }
    }

    /// The packet's quality of service.
    pub(super) const fn qos(&self) -> u8 {
        (self.flags & QOS) >> 1
    }

    pub(super) const fn is_duplicate(&self) -> bool {
        self.flags & DUP != 0
    }

    /// Whether the length takes more bytes than need be.
    pub(super) fn has_long_length(&self) -> bool {
        let needed = match self.body_bytes {
            0..0x80 => 1,
            0x80..0x4000 => 2,
            0x4000..0x20_0000 => 3,
            _ => 4,
        };
        self.prefix_bytes.saturating_sub(1) != needed
    }

    pub(super) const fn is_retained(&self) -> bool {
        self.flags & RETAIN != 0
    }

    /// The whole packet's length.
    pub(super) const fn packet_bytes(&self) -> usize {
        self.prefix_bytes.saturating_add(self.body_bytes)
    }

    /// What is there of the body in `bytes`, which begin with the packet.
    pub(super) fn body<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let behind = bytes.get(self.prefix_bytes..).unwrap_or_default();
        behind.get(..self.body_bytes).unwrap_or(behind)
    }
}

/// A number in groups of seven bits, the lowest first, in at most four bytes.
pub(super) fn variable_number(cursor: &mut Cursor<'_>) -> Option<u32> {
    let mut ahead = *cursor;
    let mut value = 0_u32;
    for shift in [0, 7, 14, 21] {
        let byte = ahead.u8()?;
        value |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            *cursor = ahead;
            return Some(value);
        }
    }
    None
}

/// Bytes with their length in front.
pub(super) fn counted<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let mut ahead = *cursor;
    let len = ahead.u16_be()?;
    let bytes = ahead.take(usize::from(len))?;
    *cursor = ahead;
    Some(bytes)
}

/// Text with its length in front, without what no text may have.
pub(super) fn text<'a>(cursor: &mut Cursor<'a>) -> Option<&'a str> {
    let mut ahead = *cursor;
    let text = std::str::from_utf8(counted(&mut ahead)?).ok().filter(|text| !text.contains('\0'))?;
    *cursor = ahead;
    Some(text)
}

const KINDS: [Kind; 15] = [
    Kind::Connect,
    Kind::ConnectAck,
    Kind::Publish,
    Kind::PublishAck,
    Kind::PublishReceived,
    Kind::PublishRelease,
    Kind::PublishComplete,
    Kind::Subscribe,
    Kind::SubscribeAck,
    Kind::Unsubscribe,
    Kind::UnsubscribeAck,
    Kind::PingRequest,
    Kind::PingResponse,
    Kind::Disconnect,
    Kind::Authenticate,
];
const DUP: u8 = 0x08;
const QOS: u8 = 0x06;
const RETAIN: u8 = 0x01;
const MAX_NUMBER_BYTES: usize = 4;
