//! Compiles the eBPF programs of df-bpf, or proves that the objects in the repository are those of the source.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

mod btf;

/// Writes the objects.
pub(crate) fn build(root: &Path) -> io::Result<()> {
    for object in OBJECTS {
        let path = object.path(root);
        std::fs::write(&path, compiled(root, object)?)?;
        println!("{}", path.display());
    }
    Ok(())
}

/// Fails when an object is not what the source gives.
pub(crate) fn check(root: &Path) -> io::Result<()> {
    for object in OBJECTS {
        let path = object.path(root);
        if std::fs::read(&path)? != compiled(root, object)? {
            let message = format!("{} is not what the source gives: run `cargo xtask bpf`", path.display());
            return Err(io::Error::other(message));
        }
    }
    println!("the objects are what the source gives");
    Ok(())
}

/// An object in the repository, and what it is compiled from.
struct Object {
    name: &'static str,
    source: &'static str,
    /// Says for which architecture or kernels, in the words of the C source; programs that read no registers are for any.
    define: Option<&'static str>,
    /// The instructions that may be used.
    machine: &'static str,
}

const OBJECTS: &[Object] = &[
    Object { name: "df_x86_64", source: "df.bpf.c", define: Some("-D__TARGET_ARCH_x86"), machine: NEWER },
    Object { name: "df_aarch64", source: "df.bpf.c", define: Some("-D__TARGET_ARCH_arm64"), machine: NEWER },
    Object { name: "df_reduced", source: "df.bpf.c", define: Some(REDUCED), machine: OLDEST },
    Object { name: "probe", source: "probe.bpf.c", define: None, machine: NEWER },
];

/// The object for kernels before 5.8.
const REDUCED: &str = "-DREDUCED";
const NEWER: &str = "-mcpu=v2";
const OLDEST: &str = "-mcpu=v1";

impl Object {
    fn path(&self, root: &Path) -> PathBuf {
        root.join(format!("crates/df-bpf/objects/{}.bpf.o", self.name))
    }
}

/// The object's bytes. They are the same wherever the repository is, and differ between versions of clang.
fn compiled(root: &Path, object: &Object) -> io::Result<Vec<u8>> {
    let output = std::env::temp_dir().join(format!("{}_{}.bpf.o", object.name, std::process::id()));
    let mut clang = Command::new(tool("CLANG", "clang-19"));
    clang.current_dir(root.join("crates/df-bpf/bpf")).args(FLAGS).arg(object.machine).args(object.define);
    clang.args(["-c", object.source, "-o"]);
    let mut strip = Command::new(tool("LLVM_STRIP", "llvm-strip-19"));
    let bytes = succeed(clang.arg(&output))
        .and_then(|()| succeed(strip.arg("-g").arg(&output)))
        .and_then(|()| std::fs::read(&output));
    std::fs::remove_file(&output).or_else(|error| if bytes.is_ok() { Err(error) } else { Ok(()) })?;
    let mut bytes = bytes?;
    if object.define == Some(REDUCED) {
        btf::make_unacceptable(&mut bytes)?;
    }
    Ok(bytes)
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
    "-O2",
    "-g",
    "-Wall",
    "-Wextra",
    "-Werror",
    // Without it the object would hold the path of the repository.
    "-fdebug-compilation-dir=.",
];
