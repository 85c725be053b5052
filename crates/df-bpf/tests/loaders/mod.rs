//! By which loader the tests of this binary load: files named `*_libbpf.rs` have those of their namesakes run by the second.
#![allow(dead_code, reason = "each test uses some of it")]

use df_bpf::{LoadError, LoaderKind, ProbeConfig, Probes};

/// The loader of this binary.
pub(crate) fn loader() -> LoaderKind {
    let is_second = env!("CARGO_CRATE_NAME").ends_with("_libbpf");
    LoaderKind::ALL[usize::from(is_second)]
}

/// The probes, or a line that says why there are none.
pub(crate) fn loaded(config: ProbeConfig) -> Option<Probes> {
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
