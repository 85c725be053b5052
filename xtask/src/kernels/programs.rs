//! Builds what runs in a guest.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Machine;
use crate::cargo::{Workspace, succeed};

/// The self test, linked statically since nothing else is there in the guest, and without what makes it large.
pub(super) fn build_selftest(root: &Path, machine: Machine) -> io::Result<PathBuf> {
    let target = machine.rust_target();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root).env("RUSTFLAGS", "-C target-feature=+crt-static");
    cargo.env("CARGO_PROFILE_DEV_STRIP", "true").env("CARGO_PROFILE_DEV_DEBUG", "none");
    if machine == Machine::Arm && cfg!(not(target_arch = "aarch64")) {
        cargo.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "aarch64-linux-gnu-gcc");
    }
    cargo.args(["build", "--quiet", "--package", "df-bpf", "--example", "selftest", "--target", target]);
    succeed(cargo.status()?.success(), &format!("the self test does not build for {target}"))?;
    let folder = Workspace::read(root)?.target_folder.join(target);
    Ok(folder.join("debug/examples/selftest"))
}

/// Go programs: one that speaks HTTPS, with a certificate and its key, and a server that asks another one. None, said aloud, where Go
/// or openssl are missing: the self test then skips these parts.
pub(super) fn build_go(
    root: &Path,
    machine: Machine,
    folder: &Path,
) -> io::Result<Option<[(&'static str, PathBuf); 4]>> {
    let [https, chain, certificate, key] =
        ["https", "chain", "certificate.pem", "key.pem"].map(|name| (name, folder.join(name)));
    let go = |source: &str, output: &Path| {
        let mut go = Command::new("go");
        go.current_dir(root).env("CGO_ENABLED", "0").env("GOARCH", machine.debian_name());
        go.args(["build", "-ldflags", "-s -w", "-o"]).arg(output);
        go.arg(format!("crates/df-bpf/tests/programs/{source}"));
        go
    };
    let mut openssl = Command::new("openssl");
    openssl.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-subj",
        "/CN=guest",
    ]);
    openssl.arg("-keyout").arg(&key.1).arg("-out").arg(&certificate.1).stderr(Stdio::null());
    for mut command in [go("https.go", &https.1), go("chain.go", &chain.1), openssl] {
        let name = command.get_program().to_string_lossy().into_owned();
        match command.status() {
            Ok(status) => succeed(status.success(), &format!("{name} failed"))?,
            Err(error) => {
                println!("skipped: TLS and goroutines in the guest: {name}: {error}");
                return Ok(None);
            }
        }
    }
    Ok(Some([https, chain, certificate, key]))
}
