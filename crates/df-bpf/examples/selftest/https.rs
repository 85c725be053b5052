//! Whether the plain text of TLS is told: a Go program, if one is given, speaks HTTPS with itself.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use df_bpf::{ProbeConfig, Probes};

use crate::Outcome;
use crate::calls::Result;
use crate::plaintext::Streams;

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
    let mut told = Streams::of(port, server.id());
    told.set_client(client.id());
    let begin = Instant::now();
    loop {
        let ended = client.try_wait()?;
        while probes.poll(Duration::from_millis(100), |event| told.keep(&event))? > 0 {}
        match ended {
            Some(status) if status.success() => {
                let counted = probes.stats()?;
                return Ok(match compare(&told) {
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

/// Waits until a program is hooked; false: it was not within a minute.
pub(crate) fn is_hooked_in_time(probes: &mut Probes, program: &str) -> Result<bool> {
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

/// Whether both ends told the same, and every answer.
fn compare(told: &Streams) -> Outcome {
    let ports = match told.clients() {
        Ok(ports) => ports,
        Err(fault) => return Outcome::Failed(fault),
    };
    let answers = ports
        .iter()
        .map(|port| String::from_utf8_lossy(&told.text(*port, true, true)).matches("answer to ").count());
    let answers: usize = answers.sum();
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

const REQUESTS: usize = 20;
const CONNECTIONS: usize = 5;
/// Emulated kernels are slow.
pub(crate) const MAX_DURATION: Duration = Duration::from_secs(60);
