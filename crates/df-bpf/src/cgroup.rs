//! The control group that all processes of the host are in.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Where the root of the control groups (version 2) is mounted. None: it is not, or only a container's own part of it is.
pub(crate) fn root() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    mount_points(&mounts).map(PathBuf::from).find(|path| is_root(path))
}

/// Mount points of control groups, as `proc_pid_mountinfo(5)` has them.
fn mount_points(mounts: &str) -> impl Iterator<Item = &str> {
    mounts.lines().filter_map(|line| {
        let (mount, file_system) = line.split_once(" - ")?;
        (file_system.split(' ').next()? == "cgroup2").then(|| mount.split(' ').nth(4)).flatten()
    })
}

/// The number of the first group is the same everywhere; within a namespace another group stands in its place.
fn is_root(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.ino() == FIRST_GROUP)
}

const FIRST_GROUP: u64 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_of_the_second_version_are_found_among_others() {
        let mounts = "24 1 0:22 / /sys/fs/cgroup rw,nosuid shared:9 - tmpfs tmpfs ro,mode=755\n\
                      31 24 0:27 / /sys/fs/cgroup/unified rw shared:10 - cgroup2 cgroup2 rw\n\
                      32 24 0:28 / /sys/fs/cgroup/cpu rw shared:11 - cgroup cgroup rw,cpu\n\
                      a line of another sort";
        assert_eq!(mount_points(mounts).collect::<Vec<_>>(), ["/sys/fs/cgroup/unified"]);
    }
}
