//! What can go wrong with a live capture, and what to do about it.

use std::io;

/// Why a live capture cannot start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The process lacks the privilege.
    #[error(
        "{call}: not permitted: capturing needs CAP_NET_RAW: run as root, or `setcap cap_net_raw+ep <binary>`"
    )]
    NotPermitted {
        /// The system call that was refused.
        call: &'static str,
    },
    /// There is no interface of that name.
    #[error("there is no interface {name:?}; there are: {}", existing.join(", "))]
    UnknownInterface {
        /// The name asked for.
        name: String,
        /// The names that exist.
        existing: Vec<String>,
    },
    /// The interface was removed while it was captured on.
    #[error("the interface {name:?} was removed")]
    InterfaceRemoved {
        /// Its name when the capture began.
        name: String,
    },
    /// The filter expression does not compile.
    #[error("filter {expression:?}: {message}")]
    Filter {
        /// The expression as given.
        expression: String,
        /// What libpcap says.
        message: String,
    },
    /// Filter expressions are compiled by libpcap, which is not there.
    #[error(
        "filter expressions need libpcap, which cannot be loaded: install libpcap0.8 (Debian) or libpcap (Fedora)"
    )]
    LibpcapMissing {
        /// What the dynamic linker says.
        #[source]
        source: libloading::Error,
    },
    /// A value of the configuration is impossible.
    #[error("{field}: {what}")]
    Config {
        /// The field of [`AfPacketConfig`](crate::AfPacketConfig).
        field: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The kernel has no memory for the ring.
    #[error("{call}: no memory for a ring of {ring_bytes} bytes: lower `block_count`")]
    NoMemory {
        /// The system call that failed.
        call: &'static str,
        /// The ring's size.
        ring_bytes: usize,
    },
    /// Any other system call that failed.
    #[error("{call}: {source}")]
    System {
        /// The system call.
        call: &'static str,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
}

impl CaptureError {
    /// The error that `call` left in `errno`.
    pub(super) fn last(call: &'static str) -> Self {
        Self::of(call, io::Error::last_os_error())
    }

    /// The error of a system call.
    pub(super) fn of(call: &'static str, source: io::Error) -> Self {
        match source.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => Self::NotPermitted { call },
            _ => Self::System { call, source },
        }
    }
}
