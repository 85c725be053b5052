//! Reads the header that begins a connection and tells the version.
//!
//! ```text
//! +--------+--------------------------------------------------+
//! | "AMQP" | 0-9-1: 0 0 9 1; 0-9: 1 1 0 9; 0-8: 1 1 8 0       |
//! |        | 1.0: layer (u8: AMQP 0, TLS 2, SASL 3), 1 0 0    |
//! +--------+--------------------------------------------------+
//! ```

/// How long the header is.
pub(super) const PROTOCOL_HEADER_BYTES: usize = 8;
const MAGIC: &[u8] = b"AMQP";

/// What a protocol header asks for, or offers instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProtocolHeader {
    /// 0-9-1 or one of the versions before it, which have the same frames.
    Classic { version: &'static str },
    /// 1.0 within this layer.
    Modern(Layer),
    /// 0-10, whose frames are not read, or none that there is.
    Other { version: Option<&'static str> },
}

/// What a header of AMQP 1.0 is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    Amqp,
    Tls,
    Sasl,
}

impl Layer {
    /// In words.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Amqp => "AMQP",
            Self::Tls => "TLS",
            Self::Sasl => "SASL",
        }
    }
}

impl ProtocolHeader {
    /// Reads it; none if it is no version's, or fewer bytes than [`PROTOCOL_HEADER_BYTES`].
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let version = bytes.get(..PROTOCOL_HEADER_BYTES)?.strip_prefix(MAGIC)?;
        Some(match version {
            [0, 0, 9, 1] => Self::Classic { version: "0.9.1" },
            [1, 1, 0, 9] => Self::Classic { version: "0.9" },
            [1, 1, 8, 0] => Self::Classic { version: "0.8" },
            [0, 1, 0, 0] => Self::Modern(Layer::Amqp),
            [2, 1, 0, 0] => Self::Modern(Layer::Tls),
            [3, 1, 0, 0] => Self::Modern(Layer::Sasl),
            [1, 1, 0, 10] => Self::Other { version: Some("0.10") },
            numbers if numbers.iter().all(|number| *number < b' ') => Self::Other { version: None },
            _ => return None,
        })
    }

    /// The version as users write it.
    pub(super) const fn version(self) -> Option<&'static str> {
        match self {
            Self::Classic { version } => Some(version),
            Self::Modern(_) => Some("1.0"),
            Self::Other { version } => version,
        }
    }
}

/// Whether a protocol header begins here, or may.
pub(super) fn may_be_header(bytes: &[u8]) -> bool {
    let len = bytes.len().min(MAGIC.len());
    len > 0 && bytes.get(..len) == MAGIC.get(..len)
}
