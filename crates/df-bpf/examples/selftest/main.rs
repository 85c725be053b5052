//! Proves on this kernel that every call is told once and rightly: `cargo run -p df-bpf --example selftest` as root.
//!
//! It makes real traffic and compares what the probes tell with what was done. Each finding is a line of JSON; the exit
//! status says whether all is well.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example prints")]

mod calls;
mod compared;
mod datagrams;
mod https;
mod programs;
mod streams;
mod watched;

use std::process::ExitCode;

use df_bpf::{Kernel, ProbeConfig, Probes, ProgramSet};
use serde_json::{Value, json};

use crate::watched::Watched;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        [] => selftest(),
        ["tcp", ip] => streams::talk(ip).map(|()| true),
        ["udp", ip] => datagrams::talk(ip).map(|()| true),
        _ => Err("usage: selftest".into()),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything that was tried went well.
fn selftest() -> Result<bool, Box<dyn std::error::Error>> {
    tell_kernel();
    let config = ProbeConfig::default().with_tls(None);
    let mut probes = match Probes::load(&config) {
        Ok(probes) => probes,
        Err(error) => {
            tell(&json!({"finding": "probes", "result": "failed", "detail": error.to_string()}));
            return Ok(end(false));
        }
    };
    let mut is_good = tell_hooks(&probes);
    is_good &= watch_traffic(&mut probes, "", &config)?;
    is_good &= tell_check("programs for TLS", &programs::load_tls_programs());
    is_good &= tell_check("records that were lost", &losses(&probes)?);
    // Those that follow hook TLS, which these do not.
    drop(probes);
    is_good &= reduced()?;
    is_good &= tell_check("TLS of Go", &https::check()?);
    Ok(end(is_good))
}

/// Whether each kind of traffic was told of rightly, and each process.
fn watch_traffic(
    probes: &mut Probes,
    prefix: &str,
    config: &ProbeConfig,
) -> Result<bool, Box<dyn std::error::Error>> {
    let mut is_good = true;
    for (name, arguments) in TRAFFIC {
        let watched = Watched::run(probes, arguments)?;
        is_good &= tell_check(&format!("{prefix}{name}"), &watched.traffic(config.payload_bytes));
        is_good &= tell_check(&format!("{prefix}{name}: its process"), &watched.process());
    }
    Ok(is_good)
}

/// The same traffic once more, told of by the programs for kernels without ring buffers.
fn reduced() -> Result<bool, Box<dyn std::error::Error>> {
    let config = ProbeConfig::default().with_program_set(ProgramSet::Reduced);
    let mut probes = Probes::load(&config)?;
    let missing: Vec<_> = probes.report().missing().map(|(hook, error)| format!("{hook}: {error}")).collect();
    let hooks = if missing.is_empty() {
        Outcome::passed(probes.report().to_string())
    } else {
        Outcome::Failed(missing.join("; "))
    };
    let mut is_good = tell_check("reduced programs: hooks", &hooks);
    is_good &= watch_traffic(&mut probes, "reduced programs: ", &config)?;
    is_good &= tell_check("reduced programs: records that were lost", &losses(&probes)?);
    Ok(is_good)
}

fn losses(probes: &Probes) -> Result<Outcome, df_bpf::LoadError> {
    let stats = probes.stats()?;
    let lost = stats.dropped_records() + stats.malformed_records;
    Ok(if lost == 0 { Outcome::passed("none") } else { Outcome::Failed(format!("{stats:?}")) })
}

/// The name of each kind of traffic, and the arguments with which this program makes it.
const TRAFFIC: &[(&str, [&str; 2])] = &[
    ("TCP over IPv4", ["tcp", "127.0.0.1"]),
    ("TCP over IPv6", ["tcp", "::1"]),
    ("UDP over IPv4", ["udp", "127.0.0.1"]),
    ("UDP over IPv6", ["udp", "::1"]),
];

/// What came of one check.
enum Outcome {
    /// In figures.
    Passed(String),
    /// Why.
    Skipped(String),
    /// What is wrong.
    Failed(String),
}

impl Outcome {
    fn passed(detail: impl Into<String>) -> Self {
        Self::Passed(detail.into())
    }
}

fn tell_kernel() {
    let kernel = Kernel::probe();
    let setting = |name: &str| kernel.settings.iter().find(|setting| setting.name == name);
    let release = setting("kernel.osrelease").map_or("", |setting| setting.value.as_str());
    tell(&json!({"finding": "kernel", "release": release, "machine": std::env::consts::ARCH}));
    for feature in &kernel.features {
        tell(&json!({
            "finding": "feature",
            "name": feature.name,
            "is_available": feature.is_available,
            "is_needed": feature.is_needed,
            "detail": feature.detail,
        }));
    }
}

fn tell_hooks(probes: &Probes) -> bool {
    let report = probes.report();
    for (hook, error) in report.missing() {
        tell(&json!({"finding": "hook", "result": "failed", "name": hook, "detail": error.to_string()}));
    }
    let (attached, hooks) = (report.attached(), report.hooks.len());
    let result = if attached == hooks { "passed" } else { "failed" };
    tell(&json!({"finding": "probes", "result": result, "attached": attached, "hooks": hooks}));
    attached == hooks
}

fn tell_check(name: &str, outcome: &Outcome) -> bool {
    let (result, detail) = match outcome {
        Outcome::Passed(detail) => ("passed", detail),
        Outcome::Skipped(detail) => ("skipped", detail),
        Outcome::Failed(detail) => ("failed", detail),
    };
    tell(&json!({"finding": "check", "name": name, "result": result, "detail": detail}));
    !matches!(outcome, Outcome::Failed(_))
}

fn end(is_good: bool) -> bool {
    tell(&json!({"finding": "end", "result": if is_good { "passed" } else { "failed" }}));
    is_good
}

fn tell(finding: &Value) {
    println!("{finding}");
}
