//! What can be hooked in one ELF file.

use std::fs::File;

use object::ReadRef;
use object::read::ReadCache;

use super::elf::Elf;
use super::{InspectLimits, go, openssl};

/// Finds the TLS functions of an ELF file and where they can be hooked.
///
/// # Errors
///
/// When the file is no ELF file this crate can read, or has no TLS in it, or has a TLS that cannot be hooked.
pub fn inspect(bytes: &[u8], limits: &InspectLimits) -> Result<Binary, InspectError> {
    inspect_at(bytes, limits)
}

/// Does what [`inspect`] does for an open file, reading only the tables that it needs.
///
/// # Errors
///
/// Those of [`inspect`]; what cannot be read counts as malformed.
pub fn inspect_file(file: &File, limits: &InspectLimits) -> Result<Binary, InspectError> {
    inspect_at(&ReadCache::new(file), limits)
}

/// A file with TLS functions in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Binary {
    /// Whose TLS it is.
    pub library: Library,
    /// What it was compiled for.
    pub architecture: Architecture,
    /// The places to hook, entries before returns.
    pub hooks: Vec<Hook>,
}

/// Whose TLS a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Library {
    /// OpenSSL or one of its kin: LibreSSL, BoringSSL.
    OpenSsl,
    /// Go's `crypto/tls`, or a Go program without it.
    Go {
        /// The toolchain's version.
        version: go::GoVersion,
        /// Where a goroutine keeps its number, in bytes from the start of its `g`.
        goroutine_id_offset: u32,
    },
}

/// What a file was compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Architecture {
    /// x86-64.
    X86_64,
    /// 64-bit Arm.
    Aarch64,
}

/// A place to hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Hook {
    /// The function.
    pub function: HookFunction,
    /// Which end of it.
    pub site: HookSite,
    /// Where the instruction is, in bytes from the start of the file.
    pub file_offset: u64,
}

impl Binary {
    /// Whether its hooks give the plain text of TLS. Those of other Go programs only tell which goroutine works for which.
    pub fn has_tls(&self) -> bool {
        self.hooks.iter().any(|hook| hook.function.is_of_tls())
    }
}

impl Hook {
    /// A hook from its parts.
    pub const fn new(function: HookFunction, site: HookSite, file_offset: u64) -> Self {
        Self { function, site, file_offset }
    }
}

/// Which end of a function is hooked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HookSite {
    /// Its first instruction.
    Entry,
    /// Its return, through the return address: for functions that follow the C calling convention.
    Return,
    /// One of its return instructions: for Go, whose stacks move and do not survive a replaced return address.
    ReturnInstruction,
}

/// A function that can be hooked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum HookFunction {
    /// `int SSL_read(SSL *, void *, int)`
    SslRead,
    /// `int SSL_write(SSL *, const void *, int)`
    SslWrite,
    /// `int SSL_read_ex(SSL *, void *, size_t, size_t *)`
    SslReadEx,
    /// `int SSL_write_ex(SSL *, const void *, size_t, size_t *)`
    SslWriteEx,
    /// `int SSL_do_handshake(SSL *)`
    SslDoHandshake,
    /// `int SSL_shutdown(SSL *)`
    SslShutdown,
    /// `void SSL_free(SSL *)`
    SslFree,
    /// `crypto/tls.(*Conn).Read`
    GoTlsRead,
    /// `crypto/tls.(*Conn).Write`
    GoTlsWrite,
    /// `crypto/tls.(*Conn).Close`
    GoTlsClose,
    /// `net/http.(*persistConn).roundTrip`, where a request is handed to the goroutine that writes for a connection.
    GoHttpRoundTrip,
    /// `net/http.persistConnWriter.Write`, by which that goroutine writes.
    GoHttpWrite,
    /// `net/http.(*http2ClientConn).RoundTrip`, where a request is handed to the goroutine that is started for it. Newer versions and
    /// `golang.org/x/net/http2` have other names for it.
    GoHttp2RoundTrip,
    /// `net/http.(*http2clientStream).writeRequest`, by which that goroutine writes.
    GoHttp2Write,
}

impl HookFunction {
    const fn is_of_tls(self) -> bool {
        !matches!(
            self,
            Self::GoHttpRoundTrip | Self::GoHttpWrite | Self::GoHttp2RoundTrip | Self::GoHttp2Write
        )
    }

    /// The name in the symbol table.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::SslRead => "SSL_read",
            Self::SslWrite => "SSL_write",
            Self::SslReadEx => "SSL_read_ex",
            Self::SslWriteEx => "SSL_write_ex",
            Self::SslDoHandshake => "SSL_do_handshake",
            Self::SslShutdown => "SSL_shutdown",
            Self::SslFree => "SSL_free",
            Self::GoTlsRead => "crypto/tls.(*Conn).Read",
            Self::GoTlsWrite => "crypto/tls.(*Conn).Write",
            Self::GoTlsClose => "crypto/tls.(*Conn).Close",
            Self::GoHttpRoundTrip => "net/http.(*persistConn).roundTrip",
            Self::GoHttpWrite => "net/http.persistConnWriter.Write",
            Self::GoHttp2RoundTrip => "net/http.(*http2ClientConn).RoundTrip",
            Self::GoHttp2Write => "net/http.(*http2clientStream).writeRequest",
        }
    }
}

/// Why nothing can be hooked in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// It is no ELF file of 64 bits and little endian, or a damaged one.
    #[error("no readable ELF file ({0})")]
    Malformed(&'static str),
    /// It is for a processor that the hooks do not know.
    #[error("compiled for another processor (ELF machine {0})")]
    UnknownArchitecture(u16),
    /// It has neither OpenSSL nor Go's TLS in it, as far as its symbols tell.
    #[error("no TLS functions found")]
    NoTls,
    /// A table is larger than [`InspectLimits`] allow.
    #[error("a table is too large ({0})")]
    TooLarge(&'static str),
    /// A Go program older than 1.17, which passes arguments on the stack.
    #[error("Go {0} is older than 1.17 and passes arguments on the stack")]
    OldGo(go::GoVersion),
    /// A Go program whose version cannot be told.
    #[error("Go program of unknown version")]
    UnknownGoVersion,
    /// A function was found but not where it returns.
    #[error("no return instruction found in {0}")]
    NoReturns(&'static str),
}

fn inspect_at<'data, R: ReadRef<'data>>(data: R, limits: &InspectLimits) -> Result<Binary, InspectError> {
    let elf = Elf::parse(data, limits)?;
    if go::is_go(&elf) {
        return go::inspect(&elf);
    }
    openssl::inspect(&elf)
}
