//! Every crate can be published, and used by a project that knows nothing of this repository.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::cargo::{self, Library, Workspace};
use crate::tidy;

/// Packages all crates and builds each package from its archive; then adds each crate by path to an empty project.
pub(crate) fn run(root: &Path) -> io::Result<()> {
    if let Some(violation) =
        tidy::check_df_l7(root).map_err(|error| io::Error::other(error.to_string()))?.first()
    {
        return Err(io::Error::other(violation.to_string()));
    }
    let workspace = Workspace::read(root)?;
    forget_versions(&workspace)?;
    // In one call, because the crates need each other and none is on a registry yet.
    let packages = workspace.libraries.iter().flat_map(|library| ["--package", &library.name]);
    let arguments: Vec<&str> = ["package", "--allow-dirty"].into_iter().chain(packages).collect();
    cargo::run(root, &arguments)?;
    for library in &workspace.libraries {
        use_alone(root, &workspace.target_folder, library)?;
        println!("{}: packaged, and built in an empty project", library.name);
    }
    Ok(())
}

/// Cargo keeps for good what it unpacked of an archive and what it built of that, since a version never changes; ours does
/// from call to call.
fn forget_versions(workspace: &Workspace) -> io::Result<()> {
    let built = workspace.target_folder.join("debug/.fingerprint");
    for library in &workspace.libraries {
        remove_folders(&built, &format!("{}-", library.name))?;
    }
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let Some(home) = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"))) else {
        return Ok(());
    };
    // Only the registry that cargo makes for packaging has no host in its name.
    for registry in folders(&home.join("registry/src"), "-")? {
        for library in &workspace.libraries {
            remove_folders(&registry, &format!("{}-{}", library.name, library.version))?;
        }
    }
    Ok(())
}

fn remove_folders(parent: &Path, prefix: &str) -> io::Result<()> {
    folders(parent, prefix)?.iter().try_for_each(fs::remove_dir_all)
}

/// The folders in `parent` whose names start with `prefix`; none if there is no such parent.
fn folders(parent: &Path, prefix: &str) -> io::Result<Vec<PathBuf>> {
    let Ok(entries) = fs::read_dir(parent) else { return Ok(Vec::new()) };
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    let is_wanted =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix));
    Ok(paths.into_iter().filter(is_wanted).collect())
}

/// Makes an empty project below the target folder, adds the crate as a user would, and builds.
fn use_alone(root: &Path, target_folder: &Path, library: &Library) -> io::Result<()> {
    let project = target_folder.join("empty-project").join(&library.name);
    if project.exists() {
        fs::remove_dir_all(&project)?;
    }
    fs::create_dir_all(project.join("src"))?;
    fs::write(project.join("Cargo.toml"), MANIFEST)?;
    fs::write(project.join("src/lib.rs"), format!("pub use {};\n", library.name.replace('-', "_")))?;
    // The versions that were downloaded for the repository: nothing new is asked of the network.
    fs::copy(root.join("Cargo.lock"), project.join("Cargo.lock"))?;
    let folder = library.folder.to_string_lossy();
    cargo::run(&project, &["add", "--quiet", "--offline", "--path", &folder])?;
    let target_folder = target_folder.to_string_lossy();
    cargo::run(&project, &["check", "--quiet", "--offline", "--target-dir", &target_folder])
}

/// Its own workspace, since it stands in a folder of another.
const MANIFEST: &str =
    "[package]\nname = \"empty-project\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n";
