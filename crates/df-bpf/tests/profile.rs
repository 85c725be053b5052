//! Profiles of programs of which it is known what they do. Needs root; says so where it is missing.
#![cfg(all(feature = "profile", any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests say what they skip and fail where they are"
)]

mod loaders;
mod programs;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use df_bpf::tls::TlsConfig;
use df_bpf::{Event, LoadError, ProbeConfig, Probes, ProcessFilter, Profile, ProfileConfig, Symbolizer};
use df_core::{SocketActivity, SocketRole, Transfer};
use loaders::{loaded, loader};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

#[test]
fn samples_are_in_the_function_that_runs() {
    let Some(program) = hot_program("hot") else { return };
    let mut child = Command::new(program).arg("60").spawn().expect("it was built");
    let Some(mut probes) = probes(child.id(), ProfileConfig::default()) else { return stop(&mut child) };
    let profile = next_profile(&mut probes);
    let symbols = Symbolizer::new().symbolize(&profile);
    stop(&mut child);
    let folded = profile.folded(&symbols);
    let hot = count_of(&folded, "calls_the_hot_one;hot_function");
    assert!(
        profile.count() >= 20 && hot * 10 > profile.count() * 8,
        "{} of {}:\n{folded}",
        hot,
        profile.count()
    );
    assert!(profile.samples.iter().all(|sample| sample.task.pid == child.id()));
    assert!(profile.samples.iter().all(|sample| sample.causal_id.is_none()), "it has no socket");
    assert_eq!((profile.lost_samples, profile.lost_stacks), (0, 0));
    assert_go_reads(&profile.pprof(&symbols));
}

#[test]
fn functions_have_names_in_another_mount_namespace() {
    let Some(program) = hot_program("hot_elsewhere") else { return };
    let script = "mount -t tmpfs none /mnt && cp \"$0\" /mnt/elsewhere && exec /mnt/elsewhere 60";
    let mut child = match Command::new("unshare").args(["-m", "sh", "-c", script]).arg(program).spawn() {
        Ok(child) => child,
        Err(error) => return println!("skipped: unshare: {error}"),
    };
    let Some(mut probes) = probes(child.id(), ProfileConfig::default()) else { return stop(&mut child) };
    let profile = next_profile(&mut probes);
    if child.try_wait().expect("it is ours").is_some_and(|status| !status.success()) {
        return println!("skipped: no mount namespace can be made here");
    }
    let folded = profile.folded(&Symbolizer::new().symbolize(&profile));
    stop(&mut child);
    let hot = count_of(&folded, "elsewhere;");
    assert!(hot > 0 && count_of(&folded, "hot_function") * 10 > hot * 8, "{folded}");
}

#[test]
fn samples_carry_the_request_that_they_are_for() {
    let Some(mut child) = python(include_str!("profile/burn.py")) else { return };
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).expect("its port");
    let Some(mut probes) = probes(child.id(), ProfileConfig::default()) else { return stop(&mut child) };
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let requests = requests(&mut probes, &mut child);
    let profile = probes.take_profile().expect("it was asked for");
    assert_eq!(requests.len(), 6, "{requests:?}");
    // Every request took 0.3 s of a processor, which is about 30 samples; what came after its answer is for none.
    for (id, tid) in &requests {
        let of_request = profile.of_request(df_core::CausalId::new(*id).unwrap());
        assert!((15..=45).contains(&of_request.count()), "{} samples of {id:x}", of_request.count());
        assert!(of_request.samples.iter().all(|sample| sample.task.tid == *tid), "of another thread");
    }
    let all = profile.samples.iter().filter_map(|sample| Some((sample.causal_id?.number(), sample.count)));
    assert!(all.clone().all(|(id, _)| requests.contains_key(&id)), "an id that no request has");
    let linked: u64 = all.map(|(_, count)| count).sum();
    println!("{linked} of {} samples are for requests", profile.count());
    assert!(profile.count() - linked > 100, "what is done after an answer is for no request");
}

