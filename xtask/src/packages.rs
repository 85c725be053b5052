//! What other programs and libraries tasks need, and installing them where that is possible.

use std::io;
use std::path::Path;
use std::process::Command;

use crate::cargo::succeed;

/// A file that tells whether a package is there, and the package's name in Debian.
pub(crate) type Needed = (&'static str, &'static str);

/// What the feature `libbpf` of df-bpf is built with.
pub(crate) const LIBBPF: &[Needed] = &[
    ("gcc", "gcc"),
    ("make", "make"),
    ("pkg-config", "pkg-config"),
    ("/usr/include/libelf.h", "libelf-dev"),
    ("/usr/include/zlib.h", "zlib1g-dev"),
];

/// As root on Debian: installs what is missing. Elsewhere says what that is.
pub(crate) fn install(needed: &[Needed]) -> io::Result<()> {
    let missing = missing(needed);
    if missing.is_empty() {
        return Ok(());
    }
    if !is_root() || !is_there("apt-get") {
        eprintln!("not installed, so that something will be skipped: {}", missing.join(" "));
        return Ok(());
    }
    eprintln!("installing {}", missing.join(" "));
    succeed(apt().args(["update", "-qq"]).status()?.success(), "apt-get update failed")?;
    let install = apt().args(["install", "-y", "-qq", "--no-install-recommends"]).args(&missing).status()?;
    succeed(install.success(), "apt-get install failed")
}

/// The packages that are not there.
pub(crate) fn missing(needed: &[Needed]) -> Vec<&'static str> {
    needed.iter().filter(|(file, _)| !is_there(file)).map(|(_, package)| *package).collect()
}

pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata) == 0)
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").stdout(io::stderr());
    command
}

fn is_there(file: &str) -> bool {
    let folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    if file.starts_with('/') {
        return Path::new(file).exists();
    }
    folders.iter().any(|folder| Path::new(folder).join(file).exists())
}
