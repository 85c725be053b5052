//! Trace and span identifiers, as OpenTelemetry and W3C Trace Context define them.

use std::fmt;
use std::str::FromStr;

use crate::hash::Hash;

/// Names a trace: 16 bytes, never all zero.
///
/// ```
/// use df_trace::TraceId;
///
/// let id: TraceId = "4bf92f3577b34da6a3ce929d0e0e4736".parse()?;
/// assert_eq!(id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
/// assert!("00000000000000000000000000000000".parse::<TraceId>().is_err());
/// # Ok::<(), df_trace::IdError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId([u8; 16]);

impl TraceId {
    /// An identifier from its bytes; none when they are all zero, which OpenTelemetry calls invalid.
    pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        (bytes != [0; 16]).then_some(Self(bytes))
    }

    /// The bytes, first one first, as OTLP carries them.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// The identifier that a hash stands for. Of all hashes, the one that is zero is not used as it is.
    pub(crate) const fn from_hash([first, second]: Hash) -> Self {
        let number = (first as u128) << 64 | second as u128;
        Self(if number == 0 { 1_u128 } else { number }.to_be_bytes())
    }
}

/// Names a span within its trace: 8 bytes, never all zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId([u8; 8]);

impl SpanId {
    /// An identifier from its bytes; none when they are all zero, which OpenTelemetry calls invalid.
    pub fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        (bytes != [0; 8]).then_some(Self(bytes))
    }

    /// The bytes, first one first, as OTLP carries them.
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0
    }

    /// The identifier that a hash stands for. Of all hashes, the one that is zero is not used as it is.
    pub(crate) const fn from_hash([first, _]: Hash) -> Self {
        Self(if first == 0 { 1_u64 } else { first }.to_be_bytes())
    }
}

/// Names a span everywhere: its trace and itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanContext {
    /// The trace.
    pub trace_id: TraceId,
    /// The span.
    pub span_id: SpanId,
}

impl SpanContext {
    /// A context from its parts.
    pub const fn new(trace_id: TraceId, span_id: SpanId) -> Self {
        Self { trace_id, span_id }
    }
}

/// Why a text is no identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdError {
    /// It has another number of characters than twice the identifier's bytes.
    Length,
    /// A character is no hexadecimal digit.
    Digit,
    /// All digits are zero.
    Zero,
}

impl fmt::Display for IdError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Length => "an identifier has 32 (trace) or 16 (span) hexadecimal digits",
            Self::Digit => "an identifier has hexadecimal digits only",
            Self::Zero => "an identifier is not all zero",
        })
    }
}

impl std::error::Error for IdError {}

impl FromStr for TraceId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::from_bytes(parse_hex(text)?).ok_or(IdError::Zero)
    }
}

impl FromStr for SpanId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::from_bytes(parse_hex(text)?).ok_or(IdError::Zero)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", u64::from_be_bytes(self.0))
    }
}

fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], IdError> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() || pairs.len() != N {
        return Err(IdError::Length);
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Ok(bytes)
}

fn digit(character: u8) -> Result<u8, IdError> {
    match character {
        b'0'..=b'9' => Ok(character - b'0'),
        b'a'..=b'f' => Ok(character - b'a' + 10),
        b'A'..=b'F' => Ok(character - b'A' + 10),
        _ => Err(IdError::Digit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_are_the_same_identifier() {
        let id: TraceId = "0af7651916CD43dd8448eb211c80319c".parse().unwrap();
        assert_eq!(id.to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(TraceId::from_bytes(id.to_bytes()), Some(id));
        let id: SpanId = "00f067aa0ba902b7".parse().unwrap();
        assert_eq!(id.to_string(), "00f067aa0ba902b7");
        assert_eq!(SpanId::from_bytes(id.to_bytes()), Some(id));
    }

    #[test]
    fn what_is_no_identifier_is_refused() {
        for (text, error) in [
            ("", IdError::Length),
            ("00f067aa0ba902b", IdError::Length),
            ("00f067aa0ba902b7a", IdError::Length),
            ("00f067aa0ba902bg", IdError::Digit),
            ("+0f067aa0ba902b7", IdError::Digit),
            ("0000000000000000", IdError::Zero),
            ("ééééabcd", IdError::Length),
            ("éééééééé", IdError::Digit),
        ] {
            assert_eq!(text.parse::<SpanId>(), Err(error), "{text}");
        }
    }
}