#[test]
fn samples_of_goroutines_carry_their_own_request() {
    let Some(program) = programs::go_burn() else { return };
    let mut command = Command::new(&program);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it was built");
    let mut port = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).expect("its port");
    let config = config(child.id(), ProfileConfig::default()).with_tls(Some(TlsConfig::default()));
    let Some(mut probes) = loaded(config) else { return stop(&mut child) };
    wait_until_known(&mut probes, &program);
    let clients = std::thread::spawn(move || ask_all(&format!("127.0.0.1:{}", port.trim())));
    let mut requests = HashMap::new();
    while !clients.is_finished() {
        poll_requests(&mut probes, &mut |id, _, bytes| {
            requests
                .insert(id, if bytes.starts_with(b"GET /odd") { "main.burnOdd" } else { "main.burnEven" });
        });
    }
    clients.join().expect("all are answered");
    let profile = probes.take_profile().expect("it was asked for");
    let symbols = Symbolizer::new().symbolize(&profile);
    stop(&mut child);
    assert_eq!(requests.len(), 20);
    let (mut right, all) = (0, count_of(&profile.folded(&symbols), "main.burn"));
    for (id, function) in requests {
        let folded = profile.of_request(df_core::CausalId::new(id).unwrap()).folded(&symbols);
        assert_eq!(
            count_of(&folded, "main.burn"),
            count_of(&folded, function),
            "of another request:\n{folded}"
        );
        right += count_of(&folded, function);
    }
    println!("{right} of {all} samples are for a request");
    if cfg!(target_arch = "x86_64") {
        assert!(all > 40 && right * 10 > all * 9, "{right} of {all}");
    }
}

#[test]
fn what_finds_no_room_is_counted_and_maps_are_emptied() {
    let Some(program) = hot_program("hot_bounded") else { return };
    let mut child = Command::new(program).arg("60").spawn().expect("it was built");
    let bounds = ProfileConfig::default().with_bounds(1, 2).with_frequency_hertz(499);
    let Some(mut probes) = probes(child.id(), bounds) else { return stop(&mut child) };
    // Two threads never fit. A map that was not emptied would have no room for the one that comes first.
    for turn in 0..5 {
        poll(&mut probes, Duration::from_millis(500));
        let profile = probes.take_profile().expect("it was asked for");
        assert_eq!(profile.samples.len(), 1, "turn {turn}");
        assert!(profile.samples[0].count > 0 && profile.lost_samples > 0, "{profile:?}");
        assert!(profile.duration < Duration::from_secs(5));
    }
    stop(&mut child);
    // What came in until it ended is still there, once in each set of maps.
    let _ = (probes.take_profile(), probes.take_profile());
    let last = probes.take_profile().expect("it was asked for");
    assert_eq!((last.samples.len(), last.lost_samples, last.lost_stacks), (0, 0, 0), "{last:?}");
}

#[test]
fn what_cannot_be_sampled_is_said_in_a_line() {
    for (profile, field) in [
        (ProfileConfig::default().with_frequency_hertz(0), "profile.frequency_hertz"),
        (ProfileConfig::default().with_frequency_hertz(1001), "profile.frequency_hertz"),
        (ProfileConfig::default().with_bounds(0, 1), "profile.max_samples"),
        (ProfileConfig::default().with_bounds(1, 0), "profile.max_stacks"),
    ] {
        let config = ProbeConfig::default().with_loader(loader()).with_profile(Some(profile));
        let refused = Probes::load(&config).err();
        assert!(
            matches!(refused, Some(LoadError::Config { field: found, .. }) if found == field),
            "{refused:?}"
        );
    }
    let Some(mut probes) = loaded(ProbeConfig::default().with_tls(None)) else { return };
    let refused = probes.take_profile().expect_err("it was not asked for");
    assert_eq!(refused.to_string(), "profile: was not asked for");
}

#[test]
fn three_capabilities_are_enough_and_none_are_needed_afterwards() {
    let Some(program) = hot_program("hot_unprivileged") else { return };
    let mut child = Command::new(program).arg("60").spawn().expect("it was built");
    let few = CapabilitySet::BPF | CapabilitySet::PERFMON | CapabilitySet::DAC_READ_SEARCH;
    if !capabilities(None).expect("readable").permitted.contains(few) {
        println!("skipped: needs root");
        return stop(&mut child);
    }
    let pid = child.id();
    // Capabilities are a thread's own.
    let sampled = std::thread::spawn(move || {
        keep(few);
        let mut probes = probes(pid, ProfileConfig::default()).expect("they are enough");
        probes.drop_capabilities().expect("one's own can be dropped");
        next_profile(&mut probes).count()
    });
    let sampled = sampled.join();
    // Afterwards: the loader finds out once for the whole program what the kernel can do, and this one may not find out.
    let refused = std::thread::spawn(move || {
        keep(CapabilitySet::empty());
        let config =
            ProbeConfig::default().with_loader(loader()).with_profile(Some(ProfileConfig::default()));
        Probes::load(&config).err().expect("nothing is allowed").to_string()
    });
    let refused = refused.join();
    stop(&mut child);
    assert!(sampled.expect("it does not fail") > 0);
    let refused = refused.expect("it does not fail");
    assert!(
        refused.contains("CAP_BPF and CAP_PERFMON are missing") && refused.lines().count() == 1,
        "{refused}"
    );
}

fn keep(kept: CapabilitySet) {
    let sets = CapabilitySets { permitted: kept, effective: kept, inheritable: CapabilitySet::empty() };
    set_capabilities(None, sets).expect("less is always allowed");
}

