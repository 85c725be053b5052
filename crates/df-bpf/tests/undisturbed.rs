//! Applications do not notice the probes, come what may. Needs root, python3 and openssl; says so where they are missing.
#![cfg(all(feature = "aya", target_os = "linux"))]
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests say what they skip and fail where they are"
)]

mod loaders;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use df_bpf::{Event, ProbeConfig, Probes};
use df_core::SocketActivity;

/// An application whose traffic is fixed beforehand, and what its ends received.
struct Application {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Application {
    /// Starts it; it waits for [`go`](Self::go).
    fn start(folder: &Path) -> Option<Self> {
        let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
        let mut openssl = Command::new("openssl");
        openssl.args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
        ]);
        openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate).stderr(Stdio::null());
        let has_certificate = certificate.exists() || openssl.status().is_ok_and(|status| status.success());
        let mut python = Command::new("/usr/bin/python3");
        python.args(["-c", include_str!("live/digest.py")]).arg(certificate).arg(key).arg(ROUNDS);
        match python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() {
            Ok(mut child) if has_certificate => {
                let output = BufReader::new(child.stdout.take().expect("piped"));
                let mut application = Self { child, output };
                assert_eq!(application.line(), "ready\n");
                Some(application)
            }
            outcome => {
                println!(
                    "skipped: python3 and openssl are needed: {outcome:?}, certificate: {has_certificate}"
                );
                None
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it prints text");
        line
    }

    fn go(&mut self) {
        self.child.stdin.take().expect("piped").write_all(b"go\n").expect("it waits for that");
    }

    /// What its ends received, once it ended by itself.
    fn digests(mut self) -> Vec<String> {
        let lines = (&mut self.output).lines().map(|line| line.expect("text"));
        let digests: Vec<String> = lines.filter(|line| line != "half").collect();
        assert!(self.child.wait().expect("our child").success());
        assert_eq!(digests.len(), 6);
        digests
    }
}

const ROUNDS: &str = "120";

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.{}", std::process::id()));
    fs::create_dir_all(&folder).expect("the build folder can be written");
    folder
}

#[test]
fn applications_receive_the_same_bytes_with_and_without_the_probes() {
    let folder = folder("same");
    let Some(mut without) = Application::start(&folder) else { return };
    without.go();
    let expected = without.digests();
    let Some(mut probes) = load() else { return };
    let mut with = Application::start(&folder).expect("it could be started before");
    await_hooks(&mut probes);
    with.go();
    let (mut seen, mut plain) = (0, 0);
    let begin = Instant::now();
    while with.child.try_wait().expect("our child").is_none() && begin.elapsed() < Duration::from_secs(60) {
        let pid = with.child.id();
        let polled = probes.poll(Duration::from_millis(20), |event| {
            let Event::Socket(event) = event else { return };
            if let SocketActivity::Data(data) = event.activity
                && event.task.pid == pid
            {
                seen += 1;
                plain += usize::from(data.source.is_plaintext_of_tls());
            }
        });
        polled.expect("the rings can be read");
    }
    assert_eq!(with.digests(), expected);
    // It was really watched meanwhile: four calls a round and connection at least, a third of them of TLS.
    assert!(seen > 120 * 4 * 3 && plain > 120 * 4, "{seen} calls seen, {plain} of TLS");
    fs::remove_dir_all(folder).expect("ours");
}

#[test]
fn a_killed_observer_leaves_nothing_behind_and_disturbs_nobody() {
    let folder = folder("killed");
    let Some(mut without) = Application::start(&folder) else { return };
    without.go();
    let expected = without.digests();
    let before = [traces("/sys/kernel/tracing/uprobe_events"), traces("/sys/fs/bpf")];
    let mut application = Application::start(&folder).expect("it could be started before");
    let Some(observer) = observer() else { return };
    let held = ids_of(observer.0.id());
    assert!(
        ["prog_id", "map_id", "link_id"].iter().all(|kind| held.iter().any(|id| id.0 == *kind)),
        "{held:?}"
    );
    application.go();
    assert_eq!(application.line(), "half\n");
    drop(observer);
    assert_eq!(application.digests(), expected);
    let left = || -> Vec<(String, u32)> { held.intersection(&loaded()).cloned().collect() };
    let begin = Instant::now();
    while !left().is_empty() && begin.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(left(), [], "of {} programs, maps and attachments", held.len());
    assert_eq!([traces("/sys/kernel/tracing/uprobe_events"), traces("/sys/fs/bpf")], before);
    fs::remove_dir_all(folder).expect("ours");
}

