//! What can go wrong with the probes, and what to do about it.

use std::io;

/// Why the probes cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The process lacks the privilege.
    #[error(
        "{call}: not permitted: eBPF needs CAP_BPF and CAP_PERFMON (CAP_SYS_ADMIN before Linux 5.8): run as root"
    )]
    NotPermitted {
        /// What was refused.
        call: &'static str,
    },
    /// The kernel does not tell how its structures are laid out.
    #[error("the kernel has no BTF (/sys/kernel/btf/vmlinux): it must be built with CONFIG_DEBUG_INFO_BTF")]
    NoBtf,
    /// The kernel lacks something that the programs need.
    #[error("the kernel lacks {what}")]
    Unsupported {
        /// What it lacks, and since when there is one.
        what: &'static str,
    },
    /// No program could be attached.
    #[error("no program could be attached; the first: {first}")]
    NothingAttached {
        /// Why the first could not.
        #[source]
        first: AttachError,
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
            return Self::NotPermitted { call };
        }
        Self::System { call, source: Box::new(source) }
    }
}

/// Why one program is not attached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// The process lacks the privilege.
    #[error(
        "not permitted: attaching needs CAP_PERFMON, and CAP_DAC_READ_SEARCH to read tracefs: run as root"
    )]
    NotPermitted,
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

/// Whether a chain of errors ends in something that is not there.
pub(crate) fn is_not_found(error: &(dyn std::error::Error + 'static)) -> bool {
    causes(error).any(|kind| kind == io::ErrorKind::NotFound)
}

fn causes<'a>(error: &'a (dyn std::error::Error + 'static)) -> impl Iterator<Item = io::ErrorKind> + 'a {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.filter_map(|error| error.downcast_ref::<io::Error>().map(io::Error::kind))
}
