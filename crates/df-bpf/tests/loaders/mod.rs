//! By which loader the tests of this binary load, and what: files named `*_libbpf.rs` have those of their namesakes run by the second
//! loader, files named `*_reduced.rs` with the reduced programs.
#![allow(dead_code, reason = "each test uses some of it")]

use df_bpf::{LoadError, LoaderKind, ProbeConfig, Probes, ProgramSet};

/// The loader of this binary.
pub(crate) fn loader() -> LoaderKind {
    let is_second = env!("CARGO_CRATE_NAME").ends_with("_libbpf");
    LoaderKind::ALL[usize::from(is_second)]
}

/// Whether the programs of this binary are the reduced ones.
pub(crate) fn is_reduced() -> bool {
    env!("CARGO_CRATE_NAME").ends_with("_reduced")
}

/// The probes, or a line that says why there are none.
pub(crate) fn loaded(config: ProbeConfig) -> Option<Probes> {
    let config = if is_reduced() { config.with_program_set(ProgramSet::Reduced) } else { config };
    match Probes::load(&config.with_loader(loader())) {
        Ok(probes) => Some(probes),
        Err(error) => {
            assert_something_is_missing(&error);
            println!("skipped: {error}");
            None
        }
    }
}

/// The name by which this binary runs a test of a module alone.
pub(crate) fn test_name(module_path: &str, test: &str) -> String {
    module_path.split_once("::").map_or_else(|| test.to_owned(), |(_, module)| format!("{module}::{test}"))
}

fn assert_something_is_missing(error: &LoadError) {
    #[cfg(feature = "aya")]
    assert!(!df_bpf::Kernel::probe().is_sufficient(), "nothing is missing, and yet: {error}");
    #[cfg(not(feature = "aya"))]
    assert!(error.to_string().contains("not permitted"), "nothing is missing, and yet: {error}");
}
