//! Programs that talk over Unix sockets, watched by the probes. Needs root and python3; says so where they are missing.
#![cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests say what they skip and fail where they are"
)]

mod loaders;
#[path = "live/watch.rs"]
#[allow(dead_code, reason = "each test uses some of it")]
mod watch;

use std::io::Write;
use std::path::PathBuf;
use std::process::Child;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use df_bpf::{Event, HookKind, LoadError, ProbeConfig, ProbeStats, Probes, ProcessFilter, ProgramSet};
use df_core::{
    Endpoint, SocketActivity, SocketRole, StreamPosition, Transfer, Transport, UnixAddress, UnixPath,
};
use loaders::loader;
use watch::{probes, python};

#[test]
fn both_ends_tell_of_the_same_connection() {
    for kind in HookKind::ALL {
        let config = unix().with_hooks(kind);
        if kind == HookKind::Socket {
            assert!(matches!(refused(&config), LoadError::Config { field: "unix_sockets", .. }));
            continue;
        }
        match Probes::load(&config.with_loader(loader())) {
            Ok(mut probes) => tell_both_ends(kind.name(), &mut probes),
            Err(error) => println!("skipped: {kind}: {error}"),
        }
    }
    if let Some(mut probes) = probes(&unix()) {
        tell_both_ends("automatic", &mut probes);
    }
}

fn tell_both_ends(kind: &str, probes: &mut Probes) {
    let (path, _file) = path();
    let Some(mut child) = python(include_str!("live/unix_calls.py"), &[&path]) else { return };
    let processes = processes(&mut child);
    let told = told(probes, &mut child, &processes);
    let abstract_name = format!("@{}", path.rsplit('/').next().expect("a name"));
    for (text, name) in [(path.as_str(), "path"), (&abstract_name, "abstract")] {
        let at =
            Endpoint::unix(UnixAddress::at_path(UnixPath::new(text.replace('@', "\0").as_bytes()).unwrap()));
        let of = |is_server: bool| -> Vec<&Told> {
            told.iter().filter(|one| (if is_server { one.local } else { one.remote }) == at).collect()
        };
        let (server, client) = (of(true), of(false));
        let which = format!("{kind}, {name}: {told:#?}");
        assert!(
            server.iter().all(|one| one.pid == processes[0] && one.role == SocketRole::Server),
            "{which}"
        );
        assert!(
            client.iter().all(|one| one.pid == processes[1] && one.role == SocketRole::Client),
            "{which}"
        );
        let asking = client.first().expect(&which).local;
        assert!(asking.address.unix().and_then(UnixAddress::inode).is_some(), "{which}");
        assert!(
            client.iter().all(|one| one.local == asking) && server.iter().all(|one| one.remote == asking),
            "{which}"
        );
        for end in [&server, &client] {
            assert_eq!(end.first().map(|one| one.what), Some("opened"), "{which}");
            assert_eq!(end.last().map(|one| one.what), Some("closed"), "{which}");
        }
        for transfer in [Transfer::Sent, Transfer::Received] {
            let other = if transfer == Transfer::Sent { Transfer::Received } else { Transfer::Sent };
            let [at_client, at_server] = [stream(&client, transfer), stream(&server, other)];
            assert!(!at_client.is_empty() && at_client.len() == at_server.len(), "{which}");
            let both = at_client.iter().zip(&at_server);
            assert!(
                both.clone().all(|(one, other)| one.is_none() || other.is_none() || one == other),
                "{which}"
            );
        }
    }
    let client: Vec<&Told> = told.iter().filter(|one| one.pid == processes[1]).collect();
    let end = client.iter().position(|one| one.what == "closed").expect("it is closed");
    let bytes = stream(&client[..end], Transfer::Sent);
    // What sendfile moves is counted, not copied.
    let mut expected = b"before it is acceptedtwothree\0\0\0\0".to_vec();
    expected.resize(expected.len() + 5000, b'x');
    assert_eq!(bytes.iter().map(|byte| byte.unwrap_or(0)).collect::<Vec<u8>>(), expected, "{kind}");
    pairs(kind, &told, processes[0]);
}

/// Sockets that were made as a pair: who speaks first asks. Messages are no streams, and are left out.
fn pairs(kind: &str, told: &[Told], pid: u32) {
    let unnamed = |end: Endpoint| end.address.unix().is_some_and(|unix| unix.inode().is_some());
    let pair: Vec<&Told> = told.iter().filter(|one| one.pid == pid && unnamed(one.local)).collect();
    let moved: Vec<&Told> = pair.iter().copied().filter(|one| one.what == "moved").collect();
    let texts: Vec<&[u8]> = moved.iter().map(|one| one.bytes.as_slice()).collect();
    assert_eq!(texts, [&b"asks"[..], b"asks", b"answers", b"answers"], "{kind}: {pair:#?}");
    let roles = [SocketRole::Client, SocketRole::Server, SocketRole::Server, SocketRole::Client];
    assert_eq!(moved.iter().map(|one| one.role).collect::<Vec<_>>(), roles, "{kind}");
    assert_eq!((moved[0].local, moved[0].remote), (moved[1].remote, moved[1].local), "{kind}");
}

#[test]
fn one_that_is_older_than_the_probes_has_its_path_and_no_place_that_others_know() {
    let (path, _file) = path();
    let Some(mut child) = python(include_str!("live/unix_existing.py"), &[&path]) else { return };
    let processes = processes(&mut child);
    let Some(mut probes) = probes(&unix()) else {
        let _ = child.kill();
        return;
    };
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    let told = told(&mut probes, &mut child, &processes);
    let moved: Vec<&Told> = told.iter().filter(|one| one.what == "moved").collect();
    assert_eq!(moved.len(), 4, "{told:#?}");
    for one in moved {
        let server = if one.role == SocketRole::Server { one.local } else { one.remote };
        assert_eq!(server.to_string(), path, "{one:?}");
        assert!(
            matches!(one.position, Some(StreamPosition::Counted { is_from_start: false, .. })),
            "{one:?}"
        );
    }
}

