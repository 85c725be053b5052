//! A thousand processes that start, talk through TLS and die, watched: nothing of them is left. Needs root, gcc and OpenSSL's
//! library; says so where they are missing.
#![cfg(all(feature = "aya", target_os = "linux"))]
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests say what they skip and fail where they are"
)]

mod loaders;
mod programs;
#[path = "live/watch.rs"]
#[allow(dead_code, reason = "each test uses some of it")]
mod watch;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use df_bpf::tls::{AttachedBinary, TlsConfig};
use df_bpf::{Event, ProbeConfig, Probes};
use df_core::SocketActivity;

const PROCESSES: usize = 1_000;
const AT_ONCE: usize = 25;
/// How long a process waits until it uses its library: it is looked at 5 and 100 ms after its start.
const WAIT_MS: &str = "150";

#[test]
fn a_thousand_processes_with_tls_leave_nothing_behind() {
    let Some(setting) = Setting::prepare() else { return };
    let mut config = TlsConfig::default();
    config.sweep_interval = Duration::from_millis(500);
    config.idle_timeout = Duration::from_secs(5);
    let Some(probes) = watch::probes(&ProbeConfig::default().with_tls(Some(config))) else { return };
    let mut watched = Watched { probes, told: BTreeSet::new() };
    watched.poll_for(Duration::from_secs(2));
    // Programs are loaded when they are needed first, and stay.
    watched.one_round(&setting, 0);
    watched.await_letting_go(&setting.library);
    let empty = watched.holdings(&setting.library);
    let mut dead: Vec<u32> = Vec::new();
    let mut early = None;
    for round in 0..PROCESSES / AT_ONCE {
        dead.extend(watched.one_round(&setting, round));
        if round == 3 {
            early = Some(watched.holdings(&setting.library));
        }
    }
    let (early, late) = (early.expect("there are more rounds"), watched.holdings(&setting.library));
    println!("before: {empty:?}\nearly: {early:?}\nlate: {late:?}");
    assert_eq!((empty.own_hooks, early.own_hooks), (0, late.own_hooks), "hooked once, for all of them");
    // A program at a uprobe is held by one descriptor or by two, as the kernel allows.
    let per_hook = [1, 2].into_iter().find(|per_hook| early.unhooked(*per_hook) == empty.unhooked(*per_hook));
    let per_hook = per_hook.expect("descriptors for the hooks and no others");
    assert_eq!(late.unhooked(per_hook), empty.unhooked(per_hook));
    assert!(late.memory_kib < early.memory_kib + 8 * 1_024, "memory grew");
    let told = watched.told.len();
    assert!(told >= PROCESSES * 9 / 10, "plain text of {told} processes was told");
    watched.assert_maps_forget(&dead);
    watched.await_letting_go(&setting.library);
    let after = watched.holdings(&setting.library);
    assert_eq!(after.unhooked(per_hook), empty.unhooked(per_hook), "{after:?}");
    fs::remove_dir_all(&setting.folder).expect("ours");
}

/// The program, and a copy of the library that nobody else uses.
struct Setting {
    folder: PathBuf,
    program: PathBuf,
    library: PathBuf,
}

impl Setting {
    fn prepare() -> Option<Self> {
        let program = programs::c_program("pair", include_str!("programs/pair.c"), &["-ldl"])?;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("churn.{}", std::process::id()));
        fs::create_dir_all(&folder).expect("the build folder can be written");
        let machines = ["x86_64", "aarch64"];
        let mut libraries = machines.iter().map(|name| format!("/usr/lib/{name}-linux-gnu/libssl.so.3"));
        let Some(original) = libraries.find(|path| Path::new(path).exists()) else {
            println!("skipped: no libssl.so.3");
            return None;
        };
        let library = folder.join("libssl.so.3");
        fs::copy(original, &library).expect("readable");
        Some(Self { folder, program, library })
    }

    fn start(&self, number: usize) -> Child {
        let manners = if number.is_multiple_of(2) { "tidy" } else { "leave" };
        let mut command = Command::new(&self.program);
        command.arg(&self.library).args([manners, WAIT_MS]).arg(format!("{MESSAGE}{number}"));
        command.stdout(Stdio::null()).spawn().expect("it was built")
    }
}

struct Watched {
    probes: Probes,
    /// Processes whose message was told in plain text.
    told: BTreeSet<u32>,
}

/// What this process holds.
#[derive(Debug)]
struct Holdings {
    descriptors: usize,
    memory_kib: usize,
    hooks: usize,
    /// Of them those of the library of this test.
    own_hooks: usize,
}

impl Holdings {
    /// Descriptors that are not for hooks. Others on this host may begin and cease to use TLS meanwhile.
    const fn unhooked(&self, per_hook: usize) -> usize {
        self.descriptors - self.hooks * per_hook
    }
}

