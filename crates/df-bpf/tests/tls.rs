//! Plain text of real TLS connections, seen by the hooks in the kernel. Needs root; says so and skips where it is not.
#![cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what it misses, aloud"
)]

mod loaders;
mod programs;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use df_bpf::tls::TlsConfig;
use df_bpf::{Event, ProbeConfig, Probes};
use df_core::{EventSource, SocketActivity, SocketRole, StreamPosition, Transfer};

/// Bytes that moved, as they were told.
#[derive(Debug, Clone)]
struct Seen {
    pid: u32,
    local_port: u16,
    remote_port: u16,
    role: SocketRole,
    source: EventSource,
    transfer: Transfer,
    position: StreamPosition,
    coroutine: Option<u64>,
    bytes: Vec<u8>,
    original_len: usize,
}

/// The probes and what they told so far.
struct Watched {
    probes: Probes,
    seen: Vec<Seen>,
}

impl Watched {
    fn start(tls: TlsConfig) -> Option<Self> {
        if fs::metadata("/proc/self").expect("there is one").uid() != 0 {
            println!("skipped: needs root");
            return None;
        }
        let config = ProbeConfig::default().with_payload_bytes(16_384).with_tls(Some(tls));
        Some(Self { probes: loaders::loaded(config)?, seen: Vec::new() })
    }

    fn poll(&mut self) {
        let seen = &mut self.seen;
        let polled = self.probes.poll(Duration::from_millis(20), |event| {
            let Event::Socket(event) = event else { return };
            let SocketActivity::Data(data) = event.activity else { return };
            seen.push(Seen {
                pid: event.task.pid,
                local_port: event.socket.local.port,
                remote_port: event.socket.remote.port,
                role: event.socket.role,
                source: data.source,
                transfer: data.transfer,
                position: data.position,
                coroutine: event.task.coroutine,
                bytes: data.bytes.to_vec(),
                original_len: data.original_len,
            });
        });
        polled.expect("the rings can be read");
    }

    /// Until a file whose path has this in it is hooked.
    fn await_hooks(&mut self, path: &str) {
        self.until(|watched| {
            let report = watched.probes.tls_report().expect("TLS is on");
            let refused = report.refused.iter().find(|binary| binary.path.to_string_lossy().contains(path));
            assert!(refused.is_none(), "{refused:?}");
            report.attached.iter().any(|binary| binary.path.to_string_lossy().contains(path))
        });
    }

    fn until(&mut self, mut is_done: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !is_done(self) {
            assert!(Instant::now() < deadline, "{:?}", self.probes.tls_report());
            self.poll();
        }
    }

    /// Until the child ended, and what it did came through the rings.
    fn until_ended(&mut self, child: &mut Child) {
        self.until(|_| child.try_wait().expect("our child").is_some());
        for _ in 0..10 {
            self.poll();
        }
        assert!(child.wait().expect("our child").success());
    }

    /// What was told of a server's connections.
    fn of_server(&self, port: u16) -> Vec<Seen> {
        let of_it = |seen: &&Seen| seen.local_port == port || seen.remote_port == port;
        self.seen.iter().filter(of_it).cloned().collect()
    }
}

/// One end of a connection, in one direction: the client's port, and who.
type End = (u16, bool, bool);

/// The plain text of each end, put together by its offsets, which must leave no hole.
fn plaintext(seen: &[Seen], server_port: u16) -> BTreeMap<End, Vec<u8>> {
    let mut ends: BTreeMap<End, Vec<u8>> = BTreeMap::new();
    for one in seen.iter().filter(|one| one.source.is_plaintext_of_tls()) {
        let StreamPosition::Plaintext { offset, .. } = one.position else { panic!("{one:?}") };
        let is_server = one.local_port == server_port;
        let client_port = if is_server { one.remote_port } else { one.local_port };
        let end = ends.entry((client_port, is_server, one.transfer == Transfer::Sent)).or_default();
        assert_eq!(offset, end.len() as u64, "{one:?}");
        assert_eq!(one.original_len, one.bytes.len());
        assert_eq!(one.role == SocketRole::Server, is_server);
        end.extend_from_slice(&one.bytes);
    }
    ends
}

