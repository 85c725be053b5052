//! Every test of the repository, with the real servers that some of them talk to.

use std::io;
use std::path::Path;
use std::process::Command;

use crate::cargo::{self, Workspace};
use crate::packages::{self, Needed, is_root};

/// Installs what tests need, if that is possible here, and runs all tests.
pub(crate) fn run(root: &Path) -> io::Result<()> {
    packages::install(&[packages::LIBBPF, PEERS].concat())?;
    mount_tracefs();
    let features = features(root)?;
    cargo::run(root, &["build", "--package", "df-agent"])?;
    if has_nextest() {
        cargo::run(root, &["nextest", "run", "--workspace", "--no-fail-fast", &features])?;
        cargo::run(root, &["test", "--doc", "--workspace", &features])?;
    } else {
        cargo::run(root, &["test", "--workspace", "--no-fail-fast", &features])?;
    }
    // A program outside the workspace, as a user's would be.
    let target = root.join("target");
    let target = target.to_str().unwrap_or("target");
    let manifest = "examples/custom-protocol/Cargo.toml";
    cargo::run(root, &["test", "--manifest-path", manifest, "--target-dir", target])
}

/// All features, as far as they can be built here.
fn features(root: &Path) -> io::Result<String> {
    let missing = packages::missing(packages::LIBBPF);
    if missing.is_empty() {
        return Ok("--all-features".to_owned());
    }
    eprintln!("without the feature libbpf of df-bpf, which needs {}", missing.join(" "));
    let of_library = |library: &cargo::Library| {
        let name = library.name.clone();
        let wanted = library.features.clone().into_iter().filter(|feature| feature != "libbpf");
        wanted.map(move |feature| format!("{name}/{feature}")).collect::<Vec<_>>()
    };
    let features: Vec<String> = Workspace::read(root)?.libraries.iter().flat_map(of_library).collect();
    Ok(format!("--features={}", features.join(",")))
}

/// As root: what tests of processes need to find the kernel's hooks. Where it cannot be mounted they say so.
fn mount_tracefs() {
    const TRACEFS: &str = "/sys/kernel/tracing";
    if is_root() && Path::new(TRACEFS).is_dir() && !Path::new(TRACEFS).join("events").is_dir() {
        eprintln!("mounting tracefs at {TRACEFS}");
        let _ = Command::new("mount").args(["-t", "tracefs", "tracefs", TRACEFS]).status();
    }
}

fn has_nextest() -> bool {
    Command::new(env!("CARGO"))
        .args(["nextest", "--version"])
        .output()
        .is_ok_and(|output| output.status.success())
}

/// The servers and clients themselves. Tests that miss one say so and are skipped.
const PEERS: &[Needed] = &[
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
    ("gcc", "gcc"),
    ("/usr/include/openssl/ssl.h", "libssl-dev"),
    ("bpftool", "bpftool"),
    ("node", "nodejs"),
];
