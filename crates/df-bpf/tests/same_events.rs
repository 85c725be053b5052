//! Both loaders at once, the same traffic, the same events. Needs root, python3, openssl and Go; says so where they are missing.
#![cfg(all(feature = "aya", feature = "libbpf", target_os = "linux"))]
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    reason = "tests say what they skip and fail where they are"
)]

mod programs;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use df_bpf::{Event, Kernel, LoaderKind, ProbeConfig, Probes};
use df_core::{SocketActivity, Timestamp};

/// The probes of one loader, and what they told of some ports and processes.
struct Watched {
    probes: Probes,
    told: Vec<Told>,
}

/// An event, apart from what is a loader's own: the moment at which its program ran, and the number of a cause.
struct Told {
    tid: u32,
    text: String,
    /// When it was over.
    at: Timestamp,
    causal_id: Option<u64>,
}

/// All that is told of sockets with one of these ports and of processes with these numbers.
struct Wanted {
    ports: Vec<u16>,
    pids: Vec<u32>,
}

impl Watched {
    fn poll(&mut self, wanted: &Wanted) {
        let polled =
            self.probes.poll(Duration::from_millis(10), |event| self.told.extend(told(event, wanted)));
        polled.expect("the rings can be read");
    }

    fn has_hooked(&self, path: &str) -> bool {
        let report = self.probes.tls_report().expect("TLS is on");
        report.attached.iter().any(|binary| binary.path.to_string_lossy().contains(path))
    }

    /// What each thread did, in its order.
    fn by_thread(&self) -> BTreeMap<u32, Vec<&Told>> {
        let mut threads: BTreeMap<u32, Vec<&Told>> = BTreeMap::new();
        for told in &self.told {
            threads.entry(told.tid).or_default().push(told);
        }
        for told in threads.values_mut() {
            told.sort_by_key(|told| told.at);
        }
        threads
    }
}

fn told(event: Event<'_>, wanted: &Wanted) -> Option<Told> {
    let none = Timestamp::from_nanos(0);
    match event {
        Event::Socket(mut event) => {
            let ports = [event.socket.local.port, event.socket.remote.port];
            ports.iter().any(|port| wanted.ports.contains(port)).then_some(())?;
            let (mut at, mut causal_id) = (event.timestamp, None);
            if let SocketActivity::Data(data) = &mut event.activity {
                (at, causal_id) = (data.exit, data.causal_id.map(df_core::CausalId::number));
                (data.entry, data.exit, data.causal_id) = (none, none, None);
            }
            event.timestamp = none;
            Some(Told { tid: event.task.tid, text: format!("{event:?}"), at, causal_id })
        }
        Event::Process(mut event) => {
            wanted.pids.contains(&event.task.pid).then_some(())?;
            let at = std::mem::replace(&mut event.timestamp, none);
            Some(Told { tid: event.task.tid, text: format!("{event:?}"), at, causal_id: None })
        }
        other => panic!("{other:?}"),
    }
}

/// Both loaders; None, said aloud, where something is missing.
fn both(config: &ProbeConfig) -> Option<Vec<Watched>> {
    let load = |kind: &LoaderKind| Probes::load(&config.clone().with_ring_bytes(32 << 20).with_loader(*kind));
    let loaded: Result<Vec<Probes>, _> = LoaderKind::ALL.iter().map(load).collect();
    match loaded {
        Ok(probes) => Some(probes.into_iter().map(|probes| Watched { probes, told: Vec::new() }).collect()),
        Err(error) => {
            assert!(!Kernel::probe().is_sufficient(), "nothing is missing, and yet: {error}");
            println!("skipped: {error}");
            None
        }
    }
}

/// Watches until a program ended, and what it did came through the rings.
fn watch(watched: &mut [Watched], child: &mut Child, wanted: &Wanted) {
    let begin = Instant::now();
    let mut rounds_left = 20;
    while rounds_left > 0 {
        assert!(begin.elapsed() < Duration::from_secs(60), "the program does not end");
        if let Some(status) = child.try_wait().expect("our child") {
            assert!(status.success(), "{status}");
            rounds_left -= 1;
        }
        for watched in watched.iter_mut() {
            watched.poll(wanted);
        }
    }
}

/// Has traffic made until no ring was full since it began: the machine may do much else, which is told as well.
fn undropped(watched: &mut [Watched], mut make_traffic: impl FnMut(&mut [Watched]) -> Beginning) {
    for _ in 0..5 {
        let beginning = make_traffic(watched);
        if dropped(watched) == beginning.dropped {
            return;
        }
        println!("a ring was full: once more");
    }
    panic!("the rings are always full");
}

/// How many records had been dropped when traffic began.
struct Beginning {
    dropped: Vec<u64>,
}

/// Forgets what was told before the traffic.
fn begin(watched: &mut [Watched]) -> Beginning {
    for watched in watched.iter_mut() {
        watched.told.clear();
    }
    Beginning { dropped: dropped(watched) }
}

fn dropped(watched: &[Watched]) -> Vec<u64> {
    let dropped = |watched: &Watched| watched.probes.stats().expect("counters can be read").dropped_records();
    watched.iter().map(dropped).collect()
}

