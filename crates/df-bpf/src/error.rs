//! What can go wrong with the probes, and what to do about it.

use std::io;
use std::path::PathBuf;

use crate::privileges::{Refused, remedy};

/// Why the probes cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The process lacks the privilege.
    #[error("{call}: not permitted: {remedy}")]
    #[non_exhaustive]
    NotPermitted {
        /// What was refused.
        call: &'static str,
        /// What is missing, and what to do.
        remedy: String,
    },
    /// The kernel does not tell how its structures are laid out.
    #[error(
        "the kernel does not tell where its structures have their fields (no /sys/kernel/btf/vmlinux): boot one with \
         CONFIG_DEBUG_INFO_BTF, or give a file with the BTF of exactly {release}, from BTFHub, or made of the vmlinux in its \
         debug package by `pahole --btf_encode_detached=FILE vmlinux`"
    )]
    #[non_exhaustive]
    NoBtf {
        /// The release of the running kernel.
        release: String,
    },
    /// The file of [`ProbeConfig::btf_path`](crate::ProbeConfig::btf_path) cannot be used.
    #[error("{}: no BTF can be read from it: {message}", path.display())]
    #[non_exhaustive]
    BtfFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The kernel lacks something that the programs need.
    #[error("the kernel lacks {what}")]
    Unsupported {
        /// What it lacks, and since when there is one.
        what: &'static str,
    },
    /// No system call could be hooked.
    #[error("no system call could be hooked: {reasons}")]
    #[non_exhaustive]
    NothingAttached {
        /// Why not, for each kind of hook.
        reasons: String,
    },
    /// A value of the configuration is impossible.
    #[error("{field}: {what}")]
    Config {
        /// The field of [`ProbeConfig`](crate::ProbeConfig).
        field: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Any other call that failed.
    #[error("{call}: {source}")]
    System {
        /// The call.
        call: &'static str,
        /// What the operating system or the loader says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl LoadError {
    /// The error of a call.
    pub(crate) fn of(call: &'static str, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        if is_not_permitted(&source) {
            return Self::NotPermitted { call, remedy: remedy(Refused::Bpf) };
        }
        Self::System { call, source: Box::new(source) }
    }
}

/// Why one program is not attached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// The process lacks the privilege.
    #[error("not permitted: {remedy}")]
    #[non_exhaustive]
    NotPermitted {
        /// What is missing, and what to do.
        remedy: String,
    },
    /// The tracepoints cannot be found.
    #[error("tracefs is not mounted: run `mount -t tracefs tracefs /sys/kernel/tracing`")]
    NoTracefs,
    /// The object has no such program.
    #[error("the object has no program {program}")]
    UnknownProgram {
        /// Its name.
        program: String,
    },
    /// The kernel's verifier refuses the program.
    #[error("the kernel refuses the program {program}: {message}")]
    Refused {
        /// Its name.
        program: String,
        /// The end of what the verifier says.
        message: String,
    },
    /// This kernel has no such hook.
    #[error("this kernel has no {hook}")]
    NoHook {
        /// Its name.
        hook: String,
    },
    /// A system call can be hooked by no kind of hook.
    #[error("by nothing: {reasons}")]
    #[non_exhaustive]
    NoKind {
        /// Why not, for each kind.
        reasons: String,
    },
    /// Anything else.
    #[error("{hook}: {message}")]
    Failed {
        /// The hook.
        hook: String,
        /// What the loader says.
        message: String,
    },
}

/// Whether a chain of errors ends in a refusal for want of privilege.
pub(crate) fn is_not_permitted(error: &(dyn std::error::Error + 'static)) -> bool {
    causes(error).any(|kind| kind == io::ErrorKind::PermissionDenied)
}

/// What a chain of errors says, in one line.
pub(crate) fn whole_message(error: &(dyn std::error::Error + 'static)) -> String {
    let mut message = error.to_string();
    for cause in std::iter::successors(error.source(), |error| error.source()) {
        let cause = cause.to_string();
        if !message.contains(&cause) {
            message = format!("{message}: {cause}");
        }
    }
    message
}

/// Whether a chain of errors ends in something that is not there.
pub(crate) fn is_not_found(error: &(dyn std::error::Error + 'static)) -> bool {
    causes(error).any(|kind| kind == io::ErrorKind::NotFound)
}

fn causes<'a>(error: &'a (dyn std::error::Error + 'static)) -> impl Iterator<Item = io::ErrorKind> + 'a {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.filter_map(|error| error.downcast_ref::<io::Error>().map(io::Error::kind))
}