/// What one end sent is what the other received, and nothing that travelled was told beside it.
fn assert_both_ends_agree(seen: &[Seen], server_port: u16, connections: usize) -> BTreeMap<End, Vec<u8>> {
    let ends = plaintext(seen, server_port);
    let ports: BTreeSet<u16> = ends.keys().map(|(port, ..)| *port).collect();
    assert_eq!(ports.len(), connections);
    for port in ports {
        for by_server in [false, true] {
            let (sent, received) = (ends.get(&(port, by_server, true)), ends.get(&(port, !by_server, false)));
            assert!(sent.is_some() && sent == received, "port {port}: {sent:?}\n{received:?}");
        }
    }
    assert_no_ciphertext(seen);
    let handshakes =
        seen.iter().filter(|one| one.source == EventSource::Syscall && one.bytes.first() == Some(&22));
    assert!(handshakes.count() >= 2 * connections, "handshakes are told");
    ends
}

/// Records of application data are told as plain text or not at all.
fn assert_no_ciphertext(seen: &[Seen]) {
    let told = seen.iter().filter(|one| one.source == EventSource::Syscall);
    // A read in the middle of a handshake may begin with any byte: the version says that a record begins here.
    let ciphertext: Vec<&Seen> = told.filter(|one| one.bytes.starts_with(&[23, 3])).collect();
    assert!(ciphertext.is_empty(), "{ciphertext:?}");
}

/// Sequence numbers of records that carried what was sent or received.
fn records(seen: &[Seen], server_port: u16, by_server: bool, transfer: Transfer) -> BTreeSet<(u16, u32)> {
    let wanted = |one: &&Seen| (one.local_port == server_port) == by_server && one.transfer == transfer;
    let record = |one: &Seen| match one.position {
        StreamPosition::Plaintext { sequence_number: Some(number), .. } => {
            Some((one.local_port.min(one.remote_port) ^ one.local_port.max(one.remote_port), number))
        }
        _ => None,
    };
    seen.iter().filter(wanted).filter_map(record).collect()
}

/// A record that was received is one that was sent; up to so many arrive together with the end of a handshake.
fn assert_records_agree(seen: &[Seen], server_port: u16, at_least: usize, unknown: usize) {
    for by_server in [false, true] {
        let sent = records(seen, server_port, by_server, Transfer::Sent);
        let received = records(seen, server_port, !by_server, Transfer::Received);
        assert!(sent.len() >= at_least, "{} records of {at_least}", sent.len());
        assert!(received.is_subset(&sent), "by server: {by_server}: {sent:?}\n{received:?}");
        assert!(received.len() + unknown >= sent.len(), "by server: {by_server}: {sent:?}\n{received:?}");
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.{}", std::process::id()));
    fs::create_dir_all(&folder).expect("the build folder can be written");
    folder
}

fn spawn(command: &mut Command) -> Option<Child> {
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    started.map_err(|error| println!("skipped: {command:?}: {error}")).ok()
}

/// The port that a server prints when it is ready.
fn port_of(child: &mut Child) -> u16 {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("it prints its port");
    line.trim().parse().expect("a port")
}

/// Ends its process when it is dropped.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn curl_and_nginx_are_read_at_both_ends() {
    let Some(mut watched) = Watched::start(TlsConfig::default()) else { return };
    let folder = folder("nginx");
    if programs::certificate(&folder).is_none() {
        return;
    }
    let port = 20_000 + u16::try_from(std::process::id() % 10_000).expect("small");
    let configuration = format!(
        "daemon off; worker_processes 1; pid nginx.pid; error_log error.log;\nevents {{}}\nhttp {{ access_log off; server {{ \
         listen 127.0.0.1:{port} ssl; ssl_certificate certificate.pem; ssl_certificate_key key.pem;\n\
         location / {{ return 200 \"answer to $request_uri\"; }} }} }}\n"
    );
    fs::write(folder.join("nginx.conf"), configuration).expect("writable");
    let Some(nginx) = spawn(Command::new("nginx").arg("-p").arg(&folder).args(["-c", "nginx.conf"])) else {
        return;
    };
    let _nginx = Ended(nginx);
    watched.await_hooks("libssl");
    let urls = (0..20).map(|number| format!("https://127.0.0.1:{port}/number/{number}"));
    let mut curl = spawn(Command::new("curl").arg("-sk").args(urls)).expect("curl is part of this test");
    let curl_pid = curl.id();
    watched.until_ended(&mut curl);
    let seen = watched.of_server(port);
    let ends = assert_both_ends_agree(&seen, port, 1);
    assert_records_agree(&seen, port, 20, 0);
    let asked = ends.iter().find(|((_, by_server, is_sent), _)| !by_server && *is_sent).expect("asserted").1;
    assert_eq!(String::from_utf8_lossy(asked).matches("GET /number/").count(), 20);
    let plain = seen.iter().filter(|one| one.source == EventSource::OpenSsl);
    assert!(plain.clone().all(|one| (one.pid == curl_pid) == (one.remote_port == port)));
    fs::remove_dir_all(folder).expect("ours");
}

