//! Fuzzing on the stable toolchain: builds the targets with coverage counters, replays the corpus, then goes on for a while.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo::succeed;

/// Runs every fuzz target (or those whose name contains `only`) over its corpus and then for `seconds` each.
pub(crate) fn run(root: &Path, only: &str, seconds: u32) -> io::Result<()> {
    let fuzz = root.join("fuzz");
    let wanted: Vec<String> = targets(&fuzz)?.into_iter().filter(|target| target.contains(only)).collect();
    succeed(!wanted.is_empty(), &format!("no fuzz target has {only:?} in its name"))?;
    build(&fuzz)?;
    wanted.iter().try_for_each(|target| run_target(&fuzz, target, seconds))
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

fn run_target(fuzz: &Path, target: &str, seconds: u32) -> io::Result<()> {
    let corpus = fuzz.join("corpus").join(target);
    fs::create_dir_all(&corpus)?;
    let program = fuzz.join("target").join(host()).join("release").join(target);
    let findings = fuzz.join("artifacts").join(target);
    fs::create_dir_all(&findings)?;
    // New inputs go to the first folder; the committed corpus stays as it is.
    let fresh = fuzz.join("target").join("fresh").join(target);
    fs::create_dir_all(&fresh)?;
    let mut command = Command::new(program);
    command.arg(&fresh).arg(&corpus).arg(format!("-max_total_time={seconds}"));
    command.args([
        "-max_len=8192",
        "-timeout=10",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
        "-verbosity=0",
    ]);
    command.arg(format!("-artifact_prefix={}/", findings.display()));
    let is_clean = command.status()?.success();
    println!("fuzz {target}: {} after {seconds} s", if is_clean { "clean" } else { "FAILED" });
    succeed(is_clean, &format!("{target} failed; the input is in fuzz/artifacts/{target}"))
}

fn targets(fuzz: &Path) -> io::Result<Vec<String>> {
    let files = fs::read_dir(fuzz.join("fuzz_targets"))?.collect::<io::Result<Vec<_>>>()?;
    let mut names: Vec<String> = files
        .iter()
        .map(fs::DirEntry::path)
        .filter_map(|path: PathBuf| path.file_stem().map(|name| name.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    Ok(names)
}

const fn host() -> &'static str {
    if cfg!(target_arch = "aarch64") { "aarch64-unknown-linux-gnu" } else { "x86_64-unknown-linux-gnu" }
}