/// Not a test by itself: loads the probes and reads them until it is killed.
#[test]
#[ignore = "another test runs and kills it"]
fn observe() {
    if std::env::var_os(OBSERVE).is_none() {
        return;
    }
    let Some(mut probes) = load() else { return };
    await_hooks(&mut probes);
    println!("hooked");
    loop {
        probes.poll(Duration::from_millis(50), |_| ()).expect("the rings can be read");
    }
}

const OBSERVE: &str = "DF_BPF_TEST_OBSERVE";

/// A process that is killed, by SIGKILL, when this is dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// This test's program as a process of its own, with everything attached.
fn observer() -> Option<Killed> {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    let whole_name = loaders::test_name(module_path!(), "observe");
    command
        .args(["--exact", &whole_name, "--ignored", "--nocapture"])
        .env(OBSERVE, "1")
        .stdout(Stdio::piped());
    let mut child = Killed(command.spawn().expect("this test can be run"));
    let lines = BufReader::new(child.0.stdout.take().expect("piped")).lines();
    for line in lines.map_while(Result::ok) {
        if line.contains("skipped") {
            println!("{line}");
            return None;
        }
        if line.contains("hooked") {
            return Some(child);
        }
    }
    panic!("the observer ended: {:?}", child.0.wait());
}

fn load() -> Option<Probes> {
    loaders::loaded(ProbeConfig::default())
}

/// Until the library that the application uses is hooked.
fn await_hooks(probes: &mut Probes) {
    let begin = Instant::now();
    let is_libssl = |path: &Path| path.to_string_lossy().contains("libssl");
    while !probes.tls_report().expect("TLS is on").attached.iter().any(|binary| is_libssl(&binary.path)) {
        assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", probes.tls_report());
        probes.poll(Duration::from_millis(20), |_| ()).expect("the rings can be read");
    }
}

/// What a process holds of eBPF: kinds and numbers.
fn ids_of(pid: u32) -> BTreeSet<(String, u32)> {
    let files = fs::read_dir(format!("/proc/{pid}/fdinfo")).expect("our child").flatten();
    let texts = files.filter_map(|file| fs::read_to_string(file.path()).ok());
    let ids = texts.flat_map(|text| text.lines().filter_map(id_of).collect::<Vec<_>>());
    ids.collect()
}

fn id_of(line: &str) -> Option<(String, u32)> {
    let (kind, number) = line.split_once(':')?;
    ["prog_id", "map_id", "link_id"].contains(&kind).then_some(())?;
    Some((kind.to_owned(), number.trim().parse().ok()?))
}

/// What the kernel holds of eBPF, whoever it is for.
fn loaded() -> BTreeSet<(String, u32)> {
    let programs =
        aya::programs::loaded_programs().flatten().map(|program| ("prog_id".to_owned(), program.id()));
    let maps = aya::maps::loaded_maps().flatten().map(|map| ("map_id".to_owned(), map.id()));
    let links = aya::programs::loaded_links().flatten().map(|link| ("link_id".to_owned(), link.id()));
    programs.chain(maps).chain(links).collect()
}

/// A file's text, or a folder's names.
fn traces(path: &str) -> Vec<String> {
    if let Ok(folder) = fs::read_dir(path) {
        return folder.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    }
    fs::read_to_string(path).map(|text| text.lines().map(str::to_owned).collect()).unwrap_or_default()
}
