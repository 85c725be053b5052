//! What is said when a program that a test needs is absent or does not work.

use std::io;
use std::path::PathBuf;

/// Why a server, a client or a namespace could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PeerError {
    /// A program is not installed.
    #[error("{program} is missing; install it with: apt-get install --no-install-recommends {package}")]
    Missing {
        /// The program that was looked for.
        program: String,
        /// The Debian package that has it.
        package: &'static str,
    },
    /// Network namespaces and captures need root.
    #[error("{what} needs root")]
    NeedsRoot {
        /// What was asked for.
        what: &'static str,
    },
    /// The kernel or the privileges lack something.
    #[error("{what}")]
    Unsupported {
        /// What is lacking, and what to do.
        what: String,
    },
    /// A program ran and failed.
    #[error("{command} failed: {output}")]
    Failed {
        /// What was run.
        command: String,
        /// What it said, or how it ended.
        output: String,
    },
    /// A server did not answer in time; its log says why.
    #[error("{server} was not ready after {seconds} s; its log ends: {log}")]
    NotReady {
        /// The server.
        server: &'static str,
        /// How long it was waited for.
        seconds: u64,
        /// The end of what it wrote.
        log: String,
    },
    /// A file could not be read or written.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl PeerError {
    /// Whether the machine lacks something, in contrast to something being broken.
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::NeedsRoot { .. } | Self::Unsupported { .. })
    }
}

/// Says aloud that a test is skipped for want of a peer. With `DF_REQUIRE_PEERS=1`, as in continuous integration, and
/// for anything worse than absence, it fails the test instead; what a kernel lacks cannot be installed.
///
/// # Panics
///
/// When the test must not be skipped.
#[allow(clippy::panic, reason = "this is how a test fails")]
#[allow(clippy::print_stderr, reason = "a skipped test must be seen by the person who ran it")]
pub fn skip(test: &str, reason: &PeerError) {
    let is_required = std::env::var_os("DF_REQUIRE_PEERS").is_some_and(|value| value == "1")
        && !matches!(reason, PeerError::Unsupported { .. });
    assert!(reason.is_absence() && !is_required, "{test}: {reason}");
    eprintln!("skipped: {test}: {reason}");
}
