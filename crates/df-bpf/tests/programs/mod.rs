//! Programs that the tests build once, into the folder for build output.
#![allow(dead_code, reason = "each test uses some of them")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A Go compiler.
pub(crate) struct GoToolchain {
    /// Tells it from others.
    pub(crate) name: String,
    command: PathBuf,
}

/// The host's Go, and those whose `go` commands the environment variable `DF_GO_TOOLCHAINS` lists, separated by colons.
pub(crate) fn go_toolchains() -> Vec<GoToolchain> {
    let others = std::env::var_os("DF_GO_TOOLCHAINS").unwrap_or_default();
    let others = std::env::split_paths(&others).map(|command| GoToolchain {
        name: command.display().to_string().replace(|letter: char| !letter.is_ascii_alphanumeric(), "_"),
        command,
    });
    std::iter::once(own_go()).chain(others).collect()
}

fn own_go() -> GoToolchain {
    GoToolchain { name: "go".to_owned(), command: PathBuf::from("go") }
}

/// Builds the Go HTTPS program with these linker flags; None, said aloud, where there is no Go.
pub(crate) fn go_https(name: &str, linker_flags: &str, architecture: &str) -> Option<PathBuf> {
    go(&own_go(), "https.go", (name, linker_flags, architecture))
}

/// Does the same by another toolchain, for this host.
pub(crate) fn go_https_by(toolchain: &GoToolchain) -> Option<PathBuf> {
    go(toolchain, "https.go", (&format!("https_by_{}", toolchain.name), "-s -w", OWN_ARCHITECTURE))
}

/// Builds the Go program that asks another server; None, said aloud, where there is no Go.
pub(crate) fn go_chain(toolchain: &GoToolchain) -> Option<PathBuf> {
    go(toolchain, "chain.go", (&format!("chain_by_{}", toolchain.name), "-s -w", OWN_ARCHITECTURE))
}

/// Builds the Go program that works for its requests; None, said aloud, where there is no Go.
pub(crate) fn go_burn() -> Option<PathBuf> {
    go(&own_go(), "burn.go", ("burn", "", OWN_ARCHITECTURE))
}

/// This processor's architecture in Go's words.
pub(crate) const OWN_ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };

fn go(
    toolchain: &GoToolchain,
    source: &str,
    (name, linker_flags, architecture): (&str, &str, &str),
) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(source);
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // Tests run beside each other: each builds under a name of its own, and the last one stays.
    let fresh = built.with_extension(std::process::id().to_string());
    if built.exists() {
        return Some(built);
    }
    let mut command = Command::new(&toolchain.command);
    command.args(["build", "-ldflags", linker_flags, "-o"]).arg(&fresh).arg(&source);
    command.env("GOARCH", architecture).env("GOTOOLCHAIN", "local");
    match command.status() {
        Ok(status) if status.success() => std::fs::rename(&fresh, &built).ok().map(|()| built),
        Ok(status) => panic!("go build: {status}"),
        Err(error) => {
            println!("skipped: no Go toolchain ({error})");
            None
        }
    }
}

/// Builds a C program; None, said aloud, where there is no compiler or library.
pub(crate) fn c_program(name: &str, source: &str, arguments: &[&str]) -> Option<PathBuf> {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let source_file = built.with_extension("c");
    std::fs::write(&source_file, source).expect("the build folder can be written");
    // Tests run beside each other: each builds under a name of its own, and the last one stays.
    let fresh = built.with_extension(std::process::id().to_string());
    let mut command = Command::new("gcc");
    command.arg("-O1").arg(&source_file).args(arguments).arg("-o").arg(&fresh);
    match command.status() {
        Ok(status) if status.success() => std::fs::rename(&fresh, &built).ok().map(|()| built),
        outcome => {
            println!("skipped: gcc with {arguments:?}: {outcome:?}");
            None
        }
    }
}

/// A certificate for this test run; None, said aloud, without the openssl command.
pub(crate) fn certificate(folder: &Path) -> Option<(PathBuf, PathBuf)> {
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]);
    command.arg("-keyout").arg(&key).arg("-out").arg(&certificate).stderr(Stdio::null());
    match command.status() {
        Ok(status) if status.success() => Some((certificate, key)),
        outcome => {
            println!("skipped: openssl: {outcome:?}");
            None
        }
    }
}