/// Which thread received each request, by causal id, until the program ends.
fn requests(probes: &mut Probes, child: &mut Child) -> HashMap<u64, u32> {
    let begin = Instant::now();
    let mut requests = HashMap::new();
    let mut has_ended = false;
    while !has_ended {
        assert!(begin.elapsed() < Duration::from_secs(60), "the program does not end");
        has_ended = child.try_wait().expect("it is ours").is_some();
        poll_requests(probes, &mut |id, tid, _| {
            requests.insert(id, tid);
        });
    }
    requests
}

/// Gives every request that a server received with its causal id and its thread.
fn poll_requests(probes: &mut Probes, handle: &mut impl FnMut(u64, u32, &[u8])) {
    let result = probes.poll(Duration::from_millis(30), |event| {
        let Event::Socket(event) = event else { return };
        let SocketActivity::Data(data) = event.activity else { return };
        if event.socket.role == SocketRole::Server && data.transfer == Transfer::Received {
            handle(data.causal_id.expect("a request has an id").number(), event.task.tid, data.bytes);
        }
    });
    result.expect("the rings can be read");
}

fn wait_until_known(probes: &mut Probes, program: &Path) {
    let begin = Instant::now();
    let is_known = |probes: &Probes| {
        probes.tls_report().expect("programs are looked at").attached.iter().any(|file| file.path == program)
    };
    while !is_known(probes) {
        assert!(begin.elapsed().as_secs() < 20, "the program is not found: {:?}", probes.tls_report());
        poll(probes, Duration::from_millis(20));
    }
}

/// Four clients at once, of which each asks five times.
fn ask_all(server: &str) {
    std::thread::scope(|scope| {
        for path in ["odd", "even", "odd", "even"] {
            scope.spawn(move || {
                for _ in 0..5 {
                    let mut socket = TcpStream::connect(server).expect("it listens");
                    // In one piece: the first that the server receives tells the path.
                    let request = format!("GET /{path} HTTP/1.0\r\n\r\n");
                    socket.write_all(request.as_bytes()).expect("it reads");
                    let mut answer = String::new();
                    socket.read_to_string(&mut answer).expect("it answers");
                    assert!(answer.ends_with("ok"), "{answer}");
                }
            });
        }
    });
}

/// How many samples have this in their stacks.
fn count_of(folded: &str, part: &str) -> u64 {
    let lines = folded.lines().filter_map(|line| line.rsplit_once(' '));
    lines.filter(|(stack, _)| stack.contains(part)).map(|(_, count)| count.parse::<u64>().unwrap()).sum()
}

fn assert_go_reads(pprof: &[u8]) {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(concat!(env!("CARGO_CRATE_NAME"), ".pb"));
    std::fs::write(&path, pprof).expect("the build folder can be written");
    let output = match Command::new("go").args(["tool", "pprof", "-top"]).arg(&path).output() {
        Ok(output) => output,
        Err(error) => return println!("skipped: no Go toolchain ({error})"),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let first = text.lines().skip_while(|line| !line.contains("flat%")).nth(1).unwrap_or_default();
    assert!(output.status.success() && first.ends_with(" hot_function"), "{output:?}");
}

/// The program, under a name of its own for each test of each binary: they run beside each other.
fn hot_program(name: &str) -> Option<PathBuf> {
    let name = &format!("{name}_{}", env!("CARGO_CRATE_NAME"));
    // Optimized, a function that calls none would keep no frame.
    programs::c_program(name, include_str!("profile/hot.c"), &["-O0", "-pthread"])
}

fn python(script: &str) -> Option<Child> {
    let mut command = Command::new("python3");
    match command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() {
        Ok(child) => Some(child),
        Err(error) => {
            println!("skipped: python3: {error}");
            None
        }
    }
}

/// What one process does within a second and a half.
fn next_profile(probes: &mut Probes) -> Profile {
    poll(probes, Duration::from_millis(1500));
    probes.take_profile().expect("it was asked for")
}

fn poll(probes: &mut Probes, time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        let left = end.saturating_duration_since(Instant::now());
        probes.poll(left, |_| ()).expect("the rings can be read");
    }
}

fn probes(pid: u32, profile: ProfileConfig) -> Option<Probes> {
    let probes = loaded(config(pid, profile))?;
    let missing: Vec<String> =
        probes.report().missing().map(|(hook, error)| format!("{hook}: {error}")).collect();
    assert!(missing.is_empty(), "{missing:?}");
    Some(probes)
}

fn config(pid: u32, profile: ProfileConfig) -> ProbeConfig {
    ProbeConfig::default()
        .with_tls(None)
        .with_ring_bytes(1 << 20)
        .with_processes(ProcessFilter::Only(vec![pid]))
        .with_profile(Some(profile))
}

fn stop(child: &mut Child) {
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
}
