//! Fuzzing on the stable toolchain: builds the targets with coverage counters, replays the corpus, then goes on from there.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use crate::cargo::succeed;

mod inputs;

/// How far a target goes on from its corpus.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Extent {
    /// For so long, another way each time. What is new is kept for the next run.
    Seconds(u32),
    /// To a number of inputs that are made from the corpus by a fixed rule: the same commit gives the same result.
    Smoke,
}

/// Runs every fuzz target (or those whose name contains `only`) over its corpus and then as far as told.
pub(crate) fn run(root: &Path, only: &str, extent: Extent) -> io::Result<()> {
    let fuzz = root.join("fuzz");
    let wanted: Vec<String> = targets(&fuzz)?.into_iter().filter(|target| target.contains(only)).collect();
    succeed(!wanted.is_empty(), &format!("no fuzz target has {only:?} in its name"))?;
    build(&fuzz)?;
    wanted.iter().try_for_each(|target| run_target(&fuzz, target, extent))
}

/// The flags that cargo-fuzz gives without a sanitizer: counters at every edge, and comparisons made visible.
fn build(fuzz: &Path) -> io::Result<()> {
    let flags = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
                 -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(fuzz).env("RUSTFLAGS", flags).env_remove("CARGO_TARGET_DIR");
    // With a target triple the flags do not reach build scripts, which have nowhere to count.
    cargo.args(["build", "--release", "--target", host(), "--target-dir", "target"]);
    succeed(cargo.status()?.success(), "the fuzz targets do not build")
}

fn run_target(fuzz: &Path, target: &str, extent: Extent) -> io::Result<()> {
    let corpus = fuzz.join("corpus").join(target);
    fs::create_dir_all(&corpus)?;
    let findings = fuzz.join("artifacts").join(target);
    fs::create_dir_all(&findings)?;
    let mut command = Command::new(fuzz.join("target").join(host()).join("release").join(target));
    let made = fuzz.join("target").join("smoke").join(target);
    match extent {
        Extent::Seconds(seconds) => {
            // New inputs go to the first folder; the committed corpus stays as it is.
            let fresh = fuzz.join("target").join("fresh").join(target);
            fs::create_dir_all(&fresh)?;
            command.arg(&fresh).arg(&corpus).arg(format!("-max_total_time={seconds}"));
        }
        Extent::Smoke => {
            make_inputs(&corpus, &made)?;
            // Runs what is there, and mutates nothing: what libFuzzer makes depends on addresses and hashes.
            command.arg(&corpus).arg(&made).arg("-runs=0");
        }
    }
    command.args(LIMITS).arg(format!("-artifact_prefix={}/", findings.display()));
    let is_clean = command.status()?.success();
    remove(&made)?;
    println!("fuzz {target}: {} after {extent}", if is_clean { "clean" } else { "FAILED" });
    succeed(is_clean, &format!("{target} failed; the input is in fuzz/artifacts/{target}"))
}

/// Writes what is made from the corpus to an empty folder.
fn make_inputs(corpus: &Path, made: &Path) -> io::Result<()> {
    let names = file_names(corpus)?;
    let seeds = names.iter().map(|name| fs::read(corpus.join(name))).collect::<io::Result<Vec<_>>>()?;
    remove(made)?;
    fs::create_dir_all(made)?;
    for (number, input) in inputs::inputs_from(&seeds, SMOKE_INPUTS, MAX_INPUT_BYTES).enumerate() {
        fs::write(made.join(format!("{number:04}")), input)?;
    }
    Ok(())
}

fn remove(folder: &Path) -> io::Result<()> {
    if folder.exists() { fs::remove_dir_all(folder) } else { Ok(()) }
}

fn file_names(folder: &Path) -> io::Result<Vec<String>> {
    let files = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    let mut names: Vec<String> =
        files.iter().map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

fn targets(fuzz: &Path) -> io::Result<Vec<String>> {
    let names = file_names(&fuzz.join("fuzz_targets"))?;
    Ok(names.iter().filter_map(|name| name.strip_suffix(".rs").map(str::to_owned)).collect())
}

const fn host() -> &'static str {
    if cfg!(target_arch = "aarch64") { "aarch64-unknown-linux-gnu" } else { "x86_64-unknown-linux-gnu" }
}

impl fmt::Display for Extent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seconds(seconds) => write!(formatter, "{seconds} s"),
            Self::Smoke => write!(formatter, "its corpus and {SMOKE_INPUTS} inputs made from it"),
        }
    }
}

/// What no input may exceed, and that the numbers are told at the end.
const LIMITS: [&str; 5] =
    ["-max_len=8192", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=0"];
/// As in [`LIMITS`].
const MAX_INPUT_BYTES: usize = 8_192;
/// How many inputs are tried beyond the corpus where the result must not depend on time or luck.
const SMOKE_INPUTS: usize = 2_000;
