//! Every test of the repository, with the real servers that some of them talk to.

use std::io;
use std::path::Path;
use std::process::Command;

use crate::cargo::{self, succeed};

/// Installs what tests need, if that is possible here, and runs all tests.
pub(crate) fn run(root: &Path) -> io::Result<()> {
    install_peers()?;
    mount_tracefs();
    cargo::run(root, &["build", "--package", "df-agent"])?;
    if has_nextest() {
        cargo::run(root, &["nextest", "run", "--workspace", "--all-features", "--no-fail-fast"])?;
        cargo::run(root, &["test", "--doc", "--workspace", "--all-features"])?;
    } else {
        cargo::run(root, &["test", "--workspace", "--all-features", "--no-fail-fast"])?;
    }
    // A program outside the workspace, as a user's would be.
    let target = root.join("target");
    let target = target.to_str().unwrap_or("target");
    let manifest = "examples/custom-protocol/Cargo.toml";
    cargo::run(root, &["test", "--manifest-path", manifest, "--target-dir", target])
}

/// As root on Debian: the servers and clients themselves. Elsewhere tests that miss one say so and are skipped.
fn install_peers() -> io::Result<()> {
    let missing: Vec<&str> =
        PEERS.iter().filter(|(file, _)| !is_there(file)).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !is_root() || !is_there("apt-get") {
        eprintln!("not installed, so that some tests will be skipped: {}", missing.join(" "));
        return Ok(());
    }
    eprintln!("installing {}", missing.join(" "));
    succeed(apt().args(["update", "-qq"]).status()?.success(), "apt-get update failed")?;
    let install = apt().args(["install", "-y", "-qq", "--no-install-recommends"]).args(&missing).status()?;
    succeed(install.success(), "apt-get install failed")
}

/// As root: what tests of processes need to find the kernel's hooks. Where it cannot be mounted they say so.
fn mount_tracefs() {
    const TRACEFS: &str = "/sys/kernel/tracing";
    if is_root() && Path::new(TRACEFS).is_dir() && !Path::new(TRACEFS).join("events").is_dir() {
        eprintln!("mounting tracefs at {TRACEFS}");
        let _ = Command::new("mount").args(["-t", "tracefs", "tracefs", TRACEFS]).status();
    }
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

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata) == 0)
}

fn has_nextest() -> bool {
    Command::new(env!("CARGO"))
        .args(["nextest", "--version"])
        .output()
        .is_ok_and(|output| output.status.success())
}

/// A file that tells whether a package is there, and the package's name in Debian.
const PEERS: &[(&str, &str)] = &[
    ("nginx", "nginx-light"),
    ("mariadbd", "mariadb-server"),
    ("mariadb", "mariadb-client"),
    ("psql", "postgresql"),
    ("redis-server", "redis-server"),
    ("named", "bind9"),
    ("dig", "bind9-dnsutils"),
    ("curl", "curl"),
    ("ip", "iproute2"),
    ("tcpdump", "tcpdump"),
    ("python3", "python3"),
    ("/usr/lib/python3/dist-packages/pymysql", "python3-pymysql"),
    ("/usr/lib/python3/dist-packages/redis", "python3-redis"),
    ("/usr/lib/x86_64-linux-gnu/libpcap.so.0.8", "libpcap0.8"),
    ("openssl", "openssl"),
    ("go", "golang-go"),
];
