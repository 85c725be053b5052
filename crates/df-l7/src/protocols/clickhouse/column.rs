//! How the values of a column are laid out, as its type says.

/// A layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Column {
    /// So many bytes per row.
    Fixed(usize),
    /// Strings with their lengths.
    Strings,
    /// A byte per row, then values.
    Nullable(Box<Column>),
    /// The ends of the arrays, then the elements.
    Array(Box<Column>),
    /// The offset of the last array, then the elements.
    ArrayEnd(Box<Column>),
    /// One column after the other.
    Tuple(Vec<Column>),
}

impl Column {
    /// The layout of a type. None if it is not known.
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        Self::nested(std::str::from_utf8(name).ok()?, 0)
    }

    fn nested(name: &str, depth: usize) -> Option<Self> {
        if depth > MAX_DEPTH {
            return None;
        }
        let name = name.trim();
        let (base, arguments) = match name.split_once('(') {
            Some((base, rest)) => (base, Some(rest.strip_suffix(')')?)),
            None => (name, None),
        };
        if let Some(bytes) = fixed_bytes(base, arguments) {
            return Some(Self::Fixed(bytes));
        }
        let inner = |text: &str| Self::nested(text, depth + 1);
        match (base, arguments) {
            ("String", None) => Some(Self::Strings),
            ("Nullable", Some(text)) => Some(Self::Nullable(Box::new(inner(text)?))),
            ("Array", Some(text)) => Some(Self::Array(Box::new(inner(text)?))),
            ("SimpleAggregateFunction", Some(text)) => inner(text.split_once(',')?.1),
            ("Map", Some(text)) => {
                let types = split(text).into_iter().map(inner).collect::<Option<Vec<_>>>()?;
                Some(Self::Array(Box::new(Self::Tuple(types))))
            }
            ("Tuple", Some(text)) => {
                // Elements may have names: the type is the last word outside brackets.
                let unnamed =
                    |element: &str| inner(element).or_else(|| inner(element.trim().split_once(' ')?.1));
                split(text).into_iter().map(unnamed).collect::<Option<Vec<_>>>().map(Self::Tuple)
            }
            _ => None,
        }
    }
}

/// The elements of a list, parted by the commas outside brackets and quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut depth, mut is_quoted, mut start, mut parts) = (0_u32, false, 0, Vec::new());
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            b'\'' => is_quoted = !is_quoted,
            b'(' if !is_quoted => depth += 1,
            b')' if !is_quoted => depth = depth.saturating_sub(1),
            b',' if !is_quoted && depth == 0 => {
                parts.extend(text.get(start..place));
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts
}

fn fixed_bytes(base: &str, arguments: Option<&str>) -> Option<usize> {
    Some(match base {
        "UInt8" | "Int8" | "Bool" | "Enum8" | "Nothing" => 1,
        "UInt16" | "Int16" | "Date" | "Enum16" | "BFloat16" => 2,
        "UInt32" | "Int32" | "Float32" | "Date32" | "DateTime" | "IPv4" | "Decimal32" | "Time" => 4,
        "UInt64" | "Int64" | "Float64" | "DateTime64" | "Decimal64" | "Time64" => 8,
        "UInt128" | "Int128" | "UUID" | "IPv6" | "Decimal128" | "Point" => 16,
        "UInt256" | "Int256" | "Decimal256" => 32,
        "FixedString" => arguments?.trim().parse().ok().filter(|len| *len <= MAX_FIXED_BYTES)?,
        "Decimal" => match arguments?.split(',').next()?.trim().parse::<u32>().ok()? {
            0..=9 => 4,
            10..=18 => 8,
            19..=38 => 16,
            _ => 32,
        },
        _ if base.starts_with("Interval") => 8,
        _ => return None,
    })
}

const MAX_DEPTH: usize = 16;
const MAX_FIXED_BYTES: usize = 1 << 20;
