//! Proves on this kernel that every call is told once and rightly: `cargo run -p df-bpf --example selftest` as root.
//!
//! With the name of a kind of hooks (`sockets`, `function-entries`, `tracepoints`, `every-call`, `kprobes`) that kind is tried alone.
//!
//! It makes real traffic and compares what the probes tell with what was done. Each finding is a line of JSON; the exit
//! status says whether all is well.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example prints")]

mod calls;
mod compared;
mod crowd;
mod datagrams;
mod goroutines;
mod https;
mod next_kinds;
mod openssl;
mod plaintext;
mod programs;
mod streams;
mod unix;
mod watched;

use std::process::ExitCode;

use df_bpf::{
    HookKind, Hooks, Kernel, LoadError, ProbeConfig, ProbeReport, Probes, ProcessorStats, ProgramSet,
};
use df_capture::{AfPacket, AfPacketConfig};
use df_core::Transfer;
use serde_json::{Value, json};

use crate::watched::Watched;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        [] => selftest(&[]),
        [name] => match HookKind::from_name(name) {
            Some(kind) => selftest(&[kind]),
            None => Err(format!("{name} is no kind of hooks").into()),
        },
        ["tcp", ip] => streams::talk(ip).map(|()| true),
        ["udp", ip] => datagrams::talk(ip).map(|()| true),
        ["unix", path] => unix::talk(path).map(|()| true),
        ["crowd", pairs] => crowd::talk(pairs).map(|()| true),
        _ => Err("usage: selftest [KIND]".into()),
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

/// Whether everything that was tried went well: with what is hooked where nothing is said about it, and with each of these
/// kinds of hooks alone; with each that there is, if none is given.
fn selftest(kinds: &[HookKind]) -> Result<bool, Box<dyn std::error::Error>> {
    tell_kernel();
    tell_lockdown();
    let mut is_good = try_choice()?;
    if !is_good {
        return Ok(end(false));
    }
    let kinds = if kinds.is_empty() { &HookKind::ALL } else { kinds };
    for kind in kinds {
        is_good &= try_kind(*kind)?;
    }
    is_good &= tell_check("Unix sockets", &unix::check()?);
    is_good &= tell_check("programs for TLS", &programs::load_tls_programs());
    is_good &= reduced()?;
    is_good &= tell_check("TLS of Go", &https::check()?);
    let goroutines = goroutines::check().unwrap_or_else(|error| Outcome::Failed(error.to_string()));
    is_good &= tell_check("calls of goroutines", &goroutines);
    let openssl = openssl::check().unwrap_or_else(|error| Outcome::Failed(error.to_string()));
    is_good &= tell_check("TLS of OpenSSL", &openssl);
    is_good &= next_kinds::check()?;
    Ok(end(is_good))
}

/// What a kernel that is locked down leaves: what loading the probes comes to, in one line, and capturing packets.
fn tell_lockdown() {
    let kernel = Kernel::probe();
    let setting = kernel.settings.iter().find(|setting| setting.name == "lockdown");
    let mode = setting.map_or("none", |setting| setting.value.as_str());
    let probes = match load(Hooks::Automatic) {
        Ok(probes) => format!("{} hooks", probes.report().attached()),
        Err(error) => error.to_string(),
    };
    let packets = match AfPacket::open(&AfPacketConfig::default().with_interface("lo")) {
        Ok(_) => "a packet socket with its ring opens".to_owned(),
        Err(error) => error.to_string(),
    };
    tell(&json!({"finding": "lockdown", "mode": mode, "probes": probes, "packets": packets}));
}

/// Automatic hooks must cover every call. Where they are of one kind, that is tried by itself.
fn try_choice() -> Result<bool, Box<dyn std::error::Error>> {
    let mut probes = match load(Hooks::Automatic) {
        Ok(probes) => probes,
        Err(error) => {
            tell(&json!({"finding": "probes", "result": "failed", "detail": error.to_string()}));
            return Ok(false);
        }
    };
    let report = probes.report();
    for (hook, error) in report.missing() {
        tell(&json!({"finding": "hook", "result": "failed", "name": hook, "detail": error.to_string()}));
    }
    let (attached, hooks) = (report.attached(), report.hooks.len());
    let used: Vec<&str> = report.kinds().map(HookKind::name).collect();
    let is_one_kind = used.len() == 1;
    let result = if attached == hooks { "passed" } else { "failed" };
    tell(&json!({"finding": "probes", "result": result, "attached": attached, "hooks": hooks, "used": used}));
    Ok(attached == hooks && (is_one_kind || try_traffic("automatic", &mut probes)?))
}

