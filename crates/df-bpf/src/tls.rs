//! TLS inside processes: what can be hooked in a program or library, and which of them running processes use.
//!
//! `inspect` reads an ELF file and says where its TLS functions begin and end. It is pure: bytes in, values out.
//! `TlsWatch` looks at running processes, attaches to each file that they use once, and lets it go afterwards.

#[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
mod attach;
#[cfg(feature = "inspect")]
mod binary;
mod config;
#[cfg(feature = "inspect")]
mod elf;
#[cfg(feature = "inspect")]
mod go;
#[cfg(feature = "inspect")]
mod instructions;
#[cfg(all(feature = "inspect", target_os = "linux"))]
mod maps;
#[cfg(feature = "inspect")]
mod openssl;
#[cfg(feature = "inspect")]
mod pclntab;
#[cfg(all(feature = "inspect", target_os = "linux"))]
mod processes;
#[cfg(all(feature = "inspect", target_os = "linux"))]
mod trials;
#[cfg(all(feature = "inspect", target_os = "linux"))]
mod watch;

#[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
pub(crate) use attach::LoaderHooks;
#[cfg(feature = "inspect")]
pub use binary::{
    Architecture, Binary, Hook, HookFunction, HookSite, InspectError, Library, inspect, inspect_file,
};
pub use config::{InspectLimits, TlsConfig};
#[cfg(feature = "inspect")]
pub use go::GoVersion;
#[cfg(all(feature = "aya", target_os = "linux"))]
pub(crate) use processes::all_pids;
#[cfg(all(feature = "inspect", target_os = "linux"))]
pub use watch::{AttachHook, AttachedBinary, RefusedBinary, TlsReport, TlsStats, TlsWatch};
