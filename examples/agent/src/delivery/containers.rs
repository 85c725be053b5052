//! In which container a process runs.

use std::collections::HashMap;

/// The containers of processes, as far as they were asked for.
#[derive(Debug, Default)]
pub(super) struct Containers {
    known: HashMap<u32, Option<String>>,
}

impl Containers {
    /// The container of a process; none if it runs outside of containers, or has ended before it was asked for.
    pub(super) fn of(&mut self, pid: u32) -> Option<&str> {
        // Numbers of processes come again: what is known is forgotten now and then.
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        let look = || container_of(&std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?);
        self.known.entry(pid).or_insert_with(look).as_deref()
    }
}

/// The container that the control groups of a process name: the 64 hexadecimal digits that container runtimes put there.
fn container_of(cgroups: &str) -> Option<String> {
    let parts = cgroups.lines().flat_map(|line| line.split(['/', ':', '-', '.']));
    let is_id = |part: &&str| part.len() == ID_DIGITS && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    parts.rev().find(is_id).map(str::to_owned)
}

const ID_DIGITS: usize = 64;
const MAX_KNOWN: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_as_runtimes_write_them() {
        let id = "0123456789abcdef".repeat(4);
        for path in [
            format!("0::/system.slice/docker-{id}.scope\n"),
            format!("0::/kubepods.slice/kubepods-burstable.slice/cri-containerd-{id}.scope\n"),
            format!("12:pids:/docker/{id}\n11:cpu:/docker/{id}\n"),
        ] {
            assert_eq!(container_of(&path).as_ref(), Some(&id), "{path}");
        }
        assert_eq!(container_of("0::/user.slice/user-0.slice/session-1.scope\n"), None);
    }
}
