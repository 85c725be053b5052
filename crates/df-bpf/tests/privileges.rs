//! What the probes say when privileges or parts of the system are missing. Needs root, to give privileges up; says so
//! where it is not.
#![cfg(all(feature = "aya", target_os = "linux"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what it misses, aloud"
)]

mod loaders;

use std::path::PathBuf;
use std::process::Command;

use df_bpf::{HookKind, Kernel, ProbeConfig, Probes, ProgramSet};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use rustix::process::{Uid, getuid};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities, set_keep_capabilities};

/// What the program of this test says when it runs with less than all. None: this is not root.
fn said(with: &str) -> Option<String> {
    if !getuid().is_root() {
        println!("skipped: needs root");
        return None;
    }
    // In a mount namespace of its own.
    let mut command = Command::new("unshare");
    if with == ROOT_OF_A_USER_NAMESPACE {
        command.args(["--user", "--map-root-user"]);
    }
    command.arg("--mount").arg(std::env::current_exe().expect("this test"));
    let whole_name = loaders::test_name(module_path!(), "load_with_less");
    command.args(["--exact", &whole_name, "--ignored", "--nocapture"]).env(WITH, with);
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            println!("skipped: unshare: {error}");
            return None;
        }
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    Some(text.split_once("BEGIN\n").expect("it says so").1.split_once("END").expect("it does").0.to_owned())
}

const ROOT_OF_A_USER_NAMESPACE: &str = "root of a user namespace";
const BTF_IN_A_FILE: &str = "root, BTF in a file";
const WITH: &str = "DF_BPF_TEST_WITH";

/// Not a test by itself: loads the probes with what the variable says, and tells what comes of it.
#[test]
#[ignore = "the other tests run it"]
fn load_with_less() {
    let Ok(with) = std::env::var(WITH) else { return };
    let mut config = ProbeConfig::default().with_ring_bytes(4096).with_loader(loaders::loader());
    match with.as_str() {
        ROOT_OF_A_USER_NAMESPACE => (),
        "root, no tracefs" => unmount("/sys/kernel/tracing", UnmountFlags::DETACH).expect("root may"),
        "root, no BTF" | BTF_IN_A_FILE => {
            config = config.with_btf_path(btf_file());
            mount("none", "/sys/kernel/btf", "tmpfs", MountFlags::empty(), None).expect("root may");
        }
        names => become_nobody(names),
    }
    if with != BTF_IN_A_FILE {
        config.btf_path = None;
    }
    let kernel = Kernel::probe_with_btf(config.btf_path.as_deref());
    let loaded = Probes::load(&config);
    println!("BEGIN");
    if let Some(path) = &config.btf_path {
        let reduced = Probes::load(&config.clone().with_program_set(ProgramSet::Reduced));
        println!("reduced: {}", reduced.expect("the same file tells what they need").report());
        std::fs::write(path, "nothing").expect("our own");
        let error = Probes::load(&config).err().expect("this is no BTF");
        println!("malformed: {error}");
        std::fs::remove_file(path).expect("our own");
    }
    println!("sufficient: {}", kernel.is_sufficient());
    if let Err(error) = Probes::load(&config.with_hooks(HookKind::Tracepoint)) {
        println!("by tracepoints alone: {error}");
    }
    match loaded {
        Ok(mut probes) => {
            println!("loaded: {}", probes.report());
            probes.poll(std::time::Duration::from_millis(100), |_| ()).expect("the rings can be read");
            println!("stats: {}", probes.stats().is_ok());
            probes.drop_capabilities().expect("one's own can be dropped");
            println!("stats: {}", probes.stats().is_ok());
            println!("left: {:?}", capabilities(None).expect("readable").permitted);
        }
        Err(error) => println!("error: {error}"),
    }
    print!("{kernel}");
    println!("END");
}

