//! What the probes cost a call: `cargo run --release -p df-bench --bin calls -- [hooks] [SECONDS]` (as root; default 60).
//!
//! With `hooks` the kinds of hooks that this kernel has are compared, in turn, with payload.
//!
//! Another process makes calls, in turn without probes, with probes that leave its ports or all connections out, without payload,
//! and with all. Printed are medians of the processor's time per call, the time that each program takes by the kernel's own account, and
//! how many events per second come through the rings, with those that found no room.
#![allow(clippy::print_stdout, reason = "a command line tool prints")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use df_bpf::{HookKind, PortFilter, ProbeConfig, ProbeStats, Probes};
use rustix::time::{ClockId, clock_gettime};

type Failed = Box<dyn Error>;

fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["work", kind] => work(kind),
        [] => measure(60),
        ["hooks"] => measure_hooks(60),
        ["hooks", seconds] => measure_hooks(seconds.parse()?),
        [seconds] => measure(seconds.parse()?),
        _ => Err("usage: calls [hooks] [SECONDS]".into()),
    }
}

/// What the other process does; each is two calls, but `getppid`, which is one.
const KINDS: &[(&str, &str)] = &[
    ("getppid", "getppid, which is not hooked"),
    ("file", "reading 1 byte of a file, twice"),
    ("pipe", "writing 1 byte to a pipe and reading it"),
    ("tcp-1", "sending 1 byte by TCP and receiving it"),
    ("tcp-1024", "sending 1 KiB by TCP and receiving it"),
    ("tcp-16384", "sending 16 KiB by TCP and receiving it"),
];

/// The ways in which they are observed; the first is not at all.
const WAYS: &[&str] =
    &["no probes", "ports left out", "connections left out", "no payload", "1 KiB of payload"];

fn probes(way: usize) -> Result<Option<Probes>, Failed> {
    let config = ProbeConfig::default().with_tls(None);
    let mut probes = match way {
        0 => return Ok(None),
        1 => Probes::load(&config.with_ports(PortFilter::Only(vec![9])))?,
        3 => Probes::load(&config.with_payload_bytes(0))?,
        _ => Probes::load(&config)?,
    };
    if way == 2 {
        probes.leave_out(256)?;
    }
    Ok(Some(probes))
}

fn measure(seconds: u64) -> Result<(), Failed> {
    // The kernel's account costs calls something itself; whoever was interrupted may have left it on.
    fs::write(STATISTICS, "0")?;
    let per_turn = Duration::from_secs(seconds) / u32::try_from(KINDS.len() * WAYS.len() * ROUNDS + 4)?;
    let way = |(way, name): (usize, &&str)| -> Way { ((*name).to_owned(), Box::new(move || probes(way))) };
    let ways: Vec<Way> = WAYS.iter().enumerate().map(way).collect();
    tell_medians(&ways, per_turn)?;
    account(per_turn)?;
    throughput(per_turn)
}

/// Every kind of hooks that can be attached here, beside none.
fn measure_hooks(seconds: u64) -> Result<(), Failed> {
    let mut ways: Vec<Way> = vec![("no probes".to_owned(), Box::new(|| Ok(None)))];
    for kind in HookKind::ALL {
        let config = ProbeConfig::default().with_tls(None).with_hooks(kind);
        match Probes::load(&config) {
            Ok(_) => ways.push((kind.to_string(), Box::new(move || Ok(Some(Probes::load(&config)?))))),
            Err(error) => println!("not measured: {kind}: {error}"),
        }
    }
    let per_turn = Duration::from_secs(seconds) / u32::try_from(KINDS.len() * ways.len() * ROUNDS)?;
    tell_medians(&ways, per_turn)
}

/// The name of a way to observe, and how it begins.
type Way = (String, Box<dyn Fn() -> Result<Option<Probes>, Failed>>);

/// Each way in turn, several times over: what disturbs one disturbs the others.
fn tell_medians(ways: &[Way], per_turn: Duration) -> Result<(), Failed> {
    let mut medians: BTreeMap<(usize, usize), Vec<f64>> = BTreeMap::new();
    for _ in 0..ROUNDS {
        for (way, (_, load)) in ways.iter().enumerate() {
            let mut probes = load()?;
            for (number, (kind, _)) in KINDS.iter().enumerate() {
                let (nanoseconds, _) = observed(&mut probes, kind, per_turn)?;
                medians.entry((number, way)).or_default().push(nanoseconds);
            }
        }
    }
    let names: Vec<&str> = ways.iter().map(|(name, _)| name.as_str()).collect();
    println!("| what, ns of processor time | {} |", names.join(" | "));
    println!("| --- |{}", " ---: |".repeat(ways.len()));
    for (number, (_, what)) in KINDS.iter().enumerate() {
        let of = |way| median(medians.get(&(number, way)).cloned().unwrap_or_default());
        let added = (1..ways.len()).map(|way| format!("{:+.0}", of(way) - of(0)));
        println!("| {what} | {:.0} | {} |", of(0), added.collect::<Vec<_>>().join(" | "));
    }
    Ok(())
}

/// Time of each program by the kernel's own account, which costs some 50 ns itself.
fn account(duration: Duration) -> Result<(), Failed> {
    let before = fs::read_to_string(STATISTICS)?;
    fs::write(STATISTICS, "1")?;
    println!("\n| what | program | ns per run |\n| --- | --- | ---: |");
    let tell = || -> Result<(), Failed> {
        for (kind, what) in KINDS.iter().skip(1) {
            let mut probes = probes(EVERYTHING)?;
            observed(&mut probes, kind, duration)?;
            for (program, nanoseconds) in programs()? {
                println!("| {what} | `{program}` | {nanoseconds:.0} |");
            }
        }
        Ok(())
    };
    let result = tell();
    fs::write(STATISTICS, before)?;
    result
}