/// Asserts that both told the same, at least so many events, and returns how many.
fn assert_same(watched: &[Watched], at_least: usize) {
    let [one, other] = watched else { panic!("two loaders") };
    let (one, other) = (one.by_thread(), other.by_thread());
    let (mut ids, mut known) = (BTreeMap::new(), BTreeMap::new());
    let mut events = 0;
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>(), "threads");
    for (one, other) in one.values().zip(other.values()) {
        let texts = |told: &[&Told]| told.iter().map(|told| told.text.clone()).collect::<Vec<_>>();
        assert_eq!(texts(one), texts(other));
        for (one, other) in one.iter().zip(other) {
            events += 1;
            let apart_ns = one.at.as_nanos().abs_diff(other.at.as_nanos());
            assert!(apart_ns < 1_000_000_000, "{apart_ns} ns apart: {}", one.text);
            // Numbers of causes differ, and yet one means the same as the other, everywhere.
            assert_eq!(*ids.entry(one.causal_id).or_insert(other.causal_id), other.causal_id, "{}", one.text);
            assert_eq!(*known.entry(other.causal_id).or_insert(one.causal_id), one.causal_id, "{}", one.text);
        }
    }
    println!("{events} events, {} causes, the same by both loaders", ids.len());
    assert!(events >= at_least, "{events} events of {at_least}");
    assert_eq!(ids.get(&None), Some(&None), "no cause is no cause");
}

fn spawn(command: &mut Command) -> Option<Child> {
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    started.map_err(|error| println!("skipped: {command:?}: {error}")).ok()
}

/// The ports that a program prints first, as what is wanted of it.
fn wanted(child: &mut Child) -> Wanted {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("it prints its ports");
    let ports = line.split_whitespace().map(|port| port.parse().expect("a port")).collect();
    Wanted { ports, pids: vec![child.id()] }
}

#[test]
fn every_call_of_every_family() {
    let scripts: [(&str, &[&str], usize); 7] = [
        (include_str!("live/tcp_calls.py"), &["127.0.0.1"], 27),
        (include_str!("live/tcp_calls.py"), &["::1"], 27),
        (include_str!("live/tcp_calls.py"), &["mapped"], 27),
        (include_str!("live/udp_calls.py"), &[], 14),
        (include_str!("live/vectors.py"), &[], 10),
        (include_str!("live/dropped.py"), &[], 10),
        (include_str!("live/chain.py"), &[], 200),
    ];
    let Some(mut watched) = both(&ProbeConfig::default().with_tls(None)) else { return };
    for (script, arguments, at_least) in scripts {
        undropped(&mut watched, |watched| {
            let beginning = begin(watched);
            // Not through whatever else is called python3: its processes are told as well.
            let mut command = Command::new("/usr/bin/python3");
            let mut child = spawn(command.arg("-c").arg(script).args(arguments)).expect("python3 is here");
            let wanted = wanted(&mut child);
            watch(watched, &mut child, &wanted);
            beginning
        });
        assert_same(&watched, at_least);
    }
}

#[test]
fn plain_text_of_openssl() {
    let folder = folder("openssl");
    let Some((certificate, key)) = programs::certificate(&folder) else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/https.py");
    let Some(mut watched) = both(&ProbeConfig::default()) else { return };
    for style in ["threads", "asyncio"] {
        let mut command = Command::new("/usr/bin/python3");
        command.arg(&script).arg(style).arg(&certificate).arg(&key).args(["4", "25"]);
        undropped(&mut watched, |watched| {
            let mut child = spawn(&mut command).expect("python3 is here");
            let wanted = wanted(&mut child);
            await_hooks(watched, "libssl", &wanted);
            let beginning = begin(watched);
            child.stdin.take().expect("piped").write_all(b"go\n").expect("it waits for that");
            watch(watched, &mut child, &wanted);
            beginning
        });
        assert!(watched[0].told.iter().filter(|told| told.text.contains("Plaintext")).count() >= 4 * 25 * 4);
        assert_same(&watched, 4 * 25 * 4);
    }
    fs::remove_dir_all(folder).expect("ours");
}

#[test]
fn plain_text_of_go() {
    let folder = folder("go");
    let Some((certificate, key)) = programs::certificate(&folder) else { return };
    let Some(program) = programs::go_https("https_stripped", "-s -w", programs::OWN_ARCHITECTURE) else {
        return;
    };
    let Some(mut watched) = both(&ProbeConfig::default()) else { return };
    let server = spawn(Command::new(&program).arg("server").arg(certificate).arg(key));
    let Some(mut server) = server else { return };
    let wanted = wanted(&mut server);
    await_hooks(&mut watched, "https_stripped", &wanted);
    let url = format!("https://127.0.0.1:{}", wanted.ports[0]);
    undropped(&mut watched, |watched| {
        let beginning = begin(watched);
        let mut client =
            spawn(Command::new(&program).args(["client", &url, "20", "3"])).expect("it ran before");
        watch(watched, &mut client, &wanted);
        beginning
    });
    server.kill().expect("our child");
    server.wait().expect("our child");
    assert!(watched[0].told.iter().filter(|told| told.text.contains("Plaintext")).count() >= 3 * 20 * 2);
    assert_same(&watched, 3 * 20 * 2);
    fs::remove_dir_all(folder).expect("ours");
}

/// Until both have hooked a file whose path has this in it.
fn await_hooks(watched: &mut [Watched], path: &str, wanted: &Wanted) {
    let begin = Instant::now();
    while !watched.iter().all(|watched| watched.has_hooked(path)) {
        assert!(begin.elapsed() < Duration::from_secs(60), "{path} is not hooked");
        for watched in watched.iter_mut() {
            watched.poll(wanted);
        }
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("same_{name}.{}", std::process::id()));
    fs::create_dir_all(&folder).expect("the build folder can be written");
    folder
}
