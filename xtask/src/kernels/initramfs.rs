//! The files of a guest: an archive as the kernel unpacks it (`Documentation/driver-api/early-userspace/buffer-format.rst`).

use std::io::{self, Write};
use std::path::Path;

/// An archive with these files, what starts the self test among them, and nothing else.
pub(super) fn archive(files: &[(&str, &Path)]) -> io::Result<Vec<u8>> {
    let mut archive = Vec::new();
    for folder in ["dev", "lib", "lib64", "proc", "sys", "tmp"] {
        append(&mut archive, folder, FOLDER, &[])?;
    }
    for (name, path) in files {
        append(&mut archive, name, PROGRAM, &std::fs::read(path)?)?;
    }
    append(&mut archive, "init", PROGRAM, INIT.as_bytes())?;
    append(&mut archive, "TRAILER!!!", 0, &[])?;
    Ok(archive)
}

/// One entry in the format `newc`: thirteen numbers of eight digits, then the name and the bytes, each up to a border of
/// four bytes.
fn append(archive: &mut Vec<u8>, name: &str, mode: u32, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    let name_length = u32::try_from(name.len() + 1).map_err(io::Error::other)?;
    archive.write_all(b"070701")?;
    for number in [0, mode, 0, 0, 1, 0, length, 0, 0, 0, 0, name_length, 0] {
        write!(archive, "{number:08x}")?;
    }
    archive.write_all(name.as_bytes())?;
    archive.push(0);
    archive.resize(archive.len().next_multiple_of(4), 0);
    archive.write_all(bytes)?;
    archive.resize(archive.len().next_multiple_of(4), 0);
    Ok(())
}

const FOLDER: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;

const INIT: &str = "\
#!/busybox sh
/busybox mount -t proc proc /proc
/busybox mount -t sysfs sys /sys
/busybox mount -t tracefs tracefs /sys/kernel/tracing
/busybox mount -t cgroup2 cgroup2 /sys/fs/cgroup
/busybox mount -t devtmpfs dev /dev
/busybox mount -t securityfs security /sys/kernel/security 2>/dev/null
/busybox ifconfig lo 127.0.0.1 up
/busybox dmesg -n 1
[ -e /https ] && export SELFTEST_HTTPS=\"/https /certificate.pem /key.pem\"
[ -e /certificate.pem ] && export SELFTEST_OPENSSL=\"/openssl /certificate.pem /key.pem\"
[ -e /chain ] && export SELFTEST_CHAIN=/chain
/selftest
/busybox poweroff -f
";
