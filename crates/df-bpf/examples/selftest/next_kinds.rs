//! Where sockets cannot tell from whom datagrams are, the calls that receive them get the next kind of hooks.

use std::fs;
use std::path::Path;

use df_bpf::{HookKind, ProbeConfig, ProbeReport, Probes};
use nix::sched::CloneFlags;
use rustix::mount::{MountPropagationFlags, UnmountFlags, mount_change, unmount};

use crate::calls::Result;
use crate::{Outcome, tell_check, try_traffic};

/// Takes from this process, and from no other, what the next kind needs, and makes the traffic under each pair of kinds that is left;
/// on kernels without hooks at sockets there is none.
/// Comes last: nothing is given back.
pub(crate) fn check() -> Result<bool> {
    let config = ProbeConfig::default().with_tls(None);
    if !kinds(Probes::load(&config)?.report()).contains(&HookKind::Socket) {
        return Ok(true);
    }
    nix::sched::unshare(CloneFlags::CLONE_NEWNS)?;
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)?;
    take_away("cgroup2")?;
    let mut tried = Vec::new();
    let mut is_good = try_next(&config, &mut tried)?;
    // The one is mounted in the other as soon as it is looked at.
    take_away("tracefs")?;
    take_away("debugfs")?;
    is_good &= try_next(&config, &mut tried)?;
    // Some kernels have no function entries.
    if tried.last() != Some(&HookKind::EveryCall) {
        let nameless = std::env::temp_dir().join(format!("nameless.{}.btf", std::process::id()));
        fs::write(&nameless, types_without_calls()?)?;
        is_good &= try_next(&config.with_btf_path(&nameless), &mut tried)?;
        fs::remove_file(&nameless)?;
    }
    Ok(is_good)
}

/// The traffic as told of by two kinds of hooks, the second of which was not tried yet.
fn try_next(config: &ProbeConfig, tried: &mut Vec<HookKind>) -> Result<bool> {
    let mut probes = Probes::load(config)?;
    let kinds = kinds(probes.report());
    let lacking: Vec<String> =
        probes.report().missing().map(|(hook, error)| format!("{hook}: {error}")).collect();
    match kinds.as_slice() {
        [HookKind::Socket, next] if lacking.is_empty() && !tried.contains(next) => {
            tried.push(*next);
            try_traffic(&format!("sockets and {}", next.name()), &mut probes)
        }
        _ => {
            let told = format!("hooked by {kinds:?}; missing: {lacking:?}");
            Ok(tell_check("sockets and the next kind", &Outcome::Failed(told)))
        }
    }
}

fn kinds(report: &ProbeReport) -> Vec<HookKind> {
    report.kinds().collect()
}

/// Unmounts what is of this kind.
fn take_away(file_system: &str) -> Result<()> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let of_kind = mounts.lines().filter_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        (kind.split(' ').next() == Some(file_system)).then(|| mount.split(' ').nth(4)).flatten()
    });
    for mount in of_kind.filter(|mount| Path::new(mount).exists()) {
        unmount(mount, UnmountFlags::DETACH)?;
    }
    Ok(())
}

/// What the kernel tells of its types, with the functions for system calls under names that nobody looks for.
fn types_without_calls() -> Result<Vec<u8>> {
    let mut types = fs::read("/sys/kernel/btf/vmlinux")?;
    let places: Vec<usize> = types
        .windows(FUNCTION.len())
        .enumerate()
        .filter_map(|(place, window)| (window == FUNCTION).then_some(place))
        .collect();
    for place in places {
        types.get_mut(place..place + FUNCTION.len()).ok_or("no place")?.fill(b'_');
    }
    Ok(types)
}

/// How the kernel's functions for system calls begin.
#[cfg(target_arch = "x86_64")]
const FUNCTION: &[u8] = b"__x64_sys_";
#[cfg(target_arch = "aarch64")]
const FUNCTION: &[u8] = b"__arm64_sys_";
