//! Compiles the eBPF programs of df-bpf, or proves that the objects in the repository are those of the source.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Writes the objects.
pub(crate) fn build(root: &Path) -> io::Result<()> {
    for architecture in ARCHITECTURES {
        let path = object(root, architecture);
        std::fs::write(&path, compiled(root, architecture)?)?;
        println!("{}", path.display());
    }
    Ok(())
}

/// Fails when an object is not what the source gives.
pub(crate) fn check(root: &Path) -> io::Result<()> {
    for architecture in ARCHITECTURES {
        let path = object(root, architecture);
        if std::fs::read(&path)? != compiled(root, architecture)? {
            let message = format!("{} is not what the source gives: run `cargo xtask bpf`", path.display());
            return Err(io::Error::other(message));
        }
    }
    println!("the objects are what the source gives");
    Ok(())
}

/// What Rust and what the C source call an architecture.
struct Architecture {
    name: &'static str,
    define: &'static str,
}

const ARCHITECTURES: &[Architecture] = &[
    Architecture { name: "x86_64", define: "-D__TARGET_ARCH_x86" },
    Architecture { name: "aarch64", define: "-D__TARGET_ARCH_arm64" },
];

fn object(root: &Path, architecture: &Architecture) -> PathBuf {
    root.join(format!("crates/df-bpf/objects/df_{}.bpf.o", architecture.name))
}

/// The object's bytes. They are the same wherever the repository is, and differ between versions of clang.
fn compiled(root: &Path, architecture: &Architecture) -> io::Result<Vec<u8>> {
    let output = std::env::temp_dir().join(format!("df_{}_{}.bpf.o", architecture.name, std::process::id()));
    let mut clang = Command::new(tool("CLANG", "clang-19"));
    clang.current_dir(root.join("crates/df-bpf/bpf")).args(FLAGS).args([
        architecture.define,
        "-c",
        "df.bpf.c",
        "-o",
    ]);
    let mut strip = Command::new(tool("LLVM_STRIP", "llvm-strip-19"));
    let bytes = succeed(clang.arg(&output))
        .and_then(|()| succeed(strip.arg("-g").arg(&output)))
        .and_then(|()| std::fs::read(&output));
    std::fs::remove_file(&output).or_else(|error| if bytes.is_ok() { Err(error) } else { Ok(()) })?;
    bytes
}

fn tool(variable: &str, default: &str) -> OsString {
    std::env::var_os(variable).unwrap_or_else(|| default.into())
}

fn succeed(command: &mut Command) -> io::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let hint = |error: &io::Error| format!("{program}: {error}: install clang-19 and llvm-19");
    let status = command.status().map_err(|error| io::Error::new(error.kind(), hint(&error)))?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{program} failed: {status}"))) }
}

const FLAGS: &[&str] = &[
    "-target",
    "bpf",
    "-mcpu=v2",
    "-O2",
    "-g",
    "-Wall",
    "-Wextra",
    "-Werror",
    // Without it the object would hold the path of the repository.
    "-fdebug-compilation-dir=.",
];
