//! Makes the recordings of golden cases anew: `cargo run -p df-testing --bin record -- [CASE]...`, all without a name.
//! Needs root, for network namespaces, and the servers and clients that the cases name.
#![allow(clippy::print_stderr, reason = "a program that tells what it does")]

use std::process::ExitCode;

use df_testing::GoldenCase;

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let cases = match GoldenCase::all() {
        Ok(cases) => cases,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let is_wanted =
        |case: &&GoldenCase| wanted.is_empty() || wanted.iter().any(|name| case.name().starts_with(name));
    let mut outcome = ExitCode::SUCCESS;
    for case in cases.iter().filter(is_wanted) {
        match case.record() {
            Ok(()) => eprintln!("recorded {}", case.name()),
            Err(error) => {
                eprintln!("{}: {error}", case.name());
                outcome = ExitCode::FAILURE;
            }
        }
    }
    outcome
}