#[test]
fn nothing_is_told_unless_it_is_asked_for() {
    let only = |pid| ProbeConfig::default().with_processes(ProcessFilter::Only(vec![pid]));
    for (config, expected) in [
        (ProbeConfig::default(), [false, false]),
        (unix().with_processes(ProcessFilter::Only(vec![1])), [false, false]),
    ] {
        let Some(mut probes) = probes(&config) else { return };
        assert_eq!(whose(&mut probes), Some(expected));
    }
    // Of one process alone, here the server.
    let (path, _file) = path();
    let Some(mut child) = python(include_str!("live/unix_calls.py"), &[&path]) else { return };
    let processes = processes(&mut child);
    let Some(mut probes) = probes(&only(processes[0]).with_unix_sockets(true)) else {
        let _ = child.kill();
        return;
    };
    let told = told(&mut probes, &mut child, &processes);
    assert!(told.iter().all(|one| one.pid == processes[0]), "{told:#?}");
}

/// Which of the two processes anything was told of.
fn whose(probes: &mut Probes) -> Option<[bool; 2]> {
    let (path, _file) = path();
    let mut child = python(include_str!("live/unix_calls.py"), &[&path])?;
    let processes = processes(&mut child);
    let told = told(probes, &mut child, &processes);
    Some([0, 1].map(|which| told.iter().any(|one| one.pid == processes[which])))
}

#[test]
fn the_reduced_programs_say_that_they_cannot() {
    let error = refused(&unix().with_program_set(ProgramSet::Reduced));
    assert_eq!(
        error.to_string(),
        "unix_sockets: the reduced programs, for kernels before 5.8, cannot tell of Unix sockets"
    );
}

#[test]
fn leaving_out_connections_takes_both_ends() {
    let Some(mut probes) = probes(&unix()) else { return };
    probes.leave_out(256).expect("the programs can be told");
    let (path, _file) = path();
    let Some(mut child) = python(include_str!("live/unix_calls.py"), &[&path]) else { return };
    let processes = processes(&mut child);
    let told = told(&mut probes, &mut child, &processes);
    assert!(told.iter().all(|one| one.what != "moved"), "{told:#?}");
    let stats: ProbeStats = probes.stats().expect("they can be read");
    assert!(stats.processors.iter().map(|processor| processor.left_out_records).sum::<u64>() > 0);
}

/// What was told of one socket.
#[derive(Debug)]
struct Told {
    pid: u32,
    local: Endpoint,
    remote: Endpoint,
    role: SocketRole,
    what: &'static str,
    transfer: Option<Transfer>,
    position: Option<StreamPosition>,
    bytes: Vec<u8>,
    original_len: usize,
}

/// Everything at Unix sockets of these processes until the program ended, and that well.
fn told(probes: &mut Probes, child: &mut Child, processes: &[u32]) -> Vec<Told> {
    let mut told = Vec::new();
    let mut polls_after_end = 0;
    while polls_after_end < 3 {
        polls_after_end += u32::from(child.try_wait().expect("it can be waited for").is_some());
        let polled = probes.poll(Duration::from_millis(30), |event| {
            let Event::Socket(event) = event else { return };
            if event.socket.transport != Transport::Unix || !processes.contains(&event.task.pid) {
                return;
            }
            let (what, data) = match event.activity {
                SocketActivity::Opened => ("opened", None),
                SocketActivity::Data(data) => ("moved", Some(data)),
                SocketActivity::Closed => ("closed", None),
                other => panic!("{other:?}"),
            };
            told.push(Told {
                pid: event.task.pid,
                local: event.socket.local,
                remote: event.socket.remote,
                role: event.socket.role,
                what,
                transfer: data.map(|data| data.transfer),
                position: data.map(|data| data.position),
                bytes: data.map_or_else(Vec::new, |data| data.bytes.to_vec()),
                original_len: data.map_or(0, |data| data.original_len),
            });
        });
        polled.expect("the rings can be read");
    }
    assert!(child.wait().expect("it ended").success());
    told
}

/// One direction of an end as its positions say; what was not copied is not known.
fn stream(end: &[&Told], transfer: Transfer) -> Vec<Option<u8>> {
    let mut bytes = Vec::new();
    let mut next = 0;
    for one in end.iter().filter(|one| one.transfer == Some(transfer)) {
        assert_eq!(
            one.position,
            Some(StreamPosition::Counted { offset: next, is_from_start: true }),
            "{one:?}"
        );
        next += u64::try_from(one.original_len).unwrap();
        bytes.extend(one.bytes.iter().copied().map(Some));
        bytes.resize(usize::try_from(next).unwrap(), None);
    }
    bytes
}

fn processes(child: &mut Child) -> Vec<u32> {
    let mut line = String::new();
    let output = child.stdout.as_mut().expect("piped");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).expect("a line");
    line.split_whitespace().map(|number| number.parse().expect("a number")).collect()
}

fn unix() -> ProbeConfig {
    ProbeConfig::default().with_unix_sockets(true).with_tls(None).with_payload_bytes(16_384)
}

fn refused(config: &ProbeConfig) -> LoadError {
    match Probes::load(&config.clone().with_loader(loader())) {
        Ok(_) => panic!("it is possible"),
        Err(error) => error,
    }
}

/// A path for a socket, as long as the file is kept. No other test has it.
fn path() -> (String, SocketFile) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("df-bpf-{}-{number}.sock", std::process::id()));
    (path.to_str().expect("text").to_owned(), SocketFile(path))
}

struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