fn python(style: &str, connections: usize, requests: usize) -> Option<(Watched, Vec<Seen>, u16)> {
    let mut watched = Watched::start(TlsConfig::default())?;
    let folder = folder(style);
    let (certificate, key) = programs::certificate(&folder)?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/https.py");
    let mut command = Command::new("/usr/bin/python3");
    command.arg(script).arg(style).arg(certificate).arg(key);
    let mut child = spawn(command.args([connections.to_string(), requests.to_string()]))?;
    let port = port_of(&mut child);
    watched.await_hooks("libssl");
    child.stdin.take().expect("piped").write_all(b"go\n").expect("it waits for that");
    watched.until_ended(&mut child);
    fs::remove_dir_all(folder).expect("ours");
    let seen = watched.of_server(port);
    assert!(seen.iter().all(|one| one.pid == child.id()));
    Some((watched, seen, port))
}

/// Every piece of plain text names the port of the connection that it was told of.
fn assert_ports_are_right(ends: &BTreeMap<End, Vec<u8>>, requests: usize) {
    for ((port, ..), text) in ends {
        let text = String::from_utf8_lossy(text);
        assert_eq!(text.lines().count(), requests);
        let right = format!("port={port} ");
        assert!(text.lines().all(|line| line.contains(&right)), "{right}: {text}");
    }
}

#[test]
fn a_threaded_python_server_and_its_clients_are_read() {
    let Some((_, seen, port)) = python("threads", 8, 25) else { return };
    let ends = assert_both_ends_agree(&seen, port, 8);
    assert_ports_are_right(&ends, 25);
    assert_records_agree(&seen, port, 8 * 25, 0);
}

#[test]
fn an_event_loop_that_receives_by_itself_is_never_told_with_a_wrong_socket() {
    let Some((_, seen, port)) = python("asyncio", 10, 20) else { return };
    let ends = assert_both_ends_agree(&seen, port, 10);
    assert_ports_are_right(&ends, 20);
}

#[test]
fn a_program_whose_sockets_and_tls_have_threads_of_their_own_is_never_told_with_a_wrong_socket() {
    let Some((_, seen, port)) = python("handover", 5, 20) else { return };
    assert_no_ciphertext(&seen);
    assert!(seen.iter().any(|one| one.bytes.starts_with(&[22, 3])), "handshakes are told");
    for one in seen.iter().filter(|one| one.source.is_plaintext_of_tls()) {
        let client_port = if one.local_port == port { one.remote_port } else { one.local_port };
        let text = String::from_utf8_lossy(&one.bytes);
        assert!(text.contains(&format!("port={client_port} ")), "{one:?}");
    }
}

#[test]
fn a_go_server_and_its_clients_are_read() {
    for toolchain in programs::go_toolchains() {
        println!("{}", toolchain.name);
        go_server_and_clients(&toolchain);
    }
}

fn go_server_and_clients(toolchain: &programs::GoToolchain) {
    let Some(mut watched) = Watched::start(TlsConfig::default()) else { return };
    let folder = folder(&toolchain.name);
    let Some((certificate, key)) = programs::certificate(&folder) else { return };
    let Some(program) = programs::go_https_by(toolchain) else { return };
    let Some(server) = spawn(Command::new(&program).arg("server").arg(certificate).arg(key)) else { return };
    let mut server = Ended(server);
    let port = port_of(&mut server.0);
    watched.await_hooks(program.to_str().expect("a path in UTF-8"));
    let url = format!("https://127.0.0.1:{port}");
    let mut client = spawn(Command::new(&program).args(["client", &url, "20", "5"])).expect("it ran before");
    let client_pid = client.id();
    watched.until_ended(&mut client);
    let seen = watched.of_server(port);
    let ends = assert_both_ends_agree(&seen, port, 5);
    assert_records_agree(&seen, port, 5 * 20, 5);
    let answers = ends.iter().filter(|((_, by_server, is_sent), _)| *by_server && *is_sent);
    for ((client_port, ..), text) in answers {
        let text = String::from_utf8_lossy(text);
        assert_eq!(text.matches(&format!("from 127.0.0.1:{client_port} with")).count(), 20, "{text}");
    }
    for one in seen.iter().filter(|one| one.source == EventSource::GoTls) {
        assert_eq!(one.pid == client_pid, one.remote_port == port);
        assert!(one.coroutine.is_some_and(|number| number < 1_000_000), "{one:?}");
    }
    fs::remove_dir_all(folder).expect("ours");
}

