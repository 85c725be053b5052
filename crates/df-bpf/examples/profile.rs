//! Prints where processors spend their time, as folded stacks: `cargo run -p df-bpf --features profile --example profile -- --seconds 10`
//! as root. `--pid PID` looks at one process, `--request ID` at what was done for one request, by its causal id in
//! hexadecimal digits; `--pprof FILE` writes a file for `go tool pprof` besides.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example prints")]

use std::time::{Duration, Instant};

use df_bpf::{ProbeConfig, Probes, ProcessFilter, ProfileConfig, Symbolizer};
use df_core::CausalId;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse(std::env::args().skip(1))?;
    let processes = options.pid.map_or(ProcessFilter::All, |pid| ProcessFilter::Only(vec![pid]));
    let config =
        ProbeConfig::default().with_processes(processes).with_profile(Some(ProfileConfig::default()));
    let mut probes = Probes::load(&config)?;
    for (hook, error) in probes.report().missing() {
        eprintln!("not attached: {hook}: {error}");
    }
    probes.drop_capabilities()?;
    let begin = Instant::now();
    // What processes send and receive is read too: it tells which request they work on.
    while begin.elapsed() < options.time {
        probes.poll(Duration::from_millis(100), |_| ())?;
    }
    let mut profile = probes.take_profile()?;
    eprintln!(
        "{} samples in {:.1} s; lost: {} samples, {} stacks",
        profile.count(),
        profile.duration.as_secs_f64(),
        profile.lost_samples,
        profile.lost_stacks
    );
    if let Some(request) = options.request {
        profile = profile.of_request(request);
    }
    let symbols = Symbolizer::new().symbolize(&profile);
    print!("{}", profile.folded(&symbols));
    if let Some(path) = options.pprof {
        std::fs::write(path, profile.pprof(&symbols))?;
    }
    Ok(())
}

/// What the command line asks for.
struct Options {
    pid: Option<u32>,
    request: Option<CausalId>,
    time: Duration,
    pprof: Option<String>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn std::error::Error>> {
        let mut options = Self { pid: None, request: None, time: Duration::from_secs(10), pprof: None };
        while let Some(argument) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{argument}: a value is missing"))?;
            match argument.as_str() {
                "--pid" => options.pid = Some(value.parse()?),
                "--request" => options.request = CausalId::new(u64::from_str_radix(&value, 16)?),
                "--seconds" => options.time = Duration::from_secs(value.parse()?),
                "--pprof" => options.pprof = Some(value),
                _ => return Err(format!("{argument}: not known").into()),
            }
        }
        Ok(options)
    }
}