/// What the kernel tells of its types, in a file of this process.
fn btf_file() -> PathBuf {
    let path = std::env::temp_dir().join(format!("df-bpf-btf-{}", std::process::id()));
    std::fs::copy("/sys/kernel/btf/vmlinux", &path).expect("this kernel has it");
    path
}

/// Keeps these capabilities and nothing else of root.
fn become_nobody(names: &str) {
    let wanted = names.split(' ').filter(|name| !name.is_empty());
    let kept = wanted.fold(CapabilitySet::empty(), |kept, name| {
        kept | match name {
            "CAP_BPF" => CapabilitySet::BPF,
            "CAP_PERFMON" => CapabilitySet::PERFMON,
            "CAP_DAC_READ_SEARCH" => CapabilitySet::DAC_READ_SEARCH,
            "CAP_NET_ADMIN" => CapabilitySet::NET_ADMIN,
            "CAP_SYS_ADMIN" => CapabilitySet::SYS_ADMIN,
            other => panic!("{other}"),
        }
    });
    set_keep_capabilities(true).expect("root may");
    let nobody = Uid::from_raw(65_534);
    rustix::thread::set_thread_res_uid(nobody, nobody, nobody).expect("root may");
    let mut sets = capabilities(None).expect("readable");
    (sets.permitted, sets.effective, sets.inheritable) = (kept, kept, CapabilitySet::empty());
    set_capabilities(None, sets).expect("less is always allowed");
}

fn line<'a>(said: &'a str, start: &str) -> &'a str {
    said.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no {start}: {said}"))
}

#[test]
fn an_unprivileged_user_is_told_what_is_missing() {
    let Some(said) = said("") else { return };
    assert_eq!(
        line(&said, "error"),
        "error: loading maps: not permitted: CAP_BPF and CAP_PERFMON are missing: run as root, or `setcap \
         cap_bpf,cap_perfmon,cap_dac_read_search+ep` the program"
    );
    assert_eq!(line(&said, "sufficient"), "sufficient: false");
    assert!(line(&said, "ring buffer").contains(" no "), "{said}");
    assert!(line(&said, "BTF").contains(" yes "), "{said}");
}

#[test]
fn a_single_missing_capability_is_named() {
    let Some(without_bpf) = said("CAP_PERFMON CAP_DAC_READ_SEARCH") else { return };
    assert!(line(&without_bpf, "error").contains("loading maps: not permitted: CAP_BPF is missing: "));
    let without_perfmon = said("CAP_BPF CAP_DAC_READ_SEARCH").expect("root");
    let error = line(&without_perfmon, "error");
    assert!(error.starts_with("error: no system call could be hooked: "), "{error}");
    assert!(error.contains("not permitted: CAP_PERFMON is missing: "), "{error}");
    assert_eq!(line(&without_perfmon, "sufficient"), "sufficient: false");
}

#[test]
fn two_capabilities_are_enough_for_system_calls_where_tracefs_is_out_of_reach() {
    let Some(said) = said("CAP_BPF CAP_PERFMON") else { return };
    assert_eq!(line(&said, "sufficient"), "sufficient: true");
    assert!(!said.contains("not attached"), "{said}");
    assert_eq!(said.matches("stats: true").count(), 2, "{said}");
    assert_eq!(line(&said, "left"), "left: CapabilitySet(0x0)");
    let reason = line(&said, "not used: system call tracepoints");
    assert!(reason.contains("not permitted: CAP_DAC_READ_SEARCH is missing"), "{reason}");
    let calls = if said.contains("hooked by tracepoints of sockets: read, ") {
        let reason = line(&said, "not used: tracepoints of sockets for recvfrom");
        assert!(reason.contains("not permitted: CAP_NET_ADMIN is missing"), "{reason}");
        "recvfrom, recvmsg, recvmmsg"
    } else {
        "system calls"
    };
    if !said.contains("hooked by function entries") {
        assert!(said.contains(&format!("hooked by typed raw tracepoints of every call: {calls}")), "{said}");
    }
}