#[test]
fn a_program_with_openssl_inside_is_read() {
    let static_library =
        ["-DLINKED", "-Wl,-Bstatic", "-lssl", "-lcrypto", "-Wl,-Bdynamic", "-ldl", "-lpthread"];
    let source = include_str!("programs/pair.c");
    let Some(program) = programs::c_program("pair_static", source, &static_library) else { return };
    let Some(mut watched) = Watched::start(TlsConfig::default()) else { return };
    let mut command = Command::new(&program);
    let Some(mut child) = spawn(command.args(["none", "tidy", "8000", "hello from inside"])) else { return };
    let port = port_of(&mut child);
    watched.await_hooks("pair_static");
    watched.until_ended(&mut child);
    let seen = watched.of_server(port);
    let ends = plaintext(&seen, port);
    let texts: Vec<_> =
        ends.iter().map(|((_, by_server, is_sent), text)| (*by_server, *is_sent, &text[..])).collect();
    assert_eq!(texts, [(false, true, &b"hello from inside"[..]), (true, false, b"hello from inside")]);
    assert_no_ciphertext(&seen);
}

#[test]
fn node_js_is_read_at_both_ends() {
    let Some(mut watched) = Watched::start(TlsConfig::default()) else { return };
    let folder = folder("node");
    let Some((certificate, key)) = programs::certificate(&folder) else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/https.js");
    let mut command = Command::new("node");
    let Some(mut child) = spawn(command.arg(script).arg(certificate).arg(key).args(["5", "100"])) else {
        return;
    };
    let port = port_of(&mut child);
    // OpenSSL is in Node.js itself, or a library of its own as Debian has it.
    let own = fs::read_link(format!("/proc/{}/exe", child.id())).expect("it runs");
    let maps = fs::read_to_string(format!("/proc/{}/maps", child.id())).expect("it runs");
    let is_shared = maps.contains("libssl.so");
    watched.await_hooks(if is_shared { "libssl.so" } else { own.to_str().expect("a path in UTF-8") });
    child.stdin.take().expect("piped").write_all(b"go\n").expect("it waits for that");
    watched.until_ended(&mut child);
    fs::remove_dir_all(folder).expect("ours");
    let seen = watched.of_server(port);
    let ends = assert_both_ends_agree(&seen, port, 5);
    let asked = ends.iter().filter(|((_, by_server, is_sent), _)| !by_server && *is_sent);
    let asked: usize =
        asked.map(|(_, text)| String::from_utf8_lossy(text).matches("GET /number/").count()).sum();
    assert_eq!(asked, 100);
}

#[test]
fn a_program_that_checks_its_own_code_is_left_alone_once_it_died_of_that() {
    if cfg!(not(target_arch = "x86_64")) {
        return println!("skipped: the program knows the breakpoint of x86-64 alone");
    }
    let Some(program) = programs::c_program("guarded", include_str!("programs/guarded.c"), &[]) else {
        return;
    };
    let Some(mut watched) = Watched::start(TlsConfig::default()) else { return };
    // Others may watch this host too, other tests above all: their hooks kill the program as well.
    let live = |watched: &mut Watched| {
        let mut child = spawn(Command::new(&program).arg("1500")).expect("it was built");
        watched.until(|_| child.try_wait().expect("our child").is_some());
        child.wait().expect("our child").signal()
    };
    let refusal = |watched: &Watched| {
        let report = watched.probes.tls_report().expect("TLS is on");
        report.refused.into_iter().find(|binary| binary.path == program)
    };
    let begin = Instant::now();
    while refusal(&watched).is_none() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", watched.probes.tls_report());
        assert_eq!(live(&mut watched), Some(SIGABRT), "it finds the hooks");
        (0..10).for_each(|_| watched.poll());
    }
    let reason = refusal(&watched).expect("it was found").reason;
    assert!(reason.contains("signal 6"), "{reason}");
    while live(&mut watched).is_some() {
        assert!(begin.elapsed() < Duration::from_secs(90), "it lives once nobody hooks it");
    }
    let report = watched.probes.tls_report().expect("TLS is on");
    assert!(report.attached.iter().all(|binary| binary.path != program), "{report:?}");
    assert_eq!(report.stats.withdrawn_binaries, 1);
}

const SIGABRT: i32 = 6;
