//! Whether the plain text of OpenSSL is told: its own command, if one is given, talks with itself.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use df_bpf::{ProbeConfig, Probes};

use crate::Outcome;
use crate::calls::Result;
use crate::plaintext::Streams;

/// Runs `openssl s_server` and `openssl s_client`; the variable `SELFTEST_OPENSSL` has the path of the command, a certificate and a key.
pub(crate) fn check() -> Result<Outcome> {
    let words = std::env::var("SELFTEST_OPENSSL").unwrap_or_default();
    let [program, certificate, key] = *words.split(' ').collect::<Vec<_>>() else {
        return Ok(Outcome::Skipped("SELFTEST_OPENSSL names no program, certificate and key".into()));
    };
    let version = Command::new(program).arg("version").output()?.stdout;
    let mut probes = Probes::load(&ProbeConfig::default())?;
    // A port that nobody has: the command tells it in words that differ between its releases.
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut server = Command::new(program);
    server.args(["s_server", "-accept", &port.to_string(), "-cert", certificate, "-key", key]);
    let mut server = Talking::start(&mut server)?;
    server.await_line("ACCEPT")?;
    if !is_hooked_in_time(&mut probes)? {
        return Ok(Outcome::Failed(format!("the library is not hooked: {:?}", probes.tls_report())));
    }
    let mut told = Streams::of(port, server.child.id());
    for _ in 0..CONNECTIONS {
        let mut client = Command::new(program);
        client.args(["s_client", "-quiet", "-no_ign_eof", "-connect", &format!("127.0.0.1:{port}")]);
        let mut client = Talking::start(&mut client)?;
        told.set_client(client.child.id());
        converse(&mut client, &mut server)?;
        // The end of what it is told is its own.
        client.into = None;
        client.await_end()?;
        read(&mut probes, &mut told)?;
    }
    let version = String::from_utf8_lossy(&version).split(' ').take(2).collect::<Vec<_>>().join(" ");
    Ok(match compare(&told) {
        Ok(calls) => Outcome::Passed(format!("{version}: {calls} lines")),
        Err(fault) => Outcome::Failed(format!("{version}: {fault}; {:?}", probes.stats()?)),
    })
}

fn converse(client: &mut Talking, server: &mut Talking) -> Result<()> {
    for number in 0..LINES {
        client.say(&question(number))?;
        server.await_line(&question(number))?;
        server.say(&answer(number))?;
        client.await_line(&answer(number))?;
    }
    Ok(())
}

/// Until nothing comes any more.
fn read(probes: &mut Probes, told: &mut Streams) -> Result<()> {
    let mut quiet = 0;
    while quiet < 3 {
        let events = probes.poll(Duration::from_millis(100), |event| told.keep(&event))?;
        quiet = if events == 0 { quiet + 1 } else { 0 };
    }
    Ok(())
}

/// How many lines were told, each at both ends.
fn compare(told: &Streams) -> std::result::Result<usize, String> {
    let ports = told.clients()?;
    let lines = |line: fn(usize) -> String| (0..LINES).map(|number| line(number) + "\n").collect::<String>();
    for port in &ports {
        for (is_server, expected) in [(false, lines(question)), (true, lines(answer))] {
            let text = told.text(*port, is_server, true);
            if text != expected.as_bytes() {
                return Err(format!("told: {:?}", String::from_utf8_lossy(&text)));
            }
        }
    }
    if ports.len() == CONNECTIONS { Ok(CONNECTIONS * LINES * 2) } else { Err(format!("clients: {ports:?}")) }
}

fn is_hooked_in_time(probes: &mut Probes) -> Result<bool> {
    let begin = Instant::now();
    while begin.elapsed() < MAX_WAIT {
        probes.poll(Duration::from_millis(50), |_| ())?;
        let report = probes.tls_report().unwrap_or_default();
        if report.attached.iter().any(|binary| binary.path.to_string_lossy().contains("libssl")) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Some letters at the beginning of a line are commands to `s_server`, and these are none.
fn question(number: usize) -> String {
    format!("what is {number}?")
}

fn answer(number: usize) -> String {
    format!("it is {number}.")
}

/// A process that is spoken to by lines, and ended when it is dropped.
struct Talking {
    child: Child,
    into: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Talking {
    fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let (into, out) = (child.stdin.take(), child.stdout.take().ok_or("no pipe")?);
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            BufReader::new(out).lines().map_while(std::io::Result::ok).try_for_each(|line| sender.send(line))
        });
        Ok(Self { child, into, lines })
    }

    fn say(&mut self, line: &str) -> Result<()> {
        // In one call, so that it is one record.
        Ok(self.into.as_mut().ok_or("no pipe")?.write_all(format!("{line}\n").as_bytes())?)
    }

    /// Other lines are passed over.
    fn await_line(&self, wanted: &str) -> Result<()> {
        loop {
            let line = self.lines.recv_timeout(MAX_WAIT);
            if line.map_err(|error| format!("openssl did not say {wanted:?}: {error}"))? == wanted {
                return Ok(());
            }
        }
    }

    fn await_end(&mut self) -> Result<()> {
        let begin = Instant::now();
        while self.child.try_wait()?.is_none() {
            if begin.elapsed() > MAX_WAIT {
                return Err("openssl does not end".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Talking {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const CONNECTIONS: usize = 3;
const LINES: usize = 10;
/// Emulated kernels are slow.
const MAX_WAIT: Duration = Duration::from_secs(60);
