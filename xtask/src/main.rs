//! Tasks of this repository, called as `cargo xtask TASK`.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool prints")]

use std::path::PathBuf;
use std::process::ExitCode;

mod bpf;
mod cargo;
mod features;
mod fuzz;
mod kernels;
mod package;
mod packages;
mod test;
mod tidy;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["tidy"] => run_tidy(),
        ["test"] => reported(test::run(&repository_root())),
        ["fuzz", rest @ ..] => run_fuzz(rest),
        ["features"] => reported(features::run(&repository_root())),
        ["bpf"] => reported(bpf::build(&repository_root())),
        ["bpf", "--check"] => reported(bpf::check(&repository_root())),
        ["kernels"] => reported(kernels::run(&repository_root(), "")),
        ["kernels", name] => reported(kernels::run(&repository_root(), name)),
        ["package"] => reported(package::run(&repository_root())),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

const USAGE: &str = "\
usage: cargo xtask TASK

  test                     runs every test; as root on Debian it first installs the servers that tests talk to
  tidy                     checks the rules of docs/style.md that neither rustfmt nor clippy checks
  fuzz [TARGET] [SECONDS]  replays the corpus of every fuzz target, or of those named TARGET, then fuzzes for SECONDS
                           each (default 10), another way each time
  fuzz [TARGET] --smoke    replays the corpus and inputs made from it by a fixed rule: the same result each time
  features                 builds every crate without features, and with each feature alone
  bpf [--check]            compiles the eBPF programs with clang-19; --check proves that the objects equal the source
  kernels [NAME]           boots kernels of Debian in QEMU, tries the eBPF programs on each, writes the table of docs/kernel.md
  package                  packages every crate, and builds each in an empty project";

fn run_fuzz(words: &[&str]) -> ExitCode {
    let seconds = words.iter().find_map(|word| word.parse().ok()).unwrap_or(10);
    let is_smoke = words.contains(&"--smoke");
    let extent = if is_smoke { fuzz::Extent::Smoke } else { fuzz::Extent::Seconds(seconds) };
    let is_target = |word: &&&str| **word != "--smoke" && word.parse::<u32>().is_err();
    let target = words.iter().find(is_target).copied().unwrap_or("");
    reported(fuzz::run(&repository_root(), target, extent))
}

fn reported(result: std::io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run_tidy() -> ExitCode {
    match tidy::check(&repository_root()) {
        Ok(violations) if violations.is_empty() => ExitCode::SUCCESS,
        Ok(violations) => {
            for violation in &violations {
                println!("{violation}");
            }
            eprintln!("{} places break a rule; docs/style.md says why the rules are there", violations.len());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn repository_root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        let violations = tidy::check(&repository_root()).unwrap();
        let lines: Vec<_> = violations.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "\n{}", lines.join("\n"));
    }
}
