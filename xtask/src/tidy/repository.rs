//! The files of the repository and what cargo says of its packages.

use std::error::Error;
use std::path::Path;
use std::process::Command;

use super::rust_source;

/// Everything that the rules look at.
#[derive(Debug, Default)]
pub(super) struct Repository {
    /// The files that git knows or would add, by path.
    pub(super) files: Vec<File>,
    /// What `cargo metadata --no-deps` prints.
    pub(super) metadata: serde_json::Value,
    /// The packages that df-l7 needs, itself left out.
    pub(super) l7_packages: Vec<String>,
}

/// A file.
#[derive(Debug)]
pub(super) struct File {
    /// Relative to the root, with `/` between the parts.
    pub(super) path: String,
    /// The text; none for binary files.
    pub(super) text: Option<String>,
}

impl File {
    /// A file with this text.
    #[cfg(test)]
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: Some(text.to_owned()) }
    }

    /// The text if this is Rust source.
    pub(super) fn rust(&self) -> Option<&str> {
        self.text.as_deref().filter(|_| has_extension(&self.path, "rs"))
    }

    /// The text if this is Rust source, with comments and literals blanked out.
    pub(super) fn code(&self) -> Option<String> {
        self.rust().map(rust_source::without_comments_and_literals)
    }

    /// Whether the file holds nothing but tests or what they need.
    pub(super) fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name == "tests.rs"
            || name.starts_with("test_")
            || self.path.split('/').any(|part| part == "tests" || part == "benches")
    }
}

impl Repository {
    pub(super) fn read(root: &Path) -> Result<Self, Box<dyn Error>> {
        let list = output(root, "git", &["ls-files", "--cached", "--others", "--exclude-standard", "-z"])?;
        let mut paths: Vec<&str> = list.split('\0').filter(|path| !path.is_empty()).collect();
        paths.sort_unstable();
        paths.dedup();
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let metadata = output(root, &cargo, &["metadata", "--no-deps", "--format-version", "1"])?;
        let tree =
            output(root, &cargo, &["tree", "--package", "df-l7", "--edges", "normal", "--prefix", "none"])?;
        Ok(Self {
            files: paths.into_iter().filter_map(|path| read(root, path)).collect(),
            metadata: serde_json::from_str(&metadata)?,
            l7_packages: package_names(&tree),
        })
    }

    /// Whether there is a file at this path.
    pub(super) fn has(&self, path: &str) -> bool {
        self.files.iter().any(|file| file.path == path)
    }

    /// The text of the file at this path.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path)?.text.as_deref()
    }
}

/// Whether a path ends in `.extension`.
pub(super) fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

/// A file that git lists and that is there.
fn read(root: &Path, path: &str) -> Option<File> {
    let bytes = std::fs::read(root.join(path)).ok()?;
    Some(File { path: path.to_owned(), text: String::from_utf8(bytes).ok() })
}

fn package_names(tree: &str) -> Vec<String> {
    let names = tree.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn output(root: &Path, program: &str, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    let run = Command::new(program).args(arguments).current_dir(root).output();
    let output = run.map_err(|error| format!("{program} does not start: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{program} {}: {said}", arguments.join(" ")).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
