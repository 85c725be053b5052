//! A program and the libraries that it is linked with, out of a folder with unpacked packages.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo::succeed;

/// Where each file is to stand in a guest, and where it is: the program in the root under its own name, its libraries in `lib`, and
/// what loads them where the program says.
pub(super) fn installed(root: &Path, program: &str) -> io::Result<Vec<(String, PathBuf)>> {
    let libraries = libraries_of(root)?;
    let path = root.join(program);
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let wanted = wanted_by(&path)?;
    let mut files = vec![(name, path)];
    let mut open: Vec<String> = wanted.libraries;
    let loader =
        wanted.loader.ok_or_else(|| io::Error::other(format!("{program} is not linked with libraries")))?;
    let loader_name = loader.rsplit('/').next().unwrap_or_default().to_owned();
    let mut seen = BTreeSet::from([loader_name.clone()]);
    files.push((loader.trim_start_matches('/').to_owned(), found(&libraries, &loader_name)?));
    while let Some(library) = open.pop() {
        if seen.insert(library.clone()) {
            let path = found(&libraries, &library)?;
            open.extend(wanted_by(&path)?.libraries);
            files.push((format!("lib/{library}"), path));
        }
    }
    Ok(files)
}

fn found(libraries: &BTreeMap<String, PathBuf>, name: &str) -> io::Result<PathBuf> {
    libraries.get(name).cloned().ok_or_else(|| io::Error::other(format!("no package has {name}")))
}

/// Libraries by their names.
fn libraries_of(root: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let mut libraries = BTreeMap::new();
    for folder in ["lib", "lib64", "usr/lib", "usr/lib64"].map(|folder| root.join(folder)) {
        let folders = std::fs::read_dir(&folder).into_iter().flatten();
        let folders: Vec<PathBuf> =
            folders.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        for folder in folders.into_iter().chain([folder]).filter(|folder| folder.is_dir()) {
            for entry in std::fs::read_dir(folder)? {
                let path = entry?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                // Links of packages may lead into the host.
                if name.contains(".so")
                    && path.is_file()
                    && path.canonicalize()?.starts_with(root.canonicalize()?)
                {
                    libraries.insert(name, path);
                }
            }
        }
    }
    Ok(libraries)
}

/// What a file has to be loaded with.
struct Wanted {
    loader: Option<String>,
    libraries: Vec<String>,
}

fn wanted_by(path: &Path) -> io::Result<Wanted> {
    let output =
        Command::new("readelf").args(["--wide", "--dynamic", "--program-headers"]).arg(path).output()?;
    succeed(output.status.success(), &format!("readelf does not understand {}", path.display()))?;
    Ok(told(&String::from_utf8_lossy(&output.stdout)))
}

fn told(text: &str) -> Wanted {
    let between = |line: &str, begin: &str| Some(line.split_once(begin)?.1.split_once(']')?.0.to_owned());
    Wanted {
        loader: text.lines().find_map(|line| between(line, "[Requesting program interpreter: ")),
        libraries: text
            .lines()
            .filter_map(|line| between(line, "(NEEDED)             Shared library: ["))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_names_its_loader_and_its_libraries() {
        let wanted = wanted_by(Path::new("/proc/self/exe")).expect("readelf is there");
        assert!(wanted.loader.is_some_and(|loader| loader.starts_with("/lib")));
        assert!(wanted.libraries.iter().any(|library| library.starts_with("libc.so")));
    }
}