impl Watched {
    fn poll_for(&mut self, time: Duration) {
        let begin = Instant::now();
        while begin.elapsed() < time {
            self.poll();
        }
    }

    fn poll(&mut self) {
        let told = &mut self.told;
        let polled = self.probes.poll(Duration::from_millis(10), |event| {
            let Event::Socket(event) = event else { return };
            let SocketActivity::Data(data) = event.activity else { return };
            if data.source.is_plaintext_of_tls() && data.bytes.starts_with(MESSAGE.as_bytes()) {
                told.insert(event.task.pid);
            }
        });
        polled.expect("the rings can be read");
    }

    /// Some processes live and die. Gives their numbers.
    fn one_round(&mut self, setting: &Setting, round: usize) -> Vec<u32> {
        let mut children: Vec<Child> =
            (0..AT_ONCE).map(|place| setting.start(round * AT_ONCE + place)).collect();
        for child in &mut children {
            let status = loop {
                self.poll();
                if let Some(status) = child.try_wait().expect("our child") {
                    break status;
                }
            };
            assert!(status.success(), "{status}");
        }
        self.poll_for(Duration::from_millis(50));
        children.iter().map(Child::id).collect()
    }

    fn attached(&self) -> Vec<AttachedBinary> {
        self.probes.tls_report().expect("TLS is on").attached
    }

    fn holdings(&self, library: &Path) -> Holdings {
        let status = fs::read_to_string("/proc/self/status").expect("there is one");
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix("kB"));
        let attached = self.attached();
        let hooks = |binaries: &mut dyn Iterator<Item = &AttachedBinary>| binaries.map(|one| one.hooks).sum();
        Holdings {
            descriptors: fs::read_dir("/proc/self/fd").expect("there is one").count(),
            memory_kib: memory.and_then(|text| text.trim().parse().ok()).expect("a size"),
            hooks: hooks(&mut attached.iter()),
            own_hooks: hooks(&mut attached.iter().filter(|one| one.path == library)),
        }
    }

    /// No map of the kernel whose entries belong to threads or processes has one that is dead.
    fn assert_maps_forget(&mut self, dead: &[u32]) {
        self.poll_for(Duration::from_millis(200));
        let mut looked_at = 0;
        for (name, id) in own_maps() {
            if !["threads", "tls_processes", "go_processes"].contains(&name.as_str()) {
                continue;
            }
            let Some(keys) = keys_of(id) else {
                return println!("skipped: no bpftool to look into maps with");
            };
            let left: Vec<&u32> = dead.iter().filter(|pid| keys.contains(pid)).collect();
            assert!(left.is_empty(), "{name} remembers {left:?}");
            looked_at += 1;
        }
        assert_eq!(looked_at, 3);
    }

    /// Nobody uses the library any more.
    fn await_letting_go(&mut self, library: &Path) {
        let begin = Instant::now();
        while self.attached().iter().any(|one| one.path == library) {
            assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", self.probes.tls_report());
            self.poll();
        }
    }
}

/// Names and numbers of the maps that this process holds.
fn own_maps() -> Vec<(String, u32)> {
    let files = fs::read_dir("/proc/self/fdinfo").expect("there is one").flatten();
    let texts = files.filter_map(|file| fs::read_to_string(file.path()).ok());
    let ids = texts.filter_map(|text| {
        text.lines().find_map(|line| line.strip_prefix("map_id:")?.trim().parse::<u32>().ok())
    });
    let ids: BTreeSet<u32> = ids.collect();
    ids.into_iter()
        .filter_map(|id| Some((bpftool(&["map", "show"], id)?["name"].as_str()?.to_owned(), id)))
        .collect()
}

fn keys_of(map: u32) -> Option<BTreeSet<u32>> {
    let entries = bpftool(&["map", "dump"], map)?;
    let key = |entry: &serde_json::Value| {
        let bytes = entry["key"].as_array()?;
        let byte = |text: &serde_json::Value| u8::from_str_radix(text.as_str()?.strip_prefix("0x")?, 16).ok();
        let bytes: Option<Vec<u8>> = bytes.iter().map(byte).collect();
        Some(u32::from_le_bytes(bytes?.try_into().ok()?))
    };
    Some(entries.as_array()?.iter().filter_map(key).collect())
}

fn bpftool(what: &[&str], id: u32) -> Option<serde_json::Value> {
    let mut command = Command::new("bpftool");
    command.arg("-j").args(what).args(["id", &id.to_string()]);
    serde_json::from_slice(&command.output().ok()?.stdout).ok()
}

const MESSAGE: &str = "hello, I am number ";
