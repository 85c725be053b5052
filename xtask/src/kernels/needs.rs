//! What this host must have so that a kernel can be tried on it.

use std::io;
use std::path::Path;

use super::Machine;

/// What is missing and how to install it; None: nothing.
pub(super) fn missing(machine: Machine) -> io::Result<Option<String>> {
    let of_machine = match machine {
        Machine::X86 => OF_X86,
        Machine::Arm if cfg!(target_arch = "aarch64") => &OF_ARM[..1],
        Machine::Arm => OF_ARM,
    };
    let needed = OF_ALL.iter().chain(of_machine);
    let packages: Vec<&str> =
        needed.filter(|(file, _)| !is_there(file)).map(|(_, package)| *package).collect();
    let mut commands = Vec::new();
    if !packages.is_empty() {
        commands.push(format!("`apt-get install {}`", packages.join(" ")));
    }
    if !machine.has_rust_target()? {
        commands.push(format!("`rustup target add {}`", machine.rust_target()));
    }
    Ok((!commands.is_empty()).then(|| format!("run {}", commands.join(" and "))))
}

fn is_there(file: &str) -> bool {
    if file.starts_with('/') {
        return Path::new(file).exists();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(file).exists())
}

/// A file that tells whether a package is there, and the package's name in Debian.
const OF_ALL: &[(&str, &str)] =
    &[("dpkg-deb", "dpkg"), ("tar", "tar"), ("cc", "gcc"), ("readelf", "binutils")];
const OF_X86: &[(&str, &str)] = &[("qemu-system-x86_64", "qemu-system-x86")];
const OF_ARM: &[(&str, &str)] = &[
    ("qemu-system-aarch64", "qemu-system-arm"),
    ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"),
    ("/usr/aarch64-linux-gnu/lib/libc.a", "libc6-dev-arm64-cross"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_looked_for_where_programs_are_and_a_file_where_it_is() {
        assert!(is_there("sh") && is_there("/proc/self/status"));
        assert!(!is_there("qemu-system-of-nothing") && !is_there("/proc/self/nothing"));
    }
}
