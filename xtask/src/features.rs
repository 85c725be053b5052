//! Every feature of every crate builds alone, every crate builds without any, and what takes one of two features builds with either.

use std::io;
use std::path::Path;

use crate::cargo::{self, Workspace};
use crate::packages;

/// Checks each published crate without features, then with each feature alone, then with those that need others.
pub(crate) fn run(root: &Path) -> io::Result<()> {
    packages::install(packages::LIBBPF)?;
    for library in Workspace::read(root)?.libraries {
        cargo::run(root, &["check", "--package", &library.name, "--no-default-features"])?;
        println!("{}: builds without features", library.name);
        for feature in &library.features {
            check(root, &library.name, feature)?;
        }
    }
    for (library, features) in TOGETHER {
        check(root, library, features)?;
    }
    Ok(())
}

fn check(root: &Path, library: &str, features: &str) -> io::Result<()> {
    let missing = packages::missing(packages::LIBBPF);
    if features.contains("libbpf") && !missing.is_empty() {
        println!("skipped: {library}: {features}: needs {}", missing.join(" "));
        return Ok(());
    }
    cargo::run(root, &["check", "--package", library, "--no-default-features", "--features", features])?;
    println!("{library}: builds with {features} alone");
    Ok(())
}

/// Features that do nothing alone, each with what they do it with.
const TOGETHER: &[(&str, &str)] = &[("df-bpf", "aya,profile"), ("df-bpf", "libbpf,profile")];
