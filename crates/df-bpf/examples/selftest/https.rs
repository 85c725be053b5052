//! Whether the plain text of TLS is told: a Go program, if one is given, speaks HTTPS with itself.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use df_bpf::{Event, ProbeConfig, Probes};
use df_core::{SocketActivity, SocketEvent, StreamPosition, Transfer};

use crate::Outcome;
use crate::calls::Result;

/// Runs the program of `tests/programs/https.go`, with whose path, certificate and key the variable `SELFTEST_HTTPS` is set.
pub(crate) fn check() -> Result<Outcome> {
    let words = std::env::var("SELFTEST_HTTPS").unwrap_or_default();
    let [program, certificate, key] = *words.split(' ').collect::<Vec<_>>() else {
        return Ok(Outcome::Skipped("SELFTEST_HTTPS names no program, certificate and key".into()));
    };
    let mut probes = Probes::load(&ProbeConfig::default())?;
    let mut server = Command::new(program);
    let mut server = server.args(["server", certificate, key]).stdout(Stdio::piped()).spawn()?;
    let outcome = talk(&mut probes, program, &mut server);
    server.kill()?;
    server.wait()?;
    outcome
}

fn talk(probes: &mut Probes, program: &str, server: &mut Child) -> Result<Outcome> {
    let mut port = String::new();
    BufReader::new(server.stdout.take().ok_or("no pipe")?).read_line(&mut port)?;
    let port: u16 = port.trim().parse()?;
    if !is_hooked_in_time(probes, program)? {
        return Ok(Outcome::Failed(format!("the program is not hooked: {:?}", probes.tls_report())));
    }
    let mut client = Command::new(program);
    client
        .args(["client", &format!("https://127.0.0.1:{port}")])
        .args([REQUESTS, CONNECTIONS].map(|n| n.to_string()));
    let mut client = client.stdout(Stdio::null()).spawn()?;
    let mut told = Streams::default();
    let begin = Instant::now();
    loop {
        let ended = client.try_wait()?;
        while probes.poll(Duration::from_millis(100), |event| told.keep(&event, port))? > 0 {}
        match ended {
            Some(status) if status.success() => {
                let counted = probes.stats()?;
                return Ok(match told.compare() {
                    Outcome::Failed(detail) => Outcome::Failed(format!("{detail}; {counted:?}")),
                    other => other,
                });
            }
            Some(status) => return Ok(Outcome::Failed(format!("the client itself failed: {status}"))),
            None if begin.elapsed() > MAX_DURATION => client.kill()?,
            None => (),
        }
    }
}

fn is_hooked_in_time(probes: &mut Probes, program: &str) -> Result<bool> {
    let begin = Instant::now();
    while begin.elapsed() < MAX_DURATION {
        probes.poll(Duration::from_millis(50), |_| ())?;
        let report = probes.tls_report().unwrap_or_default();
        if report.attached.iter().any(|binary| binary.path.as_os_str() == program) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Plain text with where it stands, by the client's port, the end that told it and the way it went.
#[derive(Default)]
struct Streams(BTreeMap<(u16, bool, bool), BTreeMap<u64, Vec<u8>>>);

impl Streams {
    fn keep(&mut self, event: &Event<'_>, port: u16) {
        let Event::Socket(SocketEvent { socket, activity: SocketActivity::Data(data), .. }) = event else {
            return;
        };
        let StreamPosition::Plaintext { offset, .. } = data.position else { return };
        let is_server = socket.local.port == port;
        let client_port = if is_server { socket.remote.port } else { socket.local.port };
        if is_server || socket.remote.port == port {
            let key = (client_port, is_server, data.transfer == Transfer::Sent);
            self.0.entry(key).or_default().insert(offset, data.bytes.to_vec());
        }
    }

    fn text(&self, client_port: u16, is_server: bool, is_sent: bool) -> Vec<u8> {
        let pieces = self.0.get(&(client_port, is_server, is_sent));
        pieces.map(|pieces| pieces.values().flatten().copied().collect()).unwrap_or_default()
    }

    /// Where each piece stands and how long it is.
    fn places(&self, client_port: u16, is_server: bool, is_sent: bool) -> String {
        let pieces = self.0.get(&(client_port, is_server, is_sent)).into_iter().flatten();
        pieces.map(|(offset, bytes)| format!("{offset}+{}", bytes.len())).collect::<Vec<_>>().join(" ")
    }

    /// Whether both ends told the same, and every answer.
    fn compare(&self) -> Outcome {
        let mut ports: Vec<u16> = self.0.keys().map(|key| key.0).collect();
        ports.dedup();
        let mut answers = 0;
        for port in &ports {
            for is_server in [false, true] {
                let (sent, received) =
                    (self.text(*port, is_server, true), self.text(*port, !is_server, false));
                if sent != received {
                    let (teller, other) = if is_server { ("server", "client") } else { ("client", "server") };
                    let places = |is_server, is_sent| self.places(*port, is_server, is_sent);
                    let (sent, received) = (places(is_server, true), places(!is_server, false));
                    return Outcome::Failed(format!(
                        "the {teller} sent {sent}, the {other} received {received}"
                    ));
                }
            }
            answers += String::from_utf8_lossy(&self.text(*port, true, true)).matches("answer to ").count();
        }
        // The client may open one more where the last answer has not quite let go of its connection.
        let expected = REQUESTS * CONNECTIONS;
        if ports.len() >= CONNECTIONS && answers == expected {
            Outcome::Passed(format!("{answers} requests"))
        } else {
            Outcome::Failed(format!(
                "{} connections with {answers} answers, expected {CONNECTIONS} with {expected}",
                ports.len()
            ))
        }
    }
}

const REQUESTS: usize = 20;
const CONNECTIONS: usize = 5;
/// Emulated kernels are slow.
const MAX_DURATION: Duration = Duration::from_secs(60);
