//! Go programs: their version, and where their `crypto/tls` can be hooked.

use std::fmt;

use object::ReadRef;

use super::binary::{Binary, Hook, HookFunction, HookSite, InspectError, Library};
use super::elf::{Elf, Function};
use super::{instructions, pclntab};

/// Functions that are of use only together, each by the first of its names that there is.
type Group = &'static [(HookFunction, &'static [&'static str])];

/// What is hooked.
const GROUPS: [Group; 4] = [
    &[
        (HookFunction::GoTlsRead, &[HookFunction::GoTlsRead.symbol()]),
        (HookFunction::GoTlsWrite, &[HookFunction::GoTlsWrite.symbol()]),
    ],
    &[
        (HookFunction::GoHttpRoundTrip, &[HookFunction::GoHttpRoundTrip.symbol()]),
        (HookFunction::GoHttpWrite, &[HookFunction::GoHttpWrite.symbol()]),
    ],
    // Of a method that only calls another one the compiler leaves little: the inner one comes first.
    &[
        (
            HookFunction::GoHttp2RoundTrip,
            &[
                "net/http/internal/http2.(*ClientConn).roundTrip",
                "net/http.(*http2ClientConn).roundTrip",
                HookFunction::GoHttp2RoundTrip.symbol(),
            ],
        ),
        (
            HookFunction::GoHttp2Write,
            &["net/http/internal/http2.(*clientStream).writeRequest", HookFunction::GoHttp2Write.symbol()],
        ),
    ],
    &[
        (
            HookFunction::GoHttp2RoundTrip,
            &[
                "golang.org/x/net/http2.(*ClientConn).roundTrip",
                "golang.org/x/net/http2.(*ClientConn).RoundTrip",
            ],
        ),
        (HookFunction::GoHttp2Write, &["golang.org/x/net/http2.(*clientStream).writeRequest"]),
    ],
];
/// Hooked where there is TLS, if it is there.
const CLOSE: HookFunction = HookFunction::GoTlsClose;

/// A Go toolchain's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct GoVersion {
    /// The 1 of 1.22.
    pub major: u16,
    /// The 22 of 1.22.
    pub minor: u16,
}

impl GoVersion {
    /// A version from its numbers.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// Reads what the toolchain calls itself: `go1.22.1`, `go1.22.1 X:boringcrypto`, `devel go1.23-0123456 Thu`.
    pub fn parse(text: &str) -> Option<Self> {
        let (_, after) = text.split_once("go")?;
        let (major, after) = after.split_once('.')?;
        let minor =
            after.find(|byte: char| !byte.is_ascii_digit()).and_then(|end| after.get(..end)).unwrap_or(after);
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }

    /// Whether arguments are passed in registers.
    const fn passes_in_registers(self) -> bool {
        self.major > 1 || self.minor >= 17
    }

    /// Where `goid` is in the runtime's `g`. Go 1.23 put `syscallbp` before it, Go 1.25 took `ret` from `gobuf`.
    const fn goroutine_id_offset(self) -> u32 {
        match self.minor {
            23 | 24 => 160,
            _ => 152,
        }
    }
}

impl fmt::Display for GoVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

pub(super) fn is_go<'data, R: ReadRef<'data>>(elf: &Elf<'data, R>) -> bool {
    elf.section_range(".go.buildinfo").is_some() || elf.section_range(".gopclntab").is_some()
}

pub(super) fn inspect<'data, R: ReadRef<'data>>(elf: &Elf<'data, R>) -> Result<Binary, InspectError> {
    let found = find_functions(elf)?;
    let version = version(elf)?.ok_or(InspectError::UnknownGoVersion)?;
    if !version.passes_in_registers() {
        return Err(InspectError::OldGo(version));
    }
    let mut hooks = Vec::new();
    for (function, place) in found {
        let entry =
            elf.instruction_offset(place.address).ok_or(InspectError::Malformed("function address"))?;
        hooks.push(Hook::new(function, HookSite::Entry, entry));
        if matches!(function, HookFunction::GoTlsRead | HookFunction::GoTlsWrite) {
            let returns = returns(elf, function, place)?;
            let returns = returns.into_iter().filter_map(|offset| entry.checked_add(offset));
            hooks.extend(returns.map(|offset| Hook::new(function, HookSite::ReturnInstruction, offset)));
        }
    }
    hooks.sort_by_key(|hook| hook.site);
    let goroutine_id_offset = version.goroutine_id_offset();
    let library = Library::Go { version, goroutine_id_offset };
    Ok(Binary { library, architecture: elf.architecture(), hooks })
}

