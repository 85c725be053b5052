//! Boots kernels of Debian's suites in QEMU and lets the self test of df-bpf try the eBPF programs on each.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo::{Workspace, succeed};

mod guest;
mod initramfs;
mod libraries;
mod lockdown;
mod needs;
mod packages;
mod programs;
mod table;

use guest::Findings;

/// A kernel to boot.
struct Kernel {
    /// The suite of Debian that has it.
    suite: &'static str,
    /// How the table names it until a run tells its release.
    version: &'static str,
    machine: Machine,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Machine {
    X86,
    Arm,
}

const KERNELS: &[Kernel] = &[
    Kernel { suite: "bullseye", version: "5.10", machine: Machine::X86 },
    Kernel { suite: "bookworm", version: "6.1", machine: Machine::X86 },
    Kernel { suite: "trixie", version: "6.12", machine: Machine::X86 },
    Kernel { suite: "sid", version: "newest", machine: Machine::X86 },
    Kernel { suite: "bullseye", version: "5.10", machine: Machine::Arm },
    Kernel { suite: "bookworm", version: "6.1", machine: Machine::Arm },
];

/// What came of one kernel.
enum Outcome {
    Tested(Findings),
    /// It could not be booted at all, and why.
    Untested(String),
}

/// Tries every kernel, or those whose name contains `only`, and writes the table of `docs/kernel.md`. Fails when a kernel
/// fails, or when none could be tried.
pub(crate) fn run(root: &Path, only: &str) -> io::Result<()> {
    let folder = Workspace::read(root)?.target_folder.join("kernels");
    let wanted: Vec<&Kernel> = KERNELS.iter().filter(|kernel| kernel.to_string().contains(only)).collect();
    succeed(!wanted.is_empty(), &format!("no kernel has {only:?} in its name"))?;
    let document = root.join("docs/kernel.md");
    let (mut tested, mut failed) = (0, 0);
    for kernel in wanted {
        let outcome = try_kernel(root, &folder, kernel)?;
        println!("{kernel}: {outcome}");
        tested += u32::from(matches!(outcome, Outcome::Tested(_)));
        failed += u32::from(matches!(&outcome, Outcome::Tested(findings) if !findings.is_good()));
        // Each at once: a run of all of them takes long, and may be broken off.
        table::write(&document, &[table::row(kernel, &outcome)])?;
    }
    lockdown::run(root, &folder, only, &document)?;
    succeed(tested > 0, "no kernel could be booted")?;
    succeed(failed == 0, &format!("{failed} of {tested} kernels failed"))
}

/// Fails only where the fault is ours: what this host lacks makes a kernel untested.
fn try_kernel(root: &Path, folder: &Path, kernel: &Kernel) -> io::Result<Outcome> {
    if let Some(missing) = needs::missing(kernel.machine)? {
        return Ok(Outcome::Untested(missing));
    }
    let own = folder.join(kernel.to_string().replace(' ', "-"));
    let booted = prepare(root, &own, kernel)?.and_then(|[vmlinuz, image]| {
        guest::boot(kernel.machine, [&vmlinuz, &image, &own.join("console.log")], "")
    });
    Ok(booted.map_or_else(|error| Outcome::Untested(error.to_string()), Outcome::Tested))
}

/// The kernel, and the files of a guest with the self test; an error inside where they cannot be fetched.
fn prepare(root: &Path, own: &Path, kernel: &Kernel) -> io::Result<io::Result<[PathBuf; 2]>> {
    std::fs::create_dir_all(own)?;
    let selftest = programs::build_selftest(root, kernel.machine)?;
    let go = programs::build_go(root, kernel.machine, own)?;
    Ok(packages::fetch(kernel, own).and_then(|files| {
        let mut archived = vec![("busybox", files.busybox.as_path()), ("selftest", &selftest)];
        archived.extend(go.iter().flatten().map(|(name, path)| (*name, path.as_path())));
        archived.extend(files.openssl.iter().map(|(name, path)| (name.as_str(), path.as_path())));
        let image = own.join("initramfs.cpio");
        std::fs::write(&image, initramfs::archive(&archived)?)?;
        Ok([files.kernel, image])
    }))
}

impl Machine {
    /// As the self test and the table name it.
    const fn name(self) -> &'static str {
        match self {
            Self::X86 => "x86_64",
            Self::Arm => "aarch64",
        }
    }

    /// As Debian names it.
    const fn debian_name(self) -> &'static str {
        match self {
            Self::X86 => "amd64",
            Self::Arm => "arm64",
        }
    }

    const fn rust_target(self) -> &'static str {
        match self {
            Self::X86 => "x86_64-unknown-linux-gnu",
            Self::Arm => "aarch64-unknown-linux-gnu",
        }
    }

    fn has_rust_target(self) -> io::Result<bool> {
        let mut rustc = Command::new("rustc");
        let output = rustc.args(["--print", "target-libdir", "--target", self.rust_target()]).output()?;
        Ok(Path::new(String::from_utf8_lossy(&output.stdout).trim()).exists())
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.version, self.machine.name())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tested(findings) => findings.fmt(formatter),
            Self::Untested(reason) => write!(formatter, "UNTESTED: {reason}"),
        }
    }
}
