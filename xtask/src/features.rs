//! Every feature of every crate builds alone, and every crate builds without any.

use std::io;
use std::path::Path;

use crate::cargo::{self, Workspace};

/// Checks each published crate without features, then with each feature alone.
pub(crate) fn run(root: &Path) -> io::Result<()> {
    for library in Workspace::read(root)?.libraries {
        let bare = ["check", "--package", &library.name, "--no-default-features"];
        cargo::run(root, &bare)?;
        println!("{}: builds without features", library.name);
        for feature in &library.features {
            cargo::run(root, &[&bare[..], &["--features", feature]].concat())?;
            println!("{}: builds with {feature} alone", library.name);
        }
    }
    Ok(())
}