#[test]
fn a_third_capability_lets_sockets_tell_from_whom_datagrams_are() {
    let Some(said) = said("CAP_BPF CAP_PERFMON CAP_NET_ADMIN") else { return };
    assert!(!said.contains("not attached"), "{said}");
    assert_eq!(line(&said, "left"), "left: CapabilitySet(0x0)");
    let has_both = ["tracepoints of sockets", "root of the control groups"]
        .iter()
        .all(|feature| line(&said, feature).contains(" yes "));
    assert_eq!(has_both, said.contains("hooked by tracepoints of sockets: system calls"), "{said}");
}

#[test]
fn three_capabilities_are_enough_for_system_calls_and_two_of_them_are_dropped() {
    let Some(said) = said("CAP_BPF CAP_PERFMON CAP_DAC_READ_SEARCH") else { return };
    assert_eq!(line(&said, "sufficient"), "sufficient: true");
    assert!(!said.contains("not attached"), "{said}");
    assert!(line(&said, "uprobes").contains(" no "), "functions of programs take CAP_SYS_ADMIN: {said}");
    assert!(line(&said, "uprobes").contains("CAP_SYS_ADMIN is missing"), "{said}");
    assert_eq!(said.matches("stats: true").count(), 2, "{said}");
    assert_eq!(line(&said, "left"), "left: CapabilitySet(DAC_READ_SEARCH)", "what finding libraries takes");
}

#[test]
fn root_of_a_user_namespace_is_told_that_this_is_none() {
    let Some(said) = said(ROOT_OF_A_USER_NAMESPACE) else { return };
    let error = line(&said, "error");
    assert!(error.contains("not permitted: this is a user namespace, as of a rootless container"), "{error}");
    assert!(line(&said, "CAP_BPF").contains(" no "), "{said}");
}

#[test]
fn without_tracefs_the_command_is_told_that_mounts_it_and_other_hooks_are_used() {
    let Some(said) = said("root, no tracefs") else { return };
    assert_eq!(line(&said, "sufficient"), "sufficient: true");
    assert!(!said.contains("not attached"), "{said}");
    assert!(
        line(&said, "by tracepoints alone")
            .ends_with("tracefs is not mounted: run `mount -t tracefs tracefs /sys/kernel/tracing`"),
        "{said}"
    );
    let others =
        ["tracepoints of sockets", "function entries (fentry)", "typed raw tracepoints of every call"];
    assert!(others.iter().any(|kind| said.contains(&format!("hooked by {kind}: system calls"))), "{said}");
    assert!(line(&said, "tracefs").contains("mount -t tracefs"), "{said}");
    assert!(line(&said, "raw tracepoints").contains(" yes "), "{said}");
}

#[test]
fn without_btf_nothing_is_loaded() {
    let Some(said) = said("root, no BTF") else { return };
    assert!(
        line(&said, "error").starts_with(
            "error: the kernel does not tell where its structures have their fields (no /sys/kernel/btf/vmlinux)"
        ),
        "{said}"
    );
    let release = rustix::system::uname();
    let release = release.release().to_str().expect("ASCII");
    assert!(line(&said, "error").contains(&format!("the BTF of exactly {release}, from BTFHub")), "{said}");
    assert!(line(&said, "BTF").contains("CONFIG_DEBUG_INFO_BTF"), "{said}");
    assert_eq!(line(&said, "sufficient"), "sufficient: false");
}

#[test]
fn btf_of_a_file_is_as_good_for_both_program_sets() {
    let Some(said) = said(BTF_IN_A_FILE) else { return };
    assert_eq!(line(&said, "sufficient"), "sufficient: true");
    assert!(!said.contains("not attached"), "{said}");
    assert!(line(&said, "loaded").contains(" hooks attached"), "{said}");
    assert!(line(&said, "reduced").contains(" hooks attached by the reduced programs"), "{said}");
    assert!(line(&said, "malformed").contains("df-bpf-btf-"), "the file is named: {said}");
}