/// The functions of the groups that are whole: by the symbol table, or by Go's own table where there is none.
fn find_functions<'data, R: ReadRef<'data>>(
    elf: &Elf<'data, R>,
) -> Result<Vec<(HookFunction, Function)>, InspectError> {
    let names: Vec<&str> = GROUPS
        .iter()
        .flat_map(|group| group.iter().flat_map(|(_, names)| names.iter().copied()))
        .chain([CLOSE.symbol()])
        .collect();
    let mut found = elf.functions(&names)?;
    if found.iter().all(Option::is_none) {
        let mut table = elf.section_bytes(".gopclntab")?;
        if table.is_none() {
            table = elf.section_bytes(".data.rel.ro.gopclntab")?;
        }
        let (text_address, _) = elf.section_range(".text").unwrap_or_default();
        let from_table = table.and_then(|table| pclntab::functions(table, text_address, &names));
        found = from_table.unwrap_or(found);
    }
    let place = |wanted: &str| {
        names.iter().zip(&found).find(|(name, _)| **name == wanted).and_then(|(_, place)| *place)
    };
    let mut functions = Vec::new();
    for group in GROUPS {
        let places = group.iter().map(|(function, names)| {
            names.iter().find_map(|name| place(name)).map(|place| (*function, place))
        });
        functions.extend(places.collect::<Option<Vec<_>>>().unwrap_or_default());
    }
    if functions.iter().any(|(function, _)| *function == HookFunction::GoTlsRead) {
        functions.extend(place(CLOSE.symbol()).map(|place| (CLOSE, place)));
    }
    Ok(functions)
}

fn returns<'data, R: ReadRef<'data>>(
    elf: &Elf<'data, R>,
    function: HookFunction,
    place: Function,
) -> Result<Vec<u64>, InspectError> {
    let limits = elf.limits();
    let none = InspectError::NoReturns(function.symbol());
    if place.size_bytes == 0 || place.size_bytes > limits.max_function_bytes {
        return Err(none);
    }
    let code = elf.bytes_at(place.address, place.size_bytes).ok_or(none)?;
    instructions::return_offsets(code, elf.architecture(), limits.max_returns).ok_or(none)
}

/// What `.go.buildinfo` says.
///
/// ```text
/// ff " Go buildinf:" | pointer size u8 | flags u8 | ... 32: length (varint), version
/// ```
///
/// Without flag 2, which came with Go 1.18, there is a pointer to the version's string header at 16 instead.
fn version<'data, R: ReadRef<'data>>(elf: &Elf<'data, R>) -> Result<Option<GoVersion>, InspectError> {
    let Some(section) = elf.section_bytes(".go.buildinfo")? else { return Ok(None) };
    Ok(version_text(elf, section).and_then(|text| std::str::from_utf8(text).ok()).and_then(GoVersion::parse))
}

fn version_text<'data, R: ReadRef<'data>>(elf: &Elf<'data, R>, section: &'data [u8]) -> Option<&'data [u8]> {
    const MAGIC: &[u8] = b"\xff Go buildinf:";
    const INLINE: u8 = 2;
    let after = section.strip_prefix(MAGIC)?;
    let [pointer_bytes, flags, ..] = *after else { return None };
    if flags & INLINE != 0 {
        // A version is shorter than 128 bytes, so that its varint is one byte.
        let [length, rest @ ..] = section.get(32..)? else { return None };
        return rest.get(..usize::from(*length));
    }
    if pointer_bytes != 8 {
        return None;
    }
    let header = elf.bytes_at(word(section.get(16..)?)?, 16)?;
    let length = word(header.get(8..)?)?;
    (length < 128).then(|| elf.bytes_at(word(header)?, length))?
}

fn word(bytes: &[u8]) -> Option<u64> {
    bytes.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}
