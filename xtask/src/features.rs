//! Every feature of every crate builds alone, and every crate builds without any.

use std::io;
use std::path::Path;

use crate::cargo::{self, Workspace};
use crate::packages;

/// Checks each published crate without features, then with each feature alone.
pub(crate) fn run(root: &Path) -> io::Result<()> {
    packages::install(packages::LIBBPF)?;
    for library in Workspace::read(root)?.libraries {
        let bare = ["check", "--package", &library.name, "--no-default-features"];
        cargo::run(root, &bare)?;
        println!("{}: builds without features", library.name);
        for feature in &library.features {
            if feature == "libbpf" && !packages::missing(packages::LIBBPF).is_empty() {
                println!(
                    "skipped: {}: {feature}: needs {}",
                    library.name,
                    packages::missing(packages::LIBBPF).join(" ")
                );
                continue;
            }
            cargo::run(root, &[&bare[..], &["--features", feature]].concat())?;
            println!("{}: builds with {feature} alone", library.name);
        }
    }
    Ok(())
}
