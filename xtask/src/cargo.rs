//! Calls of cargo, and what it says of the packages of this repository.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A package that is published.
pub(crate) struct Library {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) folder: PathBuf,
    /// Its features, `default` left out.
    pub(crate) features: Vec<String>,
}

/// What `cargo metadata` says.
pub(crate) struct Workspace {
    pub(crate) libraries: Vec<Library>,
    pub(crate) target_folder: PathBuf,
}

impl Workspace {
    pub(crate) fn read(root: &Path) -> io::Result<Self> {
        let arguments = ["metadata", "--no-deps", "--format-version", "1"];
        let output = command(root).args(arguments).stderr(std::process::Stdio::inherit()).output()?;
        succeed(output.status.success(), "cargo metadata failed")?;
        let metadata: Value = serde_json::from_slice(&output.stdout)?;
        let packages = metadata["packages"].as_array().into_iter().flatten();
        let target_folder = metadata["target_directory"].as_str().unwrap_or_default().into();
        Ok(Self { libraries: packages.filter_map(library).collect(), target_folder })
    }
}

/// Runs cargo in a folder and fails if it does.
pub(crate) fn run<A: AsRef<OsStr>>(folder: &Path, arguments: &[A]) -> io::Result<()> {
    let status = command(folder).args(arguments).status()?;
    let words: Vec<_> = arguments.iter().map(|argument| argument.as_ref().to_string_lossy()).collect();
    succeed(status.success(), &format!("cargo {} failed", words.join(" ")))
}

pub(crate) fn succeed(is_good: bool, complaint: &str) -> io::Result<()> {
    if is_good { Ok(()) } else { Err(io::Error::other(complaint)) }
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(folder);
    command
}

/// A package of `cargo metadata`, if it may be published.
fn library(package: &Value) -> Option<Library> {
    if package["publish"].as_array().is_some_and(Vec::is_empty) {
        return None;
    }
    let features = package["features"].as_object()?.keys().filter(|name| *name != "default");
    Some(Library {
        name: package["name"].as_str()?.to_owned(),
        version: package["version"].as_str()?.to_owned(),
        folder: Path::new(package["manifest_path"].as_str()?).parent()?.to_owned(),
        features: features.cloned().collect(),
    })
}
