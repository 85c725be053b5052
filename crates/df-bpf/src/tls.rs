//! TLS inside processes: what can be hooked in a program or library, and which of them running processes use.
//!
//! [`inspect`] reads an ELF file and says where its TLS functions begin and end. It is pure: bytes in, values out.
//! [`TlsWatch`] looks at running processes, attaches to each file that they use once, and lets it go afterwards.

mod binary;
mod elf;
mod go;
mod instructions;
#[cfg(target_os = "linux")]
mod maps;
mod openssl;
mod pclntab;
#[cfg(target_os = "linux")]
mod processes;
#[cfg(target_os = "linux")]
mod watch;

pub use binary::{
    Architecture, Binary, Hook, HookFunction, HookSite, InspectError, InspectLimits, Library, inspect,
    inspect_file,
};
pub use go::GoVersion;
#[cfg(target_os = "linux")]
pub use watch::{AttachHook, AttachedBinary, RefusedBinary, TlsConfig, TlsStats, TlsWatch};
