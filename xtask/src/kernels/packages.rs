//! Fetches a kernel, a busybox and an OpenSSL of a suite of Debian, by an apt that knows nothing of the host's own.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Kernel, libraries};
use crate::cargo::succeed;

/// What a guest is made of, beside the self test.
pub(super) struct Files {
    pub(super) kernel: PathBuf,
    pub(super) busybox: PathBuf,
    /// The command of OpenSSL and what it is linked with, as [`installed`](super::libraries::installed) gives it.
    pub(super) openssl: Vec<(String, PathBuf)>,
}

/// Fetches what is not in `folder` yet. Whoever wants newer packages removes the folder.
pub(super) fn fetch(kernel: &Kernel, folder: &Path) -> io::Result<Files> {
    let (vmlinuz, busybox, openssl) =
        (folder.join("vmlinuz"), folder.join("busybox"), folder.join("openssl"));
    if ![&vmlinuz, &busybox, &openssl].iter().all(|path| path.exists()) {
        let apt = Apt::new(kernel, folder)?;
        let package = apt.kernel_package(&format!("linux-image-{}", kernel.machine.debian_name()))?;
        apt.extract(&package, &["./boot/vmlinuz-*", "./usr/lib/modules/*/vmlinuz"], &vmlinuz)?;
        apt.extract("busybox-static", &["./bin/busybox", "./usr/bin/busybox"], &busybox)?;
        apt.unpack("openssl", &openssl)?;
        // The lists of packages are larger than all the rest.
        fs::remove_dir_all(&apt.folder)?;
    }
    let openssl = libraries::installed(&openssl, "usr/bin/openssl")?;
    Ok(Files { kernel: vmlinuz, busybox, openssl })
}

/// An apt with a folder and a configuration of its own.
struct Apt {
    folder: PathBuf,
}

impl Apt {
    fn new(kernel: &Kernel, folder: &Path) -> io::Result<Self> {
        let apt = Self { folder: folder.join("apt") };
        for path in ["preferences.d", "state/lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(apt.folder.join(path))?;
        }
        let (mirror, suite) = (mirror()?, kernel.suite);
        fs::write(
            apt.folder.join("sources.list"),
            format!("deb [signed-by={KEYRING}] {mirror} {suite} main\n"),
        )?;
        fs::write(apt.folder.join("status"), "")?;
        let configuration = CONFIGURATION
            .replace("FOLDER", &apt.folder.to_string_lossy())
            .replace("ARCHITECTURE", kernel.machine.debian_name());
        fs::write(apt.folder.join("apt.conf"), configuration)?;
        apt.output("apt-get", &["-qq", "update"])?;
        Ok(apt)
    }

    /// The package that holds the kernel; `name` needs it, or needs what needs it.
    fn kernel_package(&self, name: &str) -> io::Result<String> {
        let mut package = name.to_owned();
        // There are two steps at most; the bound is for packages that need each other.
        for _ in 0..4 {
            let needed = self.output("apt-cache", &["depends", "--important", &package])?;
            let dependencies = needed.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
            let is_kernel =
                |name: &&str| ["linux-image-", "linux-binary-"].iter().any(|kind| name.starts_with(kind));
            match dependencies.map(str::trim).find(is_kernel) {
                Some(next) => next.clone_into(&mut package),
                None => break,
            }
        }
        Ok(package)
    }

    /// Takes the one file out of a package that one of the patterns fits.
    fn extract(&self, package: &str, patterns: &[&str], to: &Path) -> io::Result<()> {
        self.output("apt-get", &["-qq", "download", package])?;
        let is_archive = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "deb");
        let entries = fs::read_dir(&self.folder)?.collect::<io::Result<Vec<_>>>()?;
        let archive = entries.iter().map(fs::DirEntry::path).find(is_archive);
        let archive = archive.ok_or_else(|| io::Error::other(format!("{package} was not downloaded")))?;
        let mut unpack =
            Command::new("dpkg-deb").arg("--fsys-tarfile").arg(&archive).stdout(Stdio::piped()).spawn()?;
        let mut pick = Command::new("tar");
        pick.args(["--extract", "--to-stdout", "--wildcards"]).args(patterns).stderr(Stdio::null());
        if let Some(files) = unpack.stdout.take() {
            // A pattern that fits nothing is told by the status; what counts is whether something came.
            pick.stdin(files).stdout(File::create(to)?).status()?;
        }
        unpack.wait()?;
        fs::remove_file(&archive)?;
        let is_there = fs::metadata(to)?.len() > 0;
        if !is_there {
            fs::remove_file(to)?;
        }
        succeed(is_there, &format!("{package} holds no {}", patterns.join(" or ")))
    }

    /// Unpacks a package and all that it needs.
    fn unpack(&self, package: &str, to: &Path) -> io::Result<()> {
        let arguments = ["-qq", "-y", "--no-install-recommends", "--download-only", "install", package];
        self.output("apt-get", &arguments)?;
        // It is there when it is whole.
        let whole = self.folder.join("unpacked");
        for entry in fs::read_dir(self.folder.join("cache/archives"))? {
            let archive = entry?.path();
            if archive.extension().is_some_and(|extension| extension == "deb") {
                output(Command::new("dpkg-deb").arg("--extract").arg(&archive).arg(&whole))?;
            }
        }
        fs::rename(whole, to)
    }

    fn output(&self, program: &str, arguments: &[&str]) -> io::Result<String> {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).env("APT_CONFIG", self.folder.join("apt.conf"));
        output(command.args(arguments))
    }
}

/// The mirror that this host uses for Debian itself.
fn mirror() -> io::Result<String> {
    let arguments = ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Label: Debian"];
    let mirrors = output(Command::new("apt-get").args(arguments))?;
    let first = mirrors.lines().next().map(|mirror| mirror.trim_end_matches('/').to_owned());
    first.ok_or_else(|| io::Error::other("apt knows no mirror of Debian: run `apt-get update`"))
}

fn output(command: &mut Command) -> io::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{program}: {error}"));
    let output = command.output().map_err(named)?;
    let complaint = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
    succeed(output.status.success(), &format!("{program}: {complaint}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Signatures are checked; the day is not, since a mirror may keep the state of an earlier one.
const CONFIGURATION: &str = r#"
Dir::Etc "FOLDER";
Dir::Etc::sourcelist "FOLDER/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::preferencesparts "FOLDER/preferences.d";
Dir::State "FOLDER/state";
Dir::State::status "FOLDER/status";
Dir::Cache "FOLDER/cache";
APT::Architecture "ARCHITECTURE";
APT::Architectures "ARCHITECTURE";
APT::Sandbox::User "root";
Acquire::Check-Valid-Until "false";
Acquire::GzipIndexes "true";
Acquire::Languages "none";
"#;