/// The programs of this process that ran often, by the descriptors that it has of them: two that only differ in which call they
/// hang on are told apart by `bpftool` alone, which knows names.
fn programs() -> Result<Vec<(String, f64)>, Failed> {
    let names = names();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc/self/fdinfo")?.flatten() {
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        let field =
            |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
        if let (Some(id), Some(time), Some(runs @ 10_000..)) =
            (field("prog_id:"), field("run_time_ns:"), field("run_cnt:"))
        {
            #[allow(clippy::cast_precision_loss, reason = "a mean")]
            let mean = time as f64 / runs as f64;
            found.push((names.get(&id).cloned().unwrap_or_else(|| id.to_string()), mean));
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found.dedup_by(|one, other| one.0 == other.0);
    Ok(found)
}

fn names() -> BTreeMap<u64, String> {
    let listed = Command::new("bpftool").args(["prog", "show"]).output();
    let listed =
        listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let named = listed.lines().filter_map(|line| {
        let (id, rest) = line.split_once(": ")?;
        let name = rest.split(" name ").nth(1)?.split_whitespace().next()?;
        Some((id.parse().ok()?, name.to_owned()))
    });
    named.collect()
}

fn throughput(duration: Duration) -> Result<(), Failed> {
    println!("\n| events | events/s | dropped |\n| --- | ---: | ---: |");
    for (kind, what) in KINDS.iter().filter(|(kind, _)| kind.starts_with("tcp")) {
        let mut probes = probes(EVERYTHING)?;
        let began = Instant::now();
        let (_, stats) = observed(&mut probes, kind, duration * 2)?;
        #[allow(clippy::cast_precision_loss, reason = "a rate")]
        let rate = stats.events as f64 / began.elapsed().as_secs_f64();
        println!("| {what} | {rate:.0} | {} |", stats.dropped_records());
    }
    Ok(())
}

/// Has another process make calls, and reads what is told of them meanwhile.
fn observed(
    probes: &mut Option<Probes>,
    kind: &str,
    duration: Duration,
) -> Result<(f64, ProbeStats), Failed> {
    let path: PathBuf = std::env::current_exe()?;
    let mut child =
        Command::new(path).args(["work", kind]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let end = Instant::now() + duration;
    while Instant::now() < end {
        match probes {
            Some(probes) => {
                probes.poll(Duration::from_millis(20), |event| {
                    std::hint::black_box(event);
                })?;
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    }
    // It stops when there is nothing more to read.
    drop(child.stdin.take());
    let stats = probes.as_ref().map(Probes::stats).transpose()?.unwrap_or_default();
    let output = String::from_utf8(child.wait_with_output()?.stdout)?;
    Ok((output.trim().parse()?, stats))
}

/// Makes calls until told to stop; prints how much of the processor's time a batch took per round: of ten batches the quickest but
/// one, since others on the machine only make them slower.
fn work(kind: &str) -> Result<(), Failed> {
    let (stopping, stopped) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read(&mut [0]);
        let _ = stopping.send(());
    });
    let mut round = round_of(kind)?;
    let mut batches = Vec::new();
    while stopped.try_recv().is_err() {
        let before = thread_ns();
        for _ in 0..ROUNDS_PER_BATCH {
            round()?;
        }
        #[allow(clippy::cast_precision_loss, reason = "a mean")]
        batches.push((thread_ns() - before) as f64 / f64::from(ROUNDS_PER_BATCH));
    }
    batches.sort_by(f64::total_cmp);
    println!("{}", batches.get(batches.len() / 10).copied().unwrap_or(f64::NAN));
    Ok(())
}

type Round = Box<dyn FnMut() -> std::io::Result<()>>;

fn round_of(kind: &str) -> Result<Round, Failed> {
    let mut byte = [0];
    Ok(match kind.split_once('-') {
        Some((_, bytes)) => {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let mut sender = TcpStream::connect(listener.local_addr()?)?;
            sender.set_nodelay(true)?;
            let (mut receiver, _) = listener.accept()?;
            let (sent, mut buffer) = (vec![b'x'; bytes.parse()?], vec![0; bytes.parse()?]);
            Box::new(move || {
                sender.write_all(&sent)?;
                receiver.read_exact(&mut buffer)
            })
        }
        None if kind == "file" => {
            let mut file = File::open("/dev/zero")?;
            Box::new(move || {
                file.read_exact(&mut byte)?;
                file.read_exact(&mut byte)
            })
        }
        None if kind == "pipe" => {
            let (mut reader, mut writer) = std::io::pipe()?;
            Box::new(move || {
                writer.write_all(&byte)?;
                reader.read_exact(&mut byte)
            })
        }
        None => Box::new(|| {
            std::hint::black_box(std::os::unix::process::parent_id());
            Ok(())
        }),
    })
}

fn thread_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let [seconds, rest] = [time.tv_sec, time.tv_nsec].map(|part| u64::try_from(part).unwrap_or(0));
    seconds * 1_000_000_000 + rest
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Of [`WAYS`].
const EVERYTHING: usize = 4;
const ROUNDS: usize = 5;
const ROUNDS_PER_BATCH: u32 = 2_000;
const STATISTICS: &str = "/proc/sys/kernel/bpf_stats_enabled";
