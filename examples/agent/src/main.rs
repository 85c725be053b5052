//! The example agent: reads the command line and runs the command.
#![forbid(unsafe_code)]

mod arguments;
mod config;
mod delivery;
mod doctor;
mod export;
mod health;
mod live;
mod logs;
mod output;
mod pipeline;
mod replay;
mod stop;
mod summary;

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;

use arguments::{Arguments, Command, ConfigArguments};
use clap::Parser;
use config::Configuration;
use output::print_text;

/// Exchanges are many small pieces of memory that live for a moment or for a window.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    logs::start();
    let arguments = Arguments::parse();
    let result = match arguments.command.unwrap_or(Command::Run(arguments.run)) {
        Command::Run(arguments) => live::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Config(arguments) => show_configuration(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn show_configuration(arguments: &ConfigArguments) -> Result<(), Failure> {
    let load = |path: Option<&Path>| Configuration::load(path).map_err(Failure::usage);
    if let Some(path) = &arguments.check {
        load(Some(path))?;
        return print_text(&format!("{} is valid\n", path.display()));
    }
    print_text(&config::print(&mut load(arguments.config.as_deref())?))
}

/// Why the agent stops: what it says on standard error, and its exit code.
#[derive(Debug)]
struct Failure {
    message: String,
    exit_code: u8,
}

impl Failure {
    /// Something went wrong while running: exit code 1.
    fn running(cause: impl Display) -> Self {
        Self { message: format!("{cause}"), exit_code: 1 }
    }

    /// Wrong arguments or configuration: exit code 2.
    fn usage(cause: impl Display) -> Self {
        Self { message: format!("{cause}"), exit_code: 2 }
    }

    #[allow(clippy::print_stderr, reason = "the one line that says why the program ends with an error")]
    fn report(self) -> ExitCode {
        if !self.message.is_empty() {
            eprintln!("df-agent: {}", self.message);
        }
        ExitCode::from(self.exit_code)
    }
}