/// One kind of hooks. That a kernel lacks it, or lacks it for some calls, is told and is no fault.
fn try_kind(kind: HookKind) -> Result<bool, Box<dyn std::error::Error>> {
    let loaded = load(kind);
    let (result, detail) = match &loaded {
        Err(error) => ("missing", error.to_string()),
        Ok(probes) => match lacking(probes.report()) {
            lacking if lacking.is_empty() => ("complete", String::new()),
            lacking => ("partial", format!("without {lacking}")),
        },
    };
    tell(&json!({"finding": "kind", "name": kind.name(), "is": result, "detail": detail}));
    match loaded {
        Ok(mut probes) if result == "complete" => {
            tell_crowd(kind, &mut probes)?;
            try_traffic(kind.name(), &mut probes)
        }
        _ => Ok(true),
    }
}

/// How many calls of many threads are told. Some kernels take a program from its processor while it runs, and leave it out for whoever
/// comes there meanwhile: that is told, and is no fault of ours.
fn tell_crowd(kind: HookKind, probes: &mut Probes) -> Result<(), Box<dyn std::error::Error>> {
    let pairs = if kind == HookKind::Kprobe { FEW_PAIRS } else { MANY_PAIRS };
    let watched = Watched::run(probes, &["crowd", &pairs.to_string()])?;
    let [sent, received] = [Transfer::Sent, Transfer::Received].map(|transfer| watched.moved(transfer));
    let stats = probes.stats()?;
    let sum = |of: fn(&ProcessorStats) -> u64| stats.processors.iter().map(of).sum::<u64>();
    tell(&json!({
        "finding": "crowd",
        "name": kind.name(),
        "threads": pairs * 2,
        "made": crowd::calls(pairs),
        "told": sent + received,
        "sent": sent,
        "received": received,
        "missed_runs": stats.missed_runs,
        "dropped_records": sum(|processor| processor.dropped_records),
        "full_threads": sum(|processor| processor.full_threads),
        "full_sockets": sum(|processor| processor.full_sockets),
        "lost_sockets": sum(|processor| processor.lost_sockets),
    }));
    Ok(())
}

/// The calls that are not hooked, and why the first of them is not.
fn lacking(report: &ProbeReport) -> String {
    let calls = report.calls.iter().filter(|call| call.kind.is_none()).map(|call| call.call);
    let calls: Vec<&str> = calls.collect();
    let reason = report.missing().next().map(|(_, error)| error.to_string());
    reason.map_or_else(String::new, |reason| format!("{}: {reason}", calls.join(", ")))
}

/// Every sort of traffic.
fn try_traffic(hooks: &str, probes: &mut Probes) -> Result<bool, Box<dyn std::error::Error>> {
    let mut is_good = true;
    for (traffic, arguments) in TRAFFIC {
        let watched = Watched::run(probes, arguments)?;
        let payload_bytes = ProbeConfig::default().payload_bytes;
        is_good &= tell_check(&format!("{hooks}: {traffic}"), &watched.traffic(payload_bytes));
        is_good &= tell_check(&format!("{hooks}: {traffic}: its process"), &watched.process());
    }
    is_good &= tell_check(&format!("{hooks}: records that were lost"), &losses(probes)?);
    Ok(is_good)
}

/// The same traffic once more, told of by the programs for kernels without ring buffers.
fn reduced() -> Result<bool, Box<dyn std::error::Error>> {
    let mut probes = Probes::load(&ProbeConfig::default().with_program_set(ProgramSet::Reduced))?;
    let missing: Vec<_> = probes.report().missing().map(|(hook, error)| format!("{hook}: {error}")).collect();
    let hooks = if missing.is_empty() {
        Outcome::passed(probes.report().to_string())
    } else {
        Outcome::Failed(missing.join("; "))
    };
    let is_good = tell_check("reduced programs: hooks", &hooks);
    Ok(try_traffic("reduced programs", &mut probes)? && is_good)
}

fn load(hooks: impl Into<Hooks>) -> Result<Probes, LoadError> {
    Probes::load(&ProbeConfig::default().with_tls(None).with_hooks(hooks))
}

fn losses(probes: &Probes) -> Result<Outcome, LoadError> {
    let stats = probes.stats()?;
    let lost = stats.dropped_records() + stats.malformed_records;
    Ok(if lost == 0 { Outcome::passed("none") } else { Outcome::Failed(format!("{stats:?}")) })
}

/// Pairs of threads: more than the kernel has places for returns that kprobes wait for, which are ten or two for each processor.
const MANY_PAIRS: usize = 24;
const FEW_PAIRS: usize = 4;

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
